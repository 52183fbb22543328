"""What is reduced, as curves to draw.  No Qt."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daq.face.reduced import ClusterProfile, Moments, Reduced

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Mean signal per shot of one cluster at one field, by flight time."""

    time_us: Array
    signal: Array
    error: Array
    shots: int

    @classmethod
    def of(cls, profile: ClusterProfile) -> "Curve":
        time_s, signal, error = (np.frombuffer(column) for column in (profile.time_s, profile.values, profile.errors))
        return cls(1e6 * time_s, signal, error, profile.shots)


class Curves:
    """All profiles of a run so far, by size and field."""

    def __init__(self, reduced: Reduced) -> None:
        self.run_id, self.shots = reduced.run_id, reduced.shots
        self._curves = {(one.size, one.field_T): Curve.of(one) for one in reduced.profiles}
        self.sizes = sorted({size for size, _ in self._curves})
        self.fields_T = sorted({field_T for _, field_T in self._curves}, key=abs)

    def at(self, size: int, field_T: float) -> Curve | None:
        return self._curves.get((size, field_T))

    def off_on(self) -> tuple[float, ...]:
        """The field nearest to zero, and the strongest one if there is another."""
        return tuple(self.fields_T[:: max(1, len(self.fields_T) - 1)][:2])

    def spectrum(self, field_T: float) -> tuple[Array, Array]:
        """Flight time and signal around all clusters, with gaps between their windows."""
        found = [curve for size in self.sizes if (curve := self.at(size, field_T)) is not None]
        if not found:
            return np.empty(0), np.empty(0)
        time_us = [part for curve in found for part in (curve.time_us, curve.time_us[-1:])]
        signal = [part for curve in found for part in (curve.signal, np.array([np.nan]))]
        return np.concatenate(time_us), np.concatenate(signal)

    def peaks(self, field_T: float) -> list[tuple[int, float, float]]:
        """Size, flight time and signal at the top of each cluster's peak."""
        found = []
        for size in self.sizes:
            curve = self.at(size, field_T)
            if curve is not None:
                top = int(np.argmax(curve.signal))
                found.append((size, float(curve.time_us[top]), float(curve.signal[top])))
        return found

    def window(self, size: int) -> tuple[float, float] | None:
        """Where the cluster arrives, in µs."""
        for field_T in self.fields_T:
            curve = self.at(size, field_T)
            if curve is not None:
                return float(curve.time_us[0]), float(curve.time_us[-1])
        return None

    def nearest(self, time_us: float) -> int | None:
        """The cluster whose window is nearest to a flight time."""
        windows = {size: found for size in self.sizes if (found := self.window(size)) is not None}
        return min(windows, key=lambda size: abs(sum(windows[size]) / 2 - time_us), default=None)


@dataclass(frozen=True)
class Moment:
    """A moment with its total error, or the 95 % limit of one that was not seen."""

    size: int
    behaviour: str
    moment_uB: float | None
    error_uB: float
    limit_uB: float | None


def moments_at(moments: Moments, point: int) -> list[Moment]:
    """Those of one point of the plan's scans, by its place in `moments.points`."""
    return [_moment(one) for one in moments.points[point]["clusters"]]


def point_names(moments: Moments) -> list[str]:
    """Of the points of the plan's scans; a point may not have come to its field."""
    fields = ["" if one["field_T"] is None else f": {one['field_T']:g} T" for one in moments.points]
    return [f"point {one['point'] + 1}{field}" for one, field in zip(moments.points, fields, strict=True)]


def _moment(one: dict[str, Any]) -> Moment:
    moment = None if one["behaviour"] in ("non-magnetic", "undecided") else one["moment_uB"]
    return Moment(one["size"], one["behaviour"], moment, one["error_uB"] or 0.0, one["limit_uB"])
