"""The public face for scripts: a laboratory opened from its configuration, and what can be done with it.

with Laboratory("lab.toml") as lab:
    summary = lab.run(lab.plan("vanadium-25K"))
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from config.calibration import Calibrations
from config.errors import ConfigurationError
from config.laboratory import Laboratory as LaboratoryConfiguration
from config.laboratory import read_laboratory
from config.model import parse_toml
from daq.analysis.beside import reducing
from daq.engine.attendance import Attendance, Condition
from daq.engine.clock import Clock
from daq.engine.followers import Follower
from daq.engine.health import Health, looked, silent
from daq.engine.instruments import Instruments, at_once
from daq.engine.knowledge import Estimate
from daq.engine.machine import Machine
from daq.engine.manual import Manual
from daq.engine.resume import Before, check_laboratory, identity_faults, interrupted
from daq.engine.review import Review, review
from daq.engine.run import NOBODY, Company, Run
from daq.engine.state import Ending, Progress, Summary
from daq.engine.vigil import Vigil
from daq.face.reduced import Published
from daq.face.state import Settable
from daq.plan.checking import checked_plan, read_checked_plan
from daq.plan.expansion import steps
from daq.plan.figure import time_line_figure
from daq.plan.plan import Plan, SetPoint, Settle
from daq.record.blocks import ShotBlock, TraceAxis
from daq.safety.asking import Told
from daq.safety.checking import checked_interlocks
from daq.safety.emergency import Emergency
from daq.safety.guarded import Guarded
from daq.safety.ownership import Ownership
from daq.safety.safe_order import Outcome, make_safe, stand_by
from daq.signals import signals_control
from drivers.errors import DriverError
from drivers.quantity import Value
from drivers.registry import check_options
from drivers.roles import Digitizer, Identity, Segments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUNS = Path("runs")
LOOKS_S = 10.0
"""For every instrument to be looked at once before a run, wall time."""
BURST_S, LOOK_S = 10.0, 0.005
"""Longest wait for a burst beyond twice its time, and how often the digitizer is asked, wall time."""
Watcher = Callable[[Progress], None]


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
        self._open = ExitStack()
        self._interlocks = checked_interlocks(self.configuration)
        self._emergency = Emergency(self.configuration, self._instruments.by_name, self._instruments.reopened)
        self._manual = Manual(self.configuration, self.calibrations, self._instruments, self._clock)
        self._by_hand = False
        self._run: Run | None = None
        self._notes: list[str] = []
        self.last_summary: Summary | None = None
        self.changed: Callable[[str], None] = lambda instrument: None
        """Told of which instrument something new is known, "" for interlocks and alarms; from many threads."""

    def __enter__(self) -> "Laboratory":
        with ExitStack() as opened:
            ownership = opened.enter_context(Ownership(one.address for one in self.configuration.instruments.values()))
            opened.enter_context(self._instruments)
            answers = {"safe": self._asked_to_be_safe, "health": self._asked_for_health}
            self._guarded = opened.enter_context(Guarded(self.configuration, ownership, answers, self._guard_lost))
            self.vigil = opened.enter_context(
                Vigil(self.configuration, self._interlocks, self._clock, self.emergency_stop, lambda: self.changed(""))
            )
            self._attendance = opened.enter_context(
                Attendance(self._instruments, self._clock, self.vigil, lambda name: self.changed(name), self._manual.forget)
            )
            self._open = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._by_hand:
                act = stand_by if error is None else make_safe
                unsafe = [one for one in act(self.configuration, self._instruments.by_name) if not one.confirmed]
                if unsafe and error is None:
                    raise DriverError(unsafe[0].instrument, f"is not at rest: {unsafe[0].detail}")
        finally:
            self._open.close()

    def plan(self, path: Path | str) -> Plan:
        """Read a plan, or one that ships with the program by its name.  Raises `ConfigurationError` with every fault that
        it has in this laboratory; needs no instrument."""
        return read_checked_plan(Path(path), self.configuration, self.calibrations)

    def parse_plan(self, toml: str, where: str) -> Plan:
        """The same for the text of a plan that comes from `where`."""
        return checked_plan(parse_toml(toml, where), where, self.configuration, self.calibrations)

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
        return self._obeying(self._new_run(plan, Path(directory), watch, live=live), Path(directory))

    def resume(
        self,
        file: Path | str,
        directory: Path | str | None = None,
        watch: Watcher = NOBODY,
        live: Callable[[Published], None] | None = None,
    ) -> Summary:
        """Go on with the plan of an interrupted run in a new file, beside the old one unless told otherwise.

        `live` gets what it gets of `run`, of what was recorded before as well.
        Raises `ConfigurationError` when the laboratory or an instrument is not the one of then, or nothing is left to do.
        """
        path = Path(file)
        plan, before = self.check_resumable(path)
        faults = identity_faults(before, {name: asdict(one) for name, one in self._instruments.identities.items()})
        if faults:
            raise ConfigurationError.of(f"{path} was taken with other instruments", faults)
        directory = Path(directory or path.parent)
        return self._obeying(self._new_run(plan, directory, watch, before=before, live=live), directory)

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
        with self._current(run, Path(directory)), ThreadPoolExecutor(1, thread_name_prefix="run") as pool:
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

    @property
    def current(self) -> Run | None:
        """The run that goes on: to be paused, resumed, stopped from another thread."""
        return self._run

    @property
    def emergency(self) -> Emergency:
        """The emergency stop and how it stands."""
        return self._emergency

    @property
    def guarded(self) -> Guarded:
        """The guard, as this process sees it."""
        return self._guarded

    def condition(self, instrument: str) -> Condition:
        """How an instrument is, and what it last said."""
        return self._attendance.condition(instrument)

    @property
    def identities(self) -> Mapping[str, Identity]:
        """Who answers as what."""
        return self._instruments.identities

    def utc_s(self, at_s: float) -> float:
        """Seconds since 1970 at this laboratory time, of interlocks and alarms."""
        return self._clock.utc_s(at_s)

    def stale_s(self, instrument: str) -> float:
        """Age (wall time) from which on a value of an instrument is stale."""
        return self._attendance.stale_s(instrument)

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
        self._refuse_after_emergency()
        self._by_hand = True
        self._manual.set(name, value, settle, wait, Event())

    def settable(self, name: str) -> bool:
        """Whether a quantity can be set; `ConfigurationError` if it does not exist."""
        return self._manual.settable(name)

    def settables(self, instrument: str) -> tuple[Settable, ...]:
        """Everything that can be set of one instrument, with its limits."""
        return self._manual.settables(instrument)

    @contextmanager
    def firing(self, plan: Plan) -> Iterator["Beam"]:
        """The machine at the first point of a plan, lasers firing, for shots that are not recorded; at rest afterwards."""
        self._refuse_after_emergency()
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
            with self._attendance.lent():
                yield Beam(self._instruments.digitizer, plan.acquisition.rate_Hz * self._clock.speed)
        except BaseException:
            self.safe()
            raise
        stand_by(self.configuration, self._instruments.by_name, reopened=self._instruments.reopened)

    def safe(self) -> list[Outcome]:
        """Bring every instrument to its safe state now."""
        return make_safe(self.configuration, self._instruments.by_name, reopened=self._instruments.reopened)

    def emergency_stop(self, by: str) -> list[Outcome]:
        """Everything to its safe state at once, from any thread, whatever goes on; a run fails, and nothing is set or run again
        before `reset_emergency`.  What is not confirmed in half a second the guard does, who then ends this process."""
        if self._run is not None:
            self._run.abort(f"emergency stop by {by}")
        return self._emergency.stop(by, self._guarded.confirm)

    def reset_emergency(self) -> None:
        """Allow runs and set points again after an emergency stop."""
        self._emergency.reset()

    def _refuse_after_emergency(self) -> None:
        self._guarded.refuse_without()
        if self._emergency.active:
            raise ConfigurationError(f"an emergency stop by {self._emergency.by} holds; reset it when everything is in order")

    def _asked_to_be_safe(self, by: str) -> Told:
        outcomes = self.emergency_stop(by)
        return Told(all(one.confirmed for one in outcomes), msgspec.json.encode(outcomes).decode())

    def _asked_for_health(self, by: str) -> Told:
        found, configured = self._instruments, self.configuration.instruments
        looks = at_once({name: partial(self._look, name) for name in found.by_name})
        health = [look for look in looks.values() if isinstance(look, Health)]
        spares = [name for name, one in configured.items() if one.spare]
        health += [silent(name, configured[name], "a spare: not looked at while an engine is at work") for name in spares]
        return Told(True, msgspec.json.encode(health).decode())

    def _look(self, name: str) -> Health:
        found = self._instruments
        return looked(name, self.configuration.instruments[name], found.by_name[name], found.identities[name], time.monotonic())

    def _guard_lost(self, text: str, replaced: bool) -> None:
        self.vigil.rise("guard", f"{text}; another one watches" if replaced else f"{text}, and no other can be started")
        if replaced:
            self.vigil.clear("guard")
        elif self._run is not None:
            self._run.abort(f"{text}, and no other can be started")

    def _new_run(
        self,
        plan: Plan,
        directory: Path,
        watch: Watcher,
        followers: Sequence[Follower] = (),
        before: Before | None = None,
        live: Callable[[Published], None] | None = None,
    ) -> Run:
        self._refuse_after_emergency()
        beside = partial(reducing, live=live) if live is not None else None
        estimate = partial(_estimate, plan, self.calibrations)
        watching = self._watching(watch)
        expect, enter, prepared = self._guarded.expect, self.vigil.enter, self._manual.all_prepared
        company = Company(watching, followers, estimate, beside, expect, enter, prepared, self._resumed)
        reviewed = self.review(plan)
        run = Run(
            self.configuration, self.calibrations, self._instruments, self._attendance, reviewed, directory, company, before
        )
        while self._notes:
            run.note(self._notes.pop(0))
        return run

    def _obeying(self, run: Run, directory: Path) -> Summary:
        with self._current(run, directory), signals_control(run):
            return run.run()

    def _resumed(self) -> None:
        """Who lets a run go on at the terminal or in a script has seen what it waited for."""
        self.vigil.acknowledge_latched("the operator")
        self.vigil.resume("the operator")

    def _watching(self, watch: Watcher) -> Watcher:
        watching = True

        def told(progress: Progress) -> None:
            nonlocal watching
            self.vigil.progress(progress)
            if watching:
                try:
                    watch(progress)
                except BaseException:
                    # The run says so and goes on; who is notified of its end still is.
                    watching = False
                    raise

        return told

    @contextmanager
    def _current(self, run: Run, directory: Path) -> Iterator[None]:
        """While the context lasts this run is the one that goes on.  `StartRefused` when an interlock holds it back."""
        self._attendance.wait_for_all(LOOKS_S)
        self.vigil.begin(run, directory)
        self._run = run
        try:
            # A stop that came while the start was held against interlocks found no run to end.
            self._refuse_after_emergency()
            yield
        finally:
            self._run = None
            self.vigil.end()
            self._guarded.rest()


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
    # It takes half a second to come, and few plans stop by an error.
    from daq.analysis.running import RunningErrors

    return RunningErrors(axis, plan.element, plan.stop.clusters, calibrations)


def read_checked(path: Path | None) -> tuple[LaboratoryConfiguration, Calibrations]:
    """A laboratory whose drivers exist and take the options they are given; `ConfigurationError` otherwise."""
    configuration, calibrations = read_laboratory(path)
    for name, instrument in configuration.instruments.items():
        check_options(name, instrument)
    return configuration, calibrations
