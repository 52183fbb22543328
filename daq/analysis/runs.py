"""Run files to moments: all files of a plan reduced together, each of its points analysed for itself."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from daq.analysis.moments import analyse
from daq.analysis.parallel import reduce_on
from daq.analysis.results import Results
from daq.plan.expansion import points
from daq.plan.plan import Plan, SetPoint
from daq.record.run_file import RunFile, RunFileError
from daq.record.series import Series
from daq.reduce import Profiles
from daq.reduce.reduction import Reduction


@dataclass(frozen=True)
class PointResults:
    """Moments at one point of a plan's scans; `conditions` are its set points, where the plan has several points."""

    point: int
    conditions: Mapping[str, SetPoint]
    results: Results
    profiles: Profiles


def reduce_run(series: Series, watch: Callable[[int], None] = lambda shots: None, pool: Executor | None = None) -> Profiles:
    """All good shots with beam of a run and what it continues as profiles; `watch` is told the shots done so far."""
    if pool is not None:
        return reduce_on(pool, series, watch)
    reduction = Reduction(series.last)
    for part in series.parts:
        for shots in reduction.update(part):
            watch(shots)
    return reduction.profiles()


def analyse_run(
    series: Series, watch: Callable[[int], None] = lambda shots: None, pool: Executor | None = None
) -> list[PointResults]:
    """Moments of all clusters at each point of a run, reduced here or by `pool`.  `RunFileError` when it can give none."""
    try:
        return measured(series.last, reduce_run(series, watch, pool))
    except ValueError as error:
        raise RunFileError(f"{series.last.path} cannot be analysed: {error}") from error


def measured(run: RunFile, profiles: Profiles) -> list[PointResults]:
    """Moments of all clusters at each point of a run from its profiles.  `RunFileError` when they cannot give any."""
    try:
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
