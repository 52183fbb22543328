"""Settled means: everything stayed within its band for its hold time; too late is an error that says where a quantity is."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from daq.engine.clock import Clock, Interrupted
from daq.engine.settling import LONGEST_POLL_S, SettlingError, Target, settle
from daq.plan.plan import Settle

HOLD = Settle(within=0.1, hold_s=1.0, at_most_s=60)


class SteppedClock(Clock):
    """Laboratory time that passes only when somebody waits."""

    def __init__(self) -> None:
        super().__init__(speed=1.0)
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, duration_s: float, interrupt: Event) -> bool:
        self.time += duration_s
        return interrupt.is_set()


def readings(*values: float) -> Callable[[], float]:
    def endless() -> Iterator[float]:
        yield from values
        while True:
            yield values[-1]

    return endless().__next__


def test_what_is_there_at_once_costs_nothing() -> None:
    clock = SteppedClock()
    there = Target("x", lambda: 1.0, 1.0, Settle(within=0.1, at_most_s=5))
    assert settle([there], clock, Event()) == [1.0]
    assert clock.time == 0


def test_a_dip_out_of_the_band_starts_the_hold_time_anew() -> None:
    clock = SteppedClock()
    values = readings(3.0, 1.05, 1.2, 1.05, 1.04)
    assert settle([Target("x", values, 1.0, HOLD)], clock, Event()) == [1.04]
    assert 1.0 < clock.time < 1.2


def test_all_are_settled_at_the_same_time() -> None:
    clock = SteppedClock()
    ramp = Target("ramp", lambda: min(clock.time, 10.0), 10.0, Settle(within=0.5, at_most_s=60))
    steady = Target("steady", lambda: 1.0 if clock.time < 3 or clock.time > 12.0 else 2.0, 1.0, HOLD)
    assert settle([ramp, steady], clock, Event()) == [10.0, 1.0]
    assert 13.0 < clock.time < 13.6


def test_what_follows_is_asked_only_when_the_first_is_there() -> None:
    clock, asked = SteppedClock(), []

    def probe() -> float:
        asked.append(clock.time)
        return 1.0

    ramp = Target("ramp", lambda: clock.time, 10.0, Settle(within=0.5, at_most_s=60))
    settle([ramp, Target("probe", probe, 1.0, Settle(within=0.1, at_most_s=60))], clock, Event())
    assert min(asked) > 9.4


def test_waiting_long_asks_less_often() -> None:
    clock, asked = SteppedClock(), []

    def ramp() -> float:
        asked.append(clock.time)
        return clock.time

    settle([Target("x", ramp, 100.0, Settle(within=0.5, at_most_s=200))], clock, Event())
    assert asked[1] - asked[0] < 0.02
    assert asked[-1] - asked[-2] == pytest.approx(LONGEST_POLL_S)


def test_too_late_is_an_error_with_the_last_value() -> None:
    late = Target("x", lambda: 2.0, 1.0, Settle(within=0.1, at_most_s=5))
    with pytest.raises(SettlingError, match=r"x did not settle within 0.1 of 1 in 5 s; it is at 2"):
        settle([late], SteppedClock(), Event())


def test_a_slow_quantity_does_not_make_a_settled_one_late() -> None:
    clock = SteppedClock()
    slow = Target("slow", lambda: clock.time, 30.0, Settle(within=0.5, at_most_s=60))
    quick = Target("quick", lambda: 1.0, 1.0, Settle(within=0.1, at_most_s=5))
    settle([quick, slow], clock, Event())
    assert clock.time > 29


def test_an_interrupt_ends_the_wait() -> None:
    interrupt = Event()
    interrupt.set()
    with pytest.raises(Interrupted):
        settle([Target("x", lambda: 2.0, 1.0, HOLD)], SteppedClock(), interrupt)
