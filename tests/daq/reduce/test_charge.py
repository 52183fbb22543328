"""The fast ways to sums have the bits of the plain ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from daq.reduce.charge import CLIP, PARTS, charges, levels, products

CODES = st.integers(-(2**15), 2**15 - 1)
FEW = st.integers(-3, 3)
"""As a baseline has them."""


@st.composite
def rows(draw: st.DrawFn) -> np.ndarray:
    """int16[rows, columns], wide or narrow, some with far outliers."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 300)))
    seed, width = draw(st.integers(0, 2**32)), draw(st.sampled_from([0, 1, 30, 2**15 - 1]))
    dice = np.random.default_rng(seed)
    codes = dice.integers(-width, width, shape, endpoint=True)
    codes[dice.random(shape) < draw(st.sampled_from([0.0, 0.02, 0.5]))] = draw(CODES)
    return codes.astype(np.int16)


@given(traces=rows())
def test_a_baseline_is_the_mean_of_the_samples_near_the_median(traces: np.ndarray) -> None:
    samples = np.arange(traces.shape[1])[::2]
    expected = []
    for row in traces[:, samples].astype(int):
        ordered = sorted(row.tolist())
        low, median = ordered[int(0.159 * len(row))], ordered[len(row) // 2]
        kept = row[abs(row - median) <= np.ceil(CLIP * max(median - low, 1))]
        expected.append(round(PARTS * int(kept.sum()) / len(kept)))
    assert levels(traces[:, samples]).baseline.tolist() == expected


def test_a_charge_is_the_sum_of_its_bins_samples_over_the_baseline() -> None:
    codes = np.random.default_rng(1).integers(-(2**15), 2**15, (4, 2, 12)).astype(np.int16)
    baseline = np.array([0, 5, -7, 2**19])
    expected = PARTS * codes.astype(int).reshape(4, 2, 4, 3).sum(axis=3) - 3 * baseline[:, None, None]
    np.testing.assert_array_equal(charges(codes, 3, baseline), expected)


@settings(deadline=None)
@given(charge=arrays(np.int64, (3, 2, 4), elements=st.integers(-(2**26), 2**26)))
def test_products_are_exact_up_to_where_one_cannot_be_squared(charge: np.ndarray) -> None:
    # Python's own numbers have no limit.
    exact = np.einsum("swi,swj->wij", charge.astype(object), charge.astype(object))
    assert products(charge).tolist() == exact.tolist()
    with pytest.raises(ValueError, match="too wide"):
        products(np.full((1, 1, 1), 2**27))
