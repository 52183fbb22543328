import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calibration import Calibrations, Measured
from config.laboratory import read_laboratory
from daq.conversions.flight_time import (
    cluster_mass_u,
    flight_time_s,
    mass_at_time_u,
    position_at_time_m,
    sensitivity_s_per_m,
    undeflected_time_s,
)

SHIPPED = read_laboratory()[1]
MASSES = st.floats(50.0, 8000.0)


def test_the_stated_numbers_come_out(calibrations: Calibrations) -> None:
    nb20 = cluster_mass_u("Nb", 20)
    assert undeflected_time_s(nb20, calibrations.mass) == pytest.approx(80e-6, rel=1e-5)
    assert sensitivity_s_per_m(nb20, calibrations.position) == pytest.approx(19.2e-6)
    assert sensitivity_s_per_m(cluster_mass_u("V", 3), calibrations.position) == pytest.approx(5.51e-6, rel=1e-3)


@given(mass_u=MASSES)
def test_mass_is_read_back_from_its_flight_time(mass_u: float) -> None:
    assert mass_at_time_u(undeflected_time_s(mass_u, SHIPPED.mass), SHIPPED.mass) == pytest.approx(mass_u, rel=1e-9)


@given(mass_u=MASSES, position_m=st.floats(-10e-3, 10e-3), curvature=st.floats(-2e-4, 2e-4))
def test_position_is_read_back_from_the_flight_time(mass_u: float, position_m: float, curvature: float) -> None:
    bent = SHIPPED.position.model_copy(update={"curvature_s_per_m2": Measured(value=curvature, uncertainty=0.0)})
    time_s = flight_time_s(mass_u, position_m, SHIPPED.mass, bent)
    assert position_at_time_m(time_s, mass_u, SHIPPED.mass, bent) == pytest.approx(position_m, rel=1e-6, abs=1e-9)


def test_arrays_are_converted_at_once(calibrations: Calibrations) -> None:
    places = np.linspace(-5e-3, 5e-3, 7)
    times = flight_time_s(560.0, places, calibrations.mass, calibrations.position)
    assert np.all(np.diff(times) > 0)
    np.testing.assert_allclose(position_at_time_m(times, 560.0, calibrations.mass, calibrations.position), places, atol=1e-12)


def test_a_time_beyond_the_turning_point_is_refused(calibrations: Calibrations) -> None:
    bent = calibrations.position.model_copy(update={"curvature_s_per_m2": Measured(value=-1e-3, uncertainty=0.0)})
    late_s = float(undeflected_time_s(1858.0, calibrations.mass)) + 1e-6
    with pytest.raises(ValueError, match="turning point"):
        position_at_time_m(late_s, 1858.0, calibrations.mass, bent)


@pytest.mark.parametrize(("element", "size", "reason"), [("Xx", 3, "no isotope mass"), ("V", 0, "0 atoms")])
def test_what_has_no_mass_is_refused(element: str, size: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        cluster_mass_u(element, size)
