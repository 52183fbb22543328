"""The frames of Bitshuffle-LZ4 chunks, looked at before a filter believes them.

HDF5's filter takes the lengths in a chunk as they are; wrong ones make it read and write beyond its memory, which ends the
process without a word.
"""

import struct

import numpy as np
from numpy.typing import NDArray

HEAD = struct.Struct(">QI")
"""Bytes of the whole chunk, and of one block before compression (the filter's own format)."""
BLOCK = 8192
"""Bytes of a block in our files, and in others unless somebody chose otherwise."""
LENGTH = 4
"""Bytes in front of each block that tell its length."""
EIGHT = 8
"""Samples that are shuffled together; what is left over at the end is stored as it is."""


def torn(
    content: NDArray[np.uint8], offsets: NDArray[np.int64], sizes: NDArray[np.int64], holds: int, itemsize: int = 2
) -> NDArray[np.bool_]:
    """Which of the chunks at `offsets` of `content`, `sizes` bytes long, cannot be the frame of `holds` bytes of samples.

    All of them are walked through together, from block to block; bool[chunks].
    """
    ends = offsets + sizes
    wrong = (sizes < HEAD.size) | (offsets < 0) | (ends > len(content))
    safe = np.where(wrong, 0, offsets)
    total, block = _big_endian(content, safe, 8), _big_endian(content, safe + 8, LENGTH)
    unit = EIGHT * itemsize
    # One damaged head must not make the others seem to be.
    usual = BLOCK if (block == BLOCK).any() or not len(block) else int(block[0])
    wrong |= (total != holds) | (block != usual)
    if usual <= 0 or usual % unit:
        return np.ones(len(offsets), bool)
    at, left = safe + HEAD.size, holds
    while left >= unit:
        wrong |= at + LENGTH > ends
        lengths = _big_endian(content, np.where(wrong, 0, at), LENGTH)
        at = np.where(wrong, 0, at + LENGTH + lengths)
        left -= min(usual, left // unit * unit)
    found: NDArray[np.bool_] = wrong | (at + left != ends)
    return found


def _big_endian(content: NDArray[np.uint8], places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The numbers of `count` bytes at these places; beyond what int64 holds they are negative."""
    found = content[places[:, np.newaxis] + np.arange(count)].astype(np.uint64)
    weights = np.uint64(256) ** np.arange(count - 1, -1, -1, dtype=np.uint64)
    numbers: NDArray[np.int64] = (found * weights).sum(axis=1, dtype=np.uint64).astype(np.int64)
    return numbers
