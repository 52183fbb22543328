from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.calibration import Calibrations
from config.laboratory import read_laboratory
from daq.conversions.flight_time import cluster_mass_u, undeflected_time_s
from daq.record.blocks import ShotBlock, Step, TraceAxis
from daq.reduce import Profiles, Reducer, cluster_windows

SHORT = TraceAxis(start_s=20e-6, interval_s=2e-9, samples=8_000, scale_V=(1e-5,), offset_V=(0.0,))
"""20 to 36 µs: V3 to V6."""
CALIBRATIONS = read_laboratory()[1]
OFF, ON = Step(0, 0.0, 0.01, 25.0, 6.0, 432.0), Step(1, 2.4, 2.4, 25.0, 6.0, 432.0)
SIZES = (3, 4, 5)


def block(traces: np.ndarray, step: Step = OFF, first: int = 0) -> ShotBlock:
    shots = len(traces)
    return ShotBlock(step.index, 0, first + np.arange(shots), np.arange(shots) / 20, traces[:, None, :])


def noise(shots: int, seed: int = 1, baseline: float = -500.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(baseline, 3.0, (shots, SHORT.samples)).round().astype(np.int16)


def reduced(*blocks: tuple[Step, ShotBlock]) -> Profiles:
    reducer = Reducer(SHORT, "V", SIZES, CALIBRATIONS)
    for step, each in blocks:
        reducer.add(step, each)
    return reducer.profiles()


SHOTS = noise(30) + np.random.default_rng(2).binomial(1, 0.01, (30, SHORT.samples)).astype(np.int16) * 200


@settings(deadline=None, max_examples=25)
@given(cuts=st.sets(st.integers(1, 29)), order=st.randoms(use_true_random=False))
def test_any_partition_in_any_order_gives_equal_bits(cuts: set[int], order: object) -> None:
    edges = [0, *sorted(cuts), 30]
    parts = [block(SHOTS[a:b], first=a) for a, b in pairwise(edges)]
    order.shuffle(parts)  # type: ignore[attr-defined]
    whole, pieces = reduced((OFF, block(SHOTS))), reduced(*((OFF, part) for part in parts))
    for size in SIZES:
        for counted in (False, True):
            one, other = whole.profile(size, 0.0, counted), pieces.profile(size, 0.0, counted)
            assert np.array_equal(one.values, other.values)
            assert np.array_equal(one.covariance, other.covariance)
    assert whole.steps[0].quiet == pieces.steps[0].quiet
    assert np.array_equal(whole.spectra[0.0].mean(), pieces.spectra[0.0].mean())
    assert whole.steps[0].number_sum == pieces.steps[0].number_sum


def test_a_pulse_is_found_in_its_bin_with_its_charge() -> None:
    traces = noise(200)
    centre = round((float(undeflected_time_s(cluster_mass_u("V", 4), CALIBRATIONS.mass)) - SHORT.start_s) / SHORT.interval_s)
    traces[:, centre - 1 : centre + 2] += np.array([60, 200, 60], dtype=np.int16)
    profile = reduced((OFF, block(traces))).profile(4, 0.0)
    at_peak = np.abs(profile.time_s - SHORT.start_s - SHORT.interval_s * centre) < 7e-9
    assert profile.values.sum() == pytest.approx(320, abs=6)
    assert profile.values[at_peak].sum() == pytest.approx(320, abs=3)
    assert abs(profile.values[~at_peak]).max() < 2


def test_a_pulse_is_counted_in_its_bin() -> None:
    traces = noise(200)
    centre = round((float(undeflected_time_s(cluster_mass_u("V", 4), CALIBRATIONS.mass)) - SHORT.start_s) / SHORT.interval_s)
    traces[:50, centre - 1 : centre + 2] += np.array([60, 200, 60], dtype=np.int16)
    profile = reduced((OFF, block(traces))).profile(4, 0.0, counted=True)
    assert profile.counts is not None
    at_peak = int(np.abs(profile.time_s - SHORT.start_s - SHORT.interval_s * centre).argmin())
    assert profile.counts.ions[at_peak] == 50 == profile.counts.ions.sum()
    assert profile.counts.live[at_peak + 1] == 150
    assert profile.values[at_peak] == pytest.approx(-np.log(1 - 50 / 200))


def test_few_ions_are_counted_and_many_integrated() -> None:
    rng, traces = np.random.default_rng(6), noise(3000)
    for size, per_shot in ((3, 0.05), (4, 0.5), (5, 5.0)):
        time_s = float(undeflected_time_s(cluster_mass_u("V", size), CALIBRATIONS.mass))
        shot = np.repeat(np.arange(len(traces)), rng.poisson(per_shot, len(traces)))
        place = rng.normal((time_s - SHORT.start_s) / SHORT.interval_s, 5.0, len(shot)).round().astype(int)
        np.add.at(traces, (shot, place), rng.exponential(300.0, len(shot)).astype(np.int16) + np.int16(30))
    profiles = reduced((OFF, block(traces)))
    rare, usual, crowd = (profiles.choice(size) for size in SIZES)
    assert (rare.counted, usual.counted, crowd.counted) == (True, False, False)
    # A Gaussian of 10 ns rms holds 0.23 of its ions in the highest bin of 6 ns.
    assert rare.occupancy == pytest.approx(0.05 * 0.22, rel=0.2)
    assert usual.occupancy == pytest.approx(0.5 * 0.22, rel=0.15)
    assert profiles.profile(3, 0.0, counted=True).values.sum() == pytest.approx(0.05, rel=0.2)
    assert profiles.profile(4, 0.0, counted=True).values.sum() == pytest.approx(0.5, rel=0.1)


def test_where_every_shot_has_an_ion_there_is_nothing_to_count() -> None:
    traces = noise(100)
    centre = round((float(undeflected_time_s(cluster_mass_u("V", 4), CALIBRATIONS.mass)) - SHORT.start_s) / SHORT.interval_s)
    traces[:, centre] += 300
    profiles = reduced((OFF, block(traces)))
    assert profiles.occupancy(4) == np.inf
    assert not profiles.choice(4).counted
    with pytest.raises(ValueError, match=r"V4 at 0 T has too many ions to count: .* use charge"):
        profiles.profile(4, 0.0, counted=True)


def test_a_window_whose_charge_was_cut_off_says_so() -> None:
    traces = noise(100)
    for size, shots in ((3, 0), (4, 7)):
        centre_s = float(undeflected_time_s(cluster_mass_u("V", size), CALIBRATIONS.mass))
        traces[:shots, round((centre_s - SHORT.start_s) / SHORT.interval_s)] = np.iinfo(np.int16).max
    profiles = reduced((OFF, block(traces)))
    assert [profiles.choice(size).saturated for size in SIZES] == [0, 7, 0]


def test_baseline_and_noise_of_a_step_are_kept() -> None:
    baseline = np.random.default_rng(7).normal(-500.0, 2.0, (400, 1))
    traces = np.rint(np.random.default_rng(8).normal(baseline, 3.0, (400, SHORT.samples))).astype(np.int16)
    (sums,) = reduced((OFF, block(traces[:150])), (OFF, block(traces[150:], first=150))).steps
    assert sums.baseline_codes == pytest.approx(baseline.mean(), abs=0.1)
    assert sums.wander_codes == pytest.approx(baseline.std(), rel=0.02)
    assert sums.noise_codes == pytest.approx(3.0, rel=0.02)


def test_without_counting_there_is_charge_alone() -> None:
    reducer = Reducer(SHORT, "V", SIZES, CALIBRATIONS, counting=False)
    reducer.add(OFF, block(SHOTS))
    profiles, counted = reducer.profiles(), reduced((OFF, block(SHOTS)))
    assert np.array_equal(profiles.profile(4, 0.0).values, counted.profile(4, 0.0).values)
    assert (profiles.choice(4).counted, profiles.choice(4).occupancy) == (False, None)
    for refused in (lambda: profiles.profile(4, 0.0, counted=True), lambda: profiles.occupancy(4)):
        with pytest.raises(ValueError, match="were not counted"):
            refused()


def test_the_covariance_is_that_of_the_means() -> None:
    traces = noise(4000, seed=3)
    profile = reduced((OFF, block(traces))).profile(5, 0.0)
    width = round(float(np.diff(profile.time_s)[0] / SHORT.interval_s))
    assert np.diag(profile.covariance).mean() * profile.shots == pytest.approx(9.08 * width, rel=0.05)
    pull = profile.values / np.sqrt(np.diag(profile.covariance))
    assert np.std(pull) == pytest.approx(1.0, abs=0.35)


@pytest.mark.parametrize("baseline", [-500.0, 0.3, 1200.7])
def test_the_baseline_is_taken_off_in_spite_of_ions_everywhere(baseline: float) -> None:
    traces = noise(300, baseline=baseline)
    traces += (np.random.default_rng(5).random(traces.shape) < 0.02).astype(np.int16) * 150
    profiles = reduced((OFF, block(traces)))
    spectrum = profiles.spectra[0.0].mean()
    assert np.median(spectrum) == pytest.approx(0.02 * 150, abs=0.7)  # the stray ions' mean, and no baseline


def test_steps_and_fields_are_kept_apart_and_combined() -> None:
    later = replace(OFF, index=2, field_T=0.02)
    profiles = reduced((OFF, block(noise(10))), (ON, block(noise(20), ON)), (later, block(noise(30), later)))
    assert [(sums.step.index, sums.shots) for sums in profiles.steps] == [(0, 10), (1, 20), (2, 30)]
    assert profiles.fields_T == (0.0, 2.4)
    assert profiles.shots(0.0) == 40
    assert profiles.field_T(0.0) == pytest.approx((10 * 0.01 + 30 * 0.02) / 40)
    assert profiles.selected(frozenset({0, 1})).shots(0.0) == 10


def test_a_snapshot_does_not_change_when_shots_follow() -> None:
    reducer = Reducer(SHORT, "V", SIZES, CALIBRATIONS)
    reducer.add(OFF, block(noise(10)))
    snapshot = reducer.profiles()
    before = snapshot.profile(4, 0.0).values.copy()
    reducer.add(OFF, block(noise(10, seed=9)))
    assert np.array_equal(snapshot.profile(4, 0.0).values, before)
    assert reducer.profiles().shots(0.0) == 20


def test_saturated_shots_are_counted_and_kept() -> None:
    traces = noise(10)
    traces[3, 100] = traces[7, 200] = np.iinfo(np.int16).max
    profiles = reduced((OFF, block(traces)))
    assert (profiles.saturated, profiles.shots(0.0)) == (2, 10)


def test_a_digitizer_of_fewer_bits_saturates_earlier() -> None:
    traces = noise(10)
    traces[3, 100], traces[7, 200] = 8191, 8189
    fine = Reducer(replace(SHORT, highest_code=(8190,)), "V", (4,), CALIBRATIONS)
    fine.add(OFF, block(traces))
    assert fine.profiles().saturated == 1
    assert reduced((OFF, block(traces))).saturated == 0


def test_windows_lie_between_their_neighbours_and_around_their_peaks() -> None:
    axis = TraceAxis(0.0, 2e-9, 45_000, (1e-5,), (0.0,))
    windows, outside = cluster_windows(axis, "V", range(1, 60), CALIBRATIONS)
    assert outside == tuple(range(47, 60))  # V46 arrives at 89.8 µs, V47 at 90.8
    for one, following in pairwise(windows):
        assert one.samples.stop <= following.samples.start
    for window in windows:
        centre_s = float(undeflected_time_s(window.mass_u, CALIBRATIONS.mass))
        assert abs(window.time_s[np.abs(window.time_s - centre_s).argmin()] - centre_s) <= 4e-9


def test_a_block_without_shots_changes_nothing() -> None:
    profiles = reduced((OFF, block(noise(10))), (OFF, block(noise(0))))
    assert profiles.shots(0.0) == 10


@pytest.mark.parametrize(
    ("step", "traces", "reason"),
    [
        (ON, noise(2)[:, None], "step 0 was given with the conditions of step 1"),
        (OFF, noise(2)[:, None, :-1], "do not fit"),
        (OFF, noise(2), "do not fit"),
        (OFF, noise(2)[:, None].astype(np.float64), "int16"),
        (OFF, noise(3)[:, None], "2 shot numbers"),
    ],
)
def test_a_block_that_does_not_belong_is_refused(step: Step, traces: np.ndarray, reason: str) -> None:
    reducer = Reducer(SHORT, "V", SIZES, CALIBRATIONS)
    with pytest.raises(ValueError, match=reason):
        reducer.add(step, ShotBlock(0, 0, np.arange(2), np.zeros(2), traces))
    assert reducer.profiles().steps == ()


def test_a_step_whose_conditions_change_is_refused() -> None:
    with pytest.raises(ValueError, match="other conditions"):
        reduced((OFF, block(noise(2))), (replace(OFF, field_T=0.5), block(noise(2))))


def test_sizes_outside_the_trace_are_named_and_none_inside_is_refused(calibrations: Calibrations) -> None:
    assert Reducer(SHORT, "V", (2, 4, 30), calibrations).profiles().outside == (2, 30)
    with pytest.raises(ValueError, match="arrives inside the trace"):
        Reducer(SHORT, "V", (30,), calibrations)
    with pytest.raises(ValueError, match="no cluster sizes"):
        Reducer(SHORT, "V", (), calibrations)


def test_a_profile_that_cannot_be_made_says_why() -> None:
    profiles = reduced((OFF, block(noise(1))))
    with pytest.raises(ValueError, match="at least two"):
        profiles.profile(4, 0.0)
    with pytest.raises(ValueError, match="no window holds V9"):
        profiles.profile(9, 0.0)
    with pytest.raises(ValueError, match=r"no shots at a set field of 2\.4 T"):
        profiles.field_T(2.4)
