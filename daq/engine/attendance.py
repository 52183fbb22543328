"""The laboratory attended to as long as it is open: how each instrument is, what it said last and when, lost wires mended."""

import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from types import TracebackType
from typing import Protocol

from daq.engine.clock import Clock
from daq.engine.housekeeping import Housekeeping
from daq.engine.instruments import Instruments
from daq.engine.vigil import Vigil
from drivers.errors import DriverError, LinkClosed
from drivers.quantity import Quantity, Value
from drivers.roles import Status

STALE_POLLS = 3
"""A value is stale when it is older than so many polling periods."""
FIRST_S, LONGEST_S = 0.5, 30.0
"""Pauses between two attempts to open a lost wire again, wall time: each twice as long as the one before."""


class Listener(Protocol):
    """Who is told of readings and of instruments in trouble, at laboratory time; from many threads."""

    def reading(self, instrument: str, quantity: Quantity, asked_s: float, value: float) -> None: ...

    def unfit(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None: ...

    def lost(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None: ...

    def fit(self, instrument: str, asked_s: float) -> None: ...


@dataclass(frozen=True)
class Latest:
    """A value, its unit, and when it was read (seconds since 1970)."""

    value: Value
    unit: str
    at: float


@dataclass(frozen=True)
class Condition:
    """How one instrument is.  It is live only by fresh answers; `answered` is the time of the last one (seconds since 1970)."""

    live: bool = False
    status: Status | None = None
    error: str = "has not answered yet"
    answered: float = 0.0
    readings: dict[str, Latest] = field(default_factory=dict)


class Attendance:
    """A context in which every instrument is polled at its own period.

    While a run has the instruments (`lent`), lost wires are the run's to mend, and the digitizer is left to it; else, and where
    the run goes on without an instrument, they are opened again with growing pauses, and who is there is made sure.
    `forget` is told which instrument may have lost its mode.
    """

    def __init__(
        self,
        instruments: Instruments,
        clock: Clock,
        vigil: Vigil,
        changed: Callable[[str], None],
        forget: Callable[[str], None],
    ) -> None:
        self._instruments, self._clock, self._vigil = instruments, clock, vigil
        self._changed, self._forget = changed, forget
        self._digitizer = instruments.laboratory.named("digitizer")
        self._conditions = {name: Condition() for name in instruments.by_name}
        self._lock = Lock()
        self._mending = {name: Lock() for name in instruments.by_name}
        self._lent = 0
        self._left: Container[str] = ()
        self._listeners: list[Listener] = []
        self._pause_s: dict[str, float] = {}
        self._next_s: dict[str, float] = {}
        self._why_lost: dict[str, str] = {}
        self._unseen = set(instruments.by_name)
        self._all_seen = Event()
        self._housekeeping = Housekeeping(instruments, clock, self, vigil.interlocks.quantities, self._is_spared)

    def __enter__(self) -> "Attendance":
        self._housekeeping.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._housekeeping.__exit__(kind, error, trace)

    def condition(self, name: str) -> Condition:
        """How an instrument is, with what it last said; live only if that is fresh."""
        found = self._conditions[name]
        return replace(found, live=found.live and (self._is_spared(name) or time.time() - found.answered < self.stale_s(name)))

    def wait_for_all(self, timeout_s: float) -> None:
        """Until every instrument has been looked at once, or has not answered; this long at most (wall time)."""
        self._all_seen.wait(timeout_s)

    def stale_s(self, name: str) -> float:
        """Age (wall time) from which on a value of this instrument is stale: three polls, and the deadlines of one exchange."""
        period_s = self._instruments.laboratory.instruments[name].poll_s / self._clock.speed
        return STALE_POLLS * (period_s + 1.0)

    @contextmanager
    def listening(self, listener: Listener, clock: Clock) -> Iterator[None]:
        """While the context lasts, `listener` is told, in the time of its own clock."""
        shifted = _Shifted(listener, clock.since(self._clock))
        self._listeners.append(shifted)
        try:
            yield
        finally:
            self._listeners.remove(shifted)

    @contextmanager
    def lent(self, left: Container[str] = ()) -> Iterator[None]:
        """While the context lasts, the instruments belong to a run, but for those that it has `left` aside."""
        with self._lock:
            self._lent += 1
            self._left = left
        try:
            for mending in self._mending.values():
                # One that is being opened right now is not taken away from under us.
                with mending:
                    pass
            yield
        finally:
            with self._lock:
                self._lent -= 1

    def answered(self, instrument: str, status: Status, asked_s: float) -> None:
        for about in (self._pause_s, self._next_s, self._why_lost):
            about.pop(instrument, None)
        self._vigil.status(instrument, status, asked_s)
        error = "" if status.ok else ", ".join((status.state, *status.warnings))
        self._renew(instrument, lambda old: replace(old, live=True, status=status, error=error, answered=time.time()))

    def silent(self, instrument: str, error: DriverError, asked_s: float) -> None:
        # Of a wire that could not be opened again it is told why.
        what = self._why_lost.get(instrument, error.what) if isinstance(error, LinkClosed) else error.what
        self._renew(instrument, lambda old: replace(old, live=False, error=what))
        if isinstance(error, LinkClosed):
            self._mend(instrument)

    def reading(self, instrument: str, quantity: Quantity, asked_s: float, value: Value) -> None:
        latest = Latest(value, quantity.unit, time.time())
        self._renew(instrument, lambda old: replace(old, readings={**old.readings, quantity.name: latest}))
        self._vigil.reading(f"{instrument}.{quantity.name}", latest.value, asked_s)
        for listener in list(self._listeners) if quantity.polled else ():
            listener.reading(instrument, quantity, asked_s, float(value))

    def unfit(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        for listener in list(self._listeners):
            listener.unfit(instrument, reason, good_s, asked_s)

    def lost(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        for listener in list(self._listeners):
            listener.lost(instrument, reason, good_s, asked_s)
        self._vigil.status(instrument, None, asked_s, reason)

    def fit(self, instrument: str, asked_s: float) -> None:
        for listener in list(self._listeners):
            listener.fit(instrument, asked_s)

    def looked(self, instrument: str) -> None:
        with self._lock:
            self._unseen.discard(instrument)
            if not self._unseen:
                self._all_seen.set()

    def _is_spared(self, name: str) -> bool:
        return bool(self._lent) and name == self._digitizer

    def _renew(self, instrument: str, change: Callable[[Condition], Condition]) -> None:
        with self._lock:
            self._conditions[instrument] = change(self._conditions[instrument])
        self._changed(instrument)

    def _mend(self, instrument: str) -> None:
        """Open a lost wire again, unless a run has the instrument or the last attempt is too short ago."""
        with self._mending[instrument]:
            now = time.monotonic()
            if (self._lent and instrument not in self._left) or now < self._next_s.get(instrument, 0.0):
                return
            pause_s = self._pause_s.get(instrument, FIRST_S)
            self._pause_s[instrument] = min(2 * pause_s, LONGEST_S)
            self._next_s[instrument] = now + pause_s
            self._forget(instrument)
            try:
                self._instruments.reconnect(instrument)
            except DriverError as error:
                what = self._why_lost[instrument] = error.what
                self._renew(instrument, lambda old: replace(old, live=False, error=what))


class _Shifted:
    """A listener whose clock was started `behind_s` later."""

    def __init__(self, listener: Listener, behind_s: float) -> None:
        self._listener, self._behind_s = listener, behind_s

    def reading(self, instrument: str, quantity: Quantity, asked_s: float, value: float) -> None:
        self._listener.reading(instrument, quantity, asked_s - self._behind_s, value)

    def unfit(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        self._listener.unfit(instrument, reason, good_s - self._behind_s, asked_s - self._behind_s)

    def lost(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        self._listener.lost(instrument, reason, good_s - self._behind_s, asked_s - self._behind_s)

    def fit(self, instrument: str, asked_s: float) -> None:
        self._listener.fit(instrument, asked_s - self._behind_s)
