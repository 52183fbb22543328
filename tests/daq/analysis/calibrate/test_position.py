"""s and q come back from a focus of some width that is moved across a beam of some width."""

import math
from dataclasses import replace

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.analysis.calibrate.estimate import CannotCalibrate
from daq.analysis.calibrate.position import Spot, calibrate_position

ATOM_u, REFERENCE_u = 50.94396, 1858.1274
SCAN_m = np.arange(4.0, 6.05, 0.1) * 1e-3
S, Q, CENTRE_m = 19.26e-6, 1.0e-6, 5.04e-3


def scanned(seed: int, passes: int = 2, drift_per_hour: float = 0.0, ions: int = 1500, focus_m: float = 0.2e-3) -> list[Spot]:
    """Ions drawn one by one from two apertures, ionised where the focus is, with exponential pulse heights."""
    rng, found = np.random.default_rng(seed), []
    for turn, stage in enumerate(np.concatenate([SCAN_m, SCAN_m[::-1]])[: passes * len(SCAN_m)]):
        for size in range(5, 34, 4):
            root = math.sqrt(size * ATOM_u / REFERENCE_u)
            n = rng.poisson(ions)
            z = 2.35 * rng.uniform(-0.25e-3, 0.25e-3, n) - 1.35 * rng.uniform(-0.5e-3, 0.5e-3, n)
            z = z[rng.random(n) < np.exp(-(((z - stage + CENTRE_m) / (focus_m / 2.3548)) ** 2) / 2)]
            weight = rng.exponential(1.0, len(z))
            arrival = root * (S * z + Q * z**2) + rng.normal(0, 8.5e-9, len(z))
            drift = 79.6e-6 * root * drift_per_hour * turn * 25 / 3600
            total = weight.sum()
            if len(z) < 10:
                found.append(Spot(size, size * ATOM_u, stage, turn * 25.0, math.nan, math.inf, total, 3.0))
                continue
            mean = (weight @ arrival) / total
            error = np.sqrt((weight**2) @ (arrival - mean) ** 2) / total
            when = 80e-6 * root + drift + mean
            found.append(Spot(size, size * ATOM_u, stage, turn * 25.0, when, error, total, math.sqrt(2 * len(z))))
    return found


def test_the_errors_cover_the_truth(calibrations: Calibrations) -> None:
    made = [calibrate_position(scanned(seed), calibrations.position) for seed in range(30)]
    pulls = np.array([(one.sensitivity_s_per_m.value - S) / one.sensitivity_s_per_m.error for one in made])
    assert abs(pulls.mean()) < 0.6
    assert 0.6 < pulls.std() < 1.3
    assert np.mean(np.abs(pulls) < 1.96) >= 0.9
    assert np.mean([one.chi2 for one in made]) == pytest.approx(1, abs=0.15)
    assert made[0].centre_m == pytest.approx(CENTRE_m, abs=0.03e-3)
    assert made[0].calibration().sensitivity_s_per_m.uncertainty < 0.015 * S


def test_a_drift_is_told_from_position_when_the_stage_goes_back(calibrations: Calibrations) -> None:
    drift = 300e-6
    back = calibrate_position(scanned(3, 2, drift), calibrations.position)
    once = calibrate_position(scanned(3, 1, drift / 6), calibrations.position)
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
    ],
)
def test_what_is_no_scan_of_a_beam_is_refused(spots: list[Spot], said: str, calibrations: Calibrations) -> None:
    with pytest.raises(CannotCalibrate, match=said):
        calibrate_position(spots, calibrations.position)
