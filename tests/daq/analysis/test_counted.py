"""From traces to counted profiles: where ions are rare, both ways agree with what was drawn, and counts know it better."""

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.reduce import Profile, Profiles, Reducer
from tests.daq.analysis.beam import AXIS, Beam, magnetic, none, step_at, traces

IONS = {11: 0.15, 12: 0.15, 20: 3.0}
BLOCKS, SHOTS = 15, 160
SEEN = np.exp(-5 * 3.0 / 200) * 0.97
"""Share of exponential heights, mean 200 codes, over five times the noise, less what falls between two samples."""


@pytest.fixture(scope="module")
def profiles(calibrations: Calibrations) -> Profiles:
    beam, rng = Beam({11: magnetic(0.91), 12: none, 20: none}, IONS), np.random.default_rng(8)
    reducer = Reducer(AXIS, "V", IONS, calibrations)
    for index, field_T in enumerate((0.0, 2.4)):
        step = step_at(index, field_T)
        for block in range(BLOCKS):
            reducer.add(step, traces(beam, step, SHOTS, rng, first=(index * BLOCKS + block) * SHOTS))
    return reducer.profiles()


def spread_s(profile: Profile) -> float:
    weight = profile.values / profile.values.sum()
    return float(np.sqrt(weight @ (profile.time_s - weight @ profile.time_s) ** 2))


def test_rare_ions_are_counted_and_frequent_ones_integrated(profiles: Profiles) -> None:
    assert [profiles.choice(size).counted for size in IONS] == [True, True, False]
    assert profiles.choice(12).occupancy == pytest.approx(0.15 * SEEN * 6 / 27, rel=0.35)


def test_as_many_are_counted_as_came(profiles: Profiles) -> None:
    for size in (11, 12):
        for field_T in (0.0, 2.4):
            found = profiles.profile(size, field_T, counted=True)
            error = np.sqrt(np.diag(found.covariance).sum())
            assert found.values.sum() == pytest.approx(0.15 * SEEN, abs=3 * error)
            assert found.counts is not None
            assert found.counts.ions.sum() / found.shots < 0.15


def test_the_counted_profile_is_that_of_the_charge_with_smaller_errors(profiles: Profiles) -> None:
    for size, field_T in ((11, 0.0), (11, 2.4), (12, 0.0), (12, 2.4)):
        charge, counts = (profiles.profile(size, field_T, counted) for counted in (False, True))
        np.testing.assert_array_equal(charge.time_s, counts.time_s)
        relative = [np.sqrt(np.diag(one.covariance).sum()) / one.values.sum() for one in (charge, counts)]
        assert relative[1] < 0.93 * relative[0]


def test_splitting_widens_the_counted_profile(profiles: Profiles) -> None:
    v11, v12 = ([spread_s(profiles.profile(size, field_T, counted=True)) for field_T in (0.0, 2.4)] for size in (11, 12))
    # ±0.91 µB are ±17 ns beside the 10 ns of the beam.
    assert v11[1] == pytest.approx(np.hypot(v11[0], 17e-9), rel=0.12)
    assert v12[1] == pytest.approx(v12[0], rel=0.15)
