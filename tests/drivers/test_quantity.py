"""A quantity refuses before a byte leaves, says why, and never clips."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import LimitError
from drivers.quantity import Quantity, Value

CURRENT = Quantity("current_A", "A", float, "read-write", low=-200.0, high=200.0)
RANGE = Quantity("range", "", int, "write", choices=(0, 1, 2))
SHUTTER = Quantity("shutter", "", bool, "read-write")
NAME = Quantity("name", "", str, "read-write")


@pytest.mark.parametrize(
    ("quantity", "value", "said"),
    [
        (CURRENT, 200.1, "unit: current_A = 200.1 A is outside -200 to 200 A"),
        (CURRENT, math.nan, "current_A = nan A is outside"),
        (CURRENT, math.inf, "current_A = inf A is outside"),
        (CURRENT, 10**400, "current_A = 1e\\+300 A is outside"),
        (CURRENT, "5", "current_A must be float, not '5'"),
        (CURRENT, True, "current_A must be float, not True"),
        (RANGE, 1.0, "range must be int, not 1.0"),
        (RANGE, 3, "range = 3 is not one of 0, 1, 2"),
        (SHUTTER, 1, "shutter must be bool, not 1"),
        (NAME, 1, "name must be str, not 1"),
        (Quantity("field_T", "T"), 1.0, "field_T can only be read"),
    ],
)
def test_refusals(quantity: Quantity, value: Value, said: str) -> None:
    with pytest.raises(LimitError, match=said):
        quantity.check("unit", value)


@given(st.one_of(st.floats(), st.integers(), st.integers(min_value=10**290)))
def test_a_value_passes_unchanged_or_not_at_all(value: float) -> None:
    try:
        passed = CURRENT.check("unit", value)
    except LimitError:
        assert not -200 <= value <= 200
        return
    assert isinstance(passed, float)
    assert passed == value
