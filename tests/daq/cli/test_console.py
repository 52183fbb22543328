"""What commands print, to whoever still reads it."""

import os
from contextlib import suppress

from daq.cli.console import _Told


def test_progress_that_nobody_reads_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    pipe = os.fdopen(writing, "w", buffering=1)
    console = _Told(file=pipe)
    console.print("going to 25 K")
    assert console.quiet
    console.print("taking shots")
    with suppress(BrokenPipeError):
        pipe.close()
