"""A plan held against a laboratory, before any instrument is touched: refused with its faults, or ready to run."""

from dataclasses import dataclass

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.engine.forecast import Forecast, forecast
from daq.plan.checking import check_plan, timing_of
from daq.plan.expansion import points
from daq.plan.plan import Plan
from daq.plan.timing import ShotTiming


@dataclass(frozen=True)
class Review:
    """A plan that this laboratory can do: the time line of its first shots, and what it will need."""

    plan: Plan
    timing: ShotTiming
    forecast: Forecast


def review(plan: Plan, laboratory: Laboratory, calibrations: Calibrations) -> Review:
    """Raises `ConfigurationError` with every reason why the laboratory cannot do the plan."""
    check_plan(plan, laboratory, calibrations)
    first = next(points(plan))
    timing = timing_of(plan, first.set_points, laboratory, calibrations)
    return Review(plan, timing, forecast(plan, laboratory, calibrations))
