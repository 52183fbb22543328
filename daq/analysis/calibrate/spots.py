"""What a scan of the narrow focus shows: of each size in each step, where in time its ions are and how many."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from config.calibration import Calibrations
from daq.analysis.calibrate.position import Spot
from daq.conversions.flight_time import undeflected_time_s
from daq.reduce.profiles import Profile, Profiles

Floats = NDArray[np.float64]
WINDOW_s = 16e-9
"""Rms of the Gaussian that ions are weighed with about their middle: wider than a spot, narrower than neighbours are far."""
FARTHEST_s = 60e-9
SIGNIFICANT = 6.0


def spots(
    profiles: Profiles, stage_m: Mapping[int, float], when_s: Mapping[int, float], old: Calibrations, run: int = 0
) -> Iterator[Spot]:
    """Of all steps of a run that `stage_m` names, by index; where a size shows nothing its time has no weight."""
    for sums in profiles.steps:
        index = sums.step.index
        if index not in stage_m or sums.shots < 2:
            continue
        one = profiles.selected(frozenset([index]))
        for window in one.windows:
            profile = one.profile(window.size, sums.step.field_set_T)
            cluster, (total, error) = f"{profiles.element}{window.size}", signal(profile)
            found = (
                _middle(profile, float(undeflected_time_s(window.mass_u, old.mass))) if total > SIGNIFICANT * error else None
            )
            time_s, time_error_s = found or (math.nan, math.inf)
            place = stage_m[index], when_s.get(index, 0.0)
            yield Spot(cluster, window.mass_u, *place, time_s, time_error_s, total, error, run)


def signal(profile: Profile) -> tuple[float, float]:
    """Signal per shot over a whole window and its error."""
    return float(profile.values.sum()), float(np.sqrt(max(profile.covariance.sum(), 1e-12)))


def _middle(profile: Profile, expected_s: float) -> tuple[float, float] | None:
    """Time about which the ions, weighed with a Gaussian there, balance, and its error; None if there is none nearby."""
    near = np.abs(profile.time_s - expected_s) < FARTHEST_s
    if not near.any():
        return None
    smooth = np.convolve(np.where(near, profile.values, 0.0), np.ones(5), "same")
    middle = float(profile.time_s[smooth.argmax()])
    for _ in range(50):
        away = profile.time_s - middle
        weight = np.exp(-((away / WINDOW_s) ** 2) / 2)
        pull = weight * away
        steep = float((weight * (1 - (away / WINDOW_s) ** 2)) @ profile.values)
        if steep <= 0:
            return None
        step = float(pull @ profile.values) / steep
        middle += float(np.clip(step, -5e-9, 5e-9))
        if abs(step) < 1e-14:
            break
    error = float(np.sqrt(pull @ profile.covariance @ pull)) / steep
    return (middle, error) if abs(middle - expected_s) < FARTHEST_s and error > 0 else None
