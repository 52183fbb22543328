"""What was measured goes into a set of calibrations, and nothing else of the set changes."""

import pytest

from config.calibration import Calibrations, Measured
from daq.analysis.calibrate import Made
from daq.conversions.deflection import moment_uB

ZERO = Measured(value=-16e-6, uncertainty=99e-6)


def test_a_time_zero_leaves_the_flight_path_alone(calibrations: Calibrations) -> None:
    mine = calibrations.velocity.model_copy(update={"flight_path_m": 1.675, "relative_uncertainty": 0.001})
    base = calibrations.model_copy(update={"velocity": mine})
    new = Made([], [], {"velocity": {"time_zero_s": ZERO}}).applied(base)
    assert new.velocity == mine.model_copy(update={"time_zero_s": ZERO})
    assert new.model_copy(update={"velocity": mine}) == base


def test_what_was_known_better_is_said(calibrations: Calibrations) -> None:
    made = Made([], [], {"velocity": {"time_zero_s": ZERO}, "field": {"relative_uncertainty": 0.0049}})
    assert made.said_of(calibrations) == [
        "velocity.time_zero_s was known better before: to ± 5e-06, from these runs to ± 9.9e-05"
    ]
    assert made.said_of(made.applied(calibrations)) == []


LATE_s, C_T_m, MAGNETON_J_T, ATOM_kg = -16e-6, 33.3, 9.2740100783e-24, 1.66053906660e-27
MADE_CHOPPER = Made([], [], {"velocity": {"time_zero_s": Measured(value=LATE_s, uncertainty=19e-6)}})


def bend_m(moment_uB: float, mass_u: float, programmed_s: float) -> float:
    """Of what truly flies later than programmed, in a magnet of `C_T_m`."""
    velocity_m_s = 1.68 / (programmed_s - LATE_s)
    return moment_uB * MAGNETON_J_T * C_T_m / (mass_u * ATOM_kg * velocity_m_s**2)


def made_gradient(taken_with: Calibrations) -> Made:
    """From atoms that were chosen at 706 m/s with the time zero that was believed."""
    zero_s, velocity_m_s = taken_with.velocity.time_zero_s.value, 706.0
    bend = bend_m(1 / 3, 26.98154, zero_s + 1.68 / velocity_m_s)
    C = bend * 26.98154 * ATOM_kg * velocity_m_s**2 / (MAGNETON_J_T / 3)
    measured = {"field_T": 2.4, "C_T_m": Measured(value=C, uncertainty=0.15), "velocity_m_s": velocity_m_s}
    return Made([], [], {"deflection": measured}, taken_with.velocity)


def moment_found_uB(calibrations: Calibrations) -> float:
    """Of a cluster of 560 u and 0.9 µB that was chosen at 432 m/s."""
    bend = bend_m(0.9, 560.0, calibrations.velocity.time_zero_s.value + 1.68 / 432.0)
    return moment_uB(bend, 560.0, 432.0, 2.4, calibrations.deflection)


def test_moments_do_not_depend_on_which_calibration_came_first(calibrations: Calibrations) -> None:
    late = MADE_CHOPPER.applied(calibrations)
    gradient_first = MADE_CHOPPER.applied(made_gradient(calibrations).applied(calibrations))
    chopper_first = made_gradient(late).applied(late)
    chopper_meanwhile = made_gradient(calibrations).applied(late)
    for one in (gradient_first, chopper_first, chopper_meanwhile):
        assert moment_found_uB(one) == pytest.approx(0.9, rel=1e-6)
        assert one.deflection.C_T_m.value == pytest.approx(C_T_m, rel=1e-6)
    before = made_gradient(calibrations).applied(calibrations).deflection
    assert gradient_first.deflection.C_T_m.uncertainty / C_T_m == pytest.approx(0.15 / before.C_T_m.value, rel=1e-6)


def test_a_C_that_changes_with_the_time_zero_is_said(calibrations: Calibrations) -> None:
    base = made_gradient(calibrations).applied(calibrations)
    assert any("33.749 becomes 33.3 T·m" in sentence for sentence in MADE_CHOPPER.said_of(base))
    late = MADE_CHOPPER.applied(calibrations)
    assert any("becomes 33.3 T·m" in sentence for sentence in made_gradient(calibrations).said_of(late))
    assert made_gradient(late).said_of(late) == []


def test_a_C_that_comes_from_no_atoms_stays(calibrations: Calibrations) -> None:
    assert calibrations.deflection.velocity_m_s is None
    assert MADE_CHOPPER.applied(calibrations).deflection == calibrations.deflection
