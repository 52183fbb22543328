"""A spectrometer of our own to test the mass calibration against: ions drawn one by one, groups of shots at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d

from daq.analysis.calibrate.spectra import GROUPS, Spectra
from daq.record.blocks import TraceAxis

AXIS = TraceAxis(0.0, 2e-9, 45_000, (1e-5,), (0.0,))
ATOM_u = {"V": 50.94396, "Nb": 92.90637}
VANADIUM = {n: float(500 * np.exp(-((np.log(n / 12) / 0.75) ** 2) / 2)) for n in range(2, 34)}
"""Ions per group of shots, by size."""
OXYGEN_u, HYDROGEN_u = 15.99491, 1.00783


@dataclass(frozen=True)
class Spectrometer:
    """`extra` maps masses in u to ions per group; `drift` is relative, of the flight time, first to last."""

    ions: Mapping[int, float] = field(default_factory=lambda: VANADIUM)
    element: str = "V"
    t0_s: float = 0.3515e-6
    k: float = 1.84789e-6
    extra: Mapping[float, float] = field(default_factory=dict)
    drift: float = 0.0

    def spectra(self, seed: int) -> Spectra:
        rng = np.random.default_rng(seed)
        groups = np.array([self._group(rng, self.drift * (g / GROUPS - 0.5)) for g in range(GROUPS)])
        return Spectra(AXIS, np.full(GROUPS, 25), groups)

    def _group(self, rng: np.random.Generator, drift: float) -> np.ndarray:
        light = 0.0025 if self.element == "V" else 0.0
        masses = []
        for size, mean in self.ions.items():
            n = rng.poisson(mean)
            masses.append(size * ATOM_u[self.element] - 0.9968 * rng.binomial(size, light, n))
        masses += [np.full(rng.poisson(mean), mass) for mass, mean in self.extra.items()]
        mass = np.concatenate(masses)
        n = len(mass)
        skimmer, slit = rng.uniform(-0.5e-3, 0.5e-3, n), rng.uniform(-0.25e-3, 0.25e-3, n)
        place = 2.35 * slit - 1.35 * skimmer
        time = self.t0_s + np.sqrt(mass) * (self.k * (1 + drift) + 19.2e-6 / np.sqrt(1858.1274) * place)
        time += rng.normal(0, 20e-9 / 2.3548, n) + rng.normal(0, 2e-9 / 5)
        sample = np.rint((time - AXIS.start_s) / AXIS.interval_s).astype(int)
        inside = sample < AXIS.samples
        counts = np.bincount(sample[inside], rng.exponential(4.0, inside.sum()), minlength=AXIS.samples)
        return gaussian_filter1d(counts, 0.7) + rng.normal(0, 3 / 5, AXIS.samples)


def with_hydrides_and_oxides() -> dict[float, float]:
    """A tenth of each cluster as hydride, half of it as oxide (more than the bare one for the small), a tenth as dioxide."""
    extra = {}
    for n, ions in VANADIUM.items():
        mass = n * ATOM_u["V"]
        extra |= {
            mass + HYDROGEN_u: 0.1 * ions,
            mass + OXYGEN_u: (1.5 if n < 5 else 0.5) * ions,
            mass + 2 * OXYGEN_u: 0.1 * ions,
        }
    return extra


def doubly_charged() -> dict[float, float]:
    """V_n²⁺ flies like V_(n/2)."""
    return {n / 2 * ATOM_u["V"]: 50.0 for n in range(15, 60)}
