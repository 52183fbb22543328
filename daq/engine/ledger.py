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
    kept, indices = _numbered(time_tags_s * rate_Hz)
    fired = int(indices[-1]) + 1
    absent = np.ones(fired, dtype=np.bool_)
    absent[indices] = False
    return Tally(
        kept=kept,
        numbers=indices + first,
        fired=fired,
        missed=tuple((np.flatnonzero(absent) + first).tolist()),
        doubles=len(time_tags_s) - len(kept),
    )


def _numbered(periods: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which segments are shots, and their index from the first: those on a later period than any before."""
    if np.isnan(periods).any():
        return _numbered_without_tags(periods)
    nearest = np.rint(periods).astype(np.int64)
    on_period = np.where(np.abs(periods - nearest) < TOLERANCE_PERIODS, nearest, -1)
    before = np.concatenate(([-1], np.maximum.accumulate(on_period)[:-1]))
    kept = np.flatnonzero(on_period > before)
    return kept, nearest[kept]


def _numbered_without_tags(periods: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The digitizer gave no tag for some segments, which is rare: each of them counts as the next shot."""
    kept: list[int] = []
    indices: list[int] = []
    for segment, period in enumerate(periods):
        last = indices[-1] if indices else -1
        index = last + 1 if np.isnan(period) else round(float(period))
        if index > last and (np.isnan(period) or abs(period - index) < TOLERANCE_PERIODS):
            kept.append(segment)
            indices.append(index)
    return np.array(kept, dtype=np.int64), np.array(indices, dtype=np.int64)
