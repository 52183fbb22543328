"""Asking the owner of a laboratory, through its guard: on the loopback interface, with a key that only this user can read.

`multiprocessing.connection` is used for its authentication alone; what goes over it are bytes, never pickles.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from types import TracebackType

import msgspec

from daq.safety.guard_words import WHAT, Answered, Asked
from daq.safety.ownership import Owner

LONGEST = 10_000
"""Bytes of a question."""


class Question(msgspec.Struct, frozen=True):
    """One of `WHAT`, and who asks."""

    what: str
    by: str


class Told(msgspec.Struct, frozen=True):
    """The owner's answer."""

    ok: bool
    body: str


class NoAnswer(Exception):
    """The owner of the laboratory did not answer."""


def ask(owner: Owner, what: str, by: str, within_s: float) -> Told:
    """Ask the owner.  `NoAnswer` when nothing came in time (wall)."""
    if owner.guard is None:
        raise NoAnswer(f"{owner} is only starting; try again")
    try:
        with Client(owner.guard, authkey=bytes.fromhex(owner.key)) as connection:
            connection.send_bytes(msgspec.json.encode(Question(what, by)))
            if not connection.poll(within_s):
                raise NoAnswer(f"{owner} did not answer in {within_s:g} s")
            return msgspec.json.decode(connection.recv_bytes(), type=Told)
    except (OSError, EOFError, AuthenticationError, msgspec.DecodeError) as error:
        raise NoAnswer(f"{owner} cannot be asked ({error})") from error


class Askers:
    """The guard's side: a context that listens, hands on questions and gives back their answers."""

    def __init__(self, key: str, put: Callable[[Asked], None]) -> None:
        # Given the key, the listener would wait in `accept` for a stranger who says nothing.
        self._listener, self._key = Listener(("127.0.0.1", 0)), bytes.fromhex(key)
        self.port = int(self._listener.address[1])
        self._put = put
        self._waiting: dict[int, Connection] = {}
        self._number, self._lock = 0, threading.Lock()
        self._done: Told | None = None

    def __enter__(self) -> "Askers":
        threading.Thread(target=self._listen, name="askers", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()

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
            threading.Thread(target=self._hear, args=(connection,), name="asker", daemon=True).start()

    def _hear(self, connection: Connection) -> None:
        try:
            deliver_challenge(connection, self._key)
            answer_challenge(connection, self._key)
            question = msgspec.json.decode(connection.recv_bytes(LONGEST), type=Question)
            if question.what not in WHAT:
                raise ValueError(question.what)
        except (OSError, EOFError, ValueError, AuthenticationError, msgspec.DecodeError):
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
