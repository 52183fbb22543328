"""The run: prepare, take the steps of a plan, finish; and reach the safe state on every way out.

idle → preparing → running → finishing → idle
             └────────┴──────────┴────→ fault
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.engine.burst import BurstTaker, TriggersStopped
from daq.engine.clock import Clock, Interrupted
from daq.engine.forecast import OutputError, new_run_file
from daq.engine.housekeeping import Housekeeping, channels
from daq.engine.instruments import Instruments
from daq.engine.logbook import Logbook, run_header
from daq.engine.machine import Machine, MachineError
from daq.engine.review import Review
from daq.engine.settling import SettlingError
from daq.engine.state import Ending, Progress, State, Summary
from daq.plan.expansion import PlannedStep, steps
from daq.record.recorder import Recorder, RecordingError
from daq.safety.safe_order import make_safe, stand_by
from drivers.errors import DriverError

EXPECTED = (DriverError, MachineError, SettlingError, TriggersStopped, RecordingError, OutputError)
"""What a run may fail with.  Anything else is a fault of the program, raised again once the machine is safe."""


class Run:
    """One run of one reviewed plan on opened instruments."""

    def __init__(
        self,
        laboratory: Laboratory,
        calibrations: Calibrations,
        instruments: Instruments,
        reviewed: Review,
        directory: Path,
        watch: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._plan, self._timing, self._forecast = reviewed.plan, reviewed.timing, reviewed.forecast
        self._laboratory, self._calibrations = laboratory, calibrations
        self._instruments, self._directory = instruments, directory
        self._interrupt = Event()
        self._fault: str | None = None
        self._clock = Clock(laboratory.clock.speed)
        self._machine = Machine(laboratory, calibrations, instruments, self._clock, self._interrupt)
        self._logbook = Logbook(self._plan.shots, self._forecast.duration_s, self._clock, watch)

    def stop(self) -> None:
        """Ask the run to end: the partial burst is read and recorded.  May be called from a signal handler."""
        self._interrupt.set()

    def run(self) -> Summary:
        """Do the plan.  The machine is in standby after a complete run, in its safe state after any other."""
        path = new_run_file(self._plan, self._directory, self._forecast.disk_bytes)
        ending, reason = Ending.FAILED, "the program failed"
        with ExitStack() as recording:
            try:
                self._take_all(path, recording)
                ending, reason = Ending.COMPLETE, "the plan was completed"
            except Interrupted:
                ending = Ending.STOPPED if self._fault is None else Ending.FAILED
                reason = self._fault or "stopped by the operator"
            except EXPECTED as error:
                reason = self._fault or str(error)
            except BaseException as error:
                reason = f"{type(error).__name__}: {error}"
                raise
            finally:
                summary = self._finish(ending, reason)
        return summary

    def _take_all(self, path: Path, recording: ExitStack) -> None:
        """The whole plan.  The recorder stays open in `recording`, so that the end of the run can still be written down."""
        self._logbook.report(State.PREPARING, "preparing instruments, source and chopper")
        self._machine.prepare(self._plan, self._timing)
        self._check_interrupt()
        axis = self._machine.trial()
        watched = channels(self._instruments)
        header = run_header(path, self._plan, self._laboratory, self._calibrations, self._instruments, axis, watched)
        recorder = recording.enter_context(Recorder(header))
        self._logbook.open(recorder, watched)
        rate_Hz = self._plan.acquisition.rate_Hz
        taker = BurstTaker(self._instruments.digitizer, recorder, axis, rate_Hz, self._clock)
        self._logbook.report(State.PREPARING, "starting the lasers")
        self._machine.start_lasers()
        with Housekeeping(self._instruments, self._clock, self._logbook.reading, self._alarm):
            for step in steps(self._plan):
                self._take_step(step, taker)

    def _take_step(self, step: PlannedStep, taker: BurstTaker) -> None:
        self._logbook.report(State.RUNNING, f"going to {step.field_T:g} T")
        field_T = self._machine.reach_field(step.field_T, self._plan.settle.field_T)
        self._check_interrupt()
        self._logbook.step(step, field_T, self._instruments)
        for shots in step.bursts(self._plan.acquisition.shots_per_burst):
            self._logbook.burst(taker.take(step.index, shots, self._interrupt), f"taking shots at {step.field_T:g} T")
            self._check_interrupt()

    def _check_interrupt(self) -> None:
        if self._interrupt.is_set():
            raise Interrupted

    def _alarm(self, reason: str) -> None:
        """An instrument is lost or unfit: end the run with the first reason that was given."""
        self._fault = self._fault or reason
        self._interrupt.set()

    def _finish(self, ending: Ending, reason: str) -> Summary:
        self._logbook.report(State.FINISHING, "bringing the machine to rest")
        act = stand_by if ending is Ending.COMPLETE else make_safe
        outcomes = act(self._laboratory, self._instruments.by_name)
        return self._logbook.close(ending, reason, outcomes)
