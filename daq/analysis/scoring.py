"""Fisher scoring: the minimum of minus a log-likelihood between bounds, by its expected curvature."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
MOST_STEPS = 60
CLOSE = 1e-5
"""A step that promises less than this of the likelihood's logarithm is the last."""


class Objective(Protocol):
    """Minus a log-likelihood."""

    def value(self, x: Vector) -> float: ...

    def slopes(self, x: Vector) -> tuple[Vector, NDArray[np.float64]]:
        """Its gradient and its expected curvature, the information."""
        ...


def minimum(objective: Objective, start: Vector, low: Vector, high: Vector) -> tuple[Vector, float, NDArray[np.float64]]:
    """Where `objective` is least, and its value and information there.

    Steps that do not go down are shortened, from Fisher's towards the gradient's direction.
    """
    x, damping = np.clip(start, low, high), 0.0
    value = objective.value(x)
    gradient, information = objective.slopes(x)
    free = _free(x, gradient, low, high)
    for _ in range(MOST_STEPS):
        if not free.any():
            break
        step = np.zeros_like(x)
        block = information[np.ix_(free, free)]
        scale = np.diag(block)
        step[free] = np.linalg.solve(block + np.diag(damping * scale + 1e-12 * scale.max()), -gradient[free])
        promised = float(-gradient @ step) / 2
        trial = np.clip(x + step, low, high)
        reached = objective.value(trial)
        if reached <= value + CLOSE / 10:
            x, value, damping = trial, reached, damping / 10 if damping > 1e-3 else 0.0
            gradient, information = objective.slopes(x)
            free = _free(x, gradient, low, high)
        else:
            damping = max(10 * damping, 1e-2)
        if promised < CLOSE or damping > 1e8:
            break
    return x, value, information


def _free(x: Vector, gradient: Vector, low: Vector, high: Vector) -> NDArray[np.bool_]:
    held: NDArray[np.bool_] = (low == high) | ((x <= low) & (gradient >= 0)) | ((x >= high) & (gradient <= 0))
    return ~held
