"""A run as the analyst gets it: one labelled dataset over all its files, whose traces are read when they are asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import TraceAxis
from daq.record.layout import BAD_SHOTS
from daq.record.run_file import RunFile
from daq.record.series import Series

if TYPE_CHECKING:
    from xarray import Dataset

OF_A_STEP = {
    "field_set": ("field_set_T", "T", "magnetic field as set"),
    "field": ("field_T", "T", "magnetic field read back when the step had settled"),
    "source_temperature": ("source_temperature_K", "K", "temperature of the source"),
    "helium_pressure": ("helium_pressure_bar", "bar", "stagnation pressure of the helium"),
    "velocity": ("velocity_m_s", "m/s", "velocity selected by the chopper"),
    "point": ("point", "", "point of the plan's scans"),
    "background": ("background", "", "what kept the beam away"),
}
OF_A_SHOT = {
    "burst": ("shot_bursts", "", "burst, counted in each file"),
    "step": ("shot_steps", "", "step, counted in each file"),
    "time_tag": ("time_tags_s", "s", "digitizer's time after the burst's first shot"),
    "planned": ("planned", "", "number in the plan"),
    "ionisation": ("ionisation_s", "s", "light after the digitizer's trigger"),
    "bad": ("bad", "", "; ".join(f"{bit.value}: {text}" for bit, text in BAD_SHOTS.items())),
}


def open_run(path: Path | str) -> "Dataset":
    """All recorded shots of a run and what it continues, oldest first.  Needs the extra `analyst` (xarray and dask).

    `counts` int16 (shot, channel, time) are the ADC codes, `voltage` float64 (shot, channel, time) the same in V; both are read
    from the files, and compared with their checksums, only where they are computed.  Coordinates along `shot`: number in its
    `file`, conditions of its step, and whether it is `bad`.  `RunFileError` for what is no run, `ValueError` when its files
    differ in time axis or scale.
    """
    try:
        import dask.array
        import xarray
    except ImportError:
        raise ImportError("open_run needs xarray and dask; install clusterbeam[analyst]") from None
    with Series(Path(path)) as series:
        first = series.parts[0]
        if any(part.axis != first.axis for part in series.parts):
            raise ValueError(f"{path}: the parts of this run were recorded with different time axes or scales")
        pieces = [_Piece(part.path, numbers) for part in series.parts for numbers in part.groups()]
        coordinates = _coordinates(series)
        attributes = _attributes(series)
        axis = first.axis
    shape = (len(axis.scale_V), axis.samples)
    arrays = [
        dask.array.from_delayed(dask.delayed(piece.read)(), (len(piece.numbers), *shape), np.dtype(np.int16))
        for piece in pieces
    ]
    counts = dask.array.concatenate(arrays) if arrays else dask.array.zeros((0, *shape), np.int16)
    scale, offset = (np.array(of_channels)[:, None] for of_channels in (axis.scale_V, axis.offset_V))
    dimensions = ("shot", "channel", "time")
    variables = {
        "counts": (dimensions, counts, {"units": "1", "long_name": "ADC code"}),
        "voltage": (dimensions, counts * scale + offset, {"units": "V", "long_name": "signal"}),
    }
    return xarray.Dataset(variables, {**coordinates, **_axes(axis)}, attributes)


@dataclass(frozen=True)
class _Piece:
    """Shots of one burst, to be read in whatever thread or process computes them."""

    path: Path
    numbers: NDArray[np.int64]

    def read(self) -> NDArray[np.int16]:
        with RunFile(self.path) as run:
            return run.block(self.numbers).traces


def _coordinates(series: Series) -> dict[str, Any]:
    columns: dict[str, list[NDArray[Any]]] = {"file": [], "number": []}
    for part in series.parts:
        numbers = part.recorded
        columns["file"].append(np.full(len(numbers), part.path.name))
        columns["number"].append(numbers)
        for name, (attribute, _, _) in OF_A_SHOT.items():
            columns.setdefault(name, []).append(getattr(part, attribute)[numbers])
        rows = part.shot_steps[numbers]
        for name, (attribute, _, _) in OF_A_STEP.items():
            values = np.array([getattr(step, attribute) for step in part.steps] or [0])
            columns.setdefault(name, []).append(values[rows])
    said = {
        "file": ("", "", "run file"),
        "number": ("", "", "number of the shot in its file"),
        **OF_A_SHOT,
        **OF_A_STEP,
    }
    return {
        name: (
            "shot",
            np.concatenate(parts),
            {"long_name": said[name][2]} | ({"units": said[name][1]} if said[name][1] else {}),
        )
        for name, parts in columns.items()
    }


def _axes(axis: TraceAxis) -> dict[str, Any]:
    time_s = axis.start_s + axis.interval_s * np.arange(axis.samples)
    return {
        "time": ("time", time_s, {"units": "s", "long_name": "time of flight"}),
        "channel": ("channel", np.arange(1, len(axis.scale_V) + 1)),
    }


def _attributes(series: Series) -> dict[str, Any]:
    last = series.last
    return {
        "title": last.title,
        "element": last.element,
        "status": last.status,
        "run_id": last.run_id,
        "started": series.parts[0].started,
        "files": [part.path.name for part in series.parts],
    }
