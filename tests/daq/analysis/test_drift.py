import numpy as np
import pytest

from daq.analysis.drift import Shift, common_drift


def shifts(drift: float, moved: dict[int, float], seed: int = 0) -> list[Shift]:
    rng = np.random.default_rng(seed)
    made = []
    for size in range(4, 34, 2):
        mass = 51.0 * size
        error = 1e-10
        made.append(Shift(size, mass, drift * mass**0.5 + moved.get(size, 0.0) + rng.normal(0, error), error))
    return made


def test_the_drift_is_found_among_clusters_that_shift_by_themselves() -> None:
    found = common_drift(shifts(5e-11, {22: 0.9e-9, 26: 2e-9, 28: 2e-9}))
    assert found is not None
    assert found.shift_s_per_sqrt_u == pytest.approx(5e-11, abs=4 * found.error_s_per_sqrt_u)
    assert {22, 26, 28}.isdisjoint(found.references)
    assert found.error_s_per_sqrt_u < 2e-12


def test_its_error_is_that_of_repeated_measurements() -> None:
    found = [common_drift(shifts(5e-11, {}, seed)) for seed in range(200)]
    pulls = [(one.shift_s_per_sqrt_u - 5e-11) / one.error_s_per_sqrt_u for one in found if one is not None]
    assert len(pulls) == 200
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)
    assert abs(np.mean(pulls)) < 0.25


def test_few_clusters_or_no_agreement_give_no_correction() -> None:
    assert common_drift(shifts(5e-11, {})[:4]) is None
    assert common_drift(shifts(0.0, {size: size * 1e-9 for size in range(4, 34)})) is None
