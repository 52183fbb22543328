"""The engine's side of the guard: it is started, told that the engine lives, and replaced when it dies."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, Lock, Thread, Timer
from types import TracebackType
from typing import Any, BinaryIO, cast

import msgspec

from config.laboratory import Laboratory
from config.places import state_directory
from daq.safety.asking import Told
from daq.safety.guard_words import (
    Answered,
    Asked,
    Beat,
    Bye,
    Confirmed,
    Listening,
    ToGuard,
    Watch,
    heard_from_guard,
    say,
)
from daq.safety.ownership import Ownership, mark_ending

BEAT_S = 0.2
SILENT_S = 4.0
"""A guard that says nothing for so long is replaced."""
STARVED_S = 1.0
START_S, END_S = 30.0, 10.0
RESTARTS = 3
"""So many guards in a row may fail to start."""
Answer = Callable[[str], Told]
"""Answers a question of somebody outside, whose name is given."""


class GuardError(Exception):
    """There is no guard; nothing may fire."""


class Guarded:
    """A context in which a guard watches over this process and its laboratory, whose locks the guard inherits.

    `answers` are called in threads of their own, by what is asked (`guard_words.WHAT`); `lost` is told when a guard has died,
    and whether there is another one.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        ownership: Ownership,
        answers: Mapping[str, Answer],
        lost: Callable[[str, bool], None] = lambda text, replaced: None,
    ) -> None:
        self._laboratory, self._ownership = laboratory, ownership
        self._answers, self._lost = answers, lost
        self._due: float | None = None
        self._doing = "idle"
        self._end = Event()
        self._answering: list[Thread] = []
        self._heard = 0.0
        self._speaking = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads = [
            Thread(target=self._beat, name="heart", daemon=True),
            Thread(target=self._listen, name="guard", daemon=True),
        ]
        self.restarts = 0
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S")
        self.log = state_directory("logs") / f"guard-{stamp}-{secrets.token_hex(3)}.log"

    def __enter__(self) -> "Guarded":
        self._process = self._start()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Whoever has asked gets an answer; whoever asks from now on waits until we are gone.
        for thread in self._answering:
            thread.join()
        mark_ending(self._ownership.descriptors, os.getpid(), "engine, about to end")
        self._end.set()
        self._say(Bye())
        listening = self._threads[1]
        listening.join(END_S)
        if self._process is not None and listening.is_alive():
            self._process.kill()
        for thread in self._threads:
            thread.join()
        if self._process is not None:
            # One that came to be meanwhile has not heard it yet.
            self._say(Bye())
            _ended(self._process)

    @property
    def alive(self) -> bool:
        """Whether there is a guard."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def refuse_without(self) -> None:
        """`GuardError` when the last guard has died and there is no other; not while one is being replaced."""
        if self._process is None:
            raise GuardError("there is no guard any more; without it nothing may fire")

    def expect(self, within_s: float, doing: str = "") -> None:
        """What begins now is over, or says `expect` again, within this time (wall); else the guard ends this process."""
        self._due = time.monotonic() + within_s
        self._doing = doing or self._doing

    def rest(self) -> None:
        """Nothing is expected."""
        self._due, self._doing = None, "idle"

    def confirm(self) -> None:
        """Everything goes to its safe state, and the triggers are off by read-back."""
        self._say(Confirmed())

    def _start(self) -> "subprocess.Popen[bytes]":
        key = secrets.token_hex(32)
        inherited: dict[str, Any] = {} if sys.platform == "win32" else {"pass_fds": self._ownership.descriptors}
        # A session of its own: what ends the engine's terminal must not end its guard.
        own: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            own = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "daq.safety.guard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **inherited,
            **own,
        )
        locks = () if sys.platform == "win32" else self._ownership.descriptors
        with suppress(OSError):
            say(_stdin(process), Watch(self._laboratory.model_dump_json(), os.getpid(), str(self.log), key, locks))
        patience = Timer(START_S, process.kill)
        patience.start()
        line = _stdout(process).readline()
        patience.cancel()
        ready = heard_from_guard(line) if line else None
        if not isinstance(ready, Listening):
            _ended(process)
            raise GuardError("the guard does not start; without it nothing may fire")
        self._heard = time.monotonic()
        if sys.platform != "win32":
            # A guard that stands still reads nothing, and must not stop us.
            os.set_blocking(_stdin(process).fileno(), False)
        self._ownership.tell(("127.0.0.1", ready.port), key)
        return process

    def _beat(self) -> None:
        beaten = time.monotonic()
        while not self._end.wait(BEAT_S):
            now, before = time.monotonic(), beaten
            beaten = now
            if now - before > STARVED_S:
                # This process did not run; what the guard said meanwhile is still to be heard.
                self._heard = now
            self._say(Beat(self._due, self._doing))
            if now - self._heard > SILENT_S and self._process is not None:
                # One that stands still is no guard; the thread that listens replaces it.
                self._process.kill()
                self._heard = now

    def _listen(self) -> None:
        while not self._end.is_set():
            process = cast("subprocess.Popen[bytes]", self._process)
            for line in _stdout(process):
                word = heard_from_guard(line)
                self._heard = time.monotonic()
                if isinstance(word, Asked):
                    thread = Thread(target=self._asked, args=(word,), name="asked", daemon=True)
                    self._answering = [one for one in self._answering if one.is_alive()] + [thread]
                    thread.start()
            if self._end.is_set():
                return
            _ended(process)
            self._replace(process.returncode)

    def _replace(self, status: int) -> None:
        text = f"the guard has died (status {status})"
        for _ in range(RESTARTS):
            try:
                self._process = self._start()
            except GuardError:
                continue
            self.restarts += 1
            self._lost(text, True)
            return
        self._process = None
        self._end.set()
        self._lost(text, False)

    def _asked(self, word: Asked) -> None:
        try:
            told = self._answers[word.what](word.by)
        except Exception as error:  # whoever asked gets to know it; the engine goes on
            told = Told(False, f"{type(error).__name__}: {error}")
        self._say(Answered(word.number, msgspec.json.encode(told).decode()))

    def _say(self, word: ToGuard) -> None:
        """What a dead guard does not hear is noticed by the thread that listens."""
        with self._speaking, suppress(OSError, ValueError):
            if self._process is not None:
                say(_stdin(self._process), word)


def _stdin(process: "subprocess.Popen[bytes]") -> BinaryIO:
    return cast(BinaryIO, process.stdin)


def _stdout(process: "subprocess.Popen[bytes]") -> BinaryIO:
    return cast(BinaryIO, process.stdout)


def _ended(process: "subprocess.Popen[bytes]") -> None:
    with suppress(OSError):
        _stdin(process).close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _stdout(process).close()
