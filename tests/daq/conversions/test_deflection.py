import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calibration import Calibrations
from config.laboratory import read_laboratory
from daq.conversions.deflection import C_at_field_T_m, deflection_per_uB_m, moment_uB
from daq.conversions.flight_time import cluster_mass_u

DEFLECTION = read_laboratory()[1].deflection


@pytest.mark.parametrize(
    ("element", "size", "expected_mm"), [("V", 3, 6.51), ("V", 11, 1.78), ("V", 33, 0.59), ("Nb", 20, 0.54), ("Ta", 15, 0.37)]
)
def test_the_tabled_deflections_come_out(element: str, size: int, expected_mm: float, calibrations: Calibrations) -> None:
    mass_u = cluster_mass_u(element, size)
    assert 1e3 * deflection_per_uB_m(mass_u, 432.0, 2.4, calibrations.deflection) == pytest.approx(expected_mm, rel=0.01)


@given(mass_u=st.floats(20.0, 8000.0), velocity=st.floats(200.0, 1500.0), moment=st.floats(-10.0, 10.0))
def test_the_moment_is_read_back_from_its_deflection(mass_u: float, velocity: float, moment: float) -> None:
    deflection_m = moment * deflection_per_uB_m(mass_u, velocity, 2.4, DEFLECTION)
    assert moment_uB(deflection_m, mass_u, velocity, 2.4, DEFLECTION) == pytest.approx(moment, abs=1e-12)


def test_C_follows_the_field_whichever_way_it_points() -> None:
    assert C_at_field_T_m(0.01, DEFLECTION) == pytest.approx(DEFLECTION.C_T_m.value * 0.01 / 2.4)
    assert C_at_field_T_m(-0.01, DEFLECTION) == C_at_field_T_m(0.01, DEFLECTION)


@pytest.mark.parametrize("field_T", [2.5, float("nan")])
def test_C_is_not_extrapolated(field_T: float) -> None:
    with pytest.raises(ValueError, match=r"calibrated at 2\.4 T"):
        C_at_field_T_m(field_T, DEFLECTION)
