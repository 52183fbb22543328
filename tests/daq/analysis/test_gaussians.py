"""The paper's way: right where its assumptions hold, and no error of the field's slope in it."""

import numpy as np
import pytest

from daq.analysis.gaussians import gaussians
from daq.reduce.profiles import Profile

POSITION = np.linspace(-6e-3, 6e-3, 61)
RMS = 0.6e-3


def profile(middles_m: tuple[float, ...], areas: tuple[float, ...], seed: int | None = None) -> Profile:
    rate = 3.0 + sum(a * np.exp(-0.5 * ((POSITION - m) / RMS) ** 2) for m, a in zip(middles_m, areas, strict=True))
    ions = np.random.default_rng(seed).poisson(rate).astype(float) if seed is not None else rate
    return Profile(11, 560.0, 2.4, 1000, POSITION, ions, np.diag(np.maximum(ions, 1.0)))


def test_two_gaussians_are_told_from_three() -> None:
    off = profile((0.1e-3,), (400.0,), 1)
    two = gaussians(off, profile((-1.5e-3, 1.7e-3), (200.0, 200.0), 2), POSITION, 1.2e-3)
    assert two is not None
    assert two.half_m == pytest.approx(1.6e-3, abs=4 * two.error_m)
    assert two.central_share == 0.0
    three = gaussians(off, profile((-1.5e-3, 0.1e-3, 1.7e-3), (150.0, 100.0, 150.0), 3), POSITION, 1.2e-3)
    assert three is not None
    assert three.half_m == pytest.approx(1.6e-3, abs=4 * three.error_m)
    assert three.central_share == pytest.approx(0.25, abs=0.06)


def test_its_error_is_the_scatter_of_repetitions() -> None:
    off = profile((0.0,), (400.0,))
    found = [gaussians(off, profile((-1e-3, 1e-3), (200.0, 200.0), seed), POSITION, 1e-3) for seed in range(100)]
    values = np.array([one.half_m for one in found if one and not one.central_share])
    assert len(values) > 90
    assert np.std(values) == pytest.approx(found[0].error_m, rel=0.3)


def test_nothing_to_fit_is_no_number() -> None:
    flat = profile((0.0,), (0.0,))
    assert gaussians(flat, flat, POSITION, 1e-3) is None
