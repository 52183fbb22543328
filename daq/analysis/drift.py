"""The common drift of flight times between zero and full field, which interleaving leaves.

A drift of the high voltage moves every flight time in proportion to √m.  Clusters that do not shift by themselves
tell it: non-magnetic ones.  Which those are is not assumed: the shift per √m on which most clusters agree is taken
(least squares truncated at three standard errors), since superparamagnetic shifts scale as 1/√m and differ from
each other.

Where too few clusters tell it, what the high voltage may drift by between the fields is an error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daq.analysis.results import Drift
from daq.reduce.profiles import Profiles
from daq.reduce.reduction import STEPS

DRIFT_per_hour = 50e-6
"""Of flight times: 100 ppm of high voltage an hour (paper sheet, assumed)."""
HOUR_s = 3600.0
TRUNCATION = 3.0
FEWEST = 5
"""References without which no correction is made."""


@dataclass(frozen=True)
class Shift:
    """Shift of one cluster's profile between the fields in s, with its error."""

    size: int
    mass_u: float
    shift_s: float
    error_s: float


def common_drift(shifts: Sequence[Shift]) -> Drift | None:
    """The drift most shifts agree on, or None if fewer than five do or they are not the majority."""
    if len(shifts) < FEWEST:
        return None
    root = np.sqrt([s.mass_u for s in shifts])
    value, error = np.array([s.shift_s for s in shifts]) / root, np.array([s.error_s for s in shifts]) / root

    def cost(drift: float) -> float:
        return float(np.minimum(((value - drift) / error) ** 2, TRUNCATION**2).sum())

    best = min(value, key=cost)
    for _ in range(10):
        near = np.abs(value - best) < TRUNCATION * error
        best = float(np.average(value[near], weights=error[near] ** -2)) if near.any() else best
    if near.sum() < max(FEWEST, len(shifts) / 2):
        return None
    references = tuple(s.size for s, agrees in zip(shifts, near, strict=True) if agrees)
    return Drift(best, float((error[near] ** -2).sum() ** -0.5), references)


def untold_drift(profiles: Profiles, off_set_T: float, on_set_T: float) -> float:
    """What flight times may have drifted by between the shots at both set fields, relative: one standard error.

    Nothing where the fields were taken in turn, ABBA.  Each file counts by itself, as its time begins anew; infinite where none
    holds both fields, since nobody knows how far apart they were taken.
    """
    apart, weights = [], []
    for part in {sums.step.index // STEPS for sums in profiles.steps}:
        mean_s, shots = [], []
        for field_T in (off_set_T, on_set_T):
            steps = [s for s in profiles.steps if s.shots and s.step.field_set_T == field_T and s.step.index // STEPS == part]
            if steps:
                shots += [sums.shots for sums in steps]
                mean_s.append(float(np.average([sums.step.started_s for sums in steps], weights=shots[-len(steps) :])))
        if len(mean_s) == 2:
            apart.append(mean_s[1] - mean_s[0])
            weights.append(sum(shots))
    return abs(float(np.average(apart, weights=weights))) / HOUR_s * DRIFT_per_hour if apart else math.inf
