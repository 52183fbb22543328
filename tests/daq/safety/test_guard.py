"""The guard's judgement: when it acts, and when it does not.  Time is told."""

import queue
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pytest

from daq.safety.guard import Guard
from daq.safety.guard_words import Answered, Asked, Beat, Bye, Confirmed, ToGuard, Watch, Watching
from daq.safety.process import Process

Word = ToGuard | Asked | None
DIED, BYE = None, Bye()
SAFE, HEALTH = Asked(1, "safe", "Ada"), Asked(2, "health", "Ada")


@dataclass
class Sleeps:
    """The guard does not run for so long."""

    seconds: float


Happens = tuple[float, Word | Sleeps]


class Script(queue.Queue[Word]):
    """Words that come at their times; whoever waits for them makes the time pass."""

    def __init__(self, happens: list[Happens]) -> None:
        super().__init__()
        self.now_s = 0.0
        self._happens = sorted(happens, key=lambda one: one[0])

    def get(self, block: bool = True, timeout: float | None = None) -> Word:
        assert timeout is not None
        if not self._happens or self._happens[0][0] > self.now_s + timeout:
            self.now_s += timeout
            raise queue.Empty
        at_s, what = self._happens.pop(0)
        self.now_s = max(self.now_s, at_s)
        if isinstance(what, Sleeps):
            self.now_s += what.seconds
            raise queue.Empty
        return what


class Engine:
    """What the system says of the engine."""

    def __init__(self, is_stopped: bool) -> None:
        self._is_stopped = is_stopped

    def stopped(self) -> bool:
        return self._is_stopped


class Judged:
    """How a story ends for the guard: when, why, and what it has told the engine and those who asked."""

    def __init__(self, happens: list[Happens], is_stopped: bool = False) -> None:
        script = Script(happens)
        self.told: list[Asked | Watching] = []
        self.answered: list[Answered] = []
        guard = Guard(script, self.told.append, lambda: script.now_s)
        self.why = guard.until_needed(cast(Process, Engine(is_stopped)), self.answered.append)
        self.at_s = script.now_s


def beats(first_s: float, last_s: float, due: float | None = None, doing: str = "idle") -> list[Happens]:
    count = round((last_s - first_s) / 0.2)
    return [(first_s + 0.2 * number, Beat(due, doing)) for number in range(count + 1)]


def every(period_s: float, last_s: float, word: Word) -> Iterator[Happens]:
    return ((period_s * number, word) for number in range(round(last_s / period_s)))


ACTS: dict[str, tuple[list[Happens], bool, str, float]] = {
    "it died": ([*beats(0, 1), (1.0, DIED)], False, "the engine has died", 1.0),
    "it says nothing any more": (beats(0, 1, doing="ramping"), False, r"silent for 4\.\d s \(ramping\)", 5.0),
    "it never said anything": ([], False, r"silent for 4\.\d s \(starting\)", 4.0),
    "it is stopped": (beats(0, 1, doing="ramping"), True, r"stands still \(ramping\)", 1.8),
    "it is late, though its heart beats": (beats(0, 9, due=3.0, doing="arming"), False, "late: arming", 3.0),
    "it is late with the second thing": ([*beats(0, 2, due=3.0), *beats(2.2, 9, due=5.0)], False, "late", 5.0),
    "it does not confirm a stop": ([*beats(0, 9), (1.1, SAFE)], False, "has not confirmed", 1.6),
    "another question does not put the stop off": (
        [*beats(0, 9), (1.1, SAFE), (1.3, HEALTH), (1.5, SAFE)],
        False,
        "has not confirmed",
        1.6,
    ),
    "it does not confirm the second stop": (
        [*beats(0, 9), (1.1, SAFE), (1.2, Confirmed()), (4.1, SAFE)],
        False,
        "has not confirmed",
        4.6,
    ),
    "it speaks in tongues": ([(0.1, Watch("{}", 1, "", "", ()))], False, "nobody understands", 0.1),
    "questions in a row do not hide that it is silent": (
        [*beats(0, 1), *every(0.01, 9, HEALTH)],
        False,
        "silent for 4",
        5.0,
    ),
    "nor that it stands still": ([*beats(0, 1), *every(0.01, 9, HEALTH)], True, "stands still", 1.8),
    "what a guard did not hear while it slept it waits for, and no longer": (
        [*beats(0, 1), (1.1, Sleeps(5.0))],
        False,
        "silent for 4",
        10.1,
    ),
    "a guard that slept judges the deadline later": (
        [*beats(0, 1, due=3.0, doing="arming"), (1.1, Sleeps(2.5)), *((3.6 + at_s, HEALTH) for at_s in (0.1, 0.2))],
        False,
        "late: arming",
        5.5,
    ),
}


@pytest.mark.parametrize(("happens", "is_stopped", "why", "at_s"), ACTS.values(), ids=ACTS)
def test_it_acts(happens: list[Happens], is_stopped: bool, why: str, at_s: float) -> None:
    judged = Judged(happens, is_stopped)
    assert re.search(why, judged.why), judged.why
    assert at_s <= judged.at_s <= at_s + 0.2, judged.why


LETS_BE: dict[str, tuple[list[Happens], bool]] = {
    "it ends in order": ([(0.1, BYE)], False),
    "it ends in order, and its process then": ([*beats(0, 1), (1.1, BYE), (1.2, DIED)], False),
    "nothing fires, nothing is due": ([*beats(0, 60), (60.0, BYE)], False),
    "each thing is done in time": (
        [*beats(0, 2, due=2.5), *beats(2.2, 4, due=4.5), *beats(4.2, 6, due=6.5), (6.1, BYE)],
        False,
    ),
    "a busy machine lets it speak late": ([*beats(0, 1), *beats(4.8, 5), *beats(8.8, 9), (9.1, BYE)], False),
    "it was stopped for less than a moment": ([*beats(0, 1), *beats(1.6, 2), (2.1, BYE)], True),
    "it confirms a stop": ([*beats(0, 9), (1.1, SAFE), (1.5, Confirmed()), (9.1, BYE)], False),
    "a look needs no confirmation": ([*beats(0, 9), (1.1, HEALTH), (9.1, BYE)], False),
    "the guard itself did not run": ([*beats(0, 1), (1.1, Sleeps(60.0)), *beats(61.2, 62), (62.1, BYE)], False),
    "the guard slept, and a question came first": (
        [*beats(0, 1), (1.1, Sleeps(60.0)), (61.1, HEALTH), *beats(64.0, 65), (65.1, BYE)],
        False,
    ),
    "the guard slept through the confirmation": (
        [*beats(0, 1), (1.1, SAFE), (1.15, Sleeps(3.0)), *beats(4.3, 5), (4.5, Confirmed()), (5.1, BYE)],
        False,
    ),
}


@pytest.mark.parametrize(("happens", "is_stopped"), LETS_BE.values(), ids=LETS_BE)
def test_it_lets_be(happens: list[Happens], is_stopped: bool) -> None:
    judged = Judged(happens, is_stopped)
    assert not judged.why, f"{judged.why} at {judged.at_s}"


def test_questions_go_to_the_engine_and_answers_to_those_who_asked() -> None:
    answer = Answered(2, "{}")
    judged = Judged([(0.1, HEALTH), (0.2, answer), (0.3, BYE)])
    assert [one for one in judged.told if isinstance(one, Asked)] == [HEALTH]
    assert judged.answered == [answer]


def test_it_says_again_and_again_that_it_lives() -> None:
    judged = Judged([*beats(0, 10), (10.0, BYE)])
    assert 15 <= sum(isinstance(one, Watching) for one in judged.told) <= 21
