"""Reading a run file: finished, running, or left behind by a killed process."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from config.calibration import Calibrations
from config.model import check_model
from daq.record import layout
from daq.record.blocks import ShotBlock, Step, TraceAxis
from daq.record.checksums import checksums
from daq.record.frames import torn
from daq.record.layout import BACKGROUNDS, BackgroundKind, EventKind, ShotState
from daq.record.opening import RunFileError, called_damage, open_file
from daq.record.protection import is_being_written
from daq.record.unpacking import unpack

__all__ = ["BLOCK_SHOTS", "Entry", "RunFile", "RunFileError"]

BLOCK_SHOTS = 100
WALK_SHOTS = 1000
"""Traces whose frames are looked at together: a few at a time would take a quarter of what unpacking them does."""
BITSHUFFLE = "32008"
"""The filter's number."""


@dataclass(frozen=True)
class Entry:
    """A line of the log, at a laboratory time."""

    time_s: float
    text: str
    kind: EventKind


class RunFile:
    """An open run file.  Only what the writer has acknowledged is shown: shots below `committed`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Asked first: a run that ends meanwhile is not one whose writer has died.
        written = is_being_written(path) if path.is_file() else None
        self._file = open_file(path)
        try:
            with called_damage(path):
                self._check(path)
                self._entry = self._file["entry"]
                self._load()
            if self.status == "running" and written is False:
                raise RunFileError(f"{path} was never closed; make it ordinary with `clusterbeam recover {path} --replace`")
        except RunFileError:
            self._file.close()
            raise

    def __enter__(self) -> "RunFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def _check(self, path: Path) -> None:
        schema, version = self._file.attrs.get("schema"), self._file.attrs.get("schema_version", 0)
        if schema != layout.SCHEMA:
            raise RunFileError(f"{path} is an HDF5 file, but not a run of clusterbeam")
        if not isinstance(version, int | np.integer):
            raise ValueError(f"its schema version is {version!r}")
        if version > layout.SCHEMA_VERSION:
            raise RunFileError(
                f"{path} has schema version {version}, this program reads up to {layout.SCHEMA_VERSION}; "
                "use a newer clusterbeam"
            )
        if version < layout.SCHEMA_VERSION:
            raise RunFileError(f"{path} was written by a version of clusterbeam that was never released; take the run again")

    def _load(self) -> None:
        entry = self._entry
        texts = entry["configuration"]
        self.title = _text(entry["title"])
        self.element = _text(entry["element"])
        first, last = entry["sizes"][()]
        self.sizes: tuple[int, int] = (int(first), int(last))
        self.started, self.ended = _text(entry["start_time"]), _text(entry["end_time"])
        self.status, self.end_reason = _text(entry["status"]), _text(entry["end_reason"])
        self.run_id = _text(entry["run_id"])
        self.continues_file, self.continues_id = _text(entry["continues_file"]), _text(entry["continues_id"])
        self.planned_done = int(entry["planned_done"][()])
        self.plan: dict[str, Any] = _table_of(texts, "plan")
        self.laboratory: dict[str, Any] = _table_of(texts, "laboratory")
        self.identities: dict[str, Any] = _table_of(texts, "identities")
        self.calibrations = check_model(_table_of(texts, "calibrations"), Calibrations, "calibrations")
        self.committed = int(entry["shots/committed"][()])
        growing = self.status == "running"
        shots = _columns(entry["shots"], layout.SHOT_COLUMNS, growing)
        self.states: NDArray[np.uint8] = shots["state"]
        self.causes: NDArray[np.uint8] = shots["cause"]
        self.shot_bursts: NDArray[np.int32] = shots["burst"]
        self.shot_steps: NDArray[np.int32] = shots["step"]
        self.time_tags_s: NDArray[np.float64] = shots["time_tag"]
        self.planned: NDArray[np.int64] = shots["planned"]
        self.bad: NDArray[np.uint16] = shots["bad"]
        self.checksums: NDArray[np.uint64] = shots["checksum"]
        self.ionisation_s: NDArray[np.float64] = shots["ionisation"]
        self.bursts = _columns(entry["bursts"], layout.BURST_COLUMNS, growing)
        self.step_columns = _columns(entry["steps"], layout.STEP_COLUMNS, growing)
        self.steps = _steps(self.step_columns, entry["steps/set_points"])
        counts = entry["traces/counts"]
        if not 0 <= self.committed <= min(len(self.states), counts.shape[0]):
            raise ValueError(f"{self.committed} shots are committed, and it has rows for {len(self.states)}")
        self.axis = TraceAxis(
            start_s=float(counts.attrs["start_s"]),
            interval_s=float(counts.attrs["interval_s"]),
            samples=counts.shape[2],
            scale_V=tuple(counts.attrs["scale_V"].tolist()),
            offset_V=tuple(counts.attrs["offset_V"].tolist()),
            highest_code=tuple(counts.attrs["highest_code"].tolist()) if "highest_code" in counts.attrs else (),
        )
        self.traces = counts
        # What our own writer is writing now is believed.
        self._has_frames = BITSHUFFLE in counts._filters and self.status != "running"
        self._walked, self._torn = np.zeros((2, counts.shape[0]), bool)

    @property
    def file(self) -> h5py.File:
        """As HDF5 opened it."""
        return self._file

    @property
    def recorded(self) -> NDArray[np.int64]:
        """Numbers of all recorded shots."""
        return np.flatnonzero(self.states[: self.committed] == int(ShotState.RECORDED))

    def groups(self, shots: int = BLOCK_SHOTS, *, good: bool = False) -> Iterator[NDArray[np.int64]]:
        """Numbers of all recorded shots in order, at most `shots` at a time and of one burst; `good` leaves out bad ones."""
        recorded = self.recorded
        if good:
            recorded = recorded[self.bad[recorded] == 0]
        return self.grouped(recorded, shots)

    def grouped(self, numbers: NDArray[np.int64], shots: int = BLOCK_SHOTS) -> Iterator[NDArray[np.int64]]:
        """Rising numbers of shots, at most `shots` at a time and of one burst."""
        edges = np.flatnonzero(np.diff(self.shot_bursts[numbers])) + 1
        for group in np.split(numbers, edges):
            for first in range(0, len(group), shots):
                some = group[first : first + shots]
                if self._has_frames and not self._walked[some].all():
                    begin = np.searchsorted(numbers, some[0])
                    self._walk(numbers[begin : begin + WALK_SHOTS])
                yield some

    def block(self, numbers: NDArray[np.int64]) -> ShotBlock:
        """Recorded shots of one burst.  `RunFileError` when a trace is not what was received from the digitizer."""
        return self.checked(numbers, self.room(len(numbers)))

    def room(self, shots: int) -> NDArray[np.int16]:
        """Memory for the traces of so many shots, int16[shots, channels, samples]."""
        return np.empty((shots, *self.traces.shape[1:]), np.int16)

    def checked(self, numbers: NDArray[np.int64], room: NDArray[np.int16]) -> ShotBlock:
        """The same with its traces in `room`.  Other threads of Python go on meanwhile."""
        block = ShotBlock(
            step=int(self.shot_steps[numbers[0]]),
            burst=int(self.shot_bursts[numbers[0]]),
            numbers=numbers,
            time_tags_s=self.time_tags_s[numbers],
            traces=self._read(numbers, room[: len(numbers)]),
            planned=int(self.planned[numbers[0]]),
        )
        changed = block.numbers[checksums(block.traces) != self.checksums[block.numbers]]
        if len(changed):
            raise RunFileError(f"{self.path}: the traces of {_counted(changed)} are damaged (they are not what was recorded)")
        return block

    def blocks(self, shots: int = BLOCK_SHOTS, *, good: bool = False) -> Iterator[ShotBlock]:
        """All recorded shots in order, in blocks of at most `shots` that do not cross a burst; `good` leaves out bad ones."""
        return map(self.block, self.groups(shots, good=good))

    def log(self) -> list[Entry]:
        """The run's log."""
        with called_damage(self.path):
            events = self._entry["events"]
            # A reader of a running file may see the last row half written.
            rows = zip(events["time"][()], events["text"][()], events["kind"][()], strict=False)
            return [Entry(float(time_s), text.decode(), EventKind(int(kind))) for time_s, text, kind in rows]

    def events(self) -> list[tuple[float, str]]:
        """Laboratory time in s and text of the log's lines."""
        return [(entry.time_s, entry.text) for entry in self.log()]

    def housekeeping(self, channel: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Laboratory times in s and readings of one logged quantity, `instrument.quantity`; `KeyError` if it was not logged."""
        log = self._entry["housekeeping"][channel]
        times, values = log["time"][()], log["value"][()]
        return times[: len(values)], values[: len(times)]

    def timing(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Per event of a shot, for each step: when it was planned after T0, and the programmed delay of its line, in s."""
        table = self._entry["steps/timing"]
        return {name: (table[f"{name}/planned"][()], table[f"{name}/programmed"][()]) for name in table}

    def snapshot(self, when: str) -> dict[str, str]:
        """Every quantity at the `start` or the `end` of the run; empty texts where that was not reached."""
        table = self._entry["snapshots"]
        names = table["quantity"].asstr()[()]
        return {name: value.decode() for name, value in zip(names, table[when][()], strict=True)}

    def _refuse_torn(self, numbers: NDArray[np.int64]) -> None:
        """`RunFileError` for a chunk that HDF5's filter would stumble over."""
        if not self._has_frames:
            return
        if not self._walked[numbers].all():
            self._walk(numbers)
        wrong = numbers[self._torn[numbers]]
        if len(wrong):
            raise RunFileError(f"{self.path}: the traces of {_counted(wrong)} are damaged (their blocks do not fit)")

    def _walk(self, numbers: NDArray[np.int64]) -> None:
        offsets, sizes, masks = (column[numbers] for column in self._chunks)
        holds = self.traces.dtype.itemsize * math.prod(self.traces.shape[1:])
        self._torn[numbers] = torn(self._content, offsets, sizes, holds) & (masks == 0)
        self._walked[numbers] = True

    @cached_property
    def _content(self) -> NDArray[np.uint8]:
        return np.memmap(self.path, np.uint8, "r")

    @cached_property
    def _chunks(self) -> tuple[NDArray[np.int64], ...]:
        """Where in the file the trace of each shot lies, how long it is, and which filters it has not gone through."""
        found = np.full((3, self.traces.shape[0]), -1, np.int64)

        def note(chunk: Any) -> None:
            found[:, chunk.chunk_offset[0]] = chunk.byte_offset, chunk.size, chunk.filter_mask

        self.traces.id.chunk_iter(note)
        return tuple(found)

    def _read(self, numbers: NDArray[np.int64], traces: NDArray[np.int16]) -> NDArray[np.int16]:
        self._refuse_torn(numbers)
        if self._has_frames and self.traces.dtype == np.int16:
            offsets, sizes, masks = (column[numbers] for column in self._chunks)
            if not masks.any() and unpack(self._content, offsets, sizes, traces):
                return traces
        chosen = self.traces.id.get_space()
        chosen.select_none()
        for run in np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1):
            chosen.select_hyperslab((int(run[0]), 0, 0), (len(run), *traces.shape[1:]), op=h5py.h5s.SELECT_OR)
        try:
            self.traces.id.read(h5py.h5s.create_simple(traces.shape), chosen, traces)
        except OSError as error:
            shots = f"shots {numbers[0]} to {numbers[-1]}"
            raise RunFileError(f"{self.path}: the traces of {shots} are damaged ({error})") from None
        return traces


def _counted(numbers: NDArray[np.int64]) -> str:
    return f"shot {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} shots from {numbers[0]} to {numbers[-1]}"


def _columns(table: h5py.Group, names: Iterable[str], growing: bool) -> dict[str, NDArray[Any]]:
    """The columns of a table, one value for each row."""
    columns = {name: table[name][()] for name in names}
    rows = {len(column) for column in columns.values()}
    # Of a running file the last rows may stand in some columns only.
    if len(rows) > 1 and not growing:
        raise ValueError(f"the columns of {table.name} have {min(rows)} to {max(rows)} rows")
    return {name: column[: min(rows)] for name, column in columns.items()}


def _steps(columns: Mapping[str, NDArray[Any]], set_points: h5py.Group) -> list[Step]:
    others = {name: group["read_back"][()] for name, group in set_points.items()}
    return [
        Step(
            index=index,
            field_set_T=float(columns["field_set"][index]),
            field_T=float(columns["field"][index]),
            source_temperature_K=float(columns["source_temperature"][index]),
            helium_pressure_bar=float(columns["helium_pressure"][index]),
            velocity_m_s=float(columns["velocity"][index]),
            point=int(columns["point"][index]),
            background=BACKGROUNDS[BackgroundKind(int(columns["background"][index]))],
            others={name: float(values[index]) for name, values in others.items()},
            started_s=float(columns["started"][index]),
        )
        for index in range(min(len(column) for column in (*columns.values(), *others.values())))
    ]


def _table_of(texts: h5py.Group, name: str) -> dict[str, Any]:
    """One of the texts that hold a table as JSON."""
    table = json.loads(_text(texts[f"{name}_json"]))
    if not isinstance(table, dict):
        raise ValueError(f"its {name} is no table")
    return table


def _text(dataset: h5py.Dataset) -> str:
    value = dataset[()]
    return value.decode() if isinstance(value, bytes) else str(value)
