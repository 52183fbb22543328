"""What becomes of a part of the beam that is bent: it is moved, stretched, and cut where ions pass beside the ionised region.

The gradient slopes, so an ion on the strong side of the beam is bent farther: its place at the detector is z + d (1 + g z'),
where z' is its place in the magnet.  Skimmer and slit each add a uniform part to both places, so what arrives is a trapezoid
whose two parts are stretched differently.  The time spread of the ionisation is added to it, and does not stretch.

The slope is given as κ, what a profile shows of it: g times the regression of z' on z.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daq.reduce.windows import ACCEPTANCE_m

Vector = NDArray[np.float64]
SKIMMER_m, SLIT_m = 0.5e-3, 0.25e-3
"""Half widths [paper]."""
TO_MAGNET, TO_DETECTOR = 0.325, 1.35
"""Distances behind the slit of the magnet's middle and of the ionisation, in those from skimmer to slit [paper, assumed]."""
HALF_m = np.array([SLIT_m * (1 + TO_DETECTOR), SKIMMER_m * TO_DETECTOR])
"""Half widths at the detector of what slit and skimmer add [derived]."""
BEAM_RMS_m = float(np.sqrt(HALF_m @ HALF_m / 3))
"""Of positions at the detector [derived]: 0.52 mm."""
EARLIER = np.array([(1 + TO_MAGNET) / (1 + TO_DETECTOR), TO_MAGNET / TO_DETECTOR])
"""z'/z of either [derived]."""
REGRESSION = float(EARLIER @ HALF_m**2 / (HALF_m @ HALF_m))
"""Of z' on z [derived]."""
LEAST = 1e-6
"""Part of a half width under which it does not matter, and share of ions of which it does not matter where they are."""


@dataclass(frozen=True)
class Parts:
    """Parts of a beam: how far each is bent, in m, its share, and its widening."""

    bend_m: Vector
    share: Vector
    widening: Vector


@dataclass(frozen=True)
class Unbent:
    """A cluster's profile at zero field by its variance, of which the apertures make a part and the ionisation the rest;
    ions bent farther than `acceptance_m` from its middle are not ionised."""

    variance_m2: float
    acceptance_m: float = ACCEPTANCE_m

    def bent(self, bend_m: Vector, share: Vector, kappa_per_m: float) -> Parts:
        """Parts of the beam as their ions arrive: the bends are those of the ions that are left."""
        unbent_m2 = min(BEAM_RMS_m**2, self.variance_m2)
        stretched = np.abs(1 + EARLIER[:, None] * (kappa_per_m / REGRESSION * bend_m)) * np.sqrt(unbent_m2) / BEAM_RMS_m
        half_m = np.sort(HALF_m[:, None] * np.maximum(stretched, LEAST), axis=0)
        kept, inward_m, variance_m2 = cut(self.acceptance_m - np.abs(bend_m), half_m)
        widening = np.sqrt(1 + (variance_m2 - unbent_m2) / self.variance_m2)
        return Parts(bend_m - np.sign(bend_m) * inward_m, share * kept, widening)


def cut(edge_m: Vector, half_m: NDArray[np.float64]) -> tuple[Vector, Vector, Vector]:
    """What an edge leaves of a trapezoid: the share, how far its mean moves away from the edge, and its variance.

    `half_m`, float64[2, parts], are half the widths of the two uniform distributions whose sum it is, the narrower first.
    """
    narrow, wide = half_m
    top, base = wide - narrow, wide + narrow
    whole = (narrow**2 + wide**2) / 3
    at = np.clip(np.abs(edge_m), 0.0, base)
    slope = np.maximum(at, top)
    flat = np.minimum(at, top)
    # What lies beyond |edge|, on the sloping side and on the flat top: ions, and the sums of their places and squares.
    ions = (base - slope) ** 2 / (8 * narrow * wide) + (top - flat) / (2 * wide)
    places = (base**3 / 6 - base * slope**2 / 2 + slope**3 / 3) / (4 * narrow * wide) + (top**2 - flat**2) / (4 * wide)
    squares = (base**4 / 12 - base * slope**3 / 3 + slope**4 / 4) / (4 * narrow * wide) + (top**3 - flat**3) / (6 * wide)
    kept = np.maximum(np.where(edge_m >= 0, 1 - ions, ions), LEAST)
    inward = places / kept
    return kept, inward, np.maximum(np.where(edge_m >= 0, whole - squares, squares) / kept - inward**2, 0.0)
