"""Profiles to magnetic moments.

For each cluster the profiles at zero and at full field are fitted together with three models
(`daq.analysis.models`): nothing bends, one shift (relaxing), two peaks with a relaxed part (blocked).
`daq.analysis.judgement` chooses between them by a stated criterion and adds up the errors.  A first round of shifts
tells the drift common to all clusters (`daq.analysis.drift`), which the second takes off.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from config.calibration import Calibrations
from daq.analysis.counted import CountedFit
from daq.analysis.drift import Shift, common_drift
from daq.analysis.fit import Fit, JointFit
from daq.analysis.judgement import DECISIVE, RELAXED, Fits, Setting, judged, undecided
from daq.analysis.lacking import fields_lacking
from daq.analysis.models import MOST_RELAXED, LARGEST_uB, blocked, non_magnetic, relaxing
from daq.analysis.pair import Beam, Pair, beam, calibrated_elsewhere, centroid_shift_uB, joint_fit, pair
from daq.analysis.results import ClusterResult, Curves, Drift, Results
from daq.reduce.ions import signal_per_ion
from daq.reduce.profiles import Profiles

PLAIN = 25.0
"""By how much χ² must fall for relaxation to count although two peaks alone do not: five standard deviations (assumed)."""
START_uB = (0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0)
"""Moments from which the search for two peaks may start."""


def analyse(profiles: Profiles, calibrations: Calibrations) -> Results:
    """Moments of all clusters reduced, from zero field and the strongest set field.

    `ValueError` if the steps at these fields were taken under different conditions.
    """
    sizes = sorted([window.size for window in profiles.windows] + list(profiles.outside))
    if lacking := fields_lacking(profiles):
        return Results(profiles.element, tuple(undecided(size, lacking) for size in sizes))
    conditions = beam(profiles, calibrations)
    if elsewhere := calibrated_elsewhere(conditions, calibrations):
        return Results(profiles.element, tuple(undecided(size, elsewhere) for size in sizes))
    pairs, notes = _pairs(profiles, conditions, calibrations)
    data = {size: joint_fit(pair, calibrations) for size, pair in pairs.items()}
    drift = _drift(pairs, data)
    charged = [pair for pair in pairs.values() if not pair.choice.counted]
    ion = signal_per_ion([profile for pair in charged for profile in (pair.off, pair.on)])
    usual = float(np.median([pair.intensity for pair in pairs.values()])) if pairs else 1.0
    setting = Setting(conditions, usual, drift, calibrations)
    found = {size: undecided(size, note) for size, note in notes.items()}
    for size, cluster in pairs.items():
        fits = all_fits(_corrected(cluster, drift), data[size])
        found[size] = _described(judged(fits, setting), fits, ion)
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


def _drift(pairs: Mapping[int, Pair], data: Mapping[int, JointFit | CountedFit]) -> Drift | None:
    """From the shifts of all clusters that are not plainly split, before any correction."""
    shifts = []
    for size, cluster in pairs.items():
        shift = _shift(cluster, data[size])
        if shift.chi2 - _doublet(cluster, data[size]).chi2 > DECISIVE[cluster.signal] / 2:
            continue
        scale = cluster.at.on_m_per_uB * cluster.sensitivity_s_per_m
        shifts.append(Shift(size, cluster.off.mass_u, shift.value("mean_uB") * scale, shift.error("mean_uB") * scale))
    return common_drift(shifts)


def _corrected(cluster: Pair, drift: Drift | None) -> Pair:
    if drift is None:
        return cluster
    offset_m = drift.shift_s_per_sqrt_u * math.sqrt(cluster.off.mass_u) / cluster.sensitivity_s_per_m
    return replace(cluster, at=replace(cluster.at, offset_m=offset_m))


def _shift(cluster: Pair, data: JointFit | CountedFit) -> Fit:
    begin = float(np.clip(centroid_shift_uB(cluster)[0], -LARGEST_uB, LARGEST_uB))
    return data.fit(relaxing(cluster.at), (begin,))


def _doublet(cluster: Pair, data: JointFit | CountedFit) -> Fit:
    model = blocked(cluster.at, flips=0.0)
    start = min(START_uB, key=lambda moment: data.chi2_at(model, (moment, 0.0)))
    return data.fit(model, (start, 0.0))


def all_fits(cluster: Pair, data: JointFit | CountedFit) -> Fits:
    """The three models, the third with relaxation too: where it may count, or is plain although two peaks alone are worse
    than one shift."""
    none, shift, doublet = data.fit(non_magnetic(cluster.at)), _shift(cluster, data), _doublet(cluster, data)
    start = doublet.value("moment_uB"), 0.1
    relaxed = data.fit(blocked(cluster.at), start)
    if shift.chi2 - doublet.chi2 <= DECISIVE[cluster.signal] / 4 and shift.chi2 - relaxed.chi2 < PLAIN:
        return Fits(data, cluster, none, shift, doublet, doublet)
    if relaxed.value("flips") > MOST_RELAXED:
        less = data.fit(blocked(cluster.at, most_flips=MOST_RELAXED), start)
        relaxed = less if less.chi2 - relaxed.chi2 < RELAXED else relaxed
    return Fits(data, cluster, none, shift, doublet, relaxed)


def _described(result: ClusterResult, fits: Fits, ion: float | None) -> ClusterResult:
    """With what every fitted cluster reports, whatever was decided."""
    cluster, best = fits.pair, min((fits.none, fits.shift, fits.relaxed_doublet), key=lambda fit: fit.chi2)
    if best.chi2 > fits.none.chi2 - 9:
        best = fits.none
    curves = Curves(
        (cluster.position_m - fits.data.middle_m) / cluster.at.on_m_per_uB,
        cluster.off.values,
        cluster.on.values,
        np.sqrt(np.diag(cluster.off.covariance)),
        np.sqrt(np.diag(cluster.on.covariance)),
        (fits.data.fine_m - fits.data.middle_m) / cluster.at.on_m_per_uB,
        best.off_curve,
        best.on_curve,
        cluster.at.offset_m / cluster.at.on_m_per_uB,
    )
    return replace(
        result,
        chi2=best.chi2,
        degrees_of_freedom=best.degrees_of_freedom,
        ions=_ions(cluster, ion),
        signal=cluster.signal,
        occupancy=cluster.choice.occupancy,
        intensity_ratio=cluster.intensity,
        curves=curves,
    )


def _ions(cluster: Pair, ion: float | None) -> float | None:
    """Ions at both fields together, in charge by the signal of one."""
    profiles = (cluster.off, cluster.on)
    if cluster.choice.counted:
        return float(sum(p.counts.ions.sum() for p in profiles if p.counts))
    return sum(p.shots * float(p.values.sum()) for p in profiles) / ion if ion else None
