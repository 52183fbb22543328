"""Clusters with known moments, drawn ion by ion, must come back with the right behaviour and honest errors."""

import json
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from config.calibration import Calibrations
from config.laboratory import read_laboratory
from daq.analysis.moments import analyse
from daq.analysis.results import ClusterResult, Results
from tests.daq.analysis.beam import ABBA, Beam, charge_profiles, magnetic, none, thermal

pytestmark = pytest.mark.timeout(240)
"""The first test waits for ten runs to be drawn and analysed."""
CLUSTERS = {
    4: none,
    6: none,
    8: none,
    10: none,
    12: none,
    3: magnetic(1.2),
    11: magnetic(0.91, flips=0.1),
    13: thermal(2.75),
    33: thermal(5.0),
}
IONS = {3: 6.0, 4: 7.0, 6: 10.0, 8: 14.0, 10: 18.0, 11: 20.0, 12: 20.0, 13: 20.0, 33: 6.0}
SHOTS = 750
"""Per step; two steps of each field make 1500 shots per field."""
ATOMIC, RELAXING, EVEN = {3: 1.2, 11: 0.91}, {13: 2.75, 33: 5.0}, (4, 6, 8, 10, 12)
DRAWS = 10


@pytest.fixture(scope="module")
def repeated() -> list[Results]:
    """The same run drawn again and again."""
    calibrations, beam = read_laboratory()[1], Beam(CLUSTERS, IONS)
    return [analyse(charge_profiles(beam, SHOTS, calibrations, seed), calibrations) for seed in range(DRAWS)]


def by_size(repeated: list[Results]) -> dict[int, list[ClusterResult]]:
    found = defaultdict(list)
    for results in repeated:
        for cluster in results.clusters:
            found[cluster.size].append(cluster)
    return found


def test_every_behaviour_is_recognised_every_time(repeated: list[Results]) -> None:
    found = by_size(repeated)
    assert {c.behaviour for size in ATOMIC for c in found[size]} == {"atomic-like"}
    assert {c.behaviour for size in RELAXING for c in found[size]} == {"superparamagnetic"}
    assert {c.behaviour for size in EVEN for c in found[size]} == {"non-magnetic"}


def test_moments_are_unbiased_and_their_errors_honest(repeated: list[Results]) -> None:
    found = by_size(repeated)
    for size, truth in {**ATOMIC, **RELAXING}.items():
        pulls = np.array([(c.moment_uB - truth) / c.statistical_uB for c in found[size]])
        assert abs(pulls.mean()) < 4 / np.sqrt(DRAWS), f"V{size} is biased"
        assert 0.3 < pulls.std() < 1.8, f"the error of V{size} is wrong"
    every = np.array([(c.moment_uB - RELAXING[n]) / c.statistical_uB for n in RELAXING for c in found[n]])
    assert 0.7 < every.std() < 1.4


def test_the_mean_of_clusters_without_moment_scatters_as_stated(repeated: list[Results]) -> None:
    pulls = np.array([c.mean_moment_uB / c.mean_moment_error_uB for n in EVEN for c in by_size(repeated)[n]])
    assert abs(pulls.mean()) < 0.45
    assert 0.75 < pulls.std() < 1.3


def test_statistical_errors_are_small_enough(repeated: list[Results]) -> None:
    for size in ATOMIC:
        assert max(c.statistical_uB for c in by_size(repeated)[size]) < 0.05


def test_clusters_without_moment_have_limits_below_one(repeated: list[Results]) -> None:
    for size in EVEN:
        limits = [c.limit_uB for c in by_size(repeated)[size]]
        assert max(limits) < 1.0
        assert all(c.moment_uB == 0.0 and c.error_uB is None for c in by_size(repeated)[size])


def test_ions_are_counted(repeated: list[Results]) -> None:
    for size, per_shot in IONS.items():
        ions = np.mean([c.ions for c in by_size(repeated)[size]])
        assert ions == pytest.approx(per_shot * 4 * SHOTS, rel=0.15)


def test_errors_add_up_and_temperature_rules_the_superparamagnets(repeated: list[Results]) -> None:
    cluster = repeated[0].cluster(13)
    assert cluster.error_uB == pytest.approx(np.hypot(cluster.statistical_uB, cluster.systematic_uB))
    assert cluster.systematics_uB["temperature"] == pytest.approx(0.36, abs=0.08)
    assert cluster.systematics_uB["temperature"] > 0.9 * cluster.systematic_uB
    assert cluster.langevin_uB > cluster.moment_uB
    assert set(repeated[0].cluster(11).systematics_uB) == {"gradient", "velocity", "position"}


def test_relaxation_in_flight_is_measured(calibrations: Calibrations) -> None:
    beam = Beam({11: magnetic(0.91, flips=0.8)}, {11: 20.0})
    cluster = analyse(charge_profiles(beam, SHOTS, calibrations, 3), calibrations).cluster(11)
    assert cluster.behaviour == "atomic-like"
    assert cluster.flips == pytest.approx(0.8, abs=4 * cluster.flips_error)
    assert cluster.moment_uB == pytest.approx(0.91, abs=4 * cluster.statistical_uB)
    assert cluster.flips_error < 0.2


def test_a_common_drift_is_taken_off(calibrations: Calibrations) -> None:
    beam = Beam(CLUSTERS, IONS, drift_ns={2.4: 3.0})
    results = analyse(charge_profiles(beam, SHOTS, calibrations, 5), calibrations)
    assert results.drift is not None
    assert results.drift.shift_s_per_sqrt_u * np.sqrt(560.4) == pytest.approx(
        3e-9, abs=4 * results.drift.error_s_per_sqrt_u * 23.7
    )
    assert results.cluster(12).behaviour == "non-magnetic"
    assert results.cluster(13).moment_uB == pytest.approx(2.75, abs=4 * results.cluster(13).statistical_uB)


def test_limits_hold_for_what_is_just_there(calibrations: Calibrations) -> None:
    """A superparamagnetic 1 µB that is not seen must lie below its limit, nineteen times of twenty."""
    beam = Beam({20: thermal(1.0)}, {20: 10.0})
    found = [analyse(charge_profiles(beam, SHOTS, calibrations, seed), calibrations).cluster(20) for seed in range(25)]
    assert all(c.behaviour in ("undecided", "superparamagnetic") or c.limit_uB < 1.0 for c in found)
    limits = [c.superparamagnetic_limit_uB for c in found if c.superparamagnetic_limit_uB is not None]
    assert len(limits) >= 20
    assert np.mean(np.array(limits) >= 1.0) >= 0.84


def test_a_small_doublet_is_not_called_non_magnetic(calibrations: Calibrations) -> None:
    beam = Beam({12: magnetic(0.22)}, {12: 20.0})
    found = [analyse(charge_profiles(beam, SHOTS, calibrations, seed), calibrations).cluster(12) for seed in range(6)]
    for cluster in found:
        assert cluster.behaviour in ("undecided", "atomic-like")
        assert cluster.atomic_limit_uB is None or cluster.atomic_limit_uB > 0.2


def test_few_ions_leave_it_undecided_with_limits(calibrations: Calibrations) -> None:
    cluster = analyse(charge_profiles(Beam({30: none}, {30: 5.0}), 250, calibrations, 1), calibrations).cluster(30)
    assert cluster.behaviour == "undecided"
    assert cluster.moment_uB is None
    assert cluster.limit_uB is not None
    assert cluster.limit_uB > 1.0
    assert "more shots decide" in cluster.note


def test_ions_too_few_to_know_the_response_make_no_number(calibrations: Calibrations) -> None:
    cluster = analyse(charge_profiles(Beam({30: thermal(5.0)}, {30: 1.0}), 250, calibrations, 1), calibrations).cluster(30)
    assert (cluster.behaviour, cluster.moment_uB, cluster.limit_uB) == ("undecided", None, None)
    assert "times the shots" in cluster.note


def test_swapped_fields_are_noticed(calibrations: Calibrations) -> None:
    swapped = charge_profiles(Beam({13: thermal(2.75)}, {13: 20.0}), SHOTS, calibrations, 1)
    steps = tuple(
        replace(sums, step=replace(sums.step, field_set_T=2.4 - sums.step.field_set_T, field_T=2.41 - sums.step.field_T))
        for sums in swapped.steps
    )
    cluster = analyse(replace(swapped, steps=steps), calibrations).cluster(13)
    assert cluster.behaviour == "undecided"
    assert cluster.moment_uB is None
    assert "swapped fields" in cluster.note


@pytest.mark.parametrize("moment", [1.03, 2.5])
def test_ions_bent_out_of_the_beam_make_no_number(moment: float, calibrations: Calibrations) -> None:
    """The first loses about half of them at the edge of the ionised region, the second all."""
    beam = Beam({2: magnetic(moment), 4: none, 6: none, 12: none}, {2: 10.0, 4: 8.0, 6: 10.0, 12: 20.0})
    cluster = analyse(charge_profiles(beam, SHOTS, calibrations, 1), calibrations).cluster(2)
    assert cluster.behaviour == "undecided"
    assert cluster.moment_uB is None
    assert "bent out of the ionised region" in cluster.note


def test_an_empty_profile_makes_no_number(calibrations: Calibrations) -> None:
    beam = Beam({5: none, 12: none}, {5: 0.0, 12: 20.0})
    cluster = analyse(charge_profiles(beam, SHOTS, calibrations, 1), calibrations).cluster(5)
    assert (cluster.behaviour, cluster.moment_uB, cluster.limit_uB) == ("undecided", None, None)
    assert "empty" in cluster.note


@pytest.mark.parametrize(
    ("fields", "shots", "reason"),
    [
        ((0.0, 0.0), 300, "only 0 T was recorded"),
        ((2.4,), 300, r"only 2.4 T was recorded"),
        (ABBA, 40, "only 80 shots"),
        ((), 9, "no shots"),
    ],
)
def test_too_little_data_is_said(fields: tuple[float, ...], shots: int, reason: str, calibrations: Calibrations) -> None:
    profiles = charge_profiles(Beam({12: none}, {12: 20.0}), shots, calibrations, 1, fields)
    cluster = analyse(profiles, calibrations).cluster(12)
    assert (cluster.behaviour, cluster.moment_uB) == ("undecided", None)
    assert reason in cluster.note


def test_different_conditions_are_not_mixed(calibrations: Calibrations) -> None:
    profiles = charge_profiles(Beam({12: none}, {12: 20.0}), 200, calibrations, 1)
    for change, name in (
        ({"velocity_m_s": 500.0}, "velocity"),
        ({"source_temperature_K": 40.0}, "temperature"),
        ({"helium_pressure_bar": 2.0}, "pressure"),
    ):
        first, *others = profiles.steps
        mixed = replace(profiles, steps=(replace(first, step=replace(first.step, **change)), *others))
        with pytest.raises(ValueError, match=f"differ in .*{name}"):
            analyse(mixed, calibrations)
    rest = mixed.selected(frozenset({1, 2, 3}))
    assert analyse(rest, calibrations).cluster(12).mean_moment_uB is not None


def test_results_are_ready_for_json(repeated: list[Results]) -> None:
    document = json.loads(json.dumps(repeated[0].document(), allow_nan=False))
    assert document["element"] == "V"
    assert [cluster["size"] for cluster in document["clusters"]] == sorted(CLUSTERS)
    assert all("curves" not in cluster for cluster in document["clusters"])
    # V3 is bent to where ions are missed.
    assert document["clusters"][0]["systematics_uB"].keys() == {"gradient", "velocity", "position", "acceptance"}


def test_a_number_that_is_not_finite_becomes_null() -> None:
    assert ClusterResult(5, "undecided", chi2=float("nan")).document()["chi2"] is None


def test_an_unknown_size_is_a_key_error(repeated: list[Results]) -> None:
    with pytest.raises(KeyError, match="V99"):
        repeated[0].cluster(99)
