"""What the simulated machine was doing in one shot, and what the digitizer asks for.  The seam between instruments and beam."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShotConditions:
    """One shot as the instruments' outputs define it.

    Edges are leading edges at the delay generator's connectors, seconds after this shot's T0; None where the output does
    not fire.  `t0_s` is laboratory time.  Energies are 0 where a laser does not emit.
    """

    t0_s: float
    gas_valve_s: float | None
    flash_lamp_s: float | None
    q_switch_s: float | None
    ionisation_s: float | None
    digitizer_s: float | None
    chopper_Hz: float
    chopper_phase_deg: float
    chopper_locked: bool
    lamp_voltage_V: float
    ablation_armed: bool
    ionisation_energy_mJ: float
    source_temperature_K: float
    helium_pressure_bar: float
    magnet_current_A: float
    focus_stage_m: float | None = None
    """Where the stage holds the narrow ionising focus; None where the light fills the acceptance."""


@dataclass(frozen=True)
class Capture:
    """What the digitizer records of each shot on one channel: volt = offset_V + code * volts_per_code."""

    channel: int
    samples: int
    interval_s: float
    start_s: float
    volts_per_code: float
    offset_V: float
