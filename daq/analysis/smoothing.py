"""How smooth the response is: as the ions of zero field say by themselves.

The weight of the penalty is that of greatest marginal likelihood, by the update of S. N. Wood and M. Fasiolo,
Biometrics 73, 1071 (2017).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daq.analysis.likelihood import HALF_AN_ION, Ions
from daq.analysis.log_response import LARGEST_LOG, UNMOVED, LogResponse, Prior
from daq.analysis.scoring import minimum

Vector = NDArray[np.float64]
ROUGHEST, SMOOTHEST = 1.0, 1e2
"""Of the weight; a heavier one would bend a response that is no Gaussian, as wide apertures make it, into one."""
GAUSSIAN = 1e6
"""A weight that leaves nothing but a Gaussian."""
MOST_UPDATES, SETTLED = 15, 0.1


def smoothed(response: LogResponse, position_m: Vector, ions: Ions, begin: Vector) -> tuple[Vector, Prior]:
    """The likeliest coefficients of the response and, last, logarithm of the pedestal; and the prior they were found with.

    `ions` are those of zero field; `begin` is what the search starts from.
    """
    weight = 1.0
    _, basis = response.slopes(position_m, UNMOVED, np.zeros(response.count))
    low, high = np.full(len(begin), -np.inf), np.full(len(begin), LARGEST_LOG)
    x, _, _ = minimum(Alone(basis, Prior(response.roughness, GAUSSIAN, begin[:-1]), ions), begin, low, high)
    centre = x[:-1]
    for _ in range(MOST_UPDATES):
        prior = Prior(response.roughness, weight, centre)
        x, _, information = minimum(Alone(basis, prior, ions), x, low, high)
        free = response.count - 3 - weight * float(np.sum(response.roughness * np.linalg.inv(information)[:-1, :-1]))
        before, weight = weight, float(np.clip(free / (x[:-1] @ response.roughness @ x[:-1]), ROUGHEST, SMOOTHEST))
        if abs(np.log(weight / before)) < SETTLED:
            break
    return x, prior


@dataclass(frozen=True)
class Alone:
    """Minus the logarithm of the likelihood of zero field alone, by (coefficients, log pedestal).

    `basis` float64[bins, count] gives the logarithm of the response in each bin.
    """

    basis: NDArray[np.float64]
    prior: Prior
    ions: Ions

    def value(self, x: Vector) -> float:
        rate = np.exp(self.basis @ x[:-1]) + np.exp(x[-1])
        return self.ions.cost(rate) + self.prior.cost(x[:-1]) - HALF_AN_ION * float(x[-1])

    def slopes(self, x: Vector) -> tuple[Vector, NDArray[np.float64]]:
        signal, pedestal = np.exp(self.basis @ x[:-1]), np.exp(x[-1])
        jacobian = np.column_stack([signal[:, None] * self.basis, np.full(len(signal), pedestal)])
        slope, curvature = self.ions.slopes(signal + pedestal)
        gradient, information = jacobian.T @ slope, (jacobian.T * curvature) @ jacobian
        gradient[:-1] += self.prior.slope(x[:-1])
        gradient[-1] -= HALF_AN_ION
        information[:-1, :-1] += self.prior.curvature
        return gradient, information
