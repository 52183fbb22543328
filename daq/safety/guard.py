"""The guard: a process of its own that makes the laboratory safe when the engine is gone, stands still, or is late.

    python -P -m daq.safety.guard          words of `guard_words` on standard input and output

It ends the engine first: a stopped one would keep the instruments' only sockets, wake up, and fire.  Then it takes the safe
order over links of its own, triggers first, tries again what is not confirmed, and says so in its log and on standard error.
It holds the locks of the laboratory until it is done.
"""

import os
import queue
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread

from config.laboratory import Laboratory
from daq.safety.asking import Askers
from daq.safety.guard_words import (
    Answered,
    Asked,
    Beat,
    Bye,
    Confirmed,
    Listening,
    ToGuard,
    Watch,
    Watching,
    heard_by_guard,
    say,
)
from daq.safety.ownership import mark_ending
from daq.safety.process import Process
from daq.safety.safe_order import Outcome
from daq.safety.takeover import take_and_make_safe
from drivers.registry import driver_class

TICK_S, ALIVE_S = 0.05, 0.5
STANDS_STILL_S = 0.8
"""Silence after which an engine that the system calls stopped is ended."""
SILENT_S = 4.0
"""Silence after which any engine is ended: a busy machine may keep a healthy one from speaking for a second or two."""
STARVED_S = 0.5
"""If the guard itself did not run for this long, neither did the engine perhaps: its silence says nothing."""
CONFIRM_S = 0.5
"""For the engine to confirm an emergency stop."""
GONE_S = 2.0
"""For the engine to be really gone after it was killed; then the guard goes on in any case."""
AGAIN_S, GIVE_UP_S = 1.0, 60.0
"""What could not be made safe is tried again so often, and so long (wall time)."""
Words = queue.Queue[ToGuard | Asked | None]
"""What the engine and those who ask have said; None at the engine's end."""


class Guard:
    """Hears the engine's words, and judges."""

    def __init__(
        self, words: Words, tell: Callable[[Asked | Watching], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._words, self._tell, self._now = words, tell, now
        self._heard = self._ran = now()
        self._due: float | None = None
        self._doing = "starting"
        self._confirm_by: float | None = None
        self._said = 0.0

    def until_needed(self, engine: Process, answer: Callable[[Answered], None]) -> str:
        """Why the guard has to act; empty when the engine has ended in order."""
        while True:
            with suppress(queue.Empty):
                match self._words.get(timeout=TICK_S):
                    case None:
                        return "the engine has died"
                    case Bye():
                        return ""
                    case Asked() as word:
                        self._tell(word)
                        if word.what == "safe" and self._confirm_by is None:
                            self._confirm_by = self._now() + CONFIRM_S
                    case Answered() as word:
                        answer(word)
                    case Confirmed():
                        self._confirm_by = None
                    case Beat() as word:
                        self._heard, self._due, self._doing = self._now(), word.due, word.doing
                    case _:
                        return "the engine says what nobody understands"
            # Also between words that come in a row: whoever asks all the time must not hide that the engine is silent.
            why = self._judged(self._now(), engine)
            if why:
                return why

    def _live(self, now: float) -> None:
        if now - self._said > ALIVE_S:
            self._said = now
            self._tell(Watching())

    def _judged(self, now: float, engine: Process) -> str:
        self._live(now)
        missed_s = now - self._ran
        if missed_s > STARVED_S:
            self._heard = now
            self._due = None if self._due is None else self._due + missed_s
            self._confirm_by = None if self._confirm_by is None else self._confirm_by + missed_s
        self._ran = now
        silent_s = now - self._heard
        if self._confirm_by is not None and now > self._confirm_by:
            return "the engine has not confirmed an emergency stop"
        if silent_s > STANDS_STILL_S and engine.stopped():
            return f"the engine stands still ({self._doing})"
        if silent_s > SILENT_S:
            return f"the engine has been silent for {silent_s:.1f} s ({self._doing})"
        if self._due is not None and now > self._due:
            return f"the engine is late: {self._doing}"
        return ""


class Log:
    """A file, and standard error for whoever still looks at the terminal."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, text: str) -> None:
        with suppress(OSError), open(self._path, "a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}\n")
        with suppress(OSError, ValueError):
            print(f"clusterbeam guard: {text}", file=sys.stderr, flush=True)


def act(watch: Watch, laboratory: Laboratory, why: str, engine: Process, log: Log) -> list[Outcome]:
    """End the engine and make everything safe; what is not confirmed is tried again."""
    engine.kill()
    mark_ending(watch.locks, os.getpid(), "guard, making everything safe")
    gone = engine.gone(GONE_S)
    log(f"{why}; process {watch.pid} {'is ended' if gone else 'does not end'}, everything goes to its safe state")
    outcomes = take_and_make_safe(laboratory, lambda outcome: log(_line(outcome)))
    deadline = time.monotonic() + GIVE_UP_S
    while not all(outcome.confirmed for outcome in outcomes) and time.monotonic() < deadline:
        time.sleep(AGAIN_S)
        left = {outcome.instrument for outcome in outcomes if not outcome.confirmed}
        partly = laboratory.model_copy(
            update={"instruments": {name: one for name, one in laboratory.instruments.items() if name in left}}
        )
        again = {outcome.instrument: outcome for outcome in take_and_make_safe(partly)}
        outcomes = [again.get(outcome.instrument, outcome) for outcome in outcomes]
        for outcome in again.values():
            if outcome.confirmed:
                log(_line(outcome))
    unsafe = [outcome.instrument for outcome in outcomes if not outcome.confirmed]
    log(f"NOT CONFIRMED: {', '.join(unsafe)}; look after them by hand" if unsafe else "everything is safe")
    return outcomes


def _line(outcome: Outcome) -> str:
    return f"{outcome.instrument}: {outcome.detail} ({'confirmed' if outcome.confirmed else 'NOT CONFIRMED'})"


def _tell(word: Listening | Asked | Watching) -> None:
    """That nobody hears it is noticed by the thread that hears."""
    with suppress(OSError):
        say(sys.stdout.buffer, word)


def _hear(words: Words) -> None:
    try:
        for line in sys.stdin.buffer:
            words.put(heard_by_guard(line))
    finally:
        words.put(None)


def main() -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    first = sys.stdin.buffer.readline()
    watch = heard_by_guard(first) if first else None
    if not isinstance(watch, Watch):
        return
    laboratory = Laboratory.model_validate_json(watch.laboratory)
    log = Log(watch.log)
    words: Words = queue.Queue()
    with Process(watch.pid) as engine, Askers(watch.key, words.put) as askers:
        Thread(target=_hear, args=(words,), name="engine", daemon=True).start()
        _tell(Listening(askers.port))
        for one in laboratory.instruments.values():
            # Importing takes a second that is not there when it is needed.
            driver_class(one.driver)

        why = Guard(words, _tell).until_needed(engine, askers.answer)
        if why:
            outcomes = act(watch, laboratory, why, engine, log)
            askers.answer_all(f"{why}; " + "; ".join(map(_line, outcomes)), all(one.confirmed for one in outcomes))
    # The interpreter would wait for the thread that reads.
    os._exit(0)


if __name__ == "__main__":
    main()
