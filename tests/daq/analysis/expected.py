"""What a beam gives on average, by quadrature, and how well any analysis could know it.

Nothing here is the analysis' own: flight times follow each ion's way through apertures and field, as in
`tests.daq.analysis.beam`, and the bound comes from the Fisher information of the expected ions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.constants import atomic_mass
from scipy.interpolate import BSpline
from scipy.special import ndtr

from tests.daq.analysis.beam import BOHR, ATOM_u, ION_RMS_s, PULSE_RMS_s, magnetic

Vector = NDArray[np.float64]
SHARES = 400
"""Classes of the projections of moments that flip."""


@dataclass(frozen=True)
class Truth:
    """One cluster.  `behaviour` "blocked" (moment, flips) or "thermal" (moment is the mean ⟨µ⟩ itself)."""

    size: int
    blocked: bool
    moment_uB: float
    flips: float = 0.0
    ions: float = 1000.0
    intensity: float = 1.0
    background: float = 0.01
    """Background ions over the window, per ion."""
    velocity_m_s: float = 432.0
    C_T_m: float = 33.31
    field_T: float = 2.4
    remanence_T: float = 0.010
    slope_per_m: float = 310.0
    temperature_K: float = 45.0
    sensitivity_s_per_m: float = 19.2e-6
    acceptance_m: float = 10e-3
    flips_drawn: int = 2_000_000
    """How many moments that flip are drawn, to know what share goes where."""

    @property
    def mass_u(self) -> float:
        return ATOM_u * self.size

    def per_uB_m(self, field_T: float) -> float:
        return BOHR * self.C_T_m * field_T / 2.4 / (self.mass_u * atomic_mass * self.velocity_m_s**2)

    def projections(self, field_T: float) -> tuple[Vector, Vector]:
        """Projections in µB and their shares."""
        if not self.blocked:
            return np.array([self.moment_uB * field_T / self.field_T]), np.ones(1)
        if self.flips == 0:
            return self.moment_uB * np.array([1.0, -1.0]), np.full(2, 0.5)
        y, share = _flipped(self.moment_uB, self.flips, self.temperature_K, round(field_T, 2), self.flips_drawn)
        return self.moment_uB * y, share

    def rates(self, time_s: Vector) -> tuple[Vector, Vector]:
        """Expected ions per bin at zero and at full field."""
        width = time_s[1] - time_s[0]
        edges = np.append(time_s - width / 2, time_s[-1] + width / 2)
        off, on = (self._in_bins(edges, field) for field in (self.remanence_T, self.field_T))
        flat = self.background / len(time_s)
        return self.ions * (off + flat), self.ions * self.intensity * (on + flat)

    def _in_bins(self, edges: Vector, field_T: float) -> Vector:
        skimmer, slit = ((np.arange(n) + 0.5) / n - 0.5 for n in (60, 30))
        skimmer, slit = (grid.ravel() for grid in np.meshgrid(1e-3 * skimmer, 0.5e-3 * slit))
        at_magnet, at_detector = slit + (slit - skimmer) * 0.325, slit + (slit - skimmer) * 1.35
        rms = np.sqrt(PULSE_RMS_s**2 + ION_RMS_s**2)
        total = np.zeros(len(edges) - 1)
        for projection, share in zip(*self.projections(field_T), strict=True):
            place = at_detector + projection * self.per_uB_m(field_T) * (1 + self.slope_per_m * at_magnet)
            s = self.sensitivity_s_per_m * np.sqrt(self.mass_u / 1858.1274)
            time = 0.35e-6 + 1.847770e-6 * np.sqrt(self.mass_u) + s * place[np.abs(place) < self.acceptance_m]
            grid, weight = _gathered(time, rms / 20)
            total += share / len(place) * (weight @ np.diff(ndtr((edges - grid[:, None]) / rms), axis=1))
        return total


@cache
def _flipped(moment_uB: float, flips: float, temperature_K: float, field_T: float, count: int) -> tuple[Vector, Vector]:
    """Projections of moments that flip over the moment, in classes, from many of them simulated flip by flip."""
    y = magnetic(moment_uB, flips, temperature_K)(np.random.default_rng(1), count, field_T) / moment_uB
    still = np.abs(y) > 1 - 1e-12
    share, edges = np.histogram(y[~still], SHARES, (-1.0, 1.0))
    ends = np.array([(y[still] > 0).sum(), (y[still] < 0).sum()])
    return np.concatenate([[1, -1], (edges[1:] + edges[:-1]) / 2]), np.concatenate([ends, share]) / len(y)


def _gathered(time_s: Vector, step_s: float) -> tuple[Vector, Vector]:
    """The same times on a fine grid, each shared between its neighbours so that means stay."""
    place = (time_s - time_s.min()) / step_s
    low = np.floor(place).astype(int)
    part = place - low
    weight = np.bincount(low, 1 - part, low.max() + 2) + np.bincount(low + 1, part, low.max() + 2)
    return time_s.min() + step_s * np.arange(len(weight)), weight


GRID_s = 8e-9
"""Of the response's nuisance: what detail of it is not known beforehand."""
KAPPA_ERROR = 0.5
"""Relative error of the field slope that is known beforehand."""


def bound(truth: Truth, time_s: Vector) -> Mapping[str, float]:
    """Cramér–Rao bound of the standard errors of "moment_uB" and, for moments that flip, "flips".

    Nuisance: the response, any cubic spline on a grid of 8 ns; a pedestal per field; the intensity ratio; the slope of
    the field, known to half of itself.
    """
    names = ["moment_uB", "intensity", "slope_per_m"] + (["flips"] if truth.flips else [])
    off, on = truth.rates(time_s)
    columns = []
    for name in names:
        step = 0.01 * (getattr(truth, name) or 1.0)
        above, below = (
            np.concatenate(replace(truth, **{name: getattr(truth, name) + sign * step}).rates(time_s)) for sign in (1, -1)
        )
        columns.append((above - below) / (2 * step))
    bins = len(time_s)
    for field in (0, 1):
        columns.append(np.repeat([1.0 - field, float(field)], bins))
    nuisance = _response_columns(truth, time_s)
    design = np.column_stack([*columns, nuisance])
    weight = 1 / np.concatenate([off, on])
    scale = np.sqrt((design**2 * weight[:, None]).sum(axis=0))
    design = design / scale
    information = (design.T * weight) @ design
    information[2, 2] += (KAPPA_ERROR * truth.slope_per_m * scale[2]) ** -2
    covariance = np.linalg.pinv(information, rcond=1e-10, hermitian=True)
    return {name: float(np.sqrt(covariance[i, i]) / scale[i]) for i, name in enumerate(names) if name in ("moment_uB", "flips")}


def _response_columns(truth: Truth, time_s: Vector) -> NDArray[np.float64]:
    s = truth.sensitivity_s_per_m * np.sqrt(truth.mass_u / 1858.1274)
    knots = np.arange(time_s[0] - 4 * GRID_s, time_s[-1] + 4 * GRID_s, GRID_s)
    columns = []
    bent = [truth.projections(field) for field in (truth.remanence_T, truth.field_T)]
    for first in knots[:-4]:
        hump = BSpline.basis_element(first + GRID_s * np.arange(5), extrapolate=False)
        both = []
        for (projection, share), field, size in zip(
            bent, (truth.remanence_T, truth.field_T), (1.0, truth.intensity), strict=True
        ):
            moved = time_s[:, None] - s * projection * truth.per_uB_m(field)
            both.append(size * (np.nan_to_num(hump(moved)) @ share))
        columns.append(np.concatenate(both))
    columns = np.column_stack(columns)
    return columns[:, columns.max(axis=0) > 0]
