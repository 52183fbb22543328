"""Whether a chopper was locked a moment ago: traces of a shot are made a little after it."""

from collections import deque

REMEMBERED = 64


class LockHistory:
    """The last changes between locked and not."""

    def __init__(self) -> None:
        self._changes: deque[tuple[float, bool]] = deque([(0.0, False)], maxlen=REMEMBERED)

    def note(self, now: float, locked: bool) -> None:
        """How it is now; times never go back."""
        if locked != self._changes[-1][1]:
            self._changes.append((now, locked))

    def at(self, now: float) -> bool:
        """How it was at a time that has been noted, or how it was last."""
        for since, locked in reversed(self._changes):
            if since <= now:
                return locked
        return self._changes[0][1]
