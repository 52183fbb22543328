"""Where in a trace each cluster arrives: a run of samples around its undeflected flight time, cut into bins of equal time.

Bins are whole samples, so that charges stay integers and sums are exact.  A window is as wide as deflected ions
need: up to the acceptance of the ionisation, but no more than 3 µB in the slowest beam, plus half the beam, plus
the time resolution.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.calibration import Calibrations
from daq.conversions.deflection import deflection_per_uB_m
from daq.conversions.flight_time import cluster_mass_u, flight_time_s, undeflected_time_s
from daq.record.blocks import TraceAxis

ACCEPTANCE_m = 10e-3
"""Half width of the ionised region (assumed)."""
LARGEST_MEAN_MOMENT_uB = 3.0
SLOWEST_m_s = 400.0
"""Slowest beam of the paper, where deflections are largest."""
HALF_BEAM_m = 1.5e-3
"""Half the base width of the undeflected beam at the detector (derived: 1.26 mm, with margin)."""
RESOLUTION_s = 40e-9
"""Room on each side for the 20 ns ionisation pulse (paper sheet, assumed) and the spectrometer."""
BIN_s = 6e-9
"""Width of a bin; under the resolution of the machine, over the length of a single-ion pulse."""


@dataclass(frozen=True)
class Window:
    """The samples `first` to `first + bins * samples_per_bin` of a trace, where clusters of one size arrive.

    `time_s` float64[bins] is the flight time of each bin's middle.
    """

    size: int
    mass_u: float
    first: int
    bins: int
    samples_per_bin: int
    time_s: NDArray[np.float64]

    @property
    def samples(self) -> slice:
        return slice(self.first, self.first + self.bins * self.samples_per_bin)


def cluster_windows(
    axis: TraceAxis, element: str, sizes: Iterable[int], calibrations: Calibrations
) -> tuple[tuple[Window, ...], tuple[int, ...]]:
    """Windows of the sizes that lie wholly inside the trace, by size, and the sizes that do not.

    Where windows of neighbouring sizes would meet, both end halfway between the two flight times.
    """
    wanted = sorted(set(sizes))
    if not wanted:
        raise ValueError("no cluster sizes were given; name at least one")
    inside: list[Window] = []
    outside: list[Window] = []
    for size in wanted:
        window = _window(axis, element, size, calibrations)
        fits = window.first >= 0 and window.samples.stop <= axis.samples
        (inside if fits else outside).append(window)
    return tuple(inside), tuple(window.size for window in outside)


def stretches(windows: tuple[Window, ...], before: int, after: int) -> tuple[NDArray[np.intp], int]:
    """First samples of all windows in order of time, intp[windows], and their length, with so many bins before and after.

    All are as long as the widest: a narrower window goes on beyond its end, and any of them perhaps beyond the trace's.
    """
    per_bin = windows[0].samples_per_bin
    bins = max(window.bins for window in windows)
    first = np.array([window.first for window in windows])
    return first - before * per_bin, (before + bins + after) * per_bin


def ion_free_samples(
    axis: TraceAxis, element: str, windows: tuple[Window, ...], calibrations: Calibrations
) -> NDArray[np.intp]:
    """Indices of samples between the windows for the baseline: 128 ns before each size, at the mass of V_(n - 0.2).

    That place keeps away from oxides (V_nO to V_nO₃ at n + 0.31, n + 0.63 and n + 0.94) and doubly charged clusters
    (n + 0.5).  Not truly empty, so the baseline must be robust.
    """
    length = max(8, round(128e-9 / axis.interval_s))
    atom_u = cluster_mass_u(element, 1)
    chosen = []
    for window in windows:
        middle_s = float(undeflected_time_s(window.mass_u - 0.2 * atom_u, calibrations.mass))
        first = round((middle_s - axis.start_s) / axis.interval_s) - length // 2
        if first >= 0 and first + length <= axis.samples:
            chosen.append(np.arange(first, first + length))
    taken = np.concatenate([np.arange(w.samples.start, w.samples.stop) for w in windows])
    return np.setdiff1d(np.concatenate(chosen) if chosen else np.arange(axis.samples), taken)


def _window(axis: TraceAxis, element: str, size: int, calibrations: Calibrations) -> Window:
    mass_u = cluster_mass_u(element, size)
    neighbours_u = [cluster_mass_u(element, 1) * n for n in (size - 1, size + 1)]
    centre_s = float(undeflected_time_s(mass_u, calibrations.mass))
    before_s, after_s = (abs(float(undeflected_time_s(u, calibrations.mass)) - centre_s) / 2 for u in neighbours_u)
    spb = max(1, round(BIN_s / axis.interval_s))
    width_s = spb * axis.interval_s
    edges = []
    for side, limit_s in ((-1, before_s), (1, after_s)):
        reach_s = min(abs(_edge_s(side, mass_u, calibrations) - centre_s) + RESOLUTION_s, limit_s)
        edges.append(int(reach_s / width_s))
    first = round((centre_s - axis.start_s) / axis.interval_s) - edges[0] * spb - spb // 2
    bins = edges[0] + edges[1] + 1
    middle = first + spb * np.arange(bins) + (spb - 1) / 2
    time_s: NDArray[np.float64] = axis.start_s + axis.interval_s * middle.astype(np.float64)
    return Window(size, mass_u, first, bins, spb, time_s)


def _edge_s(side: int, mass_u: float, calibrations: Calibrations) -> float:
    per_uB = deflection_per_uB_m(mass_u, SLOWEST_m_s, calibrations.deflection.field_T, calibrations.deflection)
    reach_m = min(ACCEPTANCE_m, LARGEST_MEAN_MOMENT_uB * per_uB + HALF_BEAM_m)
    return float(flight_time_s(mass_u, side * reach_m, calibrations.mass, calibrations.position))
