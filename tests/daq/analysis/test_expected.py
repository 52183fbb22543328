"""The yardstick itself: expectations against ions drawn one by one, and the bound against what is known in closed form."""

from dataclasses import replace

import numpy as np
import pytest

from config.calibration import Calibrations
from tests.daq.analysis.beam import Beam, magnetic
from tests.daq.analysis.campaign import best_possible, window_of
from tests.daq.analysis.expected import Truth

ATOMIC = Truth(11, True, 0.91)
MANY = 400_000


@pytest.mark.parametrize("flips", [0.0, 0.8])
def test_expected_ions_are_those_of_the_beam(flips: float, calibrations: Calibrations) -> None:
    truth, window = replace(ATOMIC, flips=flips, background=0.0), window_of(ATOMIC, calibrations)
    width = window.time_s[1] - window.time_s[0]
    edges = np.append(window.time_s - width / 2, window.time_s[-1] + width / 2)
    rng, beam = np.random.default_rng(2), Beam({11: magnetic(0.91, flips)}, {11: 1.0})
    for rate, field_T in zip(truth.rates(window.time_s), (0.010, 2.4), strict=True):
        time = beam.times_s(rng, 11, MANY, field_T) + rng.normal(0, 3e-9 / 2.3548, MANY)
        seen, expected = np.histogram(time, edges)[0], rate * MANY / truth.ions
        busy = expected > 20
        chi2 = ((seen - expected)[busy] ** 2 / expected[busy]).sum()
        assert abs(chi2 - busy.sum()) < 4 * np.sqrt(2 * busy.sum())


def test_the_bound_falls_as_the_root_of_the_ions(calibrations: Calibrations) -> None:
    few, many = (best_possible(replace(ATOMIC, ions=ions), calibrations) for ions in (1000.0, 4000.0))
    assert few / many == pytest.approx(2.0, rel=0.02)


def test_the_bound_of_a_shift_is_that_of_two_nearly_gaussian_peaks(calibrations: Calibrations) -> None:
    """σ √(2/N) for Gaussians, which have the least information of all peaks of their width."""
    truth = Truth(12, False, 0.1, background=1e-4)
    window = window_of(truth, calibrations)
    off, _ = truth.rates(window.time_s)
    middle = np.average(window.time_s, weights=off)
    rms_s = np.sqrt(np.average((window.time_s - middle) ** 2, weights=off))
    per_uB_s = truth.sensitivity_s_per_m * np.sqrt(truth.mass_u / 1858.1274) * truth.per_uB_m(2.4)
    gaussian = rms_s * np.sqrt(2 / truth.ions) / per_uB_s
    assert 0.85 * gaussian < best_possible(truth, calibrations) < 1.02 * gaussian


def test_relaxation_costs_what_is_known_of_a_splitting(calibrations: Calibrations) -> None:
    relaxed = replace(ATOMIC, flips=0.2)
    assert best_possible(relaxed, calibrations) > 2 * best_possible(ATOMIC, calibrations)
