"""Voltages that come down, and such that only seem to."""

from collections.abc import Callable

import pytest

from drivers import coming_down
from drivers.roles import SafeResult


def looked(monkeypatch: pytest.MonkeyPatch, voltage_V: Callable[[float], list[float]], fall_V: float = 3.0) -> SafeResult:
    """What is found of outputs that have these voltages at a time, s; a pause is all that takes time."""
    now_s = 0.0

    class Time:
        @staticmethod
        def monotonic() -> float:
            return now_s

    def pause(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    monkeypatch.setattr(coming_down, "time", Time)
    return coming_down.come_down(lambda: voltage_V(now_s), fall_V, pause)


def test_an_output_that_stays_is_told_however_its_last_digit_dances(monkeypatch: pytest.MonkeyPatch) -> None:
    dance = looked(monkeypatch, lambda now_s: [2000.0 - 0.1 * (round(now_s * 5) % 3), 0.0])
    assert dance == SafeResult(False, "set points zero, but 2000 V stay")


def test_the_slowest_ramp_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked(monkeypatch, lambda now_s: [2000.0 - now_s, 300.0 - now_s]) == SafeResult(
        True, "ramping to zero, 1997 V left"
    )


def test_every_output_has_to_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not looked(monkeypatch, lambda now_s: [2000.0 - 50 * now_s, 21.0]).confirmed
    assert looked(monkeypatch, lambda now_s: [2000.0 - 50 * now_s, 19.0]).confirmed


def test_no_voltage_needs_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked(monkeypatch, lambda now_s: [20.0, 0.0]) == SafeResult(True, "no voltage")
