"""The emergency stop: once for all who ask while it goes on, and nothing goes on before it is reset."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any, cast

import pytest

from config.laboratory import read_laboratory
from daq.safety.emergency import Emergency
from daq.safety.safe_order import Outcome
from drivers.errors import LinkTimeout
from drivers.roles import SafeResult

LABORATORY, _ = read_laboratory()
LONG_S = 20.0
NOTHING: Callable[[], None] = lambda: None  # noqa: E731


class Unit:
    """An instrument that counts how often it is made safe; waits before, and fails, if told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.may, self.dead, self.confirms = Event(), False, True
        self.may.set()

    def make_safe(self) -> SafeResult:
        self.asked += 1
        assert self.may.wait(LONG_S)
        if self.dead:
            raise LinkTimeout("it", "no reply in time, nothing came")
        return SafeResult(self.confirms, "safe")

    def ramp_to_zero_and_off(self) -> None:
        pass


class Counted:
    """A lock that tells how often it was let go."""

    def __init__(self, lock: Any) -> None:
        self._lock, self.left = lock, Semaphore(0)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        self.left.release()


@pytest.fixture
def units() -> dict[str, Unit]:
    return {name: Unit() for name in LABORATORY.instruments}


@pytest.fixture
def emergency(units: dict[str, Unit]) -> Emergency:
    return Emergency(LABORATORY, cast(Any, units))


def test_everything_is_made_safe_and_it_holds_until_it_is_reset(emergency: Emergency, units: dict[str, Unit]) -> None:
    told: list[Outcome] = []
    assert not emergency.active
    outcomes = emergency.stop("Ada", NOTHING, told.append)
    assert all(one.confirmed for one in outcomes)
    assert {one.instrument for one in outcomes} == {one.instrument for one in told} == set(emergency.outcomes)
    assert (emergency.active, emergency.by, emergency.done) == (True, "Ada", True)
    emergency.reset()
    assert not emergency.active


def test_a_second_stop_during_the_first_has_its_outcomes(emergency: Emergency, units: dict[str, Unit]) -> None:
    laser = units["ablation_laser"]
    laser.may.clear()
    lock = emergency._lock = cast(Any, Counted(emergency._lock))
    with ThreadPoolExecutor(2) as pool:
        stops = [pool.submit(emergency.stop, by, NOTHING) for by in ("Ada", "Bo")]
        for _ in stops:
            assert lock.left.acquire(timeout=LONG_S)
        assert not emergency.done
        emergency.reset()
        assert emergency.active, "what goes on is not reset"
        laser.may.set()
        first, second = (stop.result(LONG_S) for stop in stops)
    assert first is second
    assert laser.asked == 1
    assert emergency.by in ("Ada", "Bo")


def test_a_stop_after_the_first_is_done_anew(emergency: Emergency, units: dict[str, Unit]) -> None:
    emergency.stop("Ada", NOTHING)
    units["helium"].dead = True
    outcomes = {one.instrument: one for one in emergency.stop("Bo", NOTHING)}
    assert not outcomes["helium"].confirmed
    assert not emergency.outcomes["helium"].confirmed
    assert emergency.by == "Bo"
    assert units["magnet"].asked == 2


def test_it_is_confirmed_when_the_triggers_are_off_and_not_only_when_all_is_done(
    emergency: Emergency, units: dict[str, Unit]
) -> None:
    laser, off = units["ionisation_laser"], Event()
    laser.may.clear()
    with ThreadPoolExecutor(1) as pool:
        stop = pool.submit(emergency.stop, "Ada", off.set)
        assert off.wait(LONG_S)
        assert not stop.done()
        assert "ionisation_laser" not in emergency.outcomes
        laser.may.set()
        stop.result(LONG_S)


def test_who_comes_second_is_told_of_the_triggers_too(emergency: Emergency, units: dict[str, Unit]) -> None:
    """One comes while the delay generator is asked, the other when it has confirmed; the guard waits for both."""
    generator, laser = units["delay_generator"], units["ionisation_laser"]
    generator.may.clear()
    laser.may.clear()
    lock = emergency._lock = cast(Any, Counted(emergency._lock))
    told = [Event() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        stops = [pool.submit(emergency.stop, by, event.set) for by, event in zip(("Ada", "Bo"), told, strict=False)]
        for _ in stops:
            assert lock.left.acquire(timeout=LONG_S)
        assert not any(event.is_set() for event in told)
        generator.may.set()
        assert all(event.wait(LONG_S) for event in told[:2])
        stops.append(pool.submit(emergency.stop, "Cy", told[2].set))
        assert told[2].wait(LONG_S)
        assert not emergency.done
        laser.may.set()
        outcomes = [stop.result(LONG_S) for stop in stops]
    assert outcomes[0] is outcomes[1] is outcomes[2]
    assert generator.asked == 1


@pytest.mark.parametrize("how", ["dead", "not confirmed"])
def test_triggers_that_are_not_off_by_read_back_confirm_nothing(emergency: Emergency, units: dict[str, Unit], how: str) -> None:
    units["delay_generator"].dead, units["delay_generator"].confirms = how == "dead", False
    off = Event()
    outcomes = {one.instrument: one for one in emergency.stop("Ada", off.set)}
    assert not off.is_set()
    assert not outcomes.pop("delay_generator").confirmed
    assert all(one.confirmed for one in outcomes.values())


def test_a_stop_that_fails_fails_for_everybody_and_the_next_one_is_tried(
    emergency: Emergency, units: dict[str, Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[Outcome]:
        raise RuntimeError("no threads left")

    with monkeypatch.context() as patch:
        patch.setattr("daq.safety.emergency.make_safe", broken)
        with pytest.raises(RuntimeError, match="no threads left"):
            emergency.stop("Ada", NOTHING)
    assert emergency.active
    assert emergency.done
    assert all(one.confirmed for one in emergency.stop("Ada", NOTHING))
