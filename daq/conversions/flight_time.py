"""Mass and position against flight time: t(m, d) = t0 + k √m + s(m) d + q(m) d², s(m) = s_ref √(m / m_ref), q(m) scaled alike.

The paper gives the √m scaling of s and 19.2 ns/mm for Nb20; that q scales as s does is *assumed*.  Masses are in u,
positions in m along the gradient (positive towards the strong field), times in s after the ionisation pulse.  A
peak shows the main isotopologue, so that one is the mass of a cluster, not the average.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from config.calibration import MassCalibration, PositionCalibration

Number = TypeVar("Number", float, NDArray[np.floating[Any]])

ISOTOPE_MASS_u = {"V": 50.94396, "Nb": 92.90637, "Ta": 180.94800, "Al": 26.98154}
"""Mass of the main isotope of each element the machine has been used with."""


def cluster_mass_u(element: str, size: int) -> float:
    """Mass in u of the main isotopologue of `size` atoms (1 for an atom); `ValueError` for an element without an entry."""
    if element not in ISOTOPE_MASS_u:
        raise ValueError(f"no isotope mass for element {element!r}; known are {', '.join(ISOTOPE_MASS_u)}")
    if size < 1:
        raise ValueError(f"a cluster of {size} atoms has no mass; the size must be 1 or more")
    return ISOTOPE_MASS_u[element] * size


def sensitivity_s_per_m(mass_u: float, position: PositionCalibration) -> float:
    """s(m), the change of flight time per metre of deflection at small deflection."""
    return float(position.sensitivity_s_per_m.value * np.sqrt(mass_u / position.reference_mass_u))


def curvature_s_per_m2(mass_u: float, position: PositionCalibration) -> float:
    """q(m), the quadratic part of the flight time against position; *assumed* to scale as s(m)."""
    return float(position.curvature_s_per_m2.value * np.sqrt(mass_u / position.reference_mass_u))


def undeflected_time_s(mass_u: Number, mass: MassCalibration) -> Number:
    """t0 + k √m."""
    time: Number = mass.t0_s.value + mass.k_s_per_sqrt_u.value * np.sqrt(mass_u)
    return time


def mass_at_time_u(time_s: Number, mass: MassCalibration) -> Number:
    """Mass of an undeflected ion that arrives at `time_s`, the inverse of `undeflected_time_s` for t ≥ t0."""
    found: Number = ((time_s - mass.t0_s.value) / mass.k_s_per_sqrt_u.value) ** 2
    return found


def flight_time_s(mass_u: float, position_m: Number, mass: MassCalibration, position: PositionCalibration) -> Number:
    """t(m, d) of an ion made at `position_m` from the axis."""
    s, q = sensitivity_s_per_m(mass_u, position), curvature_s_per_m2(mass_u, position)
    time: Number = undeflected_time_s(mass_u, mass) + s * position_m + q * position_m**2
    return time


def position_at_time_m(time_s: Number, mass_u: float, mass: MassCalibration, position: PositionCalibration) -> Number:
    """Position of an ion of known mass from its flight time: the root of t(m, d) near the axis.

    `ValueError` where the calibration's parabola has no such position (the time lies beyond its turning point).
    """
    s, q = sensitivity_s_per_m(mass_u, position), curvature_s_per_m2(mass_u, position)
    delay = time_s - undeflected_time_s(mass_u, mass)
    under_root = s**2 + 4 * q * delay
    if np.any(np.asarray(under_root) < 0):
        raise ValueError(f"no position belongs to this flight time at {mass_u:.1f} u: beyond the calibration's turning point")
    found: Number = 2 * delay / (s + np.sqrt(under_root))
    return found
