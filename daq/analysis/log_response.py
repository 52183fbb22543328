"""The response of machine and beam where ions are counted: the exponential of a cubic spline.

So it is nowhere negative and its logarithm may be smoothed.  The penalty is on third differences: what it leaves free
is a Gaussian of any height, middle and width, and it keeps the mean and the variance that the ions have (B. W. Silverman,
Ann. Statist. 10, 795 (1982)).  Moving and stretching are those of `daq.analysis.response`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from daq.analysis.bending import Parts
from daq.analysis.response import COARSER

Vector = NDArray[np.float64]
UNMOVED = Parts(np.zeros(1), np.ones(1), np.ones(1))
"""A beam that nothing bends."""
LOOSELY = 1e-3
"""Inverse variance of a coefficient about those of a Gaussian: thirty units of the logarithm."""
LARGEST_LOG = 50.0
"""Bound of the coefficients and of a pedestal's logarithm in a search, so that no trial overflows."""


@dataclass(frozen=True)
class LogResponse:
    """A basis of `count` coefficients of log r, on a grid of `step_m` from `start_m` to the last bin; r is nothing beyond."""

    start_m: float
    step_m: float
    count: int
    middle_m: float

    def signal(self, position_m: Vector, parts: Parts, coefficients: Vector) -> Vector:
        """float64[bins]: what a beam of these parts gives in each bin."""
        _, _, strength = self._pieces(position_m, parts, coefficients)
        total: Vector = np.maximum(strength.sum(axis=1), 0.0)
        return total

    def slopes(self, position_m: Vector, parts: Parts, coefficients: Vector) -> tuple[Vector, Vector]:
        """The same, and its derivatives by the coefficients, float64[bins, count]."""
        knot, pieces, strength = self._pieces(position_m, parts, coefficients)
        bins = len(position_m)
        cell = np.arange(bins)[:, None] * self.count + knot + np.arange(4)[:, None, None]
        by = np.bincount(cell.ravel(), (pieces * strength).ravel(), minlength=bins * self.count).astype(np.float64)
        total = strength.sum(axis=1)
        return np.maximum(total, 0.0), by.reshape(bins, self.count) * (total > 0)[:, None]

    def _pieces(
        self, position_m: Vector, parts: Parts, coefficients: Vector
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """First coefficient, the four of the basis, and the signal, per bin and part."""
        moved = position_m[:, None] - self.middle_m - parts.bend_m
        place = (moved / parts.widening + self.middle_m - self.start_m) / self.step_m
        intervals = self.count - 3
        inside = (place >= -1e-9) & (place <= intervals + 1e-9)
        knot = np.clip(np.floor(place), 0, intervals - 1).astype(np.intp)
        u = np.clip(place - knot, 0.0, 1.0)
        square, rest = u * u, 1 - u
        cube = square * u
        pieces = np.array([rest * rest * rest, 3 * cube - 6 * square + 4, 3 * (square + u - cube) + 1, cube])
        pieces *= 1 / 6
        log = np.einsum("kbp,kbp->bp", coefficients[knot + np.arange(4)[:, None, None]], pieces)
        return knot, pieces, np.exp(log) * (inside * parts.share / parts.widening)

    def gaussian(self, total: float, middle_m: float, variance_m2: float, width_m: float) -> Vector:
        """Coefficients of a Gaussian that holds `total` in bins of `width_m`."""
        knots = self.start_m + self.step_m * (np.arange(self.count) - 1)
        height = np.log(total * width_m / np.sqrt(2 * np.pi * variance_m2))
        coefficients: Vector = height - ((knots - middle_m) ** 2 - self.step_m**2 / 3) / (2 * variance_m2)
        return coefficients

    @cached_property
    def roughness(self) -> NDArray[np.float64]:
        """float64[count, count]: the sum of squared third differences as a quadratic form."""
        third = np.diff(np.eye(self.count), 3, axis=0)
        form: NDArray[np.float64] = third.T @ third
        return form


@dataclass(frozen=True)
class Prior:
    """What is thought of the coefficients beforehand: smooth with a `weight`, and loosely those of a Gaussian, `centre`.

    The second part only rules the far flanks, where the few ions there are belong to the pedestal: without it a response
    might rise again at the ends of its window to catch one.
    """

    roughness: NDArray[np.float64]
    weight: float
    centre: Vector

    def cost(self, coefficients: Vector) -> float:
        """Minus its logarithm."""
        away = coefficients - self.centre
        return float(self.weight * (coefficients @ self.roughness @ coefficients) + LOOSELY * (away @ away)) / 2

    def slope(self, coefficients: Vector) -> Vector:
        slope: Vector = self.weight * (self.roughness @ coefficients) + LOOSELY * (coefficients - self.centre)
        return slope

    @cached_property
    def curvature(self) -> NDArray[np.float64]:
        curvature: NDArray[np.float64] = self.weight * self.roughness + LOOSELY * np.eye(len(self.centre))
        return curvature


def log_response(position_m: Vector, middle_m: float) -> LogResponse:
    """The basis with its grid from the first to the last bin."""
    low, high = float(position_m.min()), float(position_m.max())
    intervals = max(4, round((len(position_m) - 1) / COARSER))
    return LogResponse(low, (high - low) / intervals, intervals + 3, middle_m)
