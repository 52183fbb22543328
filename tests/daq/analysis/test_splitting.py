"""Moments that flip or do not: estimates scatter about the truth, and intervals are as long as the likelihood is flat."""

from dataclasses import replace

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.analysis.judgement import STANDARD, TWICE
from daq.analysis.models import MOST_RELAXED, blocked
from daq.analysis.pair import joint_fit
from daq.analysis.splitting import KNOWN, Splitting
from tests.daq.analysis.campaign import charge_pairs, counted_pair, totals, window_of
from tests.daq.analysis.expected import Truth

V11, HEAVY = Truth(11, True, 0.91), Truth(45, True, 1.0)
DRAWS = 40
FOUR = 4 / np.sqrt(DRAWS)


def expected_of(truth: Truth, calibrations: Calibrations) -> Splitting:
    """From the numbers of ions that come on average."""
    window = window_of(truth, calibrations)
    cluster = counted_pair(truth, truth.rates(window.time_s), window, calibrations, None)
    data = joint_fit(cluster, calibrations)
    return Splitting.of(data, cluster.at, data.fit(blocked(cluster.at, most_flips=MOST_RELAXED), (truth.moment_uB, 0.1)))


@pytest.mark.parametrize("flips", [0.0, 0.2, 0.8])
def test_the_estimate_of_what_comes_on_average_is_the_truth(flips: float, calibrations: Calibrations) -> None:
    found = expected_of(replace(V11, flips=flips, ions=1e4), calibrations)
    assert found.fit.value("flips") == pytest.approx(flips, abs=0.02)
    assert abs(found.moment_uB - 0.91) < 0.3 * found.fit.error("moment_uB")


def test_a_moment_that_does_not_flip_is_covered_as_stated(calibrations: Calibrations) -> None:
    found = totals(replace(V11, ions=3000.0), 0.91, calibrations, DRAWS, 2)
    assert found.recognised == DRAWS
    assert abs(found.bias) < FOUR
    assert abs(found.narrow - 0.683) < FOUR * 0.47
    assert abs(found.wide - 0.95) < FOUR * 0.22


def test_resolved_peaks_have_the_interval_of_a_gaussian(calibrations: Calibrations) -> None:
    found = expected_of(replace(V11, ions=3e4), calibrations)
    error = found.fit.error("moment_uB")
    for errors, (low, high) in found.intervals_uB((STANDARD, TWICE)).items():
        assert (low, high) == pytest.approx((found.moment_uB - errors * error, found.moment_uB + errors * error))


def test_unresolved_peaks_have_at_least_the_interval_that_the_likelihood_gives(calibrations: Calibrations) -> None:
    found = expected_of(replace(HEAVY, flips=1.0, ions=2e3), calibrations)
    assert found.fit.error("flips") > KNOWN
    risen = []
    for end in found.intervals_uB((STANDARD,))[STANDARD]:
        held = blocked(found.at, end, most_flips=MOST_RELAXED)
        risen.append(found.data.fit(held, (end, found.fit.value("flips"))).chi2 - found.fit.chi2)
    assert min(risen) > 0.8


def test_a_moment_is_not_sought_below_all_that_are_possible(calibrations: Calibrations) -> None:
    """W t of unresolved peaks is not known: continued it would take the moment down by a quarter."""
    found = expected_of(replace(HEAVY, flips=0.0, ions=1e4), calibrations)
    assert found.fit.value("flips") >= 0
    assert found.moment_uB == pytest.approx(1.0, abs=0.02)


def test_charge_has_intervals_as_counts_have(calibrations: Calibrations) -> None:
    (cluster,) = charge_pairs(replace(V11, ions=3000.0), calibrations, 1, 4)
    assert not isinstance(cluster, str)
    data = joint_fit(cluster, calibrations)
    found = Splitting.of(data, cluster.at, data.fit(blocked(cluster.at, most_flips=MOST_RELAXED), (0.9, 0.1)))
    low, high = found.intervals_uB((TWICE,))[TWICE]
    assert low < 0.91 < high
    assert high - low == pytest.approx(2 * TWICE * found.fit.error("moment_uB"), rel=0.4)
