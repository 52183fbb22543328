"""Interlocks and alarms at work: runs held up and let go, starts refused, everything made safe once, somebody told."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Condition

import pytest

from config.interlocks import Interlock
from config.laboratory import Laboratory, read_laboratory
from daq.engine.clock import Clock
from daq.engine.state import Progress, State
from daq.engine.vigil import StartRefused, Vigil
from daq.safety.alarms import Alarm, AlarmError
from drivers.roles import Status
from tests.daq.safety.interlock_cases import QUANTITY, interlock

LONG_S = 20.0
WRITE = """
import os, sys
with open(sys.argv[1], "a") as file:
    file.write(os.environ["CLUSTERBEAM_EVENT"] + ": " + sys.stdin.read() + "\\n")
"""


class FakeRun:
    """A run that notes what stands in its way, and its log."""

    def __init__(self) -> None:
        self.hindrances: dict[str, str] = {}
        self.events: list[str] = []
        self._news = Condition()

    def hinder(self, name: str, reason: str) -> None:
        with self._news:
            self.hindrances[name] = reason
            self._news.notify_all()

    def clear(self, name: str) -> None:
        with self._news:
            self.hindrances.pop(name, None)
            self._news.notify_all()

    def event(self, text: str) -> None:
        with self._news:
            self.events.append(text)
            self._news.notify_all()

    def until(self, holds: Callable[[], object]) -> None:
        with self._news:
            assert self._news.wait_for(holds, LONG_S)


class Watched:
    """A vigil at work, what it had stopped, and what it says."""

    def __init__(self, laboratory: Laboratory, interlocks: dict[str, Interlock]) -> None:
        self.stops: SimpleQueue[str] = SimpleQueue()
        self.changes: SimpleQueue[None] = SimpleQueue()
        self.clock = Clock(1.0)
        self.run = FakeRun()
        self.vigil = Vigil(laboratory, interlocks, self.clock, self.stops.put, lambda: self.changes.put(None))

    def feed(self, value: float, quantity: str = QUANTITY) -> None:
        self.vigil.reading(quantity, value, self.clock.now())

    def alarm(self, name: str) -> Alarm | None:
        return next((one for one in self.vigil.alarms.all() if one.name == name), None)

    def until(self, holds: Callable[[], object]) -> None:
        """Until this is so; looked at whenever interlocks or alarms have changed."""
        deadline = time.monotonic() + LONG_S
        while not holds():
            assert time.monotonic() < deadline
            self.changes.get(timeout=LONG_S)

    def log(self) -> str:
        return self.vigil._log.path.read_text()


def laboratory(tmp_path: Path, **alarms: object) -> Laboratory:
    found = read_laboratory()[0]
    settings = found.alarms.model_validate({**found.alarms.model_dump(), **alarms})
    # The log's file has the laboratory's name.
    return found.model_copy(update={"name": f"{tmp_path.name}-{id(tmp_path)}", "alarms": settings})


@contextmanager
def watched(tmp_path: Path, alarms: dict[str, object] | None = None, **interlocks: Interlock) -> Iterator[Watched]:
    found = Watched(laboratory(tmp_path, **(alarms or {})), interlocks)
    with found.vigil:
        yield found


def progress(state: State, doing: str, recorded: int = 0, lost: int = 0) -> Progress:
    return Progress(state, doing, recorded + lost, recorded, lost, 100, 0.0)


PAUSE = interlock(above=30.0, action="pause", text="the source is too warm")
SAFE = interlock(above=100.0, action="safe", text="the source burns")
REFUSE = interlock(above=30.0, action="refuse start", text="cool the source first")


def test_a_pause_holds_a_run_up_until_somebody_resumes_it(tmp_path: Path) -> None:
    with watched(tmp_path, it=PAUSE) as found:
        found.feed(25.0)
        found.vigil.begin(found.run, tmp_path)
        found.feed(31.0)
        found.run.until(lambda: "interlock it" in found.run.hindrances)
        assert "the source is too warm" in found.run.hindrances["interlock it"]
        assert found.vigil.resume("Ada"), "it is still too warm"
        found.feed(25.0)
        found.until(lambda: found.vigil.interlocks.shown()[0].state == "waiting")
        assert "interlock it" in found.run.hindrances
        assert found.vigil.resume("Ada") == ()
        found.run.until(lambda: not found.run.hindrances)
        found.vigil.end()
        found.feed(31.0)
        found.until(lambda: found.vigil.interlocks.shown()[0].state == "active")
    assert not found.run.hindrances, "what comes after the run is not its own"


def test_whoever_resumes_at_the_terminal_has_seen_what_latched(tmp_path: Path) -> None:
    with watched(tmp_path, it=interlock(above=30.0, action="pause", latching=True)) as found:
        found.feed(25.0)
        found.vigil.begin(found.run, tmp_path)
        found.feed(31.0)
        found.run.until(lambda: "interlock it" in found.run.hindrances)
        found.vigil.acknowledge_latched("Ada")
        assert found.vigil.resume("Ada"), "it is still too warm, and nothing has latched"
        found.feed(25.0)
        found.until(lambda: found.vigil.interlocks.shown()[0].state == "latched")
        assert found.vigil.resume("Ada"), "it is not acknowledged"
        found.vigil.acknowledge_latched("Ada")
        assert found.vigil.resume("Ada") == ()
        found.run.until(lambda: not found.run.hindrances)
        found.until(lambda: found.alarm("it") is None)
        found.vigil.end()


def test_a_run_that_begins_while_it_is_too_warm_is_refused(tmp_path: Path) -> None:
    with watched(tmp_path, it=REFUSE) as found:
        with pytest.raises(StartRefused, match=r"^the start is held back: .*it"):
            found.vigil.begin(found.run, tmp_path)
        found.feed(31.0)
        with pytest.raises(StartRefused, match="cool the source first"):
            found.vigil.begin(found.run, tmp_path)
        found.vigil.log("nobody's run")
        assert found.run.events == []
        found.feed(25.0)
        found.vigil.begin(found.run, tmp_path)
        found.vigil.log("its run")
        assert found.run.events == ["its run"]
        assert found.alarm("it") is None, "what refuses a start is no alarm"


def test_everything_is_made_safe_once_for_each_cause(tmp_path: Path) -> None:
    other = interlock(quantity="magnet.current_A", above=250.0, action="safe", text="too much current")
    with watched(tmp_path, it=SAFE, other=other) as found:
        found.feed(101.0)
        assert "the source burns" in found.stops.get(timeout=LONG_S)
        for value in (102.0, 300.0, 101.0):
            found.feed(value)
            found.vigil._judge()
        found.feed(300.0, "magnet.current_A")
        assert "too much current" in found.stops.get(timeout=LONG_S)
        assert found.stops.empty()
        found.feed(20.0)
        found.until(lambda: found.vigil.interlocks.shown()[0].state != "active")
        found.feed(101.0)
        assert found.stops.get(timeout=LONG_S).startswith("interlock ")


def test_what_is_over_before_anybody_looked_is_acted_on(tmp_path: Path) -> None:
    found = Watched(laboratory(tmp_path), {"it": SAFE})
    found.feed(101.0)
    found.feed(20.0)
    with found.vigil:
        assert "the source burns" in found.stops.get(timeout=LONG_S)


def test_alarms_stand_in_the_log_of_the_laboratory_and_of_the_run(tmp_path: Path) -> None:
    with watched(tmp_path, it=interlock(above=30.0, text="look at the compressor")) as found:
        found.feed(25.0)
        found.vigil.begin(found.run, tmp_path)
        found.feed(31.0)
        found.until(lambda: found.alarm("it"))
        found.vigil.shelve("it", 60.0, "Ada")
        found.vigil.acknowledge("it", "Bo")
        found.feed(25.0)
        found.until(lambda: found.alarm("it") is None or not found.alarm("it").active)  # type: ignore[union-attr]
        with pytest.raises(AlarmError):
            found.vigil.acknowledge("nothing of the kind", "Ada")
    history = [line.partition("alarm it: ")[2] for line in found.log().splitlines() if "alarm it: " in line]
    assert "look at the compressor" in history[0]
    assert history[1:] == ["shelved for 60 s by Ada", "acknowledged by Bo", "its cause has gone"]
    assert [line.partition("alarm it: ")[2] for line in found.run.events] == history


def test_an_instrument_that_is_lost_is_an_alarm_until_it_is_back(tmp_path: Path) -> None:
    with watched(tmp_path) as found:
        found.vigil.status("magnet", None, 1.0, "magnet: the connection is lost")
        alarm = found.alarm("magnet lost")
        assert alarm is not None
        assert alarm.loud
        assert alarm.text == "magnet: the connection is lost"
        found.vigil.status("magnet", Status("on", True), 2.0)
        alarm = found.alarm("magnet lost")
        assert alarm is not None
        assert not alarm.active
        found.vigil.acknowledge("magnet lost", "Ada")
        assert found.alarm("magnet lost") is None


def test_a_status_is_judged_as_well(tmp_path: Path) -> None:
    flow = interlock(quantity="magnet.complaints", contains=["water"], action="safe", text="no water")
    with watched(tmp_path, it=flow) as found:
        found.vigil.status("magnet", Status("interlock", False, ("magnet water flow",)), found.clock.now())
        assert "no water" in found.stops.get(timeout=LONG_S)


def test_the_disk_that_is_written_to_is_looked_at(tmp_path: Path) -> None:
    full = interlock(quantity="disk.free_MB", above=0.0, text="there is room")
    with watched(tmp_path, it=full) as found:
        found.vigil.begin(found.run, tmp_path)
        found.until(lambda: found.alarm("it"))


def test_a_directory_that_is_gone_ends_nothing(tmp_path: Path) -> None:
    with watched(tmp_path, it=SAFE) as found:
        found.feed(25.0)
        found.vigil.begin(found.run, tmp_path / "never made")
        found.feed(101.0)
        assert "the source burns" in found.stops.get(timeout=LONG_S)


def test_whoever_is_not_there_is_told(tmp_path: Path) -> None:
    """By a real command: of alarms, pauses, failures and ends, and of each once."""
    told = tmp_path / "told.txt"
    alarms: dict[str, object] = {"notify": [sys.executable, "-c", WRITE, str(told)]}
    with watched(tmp_path, alarms, it=PAUSE) as found:
        tell = found.vigil.progress
        found.feed(31.0)
        found.until(lambda: found.alarm("it"))
        tell(progress(State.PREPARING, "preparing instruments"))
        tell(progress(State.RUNNING, "taking shots"))
        for _ in range(3):
            tell(progress(State.PAUSED, "paused: interlock it"))
        tell(progress(State.FAULT, "the magnet has tripped", 90, 10))
        assert found.alarm("run") is not None
        tell(progress(State.PREPARING, "preparing instruments"))
        run = found.alarm("run")
        assert run is not None
        assert not run.active
        tell(progress(State.IDLE, "the plan was completed", 90, 10))
    lines = sorted(told.read_text().splitlines())
    assert [line for line in lines if line.startswith("pause")] == ["pause: paused: interlock it"]
    assert [line for line in lines if line.startswith("fault")] == ["fault: the magnet has tripped"]
    assert [line for line in lines if line.startswith("end")] == ["end: the plan was completed; 90 shots recorded, 10 lost"]
    alarmed = [line for line in lines if line.startswith("alarm")]
    assert len(alarmed) == 2
    assert "the source is too warm" in alarmed[0]
    assert alarmed[1] == "alarm: run: the run has failed: the magnet has tripped"
    assert "idle: the plan was completed" in found.log()
    assert "could not be sent" not in found.log()


def test_a_fault_while_judging_is_an_alarm_until_they_can_be_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched(tmp_path) as found:
        with monkeypatch.context() as broken:
            broken.setattr(found.vigil.interlocks, "at", lambda now_s: 1 / 0)
            found.until(lambda: (alarm := found.alarm("interlocks")) is not None and alarm.active)
        found.until(lambda: (alarm := found.alarm("interlocks")) is None or not alarm.active)
        assert "ZeroDivisionError" in found.log()
