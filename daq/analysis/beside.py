"""The reducer's process beside a run, as the run sees it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import BinaryIO, cast

from daq.face.reduced import Published
from daq.face.stream import get
from daq.record.memory import own_session


@contextmanager
def reducing(path: Path, live: Callable[[Published], None]) -> Iterator[None]:
    """While the context lasts the run file is followed; `live` gets each message, in a thread.  The end of the context waits
    until the reducer has caught up with the file, which is closed by then.  What goes wrong is said on stderr: a run does not
    fail because nobody can look at it."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "daq.analysis.follow", str(path)], stdout=subprocess.PIPE, **own_session()
    )
    messages = cast(BinaryIO, process.stdout)
    thread = Thread(target=_hand_on, args=(messages, live), name="reducer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        process.wait()


def _hand_on(messages: BinaryIO, live: Callable[[Published], None]) -> None:
    with messages:
        while (message := get(messages)) is not None:
            try:
                live(message)
            except Exception as error:  # whatever a view stumbles over; without a listener the reducer ends
                print(f"clusterbeam: the live view gave up: {type(error).__name__}: {error}", file=sys.stderr)
                return
