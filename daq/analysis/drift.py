"""The common drift of flight times between zero and full field, which interleaving leaves.

A drift of the high voltage moves every flight time in proportion to √m.  Clusters that do not shift by themselves
tell it: non-magnetic ones.  Which those are is not assumed: the shift per √m on which most clusters agree is taken
(least squares truncated at three standard errors), since superparamagnetic shifts scale as 1/√m and differ from
each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daq.analysis.results import Drift

TRUNCATION = 3.0
FEWEST = 5
"""References without which no correction is made."""


@dataclass(frozen=True)
class Shift:
    """Shift of one cluster's profile between the fields in s, with its error."""

    size: int
    mass_u: float
    shift_s: float
    error_s: float


def common_drift(shifts: Sequence[Shift]) -> Drift | None:
    """The drift most shifts agree on, or None if fewer than five do or they are not the majority."""
    if len(shifts) < FEWEST:
        return None
    root = np.sqrt([s.mass_u for s in shifts])
    value, error = np.array([s.shift_s for s in shifts]) / root, np.array([s.error_s for s in shifts]) / root

    def cost(drift: float) -> float:
        return float(np.minimum(((value - drift) / error) ** 2, TRUNCATION**2).sum())

    best = min(value, key=cost)
    for _ in range(10):
        near = np.abs(value - best) < TRUNCATION * error
        best = float(np.average(value[near], weights=error[near] ** -2)) if near.any() else best
    if near.sum() < max(FEWEST, len(shifts) / 2):
        return None
    references = tuple(s.size for s, agrees in zip(shifts, near, strict=True) if agrees)
    return Drift(best, float((error[near] ** -2).sum() ** -0.5), references)
