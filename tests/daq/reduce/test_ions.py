import numpy as np
import pytest

from daq.reduce.ions import signal_per_ion
from daq.reduce.profiles import Profile


def drawn(per_shot: np.ndarray, mean_charge: float, noise: float, spread: float, seed: int) -> Profile:
    """Charges of ions with exponential heights, in shots whose strength varies."""
    rng = np.random.default_rng(seed)
    shots = 3000
    counts = rng.poisson(per_shot * rng.gamma(1 / spread**2, spread**2, (shots, 1)))
    charge = np.where(counts > 0, rng.gamma(np.maximum(counts, 1), mean_charge), 0.0) + rng.normal(0, noise, counts.shape)
    return Profile(11, 560.0, 0.0, shots, np.arange(len(per_shot)) * 6e-9, charge.mean(axis=0), np.cov(charge.T) / shots)


@pytest.mark.parametrize(("mean_charge", "spread"), [(300.0, 0.1), (300.0, 0.5), (80.0, 0.3)])
def test_the_charge_of_an_ion_is_found_though_shots_vary_in_strength(mean_charge: float, spread: float) -> None:
    bins = np.arange(40)
    profiles = [
        drawn(n * np.exp(-0.5 * ((bins - 20) / 3) ** 2), mean_charge, 5.0, spread, s) for s, n in enumerate((0.3, 1, 4))
    ]
    assert signal_per_ion(profiles) == pytest.approx(mean_charge, rel=0.1)


def test_without_ions_there_is_no_charge_to_find() -> None:
    empty = Profile(11, 560.0, 0.0, 100, np.arange(10) * 6e-9, np.zeros(10), np.zeros((10, 10)))
    assert signal_per_ion([empty]) is None
    assert signal_per_ion([]) is None
