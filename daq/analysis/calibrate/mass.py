"""t0 and k of t = t0 + k √m from the peaks of known clusters at zero field.

A straight line through the times of all peaks found against √m, weighted by their errors; peaks that others cover are left
out.  The statistical errors come from the scatter between groups of shots; where the peaks scatter about the line more than
that, the rest is the systematic error (shapes of peaks, what lies under them).  The high voltage drifts meanwhile: k is the
mean over the shots, and may have been another at their beginning and end.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from config.calibration import MassCalibration
from daq.analysis.calibrate.estimate import CannotCalibrate, Estimate
from daq.analysis.calibrate.ladder import ladder, smoothed
from daq.analysis.calibrate.peaks import Peak, fit_peak
from daq.analysis.calibrate.spectra import Spectra
from daq.analysis.drift import DRIFT_per_hour

Floats = NDArray[np.float64]
FEWEST_PEAKS = 5
LEAST_SHARE = 0.25
"""Of the spectrum's signal, within the peaks; less, and they are somebody else's."""
NEAR_s = 50e-9
OUTLIER = 4.0
SHAPE_s = 0.1e-9
"""What the fit of the heaviest peak is trusted to at best, others as √m: no peak is a Gaussian (seen on simulated ones)."""
CHECKED_u = 2000.0


@dataclass(frozen=True)
class MassResult:
    """`used` clusters, and `left_out` ones, whose peak does not lie on the line; `residual_s` of both, by name.

    `covariance` float64[2, 2] of t0 and k; `error_at_2000_u` in u.
    """

    t0_s: Estimate
    k_s_per_sqrt_u: Estimate
    covariance: Floats
    used: tuple[str, ...]
    left_out: tuple[str, ...]
    residual_s: dict[str, float]
    chi2: float

    @property
    def error_at_2000_u(self) -> float:
        """Standard error in u of a mass near 2,000 u."""
        slope = np.array([1.0, math.sqrt(CHECKED_u)])
        return float(np.sqrt(slope @ self.covariance @ slope)) * 2 * math.sqrt(CHECKED_u) / self.k_s_per_sqrt_u.value

    def calibration(self) -> MassCalibration:
        return MassCalibration(t0_s=self.t0_s.measured(), k_s_per_sqrt_u=self.k_s_per_sqrt_u.measured())


@dataclass(frozen=True)
class Ladder:
    """Peaks of one run, and its groups' shots."""

    peaks: tuple[Peak, ...]
    shots: NDArray[np.int64]


def find_peaks(spectra: Spectra, element: str, sizes: Iterable[int], old: MassCalibration) -> Ladder:
    """The peaks in zero-field spectra; `CannotCalibrate` when they are not the clusters of `element`."""
    wanted = sorted(sizes)
    smooth, noise = smoothed(spectra.mean, spectra.axis)
    rungs = ladder(smooth, noise, spectra.axis, element, range(wanted[0], wanted[-1] + 1), old)
    _check(smooth, noise, spectra, rungs, element)
    k = old.k_s_per_sqrt_u.value
    fitted = (fit_peak(spectra.groups, spectra.mean, spectra.axis, element, *rung, k) for rung in rungs.items())
    return Ladder(tuple(peak for peak in fitted if peak is not None), spectra.shots)


def calibrate_mass(ladders: Iterable[Ladder], lasted_s: float = 0.0) -> MassResult:
    """t0 and k from the peaks of one run or several that together `lasted_s`; `CannotCalibrate` for fewer than five peaks."""
    found = list(ladders)
    peaks = [peak for one in found for peak in one.peaks]
    if len(peaks) < FEWEST_PEAKS:
        raise CannotCalibrate(f"only {len(peaks)} peaks can be fitted; {FEWEST_PEAKS} are needed")
    return _line(peaks, block_diag(*(_errors(one) for one in found)), DRIFT_per_hour * lasted_s / 3600 / 2)


def _errors(one: Ladder) -> Floats:
    """What each group adds to the error of each peak's time, float64[peaks, groups]: its rows' squares sum up to a variance."""
    groups = len(one.shots)
    moved = np.array([peak.moved_s for peak in one.peaks]).reshape(-1, groups)
    return np.asarray(moved * (one.shots / one.shots.sum()) * math.sqrt(groups / (groups - 1)))


def _check(smooth: Floats, noise: float, spectra: Spectra, rungs: dict[int, float], element: str) -> None:
    signal = np.where(smooth > 3 * noise, smooth, 0.0)
    if not smooth.max() > 3 * noise or signal.sum() <= 0:
        raise CannotCalibrate("the spectrum at zero field is empty")
    time_s = spectra.axis.start_s + spectra.axis.interval_s * np.arange(spectra.axis.samples)
    inside = np.zeros(len(time_s), bool)
    for at_s in rungs.values():
        inside |= np.abs(time_s - at_s) < NEAR_s
    if len(rungs) < FEWEST_PEAKS or signal[inside].sum() < LEAST_SHARE * signal.sum():
        raise CannotCalibrate(
            f"the peaks at zero field are not those of {element} clusters ({len(rungs)} fit); is another rod in the source?"
        )


def _line(peaks: list[Peak], moved: Floats, drift: float) -> MassResult:
    """The robust straight line, and its errors from the groups, float64[peaks, groups], and from a relative `drift` of k."""
    root = np.sqrt([peak.mass_u for peak in peaks])
    time = np.array([peak.time_s for peak in peaks])
    error = np.hypot(np.sqrt((moved**2).sum(axis=1)), SHAPE_s)
    kept = np.ones(len(peaks), bool)
    while True:
        weight = kept / error
        gain = np.linalg.pinv(np.column_stack([np.ones_like(root), root]) * weight[:, None]) * weight
        line = gain @ time
        residual = time - line[0] - line[1] * root
        spread = max(1.0, 1.4826 * float(np.median(np.abs(residual / error)[kept])))
        far = np.abs(residual) / error / spread * kept
        if far.max() < OUTLIER or kept.sum() <= FEWEST_PEAKS:
            break
        kept[far.argmax()] = False
    chi2 = float(((residual / error)[kept] ** 2).sum()) / max(int(kept.sum()) - 2, 1)
    statistical = (gain @ moved) @ (gain @ moved).T
    coherent = gain @ (SHAPE_s * root / root.max())
    systematic = gain @ np.diag(error**2) @ gain.T * max(chi2 - 1, 0.0) + np.outer(coherent, coherent)
    systematic[1, 1] += (drift * line[1]) ** 2
    t0, k = (Estimate(float(line[i]), math.sqrt(statistical[i, i]), math.sqrt(systematic[i, i])) for i in range(2))
    names = [f"{peak.element}{peak.size}" for peak in peaks]
    return MassResult(
        t0,
        k,
        statistical + systematic,
        tuple(name for name, used in zip(names, kept, strict=True) if used),
        tuple(name for name, used in zip(names, kept, strict=True) if not used),
        dict(zip(names, residual.tolist(), strict=True)),
        chi2,
    )
