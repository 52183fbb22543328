"""Interlocks as stories: what is read and done when, and how the interlock stands then."""

from typing import Any

import pytest

from daq.safety.interlocks import Interlocks
from drivers.roles import Status
from tests.daq.safety.interlock_cases import (
    ACKNOWLEDGED,
    LOST,
    NOTHING,
    QUANTITY,
    RESUMED,
    Step,
    happen,
    interlock,
    interlocks,
    state,
)

PAUSE = {"above": 30.0, "action": "pause"}
STORIES: dict[str, tuple[dict[str, Any], list[Step]]] = {
    "nothing is known before the first reading": (
        {"above": 30.0},
        [(0, NOTHING, "unknown"), (1, 25.0, "ok"), (2, 31.0, "active"), (3, 30.0, "ok")],
    ),
    "below": ({"below": 30.0}, [(0, 30.0, "ok"), (1, 29.9, "active"), (2, 30.0, "ok")]),
    "outside": (
        {"outside": [20.0, 30.0]},
        [(0, 20.0, "ok"), (1, 19.0, "active"), (2, 25.0, "ok"), (3, 31.0, "active"), (4, 30.0, "ok")],
    ),
    "a value in the band of hysteresis changes nothing": (
        {"above": 30.0, "hysteresis": 2.0},
        [(0, 29.0, "ok"), (1, 30.5, "active"), (2, 29.0, "active"), (3, 28.0, "ok"), (4, 29.0, "ok")],
    ),
    "the band lies inside a range": (
        {"outside": [20.0, 30.0], "hysteresis": 1.0},
        [(0, 19.0, "active"), (1, 20.5, "active"), (2, 21.0, "ok"), (3, 20.5, "ok"), (4, 31, "active"), (5, 29.0, "ok")],
    ),
    "a condition has to hold": (
        {"above": 30.0, "delay_s": 5.0},
        [(0, 31.0, "pending"), (4.9, 30.5, "pending"), (5, NOTHING, "active"), (6, 29.0, "ok")],
    ),
    "what is over in time was nothing": (
        {"above": 30.0, "delay_s": 5.0},
        [(0, 31.0, "pending"), (4, 29.0, "ok"), (5, NOTHING, "ok"), (6, 31.0, "pending"), (10, NOTHING, "pending")],
    ),
    "what was bad stays bad until a reading says otherwise": (
        {"above": 30.0, "delay_s": 5.0},
        [(0, 31.0, "pending"), (1, LOST, "pending"), (5, NOTHING, "active"), (60, NOTHING, "active"), (61, 29.0, "ok")],
    ),
    "a flag": (
        {"quantity": "chopper.phase_locked", "equals": False},
        [(0, ("chopper.phase_locked", True), "ok"), (1, ("chopper.phase_locked", False), "active")],
    ),
    "a flag that was logged as a number": (
        {"quantity": "chopper.phase_locked", "equals": False},
        [(0, ("chopper.phase_locked", 1.0), "ok"), (1, ("chopper.phase_locked", 0.0), "active")],
    ),
    "a word": (
        {"quantity": "magnet.status", "not_equals": "on"},
        [(0, ("magnet.status", "on"), "ok"), (1, ("magnet.status", "interlock"), "active")],
    ),
    "a complaint": (
        {"quantity": "magnet.complaints", "contains": ["water", "over-temperature"]},
        [
            (0, ("magnet.complaints", ""), "ok"),
            (1, ("magnet.complaints", "phase failure, magnet water flow"), "active"),
            (2, ("magnet.complaints", "phase failure"), "ok"),
        ],
    ),
    "the difference of two": (
        {"minus": "cold_head.set_temperature_K", "above": 2.0},
        [
            (0, 25.0, "unknown"),
            (1, ("cold_head.set_temperature_K", 24.0), "ok"),
            (2, ("cold_head.set_temperature_K", 20.0), "active"),
            (3, 21.0, "ok"),
        ],
    ),
    "a rate of change needs its time": (
        {"rate_above": 1.0, "rate_over_s": 4.0, "hysteresis": 0.5},
        [
            (0, 20.0, "unknown"),
            (2, 30.0, "unknown"),
            (4, 24.0, "ok"),
            (6, 25.0, "active"),
            (8, 21.0, "active"),
            (10, 23.5, "ok"),
        ],
    ),
    "no reading": (
        {"stale_s": 10.0},
        [(0, NOTHING, "ok"), (10, NOTHING, "ok"), (10.1, NOTHING, "active"), (11, 25.0, "ok"), (22, NOTHING, "active")],
    ),
    "a lost instrument tells nothing": (
        {"above": 30.0},
        [(0, 25.0, "ok"), (1, LOST, "unknown"), (2, NOTHING, "unknown"), (3, 25.0, "ok")],
    ),
    "a lost instrument does not end what it began": (
        {"above": 30.0},
        [(0, 31.0, "active"), (1, LOST, "active"), (2, 29.0, "ok")],
    ),
    "that it is lost can be the condition": (
        {"quantity": "cold_head.live", "equals": False},
        [(0, ("cold_head.live", True), "ok"), (1, LOST, "active"), (2, ("cold_head.live", True), "ok")],
    ),
    "so can that it is unfit": (
        {"quantity": "cold_head.fit", "equals": False},
        [(0, ("cold_head.fit", True), "ok"), (1, LOST, "active"), (2, ("cold_head.fit", True), "ok")],
    ),
    "what is no number tells nothing": (
        {"above": 30.0},
        [(0, 25.0, "ok"), (1, float("nan"), "unknown"), (2, 31.0, "active"), (3, float("nan"), "active"), (4, "?", "active")],
    ),
    "the second clause": (
        {"above": 30.0, "while": {"quantity": "high_voltage.ch1_voltage_V", "outside": [-100.0, 100.0]}},
        [
            (0, 31.0, "unknown"),
            (1, ("high_voltage.ch1_voltage_V", 0.0), "ok"),
            (2, ("high_voltage.ch1_voltage_V", -2000.0), "active"),
            (3, ("high_voltage.ch1_voltage_V", float("nan")), "active"),
            (4, ("high_voltage.live", False), "active"),
            (5, 29.0, "ok"),
            (6, 31.0, "active"),
            (7, ("high_voltage.ch1_voltage_V", 0.0), "ok"),
        ],
    ),
    "a latching one waits for somebody": (
        {"above": 30.0, "latching": True},
        [
            (0, 31.0, "active"),
            (1, ACKNOWLEDGED, "active"),
            (2, 29.0, "latched"),
            (3, 31.0, "active"),
            (4, 29.0, "latched"),
            (5, 28.0, "latched"),
            (6, ACKNOWLEDGED, "ok"),
        ],
    ),
    "outside a run nothing waits to be resumed": (PAUSE, [(0, 31.0, "active"), (1, 29.0, "ok")]),
    "in a run it waits to be resumed": (
        PAUSE,
        [(0, "run", "unknown"), (1, 31.0, "active"), (2, RESUMED, "active"), (3, 29.0, "waiting"), (4, RESUMED, "ok")],
    ),
    "it may resume by itself, so often in a run": (
        PAUSE | {"resume_after_s": 5.0, "resume_times": 2},
        [
            (0, "run", "unknown"),
            (1, 31.0, "active"),
            (2, 29.0, "waiting"),
            (6, 29.0, "waiting"),
            (7, 29.0, "ok"),
            (8, 31.0, "active"),
            (9, 29.0, "waiting"),
            (10, 31.0, "active"),
            (11, 29.0, "waiting"),
            (16, 29.0, "ok"),
            (17, 31.0, "active"),
            (18, 29.0, "waiting"),
            (60, 29.0, "waiting"),
            (61, "idle", "ok"),
            (62, "run", "ok"),
            (63, 31.0, "active"),
            (64, 29.0, "waiting"),
            (69, 29.0, "ok"),
        ],
    ),
    "good seconds are counted from reading to reading": (
        PAUSE | {"resume_after_s": 5.0},
        [
            (0, "run", "unknown"),
            (1, 31.0, "active"),
            (2, 29.0, "waiting"),
            (60, NOTHING, "waiting"),
            (61, LOST, "waiting"),
            (62, 29.0, "waiting"),
            (66.9, 29.0, "waiting"),
            (67, 29.0, "ok"),
        ],
    ),
    "a latched pause is acknowledged, then resumed": (
        PAUSE | {"latching": True},
        [
            (0, "run", "unknown"),
            (1, 31.0, "active"),
            (2, 29.0, "latched"),
            (3, RESUMED, "latched"),
            (4, ACKNOWLEDGED, "waiting"),
            (5, RESUMED, "ok"),
        ],
    ),
    "some count only while shots are taken": (
        {"above": 30.0, "during": "shots"},
        [
            (0, 31.0, "resting"),
            (1, "run", "resting"),
            (2, "shots", "unknown"),
            (3, 31.0, "active"),
            (4, "run", "resting"),
            (5, 25.0, "resting"),
            (6, "shots", "unknown"),
            (7, 25.0, "ok"),
            (8, "idle", "resting"),
        ],
    ),
    "others in the whole run": (
        {"above": 30.0, "during": "run"},
        [(0, 31.0, "resting"), (1, "run", "unknown"), (2, 31.0, "active"), (3, "shots", "active"), (4, "idle", "resting")],
    ),
    "what was read while it did not count is not held against anybody": (
        {"above": 30.0, "during": "shots"},
        [(0, "run", "resting"), (1, 31.0, "resting"), (2, "shots", "unknown"), (3, ("other.thing", 1.0), "unknown")],
    ),
    "a delay goes on when the next shots are taken": (
        {"above": 30.0, "delay_s": 5.0, "during": "shots"},
        [
            (0, "shots", "unknown"),
            (1, 31.0, "pending"),
            (4, "run", "resting"),
            (20, "shots", "unknown"),
            (21, 31.0, "pending"),
            (22.9, NOTHING, "pending"),
            (23, NOTHING, "active"),
        ],
    ),
    "unless it was good meanwhile, or the run has ended": (
        {"above": 30.0, "delay_s": 5.0, "during": "shots"},
        [
            (0, "shots", "unknown"),
            (1, 31.0, "pending"),
            (4, "run", "resting"),
            (20, "shots", "unknown"),
            (21, 29.0, "ok"),
            (22, 31.0, "pending"),
            (26, NOTHING, "pending"),
            (26.5, "idle", "resting"),
            (27, "shots", "unknown"),
            (28, 31.0, "pending"),
            (30, NOTHING, "pending"),
        ],
    ),
    "what has paused a run is watched in the pause": (
        PAUSE | {"during": "shots"},
        [
            (0, "shots", "unknown"),
            (1, 31.0, "active"),
            (2, "run", "active"),
            (3, 29.0, "waiting"),
            (4, 31.0, "active"),
            (5, 29.0, "waiting"),
            (6, RESUMED, "resting"),
            (7, 31.0, "resting"),
        ],
    ),
    "a run that ends forgets what has paused it": (
        PAUSE | {"during": "shots"},
        [(0, "shots", "unknown"), (1, 31.0, "active"), (2, "idle", "resting")],
    ),
    "but not what has latched": (
        PAUSE | {"during": "shots", "latching": True},
        [(0, "shots", "unknown"), (1, 31.0, "active"), (2, "idle", "latched"), (3, ACKNOWLEDGED, "resting")],
    ),
    "a clock that is set back lengthens a delay at most": (
        {"above": 30.0, "delay_s": 5.0},
        [
            (1000, 31.0, "pending"),
            (10, NOTHING, "pending"),
            (14, NOTHING, "pending"),
            (15, NOTHING, "active"),
            (16, 29.0, "ok"),
        ],
    ),
    "and does not hide that nothing is read": (
        {"stale_s": 10.0},
        [(1000, 25.0, "ok"), (10, NOTHING, "ok"), (21, NOTHING, "active")],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_stories(story: str) -> None:
    keys, steps = STORIES[story]
    found = interlocks(**keys)
    stood = []
    for at_s, what, _ in steps:
        happen(found, at_s, what)
        stood.append((at_s, what, state(found)))
    assert str(stood) == str(steps)


def test_an_older_reading_can_begin_a_condition_and_not_end_it() -> None:
    found = interlocks(above=30.0, action="safe")
    found.feed(QUANTITY, 25.0, 10.0)
    found.feed(QUANTITY, 31.0, 9.0)
    assert found.at(10.0).safe
    found.feed(QUANTITY, 25.0, 8.0)
    assert state(found) == "active"
    found.feed(QUANTITY, 25.0, 11.0)
    assert state(found) == "ok"


def test_what_tripped_between_two_questions_is_told_once() -> None:
    found = interlocks(above=30.0, action="safe", text="too warm")
    found.feed(QUANTITY, 31.0, 1.0)
    found.feed(QUANTITY, 25.0, 2.0)
    verdict = found.at(3.0)
    assert verdict.safe == {"it": "it: too warm (cold_head.temperature_K is 31)"}
    assert [turn.state for turn in verdict.turns] == ["pending", "active", "ok"]
    assert found.at(4.0).safe == {}


def test_that_it_held_long_enough_is_told_though_the_next_reading_is_good() -> None:
    found = interlocks(above=30.0, delay_s=5.0, action="safe")
    found.feed(QUANTITY, 31.0, 0.0)
    found.feed(QUANTITY, 25.0, 6.0)
    verdict = found.at(7.0)
    assert set(verdict.safe) == {"it"}
    assert [(turn.state, turn.at_s) for turn in verdict.turns] == [("pending", 0.0), ("active", 5.0), ("ok", 6.0)]


def test_a_pause_holds_until_it_is_over() -> None:
    found = interlocks(text="too warm", **PAUSE)
    happen(found, 0.0, "run")
    assert happen(found, 1.0, 31.0).pauses == {"it": "it: too warm (cold_head.temperature_K is 31)"}
    assert found.resume("Ada", 2.0) == ("it: too warm (cold_head.temperature_K is 31)",)
    assert happen(found, 3.0, 25.0).pauses == {"it": "it: too warm; its cause has gone, the run can be resumed"}
    assert found.resume("Ada", 4.0) == ()
    verdict = found.at(5.0)
    assert not verdict.pauses
    assert verdict.turns[-1].by == "Ada"


def test_nothing_is_resumed_while_anything_holds_the_run_up() -> None:
    found = Interlocks({"one": interlock(**PAUSE), "other": interlock(quantity="a.b", **PAUSE)})
    found.enter("run", 0.0)
    found.feed(QUANTITY, 31.0, 1.0)
    found.feed("a.b", 31.0, 1.0)
    found.feed(QUANTITY, 25.0, 2.0)
    assert len(found.resume("Ada", 3.0)) == 1
    assert set(found.at(3.0).pauses) == {"one", "other"}
    found.feed("a.b", 25.0, 4.0)
    assert found.resume("Ada", 5.0) == ()
    assert found.at(5.0).pauses == {}


HELD: dict[str, tuple[dict[str, Any], list[tuple[float, object]], str]] = {
    "a warning never": ({"above": 30.0}, [(0, 31.0)], ""),
    "a refusal": (
        {"above": 30.0, "action": "refuse start", "text": "too warm"},
        [(0, 31.0)],
        "it: too warm (cold_head.temperature_K is 31)",
    ),
    "a refusal that has gone": ({"above": 30.0, "action": "refuse start"}, [(0, 31.0), (1, 25.0)], ""),
    "what would pause the run at once": (
        PAUSE,
        [(0, 31.0)],
        "it: cold_head.temperature_K above 30 (cold_head.temperature_K is 31)",
    ),
    "what makes safe": (
        {"above": 30.0, "action": "safe"},
        [(0, 31.0)],
        "it: cold_head.temperature_K above 30 (cold_head.temperature_K is 31)",
    ),
    "what has latched": (
        {"above": 30.0, "action": "safe", "latching": True, "text": "too warm"},
        [(0, 31.0), (1, 25.0)],
        "it: too warm; its cause has gone, acknowledge it",
    ),
    "what was acknowledged": (
        {"above": 30.0, "action": "safe", "latching": True},
        [(0, 31.0), (1, 25.0), (2, ACKNOWLEDGED)],
        "",
    ),
    "what cannot be told": (
        {"above": 30.0, "action": "safe"},
        [(0, NOTHING)],
        "it: cannot be told without a reading of cold_head.temperature_K",
    ),
    "a warning that cannot be told": ({"above": 30.0}, [(0, NOTHING)], ""),
    "what is still pending": ({"above": 30.0, "delay_s": 5.0, "action": "refuse start"}, [(0, 31.0)], ""),
    "what counts in a run only": (PAUSE | {"during": "run"}, [(0, 31.0)], ""),
}


@pytest.mark.parametrize("case", HELD)
def test_what_holds_a_start_back(case: str) -> None:
    keys, steps, reason = HELD[case]
    found = interlocks(**keys)
    for at_s, what in steps:
        verdict = happen(found, at_s, what)
    assert verdict.holds == ({"it": reason} if reason else {})
    assert found.shown()[0].holds_start == bool(reason)


def test_it_says_what_it_wants_to_be_fed() -> None:
    found = Interlocks(
        {
            "one": interlock(above=1.0, minus="a.b", **{"while": {"quantity": "c.d", "equals": True}}),
            "other": interlock(quantity="e.fit", equals=False),
        }
    )
    assert found.quantities == {QUANTITY, "a.b", "c.d", "e.fit"}


def test_what_an_instrument_says_of_itself() -> None:
    found = Interlocks(
        {
            "unfit": interlock(quantity="magnet.fit", equals=False),
            "lost": interlock(quantity="magnet.live", equals=False),
            "tripped": interlock(quantity="magnet.status", equals="interlock"),
            "dry": interlock(quantity="magnet.complaints", contains=["water"]),
        }
    )
    found.feed_status("magnet", Status("interlock", False, ("phase failure", "magnet water flow")), 1.0)
    assert {one.name: one.state for one in found.shown()} == {
        "unfit": "active",
        "lost": "ok",
        "tripped": "active",
        "dry": "active",
    }
    found.feed_status("magnet", Status("on", True), 2.0)
    assert {one.state for one in found.shown()} == {"ok"}
    found.feed_status("magnet", None, 3.0)
    assert [one.state for one in found.shown()] == ["active", "active", "unknown", "unknown"]


def test_who_is_asked_of_one_that_is_not_there() -> None:
    assert not interlocks(above=1.0).acknowledge("nobody", "Ada", 0.0)
