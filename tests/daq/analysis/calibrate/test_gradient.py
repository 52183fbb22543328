"""C comes back from aluminium atoms that fly through apertures and a gradient that grows across the beam."""

from dataclasses import replace

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.analysis.calibrate.estimate import CannotCalibrate
from daq.analysis.calibrate.gradient import Seen, calibrate_gradient

CENTRE_m, BEND_m = 5.04e-3, 4.6e-3
ON_ITS_WAY = 0.05 / 6 / 1.025
"""How far the magnet's own bend has moved an atom where the gradient acts on it, on average, over the whole bend."""
SCAN_m = np.arange(-4.0, 14.1, 0.25) * 1e-3


def scanned(
    seed: int, ions: int = 3000, excited: float = 0.34, slope_per_m: float = 310.0, bend_m: float = BEND_m
) -> list[Seen]:
    """Ions drawn one by one where the focus is, with exponential pulse heights and noise."""
    rng, seen = np.random.default_rng(seed), []
    for with_field in (False, True):
        for stage in SCAN_m.tolist():
            n = rng.poisson(ions)
            skimmer, slit = rng.uniform(-0.5e-3, 0.5e-3, n), rng.uniform(-0.25e-3, 0.25e-3, n)
            at_magnet, z = slit + (slit - skimmer) * 0.325, slit + (slit - skimmer) * 1.35
            times = np.where(rng.random(n) < excited, np.where(rng.random(n) < 0.5, 2, 6), 1) * rng.choice([-1, 1], n)
            z = z + with_field * bend_m * times * np.exp(slope_per_m * (at_magnet + ON_ITS_WAY * bend_m * times))
            near = np.exp(-(((z - stage + CENTRE_m) / (0.2e-3 / 2.3548)) ** 2) / 2)
            height = rng.exponential(1.0, n)[(rng.random(n) < near) & (np.abs(z) < 10e-3)]
            seen.append(Seen(stage, with_field, height.sum() + rng.normal(0, 0.5), np.sqrt((height**2).sum() + 0.25)))
    return seen


ON_AVERAGE_m = BEND_m * (1 + (310.0 * 0.207e-3) ** 2 / 2)
"""Over the beam the gradient exceeds that on its axis by half the square of its slope times the beam's width there."""


def test_the_errors_cover_the_truth(calibrations: Calibrations) -> None:
    pulls = []
    for seed in range(12):
        found = calibrate_gradient(scanned(seed), 2.4, 706.0, calibrations.velocity)
        pulls.append((found.bend_m.value - ON_AVERAGE_m) / found.bend_m.error)
        assert found.excited.value == pytest.approx(0.34, abs=4 * found.excited.error)
        assert found.chi2 < 1.6
    assert abs(np.mean(pulls)) < 0.7
    assert 0.5 < np.std(pulls) < 1.5
    assert found.bend_m.error < 0.006 * BEND_m
    assert found.C_T_m.value == pytest.approx(33.3, rel=0.02)
    assert 0.005 < found.C_T_m.systematic / found.C_T_m.value < 0.01


def test_a_uniform_gradient_leaves_no_bias(calibrations: Calibrations) -> None:
    found = calibrate_gradient(scanned(20, slope_per_m=0.0), 2.4, 706.0, calibrations.velocity)
    assert found.bend_m.value == pytest.approx(BEND_m, abs=3 * found.bend_m.error)


def test_C_follows_the_velocity(calibrations: Calibrations) -> None:
    slow, fast = (calibrate_gradient(scanned(1), 2.39, v, calibrations.velocity) for v in (700.0, 714.0))
    assert fast.C_T_m.value / slow.C_T_m.value == pytest.approx(1.02**2)
    measured = slow.calibration()
    assert (measured["field_T"], measured["velocity_m_s"]) == (2.39, 700.0)
    assert measured["C_T_m"].uncertainty < slow.C_T_m.error, "the velocity's error is left to where it does not cancel"


def test_what_scatters_more_than_its_errors_widens_that_of_C(calibrations: Calibrations) -> None:
    """A source whose intensity jumps by a fifth from step to step."""
    steady, rng = scanned(4, ions=30_000), np.random.default_rng(4)
    jumping = [replace(one, signal=one.signal * (1 + 0.2 * rng.standard_normal())) for one in steady]
    still, moved = (calibrate_gradient(seen, 2.4, 706.0, calibrations.velocity) for seen in (steady, jumping))
    assert moved.chi2 > 2 > still.chi2
    assert moved.bend_m.systematic == pytest.approx(np.sqrt(moved.chi2 - 1) * moved.bend_m.statistical)
    assert moved.C_T_m.systematic > still.C_T_m.systematic
    assert moved.bend_m.value == pytest.approx(ON_AVERAGE_m, abs=2.5 * moved.bend_m.error)


GOOD = scanned(2)
HALF = [one for one in scanned(3, bend_m=BEND_m / 2) if one.with_field]
OFF = [one for one in GOOD if not one.with_field]


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ([], "fewer than 12 places of the stage at zero field"),
        (OFF, "fewer than 12 places of the stage at full field"),
        ([one for one in GOOD if one.with_field], "fewer than 12 places of the stage at zero field"),
        ([replace(one, signal=0.0) for one in GOOD], "the profile at zero field is empty"),
        ([replace(one, signal=0.0) if one.with_field else one for one in GOOD], "the profile at full field is empty"),
        (OFF + [replace(one, with_field=True) for one in OFF], "the field does not split the beam"),
        (GOOD + HALF, "the scan is not that of one split beam"),
    ],
)
def test_what_shows_no_splitting_is_refused(seen: list[Seen], said: str, calibrations: Calibrations) -> None:
    with pytest.raises(CannotCalibrate, match=said):
        calibrate_gradient(seen, 2.4, 706.0, calibrations.velocity)


def test_skewed_peaks_leave_only_what_the_gradient_s_curvature_adds(calibrations: Calibrations) -> None:
    found = calibrate_gradient(scanned(30, ions=60_000), 2.4, 706.0, calibrations.velocity)
    assert found.bend_m.statistical < 0.002 * BEND_m
    assert found.bend_m.value == pytest.approx(ON_AVERAGE_m, abs=3 * found.bend_m.statistical)
