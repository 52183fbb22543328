"""A recorded run whose plan scans the source's temperature, on the simulated beam line."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

from config.laboratory import SHIPPED
from daq.plan.plan import Plan
from simulators.world.beamline import Beamline
from simulators.world.truth import read_truth
from tests.daq.analysis.calibrate.world import FULL_FIELD_A, Point, write_run
from tests.simulators.world.test_beamline import GOOD, timed

VELOCITY_m_s = {25.0: 432.0, 60.0: 577.0}
"""By source temperature in K: points 0 and 1."""
SIZES = 10, 12


def scanned_run(path: Path, too_warm: tuple[int, ...] = (), shots: int = 150) -> Path:
    """Zero and full field at two points; where it is `too_warm`, the source warmed up by 5 K between the two."""
    steps = []
    for point, (source_K, velocity_m_s) in enumerate(VELOCITY_m_s.items()):
        conditions = replace(GOOD, source_temperature_K=source_K, **timed(velocity_m_s))
        warm_K = source_K + (5.0 if point in too_warm else 0.0)
        full = replace(conditions, magnet_current_A=FULL_FIELD_A, source_temperature_K=warm_K)
        steps.append(Point(shots, 0.0, conditions, point, 0.011, velocity_m_s))
        steps.append(Point(shots, 2.4, full, point, 2.4, velocity_m_s))
    return write_run(path, steps, Beamline(read_truth(), 3), SIZES, plan_json=json.dumps(plan()))


def plan() -> dict[str, object]:
    """The shipped one with a scan."""
    shipped = tomllib.loads((SHIPPED / "plans" / "vanadium-25K.toml").read_text())
    values = {"source_temperature_K": list(VELOCITY_m_s), "velocity_m_s": list(VELOCITY_m_s.values())}
    return Plan.model_validate({**shipped, "scan": [{"values": values}]}).model_dump(mode="json")
