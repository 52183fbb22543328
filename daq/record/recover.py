"""Making a killed, truncated or half-written run file ordinary again, from its journal and the traces it points to.

HDF5's own index of the damaged file is not used.  The journal is told again to a new file, as the engine told it; of each
shot that it calls stored, the bytes are fetched from where they lie, and their checksum decides whether they are kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path
from types import TracebackType

import h5py
import msgspec
import numpy as np
from numpy.typing import NDArray

from daq.record.checksums import checksums
from daq.record.journal import Gap, read_messages
from daq.record.layout import COMPRESSIONS, Cause
from daq.record.messages import Create, Finish, InJournal, Lost, Recorded, Stored
from daq.record.run_file import RunFileError, refuse_running
from daq.record.run_writer import RunWriter, stretches

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
            with _Chunks(content, first) as chunks:
                finish = _tell_again(messages, file, chunks, recovery)
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


def _tell_again(messages: Iterator[InJournal | Gap], file: RunWriter, chunks: "_Chunks", recovery: Recovery) -> Finish | None:
    """Everything up to the end of the journal or its first gap; the run's last message, if it is there."""
    for message in messages:
        match message:
            case Gap():
                recovery.gap = True
                return None
            case Finish():
                return message
            case Stored():
                _restore(message, file, chunks, recovery)
            case Create():
                raise RunFileError("the journal holds two beginnings")
            case _:
                file.tell(message)
    return None


def _restore(message: Stored, file: RunWriter, chunks: "_Chunks", recovery: Recovery) -> None:
    """The shots of a block that are whole; in stretches, since numbers in the plan follow on within each."""
    numbers = np.frombuffer(message.numbers, np.int64)
    found = chunks.of(message)
    whole = [(place, one) for place, one in enumerate(found) if one is not None]
    recovery.damaged += [number for number, one in zip(numbers.tolist(), found, strict=True) if one is None]
    if not whole:
        return
    for first, last in stretches(np.array([place for place, _ in whole])):
        part = [one for _, one in whole[first:last]]
        block = np.concatenate([trace for _, _, trace in part])
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


class _Chunks:
    """The traces of a damaged file as they lie there, each tried in a file in memory before it is believed."""

    def __init__(self, content: mmap, run: Create) -> None:
        self._content = content
        self._trial = h5py.File("trial", "w", driver="core", backing_store=False)
        shape = (1, run.channels, run.samples)
        self._trace = self._trial.create_dataset("trace", shape, "i2", chunks=shape, **COMPRESSIONS[run.compression])

    def __enter__(self) -> "_Chunks":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._trial.close()

    def of(self, message: Stored) -> list[tuple[bytes, int, NDArray[np.int16]] | None]:
        """Chunk, filter mask and trace int16[1, channels, samples] of each shot; None where it is damaged."""
        columns = zip(
            np.frombuffer(message.offsets, np.uint64).tolist(),
            np.frombuffer(message.sizes, np.uint64).tolist(),
            np.frombuffer(message.masks, np.uint32).tolist(),
            np.frombuffer(message.checksums, np.uint64).tolist(),
            strict=True,
        )
        return [self._one(*column) for column in columns]

    def _one(self, offset: int, size: int, mask: int, checksum: int) -> tuple[bytes, int, NDArray[np.int16]] | None:
        chunk = self._content[offset : offset + size]
        if len(chunk) < size:
            return None
        try:
            self._trace.id.write_direct_chunk((0, 0, 0), chunk, filter_mask=mask)
            trace: NDArray[np.int16] = self._trace[:]
        except (OSError, ValueError, RuntimeError):
            return None
        return (chunk, mask, trace) if int(checksums(trace)[0]) == checksum else None


@contextmanager
def _mapped(path: Path) -> Iterator[mmap]:
    if not path.is_file():
        raise RunFileError(f"there is no file {path}; give the path of a run file")
    if path.stat().st_size == 0:
        raise RunFileError(f"{path} is empty; there is nothing to recover")
    refuse_running(path)
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        yield content


def _last_written(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
