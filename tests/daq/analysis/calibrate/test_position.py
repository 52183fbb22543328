"""s and q come back from a focus of some width that is moved across a beam of some width."""

import math
from dataclasses import replace

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.analysis.calibrate.estimate import CannotCalibrate
from daq.analysis.calibrate.position import Spot, calibrate_position

ATOM_u, REFERENCE_u = 50.94396, 1858.1274
UP_m = np.arange(4.0, 6.05, 0.1) * 1e-3
ONCE_m, TWICE_m = UP_m, np.concatenate([UP_m, UP_m[::-1]])
PLAN_m = np.concatenate([UP_m[::2], UP_m[-2::-2], UP_m[1::2], UP_m[::-2]])
"""Four passes, as the plan goes."""
S, Q, CENTRE_m = 19.26e-6, 1.0e-6, 5.04e-3


def scanned(
    seed: int,
    stages_m: np.ndarray = PLAN_m,
    drift_per_hour: float = 0.0,
    bend_per_hour2: float = 0.0,
    jitter_s: float = 0.0,
    focus_m: float = 0.2e-3,
    ions: int = 1500,
    step_s: float = 25.0,
) -> list[Spot]:
    """Ions drawn one by one from two apertures, ionised where the focus is, with exponential pulse heights.

    The drift is relative, of the flight time, and so is the change of its rate; `jitter_s` is what moves all of a step alike.
    """
    rng, found = np.random.default_rng(seed), []
    for turn, stage in enumerate(stages_m):
        hours = turn * step_s / 3600
        relative, shared_s = (drift_per_hour + bend_per_hour2 * hours / 2) * hours, jitter_s * rng.standard_normal()
        for size in range(5, 34, 4):
            root = math.sqrt(size * ATOM_u / REFERENCE_u)
            n = rng.poisson(ions)
            z = 2.35 * rng.uniform(-0.25e-3, 0.25e-3, n) - 1.35 * rng.uniform(-0.5e-3, 0.5e-3, n)
            z = z[rng.random(n) < np.exp(-(((z - stage + CENTRE_m) / (focus_m / 2.3548)) ** 2) / 2)]
            weight = rng.exponential(1.0, len(z))
            arrival = root * (S * z + Q * z**2) + rng.normal(0, 8.5e-9, len(z))
            total = weight.sum()
            if len(z) < 10:
                found.append(Spot(f"V{size}", size * ATOM_u, stage, turn * step_s, math.nan, math.inf, total, 3.0))
                continue
            mean = (weight @ arrival) / total
            error = np.sqrt((weight**2) @ (arrival - mean) ** 2) / total
            when = 80e-6 * root * (1 + relative) + shared_s + mean
            found.append(Spot(f"V{size}", size * ATOM_u, stage, turn * step_s, when, error, total, math.sqrt(2 * len(z))))
    return found


def test_the_errors_cover_the_truth(calibrations: Calibrations) -> None:
    """Of machines drawn from what is assumed: width of the focus, drift and its bend, and a jitter that a step shares."""
    rng, pulls, found = np.random.default_rng(1), [], []
    for seed in range(40):
        focus_m, drift, bend = rng.normal([0.2e-3, 0.0, 0.0], [0.02e-3, 50e-6, 50e-6])
        made = calibrate_position(scanned(seed, PLAN_m, drift, bend, 0.13e-9, focus_m), calibrations.position)
        found.append(made)
        pulls.append((made.sensitivity_s_per_m.value - S) / made.sensitivity_s_per_m.error)
    assert abs(np.mean(pulls)) < 0.45
    assert 0.75 < np.std(pulls) < 1.25
    assert np.mean(np.abs(pulls) < 1.96) >= 0.9
    assert np.mean([one.chi2 for one in found]) == pytest.approx(1, abs=0.1)
    assert found[0].centre_m == pytest.approx(CENTRE_m, abs=0.03e-3)
    assert found[0].calibration().sensitivity_s_per_m.uncertainty < 0.01 * S


def test_what_moves_all_sizes_of_a_step_alike_is_in_the_statistical_error(calibrations: Calibrations) -> None:
    still, shaken = (
        [calibrate_position(scanned(seed, jitter_s=jitter_s, ions=400), calibrations.position) for seed in range(12)]
        for jitter_s in (0.0, 2e-9)
    )
    assert np.mean([one.sensitivity_s_per_m.statistical for one in shaken]) > 1.5 * still[0].sensitivity_s_per_m.statistical
    pulls = [(one.sensitivity_s_per_m.value - S) / one.sensitivity_s_per_m.statistical for one in shaken]
    assert 0.5 < np.sqrt(np.mean(np.square(pulls))) < 1.6


def test_four_passes_tell_an_uneven_drift_from_position_two_count_it_as_error(calibrations: Calibrations) -> None:
    four, two = (
        calibrate_position(scanned(4, way, bend_per_hour2=100e-6, step_s=100.0), calibrations.position).sensitivity_s_per_m
        for way in (PLAN_m, TWICE_m)
    )
    even = calibrate_position(scanned(4), calibrations.position).sensitivity_s_per_m
    assert four.value == pytest.approx(even.value, rel=0.004)
    assert four.error < 1.1 * even.error
    assert two.error > 1.3 * four.error
    for one in (four, two):
        assert one.value == pytest.approx(S, abs=2.5 * one.error)


def test_a_drift_is_told_from_position_when_the_stage_goes_back(calibrations: Calibrations) -> None:
    drift = 300e-6
    back = calibrate_position(scanned(3, TWICE_m, drift), calibrations.position)
    once = calibrate_position(scanned(3, ONCE_m, drift / 6), calibrations.position)
    assert (back.drift_known, once.drift_known) == (True, False)
    assert once.sensitivity_s_per_m.systematic > 1.5 * back.sensitivity_s_per_m.systematic
    for one in (back, once):
        assert one.sensitivity_s_per_m.value == pytest.approx(S, abs=2.5 * one.sensitivity_s_per_m.error)


def test_what_is_known_of_the_curvature_is_kept(calibrations: Calibrations) -> None:
    """Two millimetres tell little of q: what they do not tell is left as it was."""
    found = calibrate_position(scanned(1), calibrations.position).curvature_s_per_m2
    old = calibrations.position.curvature_s_per_m2
    assert found.value == pytest.approx(old.value, abs=old.uncertainty)
    assert found.error == pytest.approx(old.uncertainty, rel=0.01)


@pytest.mark.parametrize(("element", "atom_u"), [("V", ATOM_u), ("Nb", 92.90637)])
def test_a_second_run_has_offsets_and_a_drift_of_its_own(element: str, atom_u: float, calibrations: Calibrations) -> None:
    """Taken when the high voltage was 50 ppm off and went the other way, of the same rod or of another one."""
    times = math.sqrt(atom_u / ATOM_u)
    second = [
        replace(
            one,
            cluster=one.cluster.replace("V", element),
            mass_u=one.mass_u * times**2,
            time_s=one.time_s * times * (1 + 50e-6),
            time_error_s=one.time_error_s * times,
            run=1,
        )
        for one in scanned(7, drift_per_hour=-80e-6)
    ]
    first = scanned(6, drift_per_hour=80e-6)
    alone, both = (calibrate_position(one, calibrations.position) for one in (first, [*first, *second]))
    assert both.chi2 < 1.2
    assert both.sensitivity_s_per_m.value == pytest.approx(S, abs=2.5 * both.sensitivity_s_per_m.error)
    assert both.sensitivity_s_per_m.statistical < 0.85 * alone.sensitivity_s_per_m.statistical


GOOD = scanned(5)


@pytest.mark.parametrize(
    ("spots", "said"),
    [
        ([], "the profiles are empty"),
        ([replace(spot, stage_m=5e-3) for spot in GOOD], "the stage stood at 1 places"),
        ([spot for spot in GOOD if abs(spot.stage_m - CENTRE_m) < 0.2e-3], "the stage stood at 4 places"),
        ([replace(spot, stage_m=0.1 * spot.stage_m) for spot in GOOD], "over 0.5 mm are needed"),
        ([replace(spot, signal=0.0 if spot.stage_m > 4.3e-3 else 1.0) for spot in GOOD], "places of the stage have signal"),
        ([replace(spot, signal=0.0) for spot in GOOD], "the profiles are empty"),
        ([replace(spot, time_error_s=math.inf) for spot in GOOD], "the profiles are empty"),
        ([replace(spot, stage_m=-spot.stage_m) for spot in GOOD], r"s comes out as -1\d\.\d+ ns/mm, .* turn its axis round"),
    ],
)
def test_what_is_no_scan_of_a_beam_is_refused(spots: list[Spot], said: str, calibrations: Calibrations) -> None:
    with pytest.raises(CannotCalibrate, match=said):
        calibrate_position(spots, calibrations.position)
