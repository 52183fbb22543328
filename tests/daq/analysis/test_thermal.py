import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daq.analysis.thermal import (
    brillouin_mean_uB,
    brillouin_moment_uB,
    brillouin_slope,
    langevin_mean_uB,
    langevin_moment_uB,
    telegraph,
    zeeman_ratio,
)

AT_25_K = zeeman_ratio(2.4, 45.0)


@pytest.mark.parametrize(("moment", "mean"), [(1.0, 0.036), (1.5, 0.063), (3.0, 0.18), (5.0, 0.42)])
def test_the_tabled_means_come_out(moment: float, mean: float) -> None:
    assert brillouin_mean_uB(moment, AT_25_K) == pytest.approx(mean, rel=0.02)


@pytest.mark.parametrize("twice_J", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("h", [1e-4, 0.04, 0.5, 3.0])
def test_brillouin_is_the_average_over_the_levels(twice_J: int, h: float) -> None:
    m = np.arange(-twice_J, twice_J + 1, 2) / 2
    weight = np.exp(2 * h * (m - m.max()))
    assert brillouin_mean_uB(twice_J, h) == pytest.approx(float(2 * m @ weight / weight.sum()), rel=1e-6, abs=1e-9)


@given(moment=st.floats(0.01, 20.0), h=st.floats(1e-3, 2.0))
def test_moments_are_read_back_from_their_means(moment: float, h: float) -> None:
    assert brillouin_moment_uB(brillouin_mean_uB(moment, h), h) == pytest.approx(moment, rel=1e-4, abs=1e-6)
    assert langevin_moment_uB(langevin_mean_uB(moment, h), h) == pytest.approx(moment, rel=1e-4, abs=1e-6)


@given(moment=st.floats(0.1, 20.0), h=st.floats(1e-3, 2.0))
def test_the_slope_is_the_derivative(moment: float, h: float) -> None:
    step = 1e-4 * moment
    difference = (brillouin_mean_uB(moment + step, h) - brillouin_mean_uB(moment - step, h)) / (2 * step)
    assert brillouin_slope(moment, h) == pytest.approx(difference, rel=1e-4)


def test_langevin_needs_a_larger_moment_for_the_same_mean() -> None:
    assert langevin_moment_uB(0.18, AT_25_K) > 1.2 * brillouin_moment_uB(0.18, AT_25_K)


def test_what_has_no_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        brillouin_moment_uB(-0.1, AT_25_K)
    with pytest.raises(ValueError, match="must be positive"):
        brillouin_moment_uB(0.1, 0.0)
    with pytest.raises(ValueError, match="above 0 K"):
        zeeman_ratio(2.4, 0.0)
    assert brillouin_moment_uB(0.0, AT_25_K) == 0.0


@given(flips=st.floats(0.0, 20.0), bias=st.floats(-0.5, 0.5))
def test_every_moment_of_a_telegraph_is_somewhere(flips: float, bias: float) -> None:
    projection, share = telegraph(flips, bias)
    assert share.sum() == pytest.approx(1.0, abs=1e-6)
    assert np.all(np.abs(projection) <= 1)


@given(flips=st.floats(1e-3, 20.0), bias=st.floats(-0.5, 0.5))
def test_the_mean_of_a_telegraph_follows_its_rate_equation(flips: float, bias: float) -> None:
    projection, share = telegraph(flips, bias)
    relaxed = 1 - (1 - math.exp(-2 * flips)) / (2 * flips)
    assert projection @ share == pytest.approx(math.tanh(bias) * relaxed, abs=1e-5)


@given(flips=st.floats(1e-3, 20.0))
def test_the_width_of_a_telegraph_follows_its_correlation(flips: float) -> None:
    projection, share = telegraph(flips, 0.0)
    expected = (1 - (1 - math.exp(-2 * flips)) / (2 * flips)) / flips
    assert projection**2 @ share == pytest.approx(expected, rel=1e-4)


def test_a_share_stays_blocked() -> None:
    projection, share = telegraph(0.8, 0.0)
    assert share[np.abs(projection) == 1].sum() == pytest.approx(math.exp(-0.8))


def test_the_relaxed_density_is_the_stated_one() -> None:
    from scipy.special import i0, i1

    projection, share = telegraph(2.0, 0.0)
    y, weight = np.polynomial.legendre.leggauss(24)
    root = np.sqrt(1 - y**2)
    density = (2.0 / 2) * math.exp(-2.0) * (i0(2.0 * root) + i1(2.0 * root) / root)
    np.testing.assert_allclose(projection[2:], y)
    np.testing.assert_allclose(share[2:], weight * density, rtol=1e-9)
