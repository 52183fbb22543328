"""What was measured goes into a set of calibrations, and nothing else of the set changes."""

from config.calibration import Calibrations, Measured
from daq.analysis.calibrate import Made

ZERO = Measured(value=-16e-6, uncertainty=99e-6)


def test_a_time_zero_leaves_the_flight_path_alone(calibrations: Calibrations) -> None:
    mine = calibrations.velocity.model_copy(update={"flight_path_m": 1.675, "relative_uncertainty": 0.001})
    base = calibrations.model_copy(update={"velocity": mine})
    new = Made([], [], {"velocity": {"time_zero_s": ZERO}}).applied(base)
    assert new.velocity == mine.model_copy(update={"time_zero_s": ZERO})
    assert new.model_copy(update={"velocity": mine}) == base


def test_what_was_known_better_is_said(calibrations: Calibrations) -> None:
    made = Made([], [], {"velocity": {"time_zero_s": ZERO}, "field": {"relative_uncertainty": 0.0049}})
    assert made.known_better_before(calibrations) == [
        "velocity.time_zero_s was known to ± 5e-06 before and is known to ± 9.9e-05 now"
    ]
    assert made.known_better_before(made.applied(calibrations)) == []
