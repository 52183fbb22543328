"""What looks at recorded blocks beside the run: a thread of its own, so that looking costs no shot.

Followers get the blocks in order.  One that fails is told about and left out; the run goes on.
"""

from collections.abc import Callable, Sequence
from queue import Queue
from threading import Thread
from types import TracebackType

from daq.record.blocks import ShotBlock, Step

Follower = Callable[[Step, ShotBlock], None]
BLOCKS = 4
"""Blocks that may wait; then the run waits for the followers."""


class Followers:
    """A context in which `put` hands blocks to every follower; `complain` gets a sentence about one that failed."""

    def __init__(self, followers: Sequence[Follower], complain: Callable[[str], None]) -> None:
        self._followers = list(followers)
        self._complain = complain
        self._queue: Queue[tuple[Step, ShotBlock] | None] = Queue(BLOCKS)
        self._thread = Thread(target=self._follow, name="followers", daemon=True)

    def __enter__(self) -> "Followers":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._queue.put(None)
        self._thread.join()

    def put(self, step: Step, block: ShotBlock) -> None:
        """Hand over a block; waits while too many are waiting."""
        if self._followers:
            self._queue.put((step, block))

    def catch_up(self) -> None:
        """Return when every block handed over has been looked at."""
        self._queue.join()

    def _follow(self) -> None:
        while (item := self._queue.get()) is not None:
            for follower in list(self._followers):
                try:
                    follower(*item)
                except Exception as error:  # whatever an analysis stumbles over, shots are recorded on
                    self._followers.remove(follower)
                    self._complain(f"{type(follower).__name__} gave up: {type(error).__name__}: {error}")
            self._queue.task_done()
        self._queue.task_done()
