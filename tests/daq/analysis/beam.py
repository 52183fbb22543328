"""A small beam of our own to test the analysis against: ions drawn one by one, deflected by the closed formula.

Positions come from two apertures (a trapezoid at the detector), arrival times from a Gaussian ionisation pulse,
pulse heights are exponential.  The stretch of a deflected peak comes from where an ion passes the magnet, not from
the analysis' formula.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann, atomic_mass, physical_constants

from config.calibration import Calibrations
from daq.record.blocks import ShotBlock, Step, TraceAxis
from daq.reduce.profiles import Counts, Profiles, StepSums
from daq.reduce.windows import cluster_windows

BOHR = physical_constants["Bohr magneton"][0]
ATOM_u = 50.94396
AXIS = TraceAxis(start_s=0.0, interval_s=2e-9, samples=45_000, scale_V=(1e-5,), offset_V=(-0.15,))
PULSE_RMS_s = 20e-9 / 2.3548
ION_RMS_s = 3e-9 / 2.3548
MEAN_HEIGHT = 200.0
"""Mean pulse height in codes."""

Draw = Callable[[np.random.Generator, int, float], NDArray[np.float64]]
"""Projections in µB of n clusters at a field in T."""


def magnetic(moment_uB: float, flips: float = 0.0, temperature_K: float = 45.0) -> Draw:
    """Blocked moments, flipping at random `flips` times on average, simulated flip by flip."""

    def draw(rng: np.random.Generator, n: int, field_T: float) -> NDArray[np.float64]:
        bias = np.tanh(moment_uB * BOHR * field_T / (Boltzmann * temperature_K))
        state = rng.choice([1.0, -1.0], n)
        time, total = np.zeros(n), np.zeros(n)
        while flips and (time < 1).any():
            wait = rng.exponential(1.0, n) / (flips * (1 - state * bias))
            stay = np.minimum(wait, 1 - time)
            total, time, state = total + stay * state, time + stay, -state
        return moment_uB * (total if flips else state)

    return draw


def thermal(moment_uB: float, temperature_K: float = 45.0) -> Draw:
    """All at the thermal mean of a spin with g = 2, by the closed formula."""

    def draw(rng: np.random.Generator, n: int, field_T: float) -> NDArray[np.float64]:
        h = BOHR * field_T / (Boltzmann * temperature_K)
        return np.full(n, (moment_uB + 1) / np.tanh((moment_uB + 1) * h) - 1 / np.tanh(h))

    return draw


def none(rng: np.random.Generator, n: int, field_T: float) -> NDArray[np.float64]:
    return np.zeros(n)


@dataclass(frozen=True)
class Beam:
    """Clusters with their laws and mean ions per shot; `drift_ns` moves V_11 between zero and full field, others as √m."""

    clusters: Mapping[int, Draw]
    ions_per_shot: Mapping[int, float]
    velocity_m_s: float = 432.0
    C_T_m: float = 33.31
    slope_per_m: float = 310.0
    shot_spread: float = 0.2
    jitter_s: float = 1e-9
    drift_ns: Mapping[float, float] = field(default_factory=dict)

    def times_s(self, rng: np.random.Generator, size: int, n: int, field_T: float) -> NDArray[np.float64]:
        """Flight times of n ions; those beyond ±10 mm are not ionised (NaN)."""
        mass = ATOM_u * size
        skimmer, slit = rng.uniform(-0.5e-3, 0.5e-3, n), rng.uniform(-0.25e-3, 0.25e-3, n)
        at_magnet, at_detector = slit + (slit - skimmer) * 0.325, slit + (slit - skimmer) * 1.35
        per_uB = BOHR * self.C_T_m * field_T / 2.4 / (mass * atomic_mass * self.velocity_m_s**2)
        bend = self.clusters[size](rng, n, field_T) * per_uB * (1 + self.slope_per_m * at_magnet)
        place = at_detector + bend
        s = 19.2e-6 * np.sqrt(mass / 1858.1274)
        drift = self.drift_ns.get(field_T, 0.0) * 1e-9 * np.sqrt(size / 11)
        time = 0.35e-6 + 1.847770e-6 * np.sqrt(mass) + s * place + drift + rng.normal(0, PULSE_RMS_s, n)
        return np.where(np.abs(place) < 10e-3, time, np.nan)


def step_at(index: int, field_set_T: float) -> Step:
    return Step(index, field_set_T, field_set_T or 0.010, 25.0, 6.0, 432.0)


ABBA = (0.0, 2.4, 2.4, 0.0)


def charge_profiles(
    beam: Beam, shots: int, calibrations: Calibrations, seed: int, fields: tuple[float, ...] = ABBA
) -> Profiles:
    """Profiles drawn as charge vectors, without traces: each ion's charge goes into its bin and partly into the next."""
    rng = np.random.default_rng(seed)
    windows, outside = cluster_windows(AXIS, "V", beam.clusters, calibrations)
    steps = []
    for index, field_set_T in enumerate(fields):
        step = step_at(index, field_set_T)
        strength = rng.gamma(1 / beam.shot_spread**2, beam.shot_spread**2, shots)
        early = rng.normal(0, beam.jitter_s, shots)
        charges = []
        for window in windows:
            counts = rng.poisson(strength * beam.ions_per_shot[window.size])
            shot = np.repeat(np.arange(shots), counts)
            time = beam.times_s(rng, window.size, len(shot), step.field_T) + early[shot] + rng.normal(0, ION_RMS_s, len(shot))
            width = AXIS.interval_s * window.samples_per_bin
            place = np.floor((time - window.time_s[0]) / width + 0.5)
            inside = (place >= 0) & (place < window.bins)
            charge = rng.normal(0, 3 * 16 * np.sqrt(3), (shots, window.bins))
            heights = rng.exponential(MEAN_HEIGHT * 16 * 1.6, len(shot))
            np.add.at(charge, (shot[inside], place[inside].astype(int)), heights[inside])
            charges.append(np.rint(charge).astype(np.int64))
        sums = StepSums(
            step,
            shots,
            0,
            0,
            tuple(q.sum(axis=0) for q in charges),
            tuple((q.T.astype(float) @ q.astype(float)).astype(np.int64) for q in charges),
        )
        steps.append(sums)
    return Profiles(AXIS, "V", windows, outside, tuple(steps), {})


def counted_profiles(
    beam: Beam, shots: int, calibrations: Calibrations, seed: int, fields: tuple[float, ...] = ABBA, background: float = 0.01
) -> Profiles:
    """Profiles drawn as counts: in each shot the first ion of a bin makes the rest of it and the next bin dead.

    `background` ions come anywhere in the window, per ion of the beam.
    """
    rng = np.random.default_rng(seed)
    windows, outside = cluster_windows(AXIS, "V", beam.clusters, calibrations)
    steps = []
    for index, field_set_T in enumerate(fields):
        step = step_at(index, field_set_T)
        strength = rng.gamma(1 / beam.shot_spread**2, beam.shot_spread**2, shots) if beam.shot_spread else np.ones(shots)
        counts = []
        for window in windows:
            mean = beam.ions_per_shot[window.size]
            shot = np.repeat(np.arange(shots), rng.poisson(strength * mean))
            width = AXIS.interval_s * window.samples_per_bin
            time = beam.times_s(rng, window.size, len(shot), step.field_T) + rng.normal(0, ION_RMS_s, len(shot))
            place = np.floor((time - window.time_s[0]) / width + 0.5)
            stray = rng.poisson(background * mean * shots)
            shot = np.append(shot, rng.integers(0, shots, stray))
            place = np.append(place, rng.integers(0, window.bins, stray))
            inside = (place >= 0) & (place < window.bins)
            came = np.zeros((shots, window.bins + 1), dtype=bool)
            came[shot[inside], place[inside].astype(int) + 1] = True
            dead, here = came[:, :-1], came[:, 1:]
            counts.append(Counts((here & ~dead).sum(axis=0), (~dead).sum(axis=0)))
        nothing = tuple(np.zeros(window.bins, dtype=np.int64) for window in windows)
        products = tuple(np.zeros((window.bins, window.bins), dtype=np.int64) for window in windows)
        steps.append(StepSums(step, shots, 0, 0, nothing, products, tuple(counts), (0,) * len(windows)))
    return Profiles(AXIS, "V", windows, outside, tuple(steps), {})


def traces(beam: Beam, step: Step, shots: int, rng: np.random.Generator, first: int = 0, baseline: float = -500.0) -> ShotBlock:
    """A block of traces: pulses on noise of 3 codes, the baseline wandering by a fifth of a code."""
    wave = rng.normal(baseline, 3.0, (shots, AXIS.samples)).astype(np.float32) + rng.normal(0, 0.2, (shots, 1)).astype(
        np.float32
    )
    offsets = np.arange(-4, 5)
    for size, mean in beam.ions_per_shot.items():
        shot = np.repeat(np.arange(shots), rng.poisson(mean, shots))
        time = beam.times_s(rng, size, len(shot), step.field_T)
        kept = np.isfinite(time)
        shot, time = shot[kept], time[kept]
        sample = np.rint((time - AXIS.start_s) / AXIS.interval_s).astype(int)
        height = rng.exponential(MEAN_HEIGHT, len(shot))
        for offset in offsets:
            t = AXIS.start_s + AXIS.interval_s * (sample + offset) - time
            np.add.at(wave, (shot, sample + offset), (height * np.exp(-0.5 * (t / ION_RMS_s) ** 2)).astype(np.float32))
    codes = np.clip(np.rint(wave), -32768, 32767).astype(np.int16)[:, None, :]
    return ShotBlock(step.index, step.index, first + np.arange(shots), np.arange(shots) * 0.05, codes)
