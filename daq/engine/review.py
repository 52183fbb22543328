"""A plan held against a laboratory, before any instrument is touched: refused with its faults, or ready to run."""

from dataclasses import dataclass

from config.calibration import Calibrations
from config.errors import ConfigurationError
from config.laboratory import Laboratory
from daq.engine.forecast import Forecast, forecast
from daq.plan.plan import Plan, check_against
from daq.plan.timing import ShotTiming, compile_timing


@dataclass(frozen=True)
class Review:
    """A plan that this laboratory can do: the time line of its shots, and what it will need."""

    plan: Plan
    timing: ShotTiming
    forecast: Forecast


def review(plan: Plan, laboratory: Laboratory, calibrations: Calibrations) -> Review:
    """Raises `ConfigurationError` when the laboratory cannot do the plan."""
    check_against(plan, laboratory)
    velocity_m_s, rate_Hz = plan.conditions.velocity_m_s, plan.acquisition.rate_Hz
    try:
        timing = compile_timing(laboratory.timing, calibrations.velocity, velocity_m_s, rate_Hz)
        return Review(plan, timing, forecast(plan, laboratory, calibrations))
    except ConfigurationError:
        raise
    except ValueError as error:
        # A conversion was asked for what its calibration does not cover.
        raise ConfigurationError(f"plan {plan.title!r}: {error}") from None
