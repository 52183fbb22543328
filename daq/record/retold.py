"""Whether a finished run file holds what its journal tells: which step and field a shot belongs to, and all the rest.

Only traces have checksums of their own.  Pages of the journal have them too, and everything else in the file follows from
what they tell; so the journal is told once more, to tables in memory.
"""

from collections.abc import Iterator

import h5py
import numpy as np
from numpy.typing import NDArray

from daq.record import layout
from daq.record.journal import Gap, read_messages
from daq.record.messages import Create, Finish, InJournal, Stored
from daq.record.tables import Tables

OTHERWISE_PROVED = {layout.TRACES, layout.JOURNAL, "entry/spectrum/mean"}
"""Traces by their checksums, pages by theirs, and the mean by both."""
MEANINGS = {layout.TRACES: ("start_s", "interval_s", "scale_V", "offset_V", "highest_code"), "entry/bursts": ("rate_Hz",)}
"""Attributes that numbers are made with."""


def differences(file: h5py.File) -> list[str]:
    """What stands otherwise in the tables, texts and settings of a closed run file than in its journal, in words."""
    messages = read_messages(file[layout.JOURNAL][()].tobytes())
    first = next(messages, None)
    if not isinstance(first, Create):
        return ["its journal has no beginning"]
    with h5py.File("retold", "w", driver="core", backing_store=False) as told:
        layout.create(told, first)
        if not _tell(messages, told, first):
            return ["its journal is damaged before its end"]
        return [*_in_datasets(told, file), *_in_attributes(told, file)]


def _tell(messages: Iterator[InJournal | Gap], told: h5py.File, run: Create) -> bool:
    """Fill the tables; whether the journal reaches the end of the run."""
    tables, committed = Tables(told, run), 0
    for message in messages:
        match message:
            case Gap() | Create():
                return False
            case Stored():
                committed = tables.store(message)
            case Finish():
                tables.settle()
                tables.write()
                tables.end(message)
                told[layout.COMMITTED][()] = committed
                return True
            case _:
                tables.tell(message)
    return False


def _in_datasets(told: h5py.File, file: h5py.File) -> Iterator[str]:
    for name in _names(told):
        if name in OTHERWISE_PROVED:
            continue
        if name not in file:
            yield f"{name} is missing"
        elif (where := _unlike(np.asarray(told[name][()]), np.asarray(file[name][()]))) is not None:
            yield f"{name}{where}"


def _in_attributes(told: h5py.File, file: h5py.File) -> Iterator[str]:
    for name, attributes in MEANINGS.items():
        for attribute in attributes:
            if not np.array_equal(told[name].attrs.get(attribute), file[name].attrs.get(attribute)):
                yield f"{attribute} of {name}"


def _names(told: h5py.File) -> list[str]:
    names: list[str] = []
    told.visititems(lambda name, one: names.append(name) if isinstance(one, h5py.Dataset) else None)
    return names


def _unlike(told: NDArray[np.generic], found: NDArray[np.generic]) -> str | None:
    """Which rows are not alike, in words; None if all are."""
    if told.shape != found.shape:
        return f" (of shape {found.shape} instead of {told.shape})"
    unlike = np.asarray(told != found)
    if told.dtype.kind == found.dtype.kind == "f":
        unlike &= ~(np.isnan(told) & np.isnan(found))
    if not unlike.any():
        return None
    if unlike.ndim == 0:
        return ""
    rows = np.flatnonzero(unlike)
    return f" (row {rows[0]})" if len(rows) == 1 else f" ({len(rows)} rows from {rows[0]} to {rows[-1]})"
