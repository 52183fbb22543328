"""Laboratory time, and who is told until when a run has to be done."""

from threading import Event

import pytest

from daq.engine.clock import SLACK_S, Clock


def test_a_wait_tells_its_deadline_in_wall_time() -> None:
    told: list[tuple[float, str]] = []
    clock = Clock(100.0, lambda within_s, doing: told.append((within_s, doing)))
    assert not clock.wait(1.0, Event())
    assert told == [(0.01 + SLACK_S, "")]


def test_an_interrupt_ends_a_wait() -> None:
    interrupt = Event()
    interrupt.set()
    assert Clock(1.0).wait(1e6, interrupt)


@pytest.mark.parametrize("duration_s", [0.0, -1.0])
def test_what_is_over_already_is_not_waited_for(duration_s: float) -> None:
    told: list[float] = []
    assert not Clock(1.0, lambda within_s, doing: told.append(within_s)).wait(duration_s, Event())
    assert told == [SLACK_S]


def test_what_takes_long_is_said_before_it_begins() -> None:
    told: list[tuple[float, str]] = []
    Clock(20.0, lambda within_s, doing: told.append((within_s, doing))).expect(150.0, "ramping")
    assert told == [(150.0 + SLACK_S, "ramping")]


def test_two_clocks_tell_the_same_moment() -> None:
    first, second = Clock(20.0), Clock(20.0)
    second._start = first._start + 3.0
    assert second.since(first) == pytest.approx(60.0)
    assert first.since(first) == 0.0
