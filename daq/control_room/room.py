"""The `Face` of an open `Laboratory`, with a queue of plans.

What is asked is done in the caller's thread, except runs, which have one of their own.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from types import TracebackType

from config.errors import ConfigurationError
from daq.control_room.notice_board import NoticeBoard
from daq.control_room.plan_queue import PlanQueue, Waiting
from daq.engine.clock import Interrupted
from daq.engine.preview import preview
from daq.engine.settling import SettlingError
from daq.face import commands
from daq.face.commands import Answer, Command
from daq.face.state import Change, Snapshot
from daq.laboratory import Laboratory
from daq.record.run_file import RunFileError
from daq.safety.alarms import AlarmError
from drivers.errors import DriverError

QUIET = (commands.Read, commands.CheckPlan, commands.EmergencyStop)
"""What is not logged: questions, and what is logged before it is done."""
REFUSALS = (ConfigurationError, DriverError, SettlingError, AlarmError, Interrupted, RunFileError)


class ControlRoom:
    """A context with an open laboratory whose run files go into `directory`.  Leaving it ends a run in the safe state."""

    def __init__(self, laboratory: Laboratory, directory: Path) -> None:
        self._laboratory, self._vigil = laboratory, laboratory.vigil
        self._board = NoticeBoard(laboratory)
        self._queue = PlanQueue(laboratory, directory, self._board.put)
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
        self._board.start()
        self._queue.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._queue.end()
        self._board.end()

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
        return self._board.snapshot()

    def changes(self, after: int, timeout_s: float) -> Iterator[Change]:
        return self._board.changes(after, timeout_s)

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
        return self._wait(Waiting(command.name, plan, plan.shots, expected.duration_s, by))

    def _queue_rest(self, command: commands.QueueRest, by: str) -> Answer:
        path = Path(command.run_file)
        plan, before = self._laboratory.check_resumable(path)
        left = max(0, plan.shots - before.planned_done)
        expected_s = self._laboratory.review(plan).forecast.duration_s * left / plan.shots
        return self._wait(Waiting(path.name, plan, left, expected_s, by, path))

    def _wait(self, waiting: Waiting) -> Answer:
        queued = self._queue.add(waiting)
        return Answer(True, f"{queued.shown().title} waits with ticket {queued.ticket}", queued.ticket)

    def _unqueue(self, command: commands.Unqueue, by: str) -> Answer:
        found = self._queue.remove(command.ticket)
        return Answer(found, "" if found else f"no plan waits with ticket {command.ticket}")

    def _pause(self, command: commands.Pause, by: str) -> Answer:
        return self._on_run(lambda run: run.pause())

    def _resume(self, command: commands.Resume, by: str) -> Answer:
        left = self._vigil.resume(by)
        return Answer(False, "; ".join(left)) if left else self._on_run(lambda run: run.resume())

    def _stop(self, command: commands.Stop, by: str) -> Answer:
        going = self._queue.current is not None
        if going or not self._queue.empty:
            # One that waits may be about to begin.
            self._queue.hold(f"{by} stopped the {'run' if going else 'queue'}")
        stopped = self._on_run(lambda run: run.stop())
        return Answer(True, "no run goes on; the queue is held") if not self._queue.empty and not stopped.ok else stopped

    def _release(self, command: commands.ReleaseQueue, by: str) -> Answer:
        self._queue.hold("")
        return Answer(True)

    def _emergency_stop(self, command: commands.EmergencyStop, by: str) -> Answer:
        self._queue.hold(f"emergency stop by {by}")
        self._board.look()
        outcomes = self._laboratory.emergency_stop(by)
        self._board.look()
        unsafe = [f"{one.instrument}: {one.detail}" for one in outcomes if not one.confirmed]
        return Answer(not unsafe, "; ".join(unsafe) or "everything is safe, confirmed by read-back")

    def _reset_emergency(self, command: commands.ResetEmergency, by: str) -> Answer:
        if not self._laboratory.emergency.done:
            return Answer(False, "the emergency stop still goes on; wait until every instrument has been seen to")
        self._laboratory.reset_emergency()
        self._board.look()
        return Answer(True)

    def _read(self, command: commands.Read, by: str) -> Answer:
        return Answer(True, self._laboratory.unit(command.quantity), self._laboratory.read(command.quantity))

    def _set(self, command: commands.Set, by: str) -> Answer:
        if self._queue.current is not None and not self._laboratory.emergency.active:
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
        run = self._queue.current
        if run is None:
            return Answer(False, "no run goes on")
        act(run)
        return Answer(True)


def _said(command: Command) -> str:
    """A command as it stands in the log; long texts are not repeated."""
    words = [f"{name} = {value}" for name, value in _fields(command) if name != "toml"]
    return f"{type(command).__name__}{' ' if words else ''}{', '.join(words)}"


def _fields(command: Command) -> list[tuple[str, object]]:
    return [(name, getattr(command, name)) for name in command.__struct_fields__]
