"""The writer: a process of its own that appends blocks to the run file and its journal, and only then acknowledges them.

It has its own session, so that a terminal's Ctrl-C does not reach it.  When the engine dies it finishes what lies in the
ring, declares the armed shots without a record lost, closes the file, and says so on standard error.
"""

import os
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from daq.record.checksums import checksums
from daq.record.memory import attach
from daq.record.messages import (
    Armed,
    Committed,
    Create,
    Created,
    Failed,
    Finish,
    Finished,
    FromWriter,
    Noted,
    Recorded,
    Told,
    ToWriter,
    get_to_writer,
    put,
)
from daq.record.run_writer import RunWriter

PUBLISH_S = 0.25
"""Readers that follow the file are this much behind."""
SYNC_S = 0.5
"""Between two `fsync`: as long as one takes no more than that, a power failure costs less than a second."""
ERRORS = (OSError, ValueError, RuntimeError, KeyError)
"""A full disk comes as OSError, trouble inside HDF5 as any of the others."""


class Writer:
    """Acts on the engine's messages, one after the other; beside it the file is synchronised to the disk.

    A burst about to be armed is noted before the blocks that still wait: the machine need not stand still for them.
    """

    def __init__(self, requests: BinaryIO, replies: BinaryIO, run: Create, memory: str) -> None:
        self._requests, self._replies = requests, replies
        mapped = attach(memory, run.slots * run.slot_bytes)
        self._ring = np.frombuffer(mapped, dtype=np.uint8).reshape(run.slots, -1)
        self._file = RunWriter(run)
        self._waiting: SimpleQueue[ToWriter | None] = SimpleQueue()
        self._armed: deque[Armed] = deque()
        self._end = Event()
        self._listening = Thread(target=self._listen, name="requests", daemon=True)
        self._synchronising = Thread(target=self._synchronise, name="sync", daemon=True)

    def serve(self) -> None:
        """Until the run or the engine ends."""
        self._answer(Created())
        self._listening.start()
        self._synchronising.start()
        try:
            last = self._until_the_end()
            self._end.set()
            self._synchronising.join()
            self._finish(last)
        except ERRORS as error:
            self._fail(error)

    def _listen(self) -> None:
        """Hand over what the engine says; None when it has died, or says what nobody understands."""
        try:
            while (message := get_to_writer(self._requests)) is not None:
                match message:
                    case Armed():
                        self._armed.append(message)
                    case Recorded():
                        # Now, not when its turn comes: nothing may happen to it in between.
                        sums = checksums(self._block(message))
                        message = msgspec.structs.replace(message, checksums=sums.tobytes())
                self._waiting.put(message)
                if isinstance(message, Finish):
                    # Nothing follows; a thread that still read at the end of the process would be in its way.
                    return
        finally:
            self._waiting.put(None)

    def _until_the_end(self) -> Finish | None:
        """Messages until the last one; None when the engine has died."""
        due = 0.0
        while True:
            if time.monotonic() >= due:
                self._file.publish()
                due = time.monotonic() + PUBLISH_S
            try:
                message = self._waiting.get(timeout=max(0.0, due - time.monotonic()))
            except Empty:
                continue
            if message is None or isinstance(message, Finish):
                return message
            self._act(message)

    def _act(self, message: Create | Told | Recorded) -> None:
        match message:
            case Recorded():
                committed = self._file.record(message, self._block(message), self._note)
                self._answer(Committed(committed, message.slot))
            case Armed():
                self._note()
            case Create():
                raise ValueError("a second run was to be written into one file")
            case _:
                self._file.tell(message)

    def _note(self) -> None:
        """Bursts that are to be armed, unless that was done while a block was written."""
        while self._armed:
            armed = self._armed.popleft()
            self._file.tell(armed)
            self._file.flush()
            self._answer(Noted(armed.burst))

    def _block(self, message: Recorded) -> NDArray[np.int16]:
        shape = (len(message.numbers) // 8, *self._file.shape)
        return self._ring[message.slot, : 2 * int(np.prod(shape))].view(np.int16).reshape(shape)

    def _finish(self, message: Finish | None) -> None:
        if message is not None:
            self._answer(self._file.finish(message))
            return
        ended = datetime.now(UTC).isoformat(timespec="seconds")
        found = self._file.finish(Finish("aborted", "the engine's process was killed", ended))
        _say(f"the engine has died; {self._file.path} is closed with {_counts(found)}")

    def _synchronise(self) -> None:
        while not self._end.wait(SYNC_S):
            try:
                os.fsync(self._file.descriptor)
            except ERRORS as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Tell the engine, and leave at once: taken down in order, HDF5 would try to write again."""
        with suppress(OSError):
            self._file.abandon()
        self._answer(Failed(str(error)))
        os._exit(1)

    def _answer(self, message: FromWriter) -> None:
        """An engine that is dead hears nothing, but what it handed over before is still written."""
        try:
            put(self._replies, message)
        except BrokenPipeError:
            # Else the interpreter would complain of what is left in the buffer.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._replies.fileno())


def _counts(found: Finished) -> str:
    return f"{found.recorded} shots recorded, {found.lost} lost"


def _say(sentence: str) -> None:
    """For whoever still looks at the terminal."""
    with suppress(OSError, ValueError):
        print(f"clusterbeam writer: {sentence}", file=sys.stderr, flush=True)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    first = get_to_writer(requests)
    if not isinstance(first, Create):
        return
    try:
        writer = Writer(requests, replies, first, sys.argv[1])
    except ERRORS as error:
        with suppress(BrokenPipeError):
            put(replies, Failed(str(error)))
        sys.exit(1)
    writer.serve()


if __name__ == "__main__":
    main()
