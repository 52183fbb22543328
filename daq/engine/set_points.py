"""Set points of a step: what has changed is set, everything is waited for at once, and all is read back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import cast

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.conversions.magnet import current_for_field
from daq.engine.clock import Clock
from daq.engine.instruments import Instruments, at_once
from daq.engine.settling import Target, settle
from daq.plan.checking import BY_TIMING, SET_BY, timing_of
from daq.plan.expansion import PlannedStep
from daq.plan.plan import CONDITIONS, DELAYS, Plan, SetPoint, Settle
from daq.plan.quantities import Settable, settable
from daq.plan.timing import ShotTiming, with_chopper_closed
from drivers.errors import DriverError
from drivers.roles import Pulse, Shuttered

CHOPPER_LOCK = Settle(within=0.5, hold_s=2.0, at_most_s=60.0)
READ_FROM = {"source_temperature_K": "temperature_K", "helium_pressure_bar": "pressure_bar"}


@dataclass(frozen=True)
class Reached:
    """A step's set points as they were reached: the read-back of each, the time line of its shots, and the pulses that the
    delay generator reads back, by output.  Not `by_field` means that the plan sets the magnet's current instead."""

    values: Mapping[str, float]
    timing: ShotTiming
    programmed: Mapping[str, Pulse]
    by_field: bool = True


@dataclass
class _Now:
    """What the machine was last set to."""

    set_points: dict[str, SetPoint] = field(default_factory=dict)
    blocked: bool | None = False
    """Whether the ablation beam is; None where that is not known."""
    timing: ShotTiming | None = None
    programmed: Mapping[str, Pulse] = field(default_factory=dict)


class SetPoints:
    """The quantities that a plan sets, on the instruments of one laboratory."""

    def __init__(
        self,
        plan: Plan,
        laboratory: Laboratory,
        calibrations: Calibrations,
        instruments: Instruments,
        clock: Clock,
        interrupt: Event,
    ) -> None:
        self._plan, self._laboratory, self._calibrations = plan, laboratory, calibrations
        self._instruments, self._clock, self._interrupt = instruments, clock, interrupt
        self._now = _Now()
        known = instruments.quantities()
        self._others = {name: settable(name, known) for name in plan.names() if name not in (*CONDITIONS, *DELAYS)}
        current = f"{laboratory.named('magnet supply')}.set_current_A"
        self._by_current = any(found.name == current for found in self._others.values())

    def forget(self) -> None:
        """Whatever was set may be gone: the next step sets everything anew."""
        self._now = _Now(blocked=None)

    def start_timing(self, step: PlannedStep) -> list[Target]:
        """Program the delay generator and the chopper for a step; what then has to be waited for."""
        return list(self._time(step))

    def reach(self, step: PlannedStep, *, only: frozenset[str] | None = None) -> Reached:
        """Bring everything that a step sets to its value and wait until it has settled.

        `only` leaves other quantities for later: before the lasers fire there is no field.  Raises `SettlingError`,
        `Interrupted`, or what a driver raises.
        """
        targets = list(self._time(step))
        if only is None:
            self._block(step.background == "ablation blocked")
        for name, value in step.set_points.items():
            if name in BY_TIMING or (only is not None and name not in only):
                continue
            if self._now.set_points.get(name) != value:
                targets += self._set(name, value)
        values = settle(targets, self._clock, self._interrupt) if targets else []
        settled = {target.quantity: value for target, value in zip(targets, values, strict=True) if target.quantity}
        for name, value in step.set_points.items():
            if only is None or name in only:
                self._now.set_points[name] = value
        assert self._now.timing is not None
        return Reached(
            self._read(step, settled) if only is None else {}, self._now.timing, self._now.programmed, not self._by_current
        )

    def expected(self, step: PlannedStep) -> dict[str, tuple[float, float]]:
        """Read-back channels of what the step sets, with value and tolerance."""
        channels = {
            "field_T": f"{self._laboratory.named('field probe')}.field_T",
            "source_temperature_K": f"{self._laboratory.named('cold head')}.temperature_K",
            "helium_pressure_bar": f"{self._laboratory.named('pressure controller')}.pressure_bar",
        }
        for name, one in self._others.items():
            if one.read_back is not None:
                channels[name] = f"{one.instrument}.{one.read_back.name}"
        if self._by_current:
            del channels["field_T"]
        expected = {}
        for name, channel in channels.items():
            criterion = self._plan.settling(name)
            if criterion is not None:
                expected[channel] = (float(step.set_points[name]), criterion.within)
        return expected

    def _time(self, step: PlannedStep) -> list[Target]:
        timing = timing_of(self._plan, step.set_points, self._laboratory, self._calibrations)
        if step.background == "chopper closed":
            timing = with_chopper_closed(timing)
        if timing == self._now.timing:
            return []
        found = self._instruments
        lock = Target("the chopper's lock", lambda: float(bool(found.chopper.read("phase_locked"))), 1.0, CHOPPER_LOCK)
        if timing.external_divider is not None:
            found.chopper.run_freely(timing.rate_Hz * timing.external_divider, timing.chopper_phase_deg)
            settle([lock], self._clock, self._interrupt)
        self._now.programmed = found.delay_generator.program(timing.pulses, timing.rate_Hz, timing.external_divider)
        found.delay_generator.start()
        if timing.external_divider is None:
            found.chopper.synchronise(timing.chopper_multiple, timing.chopper_phase_deg)
        self._now.timing = timing
        return [lock]

    def _block(self, wanted: bool) -> None:
        """A laser that was started again has its shutter open, so what is not known is set anew."""
        if self._now.blocked is wanted:
            return
        laser = cast(Shuttered, self._instruments.ablation_laser)
        if wanted:
            laser.block()
        else:
            laser.unblock()
        self._now.blocked = wanted

    def _set(self, name: str, value: SetPoint) -> list[Target]:
        if name == "field_T":
            return [] if self._by_current else self._field(float(value))
        found = self._settable(name)
        instrument = self._instruments.by_name[found.instrument]
        instrument.write(found.command.name, value)
        criterion = self._plan.settling(name)
        if criterion is None or found.read_back is None:
            return []
        return [Target(name, partial(self._reading, found), float(value), criterion, name)]

    def _settable(self, name: str) -> Settable:
        if name in SET_BY:
            role, quantity = SET_BY[name]
            known = self._instruments.quantities()
            return settable(f"{self._laboratory.named(role)}.{quantity}", known)  # type: ignore[arg-type]
        return self._others[name]

    def _reading(self, found: Settable) -> float:
        assert found.read_back is not None
        return float(self._instruments.by_name[found.instrument].read(found.read_back.name))

    def _field(self, field_T: float) -> list[Target]:
        """The magnet's current decides the field, the probe tells it; at zero current the remanence stays."""
        found, criterion = self._instruments, cast(Settle, self._plan.settling("field_T"))
        current_A = 0.0 if field_T == 0 else current_for_field(field_T, self._calibrations.field)
        found.magnet.write("set_current_A", current_A)
        ramp = Settle(within=max(0.2, 0.002 * abs(current_A)), at_most_s=criterion.at_most_s)
        return [
            Target("the magnet current (A)", lambda: float(found.magnet.read("current_A")), current_A, ramp),
            Target("the field (T)", lambda: float(found.field_probe.read("field_T")), field_T, criterion, "field_T"),
        ]

    def _read(self, step: PlannedStep, settled: Mapping[str, float]) -> dict[str, float]:
        """The read-back of everything the step sets: what was just waited for as it settled, the rest read at once."""
        found = self._instruments
        tasks = {
            "field_T": lambda: float(found.field_probe.read("field_T")),
            "source_temperature_K": lambda: float(found.cold_head.read("temperature_K")),
            "helium_pressure_bar": lambda: float(found.helium.read("pressure_bar")),
        }
        for name, one in self._others.items():
            if one.read_back is not None and one.read_back.kind is not str:
                tasks[name] = partial(self._reading, one)
        values = dict(settled)
        for name, value in at_once({name: task for name, task in tasks.items() if name not in settled}).items():
            if isinstance(value, DriverError):
                raise value
            values[name] = value
        return values | {"velocity_m_s": step.velocity_m_s}
