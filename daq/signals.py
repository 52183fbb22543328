"""Signals to the program while a run goes on: what ends a program ends the run, Ctrl-Z pauses it and lets it go on.

Stopping the process would leave lasers firing, so the terminal's Ctrl-Z must not do that.  Windows has no such signal.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import Protocol

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
PAUSING = "SIGTSTP"


class Controllable(Protocol):
    """A run."""

    def stop(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    @property
    def waits(self) -> bool: ...


@contextmanager
def signals_control(run: Controllable) -> Iterator[None]:
    """Signals act on the run while the context lasts.  Only the main thread may ask for them; elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in (*ENDING, PAUSING) if hasattr(signal, name)]
    # A handler may interrupt any line, also one that holds a lock; this queue alone is made for that.
    came: SimpleQueue[int] = SimpleQueue()

    def note(number: int, frame: FrameType | None) -> None:
        came.put(number)

    def obey() -> None:
        while number := came.get():
            if number != getattr(signal, PAUSING, None):
                run.stop()
            elif run.waits:
                run.resume()
            else:
                run.pause()

    listener = threading.Thread(target=obey, name="signals", daemon=True)
    listener.start()
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        came.put(0)
        listener.join()
