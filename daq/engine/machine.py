"""Bringing the machine to a plan's conditions: what is switched on in which order, and what is waited for."""

import time
from collections.abc import Callable
from threading import Event

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.conversions.magnet import current_for_field
from daq.engine.clock import Clock, Interrupted
from daq.engine.instruments import Instruments, at_once
from daq.engine.settling import GRACE_S, settle
from daq.plan.plan import Plan, Settle
from daq.plan.timing import ShotTiming
from daq.record.blocks import TraceAxis
from drivers.errors import DriverError
from drivers.roles import DigitizerSetup, Status

CHOPPER_LOCK = Settle(within=0.5, hold_s=2.0, at_most_s=60.0)
TRIGGER_S = 10.0
"""Longest wait for one trigger of the running machine, wall time."""
POLL_S = 0.01
FIT_S = 30.0
"""Longest wait for the instruments to call themselves fit, laboratory time."""


class MachineError(Exception):
    """The machine cannot be brought to the plan's conditions."""


class Machine:
    """The instruments of one laboratory as one machine."""

    def __init__(
        self, laboratory: Laboratory, calibrations: Calibrations, instruments: Instruments, clock: Clock, interrupt: Event
    ) -> None:
        self.instruments = instruments
        self._laboratory = laboratory
        self._calibrations = calibrations
        self._clock = clock
        self._interrupt = interrupt

    def prepare(self, plan: Plan, timing: ShotTiming) -> None:
        """Everything but the lasers and the field: triggers run, chopper locked, source cold and under pressure."""
        found = self.instruments
        self._all({name: instrument.prepare for name, instrument in found.by_name.items()})
        found.delay_generator.program(timing.pulses, timing.rate_Hz)
        found.delay_generator.start()
        found.cold_head.write("set_temperature_K", plan.conditions.source_temperature_K)
        found.helium.write("set_pressure_bar", plan.conditions.helium_pressure_bar)
        found.chopper.synchronise(timing.chopper_multiple, timing.chopper_phase_deg)
        found.digitizer.configure(self._setup(plan))
        self._settle("the chopper's lock", lambda: float(bool(found.chopper.read("phase_locked"))), 1.0, CHOPPER_LOCK)
        self._settle(
            "the source temperature (K)",
            lambda: float(found.cold_head.read("temperature_K")),
            plan.conditions.source_temperature_K,
            plan.settle.source_temperature_K,
        )
        self._settle(
            "the helium pressure (bar)",
            lambda: float(found.helium.read("pressure_bar")),
            plan.conditions.helium_pressure_bar,
            plan.settle.helium_pressure_bar,
        )
        self._wait_until_fit()

    def _wait_until_fit(self) -> None:
        """What was just switched on (cooling water, a heater) may need a while before an instrument calls itself fit."""
        started = self._clock.now()
        while True:
            looks = at_once({name: instrument.status for name, instrument in self.instruments.by_name.items()})
            unfit = [
                f"{name} is not fit for a run: {', '.join((look.state, *look.warnings))}"
                for name, look in looks.items()
                if isinstance(look, Status) and not look.ok
            ]
            silent = [str(look) for look in looks.values() if isinstance(look, DriverError)]
            if silent or (unfit and self._clock.now() - started > FIT_S + GRACE_S * self._clock.speed):
                raise MachineError("; ".join(silent + unfit))
            if not unfit or self._clock.wait(1.0, self._interrupt):
                return

    def start_lasers(self) -> None:
        """Let the lasers fire on the triggers, and energise the magnet's supply."""
        found = self.instruments
        self._all(
            {
                "ablation laser": found.ablation_laser.start,
                "ionisation laser": found.ionisation_laser.start,
                "magnet supply": found.magnet.switch_on,
            }
        )

    def reach_field(self, field_T: float, criterion: Settle) -> float:
        """Ramp to a field and wait until the probe shows it; its reading.  At zero current the remanence stays."""
        found, calibration = self.instruments, self._calibrations.field
        current_A = 0.0 if field_T == 0 else current_for_field(field_T, calibration)
        found.magnet.write("set_current_A", current_A)

        def supply_A() -> float:
            return float(found.magnet.read("current_A"))

        ramp = Settle(within=max(0.2, 0.002 * abs(current_A)), hold_s=0.0, at_most_s=criterion.at_most_s)
        self._settle("the magnet current (A)", supply_A, current_A, ramp)
        return self._settle("the field (T)", lambda: float(found.field_probe.read("field_T")), field_T, criterion)

    def trial(self) -> TraceAxis:
        """Take one segment to learn what the digitizer really delivers."""
        digitizer = self.instruments.digitizer
        digitizer.arm(1)
        deadline = time.monotonic() + TRIGGER_S
        while not digitizer.finished():
            if time.monotonic() > deadline:
                digitizer.stop()
                raise MachineError("the digitizer sees no triggers; check its trigger cable and the delay generator")
            if self._interrupt.wait(POLL_S):
                digitizer.stop()
                raise Interrupted
        segments = digitizer.collect()
        return TraceAxis(
            start_s=segments.start_s,
            interval_s=segments.interval_s,
            samples=segments.traces.shape[2],
            scale_V=segments.scale_V,
            offset_V=segments.offset_V,
        )

    def _setup(self, plan: Plan) -> DigitizerSetup:
        mcp = self._laboratory.mcp
        return DigitizerSetup(
            channels=(mcp.channel,),
            sample_rate_Hz=plan.acquisition.sample_rate_Hz,
            samples=plan.acquisition.samples,
            full_scale_V=(mcp.full_scale_V,),
            offset_V=(mcp.offset_V,),
            trigger_level_V=mcp.trigger_level_V,
        )

    def _settle(self, name: str, read: Callable[[], float], target: float, criterion: Settle) -> float:
        return settle(name, read, target, criterion, self._clock, self._interrupt)

    def _all(self, tasks: dict[str, Callable[[], None]]) -> None:
        failures = [result for result in at_once(tasks).values() if isinstance(result, DriverError)]
        if failures:
            raise MachineError("; ".join(str(failure) for failure in failures))
