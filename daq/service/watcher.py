"""What the face shows, copied for the clients: the thread with the sockets never waits for the face."""

from collections.abc import Callable, Iterable
from threading import Event, Thread

import msgspec

from daq.face import Face
from daq.face.board import Board
from daq.face.state import AnyPart, ControlPart, Snapshot, key
from daq.service.messages import shown

REFRESH_S = 0.05
"""Between two looks at the face: what changes faster is conflated."""
WAIT_S = 0.2
AGAIN_S = 1.0


class Watcher:
    """Encodes each part once, onto the board.  Who has control is told by the service, not by the face."""

    def __init__(self, face: Face, board: Board[msgspec.Raw], news: Callable[[], None], log: Callable[[str], object]) -> None:
        self._face, self._board, self._news, self._log = face, board, news, log
        self._closing = Event()
        self._thread = Thread(target=self._watch, name="service: changes", daemon=True)
        self._after = self._show(face.snapshot())
        self._thread.start()

    def close(self, within_s: float) -> None:
        """No more changes."""
        self._closing.set()
        self._thread.join(within_s)

    def _watch(self) -> None:
        while not self._closing.wait(REFRESH_S):
            try:
                self._copy()
            except Exception as error:
                self._log(f"what the laboratory shows could not be read ({type(error).__name__}: {error}); trying again")
                self._after = -1
                self._closing.wait(AGAIN_S)

    def _copy(self) -> None:
        if self._after < 0:
            self._after = self._show(self._face.snapshot())
        changes = list(self._face.changes(self._after, WAIT_S))
        if changes:
            self._put(change.part for change in changes)
            self._after = changes[-1].sequence

    def _show(self, snapshot: Snapshot) -> int:
        self._put(snapshot.parts)
        return snapshot.sequence

    def _put(self, parts: Iterable[AnyPart]) -> None:
        for part in parts:
            if isinstance(part, ControlPart):
                continue
            try:
                self._board.put(key(part), shown(part))
            except (TypeError, ValueError) as error:
                self._log(f"{key(part)} cannot be shown to others: {error}")
        self._news()
