"""The filter's library alone gives what HDF5 gives with it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from daq.record.filters import Filters
from daq.record.unpacking import unpack

SAMPLES = 9000


def chunk_of(trace: np.ndarray) -> np.ndarray:
    with Filters("bitshuffle-lz4", (1, SAMPLES)) as filters:
        chunk, mask = filters.pack(trace)
    assert mask == 0
    return np.frombuffer(chunk, np.uint8)


@given(seed=st.integers(0, 99), before=st.integers(0, 30))
def test_a_trace_comes_back_from_anywhere_in_a_file(seed: int, before: int) -> None:
    traces = np.random.default_rng(seed).normal(0, 200, (2, 1, SAMPLES)).astype(np.int16)
    chunks = [chunk_of(trace) for trace in traces]
    sizes = np.array([len(chunk) for chunk in chunks])
    content = np.concatenate([np.zeros(before, np.uint8), *chunks])
    room = np.zeros_like(traces)
    assert unpack(content, before + np.array([0, sizes[0]]), sizes, room)
    np.testing.assert_array_equal(room, traces)


def test_what_does_not_end_where_it_should_is_left_to_hdf5() -> None:
    chunk = chunk_of(np.zeros((1, SAMPLES), np.int16))
    room = np.zeros((1, 1, SAMPLES), np.int16)
    assert not unpack(np.append(chunk, 0), np.zeros(1, np.int64), np.array([len(chunk) + 1]), room)
