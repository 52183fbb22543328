import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calibration import Measured
from config.laboratory import read_laboratory
from daq.conversions.velocity import ionisation_delay_s, velocity_for_delay_m_s, velocity_relative_uncertainty

VELOCITY = read_laboratory()[1].velocity


@given(
    velocity=st.floats(200.0, 1500.0),
    opening_s=st.floats(0.0, 0.02),
    time_zero_s=st.floats(-2e-5, 2e-5),
)
def test_velocity_is_read_back_from_its_delay(velocity: float, opening_s: float, time_zero_s: float) -> None:
    early = VELOCITY.model_copy(update={"time_zero_s": Measured(value=time_zero_s, uncertainty=5e-6)})
    delay_s = ionisation_delay_s(velocity, opening_s, early)
    assert velocity_for_delay_m_s(delay_s, opening_s, early) == pytest.approx(velocity, rel=1e-9)


def test_the_flight_path_takes_its_time_after_the_opening() -> None:
    assert ionisation_delay_s(420.0, 5e-3, VELOCITY) == pytest.approx(9e-3)


@pytest.mark.parametrize("velocity", [0.0, -400.0, float("inf"), float("nan")])
def test_no_delay_selects_an_impossible_velocity(velocity: float) -> None:
    with pytest.raises(ValueError, match="positive and finite"):
        ionisation_delay_s(velocity, 5e-3, VELOCITY)


def test_ionisation_before_the_chopper_opens_is_refused() -> None:
    with pytest.raises(ValueError, match="set it later"):
        velocity_for_delay_m_s(4e-3, 5e-3, VELOCITY)


def test_the_time_zero_weighs_more_for_fast_clusters() -> None:
    assert VELOCITY.relative_uncertainty < velocity_relative_uncertainty(400.0, VELOCITY)
    assert velocity_relative_uncertainty(400.0, VELOCITY) < velocity_relative_uncertainty(800.0, VELOCITY)


def test_beside_another_velocity_only_the_difference_is_uncertain() -> None:
    def ratio(time_zero_s: float) -> float:
        moved = VELOCITY.model_copy(update={"time_zero_s": Measured(value=time_zero_s, uncertainty=5e-6)})
        cluster, atom = (velocity_for_delay_m_s(1.68 / v, 0.0, moved) for v in (432.0, 706.0))
        return cluster / atom

    changed = abs(ratio(5e-6) / ratio(0.0) - 1)
    assert velocity_relative_uncertainty(432.0, VELOCITY, 706.0) == pytest.approx(changed, rel=0.01)
    assert velocity_relative_uncertainty(706.0, VELOCITY, 706.0) == 0
