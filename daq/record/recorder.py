"""The engine's side of recording: starts the writer, fills the ring, and calls nothing recorded before it is acknowledged."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, Queue
from selectors import EVENT_WRITE, DefaultSelector
from threading import Lock, Thread
from types import TracebackType
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import ShotBlock
from daq.record.memory import own_session
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
    ToWriter,
    encoded,
    get_from_writer,
)
from daq.record.ring import Ring

ALONE = {"OMP_NUM_THREADS": "1"}
"""Of the writer: one trace is compressed sooner by one thread than by several that wait for each other, on cores that others
need."""
PIPE_BYTES = 2**20
"""Room for what a writer that stands still is told before its missing answer is noticed: readings come all the time, and
whoever tells them would wait at a full pipe.  Its size can be set on Linux only."""
SLOTS = 6
SLOW_S = 1.0
"""An answer that takes longer is told about."""
ANSWER_S = 30.0
"""Longest the writer may take for one answer before the run fails: a slow disk is waited for, a hung one is not."""


class RecordingError(Exception):
    """Shots can no longer be recorded; the run must stop."""


class Recorder:
    """A context in which blocks are recorded.

    `recorded` counts the shots that the writer has acknowledged, `committed` is the number below which all are settled.  When
    the writer takes long for an answer, `behind` is told so, and again when the answer is there.  `broken` is told at once,
    from another thread, why nothing can be recorded any more.
    """

    def __init__(
        self,
        create: Create,
        behind: Callable[[bool], None] = lambda behind: None,
        broken: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._behind, self._tell_broken = behind, broken
        self.path = Path(create.path)
        self.committed = 0
        self.recorded = 0
        self._ring = Ring(create.slots, create.slot_bytes)
        self._handed_over: deque[int] = deque()
        self._finished: Finished | None = None
        self._broken = ""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "daq.record.writer", self._ring.memory.handle],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=PIPE_BYTES,
            env=ALONE | os.environ,
            **self._ring.memory.inheritance(),
            **own_session(),
        )
        self._pipe = cast(BinaryIO, self._process.stdin).fileno()
        if sys.platform != "win32":
            os.set_blocking(self._pipe, False)
        self._answers: Queue[FromWriter | None] = Queue()
        self._sending = Lock()
        self._listener = Thread(target=self._listen, name="recorder", daemon=True)
        self._listener.start()
        try:
            self._put(create)
            self._await(Created)
        except RecordingError:
            self._close()
            raise

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._finished is None and self._process.poll() is None:
                self.finish("failed", "the run failed" if error is None else f"{type(error).__name__}: {error}")
        except RecordingError:
            # The error that ended the run says more than that its end cannot be recorded either.
            if error is None:
                raise
        finally:
            self._close()

    @property
    def writer_pid(self) -> int:
        """Of the writer's process."""
        return self._process.pid

    def tell(self, message: ToWriter) -> None:
        """Send what needs no answer: a step, a reading, an event, the end of a burst.  May be called from any thread."""
        self._put(message)

    def arm(self, message: Armed) -> None:
        """Write down that shots are about to be taken, and return when it is on disk."""
        self._put(message)
        self._await(Noted)

    def room(self, shape: tuple[int, int, int]) -> NDArray[np.int16]:
        """Memory to receive the traces of a block in, int16[shape], so that `record` need not copy them.  Waits like it."""
        while (room := self._ring.lend(shape)) is None:
            self._await(Committed)
        return room

    def record(self, block: ShotBlock) -> None:
        """Hand a block to the writer.  Waits while the ring is full; never drops.  The acknowledgement comes later.

        Its traces must not be changed any more.
        """
        size, most = block.traces.nbytes, self._ring.slot_bytes
        if size > most:
            raise RecordingError(f"a block of {size} bytes does not fit the ring's slots of {most} bytes")
        while (slot := self._ring.place(block.traces)) is None:
            self._await(Committed)
        self._handed_over.append(len(block.numbers))
        self._put(
            Recorded(
                burst=block.burst,
                step=block.step,
                slot=slot,
                numbers=block.numbers.tobytes(),
                time_tags_s=block.time_tags_s.tobytes(),
                planned=block.planned,
            )
        )
        self._collect_answers()

    def settle(self) -> None:
        """Return when every block handed over is acknowledged."""
        while self._handed_over:
            self._await(Committed)

    def finish(self, status: str, reason: str) -> Finished:
        """End the run file; returns when every block handed over is on disk and the file is closed."""
        if self._finished is None:
            self._put(Finish(status, reason, datetime.now(UTC).isoformat(timespec="seconds")))
            self._finished = cast(Finished, self._await(Finished))
        return self._finished

    def _put(self, message: ToWriter) -> None:
        try:
            with self._sending:
                if self._broken:
                    raise RecordingError(self._broken)
                self._write(memoryview(encoded(message)))
        except BrokenPipeError:
            # What the writer said last is on its way; its end raises too.
            while True:
                self._take(self._answers.get(timeout=ANSWER_S))

    def _write(self, left: memoryview) -> None:
        if cast(BinaryIO, self._process.stdin).closed:
            raise BrokenPipeError
        while left:
            try:
                left = left[os.write(self._pipe, left) :]
            except BlockingIOError:
                with DefaultSelector() as waiting:
                    waiting.register(self._pipe, EVENT_WRITE)
                    if not waiting.select(ANSWER_S):
                        self._broken = self._silent
                        raise RecordingError(self._silent) from None

    @property
    def _silent(self) -> str:
        return f"the writer of {self.path} does not answer; is the disk hanging?"

    def _collect_answers(self) -> None:
        while True:
            try:
                self._take(self._answers.get_nowait())
            except Empty:
                return

    def _await(self, kind: type[FromWriter]) -> FromWriter:
        waited = False
        while True:
            try:
                answer = self._take(self._answers.get(timeout=ANSWER_S if waited else SLOW_S))
            except Empty:
                if waited:
                    raise RecordingError(self._silent) from None
                waited = True
                self._behind(True)
                continue
            if isinstance(answer, kind):
                if waited:
                    self._behind(False)
                return answer

    def _take(self, answer: FromWriter | None) -> FromWriter:
        match answer:
            case Committed():
                self.committed = answer.shots
                self.recorded += self._handed_over.popleft()
                self._ring.give_back(answer.slot)
            case Failed():
                self._broken = self._failure(answer)
                raise RecordingError(self._broken)
            case None:
                # Whoever asks next has to see the end as well.
                self._answers.put(None)
                raise RecordingError(self._broken or f"the writer has died; {self.path} holds {self.recorded} shots")
        return answer

    def _listen(self) -> None:
        """Pass the writer's answers on; None is its end."""
        last: FromWriter | None = None
        while (answer := get_from_writer(cast(BinaryIO, self._process.stdout))) is not None:
            self._answers.put(answer)
            last = answer
            if isinstance(answer, Failed):
                self._tell_broken(self._failure(answer))
        self._answers.put(None)
        if not isinstance(last, Failed | Finished):
            self._tell_broken(f"the writer of {self.path} has died")

    def _failure(self, failed: Failed) -> str:
        return f"cannot write {self.path}: {failed.reason}"

    def _close(self) -> None:
        with suppress(BrokenPipeError):
            cast(BinaryIO, self._process.stdin).close()
        try:
            self._process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        cast(BinaryIO, self._process.stdout).close()
        self._ring.memory.close()
