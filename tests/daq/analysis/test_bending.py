"""How a bent part of the beam looks, beside ions that are drawn one by one through the apertures and the sloping gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daq.analysis.bending import BEAM_RMS_m, Unbent, cut
from daq.reduce.windows import ACCEPTANCE_m

IONISATION_RMS_m = 0.9e-3
SLOPE_PER_M = 310.0


def apertures(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions at the magnet and at the detector."""
    rng = np.random.default_rng(1)
    skimmer, slit = rng.uniform(-0.5e-3, 0.5e-3, n), rng.uniform(-0.25e-3, 0.25e-3, n)
    return slit + 0.325 * (slit - skimmer), slit + 1.35 * (slit - skimmer)


@pytest.mark.parametrize("bend_mm", [-8.5, -7.5, -4.0, -1.0, 0.0, 1.0, 4.0, 7.0, 8.0, 8.5, 9.0, 9.5])
def test_what_is_left_is_as_many_as_far_and_as_wide_as_drawn(bend_mm: float) -> None:
    at_magnet, at_detector = apertures(400_000)
    kappa = SLOPE_PER_M * np.cov(at_magnet, at_detector)[0, 1] / at_detector.var()
    bend_m = 1e-3 * bend_mm
    place = at_detector + bend_m * (1 + SLOPE_PER_M * at_magnet)
    left = place[np.abs(place) < ACCEPTANCE_m]
    unbent_m2 = at_detector.var() + IONISATION_RMS_m**2
    parts = Unbent(unbent_m2).bent(np.array([bend_m]), np.array([0.5]), kappa)
    assert parts.share[0] == pytest.approx(0.5 * len(left) / len(place), abs=0.001)
    assert parts.bend_m[0] == pytest.approx(left.mean(), abs=0.007e-3)
    assert parts.widening[0] ** 2 * unbent_m2 == pytest.approx(left.var() + IONISATION_RMS_m**2, rel=0.01)


def test_what_stays_inside_is_not_cut_at_all() -> None:
    bend, share = np.linspace(-5e-3, 5e-3, 11), np.full(11, 0.1)
    parts = Unbent(1e-6).bent(bend, share, 120.0)
    np.testing.assert_array_equal(parts.bend_m, bend)
    np.testing.assert_array_equal(parts.share, share)


def test_without_a_slope_nothing_is_stretched() -> None:
    parts = Unbent(1e-6).bent(np.array([-1e-3, 0.0, 1e-3]), np.ones(3), 0.0)
    np.testing.assert_allclose(parts.widening, 1.0)


def test_a_profile_narrower_than_the_apertures_make_it_is_all_position() -> None:
    parts = Unbent(BEAM_RMS_m**2 / 4).bent(np.array([1e-3]), np.ones(1), 100.0)
    c2 = 0.85
    """What the place at the detector tells of that in the magnet."""
    assert parts.widening[0] ** 2 == pytest.approx(1 + 0.2 + 0.01 / c2, abs=1e-5)


@given(st.floats(-3.0, 3.0), st.floats(0.01, 1.0))
def test_an_edge_leaves_what_integration_says(edge: float, narrow: float) -> None:
    """Of the sum of a uniform distribution from −1 to 1 and a narrower one."""
    x = np.linspace(-2, 2, 80_001)
    density = np.clip((1 + narrow - np.abs(x)) / (4 * narrow), 0.0, 0.5) * (x < edge) * (x[1] - x[0])
    kept, inward, variance = cut(np.array([edge]), np.array([[narrow], [1.0]]))
    assert kept[0] == pytest.approx(density.sum(), abs=1e-4)
    if density.sum() > 0.01:
        mean = density @ x / density.sum()
        assert inward[0] == pytest.approx(-mean, abs=1e-3)
        assert variance[0] == pytest.approx(density @ (x - mean) ** 2 / density.sum(), abs=1e-3)


@given(st.floats(-20e-3, 20e-3), st.floats(-400.0, 400.0))
def test_whatever_is_tried_gives_numbers(bend_m: float, kappa_per_m: float) -> None:
    parts = Unbent(1e-6).bent(np.array([bend_m]), np.ones(1), kappa_per_m)
    assert 0 < parts.share[0] <= 1
    assert np.isfinite(parts.bend_m[0])
    assert parts.widening[0] > 0
