"""Checksums of traces, from the moment they are received to any later reading."""

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest


def checksums(traces: NDArray[np.int16]) -> NDArray[np.uint64]:
    """XXH3-64 of each shot's samples, uint64[shots], of `traces` int16[shots, channels, samples] as little-endian bytes."""
    little = np.ascontiguousarray(traces, dtype="<i2")
    return np.array([xxh3_64_intdigest(trace) for trace in little], np.uint64)
