"""Making a killed, truncated or half-written run file ordinary again, from its journal and the traces it points to.

HDF5's own index of the damaged file is not used.  The journal is told again to a new file, as the engine told it; of each
shot that it calls stored, the bytes are fetched from where they lie, and their checksum decides whether they are kept.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from daq.record.checksums import checksums
from daq.record.filters import Filters
from daq.record.journal import Gap, read_messages
from daq.record.layout import Cause
from daq.record.messages import Create, Finish, InJournal, Lost, Recorded, Stored
from daq.record.opening import RunFileError, refuse_no_file, refuse_running
from daq.record.run_writer import RunWriter
from daq.record.tables import stretches

_Found = tuple[bytes, int, NDArray[np.int16]]
"""Chunk, filter mask and trace int16[channels, samples] of a shot that is whole."""
Find = Callable[[Stored], list[_Found | None]]
REASON = "recovered: the file was never closed"


@dataclass
class Recovery:
    """What is in the new file.  `damaged` are shots that were recorded and are lost now; `lost` are all lost ones."""

    kept: int = 0
    lost: int = 0
    damaged: list[int] = field(default_factory=list)
    gap: bool = False
    """A part of the journal is missing; what stood after it is not in the new file."""
    status: str = ""
    """How the run ended; empty if that is missing, and with it perhaps more."""


def recover(damaged: Path, target: Path) -> Recovery:
    """Make `target` from what is left in `damaged`, which stays as it is.

    `RunFileError` if nothing can be made of it, or it is still being written; `FileExistsError` if `target` exists.
    """
    with _mapped(damaged) as content:
        messages = read_messages(content)
        first = next(messages, None)
        if not isinstance(first, Create):
            raise RunFileError(f"{damaged} cannot be recovered: it does not hold the beginning of a run's journal")
        if target.exists():
            raise FileExistsError(f"{target} exists; choose another file")
        recovery = Recovery()
        file = RunWriter(msgspec.structs.replace(first, path=str(target)))
        try:
            with Filters(first.compression, file.shape) as filters:
                finish = _tell_again(messages, file, lambda stored: list(_found(stored, content, filters)), recovery)
            if recovery.damaged:
                file.tell(Lost(np.array(recovery.damaged, np.int64).tobytes(), int(Cause.DAMAGED)))
            finished = file.finish(finish or Finish("aborted", REASON, _last_written(damaged)))
        except BaseException:
            file.abandon()
            target.unlink()
            raise
    recovery.kept, recovery.lost = finished.recorded, finished.lost
    recovery.status = finish.status if finish else ""
    return recovery


def _tell_again(messages: Iterator[InJournal | Gap], file: RunWriter, find: Find, recovery: Recovery) -> Finish | None:
    """Everything up to the end of the journal or its first gap; the run's last message, if it is there."""
    for message in messages:
        match message:
            case Gap():
                recovery.gap = True
                return None
            case Finish():
                return message
            case Stored():
                _restore(message, file, find(message), recovery)
            case Create():
                raise RunFileError("the journal holds two beginnings")
            case _:
                file.tell(message)
    return None


def _restore(message: Stored, file: RunWriter, found: list[_Found | None], recovery: Recovery) -> None:
    """The shots of a block that are whole; in stretches, since numbers in the plan follow on within each."""
    numbers = np.frombuffer(message.numbers, np.int64)
    whole = [(place, one) for place, one in enumerate(found) if one is not None]
    recovery.damaged += [number for number, one in zip(numbers.tolist(), found, strict=True) if one is None]
    if not whole:
        return
    for first, last in stretches(np.array([place for place, _ in whole])):
        part = [one for _, one in whole[first:last]]
        block = np.stack([trace for _, _, trace in part])
        told = _part(message, whole[first][0], whole[last - 1][0] + 1)
        file.restore(told, [(chunk, mask) for chunk, mask, _ in part], block)


def _part(message: Stored, begin: int, end: int) -> Recorded:
    part = slice(8 * begin, 8 * end)
    return Recorded(
        burst=message.burst,
        step=message.step,
        slot=-1,
        numbers=message.numbers[part],
        time_tags_s=message.time_tags_s[part],
        planned=message.planned + begin,
        checksums=message.checksums[part],
    )


def _found(message: Stored, content: mmap, filters: Filters) -> Iterator[_Found | None]:
    """Each shot of a block; None where it is damaged."""
    columns = [np.frombuffer(column, np.uint64).tolist() for column in (message.offsets, message.sizes, message.masks)]
    for offset, size, mask, checksum in zip(*columns, np.frombuffer(message.checksums, np.uint64), strict=True):
        chunk = content[offset : offset + size]
        trace = _unpacked(chunk, mask, filters) if len(chunk) == size else None
        whole = trace is not None and checksums(trace[None])[0] == checksum
        yield (chunk, mask, trace) if whole and trace is not None else None


def _unpacked(chunk: bytes, mask: int, filters: Filters) -> NDArray[np.int16] | None:
    try:
        return filters.unpack(chunk, mask)
    except (OSError, ValueError, RuntimeError):
        return None


@contextmanager
def _mapped(path: Path) -> Iterator[mmap]:
    refuse_no_file(path)
    if path.stat().st_size == 0:
        raise RunFileError(f"{path} is empty; there is nothing to recover")
    refuse_running(path)
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        yield content


def _last_written(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
