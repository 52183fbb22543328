"""Joint fit of a cluster's profiles at zero and at full field by variable projection.

The model of both profiles is linear in the response (spline coefficients) and in one pedestal per field; it is
non-linear in the few parameters of a deflection model.  For given parameters the linear part is solved exactly, so
only the few are searched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import least_squares

from daq.analysis.bending import Unbent
from daq.analysis.noise import smooth_covariances
from daq.analysis.response import response_basis
from daq.reduce.profiles import Profile
from daq.reduce.windows import ACCEPTANCE_m

Vector = NDArray[np.float64]
ABOVE_A_TENTH = 0.6702
"""Variance of what of a Gaussian stands above a tenth of its maximum, in parts of the whole one's [derived]."""


@dataclass(frozen=True)
class Parameter:
    """A non-linear parameter: where its search starts and may go; `expected` (value, standard deviation) if known."""

    name: str
    start: float
    lowest: float
    highest: float
    expected: tuple[float, float] | None = None


@dataclass(frozen=True)
class Bends:
    """What a deflection model says for one set of parameters: bends in m and shares, at zero and at full field."""

    off: tuple[Vector, Vector]
    on: tuple[Vector, Vector]


@dataclass(frozen=True)
class Model:
    """A deflection model: its own parameters, and its bends from their values."""

    parameters: tuple[Parameter, ...]
    bends: Callable[[Vector], Bends]


@dataclass(frozen=True)
class Fit:
    """Result of a fit: values by name, their covariance (same order) and χ².

    Curves are the model's signal per shot at the positions `JointFit.fine_m`.
    """

    names: tuple[str, ...]
    values: Vector
    covariance: NDArray[np.float64]
    chi2: float
    degrees_of_freedom: int
    off_curve: Vector
    on_curve: Vector

    def value(self, name: str) -> float:
        return float(self.values[self.names.index(name)])

    def error(self, name: str) -> float:
        """Standard error from the measured scatter between shots."""
        place = self.names.index(name)
        return float(np.sqrt(self.covariance[place, place]))


class JointFit:
    """The data of one cluster, weighted once so that all models are compared on equal terms.

    `kappa` is the expected stretch per metre of deflection with its standard deviation, `acceptance_m` where the ionised
    region ends on either side of the beam (see `daq.analysis.bending`).  `middle_m` is the middle of the beam at zero field.
    `fine_m` are positions a quarter of a bin apart, to draw the model.
    """

    def __init__(
        self, off: Profile, on: Profile, position_m: Vector, kappa: tuple[float, float], acceptance_m: float = ACCEPTANCE_m
    ) -> None:
        self._position, self._bins = position_m, len(position_m)
        self._kappa = expected_kappa(kappa)
        weights = smooth_covariances((off, on))
        roots = [np.linalg.cholesky(weight) for weight in weights]
        self._inverse = tuple(solve_triangular(root, np.eye(self._bins), lower=True) for root in roots)
        self._data = np.concatenate([self._inverse[0] @ off.values, self._inverse[1] @ on.values])
        self._scatter = tuple(w @ p.covariance @ w.T for w, p in zip(self._inverse, (off, on), strict=True))
        self.fine_m = fine_positions(position_m)
        self.middle_m, variance_m2 = core(position_m, off.values)
        self._unbent = Unbent(variance_m2, acceptance_m)
        self._response = response_basis(position_m, self.middle_m)
        ratio = float(on.values.sum() / off.values.sum())
        self._intensity = Parameter("log_intensity", float(np.log(ratio)) if ratio > 0 else 0.0, -5.0, 5.0)

    def fit(self, model: Model, start: Sequence[float] | None = None) -> Fit:
        """Least squares over the model's parameters, the intensity ratio on/off and κ; `start` overrides the model's starts."""
        parameters = (self._intensity, self._kappa, *model.parameters)
        begin = np.array([p.start for p in parameters])
        if start is not None:
            begin[2:] = start
        low, high = np.array([p.lowest for p in parameters]), np.array([p.highest for p in parameters])
        free = high > low
        begin[~free] = low[~free]

        def full(values: Vector) -> Vector:
            everything = begin.copy()
            everything[free] = values
            return everything

        found = least_squares(
            lambda values: self._residuals(full(values), parameters, model),
            np.clip(begin, low, high)[free],
            bounds=(low[free], high[free]),
            x_scale="jac",
            xtol=1e-7,
            ftol=1e-7,
            gtol=1e-7,
        )
        values = full(found.x)
        covariance = np.zeros((len(values), len(values)))
        covariance[np.ix_(free, free)] = self._covariance(found.jac)
        linear, *_ = np.linalg.lstsq(self._design(values, model), self._data, rcond=None)
        off, on = (block @ linear[:-2] + linear[-2 + i] for i, block in enumerate(self._blocks(values, model, self.fine_m)))
        names = tuple(p.name for p in parameters)
        dof = 2 * self._bins - len(linear) - int(free.sum()) + sum(p.expected is not None for p in parameters)
        return Fit(names, values, covariance, float(2 * found.cost), dof, off, on)

    def chi2_at(self, model: Model, start: Sequence[float]) -> float:
        """χ² at the model's parameters `start`, with the starting intensity ratio and expected κ: cheap, to choose a start."""
        parameters = (self._intensity, self._kappa, *model.parameters)
        values = np.array([self._intensity.start, self._kappa.start, *start])
        return float((self._residuals(values, parameters, model) ** 2).sum())

    def _blocks(self, values: Vector, model: Model, position_m: Vector) -> list[NDArray[np.float64]]:
        """What the response's coefficients give at each position, at zero and at full field."""
        intensity, kappa = float(np.exp(values[0])), float(values[1])
        bends = model.bends(values[2:])
        return [
            self._response.matrix(position_m, self._unbent.bent(bend, scale * share, kappa))
            for (bend, share), scale in ((bends.off, 1.0), (bends.on, intensity))
        ]

    def _design(self, values: Vector, model: Model) -> NDArray[np.float64]:
        """The whitened model: a column per coefficient of the response, and one per pedestal."""
        bins, count = self._bins, self._response.count
        design = np.zeros((2 * bins, count + 2))
        for i, block in enumerate(self._blocks(values, model, self._position)):
            rows = slice(i * bins, (i + 1) * bins)
            design[rows, :count] = self._inverse[i] @ block
            design[rows, count + i] = self._inverse[i].sum(axis=1)
        return design

    def _residuals(self, values: Vector, parameters: Sequence[Parameter], model: Model) -> Vector:
        design = self._design(values, model)
        basis, _ = np.linalg.qr(design)
        residual = self._data - basis @ (basis.T @ self._data)
        known = [(v - p.expected[0]) / p.expected[1] for v, p in zip(values, parameters, strict=True) if p.expected]
        return np.concatenate([residual, known])

    def _covariance(self, jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
        """Errors from the measured scatter: near the solution the estimate is linear in the data, however weighted."""
        gain = np.linalg.pinv(jacobian)
        bins = self._bins
        total = gain[:, 2 * bins :] @ gain[:, 2 * bins :].T
        for i, scatter in enumerate(self._scatter):
            part = gain[:, i * bins : (i + 1) * bins]
            total += part @ scatter @ part.T
        return np.asarray(total)


def expected_kappa(kappa: tuple[float, float]) -> Parameter:
    """The stretch per metre of deflection, expected with a standard deviation and searched within four of them."""
    return Parameter("kappa_per_m", kappa[0], kappa[0] - 4 * kappa[1], kappa[0] + 4 * kappa[1], kappa)


def fine_positions(position_m: Vector) -> Vector:
    """Positions a quarter of a bin apart."""
    fine: Vector = np.interp(np.arange(0, len(position_m) - 0.75, 0.25), np.arange(len(position_m)), position_m)
    return fine


def core(position_m: Vector, values: Vector) -> tuple[float, float]:
    """Centroid and variance of a profile, from what stands above a tenth of its maximum, as if it were a Gaussian's.

    It ends where it is nothing, so neither jumps from bin to bin as the profile moves.
    """
    part = np.maximum(values - 0.1 * values.max(), 0.0)
    middle = float(part @ position_m / part.sum())
    return middle, float(part @ (position_m - middle) ** 2 / part.sum()) / ABOVE_A_TENTH
