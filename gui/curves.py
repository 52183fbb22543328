"""What is reduced, as curves to draw.  No Qt."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daq.face.reduced import ClusterProfile, Moments, Reduced, Spectrum, Trace

Array = NDArray[np.float64]
LOOKS = 600
"""Points of the yield that are kept: a few minutes at display rate."""


@dataclass(frozen=True)
class Curve:
    """Mean signal per shot of one cluster at one field, by flight time, and by projection of the moment where that is known."""

    time_us: Array
    signal: Array
    error: Array
    shots: int
    projection_uB: Array | None

    @classmethod
    def of(cls, profile: ClusterProfile) -> "Curve":
        time_s, signal, error = (np.frombuffer(column) for column in (profile.time_s, profile.values, profile.errors))
        projection_uB = np.frombuffer(profile.projection_uB) if profile.projection_uB else None
        return cls(1e6 * time_s, signal, error, profile.shots, projection_uB)


@dataclass(frozen=True)
class Fit:
    """The fit of a cluster, at zero and at full field."""

    projection_uB: Array
    off: Array
    on: Array


class Curves:
    """All profiles of a run so far, by size and field."""

    def __init__(self, reduced: Reduced) -> None:
        self.run_id, self.shots, self.element = reduced.run_id, reduced.shots, reduced.element
        self._curves = {(one.size, one.field_T): Curve.of(one) for one in reduced.profiles}
        self._spectra = {one.field_T: one for one in reduced.spectra}
        self.sizes = sorted({size for size, _ in self._curves})
        self.fields_T = sorted({field_T for _, field_T in self._curves}, key=abs)

    def at(self, size: int, field_T: float) -> Curve | None:
        return self._curves.get((size, field_T))

    def off_on(self) -> tuple[float, ...]:
        """The field nearest to zero, and the strongest one if there is another."""
        return tuple(self.fields_T[:: max(1, len(self.fields_T) - 1)][:2])

    def spectrum(self, field_T: float) -> tuple[Array, Array]:
        """Flight time in µs and mean signal in codes of the whole trace."""
        spectrum = self._spectra.get(field_T)
        return (np.empty(0), np.empty(0)) if spectrum is None else _whole(spectrum)

    def peaks(self, field_T: float) -> list[tuple[int, float, float]]:
        """Size, flight time in µs and signal at the top of each cluster's peak in the spectrum."""
        time_us, signal = self.spectrum(field_T)
        found = []
        for size in self.sizes:
            first_us, last_us = self.window(size) or (0.0, 0.0)
            inside = slice(*np.searchsorted(time_us, (first_us, last_us)))
            if len(time_us[inside]):
                top = int(np.argmax(signal[inside]))
                found.append((size, float(time_us[inside][top]), float(signal[inside][top])))
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

    def middle_uB(self, size: int) -> float:
        """Where the beam's middle is on the axis of projections: the centroid of the profile at the lowest field, above a tenth
        of its maximum."""
        curve = self.at(size, self.fields_T[0]) if self.fields_T else None
        if curve is None or curve.projection_uB is None:
            return 0.0
        core = np.where(curve.signal > 0.1 * curve.signal.max(), curve.signal, 0.0)
        return float(core @ curve.projection_uB / core.sum()) if core.sum() > 0 else 0.0

    def total(self) -> tuple[float, int]:
        """Signal of all clusters in all shots, and the number of shots."""
        signal = sum(float(curve.signal.sum()) * curve.shots for curve in self._curves.values())
        shots = {field_T: curve.shots for (_, field_T), curve in self._curves.items()}
        return signal, sum(shots.values())


class Yield:
    """Signal per shot from look to look, as sums over all shots grow."""

    def __init__(self) -> None:
        self._of: tuple[str, int] = "", -1
        self._before = 0.0, 0
        self._looks: deque[tuple[float, float, int]] = deque(maxlen=LOOKS)

    def hear(self, reduced: Reduced, curves: Curves) -> None:
        """The sums are those of one point: at another one they begin anew."""
        signal, shots = curves.total()
        if (reduced.run_id, reduced.point) != self._of or shots < self._before[1]:
            if reduced.run_id != self._of[0] or reduced.shots < shots:
                self._looks.clear()
            self._of, self._before = (reduced.run_id, reduced.point), (0.0, 0)
        new = shots - self._before[1]
        if new > 0:
            self._looks.append((reduced.shots - new / 2, (signal - self._before[0]) / new, new))
            self._before = signal, shots

    def curve(self) -> tuple[Array, Array]:
        """Number of the shot in the middle, and signal per shot."""
        return np.array([look[0] for look in self._looks]), np.array([look[1] for look in self._looks])

    def weights(self) -> Array:
        """Shots of each look."""
        return np.array([look[2] for look in self._looks], float)


@dataclass(frozen=True)
class Shot:
    """One shot's trace: the lowest and the highest signal of each column, one after the other."""

    run_id: str
    shot: int
    time_us: Array
    signal_mV: Array

    @classmethod
    def of(cls, trace: Trace) -> "Shot":
        codes = np.stack([np.frombuffer(codes, "<i2") for codes in (trace.lowest, trace.highest)], axis=1).reshape(-1)
        time_us = np.asarray(1e6 * (trace.start_s + trace.column_s * (np.arange(len(codes)) // 2 + 0.5)), np.float64)
        signal_mV = np.asarray(1e3 * (trace.offset_V + codes * trace.scale_V), np.float64)
        return cls(trace.run_id, trace.shot, time_us, signal_mV)


@dataclass(frozen=True)
class Moment:
    """A moment with its total error, or the 95 % limit of one that was not seen."""

    size: int
    behaviour: str
    moment_uB: float | None
    error_uB: float
    limit_uB: float | None

    def __str__(self) -> str:
        if self.moment_uB is not None:
            return f"{self.behaviour}, {self.moment_uB:.2f} ± {self.error_uB:.2f} µB"
        return f"{self.behaviour}" + ("" if self.limit_uB is None else f", below {self.limit_uB:.2f} µB")


def moments_at(moments: Moments, point: int) -> list[Moment]:
    """Those of one point of the plan's scans, by its place in `moments.points`."""
    return [_moment(one) for one in moments.points[point]["clusters"]]


def fit_of(moments: Moments, point: int, size: int) -> Fit | None:
    """The fit of a cluster at a point, by the point's number."""
    for one in moments.fits:
        if (one.point, one.size) == (point, size):
            return Fit(*(np.frombuffer(column) for column in (one.projection_uB, one.off, one.on)))
    return None


def point_names(moments: Moments) -> list[str]:
    """Of the points of the plan's scans; a point may not have come to its field."""
    fields = ["" if one["field_T"] is None else f": {one['field_T']:g} T" for one in moments.points]
    return [f"point {one['point'] + 1}{field}" for one, field in zip(moments.points, fields, strict=True)]


def _whole(spectrum: Spectrum) -> tuple[Array, Array]:
    mean = np.frombuffer(spectrum.mean, "<f4").astype(np.float64)
    return np.asarray(1e6 * (spectrum.start_s + spectrum.bin_s * np.arange(len(mean))), np.float64), mean


def _moment(one: dict[str, Any]) -> Moment:
    moment = None if one["behaviour"] in ("non-magnetic", "undecided") else one["moment_uB"]
    return Moment(one["size"], one["behaviour"], moment, one["error_uB"] or 0.0, one["limit_uB"])
