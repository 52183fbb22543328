"""Asking the owner of a laboratory, through its guard: on the loopback interface, with a key that only this user can read.

`multiprocessing.connection` is used for its authentication alone; what goes over it are bytes, never pickles.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from types import TracebackType
from typing import Any

import msgspec

from daq.safety.guard_words import WHAT, Answered, Asked
from daq.safety.ownership import Owner

LONGEST = 10_000
"""Bytes of a question."""
INTRODUCED_S = 10.0
"""For whoever connects to show that it has the key, and to ask (wall time)."""
QUEUE = 16
"""Connections that wait to be accepted."""


class Question(msgspec.Struct, frozen=True):
    """One of `WHAT`, and who asks."""

    what: str
    by: str


class Told(msgspec.Struct, frozen=True):
    """The owner's answer."""

    ok: bool
    body: str


STRANGE = (OSError, EOFError, ValueError, AssertionError, AuthenticationError, msgspec.DecodeError)
"""What comes of somebody at the other end who is not whom it should be.  Python before 3.12 asserts that a challenge is one."""


class NoAnswer(Exception):
    """The owner of the laboratory did not answer."""


class Patient:
    """A connection that is waited for until a deadline (wall time); then `TimeoutError`."""

    def __init__(self, connection: Connection, within_s: float) -> None:
        self._connection, self._deadline = connection, time.monotonic() + within_s
        self.send_bytes = connection.send_bytes

    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        if not self._connection.poll(max(0.0, self._deadline - time.monotonic())):
            raise TimeoutError
        return self._connection.recv_bytes(maxlength)


def ask(owner: Owner, what: str, by: str, within_s: float) -> Told:
    """Ask the owner.  `NoAnswer` when nothing came in time (wall)."""
    if owner.guard is None:
        raise NoAnswer(f"{owner} is only starting; try again")
    try:
        # Given the key, the client would wait for a guard that stands still.
        with Client(owner.guard) as connection:
            patient: Any = Patient(connection, within_s)
            key = bytes.fromhex(owner.key)
            answer_challenge(patient, key)
            deliver_challenge(patient, key)
            patient.send_bytes(msgspec.json.encode(Question(what, by)))
            told: bytes = patient.recv_bytes()
            return msgspec.json.decode(told, type=Told)
    except TimeoutError:
        raise NoAnswer(f"{owner} did not answer in {within_s:g} s") from None
    except STRANGE as error:
        raise NoAnswer(f"{owner} cannot be asked ({error})") from error


class Askers:
    """The guard's side: a context that listens, hands on questions and gives back their answers."""

    def __init__(self, key: str, put: Callable[[Asked], None]) -> None:
        # Given the key, the listener would wait in `accept` for a stranger who says nothing.
        self._listener, self._key = Listener(("127.0.0.1", 0), backlog=QUEUE), bytes.fromhex(key)
        self.port = int(self._listener.address[1])
        self._put = put
        self._waiting: dict[int, Connection] = {}
        self._number, self._lock = 0, threading.Lock()
        self._done: Told | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._listen, name="askers", daemon=True)

    def __enter__(self) -> "Askers":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended = True
        # Only another connection ends the waiting for one.
        with suppress(OSError):
            Client(self._listener.address).close()
        self._thread.join()
        self._listener.close()
        with self._lock:
            for connection in self._waiting.values():
                connection.close()

    def answer(self, word: Answered) -> None:
        """Give the engine's answer to whoever asked."""
        with self._lock:
            connection = self._waiting.pop(word.number, None)
        if connection is not None:
            _tell(connection, msgspec.json.decode(word.body, type=Told))

    def answer_all(self, body: str, ok: bool) -> None:
        """Say the same to all who still wait, and to those who come now."""
        with self._lock:
            self._done = Told(ok, body)
            waiting, self._waiting = self._waiting, {}
        for connection in waiting.values():
            _tell(connection, self._done)

    def _listen(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                return
            if self._ended:
                connection.close()
                return
            threading.Thread(target=self._hear, args=(connection,), name="asker", daemon=True).start()

    def _hear(self, connection: Connection) -> None:
        try:
            patient: Any = Patient(connection, INTRODUCED_S)
            deliver_challenge(patient, self._key)
            answer_challenge(patient, self._key)
            question = msgspec.json.decode(patient.recv_bytes(LONGEST), type=Question)
            if question.what not in WHAT:
                raise ValueError(question.what)
        except STRANGE:
            connection.close()
            return
        with self._lock:
            done = self._done
            if done is None:
                self._number += 1
                number = self._number
                self._waiting[number] = connection
        if done is not None:
            _tell(connection, done)
        else:
            self._put(Asked(number, question.what, question.by))


def _tell(connection: Connection, told: Told) -> None:
    with suppress(OSError), connection:
        connection.send_bytes(msgspec.json.encode(told))
