"""The open run file: its traces, its tables, and the journal of everything that is told."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from daq.record import layout
from daq.record.filters import Filters
from daq.record.journal import Journal
from daq.record.messages import Create, Finish, Finished, Recorded, Stored, Told
from daq.record.protection import Protection
from daq.record.tables import Tables

CACHE = 2**16
"""Bytes of a dataset's chunks that HDF5 keeps in memory: the last one of a column, not megabytes of what is written."""
SHOTS_AT_ONCE = 16
"""Written before anything else is looked at: a few milliseconds."""


class RunWriter:
    """A new run file.  Raises `OSError` where it cannot be made or written, `ValueError` for what makes no sense."""

    def __init__(self, run: Create) -> None:
        self.run = run
        self.path = Path(run.path)
        self.shape = (run.channels, run.samples)
        self._sum = np.zeros(run.samples, dtype=np.int64)
        self._adding = ThreadPoolExecutor(1, thread_name_prefix="sum")
        self._file = h5py.File(self.path, "x", libver="latest", rdcc_nbytes=CACHE)
        try:
            layout.create(self._file, run)
        except BaseException:
            # Half laid out, it would be in the way of whoever tries again.
            self._file.close()
            self.path.unlink()
            raise
        self._file.swmr_mode = True
        self._tables = Tables(self._file, run)
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
        self._tables.tell(message)
        self._make_room()

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
        self._tables.grow(int(numbers[-1]) + 1)
        self._make_room()
        places = np.array(
            [
                (self._place(self._traces, (number, 0, 0), chunk, mask), len(chunk), mask)
                for number, (chunk, mask) in zip(numbers.tolist(), chunks, strict=True)
            ],
            np.uint64,
        )
        self._sum += total.result()
        return self._commit(message, places)

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
        self._tables.write()
        self._file.flush()
        self._file[layout.COMMITTED][()] = self._committed
        self._file.flush()
        self._protection.check()

    def finish(self, message: Finish) -> Finished:
        """Settle what is still open, fill in the end of the run, close, and give the file its permissions back."""
        for fired in self._tables.without_end():
            self.tell(fired)
        self._tables.settle()
        if self._tables.recorded:
            self._file["entry/spectrum/mean"][:] = self._sum / self._tables.recorded
        self._journal.add(message)
        self.publish()
        # Last, so that a reader who sees the end of the run sees all of it.
        self._tables.end(message)
        self._file.flush()
        os.fsync(self.descriptor)
        self._file.close()
        self._filters.close()
        self._adding.shutdown()
        self._protection.end()
        return Finished(recorded=self._tables.recorded, lost=self._tables.lost)

    def abandon(self) -> None:
        """Give the file its permissions back after a failure; what was committed stays readable."""
        self._adding.shutdown()
        self._protection.end()

    def _commit(self, message: Recorded, places: NDArray[np.uint64]) -> int:
        """Journal and columns of a block whose traces are written; once the journal is, the block counts."""
        settled = self._tables.store(message)
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
        self._committed = settled
        return settled

    def _make_room(self) -> None:
        if self._tables.shots > self._traces.shape[0]:
            self._traces.resize(self._tables.shots, axis=0)

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
