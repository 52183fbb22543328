"""Asking through the guard: a question gets its answer, and nobody else is heard, or keeps others from being heard."""

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Client, Connection
from queue import SimpleQueue

import msgspec
import pytest

from daq.safety import asking
from daq.safety.asking import LONGEST, Askers, NoAnswer, Question, Told, ask
from daq.safety.guard_words import Answered, Asked
from daq.safety.ownership import Owner

LONG_S = 20.0


class Guard:
    """A guard's ear, whose engine answers with what was asked and by whom, unless it is told not to."""

    def __init__(self) -> None:
        self.key = secrets.token_hex(16)
        self.asked: SimpleQueue[Asked] = SimpleQueue()
        self.answers = True
        self.askers = Askers(self.key, self._put)
        self.owner = Owner(os.getpid(), "test", "2026-11-26T00:00:00+00:00", ("127.0.0.1", self.askers.port), self.key)

    def _put(self, word: Asked) -> None:
        self.asked.put(word)
        if self.answers:
            self.answer(word)

    def answer(self, word: Asked) -> None:
        told = Told(True, f"{word.what} for {word.by}")
        self.askers.answer(Answered(word.number, msgspec.json.encode(told).decode()))

    def still_answers(self) -> bool:
        return ask(self.owner, "health", "Ada", LONG_S) == Told(True, "health for Ada")


@pytest.fixture
def guard() -> Iterator[Guard]:
    found = Guard()
    with found.askers:
        yield found


@contextmanager
def stranger(guard: Guard) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", guard.askers.port), LONG_S) as wire:
        yield wire


@contextmanager
def with_the_key(guard: Guard) -> Iterator[Connection]:
    with Client(("127.0.0.1", guard.askers.port), authkey=bytes.fromhex(guard.key)) as connection:
        yield connection


def is_hung_up(connection: Connection) -> bool:
    try:
        connection.recv_bytes()
    except (EOFError, OSError):
        return True
    return False


def test_a_question_is_answered(guard: Guard) -> None:
    assert ask(guard.owner, "safe", "Ada", LONG_S) == Told(True, "safe for Ada")
    assert guard.asked.get().by == "Ada"


def test_everybody_gets_their_own_answer(guard: Guard) -> None:
    guard.answers = False
    with ThreadPoolExecutor(3) as pool:
        asked = {by: pool.submit(ask, guard.owner, "health", by, LONG_S) for by in ("Ada", "Bo", "Cy")}
        words = [guard.asked.get(timeout=LONG_S) for _ in asked]
        for word in sorted(words, key=lambda one: one.number, reverse=True):
            guard.answer(word)
        assert {by: one.result().body for by, one in asked.items()} == {by: f"health for {by}" for by in asked}


def test_without_the_key_nothing_is_asked(guard: Guard) -> None:
    with pytest.raises(NoAnswer, match="cannot be asked"):
        ask(replace(guard.owner, key="00" * 16), "safe", "Eve", LONG_S)
    assert guard.still_answers()
    assert guard.asked.get().what == "health"


def test_a_stranger_who_says_nothing_keeps_nobody_waiting(guard: Guard) -> None:
    with stranger(guard), stranger(guard), stranger(guard):
        assert guard.still_answers()


def test_a_stranger_who_says_nothing_is_hung_up_on(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the stranger is hurried: an honest client needs longer on a busy machine.
    with monkeypatch.context() as hurried:
        hurried.setattr(asking, "INTRODUCED_S", 0.05)
        with stranger(guard) as wire:
            while wire.recv(4096):
                pass
    assert guard.still_answers()


@pytest.mark.parametrize("said", [b"\xff" * 100, b"\0\0\0\x05hello", b"GET / HTTP/1.1\r\n\r\n", b"\x7f\xff\xff\xff", b"\0"])
def test_what_strangers_say_changes_nothing(guard: Guard, said: bytes) -> None:
    with stranger(guard) as wire:
        # It may hang up at the first byte that it does not like.
        with suppress(OSError):
            wire.sendall(said)
            wire.shutdown(socket.SHUT_WR)
            while wire.recv(4096):
                pass
    assert guard.still_answers()
    assert guard.asked.get().by == "Ada"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\xff",
        b"{}",
        b"[1, 2]",
        msgspec.json.encode(Question("fire", "Eve")),
        b'{"what": 1, "by": 2}',
        msgspec.json.encode(Question("safe", "x" * LONGEST)),
    ],
    ids=["empty", "garbage", "no question", "a list", "what nobody does", "numbers", "oversized"],
)
def test_a_question_that_is_none_is_hung_up_on(guard: Guard, said: bytes) -> None:
    with with_the_key(guard) as connection:
        connection.send_bytes(said)
        assert is_hung_up(connection)
    assert guard.still_answers()
    assert guard.asked.get().by == "Ada"


def test_whoever_is_not_answered_in_time_is_told_so(guard: Guard) -> None:
    guard.answers = False
    with pytest.raises(NoAnswer, match=rf"process {os.getpid()} \(test, .*\) did not answer in 0.2 s"):
        ask(guard.owner, "health", "Ada", 0.2)
    # The answer comes when nobody waits for it any more.
    guard.answer(guard.asked.get(timeout=LONG_S))
    guard.answers = True
    assert guard.still_answers()


def test_an_answer_that_nobody_asked_for_is_dropped(guard: Guard) -> None:
    guard.askers.answer(Answered(4711, "{}"))
    assert guard.still_answers()


def test_a_guard_that_has_done_it_tells_everybody_now_and_later(guard: Guard) -> None:
    guard.answers = False
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(ask, guard.owner, "safe", "Ada", LONG_S)
        guard.asked.get(timeout=LONG_S)
        guard.askers.answer_all("everything is safe", True)
        assert waits.result() == Told(True, "everything is safe")
    assert ask(guard.owner, "safe", "Bo", LONG_S) == Told(True, "everything is safe")


def test_an_owner_without_a_guard_cannot_be_asked_yet(guard: Guard) -> None:
    with pytest.raises(NoAnswer, match="is only starting; try again"):
        ask(replace(guard.owner, guard=None), "safe", "Ada", LONG_S)


def test_a_guard_that_ends_lets_whoever_waits_know() -> None:
    guard = Guard()
    guard.answers = False
    with ThreadPoolExecutor(1) as pool:
        with guard.askers:
            waits = pool.submit(ask, guard.owner, "safe", "Ada", LONG_S)
            guard.asked.get(timeout=LONG_S)
        with pytest.raises(NoAnswer, match="cannot be asked"):
            waits.result()
    with pytest.raises(NoAnswer, match="cannot be asked"):
        ask(guard.owner, "safe", "Ada", LONG_S)


def hears(wire: socket.socket) -> None:
    """Accepts, and stands still."""


def babbles(wire: socket.socket) -> None:
    with wire.accept()[0] as connection:
        connection.sendall(b"\0\0\0\x05hello")


@pytest.mark.parametrize(("does", "said"), [(hears, "did not answer in 0.2 s"), (babbles, "cannot be asked")])
def test_somebody_else_at_the_guards_port_is_not_waited_for(does: Callable[[socket.socket], None], said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as wire, ThreadPoolExecutor(1) as pool:
        pool.submit(does, wire)
        owner = Owner(1, "gone", "", ("127.0.0.1", wire.getsockname()[1]), "00")
        with pytest.raises(NoAnswer, match=said):
            ask(owner, "safe", "Ada", 0.2)
