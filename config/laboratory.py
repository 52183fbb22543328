"""A laboratory: its instruments and where they are, the timing of its lines, its calibrations."""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from config.alarms import Alarms
from config.calibration import Calibrations
from config.errors import ConfigurationError
from config.interlocks import Interlock, InterlockTable
from config.interlocks_in_force import in_force
from config.model import Model, read_model

Role = Literal[
    "delay generator",
    "ablation laser",
    "ionisation laser",
    "high voltage",
    "magnet supply",
    "field probe",
    "pressure controller",
    "cold head",
    "compressor",
    "chopper",
    "digitizer",
    "stage",
    "vacuum gauge",
    "pulse-energy meter",
]
SINGLE: tuple[Role, ...] = (
    "delay generator",
    "ablation laser",
    "ionisation laser",
    "magnet supply",
    "field probe",
    "pressure controller",
    "cold head",
    "chopper",
    "digitizer",
)
"""Roles of which a run needs one; of the others there may be any number."""
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class SerialFraming(Model):
    """How a serial line is set where it differs from what the instrument's manual says: an adapter, a terminal server."""

    baud: Annotated[int, Field(ge=50, le=4_000_000)] | None = None
    data_bits: Literal[7, 8] | None = None
    parity: Literal["none", "odd", "even"] | None = None
    stop_bits: Literal[1, 2] | None = None


class Policy(Model):
    """What a run does when this instrument fails in the middle: is lost, calls itself unfit, or refuses.

    `stop` ends the run in its safe state.  `pause` stops the triggers and waits for the operator, `pause_at_most_s` long.
    `retry` stops the triggers, sets the instrument up again and goes on; `retries` times in a run, `retry_after_s` apart.
    `skip` goes on without it: shots taken meanwhile are marked bad, a step that needs it is left out.  Laboratory time.
    """

    on_fault: Literal["stop", "pause", "retry", "skip"] = "stop"
    retries: Annotated[int, Field(ge=1)] = 3
    retry_after_s: NotNegative = 5.0
    pause_at_most_s: Positive = 3600.0


class InstrumentConfiguration(Model):
    """One instrument: what it is for, which driver speaks to it, where it is, and the facts of this unit."""

    role: Role
    driver: str
    address: str
    options: dict[str, float | int | bool | str] = {}
    poll_s: Positive = 2.0
    """Period of housekeeping, laboratory time."""
    serial: SerialFraming | None = None
    policy: Policy = Policy()
    snapshot: Literal["all", "polled"] = "all"
    """What of it goes into the snapshots at the start and the end of a run; some units take seconds to tell everything."""
    spare: bool = False
    """A spare is checked, talked to and made safe, but takes no part in runs."""


Event = Literal["gas_valve", "flash_lamp", "q_switch", "ionisation", "digitizer"]
"""The lines of the delay generator."""


class Line(Model):
    """A line of the delay generator and the unit it drives: pulse width, the unit's insertion delay and jitter."""

    output: str
    width_s: Positive
    insertion_delay_s: NotNegative = 0.0
    jitter_s: NotNegative = 0.0
    highest_rate_Hz: Positive | None = None
    """Of the unit it drives, where it is lower than its driver says."""


class ChopperTiming(Model):
    """A chopper wheel locked to T0: openings per T0, phase set point of an opening at T0, opening time (FWHM)."""

    frequency_Hz: Positive
    zero_phase_deg: float = 0.0
    opening_s: Positive


class Timing(Model):
    """When things happen in a shot.  The gas valve opens at T0; everything else follows from these times and the velocity."""

    master: Literal["delay generator", "chopper"] = "delay generator"
    """Who decides when T0 is.  The chopper as master turns at its own frequency, and its reference output triggers the delay
    generator, which accepts one edge of several; else the chopper follows the delay generator."""
    valve_to_ablation_s: Positive
    lamp_to_ablation_s: Positive
    source_residence_s: Positive
    """From ablation to the nozzle."""
    source_to_chopper_m: Positive
    digitizer_early_s: NotNegative = 0.0
    """The digitizer is triggered so long before ionisation."""
    chopper: ChopperTiming
    lines: dict[Event, Line]

    @model_validator(mode="after")
    def _all_lines(self) -> Self:
        absent = [event for event in get_args(Event) if event not in self.lines]
        if absent:
            raise ValueError(f"lines lack {', '.join(absent)}; give each an output of the delay generator")
        return self


class AnalogInput(Model):
    """A signal on one of the digitizer's channels."""

    channel: Annotated[int, Field(ge=1, le=4)] = 1
    full_scale_V: Positive
    offset_V: float = 0.0


class DigitizerInput(AnalogInput):
    """How the MCP signal is connected, and where the digitizer triggers."""

    trigger_level_V: float = 1.0


class MagnetLimits(Model):
    """What the magnet allows."""

    highest_field_T: Positive
    slew_A_s: Positive


class Clock(Model):
    """Speed of laboratory time against wall time: 1 in a real laboratory."""

    speed: Positive = 1.0


class Recording(Model):
    """How runs are written."""

    compression: Literal["bitshuffle-lz4", "gzip", "none"] = "bitshuffle-lz4"
    """Readers without the filter plugin open the last two."""
    file_GB: Positive = 50.0
    """A run goes on in another file when one has reached this size."""
    keep_free_MB: Annotated[float, Field(ge=0)] = 500.0
    """Of the disk: with less a run is not started, and one that goes on waits.  What is under way at that moment still has to
    fit: a burst and those that wait for the writer."""


class Laboratory(Model):
    """Everything the programs need to know of one laboratory."""

    name: str
    calibrations: str
    """Name of a TOML file beside this one, or of one that ships in `config/calibrations`."""
    clock: Clock = Clock()
    recording: Recording = Recording()
    instruments: dict[str, InstrumentConfiguration]
    timing: Timing
    mcp: DigitizerInput
    photodiode: AnalogInput | None = None
    """Sees the ionisation laser's light, where there is one; the digitizer then has to trigger a little before it."""
    magnet: MagnetLimits
    interlocks: dict[str, InterlockTable] = {}
    """What the laboratory changes in the interlocks that ship with the program, and those of its own."""
    alarms: Alarms = Alarms()
    control: str | None = None
    """Address of a simulated laboratory's control socket; absent in a real one."""

    @field_validator("instruments")
    @classmethod
    def _roles_once(cls, instruments: dict[str, InstrumentConfiguration]) -> dict[str, InstrumentConfiguration]:
        roles = [instrument.role for instrument in instruments.values() if not instrument.spare]
        twice = sorted({role for role in roles if role in SINGLE and roles.count(role) > 1})
        if twice:
            raise ValueError(f"more than one instrument has the role {', '.join(twice)}; mark all but one with spare = true")
        return instruments

    @field_validator("instruments")
    @classmethod
    def _needed_ones_are_not_skipped(
        cls, instruments: dict[str, InstrumentConfiguration]
    ) -> dict[str, InstrumentConfiguration]:
        for name, instrument in instruments.items():
            if instrument.policy.on_fault == "skip" and instrument.role in ("delay generator", "digitizer"):
                raise ValueError(f"without {name} there are no shots; its policy cannot be skip")
        return instruments

    @model_validator(mode="after")
    def _interlocks_are_complete(self) -> Self:
        self.interlocks_in_force()
        return self

    def taking_part(self) -> dict[str, InstrumentConfiguration]:
        """The instruments of a run: all but the spares."""
        return {name: instrument for name, instrument in self.instruments.items() if not instrument.spare}

    def interlocks_in_force(self) -> dict[str, Interlock]:
        """All interlocks that are not switched off, complete, for the instruments that take part in runs."""
        return in_force(self.interlocks, {name: one.role for name, one in self.taking_part().items()})

    def named(self, role: Role) -> str:
        """The name of the instrument with this role that takes part in runs."""
        for name, instrument in self.taking_part().items():
            if instrument.role == role:
                return name
        raise ConfigurationError(f"laboratory {self.name!r} has no {role}; add an instrument with that role")


SHIPPED = Path(__file__).parent


def read_laboratory(path: Path | None = None) -> tuple[Laboratory, Calibrations]:
    """A laboratory and its calibrations; without a path the simulated one that ships with the program."""
    path = path or SHIPPED / "laboratories" / "simulated.toml"
    laboratory = read_model(path, Laboratory)
    directory = SHIPPED / "calibrations"
    beside, shipped = path.parent / laboratory.calibrations, directory / laboratory.calibrations
    if not beside.is_file() and not shipped.is_file():
        known = ", ".join(sorted(one.name for one in directory.glob("*.toml")))
        why = f"{beside} is a directory" if beside.is_dir() else f"there is no {beside}"
        raise ConfigurationError(
            f"{path}: calibrations = {laboratory.calibrations!r} names no file: {why}, and {known} "
            "ships with the program; correct the name, or put the file there"
        )
    return laboratory, read_model(beside if beside.is_file() else shipped, Calibrations)
