"""What a run under way, or a recorded one that is replayed, shows of its shots."""

from typing import Any

import msgspec


class Spectrum(msgspec.Struct, frozen=True):
    """Sum of the traces at one set field: `codes` int64[samples] as bytes, `baseline` in sixteenths of a code."""

    field_T: float
    shots: int
    codes: bytes
    baseline: int


class ClusterProfile(msgspec.Struct, frozen=True):
    """Mean signal per shot of one cluster at a set field: float64[bins] as bytes, `errors` from the scatter between shots."""

    size: int
    field_T: float
    shots: int
    time_s: bytes
    values: bytes
    errors: bytes


class Reduced(msgspec.Struct, frozen=True, tag=True):
    """Everything reduced so far; `shots` are those looked at."""

    run_id: str
    shots: int
    spectra: tuple[Spectrum, ...]
    profiles: tuple[ClusterProfile, ...]


class Moments(msgspec.Struct, frozen=True, tag=True):
    """The moments at each point of the plan's scans, as `clusterbeam analyse --json` gives them; why not, if there are none."""

    run_id: str
    points: tuple[dict[str, Any], ...]
    reason: str = ""


Published = Reduced | Moments
