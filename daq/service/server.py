"""A laboratory's face offered to other processes.

Threads, in the engine's process: one owns the sockets and waits for nothing else, one copies what the face shows, one writes
the log, and each client has two on which its commands and its emergency stops are done.
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from daq.face import Face
from daq.face.state import MachinePart
from daq.service.desk import Desk
from daq.service.keys import Keys
from daq.service.lane import Lane
from daq.service.messages import PACE, Pace
from daq.service.place import Place
from daq.service.sockets import Sockets
from daq.service.wake import Wake
from daq.service.watcher import Watcher
from daq.service.where import Announcement, where_is

AT_ONCE = 200
"""Messages heard before anything else is looked after."""
LINES = 1000
"""Of the log that wait to be written."""
STUMBLED_S = 0.1
CLOSE_S = 5.0
"""What is being executed at the end has so long to finish; then it is left to itself."""


class Server:
    """Serves `face` while its context is open; raises `ServiceError` when it cannot.

    `log` is told who comes, goes and takes control.  `bind` (`tcp://0.0.0.0:5599`) also listens for other computers, whose keys
    have to be allowed; programs of this computer come in over loopback in any case.
    """

    where: Path
    """The file that tells where it is, once open: what a client needs."""

    def __init__(
        self,
        face: Face,
        log: Callable[[str], None],
        *,
        bind: str = "",
        place: Place | None = None,
        pace: Pace = PACE,
    ) -> None:
        self._face, self._log, self._bind, self._pace = face, log, bind, pace
        self._place = place or Place()
        self._closing = Event()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _open(self, stack: ExitStack) -> None:
        shown, keys = self._face.snapshot(), Keys(self._place)
        laboratory, simulated = shown.laboratory, any(one.simulated for one in shown.of(MachinePart))
        scribe: Lane[str] = Lane("service: log", self._log, LINES)
        stack.callback(scribe.ended, CLOSE_S)
        stack.callback(scribe.close)
        self.where = where_is(laboratory, self._place)
        announcement = Announcement(self.where, laboratory)
        stack.callback(announcement.end)
        wake = Wake()
        stack.callback(wake.close)
        sockets = Sockets(keys, self._bind, scribe.put)
        stack.callback(sockets.close)
        desk = Desk(self._face, laboratory, self._pace, sockets, wake, scribe.put)
        watcher = Watcher(self._face, desk.board, wake.ring, scribe.put)
        stack.callback(watcher.close, CLOSE_S)
        stack.callback(desk.close, CLOSE_S)
        thread = Thread(target=self._serve, args=(sockets, desk, wake, scribe), name="service: sockets", daemon=True)
        thread.start()
        stack.callback(self._stop, thread, wake)
        announcement.tell(sockets.endpoint, sockets.outside, keys.server().public.decode(), simulated)

    def _serve(self, sockets: Sockets, desk: Desk, wake: Wake, scribe: Lane[str]) -> None:
        while not self._closing.is_set():
            try:
                sockets.wait(wake, desk.until_beat_s())
                for route, user, frames in sockets.received(AT_ONCE):
                    desk.hear(route, user, frames)
                desk.look_after()
            except Exception as error:
                # Whatever it was, the next emergency stop has to come through.
                scribe.put(f"the service stumbled ({type(error).__name__}: {error}); it goes on")
                self._closing.wait(STUMBLED_S)

    def _stop(self, thread: Thread, wake: Wake) -> None:
        self._closing.set()
        wake.ring()
        thread.join()
