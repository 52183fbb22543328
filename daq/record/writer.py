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
    Measured,
    NewStep,
    Noted,
    Recorded,
    Snapshot,
    Tagged,
    get_to_writer,
    put,
)

UNKNOWN = (np.nan, np.nan)
NO_WRITE = ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


class RunWriter:
    """The open run file and the ring it is fed from."""

    def __init__(self, run: Create, ring: np.ndarray) -> None:
        self.run = run
        self.path = Path(run.path)
        self._ring = ring
        self._armed: dict[int, Armed] = {}
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
            message.index,
            message.round,
            message.point,
            message.cycle,
            message.background,
            message.planned_first,
            message.shots,
            message.skipped,
        )
        steps = self._file["entry/steps"]
        for name in (quantity.name for quantity in self.run.set_points):
            for column, value in zip(("set", "read_back"), message.set_points.get(name, UNKNOWN), strict=True):
                _extend(steps[f"set_points/{name}/{column}"], value)
        for name in self.run.events:
            timing = message.timing.get(name)
            times = UNKNOWN if timing is None else (timing.planned_s, timing.programmed_s)
            for column, value in zip(("planned", "programmed"), times, strict=True):
                _extend(steps[f"timing/{name}/{column}"], value)
        _append(steps, layout.STEP_COLUMNS, row)

    def arm(self, message: Armed) -> None:
        """Write down which shots are about to be taken, before they are."""
        row = (message.first, message.shots, -1, 0, 0, message.step, int(FiredSource.UNKNOWN), -1, message.at_s)
        _append(self._file["entry/bursts"], layout.BURST_COLUMNS, row)
        self._grow(message.first + message.shots)
        rows = slice(message.first, message.first + message.shots)
        self._shots["state"][rows] = int(ShotState.ARMED)
        self._shots["burst"][rows] = message.burst
        self._shots["step"][rows] = message.step
        self._armed[message.burst] = message
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
            self._shots["planned"][rows] = message.planned + np.arange(first, last)
            self._shots["state"][rows] = int(ShotState.RECORDED)
        self._sum += block[:, 0].sum(axis=0, dtype=np.int64)
        self._recorded += count
        self._file["entry/bursts/recorded"][message.burst] += count
        committed = int(numbers[-1]) + 1
        self.flush()
        self._shots["committed"][()] = committed
        self.flush()
        return committed

    def fire(self, message: Fired) -> None:
        """Close a burst: lost shots get their cause; armed numbers that were never fired are marked so."""
        armed = self._armed.pop(message.burst, None)
        if armed is None:
            raise ValueError(f"burst {message.burst} was never armed")
        end = armed.first + message.fired
        self._grow(end)
        self._shots["state"][end : armed.first + armed.shots] = int(ShotState.NOT_FIRED)
        self._shots["burst"][armed.first : end] = message.burst
        self._shots["step"][armed.first : end] = armed.step
        for number, cause in zip(message.lost, message.causes, strict=True):
            self._shots["state"][number] = int(ShotState.LOST)
            self._shots["cause"][number] = cause
        bursts = self._file["entry/bursts"]
        bursts["fired"][message.burst] = message.fired
        bursts["lost"][message.burst] = len(message.lost)
        bursts["fired_source"][message.burst] = message.source
        bursts["counted"][message.burst] = message.counted
        self._lost += len(message.lost)
        self.flush()

    def tag(self, message: Tagged) -> None:
        """Shots turned out to be bad; what they recorded stays."""
        bad = self._shots["bad"]
        if message.numbers:
            numbers = np.frombuffer(message.numbers, dtype=np.int64)
            bad[numbers] = bad[numbers] | message.bit
        else:
            rows = slice(max(0, message.first), min(message.last + 1, bad.shape[0]))
            bad[rows] = bad[rows] | message.bit

    def measure(self, message: Measured) -> None:
        numbers = np.frombuffer(message.numbers, dtype=np.int64)
        self._shots["ionisation"][numbers] = np.frombuffer(message.ionisation_s, dtype=np.float64)

    def snapshot(self, message: Snapshot) -> None:
        snapshots = self._file["entry/snapshots"]
        snapshots[message.when][:] = [_text(value, layout.VALUE_BYTES) for value in message.values]
        snapshots[f"{message.when}_time"][()] = message.time_s

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
        for armed in list(self._armed.values()):
            self._declare_lost(armed)
        self._settle()
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

    def _settle(self) -> None:
        """Shots of a burst that was fired, whose block never came, are lost as well."""
        states, causes = self._shots["state"][:], self._shots["cause"][:]
        left = states == int(ShotState.ARMED)
        if not left.any():
            return
        states[left], causes[left] = int(ShotState.LOST), int(Cause.PROCESS_KILLED)
        self._shots["state"][:], self._shots["cause"][:] = states, causes
        self._lost += int(left.sum())
        for burst, count in zip(*np.unique(self._shots["burst"][:][left], return_counts=True), strict=True):
            self._file["entry/bursts/lost"][burst] += count

    def _declare_lost(self, armed: Armed) -> None:
        lost = tuple(range(armed.first, armed.first + armed.shots))
        self.fire(Fired(armed.burst, armed.shots, int(FiredSource.UNKNOWN), lost, (int(Cause.PROCESS_KILLED),) * len(lost)))

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


def _text(text: str, length: int = layout.TEXT_BYTES) -> np.bytes_:
    """As much of the text as its fixed length holds, cut between characters."""
    return np.bytes_(text.encode()[:length].decode(errors="ignore").encode())


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
                case Tagged():
                    file.tag(message)
                case Measured():
                    file.measure(message)
                case Snapshot():
                    file.snapshot(message)
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
        # Taken down in order, HDF5 would try to write again, and complain about every object.
        os._exit(1)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer, sys.argv[1])


if __name__ == "__main__":
    main()
