import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calibration import Calibrations
from config.laboratory import read_laboratory
from daq.conversions.magnet import current_for_field, field_for_current

FIELD = read_laboratory()[1].field


@given(current_A=st.floats(FIELD.current_A[0], FIELD.current_A[-1]))
def test_current_is_read_back_from_its_field(current_A: float) -> None:
    assert current_for_field(field_for_current(current_A, FIELD), FIELD) == pytest.approx(current_A, abs=1e-9)


def test_full_field_takes_full_current(calibrations: Calibrations) -> None:
    assert current_for_field(2.4, calibrations.field) == 200.0


def test_zero_field_asks_for_no_current_and_leaves_the_remanence(calibrations: Calibrations) -> None:
    current_A = current_for_field(0.0, calibrations.field)
    assert current_A == 0.0
    assert field_for_current(current_A, calibrations.field) == calibrations.field.remanence_T.value


@pytest.mark.parametrize("field_T", [2.41, 0.005, -0.1, float("nan")])
def test_a_field_off_the_curve_is_refused_with_the_range(field_T: float, calibrations: Calibrations) -> None:
    with pytest.raises(ValueError, match=r"0\.01 to 2\.4 T"):
        current_for_field(field_T, calibrations.field)


@pytest.mark.parametrize("current_A", [-1.0, 200.5, float("nan")])
def test_a_current_off_the_curve_is_refused_with_the_range(current_A: float, calibrations: Calibrations) -> None:
    with pytest.raises(ValueError, match="0 to 200 A"):
        field_for_current(current_A, calibrations.field)
