"""The public face for scripts: a laboratory opened from its configuration, and what can be done with it.

with Laboratory("lab.toml") as lab:
    summary = lab.run(lab.plan("vanadium-25K"))
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING

from config.calibration import Calibrations
from config.errors import ConfigurationError
from config.laboratory import Laboratory as LaboratoryConfiguration
from config.laboratory import read_laboratory
from daq.analysis.beside import reducing
from daq.analysis.running import RunningErrors
from daq.engine.clock import Clock
from daq.engine.conversation import Conversation, conversation
from daq.engine.followers import Follower
from daq.engine.instruments import Instruments, at_once, connect_and_identify
from daq.engine.knowledge import Estimate
from daq.engine.machine import Machine
from daq.engine.manual import Manual
from daq.engine.resume import Before, check_laboratory, identity_faults, interrupted
from daq.engine.review import Review, review
from daq.engine.run import NOBODY, Company, Run
from daq.engine.state import Ending, Progress, Summary
from daq.face.reduced import Published
from daq.plan.checking import read_checked_plan
from daq.plan.expansion import steps
from daq.plan.figure import time_line_figure
from daq.plan.plan import Plan, SetPoint, Settle
from daq.record.blocks import ShotBlock, TraceAxis
from daq.safety.safe_order import Outcome, make_safe, stand_by
from daq.signals import signals_control
from drivers.errors import DriverError
from drivers.links.link import WireLog
from drivers.quantity import Value
from drivers.registry import check_options
from drivers.roles import Digitizer, Identity, Segments, Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUNS = Path("runs")
BURST_S, LOOK_S = 10.0, 0.005
"""Longest wait for a burst beyond twice its time, and how often the digitizer is asked, wall time."""
Watcher = Callable[[Progress], None]


@dataclass(frozen=True)
class Health:
    """One instrument as `check` finds it; `error` is empty when it answers."""

    name: str
    role: str
    driver: str
    identity: Identity | None
    status: Status | None
    error: str = ""
    answer_s: float = 0.0
    """How long connecting, identifying and asking took."""
    answered_at: float = math.nan
    """When the last answer came, by the clock of `time.monotonic`."""
    spare: bool = False

    def age_s(self) -> float:
        """Age of its last answer now; NaN if it never answered."""
        return time.monotonic() - self.answered_at


class Laboratory:
    """All instruments of one laboratory, connected and identified while the context lasts.

    What was set by hand is brought to rest at the end of the context: to standby, or after an exception to the safe state.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.configuration: LaboratoryConfiguration
        self.calibrations: Calibrations
        self.configuration, self.calibrations = read_checked(None if path is None else Path(path))
        self._instruments = Instruments(self.configuration)
        self._clock = Clock(self.configuration.clock.speed)
        self._manual = Manual(self.configuration, self.calibrations, self._instruments, self._clock)
        self._by_hand = False
        self._run: Run | None = None
        self._notes: list[str] = []
        self.last_summary: Summary | None = None

    def __enter__(self) -> "Laboratory":
        self._instruments.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._by_hand:
                act = stand_by if error is None else make_safe
                unsafe = [one for one in act(self.configuration, self._instruments.by_name) if not one.confirmed]
                if unsafe and error is None:
                    raise DriverError(unsafe[0].instrument, f"is not at rest: {unsafe[0].detail}")
        finally:
            self._instruments.__exit__(kind, error, trace)

    def plan(self, path: Path | str) -> Plan:
        """Read a plan, or one that ships with the program by its name.  Raises `ConfigurationError` with every fault that
        it has in this laboratory; needs no instrument."""
        return read_checked_plan(Path(path), self.configuration, self.calibrations)

    def review(self, plan: Plan) -> Review:
        """Hold a plan against this laboratory; needs no instrument.  Raises `ConfigurationError` with every fault."""
        return review(plan, self.configuration, self.calibrations)

    def time_line_figure(self, plan: Plan) -> "Figure":
        """The time line of a shot of this plan, drawn to scale."""
        return time_line_figure(plan, self.review(plan).timing, self.configuration, self.calibrations)

    def run(
        self, plan: Plan, directory: Path | str = RUNS, watch: Watcher = NOBODY, live: Callable[[Published], None] | None = None
    ) -> Summary:
        """Acquire a plan into a new file in `directory`.  A signal to end the program ends the run in the safe state.

        `live` gets running spectra and profiles, and the moments at the end, from a process of its own; in a thread.
        """
        return self._obeying(self._new_run(plan, Path(directory), watch, live=live))

    def resume(self, file: Path | str, directory: Path | str | None = None, watch: Watcher = NOBODY) -> Summary:
        """Go on with the plan of an interrupted run in a new file, beside the old one unless told otherwise.

        Raises `ConfigurationError` when the laboratory or an instrument is not the one of then, or nothing is left to do.
        """
        path = Path(file)
        plan, before = self.check_resumable(path)
        faults = identity_faults(before, {name: asdict(one) for name, one in self._instruments.identities.items()})
        if faults:
            raise ConfigurationError.of(f"{path} was taken with other instruments", faults)
        return self._obeying(self._new_run(plan, Path(directory or path.parent), watch, before=before))

    def check_resumable(self, file: Path) -> tuple[Plan, Before]:
        """What there is to go on with; needs no instrument.  `ConfigurationError` when there is nothing, or another
        laboratory."""
        check_laboratory(file, self.configuration, self.calibrations)
        return interrupted(file)

    def shots(self, plan: Plan, directory: Path | str = RUNS, watch: Watcher = NOBODY) -> Iterator[ShotBlock]:
        """Acquire a plan, and hand out each block of shots after it went to the writer.  Leaving the loop ends the run.

        The run goes on in a thread and waits when the loop is slow.  How it ended stands in `last_summary`; a run that
        failed raises `RunFailed` at the end of the loop.
        """
        blocks: Queue[ShotBlock | None] = Queue(1)
        run = self._new_run(plan, Path(directory), watch, followers=[lambda step, block: blocks.put(block)])
        with ThreadPoolExecutor(1, thread_name_prefix="run") as pool:
            ended = pool.submit(run.run)
            ended.add_done_callback(lambda _: blocks.put(None))
            try:
                while (block := blocks.get()) is not None:
                    yield block
            finally:
                run.stop()
                while not ended.done() or not blocks.empty():
                    with suppress(Empty):
                        blocks.get(timeout=0.1)
                self.last_summary = ended.result()
        if self.last_summary.ending is Ending.FAILED:
            raise RunFailed(self.last_summary.reason)

    def note(self, text: str) -> None:
        """Write a note into the log of the run that goes on, from any thread; if there is none, into that of the next one."""
        if self._run is None:
            self._notes.append(text)
        else:
            self._run.note(text)

    def read(self, name: str) -> Value:
        """Read one quantity, `instrument.quantity`, e.g. `cold_head.temperature_K` or `magnet.field_T`."""
        return self._manual.read(name)

    def unit(self, name: str) -> str:
        """The unit of a quantity."""
        return self._manual.unit(name)

    def set(self, name: str, value: SetPoint, wait: bool = False, settle: Settle | None = None) -> None:
        """Set one quantity, and wait if asked until its read-back has settled (within 1 % unless `settle` says otherwise).

        `magnet.field_T` goes through the field calibration, switches the supply on, and is told by the Hall probe.  Raises
        `ConfigurationError` for a name or value that cannot be, `DriverError`, `SettlingError`.
        """
        self._by_hand = True
        self._manual.set(name, value, settle, wait, Event())

    def settable(self, name: str) -> bool:
        """Whether a quantity can be set; `ConfigurationError` if it does not exist."""
        return self._manual.settable(name)

    @contextmanager
    def firing(self, plan: Plan) -> Iterator["Beam"]:
        """The machine at the first point of a plan, lasers firing, for shots that are not recorded; at rest afterwards."""
        self.review(plan)
        stop = Event()
        machine = Machine(plan, self.configuration, self.calibrations, self._instruments, self._clock, stop)
        self._by_hand = True
        first = next(steps(plan))
        try:
            machine.prepare(first)
            self._manual.all_prepared()
            machine.trial()
            machine.start_lasers()
            machine.reach(first)
            yield Beam(self._instruments.digitizer, plan.acquisition.rate_Hz * self._clock.speed)
        except BaseException:
            make_safe(self.configuration, self._instruments.by_name)
            raise
        stand_by(self.configuration, self._instruments.by_name)

    def safe(self) -> list[Outcome]:
        """Bring every instrument to its safe state now."""
        return make_safe(self.configuration, self._instruments.by_name)

    def _new_run(
        self,
        plan: Plan,
        directory: Path,
        watch: Watcher,
        followers: Sequence[Follower] = (),
        before: Before | None = None,
        live: Callable[[Published], None] | None = None,
    ) -> Run:
        beside = partial(reducing, live=live) if live is not None else None
        company = Company(watch, followers, partial(_estimate, plan, self.calibrations), beside)
        reviewed = self.review(plan)
        self._manual.all_prepared()
        run = Run(self.configuration, self.calibrations, self._instruments, reviewed, directory, company, before)
        while self._notes:
            run.note(self._notes.pop(0))
        return run

    def _obeying(self, run: Run) -> Summary:
        self._run = run
        try:
            with signals_control(run):
                return run.run()
        finally:
            self._run = None


class Beam:
    """The shots of a machine that fires."""

    def __init__(self, digitizer: Digitizer, rate_Hz: float) -> None:
        self._digitizer, self._rate_Hz = digitizer, rate_Hz

    def burst(self, shots: int) -> Segments:
        """Take so many shots.  Raises `RunFailed` when the triggers stop coming, `DriverError` from the digitizer."""
        self._digitizer.arm(shots)
        deadline = time.monotonic() + 2 * shots / self._rate_Hz + BURST_S
        while not self._digitizer.finished():
            if time.monotonic() > deadline:
                self._digitizer.stop()
                raise RunFailed(f"only {self._digitizer.captured()} of {shots} triggers came")
            time.sleep(LOOK_S)
        return self._digitizer.collect()


class RunFailed(Exception):
    """A run whose shots were handed out has failed; the message says why."""


def _estimate(plan: Plan, calibrations: Calibrations, axis: TraceAxis) -> Estimate:
    return RunningErrors(axis, plan.element, plan.stop.clusters, calibrations)


def read_checked(path: Path | None) -> tuple[LaboratoryConfiguration, Calibrations]:
    """A laboratory whose drivers exist and take the options they are given; `ConfigurationError` otherwise."""
    configuration, calibrations = read_laboratory(path)
    for name, instrument in configuration.instruments.items():
        check_options(name, instrument)
    return configuration, calibrations


def check(path: Path | None = None) -> list[Health]:
    """Connect to every instrument, all at once and each for itself, so that a missing one does not hide the others."""
    configuration, _ = read_checked(path)
    found = at_once({name: partial(_look, configuration, name) for name in configuration.instruments})
    return [
        _health(configuration, name, error=result.what) if isinstance(result, DriverError) else result
        for name, result in found.items()
    ]


@contextmanager
def talk_to(path: Path | None, name: str, log: WireLog, allow_unsafe: bool) -> Iterator[Conversation]:
    """Raw words with one instrument of a laboratory; `log` gets every piece sent and received."""
    configured = read_checked(path)[0].instruments
    if name not in configured:
        raise ConfigurationError(f"there is no instrument {name!r}; known are {', '.join(configured)}")
    with conversation(name, configured[name], log, allow_unsafe=allow_unsafe) as found:
        yield found


def make_laboratory_safe(path: Path | None = None) -> list[Outcome]:
    """Bring every instrument of a laboratory that can be reached to its safe state; what cannot be reached is said so."""
    configuration, _ = read_checked(path)
    configured = configuration.instruments
    found = at_once({name: partial(connect_and_identify, name, configured[name]) for name in configured})
    reached = {name: result[0] for name, result in found.items() if not isinstance(result, DriverError)}
    try:
        outcomes = make_safe(configuration, reached)
    finally:
        for instrument in reached.values():
            instrument.close()
    missing = {name: result for name, result in found.items() if isinstance(result, DriverError)}
    return outcomes + [Outcome(name, configured[name].role, False, error.what) for name, error in missing.items()]


def _look(configuration: LaboratoryConfiguration, name: str) -> Health:
    started = time.monotonic()
    instrument, identity = connect_and_identify(name, configuration.instruments[name])
    try:
        return _health(configuration, name, identity, instrument.status(), started=started)
    finally:
        instrument.close()


def _health(
    configuration: LaboratoryConfiguration,
    name: str,
    identity: Identity | None = None,
    status: Status | None = None,
    error: str = "",
    started: float = math.nan,
) -> Health:
    one = configuration.instruments[name]
    now = time.monotonic()
    if error:
        return Health(name, one.role, one.driver, identity, status, error, spare=one.spare)
    return Health(name, one.role, one.driver, identity, status, "", now - started, now, one.spare)
