"""Settled means: stayed within the band for the hold time; too late is an error that says where the quantity is."""

from collections.abc import Iterator
from threading import Event

import pytest

from daq.engine.clock import Clock
from daq.engine.settling import POLL_S, SettlingError, settle
from daq.plan.plan import Settle


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


def readings(*values: float) -> Iterator[float]:
    yield from values
    while True:
        yield values[-1]


def test_a_dip_out_of_the_band_starts_the_hold_time_anew() -> None:
    clock, values = SteppedClock(), readings(3.0, 1.05, 1.2, 1.05, 1.04)
    value = settle("x", values.__next__, 1.0, Settle(within=0.1, hold_s=1.0, at_most_s=60), clock, Event())
    assert value == 1.04
    assert clock.time == pytest.approx(3 * POLL_S + 1.0)


def test_too_late_is_an_error_with_the_last_value() -> None:
    with pytest.raises(SettlingError, match=r"x did not settle within 0.1 of 1 in 5 s; it is at 2"):
        settle("x", lambda: 2.0, 1.0, Settle(within=0.1, at_most_s=5), SteppedClock(), Event())


def test_an_interrupt_ends_the_wait() -> None:
    interrupt = Event()
    interrupt.set()
    assert settle("x", lambda: 2.0, 1.0, Settle(within=0.1, at_most_s=5), SteppedClock(), interrupt) == 2.0
