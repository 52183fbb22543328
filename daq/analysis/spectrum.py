"""The mean spectrum at zero field, its peaks labelled: what stands beside and under each cluster.

A line t0 + k √m through the clusters says when each of them comes.  Each is fitted together with what flies near it
(`daq.analysis.neighbourhood`), areas free and not bounded, isotopologues at their natural shares, one width for all.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, minimize_scalar

from config.calibration import Calibrations
from daq.analysis.calibrate.estimate import Estimate
from daq.analysis.calibrate.ladder import ladder, smoothed
from daq.analysis.calibrate.peaks import fit_peak
from daq.analysis.lacking import ZERO_T
from daq.analysis.neighbourhood import Neighbourhood, scatter_of
from daq.analysis.species import Kind, Line, doubly_charged
from daq.conversions.flight_time import cluster_mass_u
from daq.record.blocks import TraceAxis
from daq.reduce.profiles import Profiles

Floats = NDArray[np.float64]
WIDTHS_ns = 5.0, 20.0
FEWEST = 3
"""Clusters without which nobody knows which is which."""


class NoSpectrum(ValueError):
    """The spectrum does not show the clusters; says what it shows."""


@dataclass(frozen=True)
class MassSpectrum:
    """`mean` and `fitted` float64[samples] in codes above the baseline, and the peaks by mass; `width_s` is the rms of their
    Gaussian part."""

    element: str
    axis: TraceAxis
    mean: Floats
    fitted: Floats
    t0_s: float
    k_s_per_sqrt_u: float
    width_s: float
    lines: tuple[Line, ...]

    def line(self, kind: Kind, size: int) -> Line | None:
        """The peak of this kind that stands with a cluster."""
        return next((line for line in self.lines if line.kind == kind and line.size == size), None)

    def document(self) -> list[dict[str, object]]:
        """Plain data, one entry a peak."""
        return [
            {
                "name": line.name,
                "kind": line.kind,
                "size": line.size,
                "mass_u": line.mass_u,
                "time_s": line.time_s,
                "area": line.area.value,
                "area_error": line.area.error,
                "share": line.share.value,
                "share_error": line.share.error,
                "significant": line.significant,
            }
            for line in self.lines
        ]


def mass_spectrum(profiles: Profiles, calibrations: Calibrations) -> MassSpectrum:
    """The labelled spectrum of all shots of a run at zero field; `NoSpectrum` when there are none, or no clusters in them."""
    field_T = min(profiles.spectra, key=abs, default=math.inf)
    if abs(field_T) >= ZERO_T:
        fields = sorted(profiles.spectra)
        raise NoSpectrum(f"no shots at zero field were recorded, and field moves peaks apart; fields here are {fields} T")
    sizes = [window.size for window in profiles.windows]
    return label(profiles.spectra[field_T].mean(), profiles.axis, profiles.element, sizes, calibrations)


def label(mean: Floats, axis: TraceAxis, element: str, sizes: Iterable[int], calibrations: Calibrations) -> MassSpectrum:
    """The peaks of clusters of these sizes and of what comes with them, in a mean trace float64[samples] in codes.

    `NoSpectrum` when fewer than three of them can be found.
    """
    wanted = sorted(sizes)
    smooth, noise = smoothed(mean, axis)
    rungs = ladder(smooth, noise, axis, element, range(wanted[0], wanted[-1] + 1), calibrations.mass)
    k = calibrations.mass.k_s_per_sqrt_u.value
    peaks = [fit_peak(mean[None], mean, axis, element, *rung, k) for rung in rungs.items()]
    found = {peak.size: peak.time_s for peak in peaks if peak is not None}
    if len(found) < FEWEST:
        raise NoSpectrum(
            f"only {len(found)} clusters of {element} stand out in the spectrum at zero field; {FEWEST} are needed"
        )
    t0_s, k = _line(found, element)
    fits = [fit for size in wanted if (fit := Neighbourhood.at(mean, axis, element, size, t0_s, k, calibrations)) is not None]
    if not fits:
        raise NoSpectrum(f"the trace ends before the clusters {element}{wanted[0]} to {element}{wanted[-1]} with their oxides")
    chosen = minimize_scalar(
        lambda width_ns: sum(fit.left(1e-9 * width_ns) for fit in fits), bounds=WIDTHS_ns, method="bounded"
    )
    width_s, fitted, lines = 1e-9 * float(chosen.x), np.zeros(len(mean)), []
    scatter = scatter_of(fits, width_s)
    for fit in fits:
        fitted[fit.samples] = fit.curve(width_s)
        lines += fit.lines(width_s, scatter)
    lines += _doubly_charged_under(lines, element, t0_s, k)
    ordered = tuple(sorted(lines, key=lambda line: line.mass_u))
    return MassSpectrum(element, axis, mean, fitted, t0_s, k, width_s, ordered)


def _line(found: dict[int, float], element: str) -> tuple[float, float]:
    """t0 and k through the times of clusters, those off the line counting little."""
    root = np.sqrt([cluster_mass_u(element, size) for size in found])
    time_s = np.array(list(found.values()))
    k, t0_s = np.polyfit(root, time_s, 1)
    fit = least_squares(
        lambda x: (t0_s + 1e-9 * x[0] + (k + 1e-9 * x[1]) * root - time_s) / 1e-9, [0.0, 0.0], loss="soft_l1", f_scale=0.2
    )
    return float(t0_s + 1e-9 * fit.x[0]), float(k + 1e-9 * fit.x[1])


def _doubly_charged_under(lines: list[Line], element: str, t0_s: float, k: float) -> list[Line]:
    """Doubly charged clusters of even size, which nothing separates from singly charged ones of half of it: as the mean of
    those of one atom less and more, half their difference the systematic error [assumed: they vary smoothly with size]."""
    bare = {line.size: line for line in lines if line.kind == "bare"}
    doubly = {line.size: line for line in lines if line.kind == "doubly charged"}
    made = []
    for size, whole in bare.items():
        if size - 1 not in doubly or size not in doubly:
            continue
        below, above = doubly[size - 1].area, doubly[size].area
        statistical = math.hypot(below.statistical, above.statistical) / 2
        systematic = math.hypot((above.value - below.value) / 2, (below.systematic + above.systematic) / 2)
        area = Estimate((below.value + above.value) / 2, statistical, systematic)
        share = Estimate(*(value / whole.area.value for value in (area.value, area.statistical, area.systematic)))
        one = doubly_charged(element, 2 * size)
        made.append(Line(one.name, "doubly charged", size, one.mass_u, t0_s + k * math.sqrt(one.mass_u), area, share))
    return made
