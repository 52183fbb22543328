import numpy as np
import pytest
from scipy.stats import binom

from daq.analysis.likelihood import Ions
from daq.analysis.scoring import minimum
from daq.reduce.profiles import Counts

COUNTS = Counts(np.array([0, 3, 40, 400]), np.array([1000, 1000, 900, 500]))
IONS = Ions.of(COUNTS)
RATE = np.array([0.002, 0.004, 0.05, 1.2])


def test_the_cost_is_a_binomial_likelihood_ratio() -> None:
    best = binom.logpmf(COUNTS.ions, COUNTS.live, COUNTS.ions / COUNTS.live).sum()
    here = binom.logpmf(COUNTS.ions, COUNTS.live, 1 - np.exp(-RATE)).sum()
    assert IONS.cost(RATE) == pytest.approx(best - here, rel=1e-9)


def test_slopes_are_the_derivative_and_the_expected_curvature() -> None:
    slope, curvature = IONS.slopes(RATE)
    for k in range(len(RATE)):
        step = 1e-6 * RATE * (np.arange(len(RATE)) == k)
        assert slope[k] == pytest.approx((IONS.cost(RATE + step) - IONS.cost(RATE - step)) / (2 * step[k]), rel=1e-4)
    expected = Ions(COUNTS.live * (1 - np.exp(-RATE)), IONS.live, 0.0)
    for k in range(len(RATE)):
        step = 1e-4 * RATE * (np.arange(len(RATE)) == k)
        bent = (expected.cost(RATE + step) - 2 * expected.cost(RATE) + expected.cost(RATE - step)) / step[k] ** 2
        assert curvature[k] == pytest.approx(bent, rel=1e-3)


def test_dead_shots_say_nothing() -> None:
    dead = Ions.of(Counts(np.append(COUNTS.ions, 0), np.append(COUNTS.live, 0)))
    assert dead.cost(np.append(RATE, 7.0)) == pytest.approx(IONS.cost(RATE))


class Bowl:
    """(x − 2)² + (y + 1)⁴, with only the curvature that a scoring step may know."""

    def value(self, x: np.ndarray) -> float:
        return float((x[0] - 2) ** 2 + (x[1] + 1) ** 4)

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient = np.array([2 * (x[0] - 2), 4 * (x[1] + 1) ** 3])
        return gradient, np.diag([2.0, 12 * (x[1] + 1) ** 2 + 1e-9])


def test_the_minimum_is_found_inside_and_at_a_bound() -> None:
    free = np.full(2, np.inf)
    x, value, _ = minimum(Bowl(), np.array([10.0, 3.0]), -free, free)
    assert value < 1e-4
    assert x == pytest.approx([2.0, -1.0], abs=0.1)
    x, _, _ = minimum(Bowl(), np.array([10.0, 3.0]), np.array([3.0, 0.0]), free)
    assert x == pytest.approx([3.0, 0.0])
