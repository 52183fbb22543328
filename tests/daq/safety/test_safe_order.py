"""The safe order: triggers first, nobody stops anybody else, and each result says whether it is confirmed."""

from collections.abc import Callable
from threading import Barrier, Lock

import pytest

from config.laboratory import read_laboratory
from daq.safety.safe_order import ORDER, Outcome, make_safe, stand_by
from drivers.errors import LinkClosed, LinkTimeout
from drivers.roles import SafeResult

LABORATORY, _ = read_laboratory()


class Recording:
    """An instrument that notes what is asked of it, and fails on demand."""

    def __init__(self, name: str, asked: list[tuple[str, str]], lock: Lock, *, dead: bool = False) -> None:
        self.name, self._asked, self._lock, self._dead = name, asked, lock, dead

    def __getattr__(self, verb: str):  # type: ignore[no-untyped-def]
        def act(*_: object) -> SafeResult:
            with self._lock:
                self._asked.append((self.name, verb))
            if self._dead:
                raise LinkTimeout(self.name, "no reply in time, nothing came")
            return SafeResult(True, verb)

        return act


def laboratory(dead: str = "") -> tuple[dict[str, Recording], list[tuple[str, str]]]:
    asked: list[tuple[str, str]] = []
    lock = Lock()
    return {name: Recording(name, asked, lock, dead=name == dead) for name in LABORATORY.instruments}, asked


@pytest.mark.parametrize("dead", ["", *LABORATORY.instruments])
def test_everybody_is_asked_whoever_is_dead(dead: str) -> None:
    instruments, asked = laboratory(dead)
    outcomes = {outcome.instrument: outcome for outcome in make_safe(LABORATORY, instruments)}
    roles = {role for group in ORDER for role in group}
    concerned = {name for name, one in LABORATORY.instruments.items() if one.role in roles}
    assert set(outcomes) == concerned
    assert asked[0] == ("delay_generator", "make_safe")
    assert {name for name, verb in asked if verb == "make_safe"} == concerned
    assert [name for name, outcome in outcomes.items() if not outcome.confirmed] == ([dead] if dead in concerned else [])


def test_the_magnet_is_waited_for_when_nothing_can_fire_any_more() -> None:
    instruments, asked = laboratory()
    make_safe(LABORATORY, instruments)
    assert asked[-1] == ("magnet", "ramp_to_zero_and_off")


def test_standby_keeps_the_source_cold() -> None:
    instruments, asked = laboratory()
    outcomes = {outcome.instrument: outcome for outcome in stand_by(LABORATORY, instruments)}
    assert outcomes["cold_head"].detail == "kept"
    assert "cold_head" not in {name for name, _ in asked}
    assert ("ablation_laser", "stop") in asked
    assert ("helium", "close_valve") in asked


def test_a_group_is_asked_at_once() -> None:
    # Both lasers must be inside their calls at the same time for either to get out.
    both = Barrier(2, timeout=5)
    instruments, _ = laboratory()
    for name in ("ablation_laser", "ionisation_laser"):

        def wait(both: Barrier = both) -> SafeResult:
            both.wait()
            return SafeResult(True, "stopped")

        instruments[name].make_safe = wait  # type: ignore[attr-defined]
    outcomes = {outcome.instrument: outcome.confirmed for outcome in make_safe(LABORATORY, instruments)}
    assert outcomes["ablation_laser"]
    assert outcomes["ionisation_laser"]


class Broken(Recording):
    """Its wire was lost."""

    def make_safe(self) -> SafeResult:
        raise LinkClosed(self.name, "the link was closed")

    stop = ramp_to_zero_and_off = make_safe


@pytest.mark.parametrize("order", [make_safe, stand_by])
def test_a_broken_wire_is_opened_once_more(order: Callable[..., list[Outcome]]) -> None:
    instruments, asked = laboratory()
    whole = dict(instruments)
    instruments |= {name: Broken(name, asked, Lock()) for name in ("ablation_laser", "magnet")}
    opened: list[str] = []

    def reopened(name: str, broken: Recording) -> Recording:
        assert broken is instruments[name]
        opened.append(name)
        return whole[name]

    outcomes = {outcome.instrument: outcome for outcome in order(LABORATORY, instruments, reopened=reopened)}
    assert all(outcome.confirmed for outcome in outcomes.values())
    assert set(opened) == {"ablation_laser", "magnet"}
    assert {"ablation_laser", "magnet"} <= {name for name, _ in asked}


def test_a_wire_that_does_not_open_again_is_not_confirmed() -> None:
    instruments, asked = laboratory()
    instruments["magnet"] = Broken("magnet", asked, Lock())

    def reopened(name: str, broken: Recording) -> Recording:
        raise LinkClosed(name, "nobody listens there")

    outcomes = {outcome.instrument: outcome for outcome in make_safe(LABORATORY, instruments, reopened=reopened)}
    assert [name for name, outcome in outcomes.items() if not outcome.confirmed] == ["magnet"]
    assert outcomes["magnet"].detail == "nobody listens there"
