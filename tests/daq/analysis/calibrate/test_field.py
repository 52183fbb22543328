"""The rising branch, the remanence and the two-wire line come back from a loop that the simulated magnet goes through."""

import numpy as np
import pytest
from scipy.constants import mu_0

from config.laboratory import SHIPPED
from config.model import read_model
from daq.analysis.calibrate.estimate import CannotCalibrate
from daq.analysis.calibrate.field import FieldResult, calibrate_field
from daq.plan.expansion import points
from daq.plan.plan import Plan
from simulators.instruments.lakeshore_425 import NOISE_T, RELATIVE_NOISE
from simulators.world.magnet import Magnet
from tests.simulators.world.test_beamline import MACHINE

PLAN = read_model(SHIPPED / "plans" / "hysteresis-loop.toml", Plan)
LOOP_A = [float(one.set_points["magnet.current_A"]) for one in points(PLAN)]


def loop(seed: int, loops: int = 2, degaussed: bool = True) -> FieldResult:
    """A magnet that was demagnetised, or not, taken through so many loops and read by a noisy probe."""
    rng, magnet = np.random.default_rng(seed), Magnet(MACHINE, 0.0 if degaussed else 250.0)
    current = np.abs(np.array(LOOP_A * loops) + rng.normal(0, 0.02, loops * len(LOOP_A)))
    field = np.array([magnet.field_T(one) for one in current])
    noise = rng.normal(0, 1, len(field)) * (NOISE_T + RELATIVE_NOISE * field)
    return calibrate_field(current.tolist(), (field + noise).tolist())


def truth_T(current_A: float) -> float:
    return float(np.interp(current_A, MACHINE.field_current_A, MACHINE.field_T)) + MACHINE.remanence_T


def test_the_curve_is_that_of_the_magnetised_magnet() -> None:
    pulls, covered = [], []
    for seed in range(20):
        found = loop(seed)
        pulls.append((found.remanence_T.value - MACHINE.remanence_T) / found.remanence_T.error)
        away = np.array([truth_T(one) for one in found.current_A]) - found.field_T
        assert np.abs(away / found.error_T).max() < 8, "ten readings tell their own scatter to a quarter"
        covered += (np.abs(away / found.error_T) < 1.96).tolist()
        assert np.abs(away[-1]) < 1e-3 * found.field_T[-1]
    assert np.abs(pulls).max() < 3
    assert np.mean(covered) > 0.85
    assert found.calibration().field_T[-1] > 2.4, "the field of the runs lies inside the curve"
    assert found.calibration().current_A == sorted(found.calibration().current_A)
    assert 0.005 <= found.calibration().relative_uncertainty < 0.0051


def test_the_first_rise_is_left_out_if_it_can_be() -> None:
    once, twice, never = loop(1, 1), loop(1, 2), loop(1, 1, degaussed=False)
    assert (once.from_virgin, twice.from_virgin) == (True, False)
    assert once.field_T[0] < 0.002, "demagnetised"
    assert twice.field_T[0] == pytest.approx(MACHINE.remanence_T, abs=1e-3)
    assert once.loop_T > 0.001 > abs(never.loop_T)


def test_below_saturation_the_two_wire_formula_holds() -> None:
    found = loop(2)
    a, z = 3.63e-3, 1.2 * 3.63e-3
    expected = (1.553 - 0.0) / 120.0 * np.pi * (a**2 + z**2) / (mu_0 * a)
    assert found.turns.value == pytest.approx(expected, rel=0.003)
    assert found.bend_T < 2e-3
    assert found.saturation == pytest.approx(1 - 2.4047 / (205 * 1.553 / 120), abs=0.005)


@pytest.mark.parametrize(
    ("current_A", "field_T", "said"),
    [
        ([], [], "0 readings"),
        ([0.0, 50.0, 100.0, 150.0, 200.0], [0.0, 0.6, 1.3, 1.9, 2.4], "only went up"),
        ([200.0, 100.0, 0.0], [2.4, 1.3, 0.0], "only went down"),
        ([100.0, 100.0, 100.0], [1.3, 1.3, 1.3], "only went up"),
        ([0.0, 100.0, 200.0, 100.0, 0.0], [0.0, 1.3, 2.4, 1.3, 0.0], "only 3 currents on the way up"),
        ([0, 50, 100, 150, 200, 100, 0], [0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01], "does not rise with the current"),
        ([0, 50, 100, 150, 200, 100, 50], [0, 0.6, 1.3, 1.9, 2.4, 1.3, 0.6], "never came back to zero"),
        ([150, 160, 170, 180, 190, 200, 150, 0], [1.9, 2, 2.1, 2.2, 2.3, 2.4, 1.9, 0], "only 0 currents give less than"),
        ([0.0, np.nan], [0.0, 1.0], "2 readings"),
    ],
)
def test_what_is_no_loop_is_refused(current_A: list[float], field_T: list[float], said: str) -> None:
    with pytest.raises(CannotCalibrate, match=said):
        calibrate_field(current_A, field_T)
