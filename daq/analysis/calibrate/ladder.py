"""Which peaks of a spectrum are V_1, V_2, V_3…, when peaks are missing, others stand between, and the calibration is old.

The bare clusters are the only regular ladder t0 + k √(n m₁): oxides and doubly charged clusters lie between its rungs, and a
ladder through them fits for few n.  So t0 and k are searched for where most rungs lie on a peak, however high it is.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from config.calibration import MassCalibration
from daq.conversions.flight_time import cluster_mass_u, undeflected_time_s
from daq.record.blocks import TraceAxis

Floats = NDArray[np.float64]
SMOOTHING_s = 8e-9
FAR_s, FAR_SHARE = 0.3e-6, 0.02
"""How far t0 (absolute) and k (relative) may be from the calibration in force."""
RUNG_s = 10e-9
"""A step of the search, at the last rung."""
SIGNIFICANT = 6.0
"""Height of a peak above the spectrum's noise, in standard deviations of it, smoothed."""


def smoothed(spectrum: Floats, axis: TraceAxis) -> tuple[Floats, float]:
    """The spectrum smoothed over 8 ns, and the standard deviation of its noise, from the samples below the median."""
    smooth = gaussian_filter1d(spectrum, SMOOTHING_s / axis.interval_s)
    low, middle = np.quantile(smooth, [0.159, 0.5])
    return smooth - middle, float(max(middle - low, 1e-12))


def ladder(smooth: Floats, noise: float, axis: TraceAxis, element: str, sizes: range, old: MassCalibration) -> dict[int, float]:
    """Where in the trace each size is, in s, by size; rungs without a peak are left out.

    A rung counts by the logarithm of its height, so one that is missing or covered by something large matters little.
    """
    mass_u = np.array([cluster_mass_u(element, size) for size in sizes])
    last_s = float(undeflected_time_s(mass_u, old).max())
    stretch = np.arange(-FAR_SHARE, FAR_SHARE, RUNG_s / last_s)
    shift_s = np.arange(-FAR_s, FAR_s + RUNG_s / 2, RUNG_s)
    worth = np.log1p(np.maximum(smooth / noise, 0.0))
    best, found = -1.0, np.zeros(len(mass_u))
    for one in stretch:
        at_s = old.t0_s.value + old.k_s_per_sqrt_u.value * (1 + one) * np.sqrt(mass_u) + shift_s[:, None]
        scores = worth[_sample(at_s, axis)].sum(axis=1)
        if scores.max() > best:
            best, found = float(scores.max()), at_s[scores.argmax()]
    rungs = {}
    for size, at_s in zip(sizes, found.tolist(), strict=True):
        place = round((at_s - axis.start_s) / axis.interval_s)
        reach = round(2 * RUNG_s / axis.interval_s)
        near = smooth[max(place - reach, 0) : place + reach + 1]
        if place + reach < axis.samples and len(near) and near.max() > SIGNIFICANT * noise:
            rungs[size] = axis.start_s + axis.interval_s * (max(place - reach, 0) + int(near.argmax()))
    return rungs


def _sample(at_s: Floats, axis: TraceAxis) -> NDArray[np.intp]:
    """Samples at these times; outside of the trace, its first."""
    sample = np.rint((at_s - axis.start_s) / axis.interval_s).astype(np.intp)
    return np.where((sample >= 0) & (sample < axis.samples), sample, 0)
