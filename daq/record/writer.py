"""The writer: a process of its own that appends blocks to the run file, flushes, and only then acknowledges them.

It has its own session, so that a terminal's Ctrl-C does not reach it.  When the engine dies it finishes what lies in the
ring, declares the armed shots without a record lost, and closes the file.
"""

import os
import signal
import stat
import sys
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np

from daq.record import layout
from daq.record.layout import Cause, FiredSource, ShotState
from daq.record.memory import attach
from daq.record.messages import (
    Armed,
    Committed,
    Create,
    Created,
    Failed,
    Finish,
    Finished,
    Fired,
    Happened,
    Logged,
    NewStep,
    Noted,
    Recorded,
    get_to_writer,
    put,
)

NO_WRITE = ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


class RunWriter:
    """The open run file and the ring it is fed from."""

    def __init__(self, run: Create, ring: np.ndarray) -> None:
        self.run = run
        self.path = Path(run.path)
        self._ring = ring
        self._armed: Armed | None = None
        self._sum = np.zeros(run.samples, dtype=np.int64)
        self._recorded = 0
        self._lost = 0
        self._file = h5py.File(self.path, "x", libver="latest")
        layout.create(self._file, run)
        self._file.swmr_mode = True
        self._shots = self._file["entry/shots"]
        self._traces = self._file[layout.TRACES]
        self._log = [self._file[f"entry/housekeeping/{channel.name}"] for channel in run.log]
        # Another program that opened the file for writing would truncate it.
        self._mode = self.path.stat().st_mode
        self.path.chmod(self._mode & NO_WRITE)
        self.flush()

    def step(self, message: NewStep) -> None:
        row = (
            message.started_s,
            message.field_set_T,
            message.field_T,
            message.source_temperature_K,
            message.helium_pressure_bar,
            message.velocity_m_s,
        )
        _append(self._file["entry/steps"], layout.STEP_COLUMNS, row)

    def arm(self, message: Armed) -> None:
        """Write down which shots are about to be taken, before they are."""
        row = (message.first, message.shots, -1, 0, 0, message.step, int(FiredSource.UNKNOWN), message.at_s)
        _append(self._file["entry/bursts"], layout.BURST_COLUMNS, row)
        self._grow(message.first + message.shots)
        rows = slice(message.first, message.first + message.shots)
        self._shots["state"][rows] = int(ShotState.ARMED)
        self._shots["burst"][rows] = message.burst
        self._shots["step"][rows] = message.step
        self._shots["time_tag"][rows] = np.nan
        self._armed = message
        self.flush()

    def record(self, message: Recorded) -> int:
        """Append a block from the ring; the number of shots committed after the flush."""
        numbers = np.frombuffer(message.numbers, dtype=np.int64)
        count = len(numbers)
        shape = (count, self.run.channels, self.run.samples)
        slot = self._ring[message.slot, : 2 * count * self.run.channels * self.run.samples]
        block = slot.view(np.int16).reshape(shape)
        tags = np.frombuffer(message.time_tags_s, dtype=np.float64)
        self._grow(int(numbers[-1]) + 1)
        for first, last in _runs(numbers):
            rows = slice(int(numbers[first]), int(numbers[last - 1]) + 1)
            self._traces[rows] = block[first:last]
            self._shots["time_tag"][rows] = tags[first:last]
            self._shots["state"][rows] = int(ShotState.RECORDED)
        self._sum += block[:, 0].sum(axis=0, dtype=np.int64)
        self._recorded += count
        committed = int(numbers[-1]) + 1
        self.flush()
        self._shots["committed"][()] = committed
        self.flush()
        return committed

    def fire(self, message: Fired) -> None:
        """Close a burst: lost shots get their cause; armed numbers that were never fired are marked so."""
        armed = self._armed
        if armed is None or armed.burst != message.burst:
            raise ValueError(f"burst {message.burst} was never armed")
        self._grow(armed.first + message.fired)
        self._shots["state"][armed.first + message.fired :] = int(ShotState.NOT_FIRED)
        for number, cause in zip(message.lost, message.causes, strict=True):
            self._shots["state"][number] = int(ShotState.LOST)
            self._shots["cause"][number] = cause
            self._shots["burst"][number] = message.burst
            self._shots["step"][number] = armed.step
        bursts = self._file["entry/bursts"]
        bursts["fired"][message.burst] = message.fired
        bursts["recorded"][message.burst] = message.fired - len(message.lost)
        bursts["lost"][message.burst] = len(message.lost)
        bursts["fired_source"][message.burst] = message.source
        self._lost += len(message.lost)
        self._armed = None
        self.flush()

    def log(self, message: Logged) -> None:
        for name, value in (("time", message.time_s), ("value", message.value)):
            _extend(self._log[message.channel][name], value)

    def note(self, message: Happened) -> None:
        events = self._file["entry/events"]
        _extend(events["time"], message.time_s)
        _extend(events["text"], _text(message.text))

    def flush(self) -> None:
        self._file.flush()

    def finish(self, message: Finish) -> Finished:
        """Settle what is still open, fill in the end of the run, close, and give the file its permissions back."""
        if self._armed is not None:
            self._declare_lost(self._armed)
        if self._recorded:
            self._file["entry/spectrum/mean"][:] = self._sum / self._recorded
        entry = self._file["entry"]
        for name, text in (("end_time", message.ended), ("status", message.status), ("end_reason", message.reason)):
            entry[name][()] = _text(text)
        self.flush()
        descriptor = self._file.id.get_vfd_handle()
        os.fsync(descriptor)
        self._file.close()
        self.path.chmod(self._mode)
        return Finished(recorded=self._recorded, lost=self._lost)

    def abandon(self) -> None:
        """Give the file its permissions back after a failure; what was committed stays readable."""
        self.path.chmod(self._mode)

    def _declare_lost(self, armed: Armed) -> None:
        states = self._shots["state"][armed.first : armed.first + armed.shots]
        lost = tuple(int(armed.first + i) for i in np.flatnonzero(states == int(ShotState.ARMED)))
        causes = (int(Cause.PROCESS_KILLED),) * len(lost)
        self.fire(Fired(armed.burst, armed.shots, int(FiredSource.UNKNOWN), lost, causes))

    def _grow(self, shots: int) -> None:
        if shots > self._shots["state"].shape[0]:
            for column in layout.SHOT_COLUMNS:
                self._shots[column].resize((shots,))
            self._traces.resize(shots, axis=0)


def _append(table: h5py.Group, columns: dict[str, tuple[str, str]], row: tuple[float, ...]) -> None:
    for column, value in zip(columns, row, strict=True):
        _extend(table[column], value)


def _extend(dataset: h5py.Dataset, value: float | np.bytes_) -> None:
    dataset.resize((dataset.shape[0] + 1,))
    dataset[-1] = value


def _runs(numbers: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of consecutive shot numbers as index ranges: a gap is a lost shot."""
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    edges = [0, *cuts.tolist(), len(numbers)]
    return list(pairwise(edges))


def _text(text: str) -> np.bytes_:
    """As much of the text as its fixed length holds, cut between characters."""
    return np.bytes_(text.encode()[: layout.TEXT_BYTES].decode(errors="ignore").encode())


def serve(requests: BinaryIO, replies: BinaryIO, memory: str) -> None:
    """Create the file that the first message asks for, then act on messages until the run or the engine ends."""
    first = get_to_writer(requests)
    if not isinstance(first, Create):
        return
    ring = np.frombuffer(attach(memory, first.slots * first.slot_bytes), dtype=np.uint8).reshape(first.slots, -1)
    file: RunWriter | None = None
    try:
        file = RunWriter(first, ring)
        put(replies, Created())
        while True:
            message = get_to_writer(requests)
            match message:
                case Recorded():
                    put(replies, Committed(file.record(message), message.slot))
                case Armed():
                    file.arm(message)
                    put(replies, Noted(message.burst))
                case Fired():
                    file.fire(message)
                case NewStep():
                    file.step(message)
                case Logged():
                    file.log(message)
                case Happened():
                    file.note(message)
                case Finish():
                    put(replies, file.finish(message))
                    return
                case None:
                    ended = datetime.now(UTC).isoformat(timespec="seconds")
                    file.finish(Finish("aborted", "the engine's process was killed", ended))
                    return
    except (OSError, ValueError, RuntimeError) as error:
        # A full disk comes as OSError, trouble inside HDF5 as RuntimeError or ValueError.
        if file is not None:
            file.abandon()
        with suppress(BrokenPipeError):
            put(replies, Failed(str(error)))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer, sys.argv[1])


if __name__ == "__main__":
    main()
