"""Rates drawn from each law come back with it: its parameters within their errors, the others excluded where they are wrong."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from daq.analysis.relaxation import LAWS, MAGNET_m, Rate, fit_law, fit_laws, rate_of, series_of, verdict
from daq.analysis.results import ClusterResult, Results
from daq.analysis.runs import PointResults
from daq.record.blocks import Step
from daq.reduce.profiles import Profiles, StepSums
from tests.daq.analysis.beam import AXIS

KELVIN = (45.0, 60.0, 80.0, 100.0, 120.0)
GAP_K, OFF_K, FIELD_T = 250.0, 10.0, 2.4
DRAWS = 80
BY_NAME = {law.name: law for law in LAWS}


def truth_Hz(law: str, T: float, B: float = FIELD_T) -> float:
    """Written out again, 6000 flips per second at 80 K and 2.4 T."""
    ratio = {"Raman": (T / 80) ** 9, "field": (B / 2.4) ** 2 * (T / 80) ** 7, "non-Kramers": (T / 80) ** 7, "constant": 1.0}
    return 6000.0 * (ratio[law] if law != "Orbach" else 2.0 ** ((GAP_K / 80 - GAP_K / T) / np.log(2)))


def drawn(rng: np.random.Generator, law: str, fields: tuple[float, ...] = (FIELD_T,)) -> list[Rate]:
    """Rates with errors, at temperatures that are all wrong by the same amount."""
    off_K = rng.normal(0, OFF_K)
    rates = []
    for T in KELVIN:
        for B in fields:
            truth = truth_Hz(law, T + off_K, B)
            error = 400.0 + 0.05 * truth
            rates.append(Rate(T, B, truth + rng.normal(0, error), error))
    return rates


@pytest.mark.parametrize("law", ["constant", "Orbach", "Raman", "non-Kramers"])
def test_a_law_is_not_excluded_by_its_own_rates_and_others_are(law: str) -> None:
    rng, excluded, probabilities = np.random.default_rng(1), Counter(), []
    for _ in range(DRAWS):
        fits = {fit.law.name: fit for fit in fit_laws(drawn(rng, law), OFF_K)}
        excluded.update(name for name, fit in fits.items() if fit.excluded)
        probabilities.append(fits[law].probability)
    assert excluded[law] <= 2, "one in 370 would be"
    assert np.mean(np.array(probabilities) < 0.5) == pytest.approx(0.5, abs=0.2)
    if law in ("constant", "Orbach"):
        assert excluded["Raman"] == DRAWS
    else:
        assert excluded["constant"] == DRAWS


def test_the_gap_of_an_excited_state_is_covered_by_its_error() -> None:
    rng, pulls = np.random.default_rng(2), []
    for _ in range(3 * DRAWS):
        fit = fit_law(BY_NAME["Orbach"], drawn(rng, "Orbach"), OFF_K)
        assert fit.gap_K is not None
        pulls.append((fit.gap_K.value - GAP_K) / fit.gap_K.statistical)
    assert np.mean(np.abs(pulls) < 1) == pytest.approx(0.68, abs=0.1)
    assert np.mean(np.abs(pulls) < 2) > 0.88
    assert abs(np.mean(pulls)) < 0.4


def test_the_rate_is_covered_by_its_error_when_temperatures_are_right() -> None:
    rng, pulls = np.random.default_rng(3), []
    for _ in range(3 * DRAWS):
        rates = [
            replace(one, rate_Hz=truth_Hz("Raman", one.temperature_K) + rng.normal(0, 300), error_Hz=300.0)
            for one in drawn(rng, "Raman")
        ]
        fit = fit_law(BY_NAME["Raman"], rates, 1e-3)
        pulls.append((fit.rate_Hz.value - truth_Hz("Raman", fit.reference_K)) / fit.rate_Hz.statistical)
        assert fit.rate_Hz.systematic == pytest.approx(0.2 * fit.rate_Hz.value), "the magnet's length"
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)
    assert abs(np.mean(pulls)) < 0.2


def test_only_another_field_tells_the_field_term_from_integer_spins() -> None:
    rng = np.random.default_rng(4)
    same = {fit.law.name: fit for fit in fit_laws(drawn(rng, "field"), OFF_K)}
    assert same["field"].chi2 == pytest.approx(same["non-Kramers"].chi2)
    both = {fit.law.name: fit for fit in fit_laws(drawn(rng, "field", (1.2, 2.4)), OFF_K)}
    assert both["non-Kramers"].excluded
    assert not both["field"].excluded


def test_few_or_uncertain_rates_exclude_nothing() -> None:
    vague = [Rate(T, FIELD_T, 500.0, 5000.0) for T in KELVIN]
    assert verdict(fit_laws(vague, OFF_K)).startswith("no law is excluded: ")
    one = fit_laws(vague[:1], OFF_K)
    assert not any(fit.excluded for fit in one)
    assert "measure at three or more" in verdict(one)
    with pytest.raises(ValueError, match="1 temperatures cannot hold the 2 parameters of the law Orbach"):
        fit_law(BY_NAME["Orbach"], vague[:1], OFF_K)


@pytest.mark.parametrize(
    "rates",
    [
        [Rate(T, FIELD_T, 0.0, 50.0) for T in (45.0, 60.0, 80.0)],
        [Rate(45.0, FIELD_T, 0.0, 50.0), Rate(120.0, FIELD_T, 40_000.0, 50.0)],
        [Rate(45.0, FIELD_T, 0.0, 50.0), Rate(60.0, FIELD_T, 0.0, 50.0), Rate(120.0, FIELD_T, 40_000.0, 50.0)],
        [Rate(T, FIELD_T, 500.0, 50.0) for T in (45.0, 60.0, 80.0)],
        [Rate(45.0, FIELD_T, 500.0, 50.0), Rate(45.5, FIELD_T, 500.0, 50.0), Rate(80.0, FIELD_T, 900.0, 90.0)],
    ],
    ids=["no flips", "a step", "a late step", "the same everywhere", "two temperatures"],
)
@pytest.mark.parametrize("off_K", [0.0, 10.0])
def test_a_gap_that_the_rates_do_not_know_is_not_given(rates: list[Rate], off_K: float) -> None:
    fits = {fit.law.name: fit for fit in fit_laws(rates, off_K)}
    assert (fits["Orbach"].rate_Hz, fits["Orbach"].gap_K) == (None, None)
    for name in set(BY_NAME) - {"Orbach"}:
        rate = fits[name].rate_Hz
        assert rate is not None
        assert 0 < rate.statistical < np.inf


def test_runs_at_one_temperature_tell_nothing_of_laws() -> None:
    fits = fit_laws([Rate(45.0 + off_K, FIELD_T, 500.0 + 400.0 * off_K, 50.0) for off_K in (0.0, 0.5, 1.0)], OFF_K)
    assert not any(fit.excluded for fit in fits)
    assert verdict(fits) == "one temperature does not tell laws from each other; measure at three or more"
    two = fit_laws([Rate(T, FIELD_T, 500.0, 50.0) for T in (45.0, 45.5, 80.0)], OFF_K)
    assert "; two temperatures do not test Orbach, measure at three or more" in verdict(two)


def test_a_sentence_names_what_is_excluded() -> None:
    steep = [Rate(T, FIELD_T, truth_Hz("Raman", T), 50.0) for T in KELVIN]
    said = verdict(fit_laws(steep, 1.0))
    assert said.startswith("excluded: ")
    assert "constant" in said.split(";")[0]
    assert "Raman" in said.split(";")[1]
    erratic = [Rate(T, FIELD_T, rate, 10.0) for T, rate in zip(KELVIN, (9e3, 0.0, 9e3, 0.0, 9e3), strict=True)]
    assert verdict(fit_laws(erratic, 1.0)).startswith("every law is excluded")


def test_rates_come_from_flips_in_the_transit_of_atomic_like_clusters_alone() -> None:
    blocked = ClusterResult(11, "atomic-like", flips=0.8, flips_error=0.1)
    rate = rate_of(blocked, 45.0, 2.4, 432.0)
    assert rate is not None
    assert rate.rate_Hz == pytest.approx(0.8 * 432.0 / MAGNET_m)
    assert rate.error_Hz / rate.rate_Hz == pytest.approx(0.1 / 0.8)
    for other in (ClusterResult(13, "superparamagnetic"), replace(blocked, flips_error=None), replace(blocked, flips=None)):
        assert rate_of(other, 45.0, 2.4, 432.0) is None


def test_pressures_are_kept_apart_and_temperatures_put_in_order() -> None:
    def point(index: int, pressure_bar: float, source_K: float) -> PointResults:
        step = Step(index, 2.4, 2.4, source_K, pressure_bar, 432.0)
        clusters = (ClusterResult(11, "atomic-like", flips=0.1, flips_error=0.02), ClusterResult(12, "non-magnetic"))
        results = Results("V", clusters, 2.4, 432.0, source_K + 20)
        return PointResults(index, {}, results, Profiles(AXIS, "V", (), (), (StepSums(step, 9, 0, 0, (), ()),), {}))

    points = [point(0, 6.1, 60.0), point(1, 2.0, 25.0), point(2, 5.9, 25.0)]
    empty = PointResults(3, {}, Results("V", ()), Profiles(AXIS, "V", (), (), (), {}))
    found = series_of([*points, empty])
    assert [(one.size, one.pressure_bar, [rate.temperature_K for rate in one.rates]) for one in found] == [
        (11, 2.0, [45.0]),
        (11, 5.9, [45.0, 80.0]),
    ]
