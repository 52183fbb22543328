"""The time zero comes back from how moments seem to change with the velocity, whatever the moments are."""

from dataclasses import replace

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.analysis.calibrate.chopper import ChopperResult, Seeming, calibrate_chopper, seeming_moments
from daq.analysis.calibrate.estimate import CannotCalibrate
from daq.analysis.moments import analyse
from daq.analysis.results import ClusterResult, Results
from tests.daq.analysis.beam import Beam, charge_profiles, magnetic, none

PATH_m = 1.68
VELOCITIES = (420.0, 500.0, 590.0, 690.0)
MOMENTS = {3: 1.2, 5: 0.78, 7: 0.86, 9: 0.83, 11: 0.91}
"""Of vanadium, by size."""
ERRORS = {420.0: 0.005, 500.0: 0.011, 590.0: 0.025, 690.0: 0.05}
"""Relative, of about 4,000 shots at each velocity."""


def drawn(rng: np.random.Generator, zero_s: float, calibrations: Calibrations) -> ChopperResult:
    """From moments that are as noisy as those of a run, but need no traces."""
    seeming = []
    for size, moment in MOMENTS.items():
        for velocity, relative in ERRORS.items():
            flight = PATH_m / velocity
            seems = moment * ((flight - zero_s) / flight) ** 2
            seeming.append(Seeming(f"V{size}", flight, seems * (1 + relative * rng.standard_normal()), relative * seems))
    return calibrate_chopper(seeming, calibrations.velocity)


@pytest.mark.parametrize("zero_us", [0.0, 4.0, -60.0])
def test_the_errors_cover_the_truth(zero_us: float, calibrations: Calibrations) -> None:
    rng = np.random.default_rng(11)
    found = [drawn(rng, zero_us * 1e-6, calibrations) for _ in range(300)]
    pulls = np.array([(one.time_zero_s.value - zero_us * 1e-6) / one.time_zero_s.statistical for one in found])
    assert abs(pulls.mean()) < 0.2
    assert 0.9 < pulls.std() < 1.1
    assert 0.92 < np.mean(np.abs(pulls) < 1.96) < 0.98
    assert np.mean([one.chi2 for one in found]) == pytest.approx(1, abs=0.1)


def test_time_zero_is_counted_from_the_old_one(calibrations: Calibrations) -> None:
    rng = np.random.default_rng(2)
    old = calibrations.velocity
    moved = old.model_copy(update={"time_zero_s": old.time_zero_s.model_copy(update={"value": 20e-6})})
    later = calibrations.model_copy(update={"velocity": moved})
    first, second = (drawn(np.random.default_rng(2), 4e-6, one).time_zero_s.value for one in (calibrations, later))
    assert second - first == pytest.approx(20e-6)
    assert drawn(rng, 4e-6, calibrations).moments_uB == pytest.approx(
        {f"V{n}": moment for n, moment in MOMENTS.items()}, rel=0.05
    )


def test_more_shots_help_down_to_the_systematic_error(calibrations: Calibrations) -> None:
    found = drawn(np.random.default_rng(4), 0.0, calibrations)
    half = np.hypot(found.time_zero_s.statistical / 2, found.time_zero_s.systematic) / found.time_zero_s.error * found.share
    assert found.times_the_shots(half) == pytest.approx(4)
    assert found.times_the_shots(0.9 * found.share * found.time_zero_s.systematic / found.time_zero_s.error) is None


def profiles_at(velocity: float, zero_s: float, seed: int, calibrations: Calibrations) -> Results:
    """What the analysis makes of a beam whose true flight is shorter by `zero_s` than it believes, and relaxes a little."""
    clusters = {n: magnetic(MOMENTS[n], 0.05) if n in MOMENTS else none for n in range(3, 10)}
    ions = {n: 28 * np.exp(-((np.log(n / 12) / 0.75) ** 2) / 2) for n in clusters}
    beam = Beam(clusters, ions, velocity_m_s=PATH_m / (PATH_m / velocity - zero_s))
    profiles = charge_profiles(beam, 400, calibrations, seed)
    steps = tuple(replace(sums, step=replace(sums.step, velocity_m_s=velocity)) for sums in profiles.steps)
    return analyse(replace(profiles, steps=steps), calibrations)


def test_a_beam_of_ions_gives_its_time_zero(calibrations: Calibrations) -> None:
    found = [profiles_at(velocity, 4e-6, seed, calibrations) for seed, velocity in enumerate(VELOCITIES)]
    made = calibrate_chopper(seeming_moments(found, calibrations), calibrations.velocity)
    assert made.velocities == 4
    assert made.time_zero_s.error < 45e-6
    assert made.time_zero_s.value == pytest.approx(4e-6, abs=2.5 * made.time_zero_s.error)


def test_clusters_that_relax_take_no_part(calibrations: Calibrations) -> None:
    def relaxing(velocity: float, flips: float) -> Results:
        return results(velocity, replace(split(7), flips=flips, flips_error=0.05))

    few, many = ([relaxing(velocity, flips) for velocity in (420.0, 500.0)] for flips in (0.1, 0.8))
    assert len(seeming_moments(few, calibrations)) == 2
    assert seeming_moments(many, calibrations) == []


def test_another_element_has_clusters_of_its_own(calibrations: Calibrations) -> None:
    """V9 and Nb9 have other moments, and make lines that meet at the same time zero."""

    def seen(element: str, moments: dict[int, float], velocity: float) -> Results:
        seems = {n: moment * (1 + 16e-6 * velocity / PATH_m) ** 2 for n, moment in moments.items()}
        return replace(results(velocity, *(split(n, moment, 0.003) for n, moment in seems.items())), element=element)

    vanadium = [seen("V", {7: 0.86, 9: 0.83, 11: 0.91}, velocity) for velocity in (432.0, 499.0, 577.0)]
    niobium = [seen("Nb", {7: 1.6, 9: 1.0, 11: 1.2}, velocity) for velocity in (428.0, 494.0)]
    both = calibrate_chopper(seeming_moments(vanadium + niobium, calibrations), calibrations.velocity)
    assert both.time_zero_s.value == pytest.approx(-16e-6, abs=1e-9)
    assert (both.moments_uB["V9"], both.moments_uB["Nb9"]) == pytest.approx((0.83, 1.0))


def results(velocity: float, *clusters: ClusterResult) -> Results:
    return Results("V", clusters, 2.4, velocity, 45.0)


def split(size: int, moment: float = 0.9, error: float = 0.01) -> ClusterResult:
    return ClusterResult(size, "atomic-like", moment_uB=2 * moment, unrelaxed_uB=moment, unrelaxed_error_uB=error)


def test_only_what_should_be_well_split_takes_part(calibrations: Calibrations) -> None:
    found = [results(420.0, split(3, 1.2), split(7), split(21), ClusterResult(8, "non-magnetic", moment_uB=0.0)),
             results(690.0, split(3, 1.2), split(7, 0.95, 0.06), split(21, 1.5, 0.1))]  # fmt: skip
    chosen = [(one.cluster, round(PATH_m / one.flight_s)) for one in seeming_moments(found, calibrations)]
    # V3 is bent out of the ionised region at 420 m/s, V21 is not resolved at 690 m/s, however large it came out there.
    assert chosen == [("V7", 420), ("V21", 420), ("V3", 690), ("V7", 690)]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "no cluster is split at two velocities"),
        ([results(420.0, split(7))], "no cluster is split at two velocities"),
        ([results(420.0, split(7)), results(500.0, split(9))], "no cluster is split at two velocities"),
        ([results(430.0, split(7)), results(435.0, split(7))], "the flight times differ by 1.2% only"),
        ([Results("V", (ClusterResult(7, "undecided", "only 0 T"),))], "no cluster is split at two velocities"),
    ],
)
def test_what_has_no_lever_is_refused(found: list[Results], said: str, calibrations: Calibrations) -> None:
    with pytest.raises(CannotCalibrate, match=said):
        calibrate_chopper(seeming_moments(found, calibrations), calibrations.velocity)
