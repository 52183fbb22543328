"""The run file: which groups and datasets it has.  `docs/run-file.md` describes them for readers; this is where they are made.

Everything is created here, before the first shot; later only rows are added and preallocated texts are filled in, which
single-writer-multiple-reader mode allows.
"""

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from daq.record.journal import PAGE
from daq.record.messages import Create

SCHEMA = "clusterbeam-run"
SCHEMA_VERSION = 3
TEXT_BYTES = 400
VALUE_BYTES = 120
TRACES = "entry/traces/counts"
JOURNAL = "entry/journal"
COMMITTED = "entry/shots/committed"


class ShotState(IntEnum):
    """What is known of a shot's number."""

    ARMED = 0
    RECORDED = 1
    LOST = 2
    NOT_FIRED = 3
    """The burst ended early; the number was armed and never used."""


class Cause(IntEnum):
    """Why a shot is lost."""

    NONE = 0
    DIGITIZER_MISSED = 1
    PROCESS_KILLED = 2
    DIGITIZER_FAILED = 3
    WRITER_FAILED = 4
    DAMAGED = 5


class BadShot(IntFlag):
    """Why a recorded shot should not be used; a shot may have several reasons."""

    DARK = 1
    INSTRUMENT_UNFIT = 2
    OFF_SET_POINT = 4


BAD_SHOTS = {
    BadShot.DARK: "no ion at all, though the shots around it have many",
    BadShot.INSTRUMENT_UNFIT: "an instrument was lost or unfit",
    BadShot.OFF_SET_POINT: "a quantity had left its set point",
}


class BackgroundKind(IntEnum):
    """What kept the beam away in a step."""

    NONE = 0
    CHOPPER_CLOSED = 1
    ABLATION_BLOCKED = 2


BACKGROUNDS = {
    BackgroundKind.NONE: "",
    BackgroundKind.CHOPPER_CLOSED: "chopper closed",
    BackgroundKind.ABLATION_BLOCKED: "ablation blocked",
}


class EventKind(IntEnum):
    """Who says it."""

    EVENT = 0
    NOTE = 1


EVENT_KINDS = {EventKind.EVENT: "", EventKind.NOTE: "note"}


class FiredSource(IntEnum):
    """How the number of fired shots of a burst is known."""

    UNKNOWN = 0
    TIME_TAGS = 1
    """The digitizer's time tags span that many periods of the commanded rate."""
    COMMANDED = 2
    """Rate × time armed; the delay generator has no counter."""
    COUNTED = 3
    """The digitizer's time tags, and a trigger counter agrees."""


CAUSES = {
    Cause.NONE: "none",
    Cause.DIGITIZER_MISSED: "the digitizer missed the trigger",
    Cause.PROCESS_KILLED: "process killed",
    Cause.DIGITIZER_FAILED: "the digitizer failed",
    Cause.WRITER_FAILED: "the writer failed",
    Cause.DAMAGED: "its trace was damaged in the file",
}

SHOT_COLUMNS: dict[str, tuple[str, str]] = {
    "state": ("u1", ""),
    "cause": ("u1", ""),
    "burst": ("i4", ""),
    "step": ("i4", ""),
    "time_tag": ("f8", "s"),
    "planned": ("i8", ""),
    "bad": ("u2", ""),
    "ionisation": ("f8", "s"),
    "checksum": ("u8", ""),
}
BURST_COLUMNS: dict[str, tuple[str, str]] = {
    "first_shot": ("i8", ""),
    "armed": ("i4", ""),
    "fired": ("i4", ""),
    "recorded": ("i4", ""),
    "lost": ("i4", ""),
    "step": ("i4", ""),
    "fired_source": ("u1", ""),
    "counted": ("i4", ""),
    "armed_at": ("f8", "s"),
}
STEP_COLUMNS: dict[str, tuple[str, str]] = {
    "started": ("f8", "s"),
    "field_set": ("f8", "T"),
    "field": ("f8", "T"),
    "source_temperature": ("f8", "K"),
    "helium_pressure": ("f8", "bar"),
    "velocity": ("f8", "m/s"),
    "index": ("i8", ""),
    "round": ("i4", ""),
    "point": ("i4", ""),
    "cycle": ("i4", ""),
    "background": ("u1", ""),
    "planned_first": ("i8", ""),
    "shots": ("i8", ""),
    "skipped": ("u1", ""),
}
SET_POINT = ("set", "read_back")
"""Of each further quantity that a plan sets, in each step."""
TIMING = ("planned", "programmed")
"""Of each event of a shot, in each step."""

COMPRESSIONS: dict[str, Mapping[str, Any]] = {
    "bitshuffle-lz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "gzip": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
    "none": {},
}
"""Readers without the filter plugin open the last two."""


def create(file: h5py.File, run: Create) -> None:
    """Lay out an empty run file."""
    file.attrs.update(NX_class="NXroot", default="entry", schema=SCHEMA, schema_version=SCHEMA_VERSION)
    entry = _group(file, "entry", "NXentry", default="spectrum")
    for name, text in (("title", run.title), ("start_time", run.started), ("element", run.element)):
        entry.create_dataset(name, data=text)
    entry.create_dataset("sizes", data=np.array(run.sizes))
    for name, text in (("run_id", run.run_id), ("continues_file", run.continues_file), ("continues_id", run.continues_id)):
        entry.create_dataset(name, data=text)
    entry.create_dataset("planned_done", data=np.int64(run.planned_done))
    for name in ("end_time", "status", "end_reason"):
        entry.create_dataset(name, data=np.bytes_(b""), dtype=f"S{TEXT_BYTES}")
    entry["status"][()] = np.bytes_(b"running")
    _texts(entry, run)
    shots = _table(entry, "shots", SHOT_COLUMNS, chunk=4096)
    shots["state"].attrs["meaning"] = [f"{state.value}: {state.name.lower()}" for state in ShotState]
    shots["cause"].attrs["meaning"] = [f"{cause.value}: {text}" for cause, text in CAUSES.items()]
    shots["bad"].attrs["meaning"] = [f"{bit.value}: {text}" for bit, text in BAD_SHOTS.items()]
    shots["checksum"].attrs["long_name"] = "XXH3-64 of the shot's int16 samples, little-endian"
    shots["ionisation"].attrs["long_name"] = "light after the digitizer's trigger"
    shots.create_dataset("committed", data=np.int64(0))
    bursts = _table(entry, "bursts", BURST_COLUMNS, chunk=1024)
    bursts["fired_source"].attrs["meaning"] = [f"{source.value}: {source.name.lower()}" for source in FiredSource]
    bursts.attrs["rate_Hz"] = run.rate_Hz
    _steps(entry, run)
    _traces(entry, run)
    _spectrum(entry, run)
    _housekeeping(entry, run)
    _snapshots(entry, run)
    events = _group(entry, "events", "NXcollection")
    events.create_dataset("time", shape=(0,), maxshape=(None,), chunks=(256,), dtype="f8").attrs["units"] = "s"
    events.create_dataset("text", shape=(0,), maxshape=(None,), chunks=(64,), dtype=f"S{TEXT_BYTES}")
    events.create_dataset("kind", shape=(0,), maxshape=(None,), chunks=(256,), dtype="u1")
    events["kind"].attrs["meaning"] = [f"{kind.value}: {text or 'event'}" for kind, text in EVENT_KINDS.items()]
    journal = entry.create_dataset("journal", shape=(0, PAGE), maxshape=(None, PAGE), chunks=(1, PAGE), dtype="u1")
    journal.attrs["long_name"] = "for `clusterbeam recover`"


def _steps(entry: h5py.Group, run: Create) -> None:
    steps = _table(entry, "steps", STEP_COLUMNS, chunk=256)
    steps["background"].attrs["meaning"] = [f"{kind.value}: {text or 'none'}" for kind, text in BACKGROUNDS.items()]
    set_points = _group(steps, "set_points", "NXcollection")
    for quantity in run.set_points:
        _table(set_points, quantity.name, dict.fromkeys(SET_POINT, ("f8", quantity.unit)), chunk=256)
    timing = _group(steps, "timing", "NXcollection")
    for name in run.events:
        _table(timing, name, dict.fromkeys(TIMING, ("f8", "s")), chunk=256)


def _snapshots(entry: h5py.Group, run: Create) -> None:
    """What every quantity was at the start and at the end."""
    snapshots = _group(entry, "snapshots", "NXcollection")
    for name, texts in (("quantity", [one.name for one in run.snapshot]), ("unit", [one.unit for one in run.snapshot])):
        snapshots.create_dataset(name, data=np.array(texts, dtype=h5py.string_dtype()), dtype=h5py.string_dtype())
    for when in ("start", "end"):
        values = np.full(len(run.snapshot), b"", dtype=f"S{VALUE_BYTES}")
        snapshots.create_dataset(when, data=values)
        snapshots.create_dataset(f"{when}_time", data=np.float64("nan")).attrs["units"] = "s"


def _texts(entry: h5py.Group, run: Create) -> None:
    texts = _group(entry, "configuration", "NXcollection")
    for name in ("plan", "laboratory", "calibrations", "versions", "identities"):
        texts.create_dataset(f"{name}_json", data=getattr(run, f"{name}_json"))


def _traces(entry: h5py.Group, run: Create) -> None:
    traces = _group(entry, "traces", "NXdata", signal="counts", axes=[".", ".", "time"])
    traces.create_dataset(
        "counts",
        shape=(0, run.channels, run.samples),
        maxshape=(None, run.channels, run.samples),
        chunks=(1, run.channels, run.samples),
        dtype="i2",
        **COMPRESSIONS[run.compression],
    )
    traces["counts"].attrs.update(long_name="MCP signal", start_s=run.start_s, interval_s=run.interval_s)
    traces["counts"].attrs.update(scale_V=np.array(run.scale_V), offset_V=np.array(run.offset_V))
    if run.highest_code:
        traces["counts"].attrs["highest_code"] = np.array(run.highest_code)
    _time_axis(traces, run)


def _spectrum(entry: h5py.Group, run: Create) -> None:
    spectrum = _group(entry, "spectrum", "NXdata", signal="mean", axes=["time"], title="Mean trace of all shots")
    spectrum.create_dataset("mean", shape=(run.samples,), dtype="f4").attrs.update(units="counts", long_name="MCP signal")
    _time_axis(spectrum, run)


def _time_axis(group: h5py.Group, run: Create) -> None:
    time_us = (run.start_s + run.interval_s * np.arange(run.samples)) * 1e6
    group.create_dataset("time", data=time_us.astype("f4")).attrs.update(units="us", long_name="time of flight")


def _housekeeping(entry: h5py.Group, run: Create) -> None:
    housekeeping = _group(entry, "housekeeping", "NXcollection")
    for index, channel in enumerate(run.log):
        log = _group(housekeeping, channel.name, "NXlog", signal="value", axes=["time"], index=index)
        for name, unit in (("time", "s"), ("value", channel.unit)):
            dataset = log.create_dataset(name, shape=(0,), maxshape=(None,), chunks=(512,), dtype="f8")
            if unit:
                dataset.attrs["units"] = unit


def _table(entry: h5py.Group, name: str, columns: dict[str, tuple[str, str]], chunk: int) -> h5py.Group:
    table = _group(entry, name, "NXcollection")
    for column, (kind, unit) in columns.items():
        fill = {"f8": np.nan, "i8": -1}.get(kind, 0)
        dataset = table.create_dataset(column, shape=(0,), maxshape=(None,), chunks=(chunk,), dtype=kind, fillvalue=fill)
        if unit:
            dataset.attrs["units"] = unit
    return table


def _group(parent: h5py.Group, name: str, nexus_class: str, **attributes: Any) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs.update(NX_class=nexus_class, **attributes)
    return group
