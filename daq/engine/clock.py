"""Laboratory time: the engine's one clock.  Its speed is 1 in a real laboratory and the simulation's in a simulated one.

Settling, ramps and ages are laboratory time; deadlines of exchanges and heartbeats are wall time.
"""

import time
from collections.abc import Callable
from threading import Event

SLACK_S = 30.0
"""Longest that a run may be busy between two waits (wall time) unless it says otherwise; then it counts as hung."""
Expect = Callable[[float, str], None]
NOBODY: Expect = lambda within_s, doing: None  # noqa: E731


class Interrupted(Exception):
    """Somebody asked the run to end; the run knows who and why."""


class Clock:
    """Seconds of laboratory time since it was made.

    `tell` is told the deadline (wall time from now) of what the run does: each wait says it anew.
    """

    def __init__(self, speed: float, tell: Expect = NOBODY) -> None:
        self.speed = speed
        self._start, self._tell = time.monotonic(), tell
        self._began = time.time()

    def now(self) -> float:
        """Laboratory seconds."""
        return (time.monotonic() - self._start) * self.speed

    def since(self, other: "Clock") -> float:
        """Laboratory seconds that this clock is behind another of the same speed, which was made earlier."""
        return (self._start - other._start) * self.speed

    def utc_s(self, at_s: float) -> float:
        """Seconds since 1970 at this laboratory time."""
        return self._began + at_s / self.speed

    def wait(self, duration_s: float, interrupt: Event) -> bool:
        """Wait in laboratory time; True at once when `interrupt` is set."""
        wall_s = max(0.0, duration_s / self.speed)
        self.expect(wall_s)
        return interrupt.wait(wall_s)

    def expect(self, within_s: float = 0.0, doing: str = "") -> None:
        """What begins now takes this long (wall time) and hardly more."""
        self._tell(within_s + SLACK_S, doing)
