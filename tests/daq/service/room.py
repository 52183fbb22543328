"""A face that does as it is told, for tests of the service."""

import threading
import time
from collections.abc import Iterator

from daq.face.board import Board
from daq.face.commands import Answer, Command, EmergencyStop, Note, Read, Set
from daq.face.state import AnyPart, Change, EmergencyPart, InstrumentPart, LogPart, QueuePart, RunPart, Snapshot, key

LABORATORY = "Room of the tests"
SILENT = "silent.value"
"""Setting it takes until `released`."""
UNREADABLE = "strange.value"
"""Reading it gives what no client understands."""


class FakeRoom:
    """Implements `Face`; `done` is what was executed, in order."""

    def __init__(self, laboratory: str = LABORATORY) -> None:
        self._laboratory = laboratory
        self.board: Board[AnyPart] = Board()
        self.done: list[tuple[Command, str]] = []
        self.began = threading.Event()
        self.released = threading.Event()
        self.lines: list[str] = []
        self._logged = threading.Condition()
        for part in (
            RunPart("idle", "nothing"),
            QueuePart(),
            InstrumentPart("magnet", "magnet supply", "danfysik_8500", "DANFYSIK 8500", True, "on", True),
            LogPart(),
        ):
            self.show(part)

    def show(self, part: AnyPart) -> None:
        self.board.put(key(part), part)

    def log(self, line: str) -> None:
        with self._logged:
            self.lines.append(line)
            self._logged.notify_all()

    def logged(self, words: str) -> str:
        """The line with these words, once it has been written; the time limit of the test bounds the waiting."""
        with self._logged:
            self._logged.wait_for(lambda: any(words in line for line in self.lines))
            return next(line for line in self.lines if words in line)

    def submit(self, command: Command, by: str) -> Answer:
        self.done.append((command, by))
        if isinstance(command, Set) and command.quantity == SILENT:
            self.began.set()
            self.released.wait()
            return Answer(False, "the instrument is silent")
        if isinstance(command, Note) and command.text == "raise":
            raise ValueError("as asked")
        if isinstance(command, EmergencyStop):
            self.show(EmergencyPart(True, by, time.time(), True, ("delay generator: triggers off",)))
        if isinstance(command, Read) and command.quantity == UNREADABLE:
            return Answer(True, value=object())  # type: ignore[arg-type]
        if isinstance(command, Read):
            return Answer(True, value=80.0)
        return Answer(True, f"{type(command).__name__} done")

    def snapshot(self) -> Snapshot:
        sequence, parts = self.board.all()
        return Snapshot(self._laboratory, sequence, time.time(), tuple(parts.values()))

    def changes(self, after: int, timeout_s: float) -> Iterator[Change]:
        for sequence, part in self.board.since(after, timeout_s):
            yield Change(sequence, part)
