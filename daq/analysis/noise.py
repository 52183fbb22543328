"""Weights for the fit: the covariance of a profile as a smooth function of its mean.

Weights straight from the scatter would follow each bin's fluctuation (low bins look certain: a bias), and hundreds
of shots cannot be inverted in tens of dimensions without loss.  So the scatter is described by what makes it:

    V_ij = a_|i−j| (m_i + m_j)/2 + c_|i−j|   ions of unequal pulse height that share neighbouring bins, and electronic noise
         + M U Mᵀ, M = (m, m')               shots that are stronger or weaker as a whole, or early or late as a whole

with m the mean per shot, smoothed, a and c common to both fields, U positive.  The errors of a fit use the measured
scatter again.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from daq.reduce.profiles import Profile

SMOOTHING_bins = 1.0
EMPTY = 0.1
"""Share of the bins that no ion reaches, at least; their scatter is the electronic noise."""
BAND = 3
"""A single ion's pulse touches bins fewer than this apart."""
LOWEST_EIGENVALUE = 0.2
"""Of the smallest variance: bounds what noisy band coefficients may claim to cancel."""


def smooth_covariances(profiles: tuple[Profile, ...]) -> tuple[NDArray[np.float64], ...]:
    """The covariance of each profile's values, smooth and positive definite, float64[bins, bins] each."""
    means = [p.values for p in profiles]
    scatters = [p.covariance * p.shots for p in profiles]
    quiet = float(np.quantile(np.concatenate([np.diag(s) for s in scatters]), EMPTY))
    spreads = [_spread(mean, scatter, quiet) for mean, scatter in zip(means, scatters, strict=True)]
    common = [_common(*each) for each in zip(means, scatters, spreads, strict=True)]
    rest = [scatter - part for scatter, part in zip(scatters, common, strict=True)]
    band = [_coefficients(offset, means, rest, spreads, quiet) for offset in range(BAND)]
    found = []
    for p, mean, part in zip(profiles, means, common, strict=True):
        total = part + _banded(_smoothed(mean, p.shots, *band[0]), band)
        lowest = 0.1 * band[0][0] ** 2 / p.shots  # an empty bin is no proof that no ion can come
        total += np.diag(np.maximum(lowest - np.diag(total), 0.0))
        found.append(_positive(total, p) / p.shots)
    return tuple(found)


def _common(mean: NDArray[np.float64], scatter: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """M U Mᵀ from the bins that share no ion."""
    slope = np.gradient(mean)
    i, j = np.triu_indices(len(mean), BAND)
    weight = 1 / (spread[i] * spread[j])
    design = np.stack([mean[i] * mean[j], slope[i] * slope[j], mean[i] * slope[j] + slope[i] * mean[j]], axis=1)
    u, *_ = np.linalg.lstsq(design * weight[:, None], scatter[i, j] * weight, rcond=None)
    values, vectors = np.linalg.eigh(np.array([[u[0], u[2]], [u[2], u[1]]]))
    shape = np.stack([mean, slope], axis=1) @ vectors
    part: NDArray[np.float64] = (shape * np.maximum(values, 0.0)) @ shape.T
    return part


def _coefficients(
    offset: int,
    means: list[NDArray[np.float64]],
    rest: list[NDArray[np.float64]],
    spreads: list[NDArray[np.float64]],
    quiet: float,
) -> tuple[float, float]:
    """(a, c) of one diagonal, from both fields."""
    middle = np.concatenate([(m[: len(m) - offset] + m[offset:]) / 2 for m in means])
    target = np.concatenate([np.diagonal(r, offset) for r in rest])
    spread = np.concatenate([np.sqrt(s[: len(s) - offset] * s[offset:]) for s in spreads])
    per_signal = max(float(np.trace(r)) for r in rest) / max(float(m.sum()) for m in means)
    weight = 1 / (spread * np.hypot(spread, per_signal))  # the scatter is uncertain, and so is the mean it is compared with
    if offset == 0:
        slope = float((weight * middle) @ (weight * (target - quiet))) / float((weight * middle) @ (weight * middle))
        return max(slope, 0.0), quiet
    design = np.stack([middle, np.ones_like(middle)], axis=1) * weight[:, None]
    slope, constant = np.linalg.lstsq(design, target * weight, rcond=None)[0]
    return float(slope), float(constant)


def _banded(mean: NDArray[np.float64], band: list[tuple[float, float]]) -> NDArray[np.float64]:
    total = np.zeros((len(mean), len(mean)))
    for offset, (per_signal, constant) in enumerate(band):
        diagonal = per_signal * (mean[: len(mean) - offset] + mean[offset:]) / 2 + constant
        total += np.diag(diagonal, offset) + (np.diag(diagonal, -offset) if offset else 0.0)
    return total


def _smoothed(values: NDArray[np.float64], shots: int, per_signal: float, constant: float) -> NDArray[np.float64]:
    """The mean smoothed on a logarithmic scale, for its flanks are steep, but linearly where noise or one ion rule."""
    level = 3 * np.sqrt(constant / shots) + 2 * per_signal / shots + 1e-9 * values.max()
    logarithm = gaussian_filter1d(np.log(np.maximum(values, -level / 2) + level), SMOOTHING_bins, mode="nearest")
    smooth: NDArray[np.float64] = np.maximum(np.exp(logarithm) - level, 0.0)
    return smooth


def _spread(mean: NDArray[np.float64], scatter: NDArray[np.float64], quiet: float) -> NDArray[np.float64]:
    """First guess of the standard deviation per shot in each bin, to weigh the bins: signal in proportion, and noise."""
    variance = np.diag(scatter)
    per_signal = variance.sum() / max(mean.sum(), 1e-300)
    spread: NDArray[np.float64] = np.sqrt(per_signal * np.maximum(mean, 0.0) + quiet + 1e-6 * variance.max())
    return spread


def _positive(total: NDArray[np.float64], profile: Profile) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(total)
    lowest = LOWEST_EIGENVALUE * np.diag(total).min()
    if not lowest > 0:
        raise ValueError(f"the scatter of size {profile.size} at {profile.field_T:g} T vanishes; the profile holds no signal")
    positive: NDArray[np.float64] = (vectors * np.maximum(values, lowest)) @ vectors.T
    return positive
