"""A laboratory that somebody attends to: the `Face` of an open `Laboratory`, with a queue of plans.

What is asked is done in the caller's thread, except runs, which have one of their own.  What is shown is a board of parts: a
second thread puts up what has changed, a few times a second, so that many readings make few changes.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread
from types import TracebackType

from config.errors import ConfigurationError
from daq.engine.clock import Interrupted
from daq.engine.preview import preview
from daq.engine.run import Run
from daq.engine.settling import SettlingError
from daq.engine.state import Progress, State
from daq.face import commands
from daq.face.board import Board
from daq.face.commands import Answer, Command
from daq.face.reduced import Moments, Published
from daq.face.state import (
    AlarmPart,
    AnyPart,
    Change,
    EmergencyPart,
    GuardPart,
    InstrumentPart,
    InterlockPart,
    LogPart,
    MachinePart,
    Queued,
    QueuePart,
    Reading,
    RunPart,
    SettablePart,
    Snapshot,
    key,
)
from daq.laboratory import Laboratory
from daq.plan.plan import Plan
from daq.record.run_file import RunFileError
from daq.safety.alarms import Alarm, AlarmError
from daq.safety.interlocks import Shown
from daq.safety.safe_order import Outcome
from drivers.errors import DriverError

SHOW_S = 0.2
"""Between two looks at what has changed (wall time)."""
LINES = 200
"""Of the log that are shown."""
QUIET = (commands.Read, commands.CheckPlan, commands.EmergencyStop)
"""What is not logged: questions, and what is logged before it is done."""
OVER = (State.IDLE, State.FAULT)
REFUSALS = (ConfigurationError, DriverError, SettlingError, AlarmError, Interrupted, RunFileError)


@dataclass(frozen=True)
class _Waiting:
    ticket: int
    name: str
    plan: Plan
    shots: int
    duration_s: float
    by: str
    rest_of: Path | None = None
    """The file of an interrupted run, whose plan it is."""

    def shown(self) -> Queued:
        title = self.plan.title if self.rest_of is None else f"the rest of {self.plan.title}"
        return Queued(self.ticket, self.name, title, self.shots, self.duration_s, self.by)


class ControlRoom:
    """A context with an open laboratory whose run files go into `directory`.  Leaving it ends a run in the safe state."""

    def __init__(self, laboratory: Laboratory, directory: Path) -> None:
        self._laboratory, self._directory = laboratory, directory
        self._vigil = laboratory.vigil
        self._board: Board[AnyPart] = Board()
        self._waiting: deque[_Waiting] = deque()
        self._news = Condition()
        self._held, self._tickets = "", 0
        self._changed: SimpleQueue[str] = SimpleQueue()
        self._shown: dict[str, AnyPart] = {}
        self._lines: deque[str] = deque(maxlen=LINES)
        self._end = Event()
        self._title = self._file = ""
        self._state, self._begun = State.IDLE, False
        self._threads = [
            Thread(target=self._run_queue, name="queue", daemon=True),
            Thread(target=self._show_changes, name="board", daemon=True),
        ]
        self._acts: dict[type, Callable[..., Answer]] = {
            commands.CheckPlan: self._check_plan,
            commands.QueuePlan: self._queue_plan,
            commands.QueueRest: self._queue_rest,
            commands.Unqueue: self._unqueue,
            commands.Pause: self._pause,
            commands.Resume: self._resume,
            commands.Stop: self._stop,
            commands.ReleaseQueue: self._release,
            commands.EmergencyStop: self._emergency_stop,
            commands.ResetEmergency: self._reset_emergency,
            commands.Read: self._read,
            commands.Set: self._set,
            commands.Note: self._note,
            commands.Acknowledge: self._acknowledge,
            commands.Shelve: self._shelve,
        }

    def __enter__(self) -> "ControlRoom":
        self._laboratory.changed = self._changed.put
        self._vigil.line = self._line
        self._put(MachinePart(self._laboratory.configuration.control is not None))
        self._put(RunPart("idle", "no run yet", speed=self._laboratory.configuration.clock.speed))
        self._put(QueuePart())
        for name in self._laboratory.configuration.taking_part():
            self._put(SettablePart(name, self._laboratory.settables(name)))
        self._show()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()
        with self._news:
            self._news.notify_all()
        for thread in self._threads:
            while thread.is_alive():
                # A run may be about to begin.
                run = self._laboratory.current
                if run is not None:
                    run.stop()
                thread.join(SHOW_S)
        self._laboratory.changed = lambda name: None
        self._vigil.line = lambda text, at: None
        self._board.close()

    def submit(self, command: Command, by: str) -> Answer:
        act = self._acts.get(type(command))
        if act is None:
            return Answer(False, f"{type(command).__name__} is for a service with several clients; here nobody else asks")
        if isinstance(command, commands.EmergencyStop):
            # The log may have to wait for the disk.
            Thread(target=self._vigil.log, args=(f"{by}: EMERGENCY STOP",), name="log", daemon=True).start()
        try:
            answer = act(command, by)
        except REFUSALS as error:
            answer = Answer(False, str(error))
        if not isinstance(command, QUIET):
            told = "" if answer.ok else f": refused, {answer.text}"
            self._vigil.log(f"{by}: {_said(command)}{told}")
        return answer

    def snapshot(self) -> Snapshot:
        sequence, parts = self._board.all()
        return Snapshot(self._laboratory.configuration.name, sequence, time.time(), tuple(parts.values()))

    def changes(self, after: int, timeout_s: float) -> Iterator[Change]:
        for sequence, part in self._board.since(after, timeout_s):
            yield Change(sequence, part)

    def log(self, text: str) -> None:
        """A line in the laboratory's log, of whoever else has something to say."""
        self._vigil.log(text)

    def _check_plan(self, command: commands.CheckPlan, by: str) -> Answer:
        plan = self._laboratory.parse_plan(command.toml, "the plan")
        shown = preview(self._laboratory.review(plan))
        at_most = "at most " if shown.at_most else ""
        points = "1 point" if shown.points == 1 else f"{shown.points:,} points"
        return Answer(
            True,
            f"{shown.title}: {at_most}{shown.shots:,} shots at {points}, about {shown.duration_s:,.0f} s "
            f"of laboratory time, {shown.disk_bytes / 1e6:,.0f} MB on disk; {shown.duty:.1%} of the shots are recorded",
            shown.duration_s,
            shown,
        )

    def _queue_plan(self, command: commands.QueuePlan, by: str) -> Answer:
        plan = self._laboratory.parse_plan(command.toml, command.name)
        expected = self._laboratory.review(plan).forecast
        return self._wait(_Waiting(0, command.name, plan, plan.shots, expected.duration_s, by))

    def _queue_rest(self, command: commands.QueueRest, by: str) -> Answer:
        path = Path(command.run_file)
        plan, before = self._laboratory.check_resumable(path)
        left = max(0, plan.shots - before.planned_done)
        expected_s = self._laboratory.review(plan).forecast.duration_s * left / plan.shots
        return self._wait(_Waiting(0, path.name, plan, left, expected_s, by, path))

    def _wait(self, waiting: _Waiting) -> Answer:
        """In the queue, with the next ticket."""
        with self._news:
            self._tickets += 1
            queued = replace(waiting, ticket=self._tickets)
            self._waiting.append(queued)
            self._news.notify_all()
        self._show_queue()
        return Answer(True, f"{queued.shown().title} waits with ticket {queued.ticket}", queued.ticket)

    def _unqueue(self, command: commands.Unqueue, by: str) -> Answer:
        with self._news:
            left = [one for one in self._waiting if one.ticket != command.ticket]
            found = len(left) < len(self._waiting)
            self._waiting = deque(left)
        self._show_queue()
        return Answer(found, "" if found else f"no plan waits with ticket {command.ticket}")

    def _pause(self, command: commands.Pause, by: str) -> Answer:
        return self._on_run(lambda run: run.pause())

    def _resume(self, command: commands.Resume, by: str) -> Answer:
        left = self._vigil.resume(by)
        return Answer(False, "; ".join(left)) if left else self._on_run(lambda run: run.resume())

    def _stop(self, command: commands.Stop, by: str) -> Answer:
        going = self._current() is not None
        if going or self._waiting:
            # One that waits may be about to begin.
            self._hold(f"{by} stopped the {'run' if going else 'queue'}")
        stopped = self._on_run(lambda run: run.stop())
        return Answer(True, "no run goes on; the queue is held") if self._waiting and not stopped.ok else stopped

    def _release(self, command: commands.ReleaseQueue, by: str) -> Answer:
        self._hold("")
        return Answer(True)

    def _emergency_stop(self, command: commands.EmergencyStop, by: str) -> Answer:
        self._hold(f"emergency stop by {by}")
        self._changed.put("")
        outcomes = self._laboratory.emergency_stop(by)
        self._changed.put("")
        unsafe = [f"{one.instrument}: {one.detail}" for one in outcomes if not one.confirmed]
        return Answer(not unsafe, "; ".join(unsafe) or "everything is safe, confirmed by read-back")

    def _reset_emergency(self, command: commands.ResetEmergency, by: str) -> Answer:
        if not self._laboratory.emergency.done:
            return Answer(False, "the emergency stop still goes on; wait until every instrument has been seen to")
        self._laboratory.reset_emergency()
        self._changed.put("")
        return Answer(True)

    def _read(self, command: commands.Read, by: str) -> Answer:
        return Answer(True, self._laboratory.unit(command.quantity), self._laboratory.read(command.quantity))

    def _set(self, command: commands.Set, by: str) -> Answer:
        if self._current() is not None and not self._laboratory.emergency.active:
            return Answer(False, "a run goes on; its plan decides, stop it before you set anything by hand")
        self._laboratory.set(command.quantity, command.value)
        return Answer(True)

    def _note(self, command: commands.Note, by: str) -> Answer:
        self._laboratory.note(f"{by}: {command.text}")
        return Answer(True)

    def _acknowledge(self, command: commands.Acknowledge, by: str) -> Answer:
        self._vigil.acknowledge(command.alarm, by)
        return Answer(True)

    def _shelve(self, command: commands.Shelve, by: str) -> Answer:
        self._vigil.shelve(command.alarm, command.for_s * self._laboratory.configuration.clock.speed, by)
        return Answer(True)

    def _on_run(self, act: Callable[..., None]) -> Answer:
        run = self._current()
        if run is None:
            return Answer(False, "no run goes on")
        act(run)
        return Answer(True)

    def _current(self) -> Run | None:
        """The run that goes on; not one that has ended and is only being put away."""
        return None if self._state in OVER else self._laboratory.current

    def _hold(self, why: str) -> None:
        with self._news:
            self._held = why
            self._news.notify_all()
        self._show_queue()

    def _run_queue(self) -> None:
        while (waiting := self._next()) is not None:
            self._show_queue()
            self._title, self._file, self._begun = waiting.plan.title, "", False
            try:
                if waiting.rest_of is None:
                    self._laboratory.run(waiting.plan, self._directory, self._progress, self._live)
                else:
                    self._laboratory.resume(waiting.rest_of, watch=self._progress, live=self._live)
            except Exception as error:  # the queue outlives whatever a run stumbles over; the machine is safe by then
                if not self._begun:
                    with self._news:
                        self._waiting.appendleft(waiting)
                self._hold(f"{waiting.name} could not be run: {error}")
                self._vigil.rise("run", f"{waiting.name} could not be run: {type(error).__name__}: {error}")

    def _next(self) -> _Waiting | None:
        with self._news:
            self._news.wait_for(lambda: self._end.is_set() or (self._waiting and not self._held))
            return None if self._end.is_set() else self._waiting.popleft()

    def _progress(self, progress: Progress) -> None:
        if not self._begun:
            # Those of the run before are not this one's.
            self._put(Moments("", (), "no moments of this run yet"))
        self._state, self._begun = progress.state, True
        if progress.state is State.FAULT and not self._held:
            self._hold(f"the last run failed: {progress.doing}")
        run = self._laboratory.current
        if run is not None and run.path is not None:
            self._file = str(run.path)
        self._put(
            RunPart(
                str(progress.state),
                progress.doing,
                self._title,
                self._file,
                progress.fired,
                progress.recorded,
                progress.lost,
                progress.shots,
                progress.left_s,
                self._laboratory.configuration.clock.speed,
                run is not None and run.paused,
            )
        )

    def _live(self, message: Published) -> None:
        self._put(message)

    def _line(self, text: str, at: float) -> None:
        self._lines.append(f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S} {text}")
        self._changed.put("")

    def _show_queue(self) -> None:
        with self._news:
            self._put(QueuePart(tuple(one.shown() for one in self._waiting), self._held))

    def _show_changes(self) -> None:
        while not self._end.wait(SHOW_S):
            self._show()

    def _show(self) -> None:
        """Put up what is not as it was."""
        while True:
            try:
                self._changed.get_nowait()
            except Empty:
                break
        names = self._laboratory.configuration.taking_part()
        parts: list[AnyPart] = [self._instrument(name) for name in names]
        parts += [self._interlock(one) for one in self._vigil.interlocks.shown()]
        parts += self._alarms()
        guarded = self._laboratory.guarded
        parts.append(GuardPart(guarded.alive, guarded.restarts, "" if guarded.alive else "there is no guard; nothing may fire"))
        emergency = self._laboratory.emergency
        outcomes = tuple(_line(outcome) for outcome in emergency.outcomes.values())
        parts.append(EmergencyPart(emergency.active, emergency.by, emergency.at, emergency.done, outcomes))
        parts.append(LogPart(tuple(self._lines)))
        for part in parts:
            if self._shown.get(key(part)) != part:
                self._shown[key(part)] = part
                self._put(part)

    def _instrument(self, name: str) -> InstrumentPart:
        configured = self._laboratory.configuration.instruments[name]
        condition, who = self._laboratory.condition(name), self._laboratory.identities[name]
        status, old = condition.status, time.time() - self._laboratory.stale_s(name)
        return InstrumentPart(
            name,
            configured.role,
            configured.driver,
            " ".join(part for part in (who.maker, who.model, who.serial, who.firmware) if part),
            condition.live,
            "" if status is None else status.state,
            status is not None and status.ok and condition.live,
            () if status is None else status.warnings,
            condition.error,
            condition.answered,
            {quantity: Reading(one.value, one.unit, one.at, one.at < old) for quantity, one in condition.readings.items()},
        )

    def _interlock(self, shown: Shown) -> InterlockPart:
        since = self._wall(shown.since_s)
        return InterlockPart(
            shown.name, shown.condition, shown.action, shown.state, shown.text, since, holds_start=shown.holds_start
        )

    def _alarms(self) -> list[AnyPart]:
        """Those there are, and once more those that are there no longer."""
        found: list[AnyPart] = [self._alarm(one) for one in self._vigil.alarms.all()]
        there = {key(part) for part in found}
        for name, part in self._shown.items():
            if isinstance(part, AlarmPart) and name not in there:
                found.append(AlarmPart(part.name, part.text, part.since, False, part.acknowledged, gone=True))
        return found

    def _alarm(self, alarm: Alarm) -> AlarmPart:
        until = 0.0 if alarm.shelved_until_s is None else self._wall(alarm.shelved_until_s)
        return AlarmPart(alarm.name, alarm.text, self._wall(alarm.since_s), alarm.active, alarm.acknowledged, until, alarm.gone)

    def _wall(self, laboratory_s: float) -> float:
        """Seconds since 1970 of a laboratory time; whole ones, since both clocks run."""
        return float(round(self._laboratory.utc_s(laboratory_s)))

    def _put(self, part: AnyPart) -> None:
        self._board.put(key(part), part)


def _said(command: Command) -> str:
    """A command as it stands in the log; long texts are not repeated."""
    words = [f"{name} = {value}" for name, value in _fields(command) if name != "toml"]
    return f"{type(command).__name__}{' ' if words else ''}{', '.join(words)}"


def _fields(command: Command) -> list[tuple[str, object]]:
    return [(name, getattr(command, name)) for name in command.__struct_fields__]


def _line(outcome: Outcome) -> str:
    return f"{outcome.instrument}: {outcome.detail} ({'confirmed' if outcome.confirmed else 'NOT CONFIRMED'})"
