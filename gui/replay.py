"""A recorded run as a feed of the window.  No Qt."""

import math
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Self

from daq.face.board import Board
from daq.face.commands import Answer, Command
from daq.face.reduced import Moments, Published
from daq.face.state import LogPart, RunPart
from daq.record.layout import ShotState
from daq.record.run_file import RunFileError
from daq.record.series import Series
from daq.service.errors import NoAnswerError
from gui.feed import Feed, Kinds, Model


class ReplayFeed(Feed):
    """A recorded run, shown as it was then at `speed` times its rate (0: as fast as it can be read).  A context: it reads in a
    thread of its own.

    The operator may change `speed`, set `held`, and go to another place with `seek`.
    """

    live = False

    def __init__(self, path: Path, speed: float = 1.0) -> None:
        """Raises `RunFileError`."""
        with Series(path) as series:
            run, states = series.last, [part.states for part in series.parts]
            recorded, lost = (
                sum(int((one == state).sum()) for one in states) for state in (ShotState.RECORDED, ShotState.LOST)
            )
            told = f"recorded {run.started}; {run.status}"
            self._log = LogPart(tuple(f"{entry.time_s:.1f} s  {entry.text}" for entry in run.log()))
            self._run = RunPart("replay", told, run.title, str(path), recorded + lost, recorded, lost, recorded + lost)
        self._path, self.speed, self.held = path, speed, False
        self.replayed = self
        self.shots, self.of = 0, recorded
        """How many shots have been looked at, and how many there are."""
        self._board: Board[Published] = Board()
        self._news = Condition()
        self._end = self._again = False
        self._wanted = 0
        self._seen, self._trouble = (0, 0), ""
        self._passes = 0
        self._thread = Thread(target=self._read, name="replay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._news:
            self._end = True
            self._news.notify_all()
        self._thread.join()

    def update(self, model: Model) -> Kinds:
        model.trouble, model.age_s = self._trouble, 0.0
        now = self._passes, self._board.sequence
        if now == self._seen and model.laboratory:
            return frozenset()
        self._seen = now
        model.laboratory = self._path.name
        _, shown = self._board.all()
        return model.replace((self._run, self._log, *shown.values()))

    def ask(self, command: Command) -> Future[Answer]:
        answer: Future[Answer] = Future()
        answer.set_exception(NoAnswerError("this is a recorded run; there is no laboratory to ask"))
        return answer

    def seek(self, shots: int) -> None:
        """Show the run as it was after so many shots, and go on from there."""
        with self._news:
            self._again = self._again or shots < self.shots or not self._thread.is_alive()
            self._wanted = shots
            self._news.notify_all()

    def change(self, *, speed: float | None = None, held: bool | None = None) -> None:
        """Go on at another speed, or wait."""
        with self._news:
            self.speed = self.speed if speed is None else speed
            self.held = self.held if held is None else held
            self._news.notify_all()

    def _read(self) -> None:
        while not self._end:
            self._again = False
            try:
                self._pass()
            except _Ended:
                continue
            except (RunFileError, OSError) as error:
                self._trouble = str(error)
            with self._news:
                self._news.wait_for(lambda: self._end or self._again)

    def _pass(self) -> None:
        """From the first shot to the last."""
        # It takes a second to come, and the window should be there by then.
        from daq.analysis.follow import follow

        self.shots, self._armed_s = 0, math.inf
        self._board.drop((Moments.__name__,))
        self._passes += 1
        for message in follow(self._path, self._pace, self._sleep, lambda shots: self.shots < self._wanted <= shots):
            self._board.put(type(message).__name__, message)
        self.shots = self.of

    def _pace(self, armed_s: float, shots: int) -> None:
        self.shots = shots
        gap_s, self._armed_s = max(0.0, armed_s - self._armed_s), armed_s
        if shots >= self._wanted:
            self._sleep(gap_s / self.speed if self.speed else 0.0)

    def _sleep(self, seconds: float) -> None:
        """As long, less when the operator wants something else; longer while it is held."""
        with self._news:
            wanted = self._wanted
            hurry: Callable[[], bool] = lambda: self._end or self._again or self._wanted != wanted  # noqa: E731
            self._news.wait_for(hurry, seconds)
            self._news.wait_for(lambda: hurry() or not self.held)
            if self._end or self._again:
                raise _Ended


class _Ended(Exception):
    """Nobody looks any more, or at another place."""
