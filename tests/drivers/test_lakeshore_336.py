"""Lake Shore 336 on the wire: every message ends with *ESR?, which alone tells a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.lakeshore_336 import LakeShore336
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = b"LSCI,MODEL336,LSA165V/#######,2.7\r\n"


def asked(query: str, reply: str) -> Exchange:
    return (f"{query};*ESR?\n".encode(), f"{reply};0\r\n".encode())


def told(text: str, events: int = 0) -> Exchange:
    return (f"{text};*ESR?\n".encode(), f"{events}\r\n".encode())


def set_point(back: str = "+25.0000", heater: str = "3") -> list[Exchange]:
    return [told("SETP 1,25.0000"), asked("SETP? 1", back), told("RANGE 1,3"), asked("RANGE? 1", heater)]


def test_identity() -> None:
    unit, wire = scripted(LakeShore336, [(b"*IDN?\n", IDENTITY), (b"*ESR?\n", b"160\r\n")])
    assert unit.identify().firmware == "2.7"
    assert wire.finished()
    unit, _ = scripted(LakeShore336, [(b"*IDN?\n", b"LSCI,MODEL335,1,2\r\n")])
    with pytest.raises(WrongInstrument):
        unit.identify()


def test_preparing_does_not_heat() -> None:
    kelvin, celsius = ((b"INTYPE? A;*ESR?\n", b"1,1,0,0,%d;0\r\n" % unit) for unit in (1, 2))
    unit, wire = scripted(LakeShore336, [told("OUTMODE 1,1,1,0"), told("RAMP 1,0,0"), kelvin])
    unit.prepare()
    assert wire.finished()
    unit, _ = scripted(LakeShore336, [told("OUTMODE 1,1,1,0"), told("RAMP 1,0,0"), celsius])
    with pytest.raises(Refused, match="set its preferred unit to kelvin"):
        unit.prepare()


def test_a_temperature() -> None:
    unit, wire = scripted(LakeShore336, [(b"KRDG? A;*ESR?\n", [b"+4.2", b"113;0\r", b"\n"])])
    assert unit.read("temperature_K") == 4.2113
    assert wire.finished()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"+4.2113\r\n", GarbledReply),
        (b"+4.21.13;0\r\n", GarbledReply),
        (b"nan;0\r\n", GarbledReply),
        (b"-3.0;0\r\n", GarbledReply),
        (b"+4.2113;x\r\n", GarbledReply),
        (b"+4.2113;32\r\n", Refused),
        (b"32\r\n", Refused),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    unit, _ = scripted(LakeShore336, [(b"KRDG? A;*ESR?\n", reply)])
    with pytest.raises(error):
        unit.read("temperature_K")


def test_a_set_point_is_read_back_and_then_heated_to() -> None:
    unit, wire = scripted(LakeShore336, set_point())
    unit.write("set_temperature_K", 25.0)
    assert wire.finished()
    unit, wire = scripted(LakeShore336, set_point(back="+20.0000")[:2])
    with pytest.raises(Refused, match="reads back 20 K after 25 was set"):
        unit.write("set_temperature_K", 25.0)
    assert wire.finished()


def test_a_heater_that_does_not_come_on_is_an_error() -> None:
    unit, _ = scripted(LakeShore336, set_point(heater="0"))
    with pytest.raises(Refused, match="heater range reads back 0 after 3 was set"):
        unit.write("set_temperature_K", 25.0)


def test_the_range_is_an_option() -> None:
    unit, wire = scripted(LakeShore336, [*set_point()[:2], told("RANGE 1,1"), asked("RANGE? 1", "1")], heater_range=1)
    unit.write("set_temperature_K", 25.0)
    assert wire.finished()
    with pytest.raises(LimitError, match="heater_range = 0"):
        scripted(LakeShore336, [], heater_range=0)


@pytest.mark.parametrize("value", [3.0, 326.0, float("nan"), "25"])
def test_limits(value: float) -> None:
    unit, wire = scripted(LakeShore336, [])
    with pytest.raises(LimitError, match="set_temperature_K"):
        unit.write("set_temperature_K", value)
    assert wire.finished()


def test_a_set_point_that_may_not_be_set_can_still_be_read() -> None:
    unit, _ = scripted(LakeShore336, [asked("SETP? 1", "+0.0000")])
    assert unit.read("set_temperature_K") == 0.0


def test_faults_of_sensor_and_heater_are_named() -> None:
    unit, _ = scripted(LakeShore336, [asked("RDGST? A", "128"), asked("HTRST? 1", "1"), asked("RANGE? 1", "0")])
    status = unit.status()
    assert not status.ok
    assert status.warnings == ("sensor A: sensor over-range", "heater 1: open load")


def test_a_heater_that_went_off_stays_a_fault_though_its_cause_was_cleared_by_reading() -> None:
    quiet = [asked("RDGST? A", "000"), asked("HTRST? 1", "0")]
    unit, _ = scripted(LakeShore336, [*quiet, asked("RANGE? 1", "0"), *set_point(), *quiet, asked("RANGE? 1", "0")])
    assert unit.status().ok
    unit.write("set_temperature_K", 25.0)
    status = unit.status()
    assert not status.ok
    assert "went off" in status.warnings[0]


@pytest.mark.parametrize(("back", "confirmed"), [("0", True), ("3", False)])
def test_making_safe_turns_the_heater_off_before_it_asks_anything(back: str, confirmed: bool) -> None:
    unit, wire = scripted(LakeShore336, [(b"\nRANGE 1,0\n", b""), (b"*IDN?\n", IDENTITY), asked("RANGE? 1", back)])
    assert unit.make_safe().confirmed is confirmed
    assert wire.finished()


def test_after_silence_the_identity_is_asked() -> None:
    unit, wire = scripted(
        LakeShore336, [(b"KRDG? A;*ESR?\n", [LATE, b"+4.2113;0\r\n"]), (b"*IDN?\n", IDENTITY), asked("KRDG? A", "+5.0")]
    )
    with pytest.raises(LinkTimeout):
        unit.read("temperature_K")
    assert unit.read("temperature_K") == 5.0
    assert wire.finished()


@given(st.binary(max_size=24).filter(lambda text: b"\n" not in text))
def test_only_errors_of_the_driver_escape(text: bytes) -> None:
    unit, _ = scripted(LakeShore336, [(b"KRDG? A;*ESR?\n", text + b"\r\n")])
    try:
        assert 0 <= float(unit.read("temperature_K")) <= 1500
    except DriverError:
        return
