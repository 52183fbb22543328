"""A run in files of a limited size: each continues the one before, and they are read and verified together.

The engine counts shots, bursts and steps of the run; each file counts its own from 0.  The two files before the newest one stay
open, so that a shot of them that turns out to be bad later can still be tagged.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from types import TracebackType
from uuid import uuid4

import msgspec
import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import ShotBlock
from daq.record.messages import Armed, Create, Fired, Happened, Measured, NewStep, Snapshot, Tagged, ToWriter
from daq.record.messages import Finished as Counts
from daq.record.recorder import Recorder
from daq.record.series import CONTINUED, GOING_ON, part_path

OPEN = 3
"""Files that still take what is found out later."""


@dataclass(frozen=True)
class _Part:
    recorder: Recorder
    run_id: str
    shot: int
    burst: int
    step: int
    """The run's numbers of its first shot, burst and step."""


class Parts:
    """A context in which a run is recorded, like `Recorder`, in files of about `limit_bytes`: `create.path`, and others
    beside it.  A step that goes on in the next file stands in both."""

    def __init__(
        self,
        create: Create,
        limit_bytes: float,
        behind: Callable[[bool], None] = lambda behind: None,
        broken: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._create, self._limit_bytes = create, limit_bytes
        self._behind, self._broken = behind, broken
        self._first = Path(create.path)
        self._closed = Counts(0, 0)
        self._number, self._planned = 1, create.planned_done
        self._step: NewStep | None = None
        self._start: Snapshot | None = None
        self._armed_s = 0.0
        # Housekeeping tells from threads of its own.
        self._lock = RLock()
        self._open = [_Part(Recorder(create, behind, broken), create.run_id, 0, 0, 0)]

    def __enter__(self) -> "Parts":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            for part in self._open[:-1]:
                part.recorder.__exit__(kind, error, trace)
        finally:
            self._open[-1].recorder.__exit__(kind, error, trace)

    @property
    def path(self) -> Path:
        """Of the newest file; it names the one before."""
        return self._open[-1].recorder.path

    @property
    def recorded(self) -> int:
        """Shots that are acknowledged, in all files."""
        return self._closed.recorded + sum(part.recorder.recorded for part in self._open)

    def arm(self, message: Armed) -> None:
        """As `Recorder.arm`; begins a new file when the newest has reached its size."""
        self._armed_s = message.at_s
        # That a file has vanished is the writer's to tell.
        with suppress(FileNotFoundError):
            if self.path.stat().st_size >= self._limit_bytes:
                self._roll_over(message)
        part = self._open[-1]
        part.recorder.arm(
            msgspec.structs.replace(
                message, burst=message.burst - part.burst, first=message.first - part.shot, step=message.step - part.step
            )
        )

    def room(self, shape: tuple[int, int, int]) -> NDArray[np.int16]:
        """As `Recorder.room`, for the burst that was armed last."""
        return self._open[-1].recorder.room(shape)

    def record(self, block: ShotBlock) -> None:
        """As `Recorder.record`."""
        part = self._of_burst(block.burst)
        own = replace(block, burst=block.burst - part.burst, step=block.step - part.step, numbers=block.numbers - part.shot)
        part.recorder.record(own)

    def tell(self, message: ToWriter) -> None:
        """As `Recorder.tell`: to the file that it belongs to."""
        with self._lock:
            match message:
                case Fired():
                    part = self._of_burst(message.burst)
                    self._planned += message.fired - len(message.lost)
                    lost = tuple(number - part.shot for number in message.lost)
                    part.recorder.tell(msgspec.structs.replace(message, burst=message.burst - part.burst, lost=lost))
                    return
                case Tagged():
                    self._tag(message)
                    return
                case Measured():
                    self._measure(message)
                    return
                case NewStep():
                    self._step, self._planned = message, message.planned_first
                case Snapshot() if message.when == "start":
                    self._start = message
                case _:
                    pass
            self._open[-1].recorder.tell(message)

    def finish(self, status: str, reason: str) -> Counts:
        """As `Recorder.finish`, with the counts of all files."""
        while len(self._open) > 1:
            self._close_oldest()
        last = self._open[-1].recorder.finish(status, reason)
        return Counts(self._closed.recorded + last.recorded, self._closed.lost + last.lost)

    def _roll_over(self, armed: Armed) -> None:
        before = self._open[-1]
        self._number += 1
        create = msgspec.structs.replace(
            self._create,
            path=str(part_path(self._first, self._number)),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            run_id=uuid4().hex,
            continues_file=before.recorder.path.name,
            continues_id=before.run_id,
            planned_done=self._planned,
        )
        part = _Part(Recorder(create, self._behind, self._broken), create.run_id, armed.first, armed.burst, armed.step)
        with self._lock:
            for message in (self._start, self._step):
                if message is not None:
                    part.recorder.tell(message)
            before.recorder.tell(Happened(armed.at_s, f"{GOING_ON}{part.recorder.path.name}"))
            part.recorder.tell(Happened(armed.at_s, f"going on from {before.recorder.path.name}"))
            self._open.append(part)
            while len(self._open) > OPEN:
                self._close_oldest()

    def _close_oldest(self) -> None:
        with self._lock:
            oldest, following = self._open[:2]
            with oldest.recorder as recorder:
                counts = recorder.finish(CONTINUED, f"the run goes on in {following.recorder.path.name}")
            self._closed = Counts(self._closed.recorded + counts.recorded, self._closed.lost + counts.lost)
            del self._open[0]

    def _of_burst(self, burst: int) -> _Part:
        return next((part for part in reversed(self._open) if part.burst <= burst), self._open[0])

    def _tag(self, message: Tagged) -> None:
        """In each file the shots that it has; those of files that are closed are told in the log."""
        if self._number == 1:
            self._open[0].recorder.tell(message)
            return
        numbers = np.frombuffer(message.numbers, np.int64)
        if not len(numbers):
            numbers = np.arange(max(0, message.first), message.last + 1)
        for part, own in self._shared_out(numbers):
            part.recorder.tell(Tagged(message.bit, numbers=(own - part.shot).tobytes()))
        late = int((numbers < self._open[0].shot).sum())
        if late:
            text = f"{late} shots turned out to be bad (bit {message.bit}) when their file was closed; they are not tagged"
            self._open[-1].recorder.tell(Happened(self._armed_s, text))

    def _measure(self, message: Measured) -> None:
        numbers = np.frombuffer(message.numbers, np.int64)
        times_s = np.frombuffer(message.ionisation_s, np.float64)
        for part, own in self._shared_out(numbers):
            chosen = np.isin(numbers, own)
            part.recorder.tell(Measured((own - part.shot).tobytes(), times_s[chosen].tobytes()))

    def _shared_out(self, numbers: NDArray[np.int64]) -> list[tuple[_Part, NDArray[np.int64]]]:
        ends = [part.shot for part in self._open[1:]] + [np.iinfo(np.int64).max]
        shares = [(part, numbers[(numbers >= part.shot) & (numbers < end)]) for part, end in zip(self._open, ends, strict=True)]
        return [(part, own) for part, own in shares if len(own)]
