"""What a window knows, without a window."""

import math
from concurrent.futures import Future
from pathlib import Path

import pytest

from daq.face.commands import Answer, EmergencyStop, Pause
from daq.face.reduced import Moments, Reduced
from daq.face.state import AlarmPart, InstrumentPart, RunPart
from daq.record.run_file import RunFileError
from daq.service.errors import NoAnswerError
from gui.asking import Asking
from gui.curves import Curves, moments_at, point_names
from gui.feed import Model, ServiceFeed
from gui.replay import ReplayFeed
from gui.words import alarm_state, duration, instrument_state, quantity
from tests.gui.fake import FakeClient, magnet, moments, reduced, running


def test_who_joins_late_knows_all_and_afterwards_only_what_is_new() -> None:
    client = FakeClient(magnet(), running())
    feed, model = ServiceFeed(client), Model()
    assert feed.update(model) == {InstrumentPart, RunPart}
    assert feed.update(model) == frozenset()
    client.put(magnet(13.0))
    assert feed.update(model) == {InstrumentPart}
    (found,) = model.of(InstrumentPart)
    assert found.readings["current_A"].value == 13.0
    assert model.one(RunPart) == running()
    assert model.one(Reduced) is None


def test_ages_grow_while_the_service_is_silent_and_what_is_gone_afterwards_is_gone() -> None:
    client = FakeClient(magnet(), running(), AlarmPart("guard", "it died", 1.0, True))
    feed, model = ServiceFeed(client), Model()
    feed.update(model)
    client.trouble, client.silent_s = "nothing was heard for 2 s", 7.0
    feed.update(model)
    assert (model.age_s, model.trouble) == (7.0, "nothing was heard for 2 s")
    (found,) = model.of(InstrumentPart)
    assert model.age_of(found.readings["current_A"].at) == 8.0
    client.drop(running())
    assert feed.update(model) == frozenset()
    client.trouble, client.silent_s = "", 0.0
    assert feed.update(model) == {RunPart}
    assert model.one(RunPart) is None
    assert model.trouble == ""


def test_before_the_first_word_nothing_is_known() -> None:
    model = Model()
    assert model.age_s == math.inf
    assert model.of(InstrumentPart) == []


def test_answers_are_told_when_they_have_come() -> None:
    client = FakeClient()
    told: list[tuple[str, bool]] = []
    answers: list[Answer] = []
    asking = Asking(ServiceFeed(client), lambda text, good: told.append((text, good)))
    asking(Pause(), "pause", answers.append)
    asking(EmergencyStop(), "stop", answers.append)
    asking.collect()
    assert told == [("pause …", True), ("stop …", True)]
    client.asked[1][1].set_exception(NoAnswerError("no service"))
    client.asked[0][1].set_result(Answer(False, "no run goes on"))
    asking.collect()
    asking.collect()
    assert told[2:] == [("pause was refused: no run goes on", False), ("stop: no service", False)]
    assert answers == [Answer(False, "no run goes on"), Answer(False, "no service")]


def test_curves_of_a_run() -> None:
    curves = Curves(reduced())
    assert (curves.sizes, curves.off_on()) == ([12, 13], (0.0, 2.4))
    time_us, signal = curves.spectrum(0.0)
    assert len(time_us) == len(signal) == 1000
    assert signal.max() == pytest.approx(8.0, rel=1e-6)
    assert [size for size, _, _ in curves.peaks(0.0)] == [12, 13]
    assert curves.nearest(129.0) == 13
    assert curves.nearest(-5.0) == 12
    assert Curves(Reduced("none", 0, (), ())).off_on() == ()
    limit, moment = moments_at(moments(), 0)
    assert (limit.moment_uB, limit.limit_uB) == (None, 0.4)
    assert (moment.moment_uB, moment.error_uB) == (2.6, 0.3)
    assert point_names(moments()) == ["point 1: 2.4 T"]


def test_states_have_words() -> None:
    assert instrument_state(magnet())[1] == "on"
    assert instrument_state(magnet(live=False, fit=False))[1] == "does not answer"
    assert instrument_state(magnet(fit=False))[1] == "on, not fit for a run"
    assert alarm_state(AlarmPart("a", "", 0.0, True), 5.0)[1] == "new"
    assert alarm_state(AlarmPart("a", "", 0.0, True, "anna"), 5.0)[1] == "seen by anna"
    assert alarm_state(AlarmPart("a", "", 0.0, False), 5.0)[1] == "cause gone, not acknowledged"
    assert alarm_state(AlarmPart("a", "", 0.0, True, shelved_until=9.0), 5.0)[1].startswith("shelved until ")
    assert [duration(s) for s in (0.44, 44.4, 600, 11_100, math.inf)] == ["0.4 s", "44 s", "10 min", "3 h 05 min", "ever"]
    assert [quantity(*pair) for pair in (("current_A", "A"), ("coolant_C", "°C"), ("heater_percent", "%"), ("alarms", ""))] == [
        "current",
        "coolant",
        "heater",
        "alarms",
    ]


def test_a_file_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(RunFileError):
        ReplayFeed(tmp_path / "absent.h5")


def test_nobody_answers_in_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    answer: Future[Answer] = ReplayFeed.ask(ReplayFeed.__new__(ReplayFeed), Pause())
    with pytest.raises(NoAnswerError, match="recorded run"):
        answer.result(0)
    assert moments().run_id == "run1"
    assert isinstance(moments(), Moments)
