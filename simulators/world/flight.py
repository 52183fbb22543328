"""Ions on their way: step by step through the non-uniform field, then a straight flight to the ionisation volume.

Only here is a deflection simulated; the analysis has formulas of its own, so that agreement means something.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann, atomic_mass, physical_constants

from simulators.world.truth import Machine

BOHR_MAGNETON = physical_constants["Bohr magneton"][0]
STEPS = 16
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Flight:
    """Clusters of one burst, one entry each, before the magnet.

    `blocked` marks atomic-like clusters, whose projection is ±moment and flips `flips` times per transit on average;
    the others carry the thermal mean of their moment in the field they are in.
    """

    mass_u: Floats
    moment_uB: Floats
    blocked: NDArray[np.bool_]
    flips: Floats
    velocity_m_s: Floats
    field_T: Floats
    gradient_T_m: Floats
    temperature_K: Floats

    def of(self, which: NDArray[np.intp]) -> "Flight":
        """Some of them."""
        return Flight(*(getattr(self, one.name)[which] for one in fields(self)))


def positions(flight: Flight, at_skimmer: Floats, at_slit: Floats, chances: Floats, machine: Machine) -> Floats:
    """Position (m, towards the strong field) at ionisation.

    `at_skimmer`, `at_slit`: uniform in −½…½; `chances` uniform in 0…1, shape (clusters, STEPS + 1), decide the spin.
    """
    skimmer_m = at_skimmer * machine.skimmer_diameter_m
    slit_m = at_slit * machine.slit_width_m
    slope = (slit_m - skimmer_m) / machine.skimmer_to_slit_m
    z = slit_m + slope * machine.slit_to_magnet_m
    step_s = machine.magnet_length_m / STEPS / flight.velocity_m_s
    speed = slope * flight.velocity_m_s
    blocked, thermal = np.flatnonzero(flight.blocked), np.flatnonzero(~flight.blocked)
    atoms, others = flight.of(blocked), flight.of(thermal)
    # They come from zero field, where both projections are equally likely.
    spin = np.where(chances[blocked, 0] < 0.5, 1.0, -1.0)
    moment_uB = np.empty_like(z)
    for step in range(STEPS):
        z = z + speed * step_s / 2
        field_T = flight.field_T * np.exp(machine.field_slope_per_m * z)
        gradient = flight.gradient_T_m * np.exp(machine.gradient_slope_per_m * z)
        spin = _flipped(atoms, spin, field_T[blocked], chances[blocked, step + 1])
        moment_uB[blocked], moment_uB[thermal] = spin * atoms.moment_uB, _thermal_mean(others, field_T[thermal])
        speed = speed + moment_uB * BOHR_MAGNETON * gradient / (flight.mass_u * atomic_mass) * step_s
        z = z + speed * step_s / 2
    return z + speed * machine.magnet_to_ionisation_m / flight.velocity_m_s


def _energy_ratio(flight: Flight, field_T: Floats) -> Floats:
    ratio: Floats = flight.moment_uB * BOHR_MAGNETON * field_T / (Boltzmann * flight.temperature_K)
    return ratio


def _flipped(flight: Flight, spin: Floats, field_T: Floats, chance: Floats) -> Floats:
    """A two-state process over one step, with detailed balance; exact however often it flips within the step."""
    x = _energy_ratio(flight, field_T)
    up, down = flight.flips * np.exp(x) / STEPS, flight.flips * np.exp(-x) / STEPS
    rate = up + down
    with np.errstate(invalid="ignore"):
        reached = np.where(rate > 0, (1 - np.exp(-rate)) / rate, 0.0)
    leave = np.where(spin > 0, down, up) * reached
    return np.where(chance < leave, -spin, spin)


def _thermal_mean(flight: Flight, field_T: Floats) -> Floats:
    """⟨µ⟩ = µ B_J(x) with g = 2, J = µ / (2 µB)."""
    x = _energy_ratio(flight, field_T)
    spin = np.maximum(flight.moment_uB, 1e-9) / 2
    a, b = (2 * spin + 1) / (2 * spin), 1 / (2 * spin)
    small = np.abs(x) * np.maximum(a, 1.0) < 1e-4
    safe = np.where(small, 1.0, x)
    brillouin = np.where(small, x * (spin + 1) / (3 * spin), a / np.tanh(a * safe) - b / np.tanh(b * safe))
    return flight.moment_uB * brillouin
