"""The paper's way, beside ours: Gaussians for the profile at full field, as wide as the one of zero field.

Two of equal area at ± µ about their middle, and a third between them where it improves the fit by three standard
deviations; each bin weighs by the scatter of its own.  A Gaussian is not the machine's response and its width is taken as
known, so the error is that of the fit alone.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit

from daq.analysis.fit import Vector, core
from daq.reduce.profiles import Profile

CENTRAL = 9.0
"""By how much χ² must fall for a third Gaussian."""


@dataclass(frozen=True)
class Gaussians:
    """Half the splitting in m with its error, by two and by three.

    `central_share` is that of the third; none where it does not improve the fit.
    """

    two_m: tuple[float, float]
    three_m: tuple[float, float]
    central_share: float

    @property
    def half_m(self) -> float:
        return (self.three_m if self.central_share else self.two_m)[0]

    @property
    def error_m(self) -> float:
        return (self.three_m if self.central_share else self.two_m)[1]


def gaussians(off: Profile, on: Profile, position_m: Vector, start_m: float) -> Gaussians | None:
    """What two or three Gaussians say of the splitting, searched from `start_m`; None where they do not fit at all."""
    middle_m, variance_m2 = core(position_m, off.values)
    unit_m = variance_m2**0.5
    x, height, level = (position_m - middle_m) / unit_m, float(off.values.max()), 0.0
    try:
        one, _ = _fitted(_bell, x, off.values, (height, 0.0, 1.0, level), _errors(off))
        rms = abs(one[2])

        def split(x: Vector, area: float, middle: float, half: float, level: float, share: float = 0.0) -> Vector:
            sides = _bell(x, 0.5, middle - half, rms) + _bell(x, 0.5, middle + half, rms)
            return area * ((1 - share) * sides + share * _bell(x, 1.0, middle, rms)) + level

        begin = (float(on.values.sum() / off.values.sum()) * height, 0.0, start_m / unit_m, level)
        two, two_covariance = _fitted(split, x, on.values, begin, _errors(on))
        three, three_covariance = _fitted(split, x, on.values, (*two, 0.1), _errors(on))
    except RuntimeError:
        return None
    better = _chi2(on, split(x, *two)) - _chi2(on, split(x, *three))
    halves = [
        (abs(float(found[2])) * unit_m, float(np.sqrt(covariance[2, 2])) * unit_m)
        for found, covariance in ((two, two_covariance), (three, three_covariance))
    ]
    best = Gaussians(halves[0], halves[1], float(three[4]) if better > CENTRAL else 0.0)
    return best if np.isfinite(best.error_m) else None


def _fitted(
    curve: Callable[..., Vector], x: Vector, values: Vector, start: Sequence[float], errors: Vector
) -> tuple[Vector, NDArray[np.float64]]:
    """Parameters and their covariance, infinite where it cannot be told; `RuntimeError` where the search does not end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)
        found, covariance = curve_fit(curve, x, values, start, errors, absolute_sigma=True)
    return found, covariance


def _bell(x: Vector, height: float, middle: float, rms: float, level: float = 0.0) -> Vector:
    bell: NDArray[np.float64] = height * np.exp(-0.5 * ((x - middle) / rms) ** 2) + level
    return bell


def _errors(profile: Profile) -> Vector:
    """Of each bin, as if it stood alone; one without ions is known as well as the best."""
    variance = np.diag(profile.covariance)
    errors: Vector = np.sqrt(np.where(variance > 0, variance, variance[variance > 0].min()))
    return errors


def _chi2(profile: Profile, model: Vector) -> float:
    return float((((profile.values - model) / _errors(profile)) ** 2).sum())
