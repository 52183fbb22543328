"""Run files to moments: all files of a plan reduced together, each of its points analysed for itself."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from daq.analysis.judgement import undecided
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
    """Moments at one point of a plan's scans; `conditions` are its set points, where the plan has several points.

    `reason` says why the point cannot be analysed; its clusters are undecided with it as their note.
    """

    point: int
    conditions: Mapping[str, SetPoint]
    results: Results
    profiles: Profiles
    reason: str = ""

    def document(self) -> dict[str, Any]:
        """Ready for JSON: {"point", "conditions", …} and what the results say."""
        return {"point": self.point, "conditions": dict(self.conditions), **self.results.document()}


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
    """Moments of all clusters at each point of a run, reduced here or by `pool`.  `RunFileError` when no point gives any."""
    try:
        profiles = reduce_run(series, watch, pool)
    except ValueError as error:
        raise RunFileError(f"{series.last.path} cannot be analysed: {error}") from error
    return measured(series.last, profiles)


def measured(run: RunFile, profiles: Profiles) -> list[PointResults]:
    """Moments of all clusters at each point of a run from its profiles.  `RunFileError` when no point gives any."""
    found = [measured_at(run, profiles, point) for point in sorted({sums.step.point for sums in profiles.steps})]
    if all(one.reason for one in found):
        reason = found[0].reason if found else "no shots with beam were recorded"
        raise RunFileError(f"{run.path} cannot be analysed: {reason}")
    return found


def measured_at(run: RunFile, profiles: Profiles, point: int) -> PointResults:
    """Moments of all clusters at one point, or the reason why there are none: the other points may be sound.

    `RunFileError` when the file's plan is none.
    """
    own, conditions = profiles.at_point(point), _conditions(run, point)
    try:
        return PointResults(point, conditions, analyse(own, run.calibrations), own)
    except ValueError as error:
        reason, sizes = str(error), sorted([*(window.size for window in own.windows), *own.outside])
        clusters = tuple(undecided(size, reason) for size in sizes)
        return PointResults(point, conditions, Results(own.element, clusters), own, reason)


def _conditions(run: RunFile, point: int) -> Mapping[str, SetPoint]:
    """What the scans set at a point; nothing for a plan with one point, or a file without its plan."""
    if not run.plan.get("scan"):
        return {}
    try:
        plan = Plan.model_validate(run.plan)
    except ValueError as error:
        raise RunFileError(f"the plan in {run.path} cannot be read: {error}") from error
    scanned = {name for one in plan.scan for name in one.values}
    found = next(one for one in points(plan) if one.index == point)
    return {name: value for name, value in found.set_points.items() if name in scanned}
