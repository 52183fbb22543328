"""Runs of plans on the simulated beam line, without instruments or an engine between."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from config.calibration import Calibrations
from config.model import read_model
from daq.plan.expansion import steps
from daq.plan.plan import read_plan
from daq.reproduce.parts import Part
from simulators.world.beamline import Beamline
from simulators.world.truth import read_truth
from tests.daq.analysis.calibrate.world import FULL_FIELD_A, Point, write_run
from tests.simulators.world.test_beamline import GOOD, timed


@dataclass
class Taker:
    """Takes parts, remembers which, and fails in those that are `broken`."""

    broken: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)

    def __call__(self, part: Part, plan_file: Path, calibrations_file: Path, directory: Path) -> Path:
        self.taken.append(part.name)
        if part.name in self.broken:
            raise RuntimeError("the laser is\nbroken")
        plan = read_plan(plan_file)
        directory.mkdir(parents=True, exist_ok=True)
        beamline = Beamline(read_truth(), len(self.taken), plan.element)
        points = []
        for step in steps(plan):
            current_A = FULL_FIELD_A if step.field_T else 0.0
            conditions = replace(GOOD, magnet_current_A=current_A, **timed(step.velocity_m_s))
            points.append(Point(step.shots, step.field_T, conditions, step.point, 2.4 if step.field_T else 0.011))
        return write_run(
            directory / f"{part.name}-{len(self.taken)}.h5",
            points,
            beamline,
            plan.sizes,
            plan.acquisition.samples,
            plan_json=plan.model_dump_json(),
            calibrations_json=read_model(calibrations_file, Calibrations).model_dump_json(),
        )
