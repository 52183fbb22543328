"""Laboratory time of the simulation: the one place that looks at a real clock."""

import time


class Clock:
    """Laboratory seconds since the start.  `speed` may change without a jump; `advance` is a jump forwards."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._origin_s = 0.0
        self._since = time.monotonic()

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        return self._origin_s + (time.monotonic() - self._since) * self._speed

    def set_speed(self, speed: float) -> None:
        """`ValueError` unless positive."""
        if not speed > 0:
            raise ValueError(f"speed = {speed:g} must be positive")
        self._origin_s, self._since = self.now(), time.monotonic()
        self._speed = speed

    def advance(self, seconds: float) -> None:
        """`ValueError` for a step backwards."""
        if seconds < 0:
            raise ValueError("time cannot be turned back")
        self._origin_s += seconds
