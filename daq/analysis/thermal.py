"""Thermal and telegraph laws of a moment in a field.

⟨µ⟩ = µ B_J(x), x = µB/(k_B T), J = µ/(g µB), g = 2.  With h = µ_B B/(k_B T) and 2J = µ (in µB) this is ⟨µ⟩ = (µ +
1) coth((µ + 1) h) − coth h, the form used here.  The paper: Langevin's law does not apply to such small moments.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann
from scipy.optimize import brentq
from scipy.special import i0e, i1e

from daq.conversions.deflection import BOHR_MAGNETON_J_T

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def zeeman_ratio(field_T: float, temperature_K: float) -> float:
    """h = µ_B B/(k_B T); `ValueError` at no or negative temperature."""
    if not temperature_K > 0:
        raise ValueError(f"a temperature of {temperature_K:g} K has no thermal average; it must be above 0 K")
    return BOHR_MAGNETON_J_T * abs(field_T) / (float(Boltzmann) * temperature_K)


def brillouin_mean_uB(moment_uB: float, h: float) -> float:
    """⟨µ⟩ in µB of a moment in µB, g = 2."""
    if h == 0 or moment_uB == 0:
        return 0.0
    return (moment_uB + 1) / math.tanh((moment_uB + 1) * h) - 1 / math.tanh(h)


def brillouin_slope(moment_uB: float, h: float) -> float:
    """d⟨µ⟩/dµ of `brillouin_mean_uB`."""
    z = (moment_uB + 1) * h
    return 1 / math.tanh(z) - z / math.sinh(z) ** 2 if z < 300 else 1.0


def langevin_mean_uB(moment_uB: float, h: float) -> float:
    """⟨µ⟩ in µB of a classical moment in µB."""
    x = moment_uB * h
    return moment_uB * (x / 3 if x < 1e-4 else 1 / math.tanh(x) - 1 / x)


def brillouin_moment_uB(mean_uB: float, h: float) -> float:
    """Moment in µB with this ⟨µ⟩ ≥ 0; the inverse of `brillouin_mean_uB`."""
    return _solved(brillouin_mean_uB, mean_uB, h)


def langevin_moment_uB(mean_uB: float, h: float) -> float:
    """Moment in µB with this ⟨µ⟩ ≥ 0; the inverse of `langevin_mean_uB`."""
    return _solved(langevin_mean_uB, mean_uB, h)


def telegraph(flips: float, bias: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Projections y = µ_z/µ averaged over the transit, and their shares, of a moment that flips `flips` times on average.

    Random telegraph signal that starts up or down with equal chance.  Down-flips come at rate W(1 − tanh b),
    up-flips at W(1 + tanh b), b = µB/(k_B T) = `bias` (detailed balance), `flips` = W t.  The first two entries are
    the moments that never flipped (y = ±1); the others sample the relaxed density, which for b = 0 is (Wt/2)
    e^(−Wt) [I₀(ξ) + I₁(ξ)/√(1−y²)], ξ = Wt √(1−y²).  Below W t = 0 shares go on with the slope they have there: no
    physics, but what lets an estimate of W t scatter about nothing.
    """
    if flips == 0:
        return np.array([1.0, -1.0]), np.array([0.5, 0.5])
    down, up = flips * (1 - math.tanh(bias)), flips * (1 + math.tanh(bias))
    if flips < 0:
        return np.concatenate([[1.0, -1.0], NODES]), np.concatenate([[(1 - down) / 2, (1 - up) / 2], WEIGHTS * flips / 2])
    root = np.sqrt(1 - NODES**2)
    xi = math.sqrt(down * up) * root
    damping = np.exp(xi - (down * (1 + NODES) + up * (1 - NODES)) / 2)
    relaxed = damping * ((down + up) * i0e(xi) + 2 * math.sqrt(down * up) / root * i1e(xi)) / 4
    blocked = [math.exp(-down) / 2, math.exp(-up) / 2]
    return np.concatenate([[1.0, -1.0], NODES]), np.concatenate([blocked, WEIGHTS * relaxed])


def _solved(mean_of: Callable[[float, float], float], mean_uB: float, h: float) -> float:
    if mean_uB == 0:
        return 0.0
    if mean_uB < 0 or h <= 0:
        raise ValueError(f"no moment has a thermal mean of {mean_uB:g} µB at µB B/kT = {h:g}; both must be positive")
    highest = mean_uB + 1.0
    while mean_of(highest, h) < mean_uB:
        highest *= 2
    return float(brentq(lambda moment: mean_of(moment, h) - mean_uB, 0.0, highest, xtol=1e-9))
