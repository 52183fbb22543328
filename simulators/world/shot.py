"""What meets what in a shot: from edges, energies and the chopper to how many clusters of which velocity are ionised."""

import math
from dataclasses import dataclass

from scipy.constants import Boltzmann, atomic_mass

from simulators.world.conditions import ShotConditions
from simulators.world.truth import Machine

HELIUM_KG = 4.002602 * atomic_mass
LAMP_WINDOW_S = 60e-6
"""Width of the lamp's gain curve over the Q-switch delay (assumed)."""
VALVE_WINDOW_S = (0.0, 900e-6)
"""Ablation must fall this long after the valve opens (assumed)."""
LASING_THRESHOLD_V = 760.0
"""Lamp voltage below which the Nd:YAG emits nothing (laser sheet)."""
NOMINAL_LAMP_V = 1000.0
NOMINAL_IONISATION_MJ = 150.0
NOMINAL_PRESSURE_BAR = 6.0


@dataclass(frozen=True)
class Bunch:
    """Clusters in the ionisation volume of one shot: relative intensity, velocity window, and when they are ionised."""

    intensity: float
    opening_s: float
    ionisation_s: float


def bunch(shot: ShotConditions, machine: Machine) -> Bunch | None:
    """The bunch of one shot; None where nothing can arrive (a laser dark, the chopper closed, delays that never meet)."""
    times = (shot.gas_valve_s, shot.flash_lamp_s, shot.q_switch_s, shot.ionisation_s)
    if None in times or not shot.ablation_armed or shot.ionisation_energy_mJ <= 0 or shot.chopper_Hz <= 0:
        return None
    valve_s, lamp_s, q_switch_s, ionisation_s = (float(time) for time in times if time is not None)
    lamp_s += machine.flash_lamp_insertion_s
    ablation_s = q_switch_s + machine.q_switch_insertion_s
    ionised_s = ionisation_s + machine.ionisation_insertion_s
    opening_s = _opening_before(ionised_s, shot, machine)
    velocity = machine.chopper_to_ionisation_m / (ionised_s - opening_s)
    residence_s = opening_s - ablation_s - machine.source_to_chopper_m / velocity
    beam = math.sqrt(2 * Boltzmann * (shot.source_temperature_K + machine.beam_excess_K) / HELIUM_KG)
    intensity = (
        _ablation(shot.lamp_voltage_V, ablation_s - lamp_s, machine)
        * _helium(shot.helium_pressure_bar, ablation_s - valve_s)
        * shot.ionisation_energy_mJ
        / NOMINAL_IONISATION_MJ
        * _bell((velocity / beam - 1) / machine.velocity_spread)
        * _bell((residence_s - machine.residence_s) / machine.residence_spread_s)
    )
    return Bunch(intensity, opening_s, ionised_s) if intensity > 1e-6 else None


def _opening_before(ionised_s: float, shot: ShotConditions, machine: Machine) -> float:
    """The opening whose clusters fly at a sensible speed: the last one at least 2 ms before ionisation.

    An unlocked chopper opens at no particular time; its phase then follows the laboratory's clock.
    """
    period_s = 1 / shot.chopper_Hz
    phase = shot.chopper_phase_deg / 360 if shot.chopper_locked else (shot.t0_s * shot.chopper_Hz * 0.917) % 1
    first_s = phase * period_s + machine.chopper_time_zero_s
    return first_s + math.floor((ionised_s - 2e-3 - first_s) / period_s) * period_s


def _ablation(lamp_V: float, delay_s: float, machine: Machine) -> float:
    if lamp_V <= LASING_THRESHOLD_V:
        return 0.0
    return (
        (lamp_V - LASING_THRESHOLD_V)
        / (NOMINAL_LAMP_V - LASING_THRESHOLD_V)
        * _bell((delay_s - machine.best_lamp_to_q_switch_s) / LAMP_WINDOW_S)
    )


def _helium(pressure_bar: float, after_valve_s: float) -> float:
    if not VALVE_WINDOW_S[0] <= after_valve_s <= VALVE_WINDOW_S[1]:
        return 0.0
    return math.sqrt(min(1.0, max(0.0, pressure_bar / NOMINAL_PRESSURE_BAR)))


def _bell(x: float) -> float:
    return math.exp(-x * x / 2)
