"""The same beam measured again and again: how estimates scatter about the truth, beside the bound of what is possible."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from config.calibration import Calibrations
from daq.analysis.fit import Model
from daq.analysis.gaussians import gaussians
from daq.analysis.judgement import EXCLUDED_BLOCKED_uB, EXCLUDED_RELAXING_uB, Setting, judged
from daq.analysis.models import MOST_RELAXED, blocked, non_magnetic, relaxing
from daq.analysis.moments import all_fits
from daq.analysis.pair import Beam, Pair, centroid_shift_uB, joint_fit, pair
from daq.conversions.velocity import velocity_relative_uncertainty
from daq.reduce.profiles import Counts, Profiles, StepSums
from daq.reduce.windows import Window, cluster_windows
from tests.daq.analysis.beam import AXIS, MEAN_HEIGHT, step_at, thermal
from tests.daq.analysis.expected import Truth, bound

PER_SHOT_COUNTED, PER_SHOT_CHARGE = 0.15, 20.0
"""Ions per shot: few where they are counted, so that two rarely meet in a dead time; many where charge is integrated."""
FEWEST_SHOTS = 100
BEAM = Beam(0.0, 2.4, 0.010, 2.4, 432.0, 45.0)


class Refused(Exception):
    """A pair of profiles that the analysis does not fit, and why."""


@dataclass(frozen=True)
class Estimates:
    """One estimator on many draws: values and standard errors, float64[draws]; NaN where it gave none."""

    values: NDArray[np.float64]
    errors: NDArray[np.float64]

    def efficiency(self, bound: float) -> float:
        """Bound over achieved variance."""
        return float((bound / np.nanstd(self.values)) ** 2)

    def bias(self, truth: float) -> float:
        """In standard deviations of one estimate."""
        return float((np.nanmean(self.values) - truth) / np.nanstd(self.values))

    def within(self, truth: float, errors: float) -> float:
        """Share of draws whose interval of that many standard errors holds the truth."""
        known = np.isfinite(self.values)
        return float(np.mean(np.abs(self.values[known] - truth) <= errors * self.errors[known]))


def window_of(truth: Truth, calibrations: Calibrations) -> Window:
    windows, _ = cluster_windows(AXIS, "V", [truth.size], calibrations)
    return windows[0]


def counted_pairs(truth: Truth, calibrations: Calibrations, draws: int, seed: int) -> Iterator[Pair]:
    """Draws of the counted ions of a beam, each bin by itself."""
    rng, window = np.random.default_rng(seed), window_of(truth, calibrations)
    rates = truth.rates(window.time_s)
    for _ in range(draws):
        yield counted_pair(truth, rates, window, calibrations, rng)


def counted_pair(
    truth: Truth,
    rates: Sequence[NDArray[np.float64]],
    window: Window,
    calibrations: Calibrations,
    rng: np.random.Generator | None,
) -> Pair:
    """One draw, or without `rng` the expected numbers of ions themselves; `Refused` where too few stand out."""
    shots = round(truth.ions / PER_SHOT_COUNTED)
    nothing, live = np.zeros(window.bins, dtype=np.int64), np.full(window.bins, shots)
    steps = []
    for index, rate in enumerate(rates):
        seen = -np.expm1(-rate / shots)
        ions = rng.binomial(live, seen) if rng else live * seen
        product = np.zeros((window.bins, window.bins), dtype=np.int64)
        step = step_at(index, BEAM.on_set_T * index)
        steps.append(StepSums(step, shots, 0, 0, (nothing,), (product,), (Counts(ions, live),), (0,)))
    found = pair(Profiles(AXIS, "V", (window,), (), tuple(steps), {}), truth.size, BEAM, calibrations)
    if isinstance(found, str):
        raise Refused(found)
    return found


def charge_pairs(truth: Truth, calibrations: Calibrations, draws: int, seed: int) -> Iterator[Pair | str]:
    """Draws of the charge of as many ions: exponential pulse heights and the noise of three samples per bin."""
    rng, window = np.random.default_rng(seed), window_of(truth, calibrations)
    rates = truth.rates(window.time_s)
    shots = max(round(truth.ions / PER_SHOT_CHARGE), FEWEST_SHOTS)
    for _ in range(draws):
        steps = []
        for index, rate in enumerate(rates):
            ions = rng.poisson(rate / shots, (shots, window.bins))
            charge = np.rint(rng.gamma(ions + 1e-12, MEAN_HEIGHT * 16 * 1.6) + rng.normal(0, 3 * 16 * 3**0.5, ions.shape))
            product = (charge.T @ charge).astype(np.int64)
            step = step_at(index, BEAM.on_set_T * index)
            steps.append(StepSums(step, shots, 0, 0, (charge.sum(axis=0).astype(np.int64),), (product,)))
        yield pair(Profiles(AXIS, "V", (window,), (), tuple(steps), {}), truth.size, BEAM, calibrations)


def model_of(truth: Truth, cluster: Pair) -> tuple[Model, tuple[float, ...]]:
    """The model that is true, and where its search starts."""
    if not truth.blocked:
        return relaxing(cluster.at), (truth.moment_uB,)
    if not truth.flips:
        return blocked(cluster.at, flips=0.0), (truth.moment_uB, 0.0)
    return blocked(cluster.at), (truth.moment_uB, truth.flips)


def ours(
    pairs: Iterator[Pair | str], truth: Truth, calibrations: Calibrations, ratios: bool = False
) -> tuple[Estimates, NDArray[np.float64]]:
    """The joint fit of counts or of charge; and, with `ratios`, twice the logarithm of likelihood at best over at the truth."""
    values, errors, above = [], [], []
    for cluster in pairs:
        if isinstance(cluster, str):
            values.append(np.nan), errors.append(np.nan)
            continue
        fit, start = model_of(truth, cluster)
        data = joint_fit(cluster, calibrations)
        best = data.fit(fit, start)
        name = "moment_uB" if truth.blocked else "mean_uB"
        values.append(best.value(name)), errors.append(best.error(name))
        if ratios:
            held = blocked(cluster.at, truth.moment_uB, None if truth.flips else 0.0)
            above.append(data.fit(held, (truth.moment_uB, truth.flips)).chi2 - best.chi2)
    return Estimates(np.array(values), np.array(errors)), np.array(above)


def papers(pairs: Iterable[Pair], truth: Truth) -> Estimates:
    """Gaussians for a splitting, the mean of the profile for a shift."""
    values, errors = [], []
    for cluster in pairs:
        if truth.blocked:
            per_uB_m = cluster.at.on_m_per_uB
            found = gaussians(cluster.off, cluster.on, cluster.position_m, truth.moment_uB * per_uB_m)
            value, error = (found.half_m / per_uB_m, found.error_m / per_uB_m) if found else (np.nan, np.nan)
        else:
            value, error = centroid_shift_uB(cluster)
        values.append(value), errors.append(error)
    return Estimates(np.array(values), np.array(errors))


def best_possible(truth: Truth, calibrations: Calibrations) -> float:
    """The bound of the moment's standard error."""
    return bound(truth, window_of(truth, calibrations).time_s)["moment_uB"]


def judgements(truth: Truth, calibrations: Calibrations, draws: int, seed: int) -> Counter[str]:
    """How often each behaviour is found."""
    setting = Setting(BEAM, truth.intensity, None, calibrations)
    found: Counter[str] = Counter()
    for cluster in counted_pairs(truth, calibrations, draws, seed):
        found[judged(all_fits(cluster, joint_fit(cluster, calibrations)), setting).behaviour] += 1
    return found


def drawn(truth: Truth, moment_uB: float, calibrations: Calibrations, rng: np.random.Generator) -> Truth:
    """The same cluster in a machine that differs from its calibrations by their uncertainties.

    `moment_uB` is the moment behind a thermal mean, which the truth's temperature and field then give.
    """
    C, s = calibrations.deflection.C_T_m, calibrations.position.sensitivity_s_per_m
    slower = 1 + velocity_relative_uncertainty(truth.velocity_m_s, calibrations.velocity) * rng.normal()
    warmer_K = calibrations.temperature.cluster_excess_K.uncertainty * rng.normal()
    temperature_K = max(truth.temperature_K + warmer_K, 10.0)
    field_T = truth.field_T * (1 + calibrations.field.relative_uncertainty * rng.normal())
    mean = float(thermal(moment_uB, temperature_K)(rng, 1, field_T)[0])
    return replace(
        truth,
        C_T_m=C.value + C.uncertainty * rng.normal(),
        sensitivity_s_per_m=s.value + s.uncertainty * rng.normal(),
        velocity_m_s=truth.velocity_m_s * slower,
        moment_uB=truth.moment_uB if truth.blocked else mean,
    )


@dataclass(frozen=True)
class Totals:
    """What is stated with all errors together: how many were recognised, the mean of error over standard error, and how many
    of the 68 and the 95 % intervals hold the truth."""

    recognised: int
    bias: float
    narrow: float
    wide: float


def totals(truth: Truth, moment_uB: float, calibrations: Calibrations, draws: int, seed: int) -> Totals:
    """Measurements of one cluster, each with a machine of its own."""
    rng, window = np.random.default_rng(seed), window_of(truth, calibrations)
    setting = Setting(BEAM, truth.intensity, None, calibrations)
    pulls, inside = [], []
    for _ in range(draws):
        other = drawn(truth, moment_uB, calibrations, rng)
        cluster = counted_pair(other, other.rates(window.time_s), window, calibrations, rng)
        found = judged(all_fits(cluster, joint_fit(cluster, calibrations)), setting)
        if found.behaviour == behaviour_of(truth):
            pulls.append((found.moment_uB - moment_uB) / found.error_uB)
            inside.append([low <= moment_uB <= high for low, high in (found.interval_68_uB, found.interval_95_uB)])
    if not inside:
        return Totals(0, np.nan, np.nan, np.nan)
    return Totals(len(inside), float(np.mean(pulls)), *(float(share) for share in np.mean(inside, axis=0)))


def separation(truth: Truth, calibrations: Calibrations) -> float:
    """Standard deviations, √(2 Δ ln L) of the expected ions, to the nearest other behaviour.

    A moment that is not there competes with a superparamagnetic 1 µB and an atomic-like 0.2 µB, which must be excluded.
    """
    window = window_of(truth, calibrations)
    cluster = counted_pair(truth, truth.rates(window.time_s), window, calibrations, None)
    data = joint_fit(cluster, calibrations)
    none, shift = data.fit(non_magnetic(cluster.at)), data.fit(relaxing(cluster.at))
    if truth.blocked:
        true = data.fit(blocked(cluster.at), (truth.moment_uB, truth.flips))
        return math.sqrt(max(shift.chi2 - true.chi2, 0.0))
    if truth.moment_uB:
        flips = (0.0, MOST_RELAXED)
        starts = [(moment, rate) for moment in (0.2, 1.0) for rate in flips]
        split = min(data.fit(blocked(cluster.at, flips=rate), (moment, rate)).chi2 for moment, rate in starts)
        return math.sqrt(max(min(none.chi2, split) - shift.chi2, 0.0))
    split = data.fit(blocked(cluster.at, moment_uB=EXCLUDED_BLOCKED_uB, flips=0.0)).chi2 - none.chi2
    mean = float(thermal(EXCLUDED_RELAXING_uB)(np.random.default_rng(0), 1, BEAM.on_T)[0])
    return math.sqrt(min(max(split, 0.0), (mean / shift.error("mean_uB")) ** 2))


def behaviour_of(truth: Truth) -> str:
    if truth.blocked:
        return "atomic-like"
    return "superparamagnetic" if truth.moment_uB else "non-magnetic"
