"""Bitshuffle-LZ4 chunks unpacked by the filter's library without HDF5, which works for one thread at a time only.

The function is that of the library's public header, `bitshuffle.h`; where it cannot be had, HDF5 does it.
"""

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from daq.record.frames import HEAD


def unpack(content: NDArray[np.uint8], offsets: NDArray[np.int64], sizes: NDArray[np.int64], traces: NDArray[np.int16]) -> bool:
    """Whether each of the chunks at `offsets` of `content`, `sizes` bytes long, could be unpacked into its trace of `traces`
    int16[shots, channels, samples], contiguous.  Their frames have to be whole (`frames.torn`)."""
    decompress = library()
    if decompress is None:
        return False
    begin, end, step = content.ctypes.data, traces.ctypes.data, traces[0].nbytes
    samples, itemsize = traces[0].size, traces.itemsize
    for shot, (offset, size) in enumerate(zip(offsets.tolist(), sizes.tolist(), strict=True)):
        _, block = HEAD.unpack_from(content.data, offset)
        used = decompress(begin + offset + HEAD.size, end + shot * step, samples, itemsize, block // itemsize)
        if used != size - HEAD.size:
            return False
    return True


@cache
def library() -> Any:
    """`bshuf_decompress_lz4(in, out, samples, bytes of one, samples of a block)`, which gives the bytes used, or None."""
    for path in Path(hdf5plugin.PLUGINS_PATH).glob("*h5bshuf.*"):
        try:
            found = ctypes.CDLL(str(path)).bshuf_decompress_lz4
        except (OSError, AttributeError):
            continue
        found.restype = ctypes.c_int64
        found.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *3 * [ctypes.c_size_t]]
        return found
    return None
