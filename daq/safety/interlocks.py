"""Interlocks at work: fed with readings, asked what has to happen.  Time is an argument; laboratory time throughout.

How often it is asked changes nothing but how soon an answer is heard.  May be called from any thread.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

from config.interlocks import Interlock
from daq.safety.conditions import Readings
from daq.safety.standing import Standing, State, Turn
from drivers.quantity import Value
from drivers.roles import Status

Phase = Literal["idle", "run", "shots"]
"""What the engine does: nothing, a run, and in a run taking shots (neither reaching a step nor paused)."""


@dataclass(frozen=True)
class Verdict:
    """What has to happen now.

    `safe`: interlocks with that action that have become active since the last verdict, even if they are good again; each is
    told once.  `pauses`: what holds a run up, and why, as long as it does.  `holds`: what holds a start back, and why.
    `turns`: everything that has changed since the last verdict, oldest first.
    """

    safe: Mapping[str, str] = field(default_factory=dict)
    pauses: Mapping[str, str] = field(default_factory=dict)
    holds: Mapping[str, str] = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True)
class Shown:
    """An interlock as it is shown."""

    name: str
    condition: str
    action: str
    state: State
    text: str
    since_s: float
    holds_start: bool


class Interlocks:
    """All interlocks of a laboratory."""

    def __init__(self, interlocks: Mapping[str, Interlock]) -> None:
        self._lock = Lock()
        self._readings = Readings()
        self._phase: Phase = "idle"
        self._turns: list[Turn] = []
        self._all = {name: Standing(name, one, self._readings, self._turns.append) for name, one in interlocks.items()}
        self._concerned: defaultdict[str, list[Standing]] = defaultdict(list)
        for name, one in interlocks.items():
            of_it = set(one.quantities()) | {f"{quantity.partition('.')[0]}.live" for quantity in one.quantities()}
            for quantity in of_it:
                self._concerned[quantity].append(self._all[name])

    @property
    def quantities(self) -> frozenset[str]:
        """What has to be fed: quantities of drivers, polled or not, what `feed_status` tells, and what the engine supplies."""
        return frozenset(quantity for one in self._all.values() for quantity in one.interlock.quantities())

    def feed(self, quantity: str, value: Value, at_s: float) -> None:
        """A reading.  One that is older than the last of its quantity can make a condition hold, not end it."""
        with self._lock:
            self._feed(quantity, value, at_s)

    def feed_status(self, instrument: str, status: Status | None, at_s: float) -> None:
        """What an instrument says of itself; None when it is lost."""
        with self._lock:
            self._feed(f"{instrument}.live", status is not None, at_s)
            self._feed(f"{instrument}.fit", status is not None and status.ok, at_s)
            if status is not None:
                self._feed(f"{instrument}.status", status.state, at_s)
                self._feed(f"{instrument}.complaints", ", ".join(status.warnings), at_s)

    def enter(self, phase: Phase, now_s: float) -> None:
        """The engine goes on to another phase.  A run begins with all its resumes left."""
        with self._lock:
            begins = self._phase == "idle" and phase != "idle"
            self._phase = phase
            for one in self._all.values():
                one.enter(phase, begins, now_s)

    def at(self, now_s: float) -> Verdict:
        """What has to happen at this time; asked from one place, since what has changed is told once."""
        with self._lock:
            self._readings.clock_is(now_s)
            for one in self._all.values():
                one.time_is(now_s)
            turns = tuple(self._turns)
            self._turns.clear()
            return Verdict(
                {turn.name: turn.reason for turn in turns if turn.state == "active" and turn.action == "safe"},
                {name: one.reason() for name, one in self._all.items() if one.pauses},
                {name: one.reason() for name, one in self._all.items() if one.holds_start},
                turns,
            )

    def acknowledge(self, name: str, by: str, now_s: float) -> bool:
        """Release a latched interlock whose condition has gone; False if this one is not latched."""
        with self._lock:
            return name in self._all and self._all[name].acknowledge(by, now_s)

    def resume(self, by: str, now_s: float) -> tuple[str, ...]:
        """Let go what only waits for somebody to resume.  If anything else holds the run up nothing is let go, and this says
        what."""
        with self._lock:
            left = tuple(one.reason() for one in self._all.values() if one.pauses and one.state != "waiting")
            for one in self._all.values() if not left else ():
                one.resume(by, now_s)
            return left

    def shown(self) -> tuple[Shown, ...]:
        """All of them as they stand."""
        with self._lock:
            return tuple(
                Shown(
                    name,
                    one.interlock.condition(),
                    one.interlock.action,
                    one.state,
                    one.interlock.text,
                    one.since_s,
                    one.holds_start,
                )
                for name, one in self._all.items()
            )

    def _feed(self, quantity: str, value: Value, at_s: float) -> None:
        then = self._readings.take(quantity, value, at_s)
        for one in self._concerned[quantity]:
            one.read(at_s, then)
