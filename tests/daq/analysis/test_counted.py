"""Counted ions: moments from few of them, errors that hold, and one clear sentence where there is no number."""

import pytest

from config.calibration import Calibrations
from daq.analysis import analyse
from tests.daq.analysis.beam import Beam, counted_profiles, magnetic, none, thermal

SHOTS = 4000
"""Per step; 8,000 per field."""


def test_few_ions_are_enough_for_every_behaviour(calibrations: Calibrations) -> None:
    beam = Beam(
        {3: magnetic(1.2), 11: magnetic(0.91), 12: none, 13: thermal(2.75), 33: thermal(5.0)},
        {3: 0.05, 11: 0.15, 12: 0.2, 13: 0.2, 33: 0.25},
    )
    results = analyse(counted_profiles(beam, SHOTS, calibrations, 1), calibrations)
    assert {c.signal for c in results.clusters} == {"counted"}
    for size, moment in ((3, 1.2), (11, 0.91)):
        cluster = results.cluster(size)
        assert cluster.behaviour == "atomic-like"
        assert abs(cluster.moment_uB - moment) < 4 * cluster.statistical_uB
        assert abs(cluster.unrelaxed_uB - moment) < 4 * cluster.unrelaxed_error_uB
        assert cluster.unrelaxed_error_uB < 0.03
        assert abs(cluster.gaussian_uB - moment) < 0.1
    for size, moment in ((13, 2.75), (33, 5.0)):
        cluster = results.cluster(size)
        assert cluster.behaviour == "superparamagnetic"
        assert abs(cluster.moment_uB - moment) < 4 * cluster.statistical_uB
        low, high = cluster.interval_95_uB
        assert low < moment < high
    assert results.cluster(12).behaviour in ("undecided", "non-magnetic")
    assert results.cluster(11).ions == pytest.approx(4 * SHOTS * 0.15, rel=0.1)
    assert 0 < results.cluster(11).occupancy < 0.05
