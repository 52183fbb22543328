"""What is true now, by key, and in which order it came to be: kept by whoever shows a laboratory to others."""

import threading
from collections.abc import Iterable
from typing import Generic, TypeVar

Content = TypeVar("Content")


class Board(Generic[Content]):
    """The newest content of each key, with the sequence number of its last change.  Of any thread."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[int, Content]] = {}
        self._sequence = 0
        self._news = threading.Condition()
        self._open = True

    @property
    def sequence(self) -> int:
        """Number of the last change."""
        return self._sequence

    def put(self, key: str, content: Content) -> None:
        """The newest of `key`; what was there before is forgotten."""
        with self._news:
            self._sequence += 1
            self._newest.pop(key, None)
            self._newest[key] = (self._sequence, content)
            self._news.notify_all()

    def drop(self, keys: Iterable[str]) -> None:
        """Forget these, which is no change."""
        with self._news:
            for key in keys:
                self._newest.pop(key, None)

    def get(self, key: str) -> Content | None:
        """The newest of `key`."""
        with self._news:
            found = self._newest.get(key)
        return None if found is None else found[1]

    def all(self) -> tuple[int, dict[str, Content]]:
        """Everything, and the number of the last change in it."""
        with self._news:
            return self._sequence, {key: content for key, (_, content) in self._newest.items()}

    def since(self, after: int, timeout_s: float = 0.0) -> list[tuple[int, Content]]:
        """What changed after number `after`, oldest first; waits up to `timeout_s` for the first change, less once closed."""
        with self._news:
            self._news.wait_for(lambda: self._sequence > after or not self._open, timeout_s)
            found = []
            for sequence, content in reversed(self._newest.values()):
                if sequence <= after:
                    break
                found.append((sequence, content))
        return found[::-1]

    def close(self) -> None:
        """Let go of those who wait."""
        with self._news:
            self._open = False
            self._news.notify_all()
