"""Alarms as stories: raised, seen, kept silent, gone; and every change in the history, once and in order."""

from threading import Thread

import pytest

from daq.safety.alarms import Alarm, AlarmError, Alarms, Entry
from tests.daq.safety.interlock_cases import ACKNOWLEDGED, happen, interlocks

LONGEST_S = 3600.0


class Kept:
    """Alarms, and their history."""

    def __init__(self) -> None:
        self.history: list[Entry] = []
        self.alarms = Alarms(self.history.append, LONGEST_S)

    @property
    def one(self) -> Alarm:
        (alarm,) = self.alarms.all()
        return alarm

    @property
    def lines(self) -> list[tuple[float, str]]:
        return [(entry.at_s, str(entry)) for entry in self.history]

    @property
    def loud(self) -> list[float]:
        return [entry.at_s for entry in self.history if entry.loud]


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_it_goes_when_its_cause_has_gone_and_it_was_seen(kept: Kept) -> None:
    kept.alarms.rise("guard", "the guard died", 1.0)
    assert kept.one.loud
    kept.alarms.acknowledge("guard", "Ada", 2.0)
    assert not kept.one.loud
    assert kept.one.active
    kept.alarms.clear("guard", 3.0)
    assert kept.alarms.all() == ()
    assert kept.history[-1].alarm.gone
    assert kept.lines == [
        (1.0, "alarm guard: raised: the guard died"),
        (2.0, "alarm guard: acknowledged by Ada"),
        (3.0, "alarm guard: its cause has gone"),
    ]


def test_what_nobody_has_seen_stays(kept: Kept) -> None:
    kept.alarms.rise("run", "the run failed", 1.0)
    kept.alarms.clear("run", 2.0)
    assert not kept.one.active
    assert not kept.one.gone
    kept.alarms.acknowledge("run", "Ada", 3.0)
    assert kept.alarms.all() == ()


def test_the_same_again_is_no_news(kept: Kept) -> None:
    kept.alarms.rise("run", "the run failed", 1.0)
    kept.alarms.acknowledge("run", "Ada", 2.0)
    kept.alarms.acknowledge("run", "Bob", 3.0)
    kept.alarms.rise("run", "the run failed", 4.0)
    assert kept.one.acknowledged == "Ada"
    kept.alarms.clear("other", 5.0)
    assert len(kept.history) == 2


def test_something_else_of_the_same_name_is_news(kept: Kept) -> None:
    kept.alarms.rise("run", "the run failed", 1.0)
    kept.alarms.acknowledge("run", "Ada", 2.0)
    kept.alarms.rise("run", "the run failed again", 3.0)
    assert kept.one == Alarm("run", "the run failed again", 1.0)
    assert kept.loud == [1.0, 3.0]


def test_it_comes_back_unseen(kept: Kept) -> None:
    kept.alarms.rise("lost", "the chopper is lost", 1.0)
    kept.alarms.acknowledge("lost", "Ada", 2.0)
    kept.alarms.clear("lost", 3.0)
    kept.alarms.rise("lost", "the chopper is lost", 4.0)
    assert kept.one == Alarm("lost", "the chopper is lost", 4.0)
    assert kept.loud == [1.0, 4.0]


def test_a_shelved_one_is_silent_for_its_time(kept: Kept) -> None:
    kept.alarms.rise("lost", "the chopper is lost", 1.0)
    kept.alarms.shelve("lost", 10.0, "Ada", 2.0)
    assert not kept.one.loud
    kept.alarms.clear("lost", 3.0)
    kept.alarms.rise("lost", "the chopper is lost", 4.0)
    kept.alarms.at(11.9)
    assert kept.one.shelved_until_s == 12.0
    kept.alarms.at(12.0)
    assert kept.one.loud
    assert kept.loud == [1.0, 12.0]
    assert kept.lines[1] == (2.0, "alarm lost: shelved for 10 s by Ada")
    assert kept.lines[-1] == (12.0, "alarm lost: shelved no longer")


def test_a_shelf_outlives_its_alarm(kept: Kept) -> None:
    kept.alarms.rise("lost", "the chopper is lost", 1.0)
    kept.alarms.shelve("lost", 10.0, "Ada", 2.0)
    kept.alarms.clear("lost", 3.0)
    kept.alarms.acknowledge("lost", "Ada", 4.0)
    kept.alarms.rise("lost", "the chopper is lost", 5.0)
    assert not kept.one.loud
    kept.alarms.acknowledge("lost", "Ada", 6.0)
    kept.alarms.clear("lost", 7.0)
    assert kept.one.shelved_until_s == 12.0
    kept.alarms.at(12.0)
    assert kept.alarms.all() == ()
    assert kept.history[-1].alarm.gone


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda alarms: alarms.acknowledge("run", "Ada", 1.0), "there is no alarm 'run' now"),
        (lambda alarms: alarms.shelve("run", 10.0, "Ada", 1.0), "there is no alarm 'run' now"),
        (lambda alarms: alarms.shelve("lost", 3601.0, "Ada", 1.0), "an alarm is shelved for 3600 s at most, not for 3601 s"),
        (lambda alarms: alarms.shelve("lost", 0.0, "Ada", 1.0), "an alarm is shelved for 3600 s at most, not for 0 s"),
        (
            lambda alarms: alarms.shelve("lost", float("nan"), "Ada", 1.0),
            "an alarm is shelved for 3600 s at most, not for nan s",
        ),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(kept: Kept, ask, said: str) -> None:  # type: ignore[no-untyped-def]
    kept.alarms.rise("lost", "the chopper is lost", 0.0)
    with pytest.raises(AlarmError) as error:
        ask(kept.alarms)
    assert str(error.value) == said
    assert kept.one == Alarm("lost", "the chopper is lost", 0.0)
    assert len(kept.history) == 1


def test_a_latched_interlock_keeps_its_alarm_and_asks_again(kept: Kept) -> None:
    found = interlocks(above=30.0, action="safe", latching=True, text="too warm")
    kept.alarms.follow(happen(found, 1.0, 31.0).turns)
    kept.alarms.acknowledge("it", "Ada", 2.0)
    kept.alarms.follow(happen(found, 3.0, 25.0).turns)
    assert kept.one.loud
    assert kept.one.text == "it: too warm; its cause has gone, acknowledge it"
    kept.alarms.acknowledge("it", "Ada", 4.0)
    kept.alarms.follow(happen(found, 4.0, ACKNOWLEDGED).turns)
    assert kept.alarms.all() == ()


def test_a_paused_run_has_its_alarm_until_the_cause_has_gone(kept: Kept) -> None:
    found = interlocks(above=30.0, action="pause", text="too warm")
    found.enter("run", 0.0)
    kept.alarms.follow(happen(found, 1.0, 31.0).turns)
    assert kept.one.active
    kept.alarms.follow(happen(found, 2.0, 25.0).turns)
    assert not kept.one.active


def test_what_only_refuses_a_start_is_no_alarm(kept: Kept) -> None:
    found = interlocks(above=30.0, action="refuse start")
    kept.alarms.follow(happen(found, 1.0, 31.0).turns)
    assert kept.alarms.all() == ()


def test_who_is_told_may_ask_back(kept: Kept) -> None:
    told: list[str] = []

    def tell(entry: Entry) -> None:
        told.append(entry.what)
        if entry.what.startswith("raised"):
            assert alarms.all()
            alarms.acknowledge("run", "the program", 2.0)
            told.append("asked back")

    alarms = Alarms(tell, LONGEST_S)
    alarms.rise("run", "the run failed", 1.0)
    assert told == ["raised: the run failed", "asked back", "acknowledged"]


def test_many_threads_lose_nothing_and_are_told_in_order(kept: Kept) -> None:
    """Each thread raises, acknowledges and clears its own alarm, again and again."""
    times, names = 50, [f"instrument {number}" for number in range(8)]

    def trouble(name: str) -> None:
        for count in range(times):
            kept.alarms.rise(name, f"lost {count}", float(count))
            kept.alarms.acknowledge(name, "Ada", float(count))
            kept.alarms.clear(name, float(count))

    threads = [Thread(target=trouble, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.alarms.all() == ()
    for name in names:
        of_it = [(entry.at_s, entry.what.partition(":")[0]) for entry in kept.history if entry.alarm.name == name]
        expected = ["raised", "acknowledged", "its cause has gone"]
        assert of_it == [(float(count), what) for count in range(times) for what in expected]
