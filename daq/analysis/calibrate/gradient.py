"""C of d = µ_z C / (m v²) from aluminium atoms, whose moment is known, at full field.

The narrow focus is scanned: the signal over the place of the stage is the beam itself, in metres, without any flight time.
With field the ground level 2P1/2 gives two peaks at ±d; the excited 2P3/2 four at ±2 d and ±6 d, with a share that is free.
A peak is the image of two apertures, each of which grows or shrinks in proportion to the bend, since the gradient differs
across the beam; areas stay.  That fit tells which signal is whose.  The bend itself is half the distance between the centroids
of the two ground-level peaks, whatever their shape: the fitted ones are symmetric, the true ones are not.  Moments are
centroids too, of the same beam in the same gradient.  Both peaks are moved alike, which leaves half their distance: by
fine-structure mixing, and, as the square of the bend, because what is bent towards the strong field meets a stronger gradient.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.constants import atomic_mass
from scipy.optimize import least_squares
from scipy.special import ndtr

from config.calibration import VelocityCalibration
from daq.analysis.calibrate.estimate import CannotCalibrate, Estimate
from daq.conversions.deflection import BOHR_MAGNETON_J_T
from daq.conversions.flight_time import cluster_mass_u
from daq.conversions.velocity import velocity_relative_uncertainty

Floats = NDArray[np.float64]
MOMENT_uB, MOMENT_ERROR = (1 / 3) * (1 - 0.0015), 0.0015
"""2P1/2 with g = 2/3, lowered by hyperfine coupling at 2.4 T (paper sheet, derived); relative error."""
CENTROID = 0.002
"""What the curvature of the gradient adds to the distance of centroids, relative (derived: half the square of the relative
slope times the beam's 0.21 mm rms in the magnet); another beam than the clusters' would feel another part of it."""
FOCUS_RMS_m = 0.2e-3 / 2.354820045
"""Of the narrow focus (paper sheet, assumed)."""
FARTHEST_m = 9.0e-3
"""Places used, from the beam's middle: further out the acceptance of 10 mm (assumed) cuts peaks."""
FEWEST_PLACES = 12
SIGNIFICANT = 8.0
STARTS_m = (1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3)
LEAST_SHARE, LEAST_BEND_m = 0.5, 0.5e-3
"""A splitting whose error is a larger share of it, or whose half is smaller, is none."""
MOST_CHI2 = 25.0
"""Per degree of freedom: what scatters five times its errors is not two peaks and their excited ones (assumed; good scans have
0.3 to 1.3)."""


@dataclass(frozen=True)
class Seen:
    """Signal per shot with its error at one place of the stage, with field or without."""

    stage_m: float
    with_field: bool
    signal: float
    error: float


@dataclass(frozen=True)
class GradientResult:
    """`C_T_m` with the error of the atoms' velocity, `without_velocity` the same without; `bend_m` is half the splitting of the
    ground level, `excited` the share of 2P3/2, `chi2` per degree of freedom."""

    C_T_m: Estimate
    without_velocity: Estimate
    field_T: float
    velocity_m_s: float
    bend_m: Estimate
    excited: Estimate
    chi2: float

    def calibration(self) -> dict[str, Any]:
        """What of `DeflectionCalibration` was measured, by key."""
        return {"field_T": self.field_T, "C_T_m": self.without_velocity.measured(), "velocity_m_s": self.velocity_m_s}


def calibrate_gradient(seen: Sequence[Seen], field_T: float, velocity_m_s: float, old: VelocityCalibration) -> GradientResult:
    """C at this field; `CannotCalibrate` where the scan does not show a beam without field and its splitting with field."""
    off, on = ([one for one in seen if one.with_field is way] for way in (False, True))
    for chosen, name in ((off, "zero"), (on, "full")):
        if len({round(one.stage_m, 5) for one in chosen}) < FEWEST_PLACES:
            raise CannotCalibrate(f"fewer than {FEWEST_PLACES} places of the stage at {name} field; scan it at both fields")
        if sum(one.signal for one in chosen) < SIGNIFICANT * math.sqrt(sum(one.error**2 for one in chosen)):
            raise CannotCalibrate(f"the profile at {name} field is empty")
    signal = np.array([max(one.signal, 0.0) for one in off])
    middle = float(np.array([one.stage_m for one in off]) @ signal / signal.sum())
    kept = [one for one in (*off, *on) if abs(one.stage_m - middle) < FARTHEST_m]
    values, covariance, chi2 = _fit(kept, middle)
    if not chi2 < MOST_CHI2:
        raise CannotCalibrate(
            f"the scan is not that of one split beam (χ² per degree of freedom {chi2:.0f}, allowed are {MOST_CHI2:.0f}); "
            "were the beam's intensity, field and velocity steady?"
        )
    inflated = math.sqrt(max(chi2 - 1, 0.0))
    fitted, share = (Estimate(values[i], math.sqrt(covariance[i, i]), inflated * math.sqrt(covariance[i, i])) for i in (0, 1))
    bend = _between_centroids([one for one in kept if one.with_field], values, inflated) if _splits(fitted) else fitted
    if not _splits(bend):
        raise CannotCalibrate("the field does not split the beam; was the rod aluminium, and the magnet on?")
    energy_J = cluster_mass_u("Al", 1) * float(atomic_mass) * velocity_m_s**2
    C = bend.value * energy_J / (MOMENT_uB * BOHR_MAGNETON_J_T)
    statistical = C * bend.statistical / bend.value
    others = math.hypot(bend.systematic / bend.value, MOMENT_ERROR, CENTROID)
    velocity = 2 * velocity_relative_uncertainty(velocity_m_s, old)
    whole, without = (Estimate(C, statistical, C * math.hypot(others, more)) for more in (velocity, 0.0))
    return GradientResult(whole, without, field_T, velocity_m_s, bend, share, chi2)


def _fit(seen: Sequence[Seen], middle: float) -> tuple[list[float], Floats, float]:
    """Bend, share, middle, how far both peaks are moved from it, the two apertures' widths and how they grow per bend,
    intensity at zero and at full field."""
    stage = np.array([one.stage_m for one in seen])
    full = np.array([one.with_field for one in seen])
    signal, error = np.array([one.signal for one in seen]), np.array([one.error for one in seen])
    intensity = max(float(signal[~full].max()), 1e-12) * 1.4e-3

    def model(p: Floats) -> Floats:
        return _model(stage, full, p, [*((k, (1 - p[1]) / 2) for k in (-1, 1)), *_excited(p[1])])

    low = [0.1e-3, 0.0, middle - 1e-3, -0.5e-3, 0.2e-3, 0.2e-3, 0.0, 0.0, 0.0, 0.0]
    high = [8e-3, 0.9, middle + 1e-3, 0.5e-3, 4e-3, 4e-3, 800.0 * 1e-3, 800.0 * 1e-3, np.inf, np.inf]
    begins = [np.array([start, 0.3, middle, 0.0, 1.2e-3, 1.4e-3, 0.3, 0.1, intensity, intensity]) for start in STARTS_m]
    best = None
    for begin in sorted(begins, key=lambda p: float((((model(p) - signal) / error) ** 2).sum()))[:2]:
        found = least_squares(lambda p: (model(p) - signal) / error, begin, bounds=(low, high), x_scale=np.maximum(begin, 1e-4))
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    # Signals that came out low have errors that came out low: the errors of the second round follow the model.  Where it is
    # nothing, still one ion might come, which is half of what variance there is per signal.
    quiet = float(np.quantile(error, 0.1)) ** 2
    per_signal = max(float((error**2 - quiet).sum()), 0.0) / float(signal.sum())
    smooth = np.sqrt(quiet + per_signal * (np.maximum(model(best.x), 0.0) + per_signal / 2))
    best = least_squares(lambda p: (model(p) - signal) / smooth, best.x, bounds=(low, high), x_scale=np.maximum(best.x, 1e-4))
    covariance = np.linalg.pinv(best.jac.T @ best.jac)
    return best.x.tolist(), covariance, float(2 * best.cost) / max(len(seen) - len(best.x), 1)


def _model(stage: Floats, full: NDArray[np.bool_], p: Floats, levels: Sequence[tuple[int, float]]) -> Floats:
    """The signal at zero field, or of these levels at full field: by how many bends each is moved, and its share."""
    bend, _, centre, moved, first, second, grows_first, grows_second, at_zero, at_full = p
    zero = at_zero * _image(stage - centre, first, second)
    on = sum(
        weight
        * _image(stage - centre - k * bend - k**2 * moved, first + k * bend * grows_first, second + k * bend * grows_second)
        for k, weight in levels
    )
    return np.asarray(np.where(full, at_full * on, zero))


def _excited(share: float) -> list[tuple[int, float]]:
    """2P3/2: four states, ±2 and ±6 times as far."""
    return [(k, share / 4) for k in (-6, -2, 2, 6)]


def _splits(bend: Estimate) -> bool:
    return bend.error < LEAST_SHARE * bend.value and bend.value > LEAST_BEND_m


def _between_centroids(seen: Sequence[Seen], fitted: Sequence[float], inflated: float) -> Estimate:
    """Half the distance between the centroids of the two ground-level peaks, each half a bend to either side; what the fit says
    of the excited level there is taken off.  Systematic: what signals scatter about the fit, `inflated` times their errors."""
    bend, share, centre = fitted[0], fitted[1], fitted[2] + fitted[3]
    stage, signal, error = (np.array([getattr(one, name) for one in seen]) for name in ("stage_m", "signal", "error"))
    signal = signal - _model(stage, np.ones(len(seen), bool), np.asarray(fitted), levels=_excited(share))
    centroids, variances = [], []
    for side in (-1, 1):
        near = np.abs(stage - centre - side * bend) < bend / 2
        total = float(signal[near].sum())
        middle = float(stage[near] @ signal[near]) / total
        centroids.append(middle)
        variances.append(float((((stage[near] - middle) / total * error[near]) ** 2).sum()))
    statistical = math.sqrt(sum(variances)) / 2
    return Estimate((centroids[1] - centroids[0]) / 2, statistical, inflated * statistical)


def _image(away: Floats, first: float, second: float) -> Floats:
    """Two apertures' images of these widths, and the focus, folded: area 1, about 0."""
    first, second = max(abs(first), 0.05e-3), max(abs(second), 0.05e-3)
    outer, inner = (first + second) / 2, (first - second) / 2
    folded = _ramp(away + outer) - _ramp(away + inner) - _ramp(away - inner) + _ramp(away - outer)
    return np.asarray(folded / (first * second))


def _ramp(away: Floats) -> Floats:
    """Integral of the focus' cumulative distribution."""
    u = away / FOCUS_RMS_m
    return np.asarray(FOCUS_RMS_m * (u * ndtr(u) + np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)))
