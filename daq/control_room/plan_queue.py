"""Plans that wait for each other, and the thread that runs them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition, Thread

from daq.engine.run import Run
from daq.engine.state import Progress, State
from daq.face.reduced import Moments, Published
from daq.face.state import AnyPart, Queued, QueuePart, RunPart
from daq.laboratory import Laboratory
from daq.plan.plan import Plan

JOIN_S = 0.2
OVER = (State.IDLE, State.FAULT)
Put = Callable[[AnyPart], None]


@dataclass(frozen=True)
class Waiting:
    """A plan that somebody wants to be run; with the file of an interrupted run, `rest_of`, what is left of that one's."""

    name: str
    plan: Plan
    shots: int
    duration_s: float
    by: str
    rest_of: Path | None = None
    ticket: int = 0

    def shown(self) -> Queued:
        title = self.plan.title if self.rest_of is None else f"the rest of {self.plan.title}"
        return Queued(self.ticket, self.name, title, self.shots, self.duration_s, self.by)


class PlanQueue:
    """Runs plans one after another, into files in `directory`, until it is held; shows itself and the run with `put`."""

    def __init__(self, laboratory: Laboratory, directory: Path, put: Put) -> None:
        self._laboratory, self._directory, self._put = laboratory, directory, put
        self._waiting: deque[Waiting] = deque()
        self._news = Condition()
        self._held, self._tickets, self._ended = "", 0, False
        self._title = self._file = ""
        self._state, self._begun = State.IDLE, False
        self._thread = Thread(target=self._run_all, name="queue", daemon=True)

    def start(self) -> None:
        self._put(RunPart("idle", "no run yet", speed=self._laboratory.configuration.clock.speed))
        self._show()
        self._thread.start()

    def end(self) -> None:
        """End the run that goes on, and run no other; waits for it."""
        with self._news:
            self._ended = True
            self._news.notify_all()
        while self._thread.is_alive():
            # A run may be about to begin.
            run = self._laboratory.current
            if run is not None:
                run.stop()
            self._thread.join(JOIN_S)

    @property
    def empty(self) -> bool:
        return not self._waiting

    @property
    def current(self) -> Run | None:
        """The run that goes on; not one that has ended and is only being put away."""
        return None if self._state in OVER else self._laboratory.current

    def add(self, waiting: Waiting) -> Waiting:
        """At the end of the queue, with the next ticket."""
        with self._news:
            self._tickets += 1
            queued = replace(waiting, ticket=self._tickets)
            self._waiting.append(queued)
            self._news.notify_all()
        self._show()
        return queued

    def remove(self, ticket: int) -> bool:
        """Whether one with this ticket waited."""
        with self._news:
            left = [one for one in self._waiting if one.ticket != ticket]
            found = len(left) < len(self._waiting)
            self._waiting = deque(left)
        self._show()
        return found

    def hold(self, why: str) -> None:
        """Begin no other run; "" lets the queue go on."""
        with self._news:
            self._held = why
            self._news.notify_all()
        self._show()

    def _run_all(self) -> None:
        while (waiting := self._next()) is not None:
            self._show()
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
                self.hold(f"{waiting.name} could not be run: {error}")
                self._laboratory.vigil.rise("run", f"{waiting.name} could not be run: {type(error).__name__}: {error}")

    def _next(self) -> Waiting | None:
        with self._news:
            self._news.wait_for(lambda: self._ended or (self._waiting and not self._held))
            return None if self._ended else self._waiting.popleft()

    def _progress(self, progress: Progress) -> None:
        if not self._begun:
            # Those of the run before are not this one's.
            self._put(Moments("", (), "no moments of this run yet"))
        self._state, self._begun = progress.state, True
        if progress.state is State.FAULT and not self._held:
            self.hold(f"the last run failed: {progress.doing}")
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

    def _show(self) -> None:
        with self._news:
            self._put(QueuePart(tuple(one.shown() for one in self._waiting), self._held))
