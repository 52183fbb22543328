"""What the experiment asks of each kind of instrument.

A role is a Protocol; a driver fulfils it by having the verbs.  Drivers speak the wire and know amperes, not tesla.  Every
call may raise any `drivers.errors.DriverError` and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drivers.quantity import Quantity, Value


@dataclass(frozen=True)
class Identity:
    """What an instrument says it is; empty strings where it does not say."""

    maker: str
    model: str
    serial: str = ""
    firmware: str = ""


@dataclass(frozen=True)
class Status:
    """One word for the operator (`ready`, `firing`, `off`, `interlock`, …), whether it is fit for a run, and the details."""

    state: str
    ok: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SafeResult:
    """How `make_safe` ended: `confirmed` only if the instrument's own read-back shows the safe state."""

    confirmed: bool
    detail: str


@runtime_checkable
class Instrument(Protocol):
    """Common to all roles."""

    name: str
    quantities: Mapping[str, Quantity]

    def identify(self) -> Identity:
        """Ask who is there.  Raises `WrongInstrument` unless it is the model this driver speaks to."""

    def prepare(self) -> None:
        """Put the instrument into the mode this driver relies on (remote, header off, watchdog), nothing dangerous."""

    def status(self) -> Status:
        """The instrument's own view of itself, read now."""

    def read(self, quantity: str) -> Value:
        """Read one declared quantity."""

    def write(self, quantity: str, value: Value) -> None:
        """Set one declared quantity.  Limits are checked before a byte leaves; refusals by the instrument raise."""

    def make_safe(self) -> SafeResult:
        """Reach the role's safe state, whatever the state before, and say whether read-back confirms it."""

    def inherit(self, before: object) -> None:
        """Know what the driver knew that had this instrument `before`, until its wire was lost."""

    def close(self) -> None:
        """Give the wire back; the instrument keeps its state."""


@dataclass(frozen=True)
class Pulse:
    """A pulse on one output: leading edge after T0 and width, in seconds."""

    delay_s: float
    width_s: float


@dataclass(frozen=True)
class DelayLimits:
    """What a delay generator can do, known without the unit: its outputs, and times in seconds.

    `fixed` outputs cannot be delayed.  A pulse and `dead_s` more must end before the next trigger.  `longest_divider` is how
    many edges of an outside trigger it can count for one T0; 0 where it is not triggered from outside.
    """

    outputs: tuple[str, ...]
    fixed: tuple[str, ...]
    resolution_s: float
    narrowest_s: float
    longest_s: float
    dead_s: float
    highest_rate_Hz: float
    longest_divider: int = 0


@dataclass(frozen=True)
class TriggerLimits:
    """What a laser takes on its trigger inputs: its highest rate, and the delay from lamp to Q-switch where there is one."""

    highest_rate_Hz: float
    lamp_to_q_switch_s: tuple[float, float] | None = None


class DelayGenerator(Instrument, Protocol):
    """Role `delay generator`.  Outputs are named as on the front panel (`T0`, `AB`, …); T0 itself cannot be moved."""

    def program(self, pulses: Mapping[str, Pulse], rate_Hz: float, external_divider: int | None = None) -> Mapping[str, Pulse]:
        """Set all outputs and the rate, verified by read-back; the pulses as the unit reads them back.  Does not start or
        stop the triggers.  With `external_divider` T0 is every so-manieth rising edge at the trigger input."""

    def start(self) -> None:
        """Let triggers run, at the internal rate or from outside, as programmed."""

    def stop(self) -> None:
        """Stop all triggers."""


class Shuttered(Protocol):
    """A laser whose beam can be blocked while it goes on firing."""

    def block(self) -> None: ...

    def unblock(self) -> None: ...


class Laser(Instrument, Protocol):
    """Roles `ablation laser` and `ionisation laser`, triggered from outside by the delay generator."""

    def start(self) -> None:
        """Make the laser ready to fire on outside triggers and wait until it says so."""

    def stop(self) -> None:
        """Stop firing (ablation: Q-switch and lamp off, shutter closed; ionisation: off)."""


class MagnetSupply(Instrument, Protocol):
    """Role `magnet supply`: quantities `current_A` (read-back), `set_current_A` (signed set point)."""

    def switch_on(self) -> None:
        """Main contactor on, and wait until the supply is ready."""

    def reset_interlocks(self) -> None:
        """Forget interlocks whose cause has gone."""

    def ramp_to_zero_and_off(self) -> None:
        """Set point zero, wait for the current to decay, contactor off."""


class FieldProbe(Instrument, Protocol):
    """Role `field probe`: quantity `field_T`."""


class PressureController(Instrument, Protocol):
    """Role `pressure controller`: quantities `pressure_bar` (read-back), `set_pressure_bar`."""

    def close_valve(self) -> None:
        """Shut the valve."""


class ColdHead(Instrument, Protocol):
    """Role `cold head`: quantities `temperature_K` (read-back), `set_temperature_K`, `heater_percent`."""

    def heater_off(self) -> None:
        """Turn the heater off."""


class Chopper(Instrument, Protocol):
    """Role `chopper`: quantities `frequency_Hz` (measured), `phase_deg` (set point), `phase_locked`."""

    def synchronise(self, multiple: int, phase_deg: float) -> None:
        """Run at `multiple` times the outside reference with this phase, and start the motor."""

    def run_freely(self, frequency_Hz: float, phase_deg: float) -> None:
        """Run at a frequency of its own, openings with this phase after the edges of its reference output."""


class HighVoltage(Instrument, Protocol):
    """Role `high voltage`: for each channel n the quantities `chn_voltage_V` (read-back), `chn_set_voltage_V`, `chn_on`."""

    def ramp_to_zero_and_off(self) -> None:
        """Set points zero, wait until the outputs have come down, outputs off."""


class Compressor(Instrument, Protocol):
    """Role `compressor`: quantity `running`."""

    def switch_on(self) -> None:
        """Start, and wait until it says that it runs."""

    def switch_off(self) -> None:
        """Stop, and wait until it says that it does not run."""


class Stage(Instrument, Protocol):
    """Role `stage`: for each axis n the quantities `axisn_position_mm` (read-back), `axisn_set_position_mm`, `axisn_moving`."""

    def home(self, axis: int) -> None:
        """Search the home position of an axis and wait until it is found."""

    def stop(self) -> None:
        """Stop all axes."""


class VacuumGauge(Instrument, Protocol):
    """Role `vacuum gauge`: for each gauge n the quantity `gaugen_pressure_mbar`."""


class PulseEnergyMeter(Instrument, Protocol):
    """Role `pulse-energy meter`: quantity `energy_J`, of the last pulse."""

    def new_pulse(self) -> float | None:
        """Energy (J) of a pulse that came since the last call; None if none came."""


@dataclass(frozen=True)
class DigitizerSetup:
    """How a burst is captured.  `channels` are front-panel numbers; the ordering of `Segments.traces` follows them."""

    channels: tuple[int, ...]
    sample_rate_Hz: float
    samples: int
    full_scale_V: tuple[float, ...]
    offset_V: tuple[float, ...]
    trigger_source: str = "AUX"
    trigger_level_V: float = 1.0


@dataclass(frozen=True)
class Segments:
    """A burst as the digitizer gives it.

    `traces` int16[shots, channels, samples]; volt = `offset_V[channel]` + code × `scale_V[channel]`;
    `time_tags_s` float64[shots], seconds after the first segment (the first is 0), NaN where the digitizer gave none;
    sample i lies `start_s + i * interval_s` after its trigger.  From `highest_code[channel]` on a sample may be clipped;
    from the highest that there is where nothing is said.
    """

    traces: NDArray[np.int16]
    time_tags_s: NDArray[np.float64]
    scale_V: tuple[float, ...]
    offset_V: tuple[float, ...]
    interval_s: float
    start_s: float
    warnings: tuple[str, ...] = field(default=())
    highest_code: tuple[int, ...] = ()


Room = Callable[[tuple[int, int, int]], NDArray[np.int16]]
"""Gives memory for traces, int16[shots, channels, samples]."""


def new_room(shape: tuple[int, int, int]) -> NDArray[np.int16]:
    """Memory that is nobody else's."""
    return np.empty(shape, np.int16)


class Digitizer(Instrument, Protocol):
    """Role `digitizer`: captures a burst of triggers in segmented memory."""

    def configure(self, setup: DigitizerSetup) -> None:
        """Set up vertical, time base and trigger; verified by read-back where the instrument can."""

    def arm(self, shots: int) -> None:
        """Wait for `shots` triggers from now on."""

    def finished(self) -> bool:
        """Whether all armed triggers have come."""

    def readout_s(self, setup: DigitizerSetup, shots: int) -> float:
        """Wall time from the last trigger of a burst until it can be armed for the next one; needs no instrument."""

    def captured(self) -> int:
        """How many of the armed triggers have come so far (may lag behind)."""

    def stop(self) -> None:
        """Stop waiting for triggers; what has been captured can still be collected."""

    def collect(self, room: Room = new_room) -> Segments:
        """Transfer what was captured since `arm`, possibly fewer segments than armed (also none).

        `room` is asked once for the memory of the traces, unless there are none; it may wait, and raise what it likes.
        """
