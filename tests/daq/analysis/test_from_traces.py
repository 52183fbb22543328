"""From traces to moments: reducer and analysis together, on pulses in noise."""

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.analysis.moments import analyse
from daq.reduce import Reducer
from tests.daq.analysis.beam import AXIS, Beam, magnetic, none, step_at, thermal, traces


def test_moments_come_out_of_traces(calibrations: Calibrations) -> None:
    clusters = {5: magnetic(0.78), 10: none, 11: magnetic(0.91), 12: none, 13: thermal(5.0)}
    ions = dict.fromkeys(clusters, 30.0)
    beam, rng = Beam(clusters, ions), np.random.default_rng(4)
    reducer = Reducer(AXIS, "V", clusters, calibrations)
    for index, field_T in enumerate((0.0, 2.4, 2.4, 0.0)):
        step = step_at(index, field_T)
        reducer.add(step, traces(beam, step, 100, rng, first=100 * index))
    results = analyse(reducer.profiles(), calibrations)
    behaviour = {c.size: c.behaviour for c in results.clusters}
    assert (behaviour[5], behaviour[11], behaviour[13]) == ("atomic-like", "atomic-like", "superparamagnetic")
    assert {behaviour[10], behaviour[12]} <= {"non-magnetic", "undecided"}
    for size, truth in ((5, 0.78), (11, 0.91), (13, 5.0)):
        cluster = results.cluster(size)
        assert cluster.moment_uB == pytest.approx(truth, abs=4 * cluster.statistical_uB)
    assert results.cluster(12).ions == pytest.approx(30 * 400, rel=0.25)
