"""How one interlock stands.

    resting, unknown, ok → pending → active → (latched →) (waiting →) ok

`resting` does not count now, `unknown` cannot be told from the readings there are; `latched` waits for somebody to
acknowledge it, `waiting` for the run to be resumed, by somebody or by itself.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from config.interlocks import Action, Interlock
from daq.safety.conditions import Condition, Readings

State = Literal["resting", "unknown", "ok", "pending", "active", "latched", "waiting"]
HOLDING: tuple[State, ...] = ("active", "latched", "waiting")
LEFT: Mapping[State, str] = {
    "latched": "its cause has gone, acknowledge it",
    "waiting": "its cause has gone, the run can be resumed",
}


@dataclass(frozen=True)
class Turn:
    """An interlock has changed: what it is now, what it was, since when, why, and who did it if somebody did."""

    name: str
    state: State
    before: State
    at_s: float
    action: Action
    reason: str
    by: str = ""


class Standing:
    """One interlock and its readings."""

    def __init__(self, name: str, interlock: Interlock, readings: Readings, tell: Callable[[Turn], None]) -> None:
        self.name, self.interlock = name, interlock
        self.state: State = "unknown" if interlock.during == "always" else "resting"
        self.since_s = 0.0
        self._readings, self._tell = readings, tell
        self._condition = Condition(interlock)
        self._counts = interlock.during == "always"
        self._opened_s = -math.inf
        self._in_run = False
        self._good_s: float | None = None
        self._resumes = 0
        self._carried_s = 0.0

    @property
    def pauses(self) -> bool:
        """Whether it holds a run up."""
        return self.interlock.action == "pause" and self.state in HOLDING

    @property
    def holds_start(self) -> bool:
        """Whether it holds a start back: it acts, or it cannot be told whether it should."""
        return self.interlock.action != "warn" and self.state in (*HOLDING, "unknown")

    def reason(self) -> str:
        """Why it acts, in one sentence."""
        text, names = self.interlock.text or self.interlock.condition(), self.interlock.quantities()
        if self.state == "unknown":
            return f"{self.name}: cannot be told without a reading of {' and '.join(names)}"
        if self.state in LEFT:
            return f"{self.name}: {text}; {LEFT[self.state]}"
        told = [f"{name} is {_spelt(self._readings.newest[name].value)}" for name in names if name in self._readings.newest]
        return f"{self.name}: {text}" + (f" ({', '.join(told)})" if told else "")

    def read(self, at_s: float, then: Readings | None) -> None:
        """A reading that concerns it; `then` are the readings with it when it is not the newest of its quantity."""
        self._ripen(at_s)
        if not self._judged:
            return
        if then is None:
            self._apply(self._condition.holds(self._readings, self._opened_s, at_s), at_s)
        elif self._condition.held(then, self._opened_s, at_s):
            self._apply(True, at_s)

    def time_is(self, now_s: float) -> None:
        """Time has come to here, or was set back to here."""
        self.since_s, self._opened_s = min(self.since_s, now_s), min(self._opened_s, now_s)
        self._good_s = None if self._good_s is None else min(self._good_s, now_s)
        self._ripen(now_s)
        if self.interlock.stale_s is not None and self._judged:
            self._apply(self._condition.holds(self._readings, self._opened_s, now_s), now_s)

    def enter(self, phase: str, begins: bool, now_s: float) -> None:
        """The engine is in another phase; `begins` with a new run."""
        self._ripen(now_s)
        self._in_run = phase != "idle"
        if begins:
            self._resumes, self._carried_s = 0, 0.0
        counted, during = self._counts, self.interlock.during
        self._counts = during == "always" or phase == "shots" or (during == "run" and phase == "run")
        if self._counts and not counted:
            self._opened_s = now_s
            self._condition.forget()
        if self._counts and self.state == "resting":
            self._become("unknown", now_s)
        elif not self._counts and self.state not in HOLDING:
            # Shots come in groups that may be shorter than the delay: it goes on with the next one.
            self._carried_s = max(0.0, now_s - self.since_s) if self.state == "pending" else self._carried_s
            self._become("resting", now_s)
        elif not self._judged and self.state == "active":
            self._become("latched" if self.interlock.latching else "resting", now_s)
        if self.state == "waiting" and not self._in_run:
            self._become(self._good_state, now_s)

    def acknowledge(self, by: str, now_s: float) -> bool:
        """Release it if it is latched; True if it was."""
        if self.state != "latched":
            return False
        self._release(now_s, by)
        return True

    def resume(self, by: str, now_s: float) -> None:
        """Let go if it only waits for that."""
        if self.state == "waiting":
            self._become(self._good_state, now_s, by)

    @property
    def _judged(self) -> bool:
        """What has paused a run is looked at in the pause too, whatever it counts during."""
        return self._counts or (self._in_run and self.pauses)

    @property
    def _good_state(self) -> State:
        return "ok" if self._counts else "resting"

    def _ripen(self, now_s: float) -> None:
        """A condition that held at the last reading goes on holding until another one says no."""
        if self.state == "pending" and now_s - self.since_s >= self.interlock.delay_s:
            self._become("active", self.since_s + self.interlock.delay_s)

    def _apply(self, holds: bool | None, at_s: float) -> None:
        if holds is None:
            self._good_s = None
            if self.state == "ok":
                self._become("unknown", at_s)
        elif holds:
            self._bad(at_s)
        else:
            self._good(at_s)

    def _bad(self, at_s: float) -> None:
        self._good_s = None
        if self.state in ("latched", "waiting"):
            self._become("active", at_s)
        elif self.state in ("ok", "unknown"):
            self._become("pending", at_s)
            self.since_s -= self._carried_s
            self._ripen(at_s)

    def _good(self, at_s: float) -> None:
        self._carried_s = 0.0
        if self.state in ("unknown", "pending"):
            self._become("ok", at_s)
        elif self.state == "active" and self.interlock.latching:
            self._become("latched", at_s)
        elif self.state == "active":
            self._release(at_s)
        elif self.state == "waiting":
            self._count_good_seconds(at_s)

    def _release(self, at_s: float, by: str = "") -> None:
        """Nothing is wrong any more; a paused run goes on when it is resumed."""
        if self.interlock.action == "pause" and self._in_run:
            self._good_s = at_s
            self._become("waiting", at_s, by)
        else:
            self._become(self._good_state, at_s, by)

    def _count_good_seconds(self, at_s: float) -> None:
        """From reading to reading, so that a silent instrument has none."""
        after_s = self.interlock.resume_after_s
        if self._good_s is None:
            self._good_s = at_s
        if after_s is not None and self._resumes < self.interlock.resume_times and at_s - self._good_s >= after_s:
            self._resumes += 1
            self._become(self._good_state, at_s)

    def _become(self, state: State, at_s: float, by: str = "") -> None:
        if state == self.state:
            return
        before, self.state, self.since_s = self.state, state, at_s
        self._tell(Turn(self.name, state, before, at_s, self.interlock.action, self.reason(), by))


def _spelt(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
