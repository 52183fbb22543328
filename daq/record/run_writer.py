"""The open run file, and how everything that is told becomes rows in it."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from daq.record import layout
from daq.record.columns import Column
from daq.record.filters import Filters
from daq.record.journal import Journal
from daq.record.layout import SET_POINT, TIMING, Cause, FiredSource, ShotState
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

CACHE = 2**16
"""Bytes of a dataset's chunks that HDF5 keeps in memory: the last one of a column, not megabytes of what is written."""
UNKNOWN = (np.nan, np.nan)
SHOTS_AT_ONCE = 16
"""Written before anything else is looked at: a few milliseconds."""


class RunWriter:
    """A new run file.  Raises `OSError` where it cannot be made or written, `ValueError` for what makes no sense."""

    def __init__(self, run: Create) -> None:
        self.run = run
        self.path = Path(run.path)
        self.shape = (run.channels, run.samples)
        self._armed: dict[int, Armed] = {}
        self._sum = np.zeros(run.samples, dtype=np.int64)
        self._adding = ThreadPoolExecutor(1, thread_name_prefix="sum")
        self._recorded = 0
        self._lost = 0
        self._file = h5py.File(self.path, "x", libver="latest", rdcc_nbytes=CACHE)
        layout.create(self._file, run)
        self._file.swmr_mode = True
        entry = self._file["entry"]
        self._shots = {name: Column(entry[f"shots/{name}"]) for name in layout.SHOT_COLUMNS}
        self._bursts = {name: Column(entry[f"bursts/{name}"]) for name in layout.BURST_COLUMNS}
        self._steps = {name: Column(entry[f"steps/{name}"]) for name in _step_columns(run)}
        self._events = {name: Column(entry[f"events/{name}"]) for name in ("time", "text", "kind")}
        self._log = [
            {name: Column(entry[f"housekeeping/{channel.name}/{name}"]) for name in ("time", "value")} for channel in run.log
        ]
        self._traces = self._file[layout.TRACES]
        self._committed = 0
        self._filters = Filters(run.compression, self.shape)
        self._behind = 0
        self._pages = self._file[layout.JOURNAL]
        self._journal = Journal(run.run_id)
        self._journal.add(run)
        self._protection = Protection(self.path, self.descriptor)
        self.publish()

    @property
    def descriptor(self) -> int:
        """Of the open file, for `fsync`."""
        return int(self._file.id.get_vfd_handle())

    def tell(self, message: Told) -> None:
        """Write down what needs no answer; `flush` makes it stay, `publish` shows it."""
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
                _append(self._log[message.channel], {"time": message.time_s, "value": message.value})
            case Happened():
                _append(self._events, {"time": message.time_s, "text": _text(message.text), "kind": message.kind})
            case Lost():
                self._lose(np.frombuffer(message.numbers, dtype=np.int64), Cause(message.cause))

    def record(self, message: Recorded, block: NDArray[np.int16], between: Callable[[], None] = lambda: None) -> int:
        """Append a block, `block` int16[shots, channels, samples]; the shots below the number returned are settled.

        `between` is called every few shots; it may `tell` and `flush`.
        """
        return self.restore(message, self._packed(block, between), block)

    def restore(self, message: Recorded, chunks: Iterable[tuple[bytes, int]], block: NDArray[np.int16]) -> int:
        """The same with the chunks of the traces as they go into the file, each with its filter mask."""
        self._protection.check()
        numbers = np.frombuffer(message.numbers, dtype=np.int64)
        # While the block is packed.  A burst has at most 10,000 shots: 32 bits are enough, and twice as fast.
        total = self._adding.submit(block[:, 0].sum, axis=0, dtype=np.int32)
        self._grow(int(numbers[-1]) + 1)
        places = np.array(
            [
                (self._place(self._traces, (number, 0, 0), chunk, mask), len(chunk), mask)
                for number, (chunk, mask) in zip(numbers.tolist(), chunks, strict=True)
            ],
            np.uint64,
        )
        self._sum += total.result()
        return self._commit(message, numbers, places)

    def flush(self) -> None:
        """Everything told so far survives this process: it stands in the journal, and `recover` reads it there."""
        self._protection.check()
        pages = self._journal.take()
        if pages:
            first = self._pages.shape[0]
            self._pages.resize(first + len(pages), axis=0)
            for number, page in enumerate(pages, first):
                self._place(self._pages, (number, 0), page)
        self._protection.check()

    def publish(self) -> None:
        """Everything told so far is seen by readers of the file, `committed` last."""
        self.flush()
        for column in self._columns():
            column.write()
        self._file.flush()
        self._file[layout.COMMITTED][()] = self._committed
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
        self.publish()
        os.fsync(self.descriptor)
        self._file.close()
        self._filters.close()
        self._adding.shutdown()
        self._protection.end()
        return Finished(recorded=self._recorded, lost=self._lost)

    def abandon(self) -> None:
        """Give the file its permissions back after a failure; what was committed stays readable."""
        self._adding.shutdown()
        self._protection.end()

    def _columns(self) -> Iterator[Column]:
        for table in (self._shots, self._bursts, self._steps, self._events, *self._log):
            yield from table.values()

    def _step(self, message: NewStep) -> None:
        row: dict[str, float] = {
            "started": message.started_s,
            "field_set": message.field_set_T,
            "field": message.field_T,
            "source_temperature": message.source_temperature_K,
            "helium_pressure": message.helium_pressure_bar,
            "velocity": message.velocity_m_s,
            "index": message.index,
            "round": message.round,
            "point": message.point,
            "cycle": message.cycle,
            "background": message.background,
            "planned_first": message.planned_first,
            "shots": message.shots,
            "skipped": message.skipped,
        }
        for name in (quantity.name for quantity in self.run.set_points):
            row |= _named(f"set_points/{name}", SET_POINT, message.set_points.get(name, UNKNOWN))
        for name in self.run.events:
            timing = message.timing.get(name)
            row |= _named(f"timing/{name}", TIMING, UNKNOWN if timing is None else (timing.planned_s, timing.programmed_s))
        _append(self._steps, row)

    def _arm(self, message: Armed) -> None:
        """Write down which shots are about to be taken, before they are."""
        row = (message.first, message.shots, -1, 0, 0, message.step, int(FiredSource.UNKNOWN), -1, message.at_s)
        _append(self._bursts, dict(zip(layout.BURST_COLUMNS, row, strict=True)))
        self._grow(message.first + message.shots)
        rows = slice(message.first, message.first + message.shots)
        self._shots["state"][rows] = int(ShotState.ARMED)
        self._shots["burst"][rows] = message.burst
        self._shots["step"][rows] = message.step
        self._armed[message.burst] = message

    def _commit(self, message: Recorded, numbers: NDArray[np.int64], places: NDArray[np.uint64]) -> int:
        """Journal and columns of a block whose traces are written; once the journal is, the block counts."""
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
        self._committed = int(numbers[-1]) + 1
        return self._committed

    def _packed(self, block: NDArray[np.int16], between: Callable[[], None]) -> Iterator[tuple[bytes, int]]:
        for place, trace in enumerate(block):
            if place % SHOTS_AT_ONCE == 0:
                between()
            yield self._filters.pack(trace)

    def _place(self, dataset: h5py.Dataset, chunk: tuple[int, ...], content: bytes, mask: int = 0) -> int:
        """Write one chunk; where it lies in the file.

        HDF5 tells where a chunk lies only by going through all of them.  But new ones are put at the end of the file, or
        behind the one before; that the bytes are there, out of this process, is seen.
        """
        end = self._file.id.get_filesize()
        dataset.id.write_direct_chunk(chunk, content, filter_mask=mask)
        for place in (end, self._behind):
            if os.pread(self.descriptor, len(content), place) == content:
                break
        else:
            place = dataset.id.get_chunk_info_by_coord(chunk).byte_offset
        self._behind = place + len(content)
        return int(place)

    def _fire(self, message: Fired) -> None:
        """Close a burst: lost shots get their cause; armed numbers that were never fired are marked so."""
        armed = self._armed.pop(message.burst, None)
        if armed is None:
            raise ValueError(f"burst {message.burst} was never armed")
        end = armed.first + message.fired
        self._grow(end)
        self._shots["burst"][armed.first : end] = message.burst
        self._shots["step"][armed.first : end] = armed.step
        left = slice(end, armed.first + armed.shots)
        # The next burst may be armed already, and have these numbers.
        still_own = left.start + np.flatnonzero(self._shots["burst"][left] == message.burst)
        self._shots["state"][still_own] = int(ShotState.NOT_FIRED)
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
            rows = slice(max(0, message.first), min(message.last + 1, len(bad)))
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
        for column in self._shots.values():
            column.grow(shots)
        if shots > self._traces.shape[0]:
            self._traces.resize(shots, axis=0)


def _step_columns(run: Create) -> list[str]:
    further = [f"set_points/{quantity.name}/{kind}" for quantity in run.set_points for kind in SET_POINT]
    return [*layout.STEP_COLUMNS, *further, *(f"timing/{name}/{kind}" for name in run.events for kind in TIMING)]


def _named(group: str, names: tuple[str, str], values: tuple[float, float]) -> dict[str, float]:
    return {f"{group}/{name}": value for name, value in zip(names, values, strict=True)}


def _append(table: dict[str, Column], row: Mapping[str, float | np.bytes_]) -> None:
    for name, value in row.items():
        table[name].append(value)


def stretches(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Stretches of consecutive numbers as index ranges, of at least one rising number: a gap is a lost shot."""
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    edges = [0, *cuts.tolist(), len(numbers)]
    return list(pairwise(edges))


def _text(text: str, length: int = layout.TEXT_BYTES) -> np.bytes_:
    """As much of the text as its fixed length holds, cut between characters."""
    return np.bytes_(text.encode()[:length].decode(errors="ignore").encode())
