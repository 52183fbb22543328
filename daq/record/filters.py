"""What HDF5's filters make of a trace, and back: done in memory, so that there are bytes to place or to try."""

from types import TracebackType

import h5py
import numpy as np
from numpy.typing import NDArray

from daq.record.frames import BLOCK, HEAD, torn
from daq.record.layout import COMPRESSIONS

try:
    from bitshuffle import compress_lz4
except ImportError:
    # It comes for fewer systems than HDF5's own filter, which takes longer for the same bytes.
    compress_lz4 = None

ALL = h5py.h5s.ALL
FIRST = (0, 0, 0)


class Filters:
    """A context with the filters of one run file, whose traces have `shape` (channels, samples)."""

    def __init__(self, compression: str, shape: tuple[int, int]) -> None:
        # HDF5 wants open files to have different names, those in memory too.
        self._file = h5py.File(f"filters-{id(self)}", "w", driver="core", backing_store=False)
        chunk = (1, *shape)
        self._chunk = self._file.create_dataset("chunk", chunk, "i2", chunks=chunk, **COMPRESSIONS[compression]).id
        self._room = np.empty(chunk, np.int16)
        self._shuffles = compression == "bitshuffle-lz4"
        self._fast = compression == "bitshuffle-lz4" and compress_lz4 is not None

    def __enter__(self) -> "Filters":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def pack(self, trace: NDArray[np.int16]) -> tuple[bytes, int]:
        """The chunk of `trace` int16[channels, samples], and the mask of filters that were left out."""
        trace = np.ascontiguousarray(trace)
        if self._fast:
            return b"".join((HEAD.pack(trace.nbytes, BLOCK), compress_lz4(trace.reshape(-1)))), 0
        self._chunk.write(ALL, ALL, trace)
        mask, chunk = self._chunk.read_direct_chunk(FIRST)
        return chunk, mask

    def unpack(self, chunk: bytes, mask: int) -> NDArray[np.int16]:
        """The trace in a chunk, int16[channels, samples].  What is damaged raises `OSError`, or gives another trace."""
        if self._shuffles and not mask and _is_torn(chunk, self._room.nbytes):
            raise OSError("its blocks do not fit together")
        self._chunk.write_direct_chunk(FIRST, chunk, mask)
        self._chunk.read(ALL, ALL, self._room)
        trace: NDArray[np.int16] = self._room[0].copy()
        return trace


def _is_torn(chunk: bytes, holds: int) -> bool:
    content = np.frombuffer(chunk, np.uint8)
    return len(chunk) < HEAD.size or bool(torn(content, np.zeros(1, np.int64), np.array([len(chunk)]), holds)[0])
