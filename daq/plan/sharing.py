"""How many more shots each point needs, from the error that its shots so far have left.

A standard error falls as 1/√shots, so a point with n shots and `ratio` = error / target needs n ratio² shots in all.  Where
the shots are limited, equal errors everywhere make the largest one smallest, which takes shots in proportion to n ratio².
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SURPLUS = 1.01
"""An estimate of what is needed is wrong by about a percent; a little more is cheaper than another cycle."""


@dataclass(frozen=True)
class Known:
    """A point so far: its shots (backgrounds left out) and its standard error relative to the target."""

    shots: int
    ratio: float

    @property
    def needed(self) -> float:
        return self.shots * self.ratio**2


def allot(known: Sequence[Known | None], budget: float | None = None) -> list[float | None]:
    """More shots for each point: 0 where the target is reached, None where nothing is known yet.

    `budget` limits their sum; what is not known counts as much as the neediest of the known.
    """
    more = [None if one is None else _more(one, 1.0) for one in known]
    needy = max((one.needed for one in known if one is not None), default=0.0)
    if budget is None or sum(needy if one is None else one for one in more) <= budget:
        return more
    ratio = _equal([one for one in known if one is not None], budget, needy * sum(one is None for one in known))
    return [None if one is None else _more(one, ratio) for one in known]


def _more(one: Known, ratio: float) -> float:
    """Shots until the error is `ratio` of the target."""
    return 0.0 if one.ratio <= ratio else one.needed / ratio**2 * SURPLUS - one.shots


def _equal(known: Sequence[Known], budget: float, unknown: float) -> float:
    """The ratio to the target that all can reach with so many shots; `unknown` is what the others take at ratio 1."""
    low, high = 1.0, max((one.ratio for one in known), default=1.0)
    while high - low > 1e-4 * high:
        middle = math.sqrt(low * high)
        enough = sum(_more(one, middle) for one in known) + unknown / middle**2 <= budget
        low, high = (low, middle) if enough else (middle, high)
    return high
