"""Ions counted one by one: pulses over a threshold, and per bin in how many shots it could have counted one.

A pulse is a highest sample at least `SIGMAS` standard deviations of its shot's noise over its shot's baseline.  Its time is
that sample.  Bins are whole samples, so a finer time puts no ion into a better bin: a parabola through the logarithms of
three samples knows it to 0.1 ns and is as often in the wrong bin, 0.8 % of all ions; a constant fraction, between samples as
sparse as a pulse is long, 4 %; the crossing of the threshold, which walks with a pulse's height, 10 %
(`benchmarks/reduction.py`).  Where a pulse is several samples long they are added in odd numbers first.

Dead time: a pulse makes the rest of its bin and the next bin dead, whether it is counted itself or not (extending).  A bin is
longer than a pulse, so what comes later stands clear of it.  In the shots in which a bin is live nothing has been said about
it yet, and ions that arrive at random with a mean of r per bin leave it empty with probability e^(−r): r = −ln(1 − ions/live),
whatever came before [derived].
"""

import numpy as np
from numpy.typing import NDArray

from daq.reduce.charge import PARTS, Levels

SIGMAS = 5.0
"""One sample in three million is as high by noise alone: a thousandth of an ion per shot in all windows together."""
PULSE_s = 3e-9
"""Length of a single ion's pulse (FWHM, assumed)."""
MARGIN = 2, 1
"""Bins before and after a window that are looked at too: for what keeps its first bin dead, and for neighbours of samples."""


def added_samples(interval_s: float) -> int:
    """How many samples are added before a highest one is looked for: odd, so that a middle one remains, and no longer than
    a pulse."""
    return 2 * int((PULSE_s / interval_s - 1) / 2 + 1e-9) + 1 if interval_s < PULSE_s else 1


def pulses(codes: NDArray[np.int16], samples_per_bin: int, levels: Levels, added: int) -> NDArray[np.bool_]:
    """Whether a pulse has its highest sample in a bin, bool[shots, windows, 1 + bins]: those of the windows, and one before.

    `codes` int16[shots, windows, samples] are the windows with their `MARGIN` of bins, `added` odd.  Samples over the
    threshold are few: only they are held against their neighbours.
    """
    reach = added // 2
    summed = codes
    if reach:
        last = codes.shape[2] - added + 1
        largest = max(int(codes.max(initial=0)), -int(codes.min(initial=0)))
        summed = codes[:, :, :last].astype(np.int16 if added * largest < 2**15 else np.int32)
        for i in range(1, added):
            summed += codes[:, :, i : i + last]
    noise = np.maximum(levels.noise, PARTS)
    limit = np.ceil((added * levels.baseline + SIGMAS * np.sqrt(added) * noise) / PARTS).astype(np.int32)
    if summed.dtype == np.int16:
        limit = np.minimum(limit, np.iinfo(np.int16).max).astype(np.int16)
    over = summed >= limit[:, None, None]
    over[:, :, [0, -1]] = False
    at, flat = np.flatnonzero(over), summed.reshape(-1)
    highest = at[(flat[at] > flat[at - 1]) & (flat[at] >= flat[at + 1])]
    row, sample = np.divmod(highest, summed.shape[2])
    place = (sample + reach) // samples_per_bin - (MARGIN[0] - 1)
    bins = codes.shape[2] // samples_per_bin - MARGIN[0] - MARGIN[1] + 1
    inside = (place >= 0) & (place < bins)
    found = np.zeros((*codes.shape[:2], bins), np.bool_)
    found.reshape(-1, bins)[row[inside], place[inside]] = True
    return found


def counted(found: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ions, and live shots, int64[windows, bins] each, of what `pulses` found."""
    dead, here = found[:, :, :-1], found[:, :, 1:]
    ions = np.count_nonzero(here & ~dead, axis=0)
    live = len(found) - np.count_nonzero(dead, axis=0)
    return ions.astype(np.int64), live.astype(np.int64)
