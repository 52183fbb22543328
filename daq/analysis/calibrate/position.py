"""s and q of t = … + s(m) d + q(m) d² from a narrow ionising focus that the stage moves across the undeflected beam.

The ions of a focus at x come from z = x + w g(x) on average, g = d ln N / dx the slope of the signal N over the scan, w the
variance of the focus: on the flank of the beam most come from the side of its middle.  This is exact for a Gaussian focus and
any beam.  With √m scaled out, t is linear in s, s w and q, and in what the flight time drifts with time; so all are fitted
together, for all sizes, each with an offset of its own, which takes isotopes, hydrides and t0 + k √m with it.  Since g is
nearly a straight line too, the scan tells s and w badly apart: w enters as measured before.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline

from config.calibration import PositionCalibration
from daq.analysis.calibrate.estimate import CannotCalibrate, Estimate

Floats = NDArray[np.float64]
FEWEST_POSITIONS = 6
LEAST_SIGNAL = 0.1
"""Of the largest along the scan; beyond, the beam is too thin to tell where the ions come from."""
LEAST_RANGE_m = 0.5e-3
DRIFT_per_hour = 50e-6
"""Of the flight time: 100 ppm of high voltage (paper sheet, assumed)."""
FWHM = 2.354820045
EMPTY = "the profiles are empty; nearly no ions were seen with the narrow focus"
FOCUS_m, FOCUS_ERROR = 0.2e-3, 0.1
"""Width of the focus (FWHM), and how well it is known, relative (assumed; a knife edge tells)."""


@dataclass(frozen=True)
class Spot:
    """Ions of one size at one place of the stage: mean flight time and signal per shot with their errors.

    `when_s` counts from the start of the run.  Where no ions are seen, the error of the time is infinite.
    """

    size: int
    mass_u: float
    stage_m: float
    when_s: float
    time_s: float
    time_error_s: float
    signal: float
    signal_error: float


@dataclass(frozen=True)
class PositionResult:
    """`centre_m` is where the stage stands in the middle of the beam; `focus_m` the FWHM of the focus as the scan sees it.

    `drift_known` says whether the scan went back and forth, so that drift is told from position.
    """

    reference_mass_u: float
    sensitivity_s_per_m: Estimate
    curvature_s_per_m2: Estimate
    centre_m: float
    focus_m: float
    positions: int
    sizes: tuple[int, ...]
    chi2: float
    drift_known: bool

    def calibration(self) -> PositionCalibration:
        return PositionCalibration(
            reference_mass_u=self.reference_mass_u,
            sensitivity_s_per_m=self.sensitivity_s_per_m.measured(),
            curvature_s_per_m2=self.curvature_s_per_m2.measured(),
        )


def calibrate_position(spots: Sequence[Spot], old: PositionCalibration) -> PositionResult:
    """s and q; `CannotCalibrate` without a scan across a beam.  What `old` knows of q enters as a measurement."""
    places, signal, error = _scan(spots)
    if not signal.max() > 0:
        raise CannotCalibrate(EMPTY)
    centre_m = float(places @ np.maximum(signal, 0) / np.maximum(signal, 0).sum())
    inside = places[signal > LEAST_SIGNAL * signal.max()]
    if len(inside) < FEWEST_POSITIONS or np.ptp(inside) < LEAST_RANGE_m:
        raise CannotCalibrate(f"only {len(inside)} places of the stage have signal; {FEWEST_POSITIONS} over 0.5 mm are needed")
    used = [spot for spot in spots if inside.min() <= spot.stage_m <= inside.max() and math.isfinite(spot.time_error_s)]
    sizes = sorted({spot.size for spot in used})
    if len(used) < len(sizes) + FEWEST_POSITIONS:
        raise CannotCalibrate(EMPTY)
    slope = _slope(places, signal, error)
    x = np.array([spot.stage_m for spot in used]) - centre_m
    when = np.array([spot.when_s for spot in used])
    drift_known = abs(float(np.corrcoef(x, when)[0, 1])) < 0.5 and np.ptp(when) > 0
    g = slope(x + centre_m)
    fit, fixed = (_fit(used, sizes, _Along(x, g, when if drift_known else None, error), old) for error in (FOCUS_ERROR, 0.0))
    excess = math.sqrt(max(fit.chi2 - 1, 0.0))
    hours = float(np.ptp(when)) / 3600
    # Going back and forth leaves what the drift is not straight by.
    drift = DRIFT_per_hour * (hours**2 / 8 if drift_known else hours)
    reference_s = float(np.mean([spot.time_s * math.sqrt(old.reference_mass_u / spot.mass_u) for spot in used]))
    drifted = drift * reference_s / float(np.ptp(x))
    focus = math.sqrt(max(fit.s_error**2 - fixed.s_error**2, 0.0))
    systematic = math.hypot(focus, excess * fixed.s_error, drifted)
    return PositionResult(
        old.reference_mass_u,
        Estimate(fit.s, fixed.s_error, systematic),
        Estimate(fit.q, fit.q_error),
        centre_m,
        FWHM * math.sqrt(max(fit.variance_m2, 0.0)),
        len(inside),
        tuple(sizes),
        fit.chi2,
        bool(drift_known),
    )


@dataclass(frozen=True)
class _Fit:
    s: float
    s_error: float
    q: float
    q_error: float
    variance_m2: float
    chi2: float


@dataclass(frozen=True)
class _Along:
    """Of each spot: place `x`, slope of ln N there, when it was taken if drift is to be fitted; how well the focus is known."""

    x: Floats
    slope: Floats
    when: Floats | None
    focus_error: float


def _fit(used: Sequence[Spot], sizes: Sequence[int], along: _Along, old: PositionCalibration) -> _Fit:
    """Weighted straight least squares; all but the offsets scale with √m."""
    root = np.sqrt([spot.mass_u / old.reference_mass_u for spot in used])
    offsets = np.array([[spot.size == size for size in sizes] for spot in used], np.float64)
    x, when = along.x, along.when
    columns = [root * x, root * x**2, root * along.slope]
    if when is not None:
        late = (when - when.mean()) / np.ptp(when)
        columns.append(root * late)
    error = np.array([spot.time_error_s for spot in used])
    design = np.column_stack([*columns, offsets])
    s, q = old.sensitivity_s_per_m.value, old.curvature_s_per_m2
    sw = s * (FOCUS_m / FWHM) ** 2
    known = [(1, q.value, max(q.uncertainty, 1e-9)), (2, sw, sw * max(2 * along.focus_error, 1e-6))]
    priors = np.array([np.eye(design.shape[1])[place] / sigma for place, _, sigma in known])
    rows = np.vstack([design / error[:, None], priors])
    target = np.append(np.array([spot.time_s for spot in used]) / error, [value / sigma for _, value, sigma in known])
    scale = np.sqrt((rows**2).sum(axis=0))
    scale[scale == 0] = 1.0
    inverse = np.linalg.pinv(rows / scale) / scale[:, None]
    found = inverse @ target
    errors = np.sqrt((inverse**2).sum(axis=1))
    chi2 = float(((rows @ found - target) ** 2).sum()) / max(len(used) - design.shape[1], 1)
    return _Fit(found[0], errors[0], found[1], errors[1], float(found[2] / found[0]), chi2)


def _scan(spots: Sequence[Spot]) -> tuple[Floats, Floats, Floats]:
    """Places of the stage, signal there (all sizes, mean of the passes) and its error."""
    if not spots:
        raise CannotCalibrate(EMPTY)
    stage = np.round([spot.stage_m for spot in spots], 5)
    places = np.unique(stage)
    if len(places) < FEWEST_POSITIONS:
        raise CannotCalibrate(f"the stage stood at {len(places)} places; a scan of {FEWEST_POSITIONS} or more is needed")
    signal = np.array([spot.signal for spot in spots])
    variance = np.array([spot.signal_error**2 for spot in spots])
    times = np.array([len({spot.when_s for spot, here in zip(spots, stage == place, strict=True) if here}) for place in places])
    total = np.array([signal[stage == place].sum() for place in places]) / times
    error = np.sqrt([variance[stage == place].sum() for place in places]) / times
    return places, total, error


def _slope(places: Floats, signal: Floats, error: Floats) -> Callable[[Floats], Floats]:
    """d ln N / dx in 1/m along the scan, from a smoothing spline."""
    good = signal > 0.03 * signal.max()
    x, log, weight = 1e3 * places[good], np.log(signal[good]), (signal / np.maximum(error, 1e-12 * signal.max()))[good]
    slope = make_smoothing_spline(x, log, w=(weight / weight.max()) ** 2).derivative()
    return lambda at: np.asarray(1e3 * slope(1e3 * at))
