"""One cluster fitted with what flies near it: the areas of all, with statistical and systematic errors.

All peaks have one shape: skimmer and slit, 1 mm and 0.5 mm at distances that make a trapezoid of 1.35 and 1.175 mm at the
detector [derived], folded with a Gaussian whose width is given.  Statistical errors come from what all fits together leave, in
proportion to the signal and on top of the noise, with the correlation of a single ion's pulse, so a mean spectrum is enough,
and a shape that does not fit widens them.  That all clusters are stronger or weaker in a shot is not in them: it is in no
share.  Systematic errors come from times and width that are off.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from config.calibration import Calibrations
from daq.analysis.calibrate.estimate import Estimate
from daq.analysis.species import Line, Species, around
from daq.conversions.flight_time import cluster_mass_u, sensitivity_s_per_m
from daq.record.blocks import TraceAxis
from daq.reduce.counting import PULSE_s

Floats = NDArray[np.float64]
APERTURES_m = 1.35e-3, 1.175e-3
"""Full widths at the detector of a point seen through the skimmer and through the slit [derived]."""
REACH_s = 70e-9
"""Stretch on each side of a peak that is fitted."""
SHAPE_s = 0.1e-9
"""What times of a cluster of 2,000 u are trusted to, others as √m, and widths to three times as much [assumed]: no peak has
exactly the shape of its model."""
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
FOUND = 5.0
"""Area over its error from which on there is a cluster."""


@dataclass(frozen=True)
class Scatter:
    """Variance of the mean spectrum: `floor` plus `per_signal` times the signal in codes, and its correlation float64[lags]
    from sample to sample."""

    floor: float
    per_signal: float
    correlation: Floats


@dataclass(frozen=True)
class Neighbourhood:
    """One cluster and what flies near it: `samples` of the trace around them, with the `mean` there."""

    size: int
    species: tuple[Species, ...]
    samples: NDArray[np.intp]
    time_s: Floats
    mean: Floats
    interval_s: float
    t0_s: float
    k: float
    s_per_sqrt_u: float

    @classmethod
    def at(
        cls, mean: Floats, axis: TraceAxis, element: str, size: int, t0_s: float, k: float, calibrations: Calibrations
    ) -> "Neighbourhood | None":
        """None where the trace does not hold all of it."""
        species = around(element, size)
        time_s: Floats = axis.start_s + axis.interval_s * np.arange(axis.samples, dtype=np.float64)
        near = np.zeros(len(mean), bool)
        for one in species:
            at_s = t0_s + k * math.sqrt(one.mass_u)
            if not axis.start_s + REACH_s < at_s < float(time_s[-1]) - REACH_s:
                return None
            near |= np.abs(time_s - at_s) < REACH_s
        samples = np.flatnonzero(near)
        s = sensitivity_s_per_m(1.0, calibrations.position)
        return cls(size, species, samples, np.asarray(time_s[samples]), mean[samples], axis.interval_s, t0_s, k, s)

    def left(self, width_s: float) -> float:
        """Sum of squares that the fit leaves."""
        return float(((self.mean - self.curve(width_s)) ** 2).sum())

    def curve(self, width_s: float) -> Floats:
        design = self._design(width_s)
        areas, *_ = np.linalg.lstsq(design, self.mean, rcond=None)
        return np.asarray(design @ areas)

    def lines(self, width_s: float, scatter: Scatter) -> list[Line]:
        """The peaks, if the cluster itself is there; shares with the errors of both."""
        design = self._design(width_s)
        gain: Floats = np.asarray(np.linalg.pinv(design), np.float64)
        areas = (gain @ self.mean)[:-1]
        statistical, systematic = self._covariances(design, gain, width_s, scatter)
        if areas[0] < FOUND * math.sqrt(statistical[0, 0] + systematic[0, 0]):
            return []
        made = []
        for place, one in enumerate(self.species):
            slope = np.eye(len(areas))[place] - areas[place] / areas[0] * np.eye(len(areas))[0]
            area, share = (
                Estimate(
                    value, *(math.sqrt(max(weight @ covariance @ weight, 0.0)) for covariance in (statistical, systematic))
                )
                for value, weight in (
                    (float(areas[place]), np.eye(len(areas))[place]),
                    (float(areas[place] / areas[0]), slope / areas[0]),
                )
            )
            made.append(Line(one.name, one.kind, self.size, one.mass_u, self._time_s(one.mass_u), area, share))
        return made + self._light(made[0])

    def _light(self, bare: Line) -> list[Line]:
        """The isotopologue with one light atom, where the element has one: its share of all is natural."""
        mass_u, share = self.species[0].isotopologues
        if share[1] == 0:
            return []
        ratio = float(share[1])
        area = Estimate(ratio * bare.area.value, ratio * bare.area.statistical, ratio * bare.area.systematic)
        light = str(round(cluster_mass_u(self.species[0].element, 1) - 1)).translate(RAISED)
        name = f"{bare.name} with one {light}{self.species[0].element}"
        return [
            Line(name, "isotopologue", self.size, float(mass_u[1]), self._time_s(float(mass_u[1])), area, Estimate(ratio, 0.0))
        ]

    def _covariances(self, design: Floats, gain: Floats, width_s: float, scatter: Scatter) -> tuple[Floats, Floats]:
        """Statistical and systematic ones of the areas, float64[species, species] each."""
        curve = design @ (gain @ self.mean)
        moved = gain[:-1] * np.sqrt(scatter.floor + scatter.per_signal * np.maximum(curve, 0.0))
        lags = np.minimum(np.abs(self.samples[:, None] - self.samples), len(scatter.correlation))
        statistical = moved @ np.append(scatter.correlation, 0.0)[lags] @ moved.T
        areas, late_s = gain @ self.mean, SHAPE_s * math.sqrt(self.species[0].mass_u / 2000.0)
        later = (self._design(width_s, late_s) - design) @ areas
        wider = (self._design(width_s + 3 * SHAPE_s) - design) @ areas
        systematic = sum(np.outer(gain[:-1] @ off, gain[:-1] @ off) for off in (later, wider))
        return np.asarray(statistical), np.asarray(systematic)

    def _design(self, width_s: float, late_s: float = 0.0) -> Floats:
        """Columns: each species with an area of one code times sample, and the pedestal."""
        columns = [np.ones(len(self.time_s))]
        for one in reversed(self.species):
            masses, shares = one.isotopologues
            shape = sum(
                share * _peak(self.time_s - late_s - self._time_s(mass), self.s_per_sqrt_u * math.sqrt(mass), width_s)
                for mass, share in zip(masses.tolist(), shares.tolist(), strict=True)
            )
            columns.append(np.asarray(shape) * self.interval_s)
        return np.column_stack(columns[::-1])

    def _time_s(self, mass_u: float) -> float:
        return self.t0_s + self.k * math.sqrt(mass_u)


def scatter_of(fits: Sequence[Neighbourhood], width_s: float) -> Scatter:
    """What the fits of all clusters leave.  Samples without signal tell the floor, and all together the rest; the correlation
    is that of a Gaussian pulse, since what a fit leaves is less correlated than what there was."""
    curves = [fit.curve(width_s) for fit in fits]
    left = [fit.mean - curve for fit, curve in zip(fits, curves, strict=True)]
    signal, square = np.concatenate(curves), np.concatenate(left) ** 2
    quiet = signal <= np.quantile(signal, 0.25)
    floor = float(square[quiet].mean())
    per_signal = max(float((square - floor).sum() / np.maximum(signal, 0.0).sum()), 0.0)
    apart = fits[0].interval_s * np.arange(max(2, round(2 * PULSE_s / fits[0].interval_s)))
    return Scatter(floor, per_signal, np.exp(-((apart / PULSE_s) ** 2) * 2 * math.log(2)))


def _peak(late_s: Floats, s_per_m: float, width_s: float) -> Floats:
    """Both apertures and a Gaussian folded, of area one: float64 per second."""
    a, b = (aperture * s_per_m for aperture in APERTURES_m)

    def twice(x: Floats) -> Floats:
        """The Gaussian integrated twice."""
        u = x / width_s
        return np.asarray(width_s * (u * ndtr(u) + np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)))

    wide, narrow = (a + b) / 2, (a - b) / 2
    return (twice(late_s + wide) - twice(late_s + narrow) - twice(late_s - narrow) + twice(late_s - wide)) / (a * b)
