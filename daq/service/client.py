"""A laboratory's face in another process: what its service offers, with the same three verbs (`docs/service.md`)."""

import math
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
import zmq

from daq.face import Face
from daq.face.board import Board
from daq.face.commands import Answer, Command, EmergencyStop
from daq.face.state import AlarmPart, AnyPart, Change, Snapshot, key
from daq.service.connection import Connection
from daq.service.errors import NoAnswerError, ServiceError
from daq.service.keys import Keys
from daq.service.messages import Answered, Batch, Program, why_not
from daq.service.place import Place
from daq.service.wake import Wake
from daq.service.where import read

ANSWER_S = 10.0
GRACE_S = 0.5
"""The answer that the time was over may come so much later."""
CONNECT_S = 5.0
AGAIN_S = 0.5
"""Between two attempts to connect."""
UNANSWERED = 100
"""Commands; one more is not sent, if it is no emergency stop."""


class _Asked(NamedTuple):
    command: Command
    until: float
    answer: Future[Answer]

    def what(self) -> str:
        return type(self.command).__name__


class _Heard(NamedTuple):
    """What the client's thread tells the others, replaced as a whole."""

    trouble: str
    open: bool = False
    """Commands can be sent, even if the service is late with its heartbeat."""
    laboratory: str = ""
    name: str = ""
    at: float = -math.inf
    wall_s: float = 0.0
    """The service's time (UTC) is so much ahead of this process's monotonic clock."""


class Client(Face):
    """What the service at `where` shows and does; of any thread.  `where` is its file, from `where_is` or another computer.

    Entering waits up to `wait_s` for the service and raises `ServiceError` without one; with 0 it waits for nothing.
    The client reconnects by itself, also to a service that was started again at another address.
    """

    def __init__(self, where: Path, *, program: str = "script", place: Place | None = None, wait_s: float = CONNECT_S) -> None:
        try:
            msgspec.convert(program, Program)
        except msgspec.ValidationError as error:
            raise ServiceError(f"a service knows no program called {program!r}: {error}") from None
        self._where, self._program, self._wait_s = where, program, wait_s
        self._keys = Keys(place or Place()).client()
        self._board: Board[AnyPart] = Board()
        self._heard = _Heard("not connected yet", wall_s=time.time() - time.monotonic())
        self._lock = Lock()
        self._outbox: deque[_Asked] = deque()
        self._unanswered: dict[int, _Asked] = {}
        self._ready, self._closing = Event(), Event()
        self._wake = Wake()
        self._thread = Thread(target=self._run, name="client of a service", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if self._wait_s > 0 and not self._ready.wait(self._wait_s):
            trouble = self.trouble
            self._close()
            raise ServiceError(trouble)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    @property
    def trouble(self) -> str:
        """Why the service is not heard, in a sentence; "" while it is."""
        return self._heard.trouble

    @property
    def name(self) -> str:
        """Who the service takes this client for, as in `ControlPart.holder`."""
        return self._heard.name

    def submit(self, command: Command, by: str = "", timeout_s: float = ANSWER_S) -> Answer:
        """Ask, and wait for the answer.  Raises `NoAnswerError` when there is none in time.

        A command that the service could not begin in that time is never done.  `by` is left aside: the service knows who asks.
        """
        return self.ask(command, timeout_s).result()

    def ask(self, command: Command, timeout_s: float = ANSWER_S) -> Future[Answer]:
        """The same without waiting.  What is called back by the future runs on the client's thread and must not block."""
        answer: Future[Answer] = Future()
        answer.set_running_or_notify_cancel()
        asked = _Asked(command, time.monotonic() + timeout_s, answer)
        wrong = why_not(command)
        if wrong:
            answer.set_result(Answer(False, f"not asked: {wrong}"))
            return answer
        with self._lock:
            trouble = "" if self._heard.open else self._heard.trouble
            many = len(self._outbox) + len(self._unanswered) >= UNANSWERED
            if not trouble and many and not isinstance(command, EmergencyStop):
                trouble = f"{UNANSWERED} commands are unanswered"
            if not trouble:
                self._outbox.append(asked)
        if trouble:
            answer.set_exception(NoAnswerError(f"{asked.what()} was not sent: {trouble}"))
        else:
            self._wake.ring()
        return answer

    def snapshot(self) -> Snapshot:
        """Everything that was shown last; `age_s` says how long ago, infinite before the first connection."""
        heard = self._heard
        sequence, parts = self._board.all()
        now = time.monotonic()
        return Snapshot(heard.laboratory, sequence, now + heard.wall_s, tuple(parts.values()), max(0.0, now - heard.at))

    def changes(self, after: int, timeout_s: float = 0.0) -> Iterator[Change]:
        """As of `Face`.  The numbers are the client's own: they go on growing when the service is started again."""
        for sequence, part in self._board.since(after, timeout_s):
            yield Change(sequence, part)

    def _close(self) -> None:
        self._closing.set()
        self._wake.ring()
        self._thread.join()
        self._board.close()
        self._wake.close()

    def _run(self) -> None:
        context = zmq.Context()
        try:
            while not self._closing.is_set():
                try:
                    self._attend(context)
                except (ServiceError, zmq.ZMQError, OSError) as error:
                    self._lose(str(error))
                    self._closing.wait(AGAIN_S)
        finally:
            self._lose("this client is closed")
            context.destroy(linger=0)

    def _attend(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        """To one connection, until it is lost."""
        connection = Connection(context, read(self._where), self._keys, self._program)
        try:
            while not self._closing.is_set():
                connection.wait(self._wake, self._until_next_s())
                for message in connection.received():
                    self._hear(connection, "")
                    self._take(message)
                self._hear(connection, connection.keep_up())
                self._send(connection)
                self._give_up()
        finally:
            connection.close()

    def _hear(self, connection: Connection, late: str) -> None:
        """Tell the other threads how things stand, before they see what it was that has come."""
        if connection.complete:
            name, laboratory = connection.name, connection.laboratory
            self._heard = _Heard(late, True, laboratory, name, connection.heard, connection.wall_s)

    def _take(self, message: Answered | Batch[AnyPart]) -> None:
        if isinstance(message, Answered):
            asked = self._unanswered.pop(message.number, None)
            if asked is not None:
                asked.answer.set_result(message.answer)
        elif message.complete:
            self._replace(message.parts)
            self._ready.set()
        else:
            for part in message.parts:
                self._board.put(key(part), part)

    def _replace(self, parts: tuple[AnyPart, ...]) -> None:
        """Everything anew: what is as before is no change, alarms that are not there any more have gone."""
        _, before = self._board.all()
        for part in parts:
            if before.pop(key(part), None) != part:
                self._board.put(key(part), part)
        self._board.drop(before)
        for part in before.values():
            if isinstance(part, AlarmPart) and not part.gone:
                self._board.put(key(part), msgspec.structs.replace(part, active=False, gone=True))

    def _send(self, connection: Connection) -> None:
        while self._outbox:
            asked = self._outbox.popleft()
            self._unanswered[connection.ask(asked.command, asked.until - time.monotonic())] = asked

    def _give_up(self) -> None:
        late = time.monotonic() - GRACE_S
        for number, asked in list(self._unanswered.items()):
            if asked.until < late:
                del self._unanswered[number]
                asked.answer.set_exception(_unknown(asked, "no answer came in time"))

    def _until_next_s(self) -> float:
        """When the next command is given up, if that is soon."""
        nearest = min((asked.until for asked in self._unanswered.values()), default=math.inf)
        return max(0.0, min(nearest + GRACE_S - time.monotonic(), AGAIN_S))

    def _lose(self, trouble: str) -> None:
        with self._lock:
            self._heard = self._heard._replace(trouble=trouble, open=False)
            unsent = list(self._outbox)
            self._outbox.clear()
        for asked in unsent:
            asked.answer.set_exception(NoAnswerError(f"{asked.what()} was not sent: {trouble}"))
        for asked in self._unanswered.values():
            asked.answer.set_exception(_unknown(asked, trouble))
        self._unanswered.clear()


def _unknown(asked: _Asked, why: str) -> NoAnswerError:
    return NoAnswerError(f"{why}; whether {asked.what()} was done is not known")
