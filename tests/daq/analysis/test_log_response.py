import numpy as np
import pytest

from daq.analysis.bending import Parts
from daq.analysis.log_response import UNMOVED, log_response

POSITION = np.linspace(-6e-3, 6e-3, 41)
BIN = POSITION[1] - POSITION[0]
RMS = 0.9e-3
BASIS = log_response(POSITION, 0.0)
BELL = BASIS.gaussian(1000.0, 0.0, RMS**2, BIN)


def bell(middle_m: float = 0.0, rms_m: float = RMS) -> np.ndarray:
    return 1000 * BIN / (rms_m * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((POSITION - middle_m) / rms_m) ** 2)


def one(bend_m: float, widened: float = 1.0) -> Parts:
    return Parts(np.array([bend_m]), np.ones(1), np.array([widened]))


@pytest.mark.parametrize(("bend_m", "widened"), [(0.0, 1.0), (0.47e-3, 1.0), (-1.9e-3, 0.8), (0.0, 1.3)])
def test_a_gaussian_is_exact_wherever_it_is_moved(bend_m: float, widened: float) -> None:
    signal = BASIS.signal(POSITION, one(bend_m, widened), BELL)
    inside = np.abs((POSITION - bend_m) / widened) <= 6e-3
    np.testing.assert_allclose(signal[inside], bell(bend_m, widened * RMS)[inside], rtol=1e-9)


def test_a_gaussian_costs_nothing() -> None:
    assert BELL @ BASIS.roughness @ BELL == pytest.approx(0.0, abs=1e-12)
    rough = BELL + np.random.default_rng(0).normal(0, 0.1, BASIS.count)
    assert rough @ BASIS.roughness @ rough > 1


def test_slopes_are_the_derivatives() -> None:
    parts = Parts(np.array([1e-3, -1e-3]), np.array([0.7, 0.3]), np.array([1.1, 0.9]))
    signal, by = BASIS.slopes(POSITION, parts, BELL)
    np.testing.assert_allclose(signal, BASIS.signal(POSITION, parts, BELL))
    for k in (0, 7, BASIS.count - 1):
        step = 1e-6 * (np.arange(BASIS.count) == k)
        difference = (BASIS.signal(POSITION, parts, BELL + step) - BASIS.signal(POSITION, parts, BELL - step)) / 2e-6
        np.testing.assert_allclose(by[:, k], difference, rtol=1e-6, atol=1e-6)


def test_beyond_the_window_there_is_nothing() -> None:
    assert BASIS.signal(POSITION, one(13e-3), BELL).sum() == 0.0
    assert BASIS.signal(POSITION, UNMOVED, BELL).sum() == pytest.approx(1000.0, rel=1e-6)
