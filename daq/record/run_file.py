"""Reading a run file: finished, running, or left behind by a killed process."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers the compression filters)
import numpy as np
from numpy.typing import NDArray

from config.calibration import Calibrations
from daq.record import layout
from daq.record.blocks import ShotBlock, Step, TraceAxis
from daq.record.layout import ShotState

BLOCK_SHOTS = 100


class RunFileError(Exception):
    """The file is not a run file that this version can read."""


class RunFile:
    """An open run file.  Only what the writer has acknowledged is shown: shots below `committed`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _open(path)
        try:
            schema, version = self._file.attrs.get("schema"), self._file.attrs.get("schema_version", 0)
            if schema != layout.SCHEMA:
                raise RunFileError(f"{path} is an HDF5 file, but not a run of clusterbeam")
            if version > layout.SCHEMA_VERSION:
                raise RunFileError(
                    f"{path} has schema version {version}, this program reads up to {layout.SCHEMA_VERSION}; "
                    "use a newer clusterbeam"
                )
            self._entry = self._file["entry"]
            self._load()
        except (KeyError, ValueError, OSError, RuntimeError) as error:
            self._file.close()
            raise RunFileError(f"{path} is damaged ({error})") from None
        except RunFileError:
            self._file.close()
            raise

    def __enter__(self) -> "RunFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def _load(self) -> None:
        entry = self._entry
        texts = entry["configuration"]
        self.title = _text(entry["title"])
        self.element = _text(entry["element"])
        first, last = entry["sizes"][()]
        self.sizes: tuple[int, int] = (int(first), int(last))
        self.started, self.ended = _text(entry["start_time"]), _text(entry["end_time"])
        self.status, self.end_reason = _text(entry["status"]), _text(entry["end_reason"])
        self.plan: dict[str, Any] = json.loads(_text(texts["plan_json"]))
        self.laboratory: dict[str, Any] = json.loads(_text(texts["laboratory_json"]))
        self.identities: dict[str, Any] = json.loads(_text(texts["identities_json"]))
        self.calibrations = Calibrations.model_validate_json(_text(texts["calibrations_json"]))
        shots = entry["shots"]
        self.committed = int(shots["committed"][()])
        self.states: NDArray[np.uint8] = shots["state"][()]
        self.causes: NDArray[np.uint8] = shots["cause"][()]
        self.shot_bursts: NDArray[np.int32] = shots["burst"][()]
        self.shot_steps: NDArray[np.int32] = shots["step"][()]
        self.time_tags_s: NDArray[np.float64] = shots["time_tag"][()]
        self.bursts = {name: entry[f"bursts/{name}"][()] for name in layout.BURST_COLUMNS}
        self.steps = _steps(entry["steps"])
        counts = entry["traces/counts"]
        self.axis = TraceAxis(
            start_s=float(counts.attrs["start_s"]),
            interval_s=float(counts.attrs["interval_s"]),
            samples=counts.shape[2],
            scale_V=tuple(counts.attrs["scale_V"].tolist()),
            offset_V=tuple(counts.attrs["offset_V"].tolist()),
        )
        self.traces = counts

    @property
    def recorded(self) -> NDArray[np.int64]:
        """Numbers of all recorded shots."""
        return np.flatnonzero(self.states[: self.committed] == int(ShotState.RECORDED))

    def blocks(self, shots: int = BLOCK_SHOTS) -> Iterator[ShotBlock]:
        """All recorded shots in order, in blocks of at most `shots` that do not cross a burst."""
        recorded = self.recorded
        bursts = self.shot_bursts[recorded]
        edges = np.flatnonzero(np.diff(bursts)) + 1
        for group in np.split(recorded, edges):
            for first in range(0, len(group), shots):
                numbers = group[first : first + shots]
                yield ShotBlock(
                    step=int(self.shot_steps[numbers[0]]),
                    burst=int(self.shot_bursts[numbers[0]]),
                    numbers=numbers,
                    time_tags_s=self.time_tags_s[numbers],
                    traces=self._read(numbers),
                )

    def events(self) -> list[tuple[float, str]]:
        """The run's log: laboratory time in s and text."""
        events = self._entry["events"]
        times, texts = events["time"][()], events["text"][()]
        return [(float(time), text.decode()) for time, text in zip(times, texts, strict=True)]

    def _read(self, numbers: NDArray[np.int64]) -> NDArray[np.int16]:
        first, last = int(numbers[0]), int(numbers[-1]) + 1
        try:
            traces: NDArray[np.int16] = self.traces[first:last]
        except OSError as error:
            raise RunFileError(f"{self.path}: the traces of shots {first} to {last - 1} are damaged ({error})") from None
        return traces if len(numbers) == last - first else traces[numbers - first]


def _open(path: Path) -> h5py.File:
    if not path.exists():
        raise RunFileError(f"there is no file {path}; give the path of a run file")
    try:
        # Works for finished files, and for those whose writer is still at work or was killed.
        return h5py.File(path, "r", libver="latest", swmr=True)
    except OSError as error:
        raise RunFileError(f"{path} cannot be opened as an HDF5 file ({error})") from None


def _steps(table: h5py.Group) -> list[Step]:
    columns = [table[name][()] for name in layout.STEP_COLUMNS]
    return [
        Step(
            index=index,
            field_set_T=float(field_set),
            field_T=float(field),
            source_temperature_K=float(temperature),
            helium_pressure_bar=float(pressure),
            velocity_m_s=float(velocity),
        )
        for index, (_, field_set, field, temperature, pressure, velocity) in enumerate(zip(*columns, strict=True))
    ]


def _text(dataset: h5py.Dataset) -> str:
    value = dataset[()]
    return value.decode() if isinstance(value, bytes) else str(value)
