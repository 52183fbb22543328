"""How everything that is told becomes rows of a run file: shots, bursts, steps, readings, events, and how the run ended.

The writer fills a file with it.  Told the same once more, from the journal, it fills tables that a file can be compared with.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import h5py
import numpy as np
from numpy.typing import NDArray

from daq.record import layout
from daq.record.columns import Column
from daq.record.layout import SET_POINT, TIMING, Cause, FiredSource, ShotState
from daq.record.messages import (
    Armed,
    Create,
    Finish,
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

UNKNOWN = (np.nan, np.nan)


class Tables:
    """The tables of a file that `layout.create` has laid out.  Raises `ValueError` for what makes no sense.

    `recorded` and `lost` count shots.
    """

    def __init__(self, file: h5py.File, run: Create) -> None:
        self._run = run
        self._entry = entry = file["entry"]
        self._armed: dict[int, Armed] = {}
        self.recorded = 0
        self.lost = 0
        self._shots = {name: Column(entry[f"shots/{name}"]) for name in layout.SHOT_COLUMNS}
        self._bursts = {name: Column(entry[f"bursts/{name}"]) for name in layout.BURST_COLUMNS}
        self._steps = {name: Column(entry[f"steps/{name}"]) for name in _step_columns(run)}
        self._events = {name: Column(entry[f"events/{name}"]) for name in ("time", "text", "kind")}
        self._log = [
            {name: Column(entry[f"housekeeping/{channel.name}/{name}"]) for name in ("time", "value")} for channel in run.log
        ]

    @property
    def shots(self) -> int:
        """Rows of the table of shots."""
        return len(self._shots["state"])

    def tell(self, message: Told) -> None:
        """Everything but blocks and the end."""
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
                snapshots = self._entry["snapshots"]
                snapshots[message.when][:] = [_text(value, layout.VALUE_BYTES) for value in message.values]
                snapshots[f"{message.when}_time"][()] = message.time_s
            case Logged():
                _append(self._log[message.channel], {"time": message.time_s, "value": message.value})
            case Happened():
                _append(self._events, {"time": message.time_s, "text": _text(message.text), "kind": message.kind})
            case Lost():
                self._lose(np.frombuffer(message.numbers, dtype=np.int64), Cause(message.cause))

    def store(self, message: Recorded | Stored) -> int:
        """The columns of a block whose traces are written; the shots below the number returned are settled."""
        numbers = np.frombuffer(message.numbers, dtype=np.int64)
        self.grow(int(numbers[-1]) + 1)
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
        self.recorded += len(numbers)
        self._bursts["recorded"][message.burst] += len(numbers)
        return int(numbers[-1]) + 1

    def without_end(self) -> Iterator[Fired]:
        """The end of each burst of which nobody told it: all its shots count as fired, and those without a record as lost.
        Each is to be told before the next is asked for."""
        return map(self._given_up, list(self._armed.values()))

    def settle(self) -> None:
        """Nothing comes any more: shots of a burst that was fired, whose block never came, are lost as well."""
        left = np.flatnonzero(self._shots["state"][:] == int(ShotState.ARMED))
        if len(left):
            self._lose(left, Cause.PROCESS_KILLED)

    def end(self, message: Finish) -> None:
        """How the run ended."""
        for name, text in (("end_time", message.ended), ("status", message.status), ("end_reason", message.reason)):
            self._entry[name][()] = _text(text)

    def grow(self, shots: int) -> None:
        """Have rows for so many shots."""
        for column in self._shots.values():
            column.grow(shots)

    def write(self) -> None:
        """Put all rows into the file."""
        for column in self._columns():
            column.write()

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
        for name in (quantity.name for quantity in self._run.set_points):
            row |= _named(f"set_points/{name}", SET_POINT, message.set_points.get(name, UNKNOWN))
        for name in self._run.events:
            timing = message.timing.get(name)
            row |= _named(f"timing/{name}", TIMING, UNKNOWN if timing is None else (timing.planned_s, timing.programmed_s))
        _append(self._steps, row)

    def _arm(self, message: Armed) -> None:
        """Write down which shots are about to be taken, before they are."""
        row = (message.first, message.shots, -1, 0, 0, message.step, int(FiredSource.UNKNOWN), -1, message.at_s)
        _append(self._bursts, dict(zip(layout.BURST_COLUMNS, row, strict=True)))
        self.grow(message.first + message.shots)
        rows = slice(message.first, message.first + message.shots)
        self._shots["state"][rows] = int(ShotState.ARMED)
        self._shots["burst"][rows] = message.burst
        self._shots["step"][rows] = message.step
        self._armed[message.burst] = message

    def _fire(self, message: Fired) -> None:
        """Close a burst: lost shots get their cause; armed numbers that were never fired are marked so."""
        armed = self._armed.pop(message.burst, None)
        if armed is None:
            raise ValueError(f"burst {message.burst} was never armed")
        end = armed.first + message.fired
        self.grow(end)
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
        self.lost += len(message.lost)

    def _tag(self, message: Tagged) -> None:
        """Shots turned out to be bad; what they recorded stays."""
        bad = self._shots["bad"]
        if message.numbers:
            numbers = np.frombuffer(message.numbers, dtype=np.int64)
            bad[numbers] = bad[numbers] | message.bit
        else:
            rows = slice(max(0, message.first), min(message.last + 1, len(bad)))
            bad[rows] = bad[rows] | message.bit

    def _lose(self, numbers: NDArray[np.int64], cause: Cause) -> None:
        """Shots of bursts that are over turn out to be lost."""
        self._shots["state"][numbers] = int(ShotState.LOST)
        self._shots["cause"][numbers] = int(cause)
        self.lost += len(numbers)
        for burst, count in zip(*np.unique(self._shots["burst"][:][numbers], return_counts=True), strict=True):
            self._bursts["lost"][burst] += count

    def _given_up(self, armed: Armed) -> Fired:
        states = self._shots["state"][armed.first : armed.first + armed.shots]
        lost = tuple((armed.first + np.flatnonzero(states == int(ShotState.ARMED))).tolist())
        return Fired(armed.burst, armed.shots, int(FiredSource.UNKNOWN), lost, (int(Cause.PROCESS_KILLED),) * len(lost))


def stretches(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Stretches of consecutive numbers as index ranges, of at least one rising number: a gap is a lost shot."""
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    edges = [0, *cuts.tolist(), len(numbers)]
    return list(pairwise(edges))


def _step_columns(run: Create) -> list[str]:
    further = [f"set_points/{quantity.name}/{kind}" for quantity in run.set_points for kind in SET_POINT]
    return [*layout.STEP_COLUMNS, *further, *(f"timing/{name}/{kind}" for name in run.events for kind in TIMING)]


def _named(group: str, names: tuple[str, str], values: tuple[float, float]) -> dict[str, float]:
    return {f"{group}/{name}": value for name, value in zip(names, values, strict=True)}


def _append(table: dict[str, Column], row: Mapping[str, float | np.bytes_]) -> None:
    for name, value in row.items():
        table[name].append(value)


def _text(text: str, length: int = layout.TEXT_BYTES) -> np.bytes_:
    """As much of the text as its fixed length holds, cut between characters."""
    return np.bytes_(text.encode()[:length].decode(errors="ignore").encode())
