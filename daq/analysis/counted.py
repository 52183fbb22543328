"""Joint fit of a cluster's counted ions at zero and at full field by penalised maximum likelihood.

Both fields share one response (`daq.analysis.log_response`), whose coefficients are fitted together with
a pedestal per field, the intensity ratio, κ and the model's own parameters.  `Fit.chi2` is twice the logarithm by which
the likelihood falls short of a parameter per bin, with the penalties, so that its differences are likelihood ratios.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from daq.analysis.bending import Parts, Unbent
from daq.analysis.fit import Fit, Model, Parameter, Vector, core, expected_kappa, fine_positions
from daq.analysis.likelihood import HALF_AN_ION, Ions
from daq.analysis.log_response import LARGEST_LOG, UNMOVED, LogResponse, Prior, log_response
from daq.analysis.scoring import minimum
from daq.analysis.smoothing import smoothed
from daq.reduce.profiles import Profile
from daq.reduce.windows import ACCEPTANCE_m

STEP = 1e-6
"""For derivatives by the model's parameters."""


class CountedFit:
    """The ions of one cluster, to be fitted with any model; used as `daq.analysis.fit.JointFit` is.

    `ValueError` for profiles without `counts`.
    """

    def __init__(
        self, off: Profile, on: Profile, position_m: Vector, kappa: tuple[float, float], acceptance_m: float = ACCEPTANCE_m
    ) -> None:
        if off.counts is None or on.counts is None:
            raise ValueError(f"the ions of size {off.size} were not counted; fit its charge")
        self._position, self._kappa = position_m, expected_kappa(kappa)
        self._ions = Ions.of(off.counts, on.counts)
        self.fine_m = fine_positions(position_m)
        middle_m, variance_m2 = core(position_m, off.values)
        response = log_response(position_m, middle_m)
        width_m = float(np.abs(np.diff(position_m)).mean())
        begin = response.gaussian(float(off.values.sum()), middle_m, variance_m2, width_m)
        pedestals = [np.log((HALF_AN_ION + 0.01 * c.ions.sum()) / c.live.sum()) for c in (off.counts, on.counts)]
        alone, self._prior = smoothed(response, position_m, Ions.of(off.counts), np.append(begin, pedestals[0]))
        self._begin = np.append(alone, pedestals[1])
        beam = response.signal(position_m, UNMOVED, alone[: response.count])
        self.middle_m = float(beam @ position_m / beam.sum())
        self._response = replace(response, middle_m=self.middle_m)
        self._unbent = Unbent(float(beam @ (position_m - self.middle_m) ** 2 / beam.sum()), acceptance_m)
        self._intensity = Parameter("log_intensity", float(np.log(on.values.sum() / off.values.sum())), -5.0, 5.0)

    def fit(self, model: Model, start: Sequence[float] | None = None) -> Fit:
        """The likeliest parameters of the model, intensity ratio on/off and κ; `start` overrides the model's starts."""
        parameters = (self._intensity, self._kappa, *model.parameters)
        own = [p.start for p in parameters[:2]] + list(start if start is not None else [p.start for p in model.parameters])
        nuisance = len(self._begin)
        low = np.concatenate([np.full(nuisance, -np.inf), [p.lowest for p in parameters]])
        high = np.concatenate([np.full(nuisance, LARGEST_LOG), [p.highest for p in parameters]])
        likelihood = self._likelihood(model)
        x, value, information = minimum(likelihood, np.concatenate([self._begin, own]), low, high)
        free = low < high
        covariance = np.zeros_like(information)
        covariance[np.ix_(free, free)] = np.linalg.pinv(information[np.ix_(free, free)], hermitian=True)
        count = self._response.count
        smooth = float(np.sum(self._prior.curvature * covariance[:count, :count]))
        fitted = count - smooth + 2 + sum(p.highest > p.lowest and p.expected is None for p in parameters)
        off, on = likelihood.rates(x, self.fine_m)
        return Fit(
            tuple(p.name for p in parameters),
            x[nuisance:],
            covariance[nuisance:, nuisance:],
            2 * value,
            round(2 * len(self._position) - fitted),
            off,
            on,
        )

    def chi2_at(self, model: Model, start: Sequence[float]) -> float:
        """χ² at the model's parameters `start`, with the response of zero field: cheap, to choose a start."""
        usual = [self._intensity.start, self._kappa.start]
        return 2 * self._likelihood(model).value(np.concatenate([self._begin, usual, start]))

    def _likelihood(self, model: Model) -> "Joint":
        assert self._kappa.expected is not None
        return Joint(self._response, self._position, self._ions, self._prior, self._unbent, self._kappa.expected, model)


@dataclass(frozen=True)
class Joint:
    """Minus the logarithm of the likelihood, by (coefficients, log pedestals off and on, log intensity, κ, model's own)."""

    response: LogResponse
    position_m: Vector
    ions: Ions
    prior: Prior
    unbent: Unbent
    kappa: tuple[float, float]
    model: Model

    def rates(self, x: Vector, position_m: Vector) -> tuple[Vector, Vector]:
        """Ions per shot at zero and at full field."""
        count = self.response.count
        off, on = self._signals(x, position_m)
        return off + np.exp(x[count]), np.exp(x[count + 2]) * on + np.exp(x[count + 1])

    def value(self, x: Vector) -> float:
        count = self.response.count
        known = ((x[count + 3] - self.kappa[0]) / self.kappa[1]) ** 2 / 2
        pedestals = HALF_AN_ION * float(x[count] + x[count + 1])
        return (
            self.ions.cost(np.concatenate(self.rates(x, self.position_m)))
            + self.prior.cost(x[:count])
            + float(known)
            - pedestals
        )

    def slopes(self, x: Vector) -> tuple[Vector, NDArray[np.float64]]:
        count, bins = self.response.count, len(self.position_m)
        pedestals, intensity = np.exp(x[count : count + 2]), np.exp(x[count + 2])
        jacobian = np.zeros((2 * bins, len(x)))
        off_parts, on_parts = self._parts(x)
        off, jacobian[:bins, :count] = self.response.slopes(self.position_m, off_parts, x[:count])
        on, by = self.response.slopes(self.position_m, on_parts, x[:count])
        jacobian[bins:, :count] = intensity * by
        jacobian[:bins, count], jacobian[bins:, count + 1] = pedestals
        jacobian[bins:, count + 2] = intensity * on
        for i in range(count + 3, len(x)):
            moved = x.copy()
            moved[i] += STEP * max(1.0, abs(x[i]))
            off_moved, on_moved = self._signals(moved, self.position_m)
            jacobian[:, i] = np.concatenate([off_moved - off, intensity * (on_moved - on)]) / (moved[i] - x[i])
        slope, curvature = self.ions.slopes(np.concatenate([off + pedestals[0], intensity * on + pedestals[1]]))
        gradient, information = jacobian.T @ slope, (jacobian.T * curvature) @ jacobian
        gradient[:count] += self.prior.slope(x[:count])
        information[:count, :count] += self.prior.curvature
        gradient[count : count + 2] -= HALF_AN_ION
        gradient[count + 3] += (x[count + 3] - self.kappa[0]) / self.kappa[1] ** 2
        information[count + 3, count + 3] += self.kappa[1] ** -2
        return gradient, information

    def _signals(self, x: Vector, position_m: Vector) -> tuple[Vector, Vector]:
        off, on = (self.response.signal(position_m, parts, x[: self.response.count]) for parts in self._parts(x))
        return off, on

    def _parts(self, x: Vector) -> tuple[Parts, Parts]:
        kappa, own = float(x[self.response.count + 3]), x[self.response.count + 4 :]
        bends = self.model.bends(own)
        off, on = (self.unbent.bent(bend, share, kappa) for bend, share in (bends.off, bends.on))
        return off, on
