"""The three kinds of behaviour as deflection models (see `daq.analysis.fit`): what share of the beam is bent how far.

All bends are in m.  The field that remains at zero current bends too: in a blocked state by the smaller C, in a
relaxing one by the smaller C and the smaller thermal mean.  `offset_m` moves everything at full field: the common
drift of flight times.
"""

import math
from dataclasses import dataclass

import numpy as np

from daq.analysis.fit import Bends, Model, Parameter, Vector
from daq.analysis.thermal import telegraph

LARGEST_uB = 8.0
MOST_FLIPS = 6.0
"""W t beyond which e^(−Wt) of blocked moments cannot be told from none."""
LEAST_BLOCKED = 0.1
MOST_RELAXED = -math.log(LEAST_BLOCKED)
"""Share of an atomic-like cluster's moments that stay blocked, and the W t that leaves it."""


@dataclass(frozen=True)
class Conditions:
    """What bends a cluster: m per µB and h = µ_B B/(k_B T_cl) at zero and at full field, and the common offset."""

    off_m_per_uB: float
    on_m_per_uB: float
    off_h: float
    on_h: float
    offset_m: float = 0.0


def non_magnetic(at: Conditions) -> Model:
    """Nothing bends."""
    one = np.ones(1)
    return Model((), lambda values: Bends((np.zeros(1), one), (np.array([at.offset_m]), one)))


def relaxing(at: Conditions) -> Model:
    """One shift by the mean moment `mean_uB`, of either sign: the data decide, a negative one is an error state."""
    one = np.ones(1)
    thermal = at.off_h / at.on_h

    def bends(values: Vector) -> Bends:
        mean_uB = values[0]
        off = np.array([mean_uB * thermal * at.off_m_per_uB])
        return Bends((off, one), (np.array([mean_uB * at.on_m_per_uB + at.offset_m]), one))

    return Model((Parameter("mean_uB", 0.0, -LARGEST_uB, LARGEST_uB),), bends)


def blocked(
    at: Conditions,
    moment_uB: float | None = None,
    flips: float | None = None,
    most_flips: float = MOST_FLIPS,
    least_flips: float = 0.0,
) -> Model:
    """Two peaks at ± `moment_uB` and the moments relaxed by `flips` = W t.  A parameter given a value here is fixed.

    `least_flips` below nothing continues the densities, for `daq.analysis.splitting`.
    """

    def bends(values: Vector) -> Bends:
        moment, rate = values
        sides = []
        for per_uB, h, offset in ((at.off_m_per_uB, at.off_h, 0.0), (at.on_m_per_uB, at.on_h, at.offset_m)):
            projection, share = telegraph(rate, moment * h)
            sides.append((projection * moment * per_uB + offset, share))
        return Bends(*sides)

    def parameter(name: str, fixed: float | None, start: float, lowest: float, highest: float) -> Parameter:
        return Parameter(name, start, lowest, highest) if fixed is None else Parameter(name, fixed, fixed, fixed)

    moment = parameter("moment_uB", moment_uB, 1.0, 0.0, LARGEST_uB)
    return Model((moment, parameter("flips", flips, 0.0, least_flips, most_flips)), bends)
