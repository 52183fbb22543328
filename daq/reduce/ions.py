"""How many ions a charge stands for, from the fluctuations between shots.

Ions arrive at random and each gives a charge q₁ at random: a bin's variance is its mean times E[q₁²]/E[q₁], plus
the square of its mean times the relative variance of whole shots, plus noise.  For exponential pulse heights
(assumed, about right for a microchannel plate) E[q₁²]/E[q₁] = 2 E[q₁].  Numbers of ions are for information; no
error bar rests on them.
"""

import numpy as np
from numpy.typing import NDArray

from daq.reduce.profiles import Profile

HEIGHT_FACTOR = 2.0
"""E[q²]/E[q]² of a single ion's charge, exponential (assumed)."""
SHARED = 2
"""Bins on each side that the pulse of an ion can reach into."""


def signal_per_ion(profiles: list[Profile], height_factor: float = HEIGHT_FACTOR) -> float | None:
    """Mean signal of one ion in the unit of the profiles' values, or None where fluctuations do not show one.

    A weighted straight fit over the bins of all profiles, sparse ones counting most.
    """
    rows = [_rows(profile) for profile in profiles if len(profile.values) > 2 * SHARED]
    if not rows:
        return None
    mean, square, variance = np.concatenate(rows, axis=1)
    if not (mean.sum() > 0 and variance.max() > 0):
        return None
    floor = np.quantile(variance, 0.1) + 1e-6 * variance.max()
    per_signal = variance.sum() / mean.sum()
    spread = np.sqrt(per_signal * np.maximum(mean, 0.0) + floor)
    weight = 1 / (spread * np.hypot(spread, per_signal))  # the variance is uncertain, and so is the mean it is compared with
    design = np.stack([mean, square, np.ones_like(mean)], axis=1) * weight[:, None]
    slope = float(np.linalg.lstsq(design, variance * weight, rcond=None)[0][0])
    return slope / height_factor if slope > 0 else None


def _rows(profile: Profile) -> NDArray[np.float64]:
    """Mean, mean times neighbourhood, and variance with the neighbours' covariance, per inner bin and shot."""
    scatter, values = profile.covariance * profile.shots, profile.values
    inner = np.arange(SHARED, len(values) - SHARED)
    near = inner[:, None] + np.arange(-SHARED, SHARED + 1)
    return np.stack([values[inner], values[inner] * values[near].sum(axis=1), scatter[inner[:, None], near].sum(axis=1)])
