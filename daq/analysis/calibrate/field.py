"""Field against magnet current, from what the Hall probe read on the way up and down again.

The calibration is the rising branch of a magnet that was at full current before, as it is in a run; a first rise from the
demagnetised state is lower by up to the remanence, and is used only where there is no other.  Below saturation the field is a
straight line, B = B_r + N µ0 I a / (π (a² + z²)): the two-wire formula up to a turns factor N.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import mu_0

from config.calibration import FieldCalibration
from daq.analysis.calibrate.estimate import CannotCalibrate, Estimate

Floats = NDArray[np.float64]
SAME_A = 1.0
"""Currents closer than this are the same set point."""
FEWEST_CURRENTS = 5
LINEAR_T = 1.6
"""Below this the iron does not saturate (paper sheet: above about 2 T, assumed)."""
WIRES_m, HEIGHT = 3.63e-3, 1.2
"""a, and z / a of the beam (derived from 650 T/m at 2.4 T)."""
PROBE, PROBE_ZERO_T = 0.005, 0.2e-3
"""What no run can tell: the probe's accuracy and place, relative, and its zero in T (assumed)."""
NOISE_FLOOR_T = 0.2
"""The noise of a reading grows as its field plus this (assumed)."""


@dataclass(frozen=True)
class FieldResult:
    """`current_A`, `field_T` float64[points] of the rising branch with its statistical error `error_T` of each point.

    `loop_T` is the mean of falling less rising branch; `turns` the turns factor; `bend_T` the rms of the points below
    saturation about the straight line; `saturation` what the field at the highest current lacks of it, relative.
    """

    current_A: Floats
    field_T: Floats
    error_T: Floats
    remanence_T: Estimate
    loop_T: float
    turns: Estimate
    bend_T: float
    saturation: float
    loops: int
    from_virgin: bool

    def calibration(self) -> FieldCalibration:
        return FieldCalibration(
            current_A=[max(round(one, 3), 0.0) for one in self.current_A.tolist()],
            field_T=[round(one, 6) for one in self.field_T.tolist()],
            remanence_T=self.remanence_T.measured(),
            relative_uncertainty=math.hypot(PROBE, float(self.error_T[-1] / self.field_T[-1])),
        )


def calibrate_field(current_A: Sequence[float], field_T: Sequence[float]) -> FieldResult:
    """From currents and fields read back, in the order they were taken; `CannotCalibrate` without a loop in both directions."""
    currents, fields = np.asarray(current_A, np.float64), np.asarray(field_T, np.float64)
    if len(currents) < 2 or not np.isfinite(currents).all() or not np.isfinite(fields).all():
        raise CannotCalibrate(f"{len(currents)} readings of current and field, all of them needed, make no loop")
    rising, falling = _branches(currents, fields)
    if not rising or not falling:
        raise CannotCalibrate(f"the current only went {'down' if falling else 'up'}; a loop in both directions is needed")
    used = rising[1:] or rising
    grid = _grid(used)
    if len(grid) < FEWEST_CURRENTS:
        raise CannotCalibrate(f"only {len(grid)} currents on the way up; at least {FEWEST_CURRENTS} are needed")
    up, down = np.array([_on(grid, one) for one in used]), np.array([_on(grid, one) for one in falling])
    curve = up.mean(axis=0)
    if not (np.diff(curve) > 0).all():
        raise CannotCalibrate("the field does not rise with the current; is the probe in the gap, and the supply on?")
    noise = _scatter(up, down, curve)
    line, bend_T = _straight(grid, curve)
    loop_T = float((down.mean(axis=0) - curve)[:-1].mean())
    ends = np.array([branch[-1, 1] for branch in falling if branch[-1, 0] < SAME_A])
    if not len(ends):
        raise CannotCalibrate("the current never came back to zero; without that there is no remanence")
    wires = math.pi * WIRES_m * (1 + HEIGHT**2) / mu_0
    error_T = noise * (curve + NOISE_FLOOR_T) / math.sqrt(len(up))
    slope_error = float(np.median(error_T)) / math.sqrt(max(len(grid) - 2, 1)) / float(grid.std())
    return FieldResult(
        grid,
        curve,
        error_T,
        Estimate(float(ends.mean()), noise * NOISE_FLOOR_T / math.sqrt(len(ends)), PROBE_ZERO_T),
        loop_T,
        Estimate(float(line[0]) * wires, slope_error * wires, PROBE * float(line[0]) * wires),
        bend_T,
        1 - float((curve[-1] - line[1]) / (line[0] * grid[-1])),
        len(up),
        len(rising) == 1,
    )


def _branches(currents: Floats, fields: Floats) -> tuple[list[Floats], list[Floats]]:
    """Stretches of rising and of falling current, float64[points, 2]; turning points belong to both."""
    points = np.column_stack([currents, fields])
    direction = np.sign(np.where(np.abs(np.diff(currents)) < SAME_A, 0.0, np.diff(currents)))
    branches: dict[float, list[Floats]] = {1.0: [], -1.0: []}
    first = 0
    for i, way in enumerate(direction):
        if way == 0:
            first = i + 1
        elif i + 1 == len(direction) or direction[i + 1] != way:
            branches[float(way)].append(points[first : i + 2])
            first = i + 1
    return branches[1.0], branches[-1.0]


def _grid(branches: list[Floats]) -> Floats:
    """The currents that all branches have, rising."""
    same = [one for one in branches if len(one) == len(branches[0]) and np.abs(one[:, 0] - branches[0][:, 0]).max() < SAME_A]
    return np.asarray(np.mean([one[:, 0] for one in same], axis=0))


def _on(grid: Floats, branch: Floats) -> Floats:
    """The field of a branch at the currents of the grid."""
    order = np.argsort(branch[:, 0])
    return np.asarray(np.interp(grid, branch[order, 0], branch[order, 1]))


def _scatter(up: Floats, down: Floats, curve: Floats) -> float:
    """Standard deviation of a reading, relative to field and floor: between loops, or falling less rising in one loop."""
    if len(up) > 1:
        return float(np.sqrt((up.var(axis=0, ddof=1) / (curve + NOISE_FLOOR_T) ** 2).mean()))
    loop = (down[-1] - up[0])[:-1]
    return float(np.sqrt((((loop - loop.mean()) / (curve[:-1] + NOISE_FLOOR_T)) ** 2).sum() / (len(loop) - 1) / 2))


def _straight(grid: Floats, curve: Floats) -> tuple[Floats, float]:
    """Slope and offset below saturation, and the rms about it in T."""
    low = curve < LINEAR_T
    if low.sum() < 3:
        raise CannotCalibrate(f"only {int(low.sum())} currents give less than {LINEAR_T:g} T; three make a straight line")
    line = np.polyfit(grid[low], curve[low], 1)
    return line, float(np.sqrt(((curve - np.polyval(line, grid))[low] ** 2).sum() / max(low.sum() - 2, 1)))
