"""The measured response of machine and beam, carried from the zero-field profile to the deflected one.

The response r is a cubic spline on a grid a little coarser than the bins; its coefficients are linear nuisance
parameters.  Since r is the binned profile as a function of position, moving it is exact; no shape is assumed.  How
far a part of the beam is moved and stretched stands in `daq.analysis.bending`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daq.analysis.bending import Parts

COARSER = 4 / 3
"""Grid of the spline in bins: 8 ns, about the rms of the sharpest profile the ionisation pulse allows."""


@dataclass(frozen=True)
class Response:
    """A cubic spline basis over the positions of a window: `count` coefficients on a grid of `step_m` from `start_m`."""

    start_m: float
    step_m: float
    count: int
    middle_m: float
    """Middle of the beam at zero field, about which parts are stretched."""

    def matrix(self, position_m: NDArray[np.float64], parts: Parts) -> NDArray[np.float64]:
        """float64[bins, count]: what a beam of these parts gives in each bin, per coefficient of the response."""
        bins = len(position_m)
        moved = position_m[:, None] - self.middle_m - parts.bend_m
        place = (moved / parts.widening + self.middle_m - self.start_m) / self.step_m
        knot = np.floor(place).astype(np.intp)
        u = place - knot
        scale = parts.share / parts.widening / 6
        pieces = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]) * scale
        column = knot + np.arange(-1, 3)[:, None, None]
        inside = (column >= 0) & (column < self.count)
        row = np.broadcast_to(np.arange(bins)[:, None], column.shape)
        cell = (row * self.count + column)[inside]
        return np.bincount(cell, pieces[inside], minlength=bins * self.count).astype(np.float64).reshape(bins, self.count)


def response_basis(position_m: NDArray[np.float64], middle_m: float) -> Response:
    """The basis with its grid from the first to the last bin; beyond, the response is nothing."""
    low, high = float(position_m.min()), float(position_m.max())
    intervals = max(4, round((len(position_m) - 1) / COARSER))
    return Response(low, (high - low) / intervals, intervals + 1, middle_m)
