"""Clusters bent so far that ions pass beside the ionised region: their moments stay right, and say what they owe its edge."""

import pytest

from config.calibration import Calibrations
from daq.analysis.judgement import Setting, judged
from daq.analysis.moments import all_fits
from daq.analysis.pair import joint_fit
from daq.analysis.results import ClusterResult
from tests.daq.analysis.campaign import BEAM, counted_pair, window_of
from tests.daq.analysis.expected import Truth


def expected(truth: Truth, calibrations: Calibrations) -> ClusterResult:
    """What is said of the expected ions themselves, which do not scatter."""
    window = window_of(truth, calibrations)
    cluster = counted_pair(truth, truth.rates(window.time_s), window, calibrations, None)
    return judged(all_fits(cluster, joint_fit(cluster, calibrations)), Setting(BEAM, truth.intensity, None, calibrations))


@pytest.mark.parametrize("moment_uB", [1.1, 1.2, 1.3, 1.4, 1.45])
def test_an_atomic_like_moment_is_right_up_to_a_sixth_of_the_ions_lost(moment_uB: float, calibrations: Calibrations) -> None:
    """Without the edge it comes out 0.01 µB too low at 1.3 µB, 0.03 at 1.4."""
    found = expected(Truth(3, True, moment_uB, ions=10_000.0), calibrations)
    assert found.behaviour == "atomic-like"
    assert found.moment_uB == pytest.approx(moment_uB, abs=0.3 * 0.003)


@pytest.mark.parametrize("mean_uB", [1.0, 1.2, 1.3])
def test_a_mean_moment_is_right_as_long_as_most_ions_arrive(mean_uB: float, calibrations: Calibrations) -> None:
    found = expected(Truth(3, False, mean_uB, ions=10_000.0), calibrations)
    assert found.behaviour == "superparamagnetic"
    assert found.mean_moment_uB is not None
    assert found.mean_moment_error_uB is not None
    assert abs(found.mean_moment_uB - mean_uB) < 0.5 * found.mean_moment_error_uB


def test_with_more_ions_lost_there_is_no_number(calibrations: Calibrations) -> None:
    found = expected(Truth(3, True, 1.5, ions=10_000.0), calibrations)
    assert (found.behaviour, found.moment_uB) == ("undecided", None)
    assert "bent out of the ionised region" in found.note


def test_only_who_reaches_the_edge_owes_it_anything(calibrations: Calibrations) -> None:
    at_the_edge, inside = Truth(3, True, 1.4, ions=10_000.0), Truth(11, True, 0.91, ions=10_000.0)
    owed = expected(at_the_edge, calibrations).systematics_uB
    unbent = expected(inside, calibrations).systematics_uB
    assert owed is not None
    assert unbent is not None
    assert 0.001 < owed["acceptance"] < 0.01
    assert unbent.keys() == {"gradient", "velocity", "position"}


@pytest.mark.parametrize("acceptance_m", [9.8e-3, 10.2e-3])
@pytest.mark.parametrize("moment_uB", [1.2, 1.4])
def test_an_edge_a_little_elsewhere_is_within_what_is_owed_to_it(
    moment_uB: float, acceptance_m: float, calibrations: Calibrations
) -> None:
    """One standard uncertainty off, so that it may take a little more."""
    found = expected(Truth(3, True, moment_uB, ions=10_000.0, acceptance_m=acceptance_m), calibrations)
    assert found.systematics_uB is not None
    assert found.moment_uB is not None
    assert found.moment_uB - moment_uB == pytest.approx(0.0, abs=1.5 * found.systematics_uB["acceptance"])
