"""From a plan to what the engine does, lazily: points, the steps at each point, the bursts of each step."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Protocol

from daq.plan.plan import CONDITIONS, Background, Plan, Scan, SetPoint, field_order
from daq.plan.sharing import Known, allot


@dataclass(frozen=True)
class Point:
    """One combination of set points; `index` is its place in the grid of the scans, however it is ordered in time."""

    index: int
    set_points: Mapping[str, SetPoint]


@dataclass(frozen=True)
class PlannedStep:
    """Set points to reach before `shots` shots are taken in bursts; the plan's shots are numbered on from `first`."""

    index: int
    round: int
    point: int
    cycle: int
    set_points: Mapping[str, SetPoint]
    first: int
    shots: int
    background: Background | None = None

    @property
    def field_T(self) -> float:
        return float(self.set_points["field_T"])

    @property
    def source_temperature_K(self) -> float:
        return float(self.set_points["source_temperature_K"])

    @property
    def helium_pressure_bar(self) -> float:
        return float(self.set_points["helium_pressure_bar"])

    @property
    def velocity_m_s(self) -> float:
        return float(self.set_points["velocity_m_s"])


def bursts(shots: int, shots_per_burst: int) -> Iterator[int]:
    """Sizes of the bursts that make up so many shots; the last may be shorter."""
    for first in range(0, shots, shots_per_burst):
        yield min(shots_per_burst, shots - first)


def points(plan: Plan) -> Iterator[Point]:
    """All points once, in the order of the scans."""
    common = {name: getattr(plan.conditions, name) for name in CONDITIONS} | plan.set
    for index, values in _grid(plan.scan, _Passes()):
        yield Point(index, common | values)


class _Passes:
    """Counts how often each scan was begun: what its order depends on."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    def order(self, level: int, scan: Scan) -> Sequence[int]:
        number = self._begun.get(level, 0)
        self._begun[level] = number + 1
        if scan.shuffle_seed is not None:
            order = list(range(len(scan)))
            random.Random(f"{scan.shuffle_seed} {number}").shuffle(order)
            return order
        return range(len(scan))[:: -1 if scan.back_and_forth and number % 2 else 1]


def _grid(scans: Sequence[Scan], passes: _Passes, level: int = 0) -> Iterator[tuple[int, dict[str, SetPoint]]]:
    if level == len(scans):
        yield 0, {}
        return
    inner = 1
    for one in scans[level + 1 :]:
        inner *= len(one)
    for place in passes.order(level, scans[level]):
        values = {name: listed[place] for name, listed in scans[level].values.items()}
        for index, others in _grid(scans, passes, level + 1):
            yield place * inner + index, values | others


class Knowledge(Protocol):
    """What a run has learned so far."""

    def of(self, point: int) -> Known | None:
        """Shots of a point and how far its error is from the target; None while nothing is known."""

    def budget(self) -> float | None:
        """Shots that remain in all, as far as the plan limits shots or time."""


class NothingKnown:
    """Before a run."""

    def of(self, point: int) -> Known | None:
        return None

    def budget(self) -> float | None:
        return None


@dataclass(frozen=True)
class _Cycle:
    round: int
    point: Point
    number: int
    shots: int


Taken = Mapping[tuple[int, int, int], int]
"""Shots per group of the cycles that an interrupted run began, by round, point and cycle."""


def steps(plan: Plan, knowledge: Knowledge = NothingKnown(), taken: Taken = {}) -> Iterator[PlannedStep]:  # noqa: B006, B008
    """All steps in order.  With a target standard error `knowledge` is asked before each further cycle of a point; while
    nothing is known, the whole of the plan's cycles are taken.  What an interrupted run decided, stands in `taken`."""
    index = first = 0
    for cycle in _cycles(plan, _Decisions(plan, knowledge, taken)):
        for step in _groups(plan, cycle):
            left = step.shots if plan.stop.shots is None else min(step.shots, plan.stop.shots - first)
            if left <= 0:
                return
            yield replace(step, index=index, first=first, shots=left)
            index, first = index + 1, first + left


def _groups(plan: Plan, cycle: _Cycle) -> Iterator[PlannedStep]:
    order = field_order(plan.interleave)
    base = cycle.point.set_points
    at = [base if field_T is None else {**base, "field_T": field_T} for field_T in order]
    place = (0, cycle.round, cycle.point.index, cycle.number)
    if plan.background is not None and cycle.number % plan.background.every_cycles == 0:
        for kind in plan.background.kinds:
            yield PlannedStep(*place, at[0], 0, plan.background.shots, kind)
    for set_points in at:
        yield PlannedStep(*place, set_points, 0, cycle.shots)


class _Decisions:
    """How many shots each group of a point's next cycle gets."""

    def __init__(self, plan: Plan, knowledge: Knowledge, taken: Taken) -> None:
        self._plan, self._knowledge, self._taken = plan, knowledge, taken

    def whole(self, place: tuple[int, int, int]) -> int:
        return self._taken.get(place, self._plan.interleave.shots_per_group)

    def next(self, place: tuple[int, int, int], points_left: Sequence[int], budget: bool) -> int:
        """Shots of each group, 0 if the point is done; it competes with `points_left`, of which it is the first."""
        if place in self._taken:
            return self._taken[place]
        known = [self._knowledge.of(point) for point in points_left]
        more = allot(known, self._knowledge.budget() if budget else None)[0]
        whole = self._plan.interleave.shots_per_group
        return whole if more is None else min(whole, ceil(more / len(field_order(self._plan.interleave))))


def _cycles(plan: Plan, decisions: _Decisions) -> Iterator[_Cycle]:
    limited = plan.stop.shots is not None or plan.stop.time_s is not None
    for number in range(plan.repeat):
        if plan.stop.standard_error_uB is None:
            for point in points(plan):
                for cycle in range(plan.interleave.cycles):
                    yield _Cycle(number, point, cycle, plan.interleave.shots_per_group)
        elif limited:
            yield from _shared(plan, number, decisions)
        else:
            for point in points(plan):
                yield from _until_known(plan, _Cycle(number, point, 0, 0), 0, [point.index], decisions)


def _until_known(
    plan: Plan, start: _Cycle, first: int, points_left: Sequence[int], decisions: _Decisions, budget: bool = False
) -> Iterator[_Cycle]:
    """Cycles of one point from number `first` on, until its error is small enough or all are used."""
    for cycle in range(first, plan.interleave.cycles):
        place = (start.round, start.point.index, cycle)
        least = cycle < plan.stop.least_cycles
        shots = decisions.whole(place) if least else decisions.next(place, points_left, budget)
        if not shots:
            return
        yield _Cycle(start.round, start.point, cycle, shots)


def _shared(plan: Plan, number: int, decisions: _Decisions) -> Iterator[_Cycle]:
    """A first look at every point; then each gets what makes the largest error smallest."""
    least = min(plan.stop.least_cycles, plan.interleave.cycles)
    everything = list(points(plan))
    for point in everything:
        for cycle in range(least):
            yield _Cycle(number, point, cycle, decisions.whole((number, point.index, cycle)))
    for place, point in enumerate(everything):
        left = [other.index for other in everything[place:]]
        yield from _until_known(plan, _Cycle(number, point, least, 0), least, left, decisions, budget=True)
