"""What reduction hands to analysis: per cluster and field a profile, values with their covariance.

A `Profile` holds charge per shot, by analogue integration, or ions per shot, when they were counted.  `Profiles`
holds exact integer sums per step, so that drift between the steps of a run shows, and combines them per field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import Step, TraceAxis
from daq.reduce.charge import PARTS
from daq.reduce.windows import Window


@dataclass(frozen=True)
class Counts:
    """Ions counted one by one: `ions` int64[bins], of the shots `live` int64[bins] in which the bin could count; in the
    others an earlier ion of the same shot kept it dead."""

    ions: NDArray[np.int64]
    live: NDArray[np.int64]


@dataclass(frozen=True)
class Profile:
    """Mean signal of one cluster at one field against flight time.

    `values` float64[bins] signal per shot; `covariance` float64[bins, bins] of these means, from the scatter
    between shots; `time_s` float64[bins], the middle of each bin, evenly spaced.  `counts` when ions were counted: values
    are then ions per shot, corrected for dead time.
    """

    size: int
    mass_u: float
    field_T: float
    shots: int
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    covariance: NDArray[np.float64]
    counts: Counts | None = None


@dataclass(frozen=True)
class StepSums:
    """Sums over the shots of one step: per window Σ q (int64[bins]) and Σ q qᵀ (int64[bins, bins]).

    The unit of q is a sixteenth of a code times a sample.
    `saturated` counts shots with a sample at the digitizer's limit; they stay in the sums.
    """

    step: Step
    shots: int
    number_sum: int
    saturated: int
    charge: tuple[NDArray[np.int64], ...]
    product: tuple[NDArray[np.int64], ...]

    def check(self, step: Step) -> None:
        """`ValueError` when `step`, of the same number, has other conditions."""
        if step != self.step:
            raise ValueError(f"step {step.index} was given with other conditions than before; they are fixed")

    def __add__(self, other: Self) -> "StepSums":
        self.check(other.step)
        return StepSums(
            self.step,
            self.shots + other.shots,
            self.number_sum + other.number_sum,
            self.saturated + other.saturated,
            tuple(a + b for a, b in zip(self.charge, other.charge, strict=True)),
            tuple(a + b for a, b in zip(self.product, other.product, strict=True)),
        )


@dataclass(frozen=True)
class SpectrumSums:
    """Sum of whole traces at one set field: `codes` int64[samples], and of baselines in sixteenths of a code."""

    shots: int
    codes: NDArray[np.int64]
    baseline: int

    def __add__(self, other: Self) -> "SpectrumSums":
        return SpectrumSums(self.shots + other.shots, self.codes + other.codes, self.baseline + other.baseline)

    def mean(self) -> NDArray[np.float64]:
        """Mean trace in codes above the mean baseline, float64[samples]."""
        if not self.shots:
            return np.zeros(len(self.codes))
        return (self.codes - self.baseline / PARTS) / self.shots


@dataclass(frozen=True)
class Profiles:
    """Everything reduced so far.

    `windows` by size; `outside` the sizes whose window the trace does not hold; `steps` by index; `spectra` by set
    field in T.
    """

    axis: TraceAxis
    element: str
    windows: tuple[Window, ...]
    outside: tuple[int, ...]
    steps: tuple[StepSums, ...]
    spectra: Mapping[float, SpectrumSums]

    def __add__(self, other: Self) -> "Profiles":
        """Of two sets of shots of one run."""
        steps = {sums.step.index: sums for sums in self.steps}
        for sums in other.steps:
            index = sums.step.index
            steps[index] = steps[index] + sums if index in steps else sums
        spectra = dict(self.spectra)
        for field_T, spectrum in other.spectra.items():
            spectra[field_T] = spectra[field_T] + spectrum if field_T in spectra else spectrum
        ordered = tuple(steps[index] for index in sorted(steps))
        return Profiles(self.axis, self.element, self.windows, self.outside, ordered, spectra)

    @property
    def fields_T(self) -> tuple[float, ...]:
        """Set fields with at least one shot, rising."""
        return tuple(sorted({sums.step.field_set_T for sums in self.steps if sums.shots}))

    @property
    def saturated(self) -> int:
        """Shots with a sample at the digitizer's limit."""
        return sum(sums.saturated for sums in self.steps)

    def shots(self, field_set_T: float) -> int:
        """Shots at a set field."""
        return sum(sums.shots for sums in self._at(field_set_T))

    def field_T(self, field_set_T: float) -> float:
        """Mean of the fields read back in the steps with this set field, weighted with their shots."""
        return self._weighted(field_set_T, "field_T")

    def velocity_m_s(self, field_set_T: float) -> float:
        """Mean velocity of the steps with this set field."""
        return self._weighted(field_set_T, "velocity_m_s")

    def source_temperature_K(self, field_set_T: float) -> float:
        """Mean source temperature of the steps with this set field."""
        return self._weighted(field_set_T, "source_temperature_K")

    def selected(self, steps: frozenset[int]) -> "Profiles":
        """The same with only some steps, for a run that holds several conditions; spectra stay those of all steps."""
        kept = tuple(sums for sums in self.steps if sums.step.index in steps)
        return Profiles(self.axis, self.element, self.windows, self.outside, kept, self.spectra)

    def at_point(self, point: int) -> "Profiles":
        """The same with only the steps of one point of the plan's scans."""
        return self.selected(frozenset(sums.step.index for sums in self.steps if sums.step.point == point))

    def profile(self, size: int, field_set_T: float) -> Profile:
        """Profile of one cluster at a set field, in codes times samples per shot.  Needs two shots, else `ValueError`."""
        place = next((i for i, window in enumerate(self.windows) if window.size == size), None)
        if place is None:
            raise ValueError(f"no window holds {self.element}{size}; sizes here are {[w.size for w in self.windows]}")
        chosen = self._at(field_set_T)
        shots = sum(sums.shots for sums in chosen)
        if shots < 2:
            raise ValueError(f"{shots} shots at {field_set_T:g} T make no profile; at least two are needed")
        window = self.windows[place]
        charge = np.sum([sums.charge[place] for sums in chosen], axis=0)
        product = np.sum([sums.product[place] for sums in chosen], axis=0)
        mean = charge / shots
        scatter = (product / shots - np.outer(mean, mean)) / (shots - 1)
        field_T = self.field_T(field_set_T)
        return Profile(size, window.mass_u, field_T, shots, window.time_s, mean / PARTS, scatter / PARTS**2)

    def _at(self, field_set_T: float) -> tuple[StepSums, ...]:
        return tuple(sums for sums in self.steps if sums.step.field_set_T == field_set_T)

    def _weighted(self, field_set_T: float, name: str) -> float:
        chosen = [sums for sums in self._at(field_set_T) if sums.shots]
        if not chosen:
            raise ValueError(f"no shots at a set field of {field_set_T:g} T; fields here are {list(self.fields_T)}")
        return float(np.average([getattr(sums.step, name) for sums in chosen], weights=[sums.shots for sums in chosen]))
