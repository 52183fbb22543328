"""What a window knows of a laboratory, and the two ways it hears of it: a service, or a run file that is replayed.  No Qt."""

import math
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Protocol, Self, TypeVar

from daq.analysis.follow import follow
from daq.face.board import Board
from daq.face.commands import Answer, Command
from daq.face.reduced import Published
from daq.face.state import AnyPart, Change, RunPart, Snapshot, key
from daq.record.layout import ShotState
from daq.record.run_file import RunFile, RunFileError
from daq.service.errors import NoAnswerError

Kind = TypeVar("Kind")
Kinds = frozenset[type]


class Model:
    """The parts as last heard, and how long ago that was."""

    def __init__(self) -> None:
        self.laboratory = self.trouble = self.me = ""
        self.now, self.age_s = 0.0, math.inf
        self._parts: dict[str, AnyPart] = {}

    def of(self, kind: type[Kind]) -> list[Kind]:
        """All parts of a kind, by name."""
        return [part for _, part in sorted(self._parts.items()) if isinstance(part, kind)]

    def one(self, kind: type[Kind]) -> Kind | None:
        """The part of a kind that there is once; None before it was heard of."""
        return next(iter(self.of(kind)), None)

    def age_of(self, at: float) -> float:
        """Seconds since `at`, by the clock of the laboratory; it goes on growing while nothing is heard."""
        return max(0.0, self.now - at)

    def replace(self, parts: tuple[AnyPart, ...]) -> Kinds:
        """These and no others; the kinds of what came, changed or went."""
        before, self._parts = self._parts, {key(part): part for part in parts}
        here = {type(part) for name, part in self._parts.items() if before.get(name) is not part}
        return frozenset(here | {type(before[name]) for name in before.keys() - self._parts.keys()})


class Laboratory(Protocol):
    """What a feed needs of a client of the service."""

    @property
    def trouble(self) -> str: ...
    @property
    def name(self) -> str: ...
    def ask(self, command: Command) -> Future[Answer]: ...
    def snapshot(self) -> Snapshot: ...
    def changes(self, after: int) -> Iterator[Change]: ...


class Feed(Protocol):
    """Where a window hears from, and whom it asks; nothing here waits."""

    live: bool

    def update(self, model: Model) -> Kinds:
        """Bring the model up to date; the kinds of parts that have changed."""

    def ask(self, command: Command) -> Future[Answer]:
        """Ask; the future has the answer, or the `NoAnswerError`."""


class ServiceFeed(Feed):
    """What a service shows, through a client of it."""

    live = True

    def __init__(self, client: Laboratory) -> None:
        self._client, self._seen, self._silent = client, -1, True

    def update(self, model: Model) -> Kinds:
        news = [change.sequence for change in self._client.changes(self._seen)]
        heard = self._client.snapshot()
        model.laboratory, model.now, model.age_s = heard.laboratory, heard.now, heard.age_s
        model.trouble, model.me = self._client.trouble, self._client.name
        # After a silence parts may be gone, which is no change.
        again, self._silent = self._silent and not model.trouble, bool(model.trouble)
        if not news and not again:
            return frozenset()
        self._seen = max(news, default=self._seen)
        return model.replace(heard.parts)

    def ask(self, command: Command) -> Future[Answer]:
        return self._client.ask(command)


class ReplayFeed(Feed):
    """A recorded run, shown as it was then at `speed` times its rate (0: as fast as it can be read).  A context: it reads in a
    thread of its own."""

    live = False

    def __init__(self, path: Path, speed: float = 1.0) -> None:
        """Raises `RunFileError`."""
        with RunFile(path) as run:
            recorded, lost = (int((run.states == state).sum()) for state in (ShotState.RECORDED, ShotState.LOST))
            told = f"recorded {run.started}; {run.status}"
            self._run = RunPart("replay", told, run.title, str(path), recorded + lost, recorded, lost, recorded + lost)
        self._path, self._speed = path, speed
        self._board: Board[Published] = Board()
        self._end = Event()
        self._seen, self._trouble = 0, ""
        self._thread = Thread(target=self._read, name="replay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    def update(self, model: Model) -> Kinds:
        model.trouble, model.age_s = self._trouble, 0.0
        news = self._board.since(self._seen)
        if not news and model.laboratory:
            return frozenset()
        self._seen = max((sequence for sequence, _ in news), default=self._seen)
        model.laboratory = self._path.name
        _, shown = self._board.all()
        return model.replace((self._run, *shown.values()))

    def ask(self, command: Command) -> Future[Answer]:
        answer: Future[Answer] = Future()
        answer.set_exception(NoAnswerError("this is a recorded run; there is no laboratory to ask"))
        return answer

    def _read(self) -> None:
        try:
            for message in follow(self._path, self._speed, self._sleep):
                self._board.put(type(message).__name__, message)
        except _Ended:
            return
        except (RunFileError, OSError) as error:
            self._trouble = str(error)

    def _sleep(self, seconds: float) -> None:
        if self._end.wait(seconds):
            raise _Ended


class _Ended(Exception):
    """Nobody looks any more."""
