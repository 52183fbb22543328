"""What of a few shots goes into the sums, worked out where their traces have just been unpacked.

Traces are large: whoever unpacked them still has them in its processor's cache, and nobody else should need them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from daq.reduce.charge import Levels, charges, levels
from daq.reduce.counting import MARGIN, pulses

LARGEST_INT16 = 2**15 - 1
SHOTS_IN_INT32 = 2**15
"""So many int16 samples add up in an int32."""


@dataclass(frozen=True)
class Places:
    """Which samples are looked at: `samples` of them from each of `first` intp[windows] on, the windows with the `MARGIN` of
    counting, and `ion_free` intp[samples] for the baseline.

    Samples from `saturated_code` on may be clipped; `added` samples make a pulse, 0 where ions are not counted.
    """

    first: NDArray[np.intp]
    samples: int
    samples_per_bin: int
    ion_free: NDArray[np.intp]
    saturated_code: int
    added: int

    @property
    def bins(self) -> int:
        """Bins of the widest window."""
        return self.samples // self.samples_per_bin - sum(MARGIN)

    @property
    def inside(self) -> slice:
        """The windows' own samples."""
        return slice(MARGIN[0] * self.samples_per_bin, self.samples - MARGIN[1] * self.samples_per_bin)


@dataclass(frozen=True)
class Extract:
    """Of the shots `numbers` int64[shots]: their `levels`, `charge` int[shots, windows, bins], and where ions are counted
    `found` bool[shots, windows, 1 + bins] of `pulses` and in how many shots each window was `clipped` int64[windows].

    Of all traces together: the sum of their `codes` int[samples], and how many were `saturated` somewhere.
    """

    numbers: NDArray[np.int64]
    levels: Levels
    charge: NDArray[np.integer]
    found: NDArray[np.bool_] | None
    clipped: NDArray[np.int64] | None
    codes: NDArray[np.integer]
    saturated: int


def extract(numbers: NDArray[np.int64], traces: NDArray[np.int16], places: Places) -> Extract:
    """Of `traces` int16[shots, samples]."""
    lowest, highest = traces.min(axis=1), traces.max(axis=1)
    quiet = levels(np.take(traces, places.ion_free, axis=1))
    windows = _windows(traces, places)
    inside = windows[:, :, places.inside]
    counting = bool(places.added)
    return Extract(
        numbers,
        quiet,
        charges(inside, places.samples_per_bin, quiet.baseline),
        pulses(windows, places.samples_per_bin, quiet, places.added) if counting else None,
        np.count_nonzero(inside.max(axis=2) >= places.saturated_code, axis=0) if counting else None,
        summed(traces, max(int(highest.max(initial=0)), -int(lowest.min(initial=0)))),
        int((highest >= places.saturated_code).sum()),
    )


def summed(traces: NDArray[np.int16], largest: int) -> NDArray[np.integer]:
    """Σ over shots, int[samples], of `traces` int16[shots, samples], none of them further from 0 than `largest`.

    As many as cannot overflow are added as int16 first, which takes half of the time.
    """
    wide = np.int32 if len(traces) <= SHOTS_IN_INT32 else np.int64
    at_once = LARGEST_INT16 // max(largest, 1)
    total: NDArray[Any] = np.zeros(traces.shape[1], wide)
    if at_once < 2:
        return traces.sum(axis=0, dtype=wide, out=total)
    for first in range(0, len(traces), at_once):
        total += traces[first : first + at_once].sum(axis=0, dtype=np.int16)
    return total


def _windows(traces: NDArray[np.int16], places: Places) -> NDArray[np.int16]:
    """int16[shots, windows, samples]; where one reaches beyond the trace, the trace's last sample goes on."""
    last = traces.shape[1] - places.samples
    if places.first[0] >= 0 and places.first[-1] <= last:
        return np.ascontiguousarray(sliding_window_view(traces, places.samples, axis=1)[:, places.first])
    return np.take(traces, places.first[:, None] + np.arange(places.samples), axis=1, mode="clip")
