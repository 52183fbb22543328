import numpy as np
import pytest

from daq.analysis.bending import Parts
from daq.analysis.response import response_basis

POSITION = np.linspace(-6e-3, 6e-3, 41)
RMS = 0.9e-3


def bell(position_m: np.ndarray, middle_m: float = 0.0, rms_m: float = RMS) -> np.ndarray:
    return np.exp(-0.5 * ((position_m - middle_m) / rms_m) ** 2)


def one(bend_m: float, widened: float = 1.0) -> Parts:
    return Parts(np.array([bend_m]), np.ones(1), np.array([widened]))


@pytest.mark.parametrize("bend_m", [0.0, 0.05e-3, 0.47e-3, -1.9e-3])
def test_a_response_learned_at_zero_field_is_moved_exactly(bend_m: float) -> None:
    basis = response_basis(POSITION, 0.0)
    coefficients, *_ = np.linalg.lstsq(basis.matrix(POSITION, one(0.0)), bell(POSITION), rcond=None)
    moved = basis.matrix(POSITION, one(bend_m)) @ coefficients
    np.testing.assert_allclose(moved, bell(POSITION, bend_m), atol=5e-3)


def test_stretching_keeps_the_area_and_the_middle() -> None:
    middle_m = 0.3e-3
    basis = response_basis(POSITION, middle_m)
    coefficients, *_ = np.linalg.lstsq(basis.matrix(POSITION, one(0.0)), bell(POSITION, middle_m), rcond=None)
    stretched = basis.matrix(POSITION, one(0.0, 1.3)) @ coefficients
    np.testing.assert_allclose(stretched, bell(POSITION, middle_m, 1.3 * RMS) / 1.3, atol=5e-3)
    assert stretched.sum() == pytest.approx(bell(POSITION, middle_m).sum(), rel=1e-3)


def test_parts_add_up() -> None:
    basis = response_basis(POSITION, 0.0)
    both = Parts(np.array([1e-3, -1e-3]), np.array([0.7, 0.3]), np.ones(2))
    expected = 0.7 * basis.matrix(POSITION, one(1e-3)) + 0.3 * basis.matrix(POSITION, one(-1e-3))
    np.testing.assert_allclose(basis.matrix(POSITION, both), expected, atol=1e-12)
