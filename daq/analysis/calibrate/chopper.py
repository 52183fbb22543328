"""Time zero of the chopper from the deflection of blocked moments against the programmed flight time.

A blocked moment does not depend on velocity or temperature, and bends by d = µ C / (m v²) with the true v = path / (T - τ),
T the programmed time from opening to ionisation, τ the time zero sought.  Evaluated with the calibration's τ₀ it seems to be
µ ((T - τ) / (T - τ₀))².  So for each cluster √(seeming moment) (T - τ₀) is a straight line in T that meets zero at τ, whatever
its moment, C and the position calibration are.  T must change by much: the source's temperature does that.

The seeming moments are those of doublets that do not relax.  With relaxation free they are three times less sharp where the
peaks are near each other, that is at the high velocities.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from config.calibration import Calibrations, VelocityCalibration
from daq.analysis.bending import BEAM_RMS_m
from daq.analysis.calibrate.estimate import CannotCalibrate, Estimate
from daq.analysis.results import ClusterResult, Results
from daq.conversions.deflection import deflection_per_uB_m
from daq.conversions.flight_time import cluster_mass_u, sensitivity_s_per_m

LEAST_SPREAD = 0.03
"""Of the flight times, largest less smallest over their mean."""
RESOLVED, FARTHEST_m = 0.8, 7.5e-3
"""Deflections that take part: from so many rms widths of a peak on, up to where ions still are inside the acceptance.  They are
those expected of the cluster's best known moment: whoever chose by each result would prefer those that came out large."""
IONISATION_RMS_s = 8.5e-9
"""Of the 20 ns FWHM pulse (paper sheet, assumed)."""
OPENING_s = 1e-6
"""The beam's own velocities weigh the early and the late half of a 40 µs opening differently: at most so much (derived:
variance of the opening over 8 % of the flight time)."""

RELAXATION_s, MOST_FLIPS = 10e-6, 0.2
"""What relaxation of W t = 0.05 moves the time zero by at most (seen on simulated beams of 6 bar); clusters that measurably
relax more often per transit than the latter take no part."""


@dataclass(frozen=True)
class Seeming:
    """The seeming moment of one cluster at one velocity, with its statistical error; `flight_s` is the programmed T - τ₀."""

    cluster: str
    flight_s: float
    moment_uB: float
    error_uB: float


@dataclass(frozen=True)
class ChopperResult:
    """`moments_uB` by cluster, with the time zero found; `chi2` per degree of freedom."""

    time_zero_s: Estimate
    share: float
    moments_uB: dict[str, float]
    velocities: int
    chi2: float

    def times_the_shots(self, share: float) -> float | None:
        """How many times the shots would tell the time zero to this share of the flight time; None where no number would."""
        zero = self.time_zero_s
        room = (share / self.share * zero.error) ** 2 - zero.systematic**2
        return zero.statistical**2 / room if room > 0 else None


def seeming_moments(found: Iterable[Results], calibrations: Calibrations) -> list[Seeming]:
    """What results at several velocities say of the clusters that should be well split there."""
    path_m, split = calibrations.velocity.flight_path_m, []
    for one in found:
        for cluster in one.clusters:
            moment_uB, error_uB = cluster.unrelaxed_uB, cluster.unrelaxed_error_uB
            if cluster.behaviour == "atomic-like" and moment_uB and error_uB and one.velocity_m_s and not _relaxes(cluster):
                place = _Place(one.element, cluster.size, one.velocity_m_s, one.field_T or 0.0)
                split.append((place, Seeming(f"{one.element}{cluster.size}", path_m / one.velocity_m_s, moment_uB, error_uB)))
    best: dict[str, Seeming] = {}
    for _, each in split:
        known = best.setdefault(each.cluster, each)
        if each.error_uB / each.moment_uB < known.error_uB / known.moment_uB:
            best[each.cluster] = each
    return [each for place, each in split if _well_split(place, best[each.cluster].moment_uB, calibrations)]


class _Place(NamedTuple):
    element: str
    size: int
    velocity_m_s: float
    field_T: float


def _relaxes(cluster: ClusterResult) -> bool:
    return (cluster.flips or 0.0) - 2 * (cluster.flips_error or 0.0) > MOST_FLIPS


def _well_split(at: _Place, moment_uB: float, calibrations: Calibrations) -> bool:
    mass_u = cluster_mass_u(at.element, at.size)
    bend_m = moment_uB * deflection_per_uB_m(mass_u, at.velocity_m_s, at.field_T, calibrations.deflection)
    s = sensitivity_s_per_m(mass_u, calibrations.position)
    return RESOLVED * math.hypot(BEAM_RMS_m, IONISATION_RMS_s / s) < bend_m < FARTHEST_m


def calibrate_chopper(seeming: Sequence[Seeming], old: VelocityCalibration) -> ChopperResult:
    """The time zero; `CannotCalibrate` where no cluster is split at several velocities that differ enough."""
    clusters = dict.fromkeys(one.cluster for one in seeming)
    times = {cluster: {one.flight_s for one in seeming if one.cluster == cluster} for cluster in clusters}
    used = [one for one in seeming if len(times[one.cluster]) > 1]
    if not used:
        raise CannotCalibrate("no cluster is split at two velocities or more; take more of them, at full field, or more shots")
    flight = np.array([one.flight_s for one in used])
    if np.ptp(flight) < LEAST_SPREAD * flight.mean():
        raise CannotCalibrate(
            f"the flight times differ by {np.ptp(flight) / flight.mean():.1%} only; change the velocity by more"
        )
    split = [cluster for cluster in clusters if len(times[cluster]) > 1]
    member = np.array([[one.cluster == cluster for cluster in split] for one in used], dtype=np.float64)
    root = np.sqrt([one.moment_uB for one in used])
    measured, error = root * flight, np.array([one.error_uB for one in used]) / (2 * root) * flight
    late, slope = 0.0, np.ones(len(split))
    for _ in range(10):
        # measured = slope (flight - late), late counted from the old time zero
        design = np.column_stack([member * (flight - late)[:, None], -(member @ slope)]) / error[:, None]
        residual = (measured - (member @ slope) * (flight - late)) / error
        step = np.linalg.pinv(design) @ residual
        slope, late = slope + step[:-1], late + float(step[-1])
    covariance = np.linalg.pinv(design.T @ design)
    statistical = math.sqrt(covariance[-1, -1])
    chi2 = float(residual @ residual) / max(len(used) - len(split) - 1, 1)
    systematic = math.hypot(OPENING_s, RELAXATION_s, statistical * math.sqrt(max(chi2 - 1, 0.0)))
    zero = Estimate(old.time_zero_s.value + late, statistical, systematic)
    moments = dict(zip(split, (slope**2).tolist(), strict=True))
    return ChopperResult(zero, zero.error / float(flight.mean()), moments, len(set(flight.tolist())), chi2)
