"""The likelihood of counted ions.

Ions come at random, λ per shot and bin; of the shots in which a bin is live, each sees one with probability 1 − exp(−λ).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import xlogy

from daq.analysis.fit import Vector
from daq.reduce.profiles import Counts

HALF_AN_ION = 0.5
"""Weight of the pedestals' prior (Jeffreys): no field claims that a background ion cannot come."""


@dataclass(frozen=True)
class Ions:
    """Counted ions, float64[bins], of how many live shots, and what their likelihood is compared with."""

    ions: Vector
    live: Vector
    saturated: float

    @classmethod
    def of(cls, *counts: Counts) -> Self:
        ions, live = (np.concatenate([getattr(c, name) for c in counts]).astype(np.float64) for name in ("ions", "live"))
        share = ions / np.maximum(live, 1.0)
        return cls(ions, live, float(xlogy(ions, share).sum() + xlogy(live - ions, 1 - share).sum()))

    def cost(self, rate: Vector) -> float:
        """Minus the logarithm of the likelihood of `rate` ions per shot, from that of a rate of each bin's own."""
        return float(((self.live - self.ions) * rate - xlogy(self.ions, -np.expm1(-rate))).sum()) + self.saturated

    def slopes(self, rate: Vector) -> tuple[Vector, Vector]:
        """Its derivative by the rate, and its expected curvature."""
        more = np.expm1(rate)
        return self.live - self.ions - self.ions / more, self.live / more
