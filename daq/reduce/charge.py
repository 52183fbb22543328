"""Charge of a shot in the bins of all windows, in whole sixteenths of a code times sample.

A fixed-point unit makes every sum an exact integer: blocks may be added in any grouping with bit-equal results.
The baseline is one number per shot, rounded to a sixteenth of a code.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = 16
"""Charge units per code times sample."""
CLIP = 3.0
"""Ions in the baseline's samples are cut off this many standard deviations from the median."""
NARROW = 2**10
"""Samples of a bin whose charge fits into an int32, whatever the codes."""
ENOUGH = 500
"""Samples that tell where to cut."""
EXACT = 2**53
"""Float64 adds whole numbers exactly up to here, and only float64 multiplies matrices fast."""


@dataclass(frozen=True)
class Levels:
    """Baseline and noise (rms) of each shot, int64[shots] in sixteenths of a code."""

    baseline: NDArray[np.int64]
    noise: NDArray[np.int64]


def levels(chosen: NDArray[np.int16]) -> Levels:
    """Mean and standard deviation of the samples near their median, of each shot.

    `chosen` int16[shots, samples].  The cut is symmetric about the median, its width from the lower quartile range,
    which ions (positive) do not reach; both from every so many-th sample where there are more than `ENOUGH`.  It takes
    1.3 % off the deviation of Gaussian noise, which stays off.
    """
    some = np.sort(chosen[:, :: max(1, chosen.shape[1] // ENOUGH)], axis=1).astype(np.int32)
    low, median = some[:, int(0.159 * some.shape[1])], some[:, some.shape[1] // 2]
    reach = np.ceil(CLIP * np.maximum(median - low, 1)).astype(np.int32)
    least, most = _code(median - reach), _code(median + reach)
    # Without a sign, what lies under the least wraps around to far over the most.
    over = (chosen - least).view(np.uint16)
    kept = over <= (most - least).view(np.uint16)
    count = kept.sum(axis=1)
    inside = (over * kept).astype(np.float64)
    sums, squares = inside.sum(axis=1), np.einsum("ij,ij->i", inside, inside)
    baseline = np.rint(PARTS * (count * least[:, 0] + sums) / count).astype(np.int64)
    noise = np.rint(PARTS * np.sqrt(squares / count - (sums / count) ** 2)).astype(np.int64)
    return Levels(baseline, noise)


def charges(codes: NDArray[np.int16], samples_per_bin: int, baseline: NDArray[np.int64]) -> NDArray[np.integer]:
    """Charge per shot, window and bin, int[shots, windows, bins] in sixteenths of a code times sample, baseline subtracted.

    `codes` int16[shots, windows, samples] are whole bins.
    """
    total: NDArray[Any] = codes[:, :, ::samples_per_bin].astype(np.int32 if samples_per_bin < NARROW else np.int64)
    for i in range(1, samples_per_bin):
        total += codes[:, :, i::samples_per_bin]
    total *= PARTS
    total -= (samples_per_bin * baseline[:, None, None]).astype(total.dtype)
    return total


def products(charge: NDArray[np.integer]) -> NDArray[np.int64]:
    """Σ q qᵀ over shots for each window, int64[windows, bins, bins], exact, of `charge` int[shots, windows, bins]."""
    shots, windows, bins = charge.shape
    largest = max(1, int(charge.max(initial=0)), -int(charge.min(initial=0)))
    at_once = EXACT // largest**2
    if at_once == 0:
        raise ValueError(f"a charge of {largest} units cannot be squared exactly; the window's bins are too wide")
    total = np.zeros((windows, bins, bins), dtype=np.int64)
    for first in range(0, shots, at_once):
        part = charge[first : first + at_once].astype(np.float64)
        total += (part.transpose(1, 2, 0) @ part.transpose(1, 0, 2)).astype(np.int64)
    return total


def _code(codes: NDArray[np.int32]) -> NDArray[np.int16]:
    """Codes to compare rows with, int16[…, 1], cut off at the limits of int16."""
    limits = np.iinfo(np.int16)
    return np.clip(codes, limits.min, limits.max).astype(np.int16)[..., None]
