"""s and q of t = … + s(m) d + q(m) d² from a narrow ionising focus that the stage moves across the undeflected beam.

The ions of a focus at x come from z = x + w g(x) on average, g = d ln N / dx the slope of the signal N over the scan, w the
variance of the focus: on the flank of the beam most come from the side of its middle.  This is exact for a Gaussian focus and
any beam.  With √m scaled out, t is linear in s, s w and q, and in the drift of the flight time with its bend; so all are fitted
together, each cluster of each run with an offset of its own, which takes isotopes, hydrides and t0 + k √m with it.  Since g is
nearly a straight line too, the scan tells s and w badly apart: w enters as measured before, and so do q and the drift, which
matter where the scan does not tell them.  What moves all clusters of a step alike, as the light's jitter does, is an error that
they share; how large it is the steps' own scatter says.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline

from config.calibration import PositionCalibration
from daq.analysis.calibrate.estimate import CannotCalibrate, Estimate
from daq.analysis.drift import DRIFT_per_hour

Floats = NDArray[np.float64]
FEWEST_POSITIONS = 6
LEAST_SIGNAL = 0.1
"""Of the largest along the scan; beyond, the beam is too thin to tell where the ions come from."""
LEAST_RANGE_m = 0.5e-3
SMALLEST_s = 1e-15
"""Standard errors under this are taken for this, so that equations stay solvable."""
FWHM = 2.354820045
EMPTY = "the profiles are empty; nearly no ions were seen with the narrow focus"
PLACES = 5
"""Decimals of a metre to which passes meet at a place."""
FOCUS_m, FOCUS_ERROR = 0.2e-3, 0.1
"""Width of the focus (FWHM), and how well it is known, relative (assumed; a knife edge tells)."""


@dataclass(frozen=True)
class Spot:
    """Ions of one cluster at one place of the stage: mean flight time and signal per shot with their errors.

    `when_s` counts from the start of the `run`.  Where no ions are seen, the error of the time is infinite.
    """

    cluster: str
    mass_u: float
    stage_m: float
    when_s: float
    time_s: float
    time_error_s: float
    signal: float
    signal_error: float
    run: int = 0


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
    clusters: tuple[str, ...]
    chi2: float
    drift_known: bool

    def calibration(self) -> PositionCalibration:
        return PositionCalibration(
            reference_mass_u=self.reference_mass_u,
            sensitivity_s_per_m=self.sensitivity_s_per_m.measured(),
            curvature_s_per_m2=self.curvature_s_per_m2.measured(),
        )


def calibrate_position(spots: Sequence[Spot], old: PositionCalibration) -> PositionResult:
    """s and q; `CannotCalibrate` without a scan across a beam, or against the gradient.  What `old` knows of q enters as a
    measurement."""
    places, signal, error = _scan(spots)
    if not signal.max() > 0:
        raise CannotCalibrate(EMPTY)
    centre_m = float(places @ np.maximum(signal, 0) / np.maximum(signal, 0).sum())
    inside = places[signal > LEAST_SIGNAL * signal.max()]
    if len(inside) < FEWEST_POSITIONS or np.ptp(inside) < LEAST_RANGE_m:
        raise CannotCalibrate(f"only {len(inside)} places of the stage have signal; {FEWEST_POSITIONS} over 0.5 mm are needed")
    seen = [spot for spot in spots if math.isfinite(spot.time_error_s)]
    used = [spot for spot in seen if inside.min() <= round(spot.stage_m, PLACES) <= inside.max()]
    offsets = {(spot.run, spot.cluster) for spot in used}
    if len(used) < len(offsets) + FEWEST_POSITIONS:
        raise CannotCalibrate(EMPTY)
    slope = _slope(places, signal, error)
    in_run = _members([spot.run for spot in used])
    when = np.array([spot.when_s for spot in used])
    when = when - in_run @ (in_run.T @ when / in_run.sum(axis=0))
    x = np.array([spot.stage_m for spot in used]) - centre_m
    fit = _fit(used, _Along(x, slope(x + centre_m), in_run * when[:, None] / 3600), old)
    if not fit.s.value > 0:
        raise CannotCalibrate(
            f"s comes out as {1e6 * fit.s.value:.2f} ns/mm, so the stage runs against the gradient; turn its axis round, at "
            "the mount or in its controller, so that its positions grow towards the strong field, where ions arrive later"
        )
    return PositionResult(
        old.reference_mass_u,
        fit.s,
        fit.q,
        centre_m,
        FWHM * math.sqrt(max(fit.variance_m2, 0.0)),
        len(inside),
        tuple(dict.fromkeys(spot.cluster for spot in used)),
        fit.chi2,
        bool(np.ptp(when) > 0 and abs(float(np.corrcoef(x, when)[0, 1])) < 0.5),
    )


@dataclass(frozen=True)
class _Fit:
    s: Estimate
    q: Estimate
    variance_m2: float
    chi2: float


@dataclass(frozen=True)
class _Along:
    """Of each spot: place `x`, slope of ln N there, and when it was taken, float64[spots, runs]: from its run's middle on."""

    x: Floats
    slope: Floats
    hours: Floats


def _fit(used: Sequence[Spot], along: _Along, old: PositionCalibration) -> _Fit:
    """Weighted straight least squares; all but the offsets and what a step shares scale with √m."""
    root = np.sqrt([spot.mass_u / old.reference_mass_u for spot in used])
    time, error = (np.array([getattr(spot, name) for spot in used]) for name in ("time_s", "time_error_s"))
    scaled = root[:, None] * np.column_stack([along.x, along.x**2, along.slope, along.hours, along.hours**2])
    design = np.hstack([scaled, _members([(spot.run, spot.cluster) for spot in used])])
    known = _known(old, float(np.mean(time / root)), along.hours.shape[1])
    steps = _members([(spot.run, spot.when_s, spot.stage_m) for spot in used])
    alone = _solved(design, time, error, known)
    shared_s = _shared(alone.residual, error, steps, scaled.shape[1] + 1)
    shared = [(design.shape[1] + step, 0.0, shared_s) for step in range(steps.shape[1])]
    fit = _solved(np.hstack([design, steps]), time, error, [*known, *shared])
    row = np.arange(fit.gain.shape[1])
    from_known = (row >= len(used)) & (row < len(used) + len(known))
    statistical, systematic = (np.sqrt((fit.gain[:2, chosen] ** 2).sum(axis=1)) for chosen in (~from_known, from_known))
    excess = math.sqrt(max(fit.chi2 - 1, 0.0))
    s, q = (
        Estimate(float(fit.found[i]), float(statistical[i]), math.hypot(systematic[i], excess * statistical[i])) for i in (0, 1)
    )
    return _Fit(s, q, float(fit.found[2] / fit.found[0]), fit.chi2)


def _known(old: PositionCalibration, reference_s: float, runs: int) -> list[tuple[int, float, float]]:
    """What is known before: which parameter, its value and standard error.

    In an hour the rate of drift may change by itself (assumed).
    """
    q, s_w = old.curvature_s_per_m2, old.sensitivity_s_per_m.value * (FOCUS_m / FWHM) ** 2
    drift = DRIFT_per_hour * reference_s
    drifts = [(3 + run + bend * runs, 0.0, drift / (1 + bend)) for bend in (0, 1) for run in range(runs)]
    return [(1, q.value, max(q.uncertainty, 1e-9)), (2, s_w, 2 * FOCUS_ERROR * s_w), *drifts]


@dataclass(frozen=True)
class _Solved:
    """Parameters that were `found`, their `gain` per standard error of each row, the `residual` of each spot in s."""

    found: Floats
    gain: Floats
    residual: Floats
    chi2: float


def _solved(design: Floats, time: Floats, error: Floats, known: Sequence[tuple[int, float, float]]) -> _Solved:
    priors = np.array([np.eye(design.shape[1])[place] / max(sigma, SMALLEST_s) for place, _, sigma in known])
    rows = np.vstack([design / error[:, None], priors])
    target = np.append(time / error, [value / max(sigma, SMALLEST_s) for _, value, sigma in known])
    scale = np.sqrt((rows**2).sum(axis=0))
    scale[scale == 0] = 1.0
    gain = np.linalg.pinv(rows / scale) / scale[:, None]
    found = gain @ target
    chi2 = float(((rows @ found - target) ** 2).sum()) / max(rows.shape[0] - rows.shape[1], 1)
    return _Solved(found, gain, time - design @ found, chi2)


def _shared(residual: Floats, error: Floats, steps: Floats, fitted: int) -> float:
    """Standard deviation in s of what moves all spots of a step alike, from the scatter of the steps' means beyond what their
    spots explain (DerSimonian and Laird 1986)."""
    weight = steps.T @ error**-2.0
    mean = (steps.T @ (residual / error**2)) / weight
    free = max(steps.shape[1] - fitted, 1)
    return math.sqrt(max(float(weight @ mean**2) - free, 0.0) / float(weight.sum()) * steps.shape[1] / free)


def _members(labels: Sequence[Hashable]) -> Floats:
    """1 where a spot has the label of the column, else 0; float64[spots, labels]."""
    column = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    return np.eye(len(column))[[column[label] for label in labels]]


def _scan(spots: Sequence[Spot]) -> tuple[Floats, Floats, Floats]:
    """Places of the stage, signal there (all clusters, mean of the passes) and its error."""
    if not spots:
        raise CannotCalibrate(EMPTY)
    stage = np.round([spot.stage_m for spot in spots], PLACES)
    places = np.unique(stage)
    if len(places) < FEWEST_POSITIONS:
        raise CannotCalibrate(f"the stage stood at {len(places)} places; a scan of {FEWEST_POSITIONS} or more is needed")
    signal = np.array([spot.signal for spot in spots])
    variance = np.array([spot.signal_error**2 for spot in spots])
    times = np.array(
        [len({(spot.run, spot.when_s) for spot, here in zip(spots, stage == place, strict=True) if here}) for place in places]
    )
    total = np.array([signal[stage == place].sum() for place in places]) / times
    error = np.sqrt([variance[stage == place].sum() for place in places]) / times
    return places, total, error


def _slope(places: Floats, signal: Floats, error: Floats) -> Callable[[Floats], Floats]:
    """d ln N / dx in 1/m along the scan, from a smoothing spline."""
    good = signal > 0.03 * signal.max()
    x, log, weight = 1e3 * places[good], np.log(signal[good]), (signal / np.maximum(error, 1e-12 * signal.max()))[good]
    slope = make_smoothing_spline(x, log, w=(weight / weight.max()) ** 2).derivative()
    return lambda at: np.asarray(1e3 * slope(1e3 * at))
