"""What a run knows of its points while it goes on: shots taken, errors reached, time left."""

from collections.abc import Callable
from typing import Protocol

from daq.engine.clock import Clock
from daq.plan.plan import Plan
from daq.plan.sharing import Known
from daq.record.blocks import ShotBlock, Step


class Estimate(Protocol):
    """Running errors of the moments, made from the blocks of a run."""

    def __call__(self, step: Step, block: ShotBlock) -> None:
        """Add a block."""

    def error_uB(self, point: int) -> float | None:
        """The largest statistical standard error of the moments asked for at one point; None while they cannot be told."""


class Learned:
    """The knowledge that a plan's expansion asks for.  `catch_up` waits until the estimate has seen every block."""

    def __init__(self, plan: Plan, clock: Clock, estimate: Estimate | None, catch_up: Callable[[], None]) -> None:
        self._plan, self._clock, self._estimate, self._catch_up = plan, clock, estimate, catch_up
        self._shots: dict[int, int] = {}
        self._taken = 0
        self._started_s = clock.now()

    def took(self, point: int, background: bool, shots: int) -> None:
        """Shots were recorded at a point."""
        self._taken += shots
        if not background:
            self._shots[point] = self._shots.get(point, 0) + shots

    def of(self, point: int) -> Known | None:
        target_uB = self._plan.stop.standard_error_uB
        if self._estimate is None or target_uB is None or not self._shots.get(point):
            return None
        self._catch_up()
        error_uB = self._estimate.error_uB(point)
        return None if error_uB is None else Known(self._shots[point], error_uB / target_uB)

    def budget(self) -> float | None:
        """Shots left by number, and by time at the pace so far, ramps and settling included."""
        limits = [] if self._plan.stop.shots is None else [float(self._plan.stop.shots - self._taken)]
        if self._plan.stop.time_s is not None:
            used_s = self._clock.now() - self._started_s
            pace = self._taken / used_s if self._taken and used_s > 0 else self._plan.acquisition.rate_Hz
            limits.append((self._plan.stop.time_s - used_s) * pace)
        return max(0.0, min(limits)) if limits else None

    @property
    def out_of_time(self) -> bool:
        """Whether the plan's time is over."""
        limit_s = self._plan.stop.time_s
        return limit_s is not None and self._clock.now() - self._started_s >= limit_s
