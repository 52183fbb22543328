"""The unit of data everywhere after the digitizer: a block of shots from one burst, and the axis of its traces."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TraceAxis:
    """Sample i of a trace lies `start_s + i * interval_s` after the digitizer's trigger (programmed ionisation time);
    volt = offset_V[channel] + code * scale_V[channel].

    From `highest_code[channel]` on a sample may be clipped; from the highest that there is where nothing is said.
    """

    start_s: float
    interval_s: float
    samples: int
    scale_V: tuple[float, ...]
    offset_V: tuple[float, ...]
    highest_code: tuple[int, ...] = ()


@dataclass(frozen=True)
class ShotBlock:
    """Recorded shots of one burst, in order.  Lost shots have no row here; their numbers are missing from `numbers`.

    `numbers` int64[shots] counts all fired shots of the run from 0; `time_tags_s` float64[shots] from the digitizer,
    relative to the burst's first segment; `traces` int16[shots, channels, samples], ADC codes, MCP pulses positive, which
    nobody may change: the writer reads them where they lie.  `planned` is the number in the plan of the first; the others
    follow on.
    """

    step: int
    burst: int
    numbers: NDArray[np.int64]
    time_tags_s: NDArray[np.float64]
    traces: NDArray[np.int16]
    planned: int = 0


@dataclass(frozen=True)
class Step:
    """The conditions of one step, as set and as read back when it had settled.

    `point` is its place in the grid of the plan's scans; steps of one point differ in field and in time.  `background` says
    what kept the beam away, and is empty for shots with beam.  `others` are the read-backs of further set points, by name.
    `started_s` is the laboratory time of its beginning, from that of the run.
    """

    index: int
    field_set_T: float
    field_T: float
    source_temperature_K: float
    helium_pressure_bar: float
    velocity_m_s: float
    point: int = 0
    background: str = ""
    others: Mapping[str, float] = field(default_factory=dict)
    started_s: float = 0.0
