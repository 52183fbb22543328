"""The choice between behaviours, and the errors of what was chosen.

In this order, with Δ = χ²(shift) − χ²(blocked) and S = shift / its standard error:

1. *undecided* with a note if ions were lost at full field: their share, against other clusters, is under 0.8.
2. *atomic-like* if Δ ≥ 7.3 for counted ions, 25 for charge, and nothing says, by 4 in χ², that less than a tenth
   of the moments stayed blocked (e^(−Wt) < 0.1).  If that is said, *undecided*: neither law gives its moment.
3. *superparamagnetic* if S ≥ 2.7 for counted ions, 4 for charge.  Of clusters without moment one in 300 passes, or one
   in 30,000; of moments that are five standard deviations from none, one in a hundred does not, or one in six.  Charge
   is asked for more because its weights are estimated from its own scatter.
4. *undecided* if S ≤ −4: nothing is bent away from the strong field on average; fields are swapped, or something drifted.
5. *non-magnetic* only if the 95 % limits, systematic errors included, and the data alone with 99 % exclude a
   superparamagnetic 1 µB and an atomic-like 0.2 µB that does not relax in flight.
6. *undecided* otherwise, with those limits.

The moment of an atomic-like cluster allows for relaxation, which costs where peaks are not resolved: relaxed moments
between them look like a smaller splitting (`daq.analysis.splitting`).  What the data say if nothing relaxes stands beside
(`unrelaxed_uB`).

Statistical errors of charge come from the scatter between shots, those of counted ions from their number.  Systematic
errors come from evaluating the moment again with each calibration changed by its standard uncertainty, and with the edge of
the ionised region where ions reach it.  The curvature
of the position calibration is left out: it moves ± peaks alike.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from config.calibration import Calibrations
from daq.analysis.counted import CountedFit
from daq.analysis.edge import edge_error_uB
from daq.analysis.fit import Fit, JointFit
from daq.analysis.gaussians import gaussians
from daq.analysis.limits import blocked_limit_uB, relaxing_limit_uB
from daq.analysis.models import LEAST_BLOCKED, MOST_FLIPS, MOST_RELAXED, LARGEST_uB, blocked, relaxing
from daq.analysis.pair import SAME_PRESSURE, Beam, Pair, THERMALISED_bar, centroid_shift_uB
from daq.analysis.results import ClusterResult, Drift, Signal
from daq.analysis.splitting import Splitting
from daq.analysis.thermal import brillouin_mean_uB, brillouin_moment_uB, brillouin_slope, langevin_moment_uB
from daq.conversions.flight_time import undeflected_time_s
from daq.conversions.velocity import velocity_relative_uncertainty

DECISIVE: dict[Signal, float] = {"counted": 7.3, "charge": 25.0}
SIGNIFICANT: dict[Signal, float] = {"counted": 2.7, "charge": 4.0}
AGAINST_THE_FIELD = 4.0
RELAXED = 4.0
"""By how much χ² must fall to say that fewer than `LEAST_BLOCKED` of a cluster's moments stay blocked."""
STANDARD, TWICE = 1.0, 1.96
"""Standard errors of intervals that hold 68 and 95 %."""
EXCLUDED_RELAXING_uB = 1.0
EXCLUDED_BLOCKED_uB = 0.2
CERTAIN = 2.33
"""Standard errors, one-sided 99 %."""
UNKNOWN = 0.5
"""Relative uncertainty of a calibration from which on no thermal mean is turned into a moment (assumed)."""
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

    data: JointFit | CountedFit
    pair: Pair
    none: Fit
    shift: Fit
    doublet: Fit
    relaxed_doublet: Fit

    @property
    def preference(self) -> float:
        """Δ, positive where two peaks describe the data better than one shift."""
        return self.shift.chi2 - self.relaxed_doublet.chi2

    @property
    def decisive(self) -> bool:
        return self.preference >= DECISIVE[self.pair.signal]


def judged(fits: Fits, setting: Setting) -> ClusterResult:
    """The result of one cluster by the criterion above."""
    cluster, size = fits.pair, fits.pair.size
    lost = cluster.intensity + 5 * cluster.intensity_error < LOST * setting.usual
    if lost:
        share = cluster.intensity / setting.usual
        return undecided(
            size, f"only {share:.0%} of its ions arrive at full field; the others were bent out of the ionised region"
        )
    if fits.decisive:
        stays = math.exp(-fits.relaxed_doublet.value("flips")) >= LEAST_BLOCKED * (1 - 1e-6)
        return _atomic_like(fits, setting) if stays else _hardly_blocked(fits, setting)
    error = math.hypot(fits.shift.error("mean_uB"), _drift_error_uB(cluster, setting))
    significance = fits.shift.value("mean_uB") / error
    if significance >= SIGNIFICANT[cluster.signal]:
        return _superparamagnetic(fits, setting)
    if significance <= -AGAINST_THE_FIELD:
        note = "deflected away from the strong field, which nothing magnetic does: swapped fields or drift?"
        mean, mean_error = fits.shift.value("mean_uB"), fits.shift.error("mean_uB")
        return replace(undecided(size, note), mean_moment_uB=mean, mean_moment_error_uB=mean_error, significance=significance)
    return _without_deflection(fits, error, setting)


def _atomic_like(fits: Fits, setting: Setting) -> ClusterResult:
    fit, splitting = fits.relaxed_doublet, Splitting.of(fits.data, fits.pair.at, fits.relaxed_doublet)
    mean, mean_error = centroid_shift_uB(fits.pair)
    moment, ends = splitting.moment_uB, splitting.intervals_uB((STANDARD, TWICE))
    statistical = max(abs(end - moment) for end in ends[STANDARD])
    scales = _scales(setting)
    systematics = {name: moment * scales[name] for name in ("gradient", "velocity", "position")}
    systematics |= _edge(edge_error_uB(fits.pair, setting.calibrations, fit, blocked(fits.pair.at, most_flips=MOST_RELAXED)))
    per_uB_m = fits.pair.at.on_m_per_uB
    paper = gaussians(fits.pair.off, fits.pair.on, fits.pair.position_m, moment * per_uB_m)
    return _with_errors(
        ClusterResult(
            fits.pair.size,
            "atomic-like",
            mean_moment_uB=mean,
            mean_moment_error_uB=mean_error,
            flips=fit.value("flips"),
            flips_error=splitting.fit.error("flips"),
            unrelaxed_uB=fits.doublet.value("moment_uB"),
            unrelaxed_error_uB=fits.doublet.error("moment_uB"),
            gaussian_uB=paper.half_m / per_uB_m if paper else None,
            gaussian_error_uB=paper.error_m / per_uB_m if paper else None,
            gaussian_central_share=paper.central_share if paper else None,
            two_gaussians_uB=_in_uB(paper.two_m, per_uB_m) if paper else None,
            three_gaussians_uB=_in_uB(paper.three_m, per_uB_m) if paper else None,
            significance=math.sqrt(max(fits.none.chi2 - fit.chi2, 0.0)),
        ),
        moment,
        statistical,
        systematics,
        ends.__getitem__,
    )


def _hardly_blocked(fits: Fits, setting: Setting) -> ClusterResult:
    """Two states that flip explain its profile better than one shift, but hardly a moment stayed in its state."""
    fit, mean, h = fits.relaxed_doublet, fits.shift.value("mean_uB"), fits.pair.at.on_h

    def read(name: str, form: str, most: float) -> str:
        value = fit.value(name)
        return f"{value:{form}}{' or more' if value > 0.99 * most else ''}"

    moment, flips = read("moment_uB", ".2g", LARGEST_uB), read("flips", ".1f", MOST_FLIPS)
    readings = [f"{moment} µB as an atom's that flips W t = {flips} times"]
    if mean > 0 and not _unknown(_scales(setting)):
        readings.append(f"{brillouin_moment_uB(mean, h):.2g} µB as one that relaxed")
    note = f"between atomic-like and superparamagnetic: {', '.join(readings)}; colder or faster clusters decide"
    return replace(undecided(fits.pair.size, note), mean_moment_uB=mean, mean_moment_error_uB=fits.shift.error("mean_uB"))


def _in_uB(measured_m: tuple[float, float], per_uB_m: float) -> tuple[float, float]:
    return measured_m[0] / per_uB_m, measured_m[1] / per_uB_m


def _superparamagnetic(fits: Fits, setting: Setting) -> ClusterResult:
    mean, h, scales = fits.shift.value("mean_uB"), fits.pair.at.on_h, _scales(setting)
    if unknown := _unknown(scales):
        note = f"bent to one side, but {unknown} is uncertain by {scales[unknown]:.0%}, so no moment follows; calibrate it"
        bent = undecided(fits.pair.size, note)
        return replace(bent, mean_moment_uB=mean, mean_moment_error_uB=fits.shift.error("mean_uB"))
    moment = brillouin_moment_uB(mean, h)
    slope = brillouin_slope(moment, h)
    systematics = {}
    for name in ("gradient", "velocity", "position"):
        systematics[name] = _half_change(lambda f: brillouin_moment_uB(mean * f, h), scales[name])
    for name in ("field", "temperature"):
        systematics[name] = _half_change(lambda f: brillouin_moment_uB(mean, h * f), scales[name])
    systematics |= _edge(edge_error_uB(fits.pair, setting.calibrations, fits.shift, relaxing(fits.pair.at)) / slope)
    systematics["drift"] = _drift_error_uB(fits.pair, setting) / slope
    error = fits.shift.error("mean_uB")
    return _with_errors(
        ClusterResult(
            fits.pair.size,
            "superparamagnetic",
            "; ".join(_reservations(setting)),
            mean_moment_uB=mean,
            mean_moment_error_uB=error,
            langevin_uB=langevin_moment_uB(mean, h),
            significance=mean / error,
        ),
        moment,
        error / slope,
        systematics,
        lambda errors: (
            brillouin_moment_uB(max(mean - errors * error, 0.0), h),
            brillouin_moment_uB(mean + errors * error, h),
        ),
    )


def _reservations(setting: Setting) -> list[str]:
    """What to know of a moment that follows from a thermal mean."""
    notes, pressure_bar = [], setting.beam.helium_pressure_bar
    if setting.drift is None:
        notes.append("too few clusters tell the drift of flight times, which is not taken off")
    if pressure_bar < THERMALISED_bar * (1 - SAME_PRESSURE):
        notes.append(f"made at {pressure_bar:.1f} bar, where clusters may be hotter than is assumed")
    return notes


def _without_deflection(fits: Fits, error: float, setting: Setting) -> ClusterResult:
    h, mean = fits.pair.at.on_h, fits.shift.value("mean_uB")
    scales = _scales(setting)
    bend_scale = math.hypot(*(scales[name] for name in ("gradient", "velocity", "position")))

    def uncertain(moment_uB: float) -> float:
        thermal = (_half_change(lambda f: brillouin_mean_uB(moment_uB, h * f), scales[n]) for n in ("field", "temperature"))
        return math.hypot(*thermal, brillouin_mean_uB(moment_uB, h) * bend_scale)

    relaxing_limit = None
    if not _unknown(scales):
        relaxing_limit = relaxing_limit_uB(mean, error, lambda moment: brillouin_mean_uB(moment, h), uncertain)
    blocked_limit = blocked_limit_uB(fits.data, fits.pair.at, fits.doublet, bend_scale)
    limit, excluded = None, False
    if relaxing_limit is not None and blocked_limit is not None:
        limit = max(relaxing_limit, blocked_limit)
        excluded = relaxing_limit < EXCLUDED_RELAXING_uB and blocked_limit < EXCLUDED_BLOCKED_uB and _certain(fits, error)
    note = "" if excluded else _why_undecided(relaxing_limit, blocked_limit, fits, mean / error)
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


def _certain(fits: Fits, error: float) -> bool:
    """Whether the data by themselves exclude both with 99 %: a moment just there would pass the limits one time in twenty."""
    shift = brillouin_mean_uB(EXCLUDED_RELAXING_uB, fits.pair.at.on_h) - max(fits.shift.value("mean_uB"), 0.0)
    split = fits.data.fit(blocked(fits.pair.at, moment_uB=EXCLUDED_BLOCKED_uB, flips=0.0)).chi2 - fits.doublet.chi2
    return shift > CERTAIN * error and split > CERTAIN**2


def _why_undecided(relaxing_limit: float | None, blocked_limit: float | None, fits: Fits, significance: float) -> str:
    signal = fits.pair.signal
    parts = [
        f"{name} below {limit:.2g} µB" if limit is not None else f"{name} with any moment"
        for name, limit in (("superparamagnetic", relaxing_limit), ("atomic-like and unrelaxed", blocked_limit))
    ]
    if fits.preference > DECISIVE[signal] / 2:
        parts.append("a splitting is likely")
    elif significance > SIGNIFICANT[signal] / 2:
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


def _unknown(scales: dict[str, float]) -> str:
    """The calibration that leaves a moment unknown, or nothing."""
    return next((name for name, scale in scales.items() if scale >= UNKNOWN), "")


def _edge(error_uB: float) -> dict[str, float]:
    return {"acceptance": error_uB} if error_uB else {}


def _half_change(evaluated: Callable[[float], float], scale: float) -> float:
    """Half the difference between evaluations with something that divides larger and smaller by its uncertainty."""
    return abs(evaluated(1 / (1 - scale)) - evaluated(1 / (1 + scale))) / 2


def _drift_error_uB(cluster: Pair, setting: Setting) -> float:
    drift, mass_u = setting.drift, cluster.off.mass_u
    if drift is None:
        error_s = setting.beam.untold_drift * float(undeflected_time_s(mass_u, setting.calibrations.mass))
    else:
        error_s = drift.error_s_per_sqrt_u * math.sqrt(mass_u)
    return error_s / cluster.sensitivity_s_per_m / cluster.at.on_m_per_uB


def _with_errors(
    result: ClusterResult,
    moment: float,
    statistical: float,
    systematics: dict[str, float],
    within: Callable[[float], tuple[float, float]],
) -> ClusterResult:
    """With all errors; `within` gives the moments that many statistical standard errors below and above."""
    systematic = math.hypot(*systematics.values())

    def interval(errors: float) -> tuple[float, float]:
        low, high = within(errors)
        below, above = (math.hypot(end - moment, errors * systematic) for end in (low, high))
        return max(moment - below, 0.0), moment + above

    return replace(
        result,
        moment_uB=moment,
        error_uB=math.hypot(statistical, systematic),
        statistical_uB=statistical,
        systematic_uB=systematic,
        systematics_uB=systematics,
        interval_68_uB=interval(STANDARD),
        interval_95_uB=interval(TWICE),
    )


def undecided(size: int, note: str) -> ClusterResult:
    """A result without numbers, and why."""
    return ClusterResult(size, "undecided", note)
