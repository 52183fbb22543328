"""The short form of `benchmarks/moments.py`: limits are four standard deviations of what this few draws can show."""

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.analysis.pair import joint_fit
from tests.daq.analysis.campaign import (
    best_possible,
    charge_pairs,
    counted_pair,
    counted_pairs,
    judgements,
    model_of,
    ours,
    papers,
    window_of,
)
from tests.daq.analysis.expected import Truth

DRAWS = 100
FOUR = 4 / np.sqrt(DRAWS)

ATOMIC, RELAXING = Truth(11, True, 0.91), Truth(13, False, 0.155)


@pytest.mark.parametrize("ions", [300.0, 3000.0])
@pytest.mark.parametrize("kind", [ATOMIC, RELAXING])
def test_moments_scatter_as_little_as_can_be_and_as_stated(kind: Truth, ions: float, calibrations: Calibrations) -> None:
    truth = Truth(kind.size, kind.blocked, kind.moment_uB, ions=ions)
    found, _ = ours(counted_pairs(truth, calibrations, DRAWS, 1), truth, calibrations)
    best = best_possible(truth, calibrations)
    assert found.efficiency(best) > 1 - FOUR * np.sqrt(2)
    assert found.efficiency(best) < 1 + 1.5 * FOUR * np.sqrt(2)
    assert abs(found.bias(truth.moment_uB)) < FOUR
    assert abs(found.within(truth.moment_uB, 1.0) - 0.683) < FOUR * 0.47
    assert abs(found.within(truth.moment_uB, 1.96) - 0.95) < FOUR * 0.22
    assert np.median(found.errors) == pytest.approx(best, rel=0.05)


@pytest.mark.parametrize(
    ("size", "moment_uB", "flips"), [(3, 1.2, 0.0), (3, 1.4, 0.0), (11, 0.3, 0.0), (11, 1.2, 0.0), (11, 0.91, 0.8)]
)
def test_the_expected_ions_themselves_give_the_moment(
    size: int, moment_uB: float, flips: float, calibrations: Calibrations
) -> None:
    truth = Truth(size, True, moment_uB, flips=flips, ions=10_000.0)
    window = window_of(truth, calibrations)
    cluster = counted_pair(truth, truth.rates(window.time_s), window, calibrations, None)
    found = joint_fit(cluster, calibrations).fit(*model_of(truth, cluster))
    assert abs(found.value("moment_uB") - moment_uB) < 0.06 * found.error("moment_uB")


def test_likelihood_intervals_hold_a_splitting_that_is_barely_there(calibrations: Calibrations) -> None:
    truth = Truth(11, True, 0.3, ions=300.0)
    _, above = ours(counted_pairs(truth, calibrations, DRAWS, 1), truth, calibrations, ratios=True)
    assert abs(np.mean(above < 1.0) - 0.683) < FOUR * 0.47
    assert abs(np.mean(above < 1.96**2) - 0.95) < FOUR * 0.22


def test_counting_is_worth_twice_the_charge(calibrations: Calibrations) -> None:
    truth = Truth(11, True, 0.91, ions=3000.0)
    charge, _ = ours(charge_pairs(truth, calibrations, 40, 1), truth, calibrations)
    assert 0.25 < charge.efficiency(best_possible(truth, calibrations)) < 0.9


def test_the_mean_of_a_profile_wastes_ions_on_its_background(calibrations: Calibrations) -> None:
    truth = Truth(13, False, 0.155, ions=3000.0, background=0.1)
    found, _ = ours(counted_pairs(truth, calibrations, DRAWS, 1), truth, calibrations)
    paper = papers(counted_pairs(truth, calibrations, DRAWS, 1), truth)
    assert np.std(paper.values) > 1.3 * np.std(found.values)


def test_behaviours_five_deviations_from_all_others_are_right(calibrations: Calibrations) -> None:
    for truth, right in (
        (Truth(11, True, 0.91, ions=1000.0), "atomic-like"),
        (Truth(33, False, 0.42, ions=3000.0), "superparamagnetic"),
        (Truth(12, False, 0.0, ions=30_000.0), "non-magnetic"),
    ):
        assert judgements(truth, calibrations, 12, 1)[right] >= 11
