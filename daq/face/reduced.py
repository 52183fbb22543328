"""What a run under way, or a recorded one that is replayed, shows of its shots.

Arrays are little-endian bytes of the type named.
"""

from typing import Any

import msgspec


class Spectrum(msgspec.Struct, frozen=True):
    """Mean trace at one set field: `mean` float32[bins] in codes above the baseline, each bin the mean of `bin_s` of flight
    time; the middle of the first one is at `start_s`."""

    field_T: float
    shots: int
    start_s: float
    bin_s: float
    mean: bytes


class ClusterProfile(msgspec.Struct, frozen=True):
    """Mean signal per shot of one cluster at a set field: float64[bins], `errors` from the scatter between shots.

    `projection_uB` is the moment's projection that bends a cluster to the bin at the run's strongest field; empty where
    that is not known.
    """

    size: int
    field_T: float
    shots: int
    time_s: bytes
    values: bytes
    errors: bytes
    projection_uB: bytes = b""


class Reduced(msgspec.Struct, frozen=True, tag=True):
    """Everything reduced so far; `shots` are those looked at.  Profiles are those of the `point` of the plan's scans that was
    taken last, spectra those of all."""

    run_id: str
    shots: int
    spectra: tuple[Spectrum, ...]
    profiles: tuple[ClusterProfile, ...]
    element: str = ""
    point: int = 0


class ClusterFit(msgspec.Struct, frozen=True):
    """The fit that was chosen for a cluster at a point, float64[places] at `projection_uB`: signal per shot without and with
    field."""

    point: int
    size: int
    projection_uB: bytes
    off: bytes
    on: bytes


class Moments(msgspec.Struct, frozen=True, tag=True):
    """The moments at each point of the plan's scans, as `clusterbeam analyse --json` gives them, with its number (`point`) and
    what the scans set there (`conditions`); why not, if there are none.

    `final` when no more shots come; else of the first `shots` of the run.
    """

    run_id: str
    points: tuple[dict[str, Any], ...]
    reason: str = ""
    fits: tuple[ClusterFit, ...] = ()
    shots: int = 0
    final: bool = True


class Trace(msgspec.Struct, frozen=True, tag=True):
    """One shot's trace as it looks on a screen: `lowest` and `highest` code int16[columns] of each `column_s` of it.

    `start_s` is the flight time at its beginning; volt = offset_V + code * scale_V.
    """

    run_id: str
    shot: int
    start_s: float
    column_s: float
    lowest: bytes
    highest: bytes
    scale_V: float
    offset_V: float


class ShotEvent(msgspec.Struct, frozen=True):
    """An event of a shot after T0: when it was planned, and as it was programmed and read back; NaN where that is not known."""

    name: str
    planned_s: float
    programmed_s: float


class ShotTimes(msgspec.Struct, frozen=True, tag=True):
    """The time line of the shots of the newest step."""

    run_id: str
    step: int
    events: tuple[ShotEvent, ...]


Published = Reduced | Moments | Trace | ShotTimes
