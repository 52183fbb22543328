"""Which shots of a burst were recorded, and which were lost: told from the digitizer's time tags.

The machine fires at a known rate.  The first segment after arming is shot 0 of the burst; a segment whose tag lies k periods
later is shot k, and the numbers in between are shots that the digitizer missed.  A segment that lies between two periods, or
repeats one, is no shot of the machine: a double trigger.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOLERANCE_PERIODS = 0.2


@dataclass(frozen=True)
class Tally:
    """The shots of one burst.

    `kept` indices into the segments, `numbers` int64[kept] their shot numbers, `fired` shots from the first segment to the
    last, `missed` the numbers without a segment, `doubles` how many segments were not shots.
    """

    kept: NDArray[np.int64]
    numbers: NDArray[np.int64]
    fired: int
    missed: tuple[int, ...]
    doubles: int


def tally(time_tags_s: NDArray[np.float64], first: int, rate_Hz: float) -> Tally:
    """Number the segments of a burst whose first shot is `first`.  A missing tag (NaN) counts the segment as the next shot."""
    if len(time_tags_s) == 0:
        return Tally(np.empty(0, np.int64), np.empty(0, np.int64), 0, (), 0)
    periods = time_tags_s * rate_Hz
    kept: list[int] = []
    indices: list[int] = []
    for segment, period in enumerate(periods):
        last = indices[-1] if indices else -1
        index = last + 1 if np.isnan(period) else round(float(period))
        if index > last and (np.isnan(period) or abs(period - index) < TOLERANCE_PERIODS):
            kept.append(segment)
            indices.append(index)
    fired = indices[-1] + 1
    missed = sorted(set(range(fired)) - set(indices))
    return Tally(
        kept=np.array(kept, dtype=np.int64),
        numbers=np.array(indices, dtype=np.int64) + first,
        fired=fired,
        missed=tuple(first + index for index in missed),
        doubles=len(time_tags_s) - len(kept),
    )
