"""No light and no field for a run that hears late of its end: it may be waiting for an instrument that does not answer."""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType

from daq.safety.safe_order import HEAD_START_S


class LightsOut:
    """A context around a run.  `let_go` is called when the run does not come to rest soon after its end is wanted."""

    def __init__(self, let_go: Callable[[], None]) -> None:
        self._let_go = let_go
        self._wanted, self._resting = Event(), Event()
        self._thread = Thread(target=self._watch, name="lights-out", daemon=True)

    def __enter__(self) -> "LightsOut":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.resting()
        self._wanted.set()
        self._thread.join()

    def want(self) -> None:
        """The run is to end; from any thread, as often as one likes."""
        self._wanted.set()

    def resting(self) -> None:
        """The run has heard, and brings the machine to rest itself."""
        self._resting.set()

    def _watch(self) -> None:
        self._wanted.wait()
        if not self._resting.wait(HEAD_START_S):
            self._let_go()
