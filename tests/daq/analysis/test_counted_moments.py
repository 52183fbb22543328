"""Counted ions: moments from few of them, errors that hold, and one clear sentence where there is no number."""

from dataclasses import replace

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.analysis.counted import CountedFit
from daq.analysis.models import Conditions, blocked
from daq.analysis.moments import analyse
from daq.conversions.deflection import deflection_per_uB_m
from daq.conversions.flight_time import position_at_time_m
from daq.reduce.profiles import Counts, Profiles
from daq.reduce.reduction import STEPS
from tests.daq.analysis.beam import Beam, charge_profiles, counted_profiles, magnetic, none, thermal

SHOTS = 4000
"""Per step; 8,000 per field."""


def test_few_ions_are_enough_for_every_behaviour(calibrations: Calibrations) -> None:
    beam = Beam(
        {3: magnetic(1.2), 11: magnetic(0.91), 12: none, 13: thermal(2.75), 33: thermal(5.0)},
        {3: 0.05, 11: 0.15, 12: 0.2, 13: 0.2, 33: 0.25},
    )
    results = analyse(counted_profiles(beam, SHOTS, calibrations, 1), calibrations)
    assert {c.signal for c in results.clusters} == {"counted"}
    for size, moment in ((3, 1.2), (11, 0.91)):
        cluster = results.cluster(size)
        assert cluster.behaviour == "atomic-like"
        assert abs(cluster.moment_uB - moment) < 4 * cluster.statistical_uB
        assert abs(cluster.unrelaxed_uB - moment) < 4 * cluster.unrelaxed_error_uB
        assert cluster.unrelaxed_error_uB < 0.03
        assert abs(cluster.gaussian_uB - moment) < 0.1
    for size, moment in ((13, 2.75), (33, 5.0)):
        cluster = results.cluster(size)
        assert cluster.behaviour == "superparamagnetic"
        assert abs(cluster.moment_uB - moment) < 4 * cluster.statistical_uB
        low, high = cluster.interval_95_uB
        assert low < moment < high
    assert results.cluster(12).behaviour in ("undecided", "non-magnetic")
    assert results.cluster(11).ions == pytest.approx(4 * SHOTS * 0.15, rel=0.1)
    assert 0 < results.cluster(11).occupancy < 0.05


def test_what_a_dead_time_hides_is_in_the_likelihood(calibrations: Calibrations) -> None:
    """Far more ions than should be counted: every sixth is lost, near the maximum more."""
    profiles = counted_profiles(Beam({11: magnetic(0.91)}, {11: 2.0}, shot_spread=0.0), 1500, calibrations, 1)
    off, on = (profiles.profile(11, field_T, counted=True) for field_T in (0.0, 2.4))
    position = position_at_time_m(off.time_s, off.mass_u, calibrations.mass, calibrations.position)
    per_uB = [deflection_per_uB_m(off.mass_u, 432.0, field_T, calibrations.deflection) for field_T in (0.01, 2.4)]
    fit = CountedFit(off, on, position, (155.0, 155.0)).fit(blocked(Conditions(*per_uB, 0.0, 0.04), flips=0.0))
    assert off.counts.ions.sum() < 0.9 * 3000 * 2.0
    assert fit.off_curve[::4].sum() == pytest.approx(2.0 * 1.01, rel=0.03)
    assert abs(fit.value("moment_uB") - 0.91) < 4 * fit.error("moment_uB")
    assert fit.error("moment_uB") < 0.01


def one_ion_more(profiles: Profiles) -> Profiles:
    first, *others = profiles.steps
    ions = first.counts[0].ions.copy()
    ions[20] += 1
    return replace(profiles, steps=(replace(first, counts=(Counts(ions, first.counts[0].live),)), *others))


def test_no_ion_and_one_ion_make_no_number(calibrations: Calibrations) -> None:
    empty = counted_profiles(Beam({12: none}, {12: 0.0}), 200, calibrations, 1)
    for profiles, reason in (
        (empty, "the profile is empty"),
        (one_ion_more(empty), "only 1 ion at zero field, 200 are needed"),
    ):
        cluster = analyse(profiles, calibrations).cluster(12)
        assert (cluster.behaviour, cluster.moment_uB, cluster.limit_uB) == ("undecided", None, None)
        assert reason in cluster.note


@pytest.mark.parametrize("per_shot", [0.05, 0.3, 1.0])
def test_background_alone_makes_no_number(per_shot: float, calibrations: Calibrations) -> None:
    absent = dict.fromkeys((3, 12, 20, 28), 1e-9)
    for seed in range(5):
        profiles = counted_profiles(
            Beam(dict.fromkeys(absent, none), absent), SHOTS, calibrations, seed, background=per_shot / 1e-9
        )
        for cluster in analyse(profiles, calibrations).clusters:
            assert (cluster.behaviour, cluster.moment_uB, cluster.limit_uB) == ("undecided", None, None)
            assert "no peak stands out of the background at zero field" in cluster.note


def test_a_small_peak_on_much_background_is_still_measured(calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({11: magnetic(0.91)}, {11: 0.15}), SHOTS, calibrations, 1, background=2.0)
    cluster = analyse(profiles, calibrations).cluster(11)
    assert cluster.behaviour == "atomic-like"
    assert abs(cluster.moment_uB - 0.91) < 4 * cluster.statistical_uB


def test_without_zero_field_there_is_no_number(calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({11: magnetic(0.91)}, {11: 0.15}), SHOTS, calibrations, 1, (2.0, 2.4, 2.4, 2.0))
    cluster = analyse(profiles, calibrations).cluster(11)
    assert (cluster.behaviour, cluster.moment_uB, cluster.limit_uB) == ("undecided", None, None)
    assert "the lowest field was 2 T; zero field is needed" in cluster.note


def test_a_moment_from_a_thermal_mean_tells_what_it_assumes(calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({13: thermal(2.75)}, {13: 0.2}), SHOTS, calibrations, 1)
    steps = tuple(replace(sums, step=replace(sums.step, helium_pressure_bar=2.0)) for sums in profiles.steps)
    assert "bar" not in analyse(profiles, calibrations).cluster(13).note
    assert (
        "made at 2.0 bar, where clusters may be hotter"
        in analyse(replace(profiles, steps=steps), calibrations).cluster(13).note
    )


def test_a_step_whose_condition_nobody_read_is_refused(calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({13: thermal(2.75)}, {13: 0.2}), 100, calibrations, 1)
    first, *others = profiles.steps
    unread = replace(first, step=replace(first.step, source_temperature_K=float("nan")))
    with pytest.raises(ValueError, match="source temperature of a step was not read"):
        analyse(replace(profiles, steps=(unread, *others)), calibrations)


def reversed_field(profiles: Profiles, *steps: int) -> Profiles:
    return replace(
        profiles,
        steps=tuple(
            replace(sums, step=replace(sums.step, field_set_T=-sums.step.field_set_T, field_T=-sums.step.field_T))
            if sums.step.index in steps
            else sums
            for sums in profiles.steps
        ),
    )


def test_the_field_may_point_the_other_way_but_not_both(calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({11: magnetic(0.91), 13: thermal(2.75)}, {11: 0.15, 13: 0.2}), SHOTS, calibrations, 1)
    other, mixed = (analyse(reversed_field(profiles, *steps), calibrations) for steps in ((1, 2), (1,)))
    usual = analyse(profiles, calibrations)
    assert other.field_T == -usual.field_T
    assert [c.moment_uB for c in other.clusters] == [c.moment_uB for c in usual.clusters]
    assert {c.behaviour for c in mixed.clusters} == {"undecided"}
    assert "-2.4 and 2.4 T; take one direction in a run" in mixed.cluster(11).note


def begun_at(profiles: Profiles, *started_s: float) -> Profiles:
    steps = zip(profiles.steps, started_s, strict=True)
    return replace(profiles, steps=tuple(replace(sums, step=replace(sums.step, started_s=at)) for sums, at in steps))


def test_where_few_clusters_tell_the_drift_it_is_an_error(calibrations: Calibrations) -> None:
    """Three clusters without moment, zero field, an hour later full field: 100 ppm of high voltage are 2.2 ns."""
    beam = Beam(dict.fromkeys((10, 12, 14), none), dict.fromkeys((10, 12, 14), 0.2), drift_ns={2.4: 2.2})
    drifted = counted_profiles(beam, 10 * SHOTS, calibrations, 1, (0.0, 2.4))
    at_once = analyse(begun_at(drifted, 0.0, 0.0), calibrations)
    assert {c.behaviour for c in at_once.clusters} == {"superparamagnetic"}, "without times nobody would know"
    assert all("too few clusters tell the drift" in c.note for c in at_once.clusters)
    assert {c.behaviour for c in analyse(begun_at(drifted, 0.0, 3600.0), calibrations).clusters} == {"undecided"}


def test_fields_in_different_files_may_have_drifted_by_anything(calibrations: Calibrations) -> None:
    """13 is bent by its moment or by the drift, 11 is split whatever drifts."""
    beam = Beam({11: magnetic(0.91), 13: thermal(2.75)}, {11: 0.15, 13: 0.2})
    profiles = counted_profiles(beam, 2 * SHOTS, calibrations, 1, (0.0, 2.4))
    off, on = profiles.steps
    apart = replace(profiles, steps=(off, replace(on, step=replace(on.step, index=STEPS))))
    split, bent = analyse(apart, calibrations).clusters
    assert split.behaviour == "atomic-like"
    assert (bent.behaviour, bent.moment_uB, bent.superparamagnetic_limit_uB) == ("undecided", None, None)


def test_a_drift_that_abba_cancels_is_no_error(calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({13: thermal(2.75)}, {13: 0.2}), SHOTS, calibrations, 1)
    in_turn = analyse(begun_at(profiles, 0.0, 600.0, 1200.0, 1800.0), calibrations).cluster(13)
    assert in_turn.systematics_uB["drift"] == 0.0
    one_after_the_other = analyse(begun_at(profiles, 0.0, 1200.0, 1800.0, 600.0), calibrations).cluster(13)
    assert one_after_the_other.systematics_uB["drift"] > 0.3


@pytest.mark.parametrize("uncertainty_K", [23.0, 45.0, 60.0])
def test_a_temperature_that_nobody_knows_makes_no_moment(uncertainty_K: float, calibrations: Calibrations) -> None:
    """At 45 K; splittings do not ask for it."""
    profiles = counted_profiles(Beam({11: magnetic(0.91), 13: thermal(2.75)}, {11: 0.15, 13: 0.2}), SHOTS, calibrations, 1)
    excess = calibrations.temperature.cluster_excess_K.model_copy(update={"uncertainty": uncertainty_K})
    unknown = calibrations.model_copy(
        update={"temperature": calibrations.temperature.model_copy(update={"cluster_excess_K": excess})}
    )
    split, bent = analyse(profiles, unknown).clusters
    assert split.behaviour == "atomic-like"
    assert (bent.behaviour, bent.moment_uB, bent.limit_uB) == ("undecided", None, None)
    assert "but temperature is uncertain by" in bent.note
    assert bent.mean_moment_uB > 0.1


def test_all_ions_bent_away_are_said(calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({2: magnetic(4.0)}, {2: 0.1}, C_T_m=100.0), SHOTS, calibrations, 1, background=0.0)
    cluster = analyse(profiles, calibrations).cluster(2)
    assert cluster.moment_uB is None
    assert "no ions at full field; they were bent out of the ionised region" in cluster.note


def test_a_saturated_trace_makes_no_number_from_charge(calibrations: Calibrations) -> None:
    profiles = charge_profiles(Beam({12: none}, {12: 20.0}), 300, calibrations, 1)
    bins = profiles.windows[0].bins
    busy = (Counts(np.full(bins, 200), np.full(bins, 300)),)
    for clipped, saturated in (((20,), True), ((1,), False)):
        steps = tuple(replace(sums, counts=busy, clipped=clipped) for sums in profiles.steps)
        cluster = analyse(replace(profiles, steps=steps), calibrations).cluster(12)
        assert ("digitizer's limit" in cluster.note) is saturated
        assert (cluster.mean_moment_uB is None) is saturated


@pytest.mark.parametrize("shift_s", [-70e-9, 70e-9])
def test_a_peak_elsewhere_than_the_calibration_says_makes_no_number(shift_s: float, calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({11: magnetic(0.91)}, {11: 0.15}), SHOTS, calibrations, 1)
    t0 = calibrations.mass.t0_s.model_copy(update={"value": calibrations.mass.t0_s.value + shift_s})
    wrong = calibrations.model_copy(update={"mass": calibrations.mass.model_copy(update={"t0_s": t0})})
    cluster = analyse(profiles, wrong).cluster(11)
    assert (cluster.behaviour, cluster.moment_uB) == ("undecided", None)
    assert "from where the calibration puts it" in cluster.note


@pytest.mark.parametrize("made_T", [1.2, 4.8])
def test_C_of_another_field_makes_no_number(made_T: float, calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({11: magnetic(0.91)}, {11: 0.15}), SHOTS, calibrations, 1)
    other = calibrations.model_copy(update={"deflection": calibrations.deflection.model_copy(update={"field_T": made_T})})
    cluster = analyse(profiles, other).cluster(11)
    assert (cluster.behaviour, cluster.moment_uB) == ("undecided", None)
    assert f"C was calibrated at {made_T:g} T" in cluster.note


def test_swapped_fields_are_noticed(calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({33: thermal(5.0)}, {33: 0.25}), SHOTS, calibrations, 1)
    steps = tuple(
        replace(sums, step=replace(sums.step, field_set_T=2.4 - sums.step.field_set_T, field_T=2.41 - sums.step.field_T))
        for sums in profiles.steps
    )
    cluster = analyse(replace(profiles, steps=steps), calibrations).cluster(33)
    assert (cluster.behaviour, cluster.moment_uB) == ("undecided", None)
    assert "swapped fields" in cluster.note


def test_one_field_alone_makes_no_number(calibrations: Calibrations) -> None:
    profiles = counted_profiles(Beam({33: thermal(5.0)}, {33: 0.25}), SHOTS, calibrations, 1, fields=(2.4,))
    cluster = analyse(profiles, calibrations).cluster(33)
    assert cluster.moment_uB is None
    assert "only 2.4 T was recorded; zero and full field are needed" in cluster.note


def test_charge_is_not_fitted_as_counts(calibrations: Calibrations) -> None:
    profile = charge_profiles(Beam({12: none}, {12: 20.0}), 100, calibrations, 1).profile(12, 0.0)
    with pytest.raises(ValueError, match="were not counted"):
        CountedFit(profile, profile, profile.time_s, (155.0, 155.0))
