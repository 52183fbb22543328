"""The time line of a shot: what happens when, and what the delay generator and the chopper must be set to for it.

T0 is the delay generator's trigger and opens the gas valve.  The rest follows from the velocity: ablation, the chopper
opening that the clusters reach, ionisation = opening + time zero + flight path / v, and the digitizer's trigger with it.
"""

from dataclasses import dataclass, replace

from config.calibration import VelocityCalibration
from config.errors import ConfigurationError
from config.laboratory import Event, Laboratory, Line
from daq.conversions.velocity import ionisation_delay_s
from daq.plan.timing_faults import line_faults, rate_faults
from drivers.roles import Pulse


@dataclass(frozen=True)
class TimedEvent:
    """One thing that happens in a shot, seconds after T0, as it happens at the unit (insertion delay included)."""

    name: str
    time_s: float
    width_s: float
    jitter_s: float
    output: str


@dataclass(frozen=True)
class ShotTiming:
    """A compiled time line: pulses per output of the delay generator, the chopper's multiple and phase, and the events."""

    rate_Hz: float
    pulses: dict[str, Pulse]
    chopper_multiple: int
    chopper_phase_deg: float
    events: tuple[TimedEvent, ...]
    external_divider: int | None = None
    """With the chopper as master: how many edges of its reference output make one T0."""


@dataclass(frozen=True)
class ShotSettings:
    """What a plan may choose of a shot; None is as the laboratory's `[timing]` says."""

    velocity_m_s: float
    rate_Hz: float
    lamp_to_ablation_s: float | None = None
    valve_to_ablation_s: float | None = None
    source_residence_s: float | None = None


class TimingFaults(ConfigurationError):
    """A time line that does not work, with everything that is wrong with it in `faults`."""


def compile_timing(laboratory: Laboratory, velocity: VelocityCalibration, settings: ShotSettings) -> ShotTiming:
    """Set all lines for one velocity.  Raises `TimingFaults` that names every fault of the sequence."""
    chosen = {name: getattr(settings, name) for name in ("lamp_to_ablation_s", "valve_to_ablation_s", "source_residence_s")}
    timing = laboratory.timing.model_copy(update={name: value for name, value in chosen.items() if value is not None})
    ablation_s = timing.valve_to_ablation_s
    opening_s = ablation_s + timing.source_residence_s + timing.source_to_chopper_m / settings.velocity_m_s
    ionisation_s = ionisation_delay_s(settings.velocity_m_s, opening_s, velocity)
    happens: dict[Event, float] = {
        "gas_valve": 0.0,
        "flash_lamp": ablation_s - timing.lamp_to_ablation_s,
        "q_switch": ablation_s,
        "ionisation": ionisation_s,
        "digitizer": ionisation_s - timing.digitizer_early_s,
    }
    multiple = timing.chopper.frequency_Hz / settings.rate_Hz
    faults = [*line_faults(laboratory, timing, happens, settings.rate_Hz), *rate_faults(laboratory, timing, settings.rate_Hz)]
    if faults:
        listed = "; ".join(faults)
        raise TimingFaults(f"the shot's time line does not work at {settings.velocity_m_s:g} m/s: {listed}", faults)
    events = [_event(name, time_s, timing.lines[name]) for name, time_s in happens.items()]
    events.append(TimedEvent("chopper", opening_s, timing.chopper.opening_s, 0.0, "chopper"))
    return ShotTiming(
        rate_Hz=settings.rate_Hz,
        pulses={timing.lines[name].output: _pulse(time_s, timing.lines[name]) for name, time_s in happens.items()},
        chopper_multiple=round(multiple),
        chopper_phase_deg=(timing.chopper.zero_phase_deg + 360 * opening_s * timing.chopper.frequency_Hz) % 360,
        events=tuple(sorted(events, key=lambda event: event.time_s)),
        external_divider=round(multiple) if timing.master == "chopper" else None,
    )


def with_chopper_closed(timing: ShotTiming) -> ShotTiming:
    """The same with the chopper half a period off.

    Clusters fly for milliseconds, and so is the chopper's period: what passes half a period too early is out of reach of the
    ionisation laser when it fires, and what passes half a period too late has not come yet.
    """
    return replace(timing, chopper_phase_deg=(timing.chopper_phase_deg + 180) % 360)


def _pulse(time_s: float, line: Line) -> Pulse:
    return Pulse(delay_s=time_s - line.insertion_delay_s, width_s=line.width_s)


def _event(name: str, time_s: float, line: Line) -> TimedEvent:
    return TimedEvent(name, time_s, line.width_s, line.jitter_s, line.output)
