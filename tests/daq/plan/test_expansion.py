"""What plans expand to: a table of named cases, and what holds for all."""

import tracemalloc
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import check_model
from daq.plan.expansion import bursts, points, steps
from daq.plan.plan import Plan
from daq.plan.sharing import Known

A, B = 0.0, 2.4
CHOPPER, ABLATION = "chopper closed", "ablation blocked"


def plan(**sections: Any) -> Plan:
    table = {
        "title": "t",
        "element": "V",
        "sizes": [2, 33],
        "conditions": {"source_temperature_K": 25.0, "helium_pressure_bar": 6.0, "velocity_m_s": 432.0},
        "interleave": {"field_T": [A, B], "shots_per_group": 10},
    }
    return check_model(table | sections, Plan, "plan")


def interleave(**keys: Any) -> dict[str, Any]:
    return {"shots_per_group": 10, **keys}


def scan(name: str, *values: float, **keys: Any) -> dict[str, Any]:
    return {"values": {name: list(values)}, **keys}


DARK = [(0, A, CHOPPER), (0, A, ABLATION)]
ABBA = [(0, A), (0, B), (0, B), (0, A)]
CASES: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]]]] = {
    "one field": ({"interleave": interleave(field_T=[B], cycles=3)}, [(0, B), (0, B), (0, B)]),
    "ABBA": ({}, ABBA),
    "ABBA twice": ({"interleave": interleave(field_T=[A, B], cycles=2)}, [*ABBA, *ABBA]),
    "ABAB": ({"interleave": interleave(field_T=[A, B], order="ABAB")}, [(0, A), (0, B), (0, A), (0, B)]),
    "three fields": (
        {"interleave": interleave(field_T=[A, 1.0, B])},
        [(0, A), (0, 1.0), (0, B), (0, B), (0, 1.0), (0, A)],
    ),
    "a list": ({"scan": [scan("field_T", B, A, 1.0)], "interleave": interleave()}, [(0, B), (1, A), (2, 1.0)]),
    "a range": (
        {"scan": [{"values": {"field_T": {"first": 0.0, "last": 2.0, "count": 3}}}], "interleave": interleave()},
        [(0, 0.0), (1, 1.0), (2, 2.0)],
    ),
    "back and forth": (
        {
            "scan": [scan("velocity_m_s", 400.0, 500.0), scan("field_T", A, B, back_and_forth=True)],
            "interleave": interleave(),
        },
        [(0, A), (1, B), (3, B), (2, A)],
    ),
    "repeated": ({"scan": [scan("field_T", A, B)], "interleave": interleave(), "repeat": 2}, [(0, A), (1, B), (0, A), (1, B)]),
    "background": (
        {
            "interleave": interleave(field_T=[A, B], cycles=3),
            "background": {"kinds": [CHOPPER, ABLATION], "shots": 4, "every_cycles": 2},
        },
        [*DARK, *ABBA, *ABBA, *DARK, *ABBA],
    ),
    "a limit of shots": ({"stop": {"shots": 25}}, [(0, A), (0, B), (0, B)]),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    sections, expected = CASES[name]
    wanted = plan(**sections)
    found = list(steps(wanted))
    assert [(step.point, step.field_T, *([step.background] if step.background else [])) for step in found] == expected
    assert [step.index for step in found] == list(range(len(found)))
    assert sum(step.shots for step in found) == wanted.shots
    assert [step.first for step in found] == [sum(one.shots for one in found[:place]) for place in range(len(found))]


def test_a_zip_advances_together_and_a_grid_spans_everything() -> None:
    together = {"values": {"source_temperature_K": [25.0, 40.0], "velocity_m_s": [432.0, 499.0]}}
    wanted = plan(scan=[together, scan("helium_pressure_bar", 2.0, 6.0)])
    found = [tuple(point.set_points[name] for name in wanted.names()) for point in points(wanted)]
    assert wanted.names() == ("source_temperature_K", "helium_pressure_bar", "velocity_m_s", "field_T")
    assert found == [(25.0, 2.0, 432.0, 0.0), (25.0, 6.0, 432.0, 0.0), (40.0, 2.0, 499.0, 0.0), (40.0, 6.0, 499.0, 0.0)]
    assert wanted.points == 4


@given(seed=st.integers(), length=st.integers(1, 20), passes=st.integers(1, 3))
def test_a_shuffle_takes_everything_once_in_every_pass_and_repeats_with_its_seed(seed: int, length: int, passes: int) -> None:
    values = [float(value) for value in range(1, length + 1)]
    wanted = plan(scan=[scan("helium_pressure_bar", *range(1, passes + 1)), scan("velocity_m_s", *values, shuffle_seed=seed)])
    order = [point.set_points["velocity_m_s"] for point in points(wanted)]
    for number in range(passes):
        assert sorted(order[number * length : (number + 1) * length]) == values
    assert order == [point.set_points["velocity_m_s"] for point in points(wanted)]
    by_index = {point.index: point.set_points["velocity_m_s"] for point in points(wanted)}
    assert [by_index[index] for index in range(length)] == values


@given(shots=st.integers(1, 5000), burst=st.integers(1, 600))
def test_bursts_make_up_the_step(shots: int, burst: int) -> None:
    sizes = list(bursts(shots, burst))
    assert sum(sizes) == shots
    assert all(size == burst for size in sizes[:-1])
    assert 0 < sizes[-1] <= burst


def test_a_million_shots_expand_in_little_memory() -> None:
    many = {"values": {"velocity_m_s": {"first": 400.0, "last": 450.0, "count": 250_000}}}
    wanted = plan(scan=[many], interleave={"field_T": [A, B], "shots_per_group": 1})
    assert wanted.shots == 1_000_000
    tracemalloc.start()
    try:
        for _ in islice(steps(wanted), 1000):
            pass
        start = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in islice(steps(wanted), 20_000):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - start < 100_000


class Experience:
    """A machine whose error at a point falls as 1/√shots from `one` at one shot."""

    def __init__(self, one: dict[int, float], limit: float | None = None) -> None:
        self.one, self.limit = one, limit
        self.shots = dict.fromkeys(one, 0)

    def of(self, point: int) -> Known | None:
        return Known(self.shots[point], self.one[point] / self.shots[point] ** 0.5) if self.shots[point] else None

    def budget(self) -> float | None:
        return None if self.limit is None else self.limit - sum(self.shots.values())

    def take(self, wanted: Plan) -> Iterator[tuple[int, int]]:
        for step in steps(wanted, self):
            self.shots[step.point] += step.shots
            yield step.point, step.shots


TARGET = {"standard_error_uB": 0.1, "clusters": [11]}
FOUR = scan("source_temperature_K", 25.0, 40.0, 60.0, 100.0)


def test_a_point_is_done_when_its_error_is_small_enough() -> None:
    machine = Experience({0: 30.0, 1: 60.0, 2: 90.0, 3: 10.0})
    wanted = plan(scan=[FOUR], interleave=interleave(field_T=[A, B], shots_per_group=50, cycles=1000), stop=TARGET)
    list(machine.take(wanted))
    for point, one in machine.one.items():
        assert one**2 <= machine.shots[point] <= max(1.05 * one**2, 200)


def test_what_is_limited_is_shared_so_that_all_errors_become_equal() -> None:
    machine = Experience({0: 30.0, 1: 60.0, 2: 90.0, 3: 10.0}, limit=2000)
    target = TARGET | {"shots": 2000, "standard_error_uB": 0.0001}
    list(machine.take(plan(scan=[FOUR], interleave=interleave(field_T=[A, B], cycles=1000), stop=target)))
    assert sum(machine.shots.values()) <= 2000
    errors = [one / machine.shots[point] ** 0.5 for point, one in machine.one.items() if point != 3]
    assert max(errors) < 1.1 * min(errors)
    assert machine.shots[3] == 40


def test_what_an_interrupted_run_decided_stands() -> None:
    whole = Experience({0: 30.0, 1: 60.0})
    wanted = plan(
        scan=[scan("velocity_m_s", 400.0, 500.0)],
        interleave=interleave(field_T=[A, B], shots_per_group=50, cycles=1000),
        stop=TARGET,
    )
    all_steps = []
    for step in steps(wanted, whole):
        whole.shots[step.point] += step.shots
        all_steps.append(step)
    begun = all_steps[: len(all_steps) // 2]
    again = Experience(whole.one)
    for step in begun:
        again.shots[step.point] += step.shots
    taken = {(step.round, step.point, step.cycle): step.shots for step in begun}
    # Only what comes after the steps already taken adds to the experience.
    resumed = []
    for step in steps(wanted, again, taken):
        if step.index >= len(begun):
            again.shots[step.point] += step.shots
        resumed.append(step)
    assert resumed == all_steps
