"""What reduction hands to analysis: per cluster and field a profile, values with their covariance.

A `Profile` holds charge per shot, by analogue integration, or ions per shot, when they were counted.  `Profiles`
holds exact integer sums per step, so that drift between the steps of a run shows, and combines them per field.  Which of the
two is the better one for a cluster, `Profiles.choice` tells.
"""

import math
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

    def __add__(self, other: Self) -> "Counts":
        return Counts(self.ions + other.ions, self.live + other.live)

    @property
    def rate(self) -> NDArray[np.float64]:
        """Ions per bin and shot, float64[bins], corrected for dead time: −ln(1 − ions/live); infinite where no live shot was
        without one."""
        share = np.divide(self.ions, self.live, out=np.ones(len(self.ions)), where=self.live > 0)
        with np.errstate(divide="ignore"):
            rate: NDArray[np.float64] = -np.log1p(-share)
        return rate

    @property
    def variance(self) -> NDArray[np.float64]:
        """Of `rate`, float64[bins], from that of a binomial share: n / (L (L − n)).  0 where no ion was seen, which is right
        for sums over bins; to weigh single bins take the likelihood of the counts."""
        empty = self.live - self.ions
        variance: NDArray[np.float64] = np.divide(
            self.ions, self.live * empty, out=np.full(len(empty), np.inf), where=empty > 0
        )
        return variance


@dataclass(frozen=True)
class Choice:
    """How to measure one cluster: by its `counted` ions, or by charge.

    `occupancy` is the mean of ions per bin, about a dead time, at the profile's maximum; None when none were counted.
    `saturated` shots had a sample at the digitizer's limit in the cluster's window: its charge is too small then, its counts
    are right.
    """

    size: int
    counted: bool
    occupancy: float | None
    saturated: int


COUNTED_BELOW = 0.05
"""Ions per dead time at the maximum.  Counting is the sharper way up to ten times as many (`benchmarks/reduction.py`), but
where shots differ in strength by 20 %, many are corrected by too little: 0.3 % of the maximum here, 1.8 % at 0.3 [derived]."""


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
class QuietSums:
    """What the samples without ions say, summed over shots: baseline b and noise s (rms) of a shot in sixteenths of a code, as
    Σ b, Σ b² and Σ s²."""

    baseline: int = 0
    baseline_square: int = 0
    noise_square: int = 0

    def __add__(self, other: Self) -> "QuietSums":
        return QuietSums(
            self.baseline + other.baseline,
            self.baseline_square + other.baseline_square,
            self.noise_square + other.noise_square,
        )


@dataclass(frozen=True)
class StepSums:
    """Sums over the shots of one step: per window Σ q (int64[bins]) and Σ q qᵀ (int64[bins, bins]), and the counted ions.

    The unit of q is a sixteenth of a code times a sample.
    `saturated` counts shots with a sample at the digitizer's limit, `clipped` those with one in each window; they stay in the
    sums.  `counts` and `clipped` are empty when ions were not counted.
    """

    step: Step
    shots: int
    number_sum: int
    saturated: int
    charge: tuple[NDArray[np.int64], ...]
    product: tuple[NDArray[np.int64], ...]
    counts: tuple[Counts, ...] = ()
    clipped: tuple[int, ...] = ()
    quiet: QuietSums = QuietSums()

    @property
    def baseline_codes(self) -> float:
        """Mean baseline; 0 without shots."""
        return self.quiet.baseline / PARTS / max(self.shots, 1)

    @property
    def wander_codes(self) -> float:
        """Standard deviation of the baseline between shots."""
        mean = self.quiet.baseline / max(self.shots, 1)
        return math.sqrt(max(self.quiet.baseline_square / max(self.shots, 1) - mean**2, 0.0)) / PARTS

    @property
    def noise_codes(self) -> float:
        """Noise of a sample within shots, rms."""
        return math.sqrt(self.quiet.noise_square / max(self.shots, 1)) / PARTS

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
            tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            tuple(a + b for a, b in zip(self.clipped, other.clipped, strict=True)),
            self.quiet + other.quiet,
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

    def profile(self, size: int, field_set_T: float, counted: bool = False) -> Profile:
        """Profile of one cluster at a set field: codes times samples per shot, or ions per shot when `counted`.

        Needs two shots, and for counting a live one without an ion in each bin, else `ValueError`.
        """
        place = self._place(size)
        chosen = self._at(field_set_T)
        shots = sum(sums.shots for sums in chosen)
        if shots < 2:
            raise ValueError(f"{shots} shots at {field_set_T:g} T make no profile; at least two are needed")
        window, field_T = self.windows[place], self.field_T(field_set_T)
        if counted:
            counts = self._counts(place, field_set_T)
            if not np.isfinite(counts.rate).all():
                raise ValueError(
                    f"{self.element}{size} at {field_set_T:g} T has too many ions to count: some bins had one in each shot; "
                    "use charge"
                )
            covariance = np.diag(counts.variance)
            return Profile(size, window.mass_u, field_T, shots, window.time_s, counts.rate, covariance, counts)
        charge = np.sum([sums.charge[place] for sums in chosen], axis=0)
        product = np.sum([sums.product[place] for sums in chosen], axis=0)
        mean = charge / shots
        scatter = (product / shots - np.outer(mean, mean)) / (shots - 1)
        return Profile(size, window.mass_u, field_T, shots, window.time_s, mean / PARTS, scatter / PARTS**2)

    def occupancy(self, size: int) -> float:
        """Ions per bin and shot at the maximum of a cluster's profile, of the field where it is highest: over three bins, which
        no beam is narrower than.  Infinite where more come than can be counted; `ValueError` when none were counted."""
        place = self._place(size)
        rates = [self._counts(place, field_T).rate for field_T in self.fields_T]
        return max((float(np.convolve(rate, np.full(3, 1 / 3), "same").max()) for rate in rates), default=0.0)

    def choice(self, size: int) -> Choice:
        """Whether to count a cluster's ions, at all fields alike, or to integrate its charge."""
        place = self._place(size)
        if not all(sums.counts for sums in self.steps):
            return Choice(size, False, None, 0)
        occupancy, saturated = self.occupancy(size), sum(sums.clipped[place] for sums in self.steps)
        return Choice(size, occupancy < COUNTED_BELOW, occupancy, saturated)

    def _place(self, size: int) -> int:
        place = next((i for i, window in enumerate(self.windows) if window.size == size), None)
        if place is None:
            raise ValueError(f"no window holds {self.element}{size}; sizes here are {[w.size for w in self.windows]}")
        return place

    def _counts(self, place: int, field_set_T: float) -> Counts:
        chosen = self._at(field_set_T)
        if not all(sums.counts for sums in chosen):
            raise ValueError("the ions of these shots were not counted; reduce them again with counting")
        first, *others = (sums.counts[place] for sums in chosen)
        return sum(others, first)

    def _at(self, field_set_T: float) -> tuple[StepSums, ...]:
        return tuple(sums for sums in self.steps if sums.step.field_set_T == field_set_T)

    def _weighted(self, field_set_T: float, name: str) -> float:
        chosen = [sums for sums in self._at(field_set_T) if sums.shots]
        if not chosen:
            raise ValueError(f"no shots at a set field of {field_set_T:g} T; fields here are {list(self.fields_T)}")
        return float(np.average([getattr(sums.step, name) for sums in chosen], weights=[sums.shots for sums in chosen]))
