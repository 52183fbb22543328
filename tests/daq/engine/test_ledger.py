"""Shots are numbered from the digitizer's time tags: missed triggers leave a gap, double triggers are no shots."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daq.engine.ledger import tally

RATE_HZ = 20.0


@pytest.mark.parametrize(
    ("periods", "numbers", "fired", "missed", "doubles"),
    [
        ([], [], 0, (), 0),
        ([0, 1, 2], [10, 11, 12], 3, (), 0),
        ([0, 2, 3], [10, 12, 13], 4, (11,), 0),
        ([0, 1, 5], [10, 11, 15], 6, (12, 13, 14), 0),
        ([0, 0.4, 1], [10, 11], 2, (), 1),
        ([0, 1, 1, 2], [10, 11, 12], 3, (), 1),
        ([0, np.nan, np.nan], [10, 11, 12], 3, (), 0),
        ([0, 1.01, 1.98], [10, 11, 12], 3, (), 0),
    ],
)
def test_cases(periods: list[float], numbers: list[int], fired: int, missed: tuple[int, ...], doubles: int) -> None:
    found = tally(np.array(periods, dtype=np.float64) / RATE_HZ, first=10, rate_Hz=RATE_HZ)
    assert found.numbers.tolist() == numbers
    assert (found.fired, found.missed, found.doubles) == (fired, missed, doubles)


@given(present=st.lists(st.booleans(), max_size=200), jitter=st.floats(-0.05, 0.05))
def test_every_fired_shot_is_kept_or_missed(present: list[bool], jitter: float) -> None:
    shots = np.flatnonzero([True, *present])
    tags = (shots + jitter * (shots > 0)) / RATE_HZ
    found = tally(tags, first=0, rate_Hz=RATE_HZ)
    assert found.numbers.tolist() == shots.tolist()
    assert sorted([*found.numbers.tolist(), *found.missed]) == list(range(found.fired))
    assert found.doubles == 0
