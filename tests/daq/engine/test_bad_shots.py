"""Bad shots: dark ones by their traces, others by when something was wrong, also when that is noticed late."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from daq.engine.bad_shots import BadTimes, DarkShots, dark
from daq.engine.counters import Reading, TriggerCount
from daq.record.blocks import ShotBlock, Step
from daq.record.layout import BadShot
from daq.record.messages import Tagged

RNG = np.random.default_rng(2)


def traces(lit: list[bool]) -> np.ndarray:
    """Noise of three codes, with an ion in the shots that are lit."""
    found = RNG.normal(-500, 3, (len(lit), 2000))
    found[lit, 700] += 300
    return np.rint(found).astype(np.int16)


def test_a_shot_without_an_ion_is_dark() -> None:
    assert dark(traces([True, False, True])).tolist() == [False, True, False]


def block(first: int, lit: list[bool]) -> ShotBlock:
    return ShotBlock(0, 0, np.arange(first, first + len(lit)), np.arange(len(lit)) / 20, traces(lit)[:, None])


def test_dark_shots_are_bad_only_where_shots_have_ions() -> None:
    tags: list[Tagged] = []
    events: list[str] = []
    look = DarkShots(tags.append, events.append)
    step = Step(0, 0.0, 0.0, 25.0, 6.0, 432.0)
    look(step, block(0, [False] * 30 + [True] * 30))
    assert not tags
    look(step, block(60, [True] * 60))
    look(step, block(120, [True, False, False, True]))
    (tag,) = tags
    assert tag.bit == int(BadShot.DARK)
    assert np.frombuffer(tag.numbers, np.int64).tolist() == [121, 122]
    look(Step(1, 0.0, 0.0, 25.0, 6.0, 200.0, point=1), block(124, [False] * 60))
    assert len(tags) == len(events) == 1


def test_what_is_noticed_late_finds_the_shots_it_concerns() -> None:
    """Two bursts of 20 shots from 0 and 2 s on; something was wrong from 0.5 to 2.2 s, and was noticed at 1.5 s."""
    tags: list[Tagged] = []
    times = BadTimes(20.0, tags.append)
    times.took(0.0, 0, 20)
    assert times.begin("chopper", BadShot.INSTRUMENT_UNFIT, 0.5)
    assert not times.begin("chopper", BadShot.INSTRUMENT_UNFIT, 0.5)
    times.end("chopper", 2.2)
    times.took(2.0, 20, 20)
    times.took(4.0, 40, 20)
    assert [(tag.first, tag.last) for tag in tags] == [(9, 19), (20, 25)]


@given(missed=st.integers(0, 500), late_s=st.floats(0, 0.4))
def test_a_counter_tells_what_it_surely_missed(missed: int, late_s: float) -> None:
    """However late each answer came, a counter that missed nothing is never accused."""
    count = TriggerCount(20.0)
    assert count.missed(Reading(0.0, late_s, 1000)) == 0
    value = 1000 + max(0, 600 - missed)
    told = count.missed(Reading(30.0, 30.0 + late_s, value))
    assert max(0, missed - 2 - 20 * late_s) <= told + 1
    assert told <= missed
    count.restart()
    assert count.missed(Reading(90.0, 90.1, value)) == 0
