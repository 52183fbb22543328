"""A thread that does one thing after the other, for one client."""

import threading
import traceback
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Job = TypeVar("Job")


class Lane(Generic[Job]):
    """At most `most` jobs wait.  What one raises is printed; the next is done all the same."""

    def __init__(self, name: str, do: Callable[[Job], None], most: int) -> None:
        self._do, self._most = do, most
        self._jobs: deque[Job] = deque()
        self._news = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, job: Job) -> bool:
        """Whether there was room."""
        with self._news:
            if not self._open or len(self._jobs) >= self._most:
                return False
            self._jobs.append(job)
            self._news.notify()
        return True

    def close(self) -> None:
        """Nothing more; what waits is still done."""
        with self._news:
            self._open = False
            self._news.notify()

    def ended(self, within_s: float = 0.0) -> bool:
        """Whether everything is done, after waiting so long."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._jobs or not self._open)
                if not self._jobs:
                    return
                job = self._jobs.popleft()
            try:
                self._do(job)
            except Exception:
                traceback.print_exc()
