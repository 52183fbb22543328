"""The choice between behaviours, and the errors of what was chosen.

In this order, with Δ = χ²(shift) − χ²(blocked) and S = shift / its standard error:

1. *undecided* with a note if ions were lost at full field: their share, against other clusters, is under 0.8.
2. *atomic-like* if Δ ≥ 25 and at least a tenth of the moments stayed blocked (e^(−Wt) ≥ 0.1).
3. *superparamagnetic* if S ≥ 4; one cluster in 30,000 without moment would pass.
4. *undecided* if S ≤ −4: nothing is bent away from the strong field on average; fields are swapped, or something drifted.
5. *non-magnetic* only if the 95 % limits exclude a superparamagnetic 1 µB and an atomic-like 0.2 µB.
6. *undecided* otherwise, with those limits.

Statistical errors come from the scatter between shots.  Systematic errors come from evaluating the moment again
with each calibration changed by its standard uncertainty.  The curvature of the position calibration is left out:
it moves ± peaks alike.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from config.calibration import Calibrations
from daq.analysis.fit import Fit, JointFit
from daq.analysis.limits import blocked_limit_uB, relaxing_limit_uB
from daq.analysis.pair import Beam, Pair, centroid_shift_uB
from daq.analysis.results import ClusterResult, Drift
from daq.analysis.thermal import brillouin_mean_uB, brillouin_moment_uB, brillouin_slope, langevin_moment_uB
from daq.conversions.velocity import velocity_relative_uncertainty

DECISIVE = 25.0
LEAST_BLOCKED = 0.1
SIGNIFICANT = 4.0
EXCLUDED_RELAXING_uB = 1.0
EXCLUDED_BLOCKED_uB = 0.2
LOST = 0.8
"""Intensity ratio, relative to the other clusters, under which ions count as lost at full field."""


@dataclass(frozen=True)
class Setting:
    """What holds for all clusters: `usual` is the median intensity ratio of full over zero field."""

    beam: Beam
    usual: float
    drift: Drift | None
    calibrations: Calibrations


@dataclass(frozen=True)
class Fits:
    """All fits of one cluster."""

    data: JointFit
    pair: Pair
    none: Fit
    shift: Fit
    doublet: Fit
    relaxed_doublet: Fit

    @property
    def preference(self) -> float:
        """Δ, positive where two peaks describe the data better than one shift."""
        return self.shift.chi2 - self.relaxed_doublet.chi2


def judged(fits: Fits, setting: Setting) -> ClusterResult:
    """The result of one cluster by the criterion above."""
    cluster, size = fits.pair, fits.pair.size
    lost = cluster.intensity + 5 * cluster.intensity_error < LOST * setting.usual
    if lost:
        share = cluster.intensity / setting.usual
        return undecided(
            size, f"only {share:.0%} of its ions arrive at full field; the others were bent out of the ionised region"
        )
    blocked_share = math.exp(-fits.relaxed_doublet.value("flips"))
    if fits.preference >= DECISIVE and blocked_share >= LEAST_BLOCKED:
        return _atomic_like(fits, setting)
    error = math.hypot(fits.shift.error("mean_uB"), _drift_error_uB(cluster, setting.drift))
    significance = fits.shift.value("mean_uB") / error
    if significance >= SIGNIFICANT:
        return _superparamagnetic(fits, setting)
    if significance <= -SIGNIFICANT:
        note = "deflected away from the strong field, which nothing magnetic does: swapped fields or drift?"
        mean, mean_error = fits.shift.value("mean_uB"), fits.shift.error("mean_uB")
        return replace(undecided(size, note), mean_moment_uB=mean, mean_moment_error_uB=mean_error, significance=significance)
    return _without_deflection(fits, error, setting)


def _atomic_like(fits: Fits, setting: Setting) -> ClusterResult:
    fit = fits.relaxed_doublet
    mean, mean_error = centroid_shift_uB(fits.pair)
    moment, statistical = fit.value("moment_uB"), fit.error("moment_uB")
    scales = _scales(setting)
    systematics = {name: moment * scales[name] for name in ("gradient", "velocity", "position")}
    return _with_errors(
        ClusterResult(
            fits.pair.size,
            "atomic-like",
            mean_moment_uB=mean,
            mean_moment_error_uB=mean_error,
            flips=fit.value("flips"),
            flips_error=fit.error("flips"),
            significance=math.sqrt(max(fits.none.chi2 - fit.chi2, 0.0)),
        ),
        moment,
        statistical,
        systematics,
    )


def _superparamagnetic(fits: Fits, setting: Setting) -> ClusterResult:
    mean, h = fits.shift.value("mean_uB"), fits.pair.at.on_h
    moment = brillouin_moment_uB(mean, h)
    slope = brillouin_slope(moment, h)
    scales = _scales(setting)
    systematics = {}
    for name in ("gradient", "velocity", "position"):
        systematics[name] = _half_change(lambda f: brillouin_moment_uB(mean * f, h), scales[name])
    for name in ("field", "temperature"):
        systematics[name] = _half_change(lambda f: brillouin_moment_uB(mean, h * f), scales[name])
    systematics["drift"] = _drift_error_uB(fits.pair, setting.drift) / slope
    note = "wider than one shift explains; perhaps not fully relaxed" if fits.preference >= DECISIVE else ""
    return _with_errors(
        ClusterResult(
            fits.pair.size,
            "superparamagnetic",
            note,
            mean_moment_uB=mean,
            mean_moment_error_uB=fits.shift.error("mean_uB"),
            langevin_uB=langevin_moment_uB(mean, h),
            significance=mean / fits.shift.error("mean_uB"),
        ),
        moment,
        fits.shift.error("mean_uB") / slope,
        systematics,
    )


def _without_deflection(fits: Fits, error: float, setting: Setting) -> ClusterResult:
    h, mean = fits.pair.at.on_h, fits.shift.value("mean_uB")
    scales = _scales(setting)

    def uncertain(moment_uB: float) -> float:
        thermal = (_half_change(lambda f: brillouin_mean_uB(moment_uB, h * f), scales[n]) for n in ("field", "temperature"))
        bend = (brillouin_mean_uB(moment_uB, h) * scales[n] for n in ("gradient", "velocity", "position"))
        return math.hypot(*thermal, *bend)

    relaxing_limit = relaxing_limit_uB(mean, error, lambda moment: brillouin_mean_uB(moment, h), uncertain)
    blocked_limit = blocked_limit_uB(fits.data, fits.pair.at, fits.doublet)
    limit, excluded = None, False
    if relaxing_limit is not None and blocked_limit is not None:
        limit = max(relaxing_limit, blocked_limit)
        excluded = relaxing_limit < EXCLUDED_RELAXING_uB and blocked_limit < EXCLUDED_BLOCKED_uB
    note = "" if excluded else _why_undecided(relaxing_limit, blocked_limit, fits.preference, mean / error)
    return ClusterResult(
        fits.pair.size,
        "non-magnetic" if excluded else "undecided",
        note,
        moment_uB=0.0 if excluded else None,
        mean_moment_uB=mean,
        mean_moment_error_uB=fits.shift.error("mean_uB"),
        limit_uB=limit,
        superparamagnetic_limit_uB=relaxing_limit,
        atomic_limit_uB=blocked_limit,
        significance=mean / error,
    )


def _why_undecided(relaxing_limit: float | None, blocked_limit: float | None, preference: float, significance: float) -> str:
    parts = [
        f"{name} below {limit:.2g} µB" if limit is not None else f"{name} with any moment"
        for name, limit in (("superparamagnetic", relaxing_limit), ("atomic-like", blocked_limit))
    ]
    if preference > DECISIVE / 2:
        parts.append("a splitting is likely")
    elif significance > SIGNIFICANT / 2:
        parts.append(f"a shift is likely ({significance:.1f} standard errors)")
    return f"{'; '.join(parts)}; more shots decide"


def _scales(setting: Setting) -> dict[str, float]:
    """Relative standard uncertainty that each calibration gives: of a deflection in µB, or of µ_B B/(k_B T)."""
    calibrations, beam = setting.calibrations, setting.beam
    C, s = calibrations.deflection.C_T_m, calibrations.position.sensitivity_s_per_m
    return {
        "gradient": C.uncertainty / C.value,
        "velocity": 2
        * velocity_relative_uncertainty(beam.velocity_m_s, calibrations.velocity, calibrations.deflection.velocity_m_s),
        "position": s.uncertainty / s.value,
        "field": calibrations.field.relative_uncertainty,
        "temperature": calibrations.temperature.cluster_excess_K.uncertainty / beam.cluster_temperature_K,
    }


def _half_change(evaluated: Callable[[float], float], scale: float) -> float:
    """Half the difference between evaluations with something larger and smaller by its uncertainty."""
    return abs(evaluated(1 + scale) - evaluated(1 / (1 + scale))) / 2


def _drift_error_uB(cluster: Pair, drift: Drift | None) -> float:
    if drift is None:
        return 0.0
    error_m = drift.error_s_per_sqrt_u * math.sqrt(cluster.off.mass_u) / cluster.sensitivity_s_per_m
    return error_m / cluster.at.on_m_per_uB


def _with_errors(result: ClusterResult, moment: float, statistical: float, systematics: dict[str, float]) -> ClusterResult:
    systematic = math.hypot(*systematics.values())
    return replace(
        result,
        moment_uB=moment,
        error_uB=math.hypot(statistical, systematic),
        statistical_uB=statistical,
        systematic_uB=systematic,
        systematics_uB=systematics,
    )


def undecided(size: int, note: str) -> ClusterResult:
    """A result without numbers, and why."""
    return ClusterResult(size, "undecided", note)
