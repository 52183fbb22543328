"""What goes into the sums has the bits of the plain way, whatever the codes and wherever the windows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from daq.reduce.charge import charges
from daq.reduce.counting import MARGIN
from daq.reduce.extract import Places, extract, summed

CODES = st.integers(-(2**15), 2**15 - 1)
PER_BIN, BINS = 3, 4
SAMPLES = PER_BIN * (BINS + sum(MARGIN))


@given(traces=arrays(np.int16, st.tuples(st.integers(1, 40), st.integers(1, 20)), elements=CODES), width=st.integers(0, 15))
def test_a_sum_over_shots_never_overflows(traces: np.ndarray, width: int) -> None:
    traces >>= width
    largest = int(np.abs(traces.astype(int)).max())
    np.testing.assert_array_equal(summed(traces, largest), traces.sum(axis=0, dtype=np.int64))


def test_very_many_shots_add_up_too() -> None:
    traces = np.full((2**15 + 3, 2), -(2**15), np.int16)
    assert summed(traces, 2**15).tolist() == [-(2**15) * (2**15 + 3)] * 2


@given(first=st.lists(st.integers(-20, 90), min_size=1, max_size=3).map(sorted), seed=st.integers(0, 99))
def test_a_window_beyond_the_trace_goes_on_with_the_traces_last_sample(first: list[int], seed: int) -> None:
    traces = np.random.default_rng(seed).integers(-50, 50, (5, 100)).astype(np.int16)
    places = Places(np.array(first), SAMPLES, PER_BIN, np.arange(100), 49, 1)
    found = extract(np.arange(5), traces, places)
    at = np.clip(np.array(first)[:, None] + np.arange(SAMPLES), 0, 99)
    inside = traces[:, at][:, :, places.inside]
    np.testing.assert_array_equal(found.charge, charges(inside, PER_BIN, found.levels.baseline))
    assert found.charge.shape == (5, len(first), places.bins) == (5, len(first), BINS)
    assert found.saturated == (traces == 49).any(axis=1).sum()
    assert found.clipped is not None
    assert found.clipped.tolist() == (inside == 49).any(axis=2).sum(axis=0).tolist()
