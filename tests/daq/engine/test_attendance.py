"""How each instrument is, as long as a laboratory is open: fresh or stale, lost wires mended, nobody delayed by anybody."""

import itertools
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from config.laboratory import Laboratory, read_laboratory
from daq.engine import attendance as module
from daq.engine.attendance import FIRST_S, LONGEST_S, Attendance
from daq.engine.clock import Clock
from daq.engine.instruments import Instruments
from daq.engine.vigil import Vigil
from drivers.errors import DriverError, LinkClosed, LinkTimeout, WrongInstrument
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, Status

LONG_S = 20.0
READY = Status("ready", True)
FIELD = Quantity("field_T", "T", polled=True)


def laboratory() -> Laboratory:
    found = read_laboratory()[0]
    fast = {name: one.model_copy(update={"poll_s": 0.02}) for name, one in found.instruments.items()}
    return found.model_copy(update={"instruments": fast})


class Unit:
    """An instrument whose wire works or not, and that may keep whoever asks waiting."""

    def __init__(self, name: str, serial: str = "1") -> None:
        self.name, self.serial = name, serial
        self.quantities = {"field_T": FIELD}
        self.error: DriverError | None = None
        self.status_now = READY
        self.may = Event()
        self.may.set()
        self.asked = 0
        self.closed = False
        self.before: object = None

    def identify(self) -> Identity:
        return Identity("maker", "model", self.serial)

    def status(self) -> Status:
        self.asked += 1
        assert self.may.wait(LONG_S)
        if self.error is not None:
            raise self.error
        return self.status_now

    def read(self, quantity: str) -> Value:
        return 2.4

    def inherit(self, before: object) -> None:
        self.before = before

    def close(self) -> None:
        self.closed = True


class Deaf:
    """A vigil that notes what it is told."""

    def __init__(self) -> None:
        self.interlocks = SimpleNamespace(quantities=frozenset())
        self.lost: list[tuple[str, str]] = []

    def status(self, instrument: str, status: Status | None, asked_s: float, error: str = "") -> None:
        if status is None:
            self.lost.append((instrument, error))

    def reading(self, quantity: str, value: Value, asked_s: float) -> None:
        pass


class Time:
    """The attendance's wall time: as told."""

    def __init__(self) -> None:
        self.now = 1e9

    def time(self) -> float:
        return self.now

    monotonic = time


class Room:
    """Fake instruments, attended to."""

    def __init__(self) -> None:
        self.laboratory = laboratory()
        self.units = {name: Unit(name) for name in self.laboratory.instruments}
        self.instruments = Instruments(self.laboratory)
        self.instruments.by_name.update(cast(Any, self.units))
        self.instruments.identities.update({name: unit.identify() for name, unit in self.units.items()})
        self.vigil = Deaf()
        self.forgotten: list[str] = []
        self.changed: SimpleQueue[str] = SimpleQueue()
        self.attendance = Attendance(
            self.instruments, Clock(1.0), cast(Vigil, self.vigil), self.changed.put, self.forgotten.append
        )

    def until(self, holds: Callable[[], object]) -> None:
        """Until this is so; looked at whenever something has changed."""
        deadline = time.monotonic() + LONG_S
        while not holds():
            assert time.monotonic() < deadline
            self.changed.get(timeout=LONG_S)

    def lose(self, name: str = "magnet") -> None:
        """A poll finds the wire closed."""
        self.attendance.silent(name, LinkClosed(name, "the connection is lost"), 0.0)


@pytest.fixture
def room() -> Iterator[Room]:
    found = Room()
    yield found
    for unit in found.units.values():
        unit.may.set()


@pytest.fixture
def told_time(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    monkeypatch.setattr(module, "time", found)
    return found


@pytest.fixture
def attempts(room: Room, told_time: Time, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, str]]:
    """When a wire was opened anew; nobody is there unless `units` has another."""
    tried: list[tuple[float, str]] = []
    began = told_time.now

    def nobody(name: str, configuration: object) -> tuple[Unit, Identity]:
        tried.append((told_time.now - began, name))
        unit = room.units[name]
        if unit is room.instruments.by_name[name]:
            raise LinkClosed(name, "cannot connect")
        return unit, unit.identify()

    monkeypatch.setattr("daq.engine.instruments.connect_and_identify", nobody)
    return tried


def test_everybody_is_looked_at_and_what_they_say_has_its_time(room: Room) -> None:
    assert room.attendance.condition("magnet").error == "has not answered yet"
    before = time.time()
    with room.attendance:
        room.attendance.wait_for_all(LONG_S)
        for name in room.units:
            condition = room.attendance.condition(name)
            assert condition.live
            assert condition.status == READY
            assert condition.error == ""
            assert before <= condition.answered <= time.time()
            assert condition.readings["field_T"].value == 2.4
            assert condition.readings["field_T"].unit == "T"
            assert before <= condition.readings["field_T"].at <= time.time()


def test_one_that_keeps_us_waiting_delays_nobody(room: Room) -> None:
    room.units["magnet"].may.clear()
    with room.attendance:
        room.until(lambda: all(unit.asked > 5 for name, unit in room.units.items() if name != "magnet"))
        assert room.units["magnet"].asked == 1
        assert not room.attendance.condition("magnet").live
        room.attendance.wait_for_all(0.0)
        room.units["magnet"].may.set()
        room.until(lambda: room.attendance.condition("magnet").live)


def test_an_old_answer_is_shown_with_its_age_and_not_as_live(room: Room, told_time: Time) -> None:
    room.attendance.answered("magnet", READY, 0.0)
    room.attendance.reading("magnet", FIELD, 0.0, 2.4)
    answered_at = told_time.now
    stale_s = room.attendance.stale_s("magnet")
    told_time.now += 0.9 * stale_s
    assert room.attendance.condition("magnet").live
    told_time.now += 0.2 * stale_s
    condition = room.attendance.condition("magnet")
    assert not condition.live
    assert condition.answered == answered_at
    assert condition.readings["field_T"].at == answered_at
    assert condition.readings["field_T"].value == 2.4


def test_stale_is_a_matter_of_three_polls() -> None:
    found = laboratory()
    slow = {name: one.model_copy(update={"poll_s": 40.0}) for name, one in found.instruments.items()}
    clock, instruments = Clock(20.0), Instruments(found.model_copy(update={"instruments": slow}))
    quick = Attendance(instruments, clock, cast(Vigil, Deaf()), lambda name: None, lambda name: None)
    assert quick.stale_s("magnet") == 3 * (40.0 / 20.0 + 1.0)


def test_an_instrument_that_complains_is_live_and_says_of_what(room: Room) -> None:
    room.attendance.answered("magnet", Status("interlock", False, ("magnet water flow",)), 0.0)
    condition = room.attendance.condition("magnet")
    assert condition.live
    assert condition.error == "interlock, magnet water flow"


def test_silence_is_told_and_no_reason_for_another_wire(room: Room, attempts: list[tuple[float, str]]) -> None:
    room.attendance.answered("magnet", READY, 0.0)
    room.attendance.silent("magnet", LinkTimeout("magnet", "no reply in time, nothing came"), 0.0)
    condition = room.attendance.condition("magnet")
    assert not condition.live
    assert condition.error == "no reply in time, nothing came"
    assert condition.status == READY
    assert attempts == []
    room.attendance.lost("magnet", "magnet: no reply in time (3 polls in a row failed)", 0.0, 0.0)
    assert room.vigil.lost == [("magnet", "magnet: no reply in time (3 polls in a row failed)")]


def test_a_lost_wire_is_tried_again_less_and_less_often(room: Room, told_time: Time, attempts: list[tuple[float, str]]) -> None:
    began = told_time.now
    while told_time.now < began + 150:
        room.lose()
        told_time.now += 0.25
    times = [at_s for at_s, _ in attempts]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == [FIRST_S, 1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_S, LONGEST_S, LONGEST_S]
    assert set(room.forgotten) == {"magnet"}
    assert room.attendance.condition("magnet").error == "cannot connect"
    room.lose()
    assert room.attendance.condition("magnet").error == "cannot connect", "why it is still lost, not that its wire is closed"


def test_an_instrument_that_is_back_is_live_and_the_next_loss_is_mended_at_once(
    room: Room, told_time: Time, attempts: list[tuple[float, str]]
) -> None:
    for _ in range(100):
        room.lose()
        told_time.now += 0.25
    old, new = room.units["magnet"], Unit("magnet")
    room.units["magnet"] = new
    told_time.now += LONGEST_S
    room.lose()
    assert room.instruments.by_name["magnet"] is cast(Any, new)
    assert old.closed
    room.attendance.answered("magnet", new.status(), 0.0)
    assert room.attendance.condition("magnet").live
    before = len(attempts)
    told_time.now += 1.0
    room.lose()
    assert len(attempts) == before + 1


def test_while_a_run_has_the_instruments_lost_wires_are_the_runs(
    room: Room, told_time: Time, attempts: list[tuple[float, str]]
) -> None:
    with room.attendance.lent():
        room.lose()
        told_time.now += LONGEST_S
        room.lose()
        assert attempts == []
        assert room.attendance.condition("magnet").error == "the connection is lost"
    room.lose()
    assert len(attempts) == 1


@pytest.mark.usefixtures("told_time")
def test_another_instrument_at_the_address_is_not_believed(room: Room, attempts: list[tuple[float, str]]) -> None:
    """The same model with another number on its back."""
    ours, other = room.units["magnet"], Unit("magnet", serial="2")
    room.units["magnet"] = other
    room.lose()
    assert len(attempts) == 1
    condition = room.attendance.condition("magnet")
    assert not condition.live
    assert "is now Identity(maker='maker', model='model', serial='2'" in condition.error
    assert other.closed
    assert room.instruments.by_name["magnet"] is cast(Any, ours), "a poll must not reach the other one"
    with pytest.raises(WrongInstrument):
        room.instruments.reconnect("magnet")
    room.units["magnet"] = back = Unit("magnet")
    room.instruments.reconnect("magnet")
    assert room.instruments.by_name["magnet"] is cast(Any, back)
    assert back.before is ours
    assert other.before is None


def test_the_digitizer_is_left_alone_while_a_run_has_it(room: Room, told_time: Time) -> None:
    digitizer = room.units["digitizer"]
    with room.attendance:
        room.until(lambda: digitizer.asked > 1)
        with room.attendance.lent():
            # A poll that has begun may still come to its end.
            at_most = digitizer.asked + 1
            magnet = room.units["magnet"].asked
            room.until(lambda: room.units["magnet"].asked > magnet + 10)
            assert digitizer.asked <= at_most
            told_time.now += 1000.0
            assert room.attendance.condition("digitizer").live, "it belongs to the shots, which show when it fails"
            asked = digitizer.asked
        room.until(lambda: digitizer.asked > asked)


class Notes:
    """A listener."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def reading(self, instrument: str, quantity: Quantity, asked_s: float, value: float) -> None:
        self.told.append((instrument, quantity.name, round(asked_s, 6), value))

    def unfit(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        self.told.append((instrument, reason, round(good_s, 6), round(asked_s, 6)))

    def fit(self, instrument: str, asked_s: float) -> None:
        self.told.append((instrument, round(asked_s, 6)))


def test_a_run_is_told_in_the_time_of_its_own_clock(room: Room) -> None:
    notes, clock = Notes(), Clock(1.0)
    clock._start = room.attendance._clock._start + 100.0
    with room.attendance.listening(notes, clock):
        room.attendance.reading("hall_probe", FIELD, 101.0, 2.4)
        room.attendance.reading("hall_probe", Quantity("serial", "", str), 101.0, "x")
        room.attendance.unfit("magnet", "tripped", 102.0, 103.0)
        room.attendance.fit("magnet", 104.0)
    room.attendance.fit("magnet", 105.0)
    assert notes.told == [("hall_probe", "field_T", 1.0, 2.4), ("magnet", "tripped", 2.0, 3.0), ("magnet", 4.0)]
