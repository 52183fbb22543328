"""Run files whose shots come from the simulated beam line, without instruments or an engine between."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np

from daq.record.blocks import ShotBlock
from daq.record.layout import FiredSource
from daq.record.messages import Armed, Channel, Fired, NewStep
from daq.record.recorder import Recorder
from simulators.world.beamline import Beamline
from simulators.world.conditions import Capture, ShotConditions
from tests.daq.record.test_recording import header
from tests.simulators.world.test_beamline import GOOD

INTERVAL_s, VOLTS_PER_CODE = 2e-9, 0.4 / 65536
FULL_FIELD_A = 201.5


@dataclass(frozen=True)
class Point:
    """One step of a run: what the beam line does, and what the file says of it."""

    shots: int
    field_set_T: float = 0.0
    conditions: ShotConditions = GOOD
    point: int = 0
    field_T: float = 0.0
    velocity_m_s: float = 432.0
    set_points: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def write_run(
    path: Path,
    points: Iterable[Point],
    beamline: Beamline,
    sizes: tuple[int, int] = (2, 33),
    samples: int = 45_000,
    **said: str,
) -> Path:
    """A finished run with a step and a burst for each point; `said` replaces texts of the file's header."""
    capture = Capture(1, samples, INTERVAL_s, 0.0, VOLTS_PER_CODE, 0.15)
    chosen = list(points)
    laboratory = json.loads(header(path).laboratory_json)
    laboratory["instruments"]["stage"] = {"role": "stage", "driver": "newport_esp301"}
    create = msgspec.structs.replace(
        header(path), element=beamline.element, sizes=sizes, samples=samples, interval_s=INTERVAL_s,
        laboratory_json=json.dumps(laboratory), set_points=tuple(Channel(name, "") for name in chosen[0].set_points),
        slot_bytes=2 * samples * max(point.shots for point in chosen), **said,
    )  # fmt: skip
    first = 0
    with Recorder(create) as recorder:
        for burst, one in enumerate(chosen):
            source_K = one.conditions.source_temperature_K
            step = NewStep(burst, first / 20, one.field_set_T, one.field_T, source_K, 6.0, one.velocity_m_s)
            extra = {"point": one.point, "planned_first": first, "shots": one.shots, "set_points": dict(one.set_points)}
            recorder.tell(msgspec.structs.replace(step, **extra))
            numbers = np.arange(first, first + one.shots)
            shots = [replace(one.conditions, t0_s=number / 20) for number in numbers.tolist()]
            traces = beamline.expose(shots, numbers, capture)[:, None, :]
            recorder.arm(Armed(burst, burst, first, one.shots, float(first)))
            recorder.record(ShotBlock(burst, burst, numbers, np.arange(one.shots) * 0.05, traces, first))
            recorder.tell(Fired(burst, one.shots, int(FiredSource.TIME_TAGS), (), ()))
            first += one.shots
        recorder.finish("complete", "done")
    return path
