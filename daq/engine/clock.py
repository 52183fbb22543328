"""Laboratory time: the engine's one clock.  Its speed is 1 in a real laboratory and the simulation's in a simulated one.

Settling, ramps and ages are laboratory time; deadlines of exchanges and heartbeats are wall time.
"""

import time
from threading import Event


class Interrupted(Exception):
    """Somebody asked the run to end; the run knows who and why."""


class Clock:
    """Seconds of laboratory time since it was made."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._start = time.monotonic()

    def now(self) -> float:
        """Laboratory seconds."""
        return (time.monotonic() - self._start) * self.speed

    def wait(self, duration_s: float, interrupt: Event) -> bool:
        """Wait in laboratory time; True at once when `interrupt` is set."""
        return interrupt.wait(max(0.0, duration_s / self.speed))
