"""Profiles to magnetic moments: the joint fits of each cluster, the choice between behaviours, and honest errors.

For each cluster both profiles are fitted together with three models (`daq.analysis.models`): nothing bends, one
shift (relaxing), two peaks with a relaxed part (blocked).  The choice, in this order, with Δ = χ²(shift) −
χ²(blocked) and S = shift / its standard error:

1. *undecided* with a note if there is nothing sound to fit: one field only, too few shots, no ions, ions lost at full field.
2. *atomic-like* if Δ ≥ 25 and at least a tenth of the moments stayed blocked (e^(−Wt) ≥ 0.1).
3. *superparamagnetic* if S ≥ 4; one cluster in 30,000 without moment would pass.
4. *undecided* if S ≤ −4: nothing deflects away from the strong field on average, so fields are swapped or something drifted.
5. *non-magnetic* only if the 95 % limits exclude a superparamagnetic 1 µB and an atomic-like 0.2 µB.
6. *undecided* otherwise, with those limits.

Statistical errors come from the scatter between shots.  Systematic errors come from evaluating the moment again
with each calibration changed by its standard uncertainty.  The curvature of the position calibration is left out:
it moves ± peaks alike.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from config.calibration import Calibrations
from daq.analysis.drift import Shift, common_drift
from daq.analysis.fit import Fit, JointFit
from daq.analysis.limits import blocked_limit_uB, relaxing_limit_uB
from daq.analysis.models import blocked, non_magnetic, relaxing
from daq.analysis.pair import Beam, Pair, beam, centroid_shift_uB, joint_fit, pair
from daq.analysis.results import ClusterResult, Curves, Drift, Results
from daq.analysis.thermal import brillouin_mean_uB, brillouin_moment_uB, brillouin_slope, langevin_moment_uB
from daq.conversions.velocity import velocity_relative_uncertainty
from daq.reduce.ions import signal_per_ion
from daq.reduce.profiles import Profiles

DECISIVE = 25.0
LEAST_BLOCKED = 0.1
SIGNIFICANT = 4.0
EXCLUDED_RELAXING_uB = 1.0
EXCLUDED_BLOCKED_uB = 0.2
LOST = 0.6
"""Intensity ratio, relative to the other clusters, under which ions count as lost at full field."""
START_uB = (0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0)


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


def analyse(profiles: Profiles, calibrations: Calibrations) -> Results:
    """Moments of all clusters reduced, from the lowest and the highest set field.

    `ValueError` if the steps at these fields were taken under different conditions.
    """
    sizes = sorted([window.size for window in profiles.windows] + list(profiles.outside))
    if len(profiles.fields_T) < 2:
        has = f"only {profiles.fields_T[0]:g} T was recorded" if profiles.fields_T else "no shots were recorded"
        return Results(profiles.element, tuple(_undecided(size, f"{has}; zero and full field are needed") for size in sizes))
    conditions = beam(profiles, calibrations)
    pairs, notes = _pairs(profiles, conditions, calibrations)
    data = {size: joint_fit(pair, calibrations) for size, pair in pairs.items()}
    drift = _drift(pairs, data)
    ion = signal_per_ion([profile for pair in pairs.values() for profile in (pair.off, pair.on)])
    usual = float(np.median([pair.intensity for pair in pairs.values()])) if pairs else 1.0
    found = {size: _undecided(size, note) for size, note in notes.items()}
    for size, cluster in pairs.items():
        fits = _fits(_corrected(cluster, drift), data[size])
        found[size] = _described(_judged(fits, usual, conditions, drift, calibrations), fits, ion)
    return Results(
        profiles.element,
        tuple(found[size] for size in sizes),
        conditions.on_T,
        conditions.velocity_m_s,
        conditions.cluster_temperature_K,
        drift,
    )


def _pairs(profiles: Profiles, conditions: Beam, calibrations: Calibrations) -> tuple[dict[int, Pair], dict[int, str]]:
    notes = dict.fromkeys(profiles.outside, "arrives outside the recorded trace")
    pairs = {}
    for window in profiles.windows:
        found = pair(profiles, window.size, conditions, calibrations)
        if isinstance(found, str):
            notes[window.size] = found
        else:
            pairs[window.size] = found
    return pairs, notes


def _drift(pairs: Mapping[int, Pair], data: Mapping[int, JointFit]) -> Drift | None:
    """From the shifts of all clusters that are not plainly split, before any correction."""
    shifts = []
    for size, cluster in pairs.items():
        shift = data[size].fit(relaxing(cluster.at))
        if shift.chi2 - _doublet(cluster, data[size]).chi2 > DECISIVE / 2:
            continue
        scale = cluster.at.on_m_per_uB * cluster.sensitivity_s_per_m
        shifts.append(Shift(size, cluster.off.mass_u, shift.value("mean_uB") * scale, shift.error("mean_uB") * scale))
    return common_drift(shifts)


def _corrected(cluster: Pair, drift: Drift | None) -> Pair:
    if drift is None:
        return cluster
    offset_m = drift.shift_s_per_sqrt_u * math.sqrt(cluster.off.mass_u) / cluster.sensitivity_s_per_m
    return replace(cluster, at=replace(cluster.at, offset_m=offset_m))


def _doublet(cluster: Pair, data: JointFit) -> Fit:
    model = blocked(cluster.at, flips=0.0)
    start = min(START_uB, key=lambda moment: data.chi2_at(model, (moment, 0.0)))
    return data.fit(model, (start, 0.0))


def _fits(cluster: Pair, data: JointFit) -> Fits:
    none, shift, doublet = data.fit(non_magnetic(cluster.at)), data.fit(relaxing(cluster.at)), _doublet(cluster, data)
    relaxed = doublet
    if shift.chi2 - doublet.chi2 > DECISIVE / 4:
        relaxed = data.fit(blocked(cluster.at), (doublet.value("moment_uB"), 0.1))
    return Fits(data, cluster, none, shift, doublet, relaxed)


def _judged(fits: Fits, usual: float, conditions: Beam, drift: Drift | None, calibrations: Calibrations) -> ClusterResult:
    cluster, size = fits.pair, fits.pair.size
    lost = cluster.intensity + 5 * cluster.intensity_error < LOST * usual
    if lost:
        share = cluster.intensity / usual
        return _undecided(
            size, f"only {share:.0%} of its ions arrive at full field; they are bent out of the ionised region or lost"
        )
    blocked_share = math.exp(-fits.relaxed_doublet.value("flips"))
    if fits.preference >= DECISIVE and blocked_share >= LEAST_BLOCKED:
        return _atomic_like(fits, conditions, calibrations)
    error = math.hypot(fits.shift.error("mean_uB"), _drift_error_uB(cluster, drift))
    significance = fits.shift.value("mean_uB") / error
    if significance >= SIGNIFICANT:
        return _superparamagnetic(fits, conditions, drift, calibrations)
    if significance <= -SIGNIFICANT:
        note = "deflected away from the strong field, which nothing magnetic does: swapped fields or drift?"
        mean, mean_error = fits.shift.value("mean_uB"), fits.shift.error("mean_uB")
        return replace(_undecided(size, note), mean_moment_uB=mean, mean_moment_error_uB=mean_error, significance=significance)
    return _without_deflection(fits, error, conditions, calibrations)


def _atomic_like(fits: Fits, conditions: Beam, calibrations: Calibrations) -> ClusterResult:
    fit = fits.relaxed_doublet
    mean, mean_error = centroid_shift_uB(fits.pair)
    moment, statistical = fit.value("moment_uB"), fit.error("moment_uB")
    scales = _scales(conditions, calibrations)
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


def _superparamagnetic(fits: Fits, conditions: Beam, drift: Drift | None, calibrations: Calibrations) -> ClusterResult:
    mean, h = fits.shift.value("mean_uB"), fits.pair.at.on_h
    moment = brillouin_moment_uB(mean, h)
    slope = brillouin_slope(moment, h)
    scales = _scales(conditions, calibrations)
    systematics = {}
    for name in ("gradient", "velocity", "position"):
        systematics[name] = _half_change(lambda f: brillouin_moment_uB(mean * f, h), scales[name])
    for name in ("field", "temperature"):
        systematics[name] = _half_change(lambda f: brillouin_moment_uB(mean, h * f), scales[name])
    systematics["drift"] = _drift_error_uB(fits.pair, drift) / slope
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


def _without_deflection(fits: Fits, error: float, conditions: Beam, calibrations: Calibrations) -> ClusterResult:
    h, mean = fits.pair.at.on_h, fits.shift.value("mean_uB")
    scales = _scales(conditions, calibrations)

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


def _scales(conditions: Beam, calibrations: Calibrations) -> dict[str, float]:
    """Relative standard uncertainty that each calibration gives: of a deflection in µB, or of µ_B B/(k_B T)."""
    C, s = calibrations.deflection.C_T_m, calibrations.position.sensitivity_s_per_m
    return {
        "gradient": C.uncertainty / C.value,
        "velocity": 2 * velocity_relative_uncertainty(conditions.velocity_m_s, calibrations.velocity),
        "position": s.uncertainty / s.value,
        "field": calibrations.field.relative_uncertainty,
        "temperature": calibrations.temperature.cluster_excess_K.uncertainty / conditions.cluster_temperature_K,
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


def _undecided(size: int, note: str) -> ClusterResult:
    return ClusterResult(size, "undecided", note)


def _described(result: ClusterResult, fits: Fits, ion: float | None) -> ClusterResult:
    """With what every fitted cluster reports, whatever was decided."""
    cluster, best = fits.pair, min((fits.none, fits.shift, fits.relaxed_doublet), key=lambda fit: fit.chi2)
    if best.chi2 > fits.none.chi2 - 9:
        best = fits.none
    signal = sum(p.shots * float(p.values.sum()) for p in (cluster.off, cluster.on))
    curves = Curves(
        (cluster.position_m - fits.data.middle_m) / cluster.at.on_m_per_uB,
        cluster.off.values,
        cluster.on.values,
        np.sqrt(np.diag(cluster.off.covariance)),
        np.sqrt(np.diag(cluster.on.covariance)),
        (fits.data.fine_m - fits.data.middle_m) / cluster.at.on_m_per_uB,
        best.off_curve,
        best.on_curve,
    )
    return replace(
        result,
        chi2=best.chi2,
        degrees_of_freedom=best.degrees_of_freedom,
        ions=signal / ion if ion else None,
        intensity_ratio=cluster.intensity,
        curves=curves,
    )
