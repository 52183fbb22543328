"""The light is timed to a fraction of a sample, whatever its height; a shot without light has no time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.laboratory import read_laboratory
from daq.engine.photodiode import ionisation_times_s
from simulators.world.beamline import Beamline
from simulators.world.conditions import Capture, ShotConditions
from simulators.world.truth import read_truth

INTERVAL_S, SAMPLES = 2e-9, 4000
RNG = np.random.default_rng(8)


def pulses(times_s: np.ndarray, height: float, baseline: float) -> np.ndarray:
    """Gaussian pulses of 25 ns on noise of three codes."""
    axis = INTERVAL_S * np.arange(SAMPLES)
    shape = height * np.exp(-((axis - times_s[:, None]) ** 2) / (2 * (25e-9 / 2.3548) ** 2))
    return np.rint(baseline + shape + RNG.normal(0, 3, shape.shape)).astype(np.int16)


@settings(max_examples=30)
@given(height=st.floats(500, 20_000), baseline=st.floats(-5000, 5000))
def test_the_height_of_a_pulse_does_not_move_it(height: float, baseline: float) -> None:
    times_s = RNG.uniform(1e-6, 2e-6, 20)
    found = ionisation_times_s(pulses(times_s, height, baseline), 0.0, INTERVAL_S)
    assert found == pytest.approx(times_s - 25e-9 / 2, abs=0.4e-9)


def test_dark_shots_have_no_time() -> None:
    traces = pulses(np.array([1e-6, 1e-6, 1e-6]), 2000.0, 100.0)
    traces[1] = np.rint(RNG.normal(100, 3, SAMPLES))
    assert np.isnan(ionisation_times_s(traces, 0.0, INTERVAL_S)).tolist() == [False, True, False]


def test_the_jitter_of_the_simulated_laser_is_measured() -> None:
    """Its photodiode sees the light of each shot at the time that its ions start from."""
    laboratory, _ = read_laboratory()
    line = Beamline(read_truth(), 3)
    shot = ShotConditions(
        0.0, 0.0, 1e-4, 3e-4, 8e-3, 8e-3 - 1e-6, 100.0, 0.0, True, 1000.0, True, 150.0, 25.0, 6.0, 0.0
    )  # fmt: skip
    dark = ShotConditions(0.0, 0.0, 1e-4, 3e-4, 8e-3, 8e-3 - 1e-6, 100.0, 0.0, True, 1000.0, True, 0.0, 25.0, 6.0, 0.0)
    capture = Capture(2, SAMPLES, INTERVAL_S, 0.0, 1.0 / 65536, 0.3)
    numbers = np.arange(201)
    found = ionisation_times_s(line.light([shot] * 200 + [dark], numbers, capture), -1e-6, INTERVAL_S)
    assert np.isnan(found[-1])
    scatter = found[:-1].std(ddof=1)
    assert scatter == pytest.approx(line.machine.ionisation_jitter_s, rel=0.2)
    assert laboratory.photodiode is None
