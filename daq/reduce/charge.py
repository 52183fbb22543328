"""Charge of a shot in the bins of a window, in whole sixteenths of a code times sample.

A fixed-point unit makes every sum an exact integer: blocks may be added in any grouping with bit-equal results.
The baseline is one number per shot, rounded to a sixteenth of a code.
"""

import numpy as np
from numpy.typing import NDArray

from daq.reduce.windows import Window

PARTS = 16
"""Charge units per code times sample."""
CLIP = 3.0
"""Ions in the baseline's samples are cut off this many standard deviations from the median."""
EXACT = 2**53
"""Float64 adds whole numbers exactly up to here, and only float64 multiplies matrices fast."""


def baselines(traces: NDArray[np.int16], samples: NDArray[np.intp]) -> NDArray[np.int64]:
    """Baseline of each shot, int64[shots] in sixteenths of a code: mean of the samples near their median.

    `traces` int16[shots, samples].  The cut is symmetric about the median, its width from the lower quartile range,
    which ions (positive) do not reach.
    """
    chosen = traces[:, samples]
    count = chosen.shape[1]
    low, middle = int(0.159 * count), count // 2
    ordered = np.partition(chosen, (low, middle), axis=1).astype(np.int32)
    median = ordered[:, middle, None]
    reach = np.ceil(CLIP * np.maximum(median - ordered[:, low, None], 1)).astype(np.int32)
    kept = np.abs(chosen - median) <= reach
    sums = np.where(kept, chosen, 0).sum(axis=1, dtype=np.int64)
    rounded: NDArray[np.int64] = np.rint(PARTS * sums / kept.sum(axis=1)).astype(np.int64)
    return rounded


def charges(traces: NDArray[np.int16], window: Window, baseline: NDArray[np.int64]) -> NDArray[np.int64]:
    """Charge per shot and bin, int64[shots, bins] in sixteenths of a code times sample, baseline subtracted."""
    span = traces[:, window.samples]
    spb = window.samples_per_bin
    codes = span[:, ::spb].astype(np.int64)
    for offset in range(1, spb):
        codes += span[:, offset::spb]
    return PARTS * codes - spb * baseline[:, None]


def products(charge: NDArray[np.int64]) -> NDArray[np.int64]:
    """Σ q qᵀ over shots, int64[bins, bins], exact."""
    shots, bins = charge.shape
    largest = max(1, int(np.abs(charge).max(initial=0)))
    at_once = EXACT // largest**2
    if at_once == 0:
        raise ValueError(f"a charge of {largest} units cannot be squared exactly; the window's bins are too wide")
    total = np.zeros((bins, bins), dtype=np.int64)
    for first in range(0, shots, at_once):
        part = charge[first : first + at_once].astype(np.float64)
        total += (part.T @ part).astype(np.int64)
    return total
