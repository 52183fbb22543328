"""The flight time of one cluster's main isotopologue from its peak in the spectrum.

Isotopologues and hydrides stand a mass unit apart, less than the width of a heavy cluster's peak, and would drag its middle
along: 8 % of V33 hold a 50V, 1.9 ns.  So all of them are fitted, with one width and a pedestal: the isotopes with their natural
shares, the hydride free (also to be negative, or a peak without one would be pulled).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from daq.conversions.flight_time import cluster_mass_u
from daq.record.blocks import TraceAxis

Floats = NDArray[np.float64]
REACH_s = 70e-9
"""Half the stretch of the trace that is fitted."""
WIDTH_s = (8.5e-9, 25e-9)
"""Rms of a peak: at least the ionisation pulse (20 ns FWHM, *assumed*), at most a beam of twice the usual width."""
LIGHT_ISOTOPE = {"V": (0.0025, -0.99680)}
"""Share of the lighter isotope (50V 49.94716 u) and its mass difference in u."""
HYDROGEN_u = 1.00783
ISOTOPOLOGUES = 4


@dataclass(frozen=True)
class Peak:
    """`time_s` of the main isotopologue; `moved_s` float64[groups], how far each group's peak is from it, to first order."""

    element: str
    size: int
    mass_u: float
    time_s: float
    moved_s: Floats


def fit_peak(groups: Floats, mean: Floats, axis: TraceAxis, element: str, size: int, near_s: float, k: float) -> Peak | None:
    """The peak of a size near a time, `k` in s per √u; None where the trace does not hold it, or no such peak fits."""
    half = round(REACH_s / axis.interval_s)
    middle = round((near_s - axis.start_s) / axis.interval_s)
    if middle - half < 0 or middle + half >= axis.samples:
        return None
    part = slice(middle - half, middle + half + 1)
    time_s: Floats = axis.start_s + axis.interval_s * np.arange(part.start, part.stop, dtype=np.float64)
    lines = _lines(element, size, k)
    centre, width, scale = near_s, 12e-9, float(mean[part].max())
    for _ in range(40):
        design = _design(time_s, centre, width, lines)
        height, *_ = np.linalg.lstsq(design, mean[part] / scale, rcond=None)
        slopes = [(_design(time_s, centre + d, width + w, lines) - design) @ height / 1e-12 for d, w in _SMALL]
        jacobian = np.column_stack([design, *slopes])
        gain = np.linalg.pinv(jacobian, rcond=1e-12)
        step = (gain @ (mean[part] / scale - design @ height))[-2:]
        centre += float(np.clip(step[0], -5e-9, 5e-9))
        width = float(np.clip(width + np.clip(step[1], -3e-9, 3e-9), *WIDTH_s))
        if abs(step[0]) < 1e-13:
            break
    if abs(centre - near_s) > REACH_s / 2 or height[0] <= 0 or height[0] < height[1]:
        return None
    moved = (groups[:, part] - mean[part]) / scale @ gain[-2]
    return Peak(element, size, cluster_mass_u(element, size), centre, moved)


_SMALL = ((1e-12, 0.0), (0.0, 1e-12))


def _lines(element: str, size: int, k: float) -> Floats:
    """Delays after the main isotopologue and shares, float64[2, isotopologues, 2]: of the bare cluster and its hydride."""
    share, lighter_u = LIGHT_ISOTOPE.get(element, (0.0, 0.0))
    light = np.arange(ISOTOPOLOGUES)
    shares = binom.pmf(light, size, share)
    mass_u = cluster_mass_u(element, size)
    times = [k * (np.sqrt(mass_u + more_u + light * lighter_u) - np.sqrt(mass_u)) for more_u in (0.0, HYDROGEN_u)]
    return np.array([np.column_stack([time, shares]) for time in times])


def _design(time_s: Floats, centre: float, width: float, lines: Floats) -> Floats:
    """Columns: the bare cluster, its hydride, the pedestal."""
    delay, share = lines[:, :, 0], lines[:, :, 1]
    away = (time_s[:, None, None] - centre - delay) / width
    shapes = (np.exp(-(away**2) / 2) * share).sum(axis=2)
    return np.column_stack([shapes, np.ones(len(time_s))])
