"""Bringing the machine to a plan's conditions: what is switched on in which order, and what is waited for."""

import time
from collections.abc import Callable, Container, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.engine.clock import Clock, Interrupted
from daq.engine.digitizer_setup import digitizer_setup
from daq.engine.instruments import Instruments, at_once
from daq.engine.set_points import Reached, SetPoints
from daq.engine.settling import GRACE_S, settle
from daq.plan.expansion import PlannedStep
from daq.plan.plan import Plan
from daq.record.blocks import TraceAxis
from daq.safety.safe_order import HEAD_START_S
from drivers.errors import DriverError
from drivers.roles import Laser

TRIGGER_S = 10.0
"""Longest wait for one trigger of the running machine, wall time."""
POLL_S = 0.01
START_S = 150.0
"""Longest that preparing or starting instruments may take, wall time: lasers simmer, supplies switch."""
FIT_S = 30.0
"""Longest wait for the instruments to call themselves fit, laboratory time."""
BEFORE_THE_LASERS = frozenset({"source_temperature_K", "helium_pressure_bar"})


class MachineError(Exception):
    """The machine cannot be brought to the plan's conditions; `unfit` says of which instruments and why, if it is them."""

    def __init__(self, message: str, unfit: Mapping[str, str] = {}) -> None:
        super().__init__(message)
        self.unfit = unfit


class Machine:
    """The instruments of one laboratory as one machine, for one plan.  `missing` are those that it does without."""

    def __init__(
        self,
        plan: Plan,
        laboratory: Laboratory,
        calibrations: Calibrations,
        instruments: Instruments,
        clock: Clock,
        interrupt: Event,
        missing: Container[str] = (),
    ) -> None:
        self.instruments = instruments
        self._plan, self._laboratory = plan, laboratory
        self._clock, self._interrupt, self._missing = clock, interrupt, missing
        self._set_points = SetPoints(plan, laboratory, calibrations, instruments, clock, interrupt)
        self._dark = False
        """Whether `hold` has stopped the lasers."""

    @property
    def _lasers(self) -> tuple[Laser, Laser]:
        return self.instruments.ablation_laser, self.instruments.ionisation_laser

    def prepare(self, step: PlannedStep) -> None:
        """Everything but the lasers and the field, for the first step: triggers run, chopper locked, source cold and under
        pressure."""
        self._clock.expect(START_S)
        found = self.instruments
        self._all({name: instrument.prepare for name, instrument in found.by_name.items()})
        found.digitizer.configure(digitizer_setup(self._laboratory, self._plan.acquisition))
        self._set_points.reach(step, only=BEFORE_THE_LASERS)
        self._wait_until_fit()

    def start_lasers(self) -> None:
        """Let the lasers fire on the triggers, and energise the magnet's supply."""
        self._clock.expect(START_S)
        found = self.instruments
        self._all(
            {
                "ablation laser": found.ablation_laser.start,
                "ionisation laser": found.ionisation_laser.start,
                "magnet supply": found.magnet.switch_on,
            }
        )

    def reach(self, step: PlannedStep) -> Reached:
        """Bring everything to a step's set points and wait until it has settled."""
        return self._set_points.reach(step)

    def expected(self, step: PlannedStep) -> dict[str, tuple[float, float]]:
        """Polled channels that show whether a step's set points hold: value and tolerance."""
        return self._set_points.expected(step)

    def trigger_counter(self) -> Callable[[], int] | None:
        """Reads how many triggers the delay generator has given, where it counts them."""
        generator = self.instruments.delay_generator
        names = [name for name, quantity in generator.quantities.items() if quantity.counts == "triggers"]
        if not names:
            return None
        return lambda: int(self.instruments.delay_generator.read(names[0]))

    def hold(self) -> None:
        """No more triggers; everything else is kept.  Where the delay generator does not stop at once the lasers do."""
        with ThreadPoolExecutor(1, thread_name_prefix="hold") as pool:
            stopping = pool.submit(self.instruments.delay_generator.stop)
            wait([stopping], HEAD_START_S)
            if not stopping.done() or stopping.exception():
                self._dark = True
                looks = at_once({laser.name: laser.stop for laser in self._lasers})
                for error in (look for look in looks.values() if isinstance(look, DriverError)):
                    raise DriverError(error.instrument, f"{error.what}, and the triggers go on: it may still fire")
            stopping.result()

    def forget(self) -> None:
        """What was set may be gone: set everything anew."""
        self._set_points.forget()

    def let_go(self) -> None:
        """No light, and the field on its way down, whatever else is going on; from any thread, at the end of a run."""
        at_once({one.name: one.make_safe for one in (*self._lasers, self.instruments.magnet)})

    def release(self, step: PlannedStep) -> None:
        """After `hold`: triggers again, everything fit, and the next step sets all its set points anew."""
        self._set_points.forget()
        targets = self._set_points.start_timing(step)
        settle(targets, self._clock, self._interrupt)
        if self._dark:
            self._all({laser.name: laser.start for laser in self._lasers})
            self._dark = False
        self._wait_until_fit()

    def set_up(self, name: str) -> None:
        """Bring one instrument back that was lost, tripped or switched off: connect, identify, prepare, and start it."""
        self._clock.expect(START_S)
        found = self.instruments
        found.reconnect(name)
        instrument = found.by_name[name]
        instrument.prepare()
        match self._laboratory.instruments[name].role:
            case "delay generator":
                # Its triggers may have gone on where it could not be told to stop; after the pause they start again.
                found.delay_generator.stop()
            case "ablation laser" if not self._dark:
                found.ablation_laser.start()
            case "ionisation laser" if not self._dark:
                found.ionisation_laser.start()
            case "magnet supply":
                found.magnet.reset_interlocks()
                found.magnet.switch_on()
            case "digitizer":
                found.digitizer.configure(digitizer_setup(self._laboratory, self._plan.acquisition))

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
            # Time counts from ionisation, as it was programmed.
            start_s=segments.start_s - self._laboratory.timing.digitizer_early_s,
            interval_s=segments.interval_s,
            samples=segments.traces.shape[2],
            scale_V=segments.scale_V,
            offset_V=segments.offset_V,
            highest_code=segments.highest_code,
        )

    def _wait_until_fit(self) -> None:
        """What was just switched on (cooling water, a heater) may need a while before an instrument calls itself fit."""
        started = self._clock.now()
        while True:
            looks = at_once({name: one.status for name, one in self.instruments.by_name.items() if name not in self._missing})
            unfit, silent = {}, {}
            for name, look in looks.items():
                if isinstance(look, DriverError):
                    silent[name] = str(look)
                elif not look.ok:
                    unfit[name] = f"{name} is not fit for a run: {', '.join((look.state, *look.warnings))}"
            if silent or (unfit and self._clock.now() - started > FIT_S + GRACE_S * self._clock.speed):
                raise MachineError("; ".join((silent | unfit).values()), silent | unfit)
            if not unfit:
                return
            if self._clock.wait(1.0, self._interrupt):
                raise Interrupted

    def _all(self, tasks: dict[str, Callable[[], None]]) -> None:
        failures = [result for result in at_once(tasks).values() if isinstance(result, DriverError)]
        if failures:
            raise MachineError("; ".join(str(failure) for failure in failures))
