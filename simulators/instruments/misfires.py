"""Times in which a laser ignores its triggers: no light, and its shot counter stands still."""

from collections.abc import Callable


class Misfires:
    """Remembers them, since traces of a shot are made a little after it."""

    def __init__(self) -> None:
        self._times: list[tuple[float, float]] = []

    def begin(self, now: float, seconds: float = 3.0) -> None:
        """From now on for so long."""
        self._times.append((now, now + seconds))

    def at(self, now: float) -> bool:
        """Whether a trigger at this time gave no light."""
        return any(since <= now < until for since, until in self._times)

    def ignored(self, triggered: Callable[[float, float], int], since: float, until: float) -> int:
        """Triggers in (since, until] that were ignored."""
        overlaps = ((max(since, start), min(until, end)) for start, end in self._times)
        return sum(triggered(low, high) for low, high in overlaps if high > low)
