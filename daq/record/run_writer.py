"""The open run file, and how everything that is told becomes rows in it."""

import os
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from daq.record import layout
from daq.record.filters import Filters
from daq.record.journal import Journal
from daq.record.layout import Cause, FiredSource, ShotState
from daq.record.messages import (
    Armed,
    Create,
    Finish,
    Finished,
    Fired,
    Happened,
    Logged,
    Lost,
    Measured,
    NewStep,
    Recorded,
    Snapshot,
    Stored,
    Tagged,
    Told,
)
from daq.record.protection import Protection

UNKNOWN = (np.nan, np.nan)


class RunWriter:
    """A new run file.  Raises `OSError` where it cannot be made or written, `ValueError` for what makes no sense."""

    def __init__(self, run: Create) -> None:
        self.run = run
        self.path = Path(run.path)
        self.shape = (run.channels, run.samples)
        self._armed: dict[int, Armed] = {}
        self._sum = np.zeros(run.samples, dtype=np.int64)
        self._recorded = 0
        self._lost = 0
        self._file = h5py.File(self.path, "x", libver="latest")
        layout.create(self._file, run)
        self._file.swmr_mode = True
        # Opening a dataset costs as much as writing a row.
        self._shots = {name: self._file[f"entry/shots/{name}"] for name in (*layout.SHOT_COLUMNS, "committed")}
        self._bursts = {name: self._file[f"entry/bursts/{name}"] for name in layout.BURST_COLUMNS}
        self._traces = self._file[layout.TRACES]
        self._log = [self._file[f"entry/housekeeping/{channel.name}"] for channel in run.log]
        self._filters = Filters(run.compression, self.shape)
        self._behind = 0
        self._pages = self._file[layout.JOURNAL]
        self._journal = Journal(run.run_id)
        self._journal.add(run)
        self._protection = Protection(self.path, self.descriptor)
        self.flush()

    @property
    def descriptor(self) -> int:
        """Of the open file, for `fsync`."""
        return int(self._file.id.get_vfd_handle())

    def tell(self, message: Told) -> None:
        """Write down what needs no answer; `flush` makes it stay."""
        self._journal.add(message)
        match message:
            case Armed():
                self._arm(message)
            case Fired():
                self._fire(message)
            case NewStep():
                self._step(message)
            case Tagged():
                self._tag(message)
            case Measured():
                numbers = np.frombuffer(message.numbers, dtype=np.int64)
                self._shots["ionisation"][numbers] = np.frombuffer(message.ionisation_s, dtype=np.float64)
            case Snapshot():
                snapshots = self._file["entry/snapshots"]
                snapshots[message.when][:] = [_text(value, layout.VALUE_BYTES) for value in message.values]
                snapshots[f"{message.when}_time"][()] = message.time_s
            case Logged():
                _extend(self._log[message.channel]["time"], message.time_s)
                _extend(self._log[message.channel]["value"], message.value)
            case Happened():
                events = self._file["entry/events"]
                _extend(events["time"], message.time_s)
                _extend(events["text"], _text(message.text))
                _extend(events["kind"], message.kind)
            case Lost():
                self._lose(np.frombuffer(message.numbers, dtype=np.int64), Cause(message.cause))

    def record(self, message: Recorded, block: NDArray[np.int16]) -> int:
        """Append a block, `block` int16[shots, channels, samples]; the number of shots committed, flushed."""
        return self.restore(message, map(self._filters.pack, block), block)

    def restore(self, message: Recorded, chunks: Iterable[tuple[bytes, int]], block: NDArray[np.int16]) -> int:
        """The same with the chunks of the traces as they go into the file, each with its filter mask."""
        self._protection.check()
        numbers = np.frombuffer(message.numbers, dtype=np.int64)
        self._grow(int(numbers[-1]) + 1)
        places = np.array(
            [self._place(number, chunk, mask) for number, (chunk, mask) in zip(numbers.tolist(), chunks, strict=True)],
            np.uint64,
        )
        return self._commit(message, numbers, block, places)

    def flush(self) -> None:
        """Everything told so far survives this process."""
        self._protection.check()
        pages = self._journal.take()
        if pages:
            first = self._pages.shape[0]
            self._pages.resize(first + len(pages), axis=0)
            for number, page in enumerate(pages, first):
                self._pages.id.write_direct_chunk((number, 0), page)
        self._file.flush()
        self._protection.check()

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
        self._journal.add(message)
        self.flush()
        os.fsync(self.descriptor)
        self._file.close()
        self._filters.close()
        self._protection.end()
        return Finished(recorded=self._recorded, lost=self._lost)

    def abandon(self) -> None:
        """Give the file its permissions back after a failure; what was committed stays readable."""
        self._protection.end()

    def _step(self, message: NewStep) -> None:
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

    def _arm(self, message: Armed) -> None:
        """Write down which shots are about to be taken, before they are."""
        row = (message.first, message.shots, -1, 0, 0, message.step, int(FiredSource.UNKNOWN), -1, message.at_s)
        _append(self._bursts, layout.BURST_COLUMNS, row)
        self._grow(message.first + message.shots)
        rows = slice(message.first, message.first + message.shots)
        self._shots["state"][rows] = int(ShotState.ARMED)
        self._shots["burst"][rows] = message.burst
        self._shots["step"][rows] = message.step
        self._armed[message.burst] = message

    def _commit(
        self, message: Recorded, numbers: NDArray[np.int64], block: NDArray[np.int16], places: NDArray[np.uint64]
    ) -> int:
        """Columns and journal of a block whose traces are written; only when both are flushed the block counts."""
        columns = (
            ("time_tag", np.frombuffer(message.time_tags_s, dtype=np.float64)),
            ("checksum", np.frombuffer(message.checksums, dtype=np.uint64)),
        )
        for first, last in stretches(numbers):
            rows = slice(int(numbers[first]), int(numbers[last - 1]) + 1)
            for name, values in columns:
                self._shots[name][rows] = values[first:last]
            self._shots["planned"][rows] = message.planned + np.arange(first, last)
            self._shots["state"][rows] = int(ShotState.RECORDED)
        # A burst has at most 10,000 shots: 32 bits are enough, and twice as fast.
        self._sum += block[:, 0].sum(axis=0, dtype=np.int32)
        self._recorded += len(numbers)
        self._bursts["recorded"][message.burst] += len(numbers)
        offsets, sizes, masks = (column.tobytes() for column in places.T)
        self._journal.add(
            Stored(
                message.burst,
                message.step,
                message.numbers,
                message.time_tags_s,
                message.planned,
                message.checksums,
                offsets,
                sizes,
                masks,
            )
        )
        self.flush()
        committed = int(numbers[-1]) + 1
        self._shots["committed"][()] = committed
        self._file.flush()
        return committed

    def _place(self, number: int, chunk: bytes, mask: int) -> tuple[int, int, int]:
        """Write the chunk of a shot; where it lies in the file, its size and mask.

        HDF5 tells where a chunk lies only by going through all of them.  But new ones are put at the end of the file, or
        behind the one before; that the bytes are there is seen.
        """
        end = self._file.id.get_filesize()
        self._traces.id.write_direct_chunk((number, 0, 0), chunk, filter_mask=mask)
        for place in (end, self._behind, self._file.id.get_filesize() - len(chunk)):
            if os.pread(self.descriptor, len(chunk), place) == chunk:
                break
        else:
            place = self._traces.id.get_chunk_info_by_coord((number, 0, 0)).byte_offset
        self._behind = place + len(chunk)
        return place, len(chunk), mask

    def _fire(self, message: Fired) -> None:
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
        self._bursts["fired"][message.burst] = message.fired
        self._bursts["lost"][message.burst] = int((self._shots["state"][armed.first : end] == int(ShotState.LOST)).sum())
        self._bursts["fired_source"][message.burst] = message.source
        self._bursts["counted"][message.burst] = message.counted
        self._lost += len(message.lost)

    def _tag(self, message: Tagged) -> None:
        """Shots turned out to be bad; what they recorded stays."""
        bad = self._shots["bad"]
        if message.numbers:
            numbers = np.frombuffer(message.numbers, dtype=np.int64)
            bad[numbers] = bad[numbers] | message.bit
        else:
            rows = slice(max(0, message.first), min(message.last + 1, bad.shape[0]))
            bad[rows] = bad[rows] | message.bit

    def _settle(self) -> None:
        """Shots of a burst that was fired, whose block never came, are lost as well."""
        left = np.flatnonzero(self._shots["state"][:] == int(ShotState.ARMED))
        if len(left):
            self._lose(left, Cause.PROCESS_KILLED)

    def _lose(self, numbers: NDArray[np.int64], cause: Cause) -> None:
        """Shots of bursts that are over turn out to be lost."""
        self._shots["state"][numbers] = int(ShotState.LOST)
        self._shots["cause"][numbers] = int(cause)
        self._lost += len(numbers)
        for burst, count in zip(*np.unique(self._shots["burst"][:][numbers], return_counts=True), strict=True):
            self._bursts["lost"][burst] += count

    def _declare_lost(self, armed: Armed) -> None:
        """A burst whose end nobody told: all its shots count as fired, and those without a record as lost."""
        states = self._shots["state"][armed.first : armed.first + armed.shots]
        lost = tuple((armed.first + np.flatnonzero(states == int(ShotState.ARMED))).tolist())
        self.tell(Fired(armed.burst, armed.shots, int(FiredSource.UNKNOWN), lost, (int(Cause.PROCESS_KILLED),) * len(lost)))

    def _grow(self, shots: int) -> None:
        if shots > self._shots["state"].shape[0]:
            for column in layout.SHOT_COLUMNS:
                self._shots[column].resize((shots,))
            self._traces.resize(shots, axis=0)


def _append(table: Mapping[str, h5py.Dataset], columns: dict[str, tuple[str, str]], row: tuple[float, ...]) -> None:
    for column, value in zip(columns, row, strict=True):
        _extend(table[column], value)


def _extend(dataset: h5py.Dataset, value: float | np.bytes_) -> None:
    dataset.resize((dataset.shape[0] + 1,))
    dataset[-1] = value


def stretches(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Stretches of consecutive numbers as index ranges, of at least one rising number: a gap is a lost shot."""
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    edges = [0, *cuts.tolist(), len(numbers)]
    return list(pairwise(edges))


def _text(text: str, length: int = layout.TEXT_BYTES) -> np.bytes_:
    """As much of the text as its fixed length holds, cut between characters."""
    return np.bytes_(text.encode()[:length].decode(errors="ignore").encode())
