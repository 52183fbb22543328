"""What a run under way, or a recorded one that is replayed, shows: typed messages, the same for both."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from config.calibration import Calibrations
from daq.analysis.runs import PointResults
from daq.conversions.deflection import deflection_per_uB_m
from daq.conversions.flight_time import position_at_time_m
from daq.face.reduced import ClusterFit, ClusterProfile, Moments, Reduced, ShotEvent, ShotTimes, Spectrum, Trace
from daq.record.run_file import RunFile
from daq.reduce import Profiles
from daq.reduce.profiles import Profile, SpectrumSums

SPECTRUM_BINS, TRACE_COLUMNS = 20_000, 2_000
"""At most: more than a screen has, few enough to be sent four times a second."""
NOTHING = np.empty(0)


def reduced(run_id: str, shots: int, profiles: Profiles, calibrations: Calibrations) -> Reduced:
    """The spectra so far, and the profiles of the newest point."""
    point = newest_point(profiles)
    shown = tuple(_profiles(profiles.at_point(point), calibrations))
    spectra = tuple(_spectrum(profiles, field_T, sums) for field_T, sums in sorted(profiles.spectra.items()))
    return Reduced(run_id, shots, spectra, shown, profiles.element, point)


def newest_point(profiles: Profiles) -> int:
    """The point of the plan's scans whose shots came last."""
    return max(((sums.step.index, sums.step.point) for sums in profiles.steps if sums.shots), default=(0, 0))[1]


def moments(
    run_id: str, found: list[PointResults], calibrations: Calibrations, shots: int = 0, *, final: bool = True
) -> Moments:
    """With the fits, on the axis of the profiles."""
    points = tuple(one.document() for one in found)
    fits = tuple(fit for one in found for fit in _fits(one, calibrations))
    return Moments(run_id, points, "", fits, shots, final)


def trace(run_id: str, run: RunFile, shot: int) -> Trace:
    """One recorded shot's MCP signal, its extremes kept.  `RunFileError` when it is damaged."""
    axis, codes = run.axis, run.block(np.array([shot])).traces[0, 0]
    width = math.ceil(len(codes) / TRACE_COLUMNS)
    columns = codes[: len(codes) // width * width].reshape(-1, width)
    lowest, highest = (extreme.astype("<i2").tobytes() for extreme in (columns.min(axis=1), columns.max(axis=1)))
    return Trace(run_id, shot, axis.start_s, width * axis.interval_s, lowest, highest, axis.scale_V[0], axis.offset_V[0])


def shot_times(run_id: str, run: RunFile, step: int) -> ShotTimes:
    """Of the shots of a step.  A line is programmed for its unit's insertion delay earlier than planned."""
    lines, events = run.laboratory["timing"]["lines"], []
    for name, (planned_s, programmed_s) in run.timing().items():
        delay_s = lines[name]["insertion_delay_s"] if name in lines else 0.0
        if step < min(len(planned_s), len(programmed_s)):
            events.append(ShotEvent(name, float(planned_s[step]), float(programmed_s[step]) + delay_s))
    return ShotTimes(run_id, step, tuple(sorted(events, key=lambda event: event.planned_s)))


def _spectrum(profiles: Profiles, field_T: float, sums: SpectrumSums) -> Spectrum:
    axis, mean = profiles.axis, sums.mean()
    width = math.ceil(len(mean) / SPECTRUM_BINS)
    binned = mean[: len(mean) // width * width].reshape(-1, width).mean(axis=1)
    start_s = axis.start_s + (width - 1) / 2 * axis.interval_s
    return Spectrum(field_T, sums.shots, start_s, width * axis.interval_s, binned.astype("<f4").tobytes())


def _profiles(profiles: Profiles, calibrations: Calibrations) -> Iterator[ClusterProfile]:
    for field_T in profiles.fields_T:
        if profiles.shots(field_T) < 2:
            continue
        for window in profiles.windows:
            one = profiles.profile(window.size, field_T)
            errors = np.sqrt(np.maximum(np.diag(one.covariance), 0.0))
            columns = (one.time_s, one.values, errors, _projection_uB(one, profiles, calibrations))
            yield ClusterProfile(window.size, field_T, one.shots, *(column.tobytes() for column in columns))


def _projection_uB(profile: Profile, profiles: Profiles, calibrations: Calibrations) -> NDArray[np.float64]:
    """Where a projection of the moment bends a cluster to at the strongest field; nothing without one, or beyond what is
    calibrated."""
    strongest_T = max(profiles.fields_T, key=abs)
    try:
        position_m = position_at_time_m(profile.time_s, profile.mass_u, calibrations.mass, calibrations.position)
        field_T, velocity_m_s = profiles.field_T(strongest_T), profiles.velocity_m_s(strongest_T)
        per_uB_m = deflection_per_uB_m(profile.mass_u, velocity_m_s, field_T, calibrations.deflection)
    except ValueError:
        return NOTHING
    # What remains at zero field bends so little that the axis would tell nothing.
    if abs(field_T) < 0.1 * calibrations.deflection.field_T:
        return NOTHING
    return np.asarray(position_m / per_uB_m, np.float64)


def _fits(found: PointResults, calibrations: Calibrations) -> Iterator[ClusterFit]:
    results, profiles = found.results, found.profiles
    for cluster in results.clusters:
        curves = cluster.curves
        if curves is None or not profiles.fields_T:
            continue
        axis = _projection_uB(profiles.profile(cluster.size, profiles.fields_T[0]), profiles, calibrations)
        if len(axis):
            # The fit counts from the beam's middle.
            columns = (curves.fine_uB + (axis[0] - curves.projection_uB[0]), curves.off_fit, curves.on_fit)
            yield ClusterFit(found.point, cluster.size, *(column.tobytes() for column in columns))
