"""Run files to moments: all files of a plan reduced together, each of its points analysed for itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from daq.analysis.moments import analyse
from daq.analysis.results import Results
from daq.plan.expansion import points
from daq.plan.plan import Plan, SetPoint
from daq.record.run_file import RunFileError
from daq.record.series import Series
from daq.reduce import Profiles, Reducer


@dataclass(frozen=True)
class PointResults:
    """Moments at one point of a plan's scans; `conditions` are its set points, where the plan has several points."""

    point: int
    conditions: Mapping[str, SetPoint]
    results: Results
    profiles: Profiles


def reduce_run(series: Series, watch: Callable[[int], None] = lambda shots: None) -> Profiles:
    """All good shots with beam of a run and what it continues as profiles; `watch` is told the shots done so far."""
    run = series.last
    first, last = run.sizes
    reducer = Reducer(run.axis, run.element, range(first, last + 1), run.calibrations)
    done = rows = 0
    for part in series.parts:
        if part.axis != run.axis:
            raise ValueError(f"{part.path.name} was recorded with another time axis or scale")
        for block in part.blocks(good=True):
            step = part.steps[block.step]
            if not step.background:
                reducer.add(replace(step, index=rows + step.index), replace(block, step=rows + block.step))
            done += len(block.numbers)
            watch(done)
        rows += len(part.steps)
    return reducer.profiles()


def analyse_run(series: Series, watch: Callable[[int], None] = lambda shots: None) -> list[PointResults]:
    """Moments of all clusters at each point of a run.  `RunFileError` when the run cannot give any."""
    run = series.last
    try:
        profiles = reduce_run(series, watch)
        found = []
        for point in sorted({sums.step.point for sums in profiles.steps}):
            own = profiles.at_point(point)
            found.append(PointResults(point, _conditions(run.plan, point), analyse(own, run.calibrations), own))
        if not found:
            raise ValueError("no shots with beam were recorded")
        return found
    except ValueError as error:
        raise RunFileError(f"{run.path} cannot be analysed: {error}") from error


def _conditions(recorded: Mapping[str, Any], point: int) -> Mapping[str, SetPoint]:
    """What the scans set at a point; nothing for a plan with one point, or a file without its plan."""
    if not recorded.get("scan"):
        return {}
    plan = Plan.model_validate(recorded)
    scanned = {name for one in plan.scan for name in one.values}
    found = next(one for one in points(plan) if one.index == point)
    return {name: value for name, value in found.set_points.items() if name in scanned}
