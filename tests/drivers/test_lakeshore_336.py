"""Lake Shore 336 on the wire: every message ends with *ESR?, which alone tells a refusal."""

import pytest

from drivers.errors import GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.lakeshore_336 import LakeShore336
from tests.drivers.script import scripted


def test_identity() -> None:
    unit, _ = scripted(LakeShore336, [(b"*IDN?\n", b"LSCI,MODEL336,LSA165V/#######,2.7\r\n")])
    assert unit.identify().firmware == "2.7"
    unit, _ = scripted(LakeShore336, [(b"*IDN?\n", b"LSCI,MODEL335,1,2\r\n")])
    with pytest.raises(WrongInstrument):
        unit.identify()


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
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[Exception]) -> None:
    unit, _ = scripted(LakeShore336, [(b"KRDG? A;*ESR?\n", reply)])
    with pytest.raises(error):
        unit.read("temperature_K")


def test_a_set_point_is_read_back() -> None:
    unit, wire = scripted(LakeShore336, [(b"SETP 1,25.0000;*ESR?\n", b"0\r\n"), (b"SETP? 1;*ESR?\n", b"+25.0000;0\r\n")])
    unit.write("set_temperature_K", 25.0)
    assert wire.finished()
    unit, _ = scripted(LakeShore336, [(b"SETP 1,25.0000;*ESR?\n", b"0\r\n"), (b"SETP? 1;*ESR?\n", b"+20.0000;0\r\n")])
    with pytest.raises(Refused, match="reads back 20"):
        unit.write("set_temperature_K", 25.0)


@pytest.mark.parametrize("value", [3.0, 326.0, float("nan"), "25"])
def test_limits(value: float) -> None:
    unit, wire = scripted(LakeShore336, [])
    with pytest.raises(LimitError, match="set_temperature_K"):
        unit.write("set_temperature_K", value)
    assert wire.finished()


def test_faults_of_sensor_and_heater_are_named() -> None:
    unit, _ = scripted(
        LakeShore336,
        [(b"RDGST? A;*ESR?\n", b"128;0\r\n"), (b"HTRST? 1;*ESR?\n", b"1;0\r\n"), (b"RANGE? 1;*ESR?\n", b"0;0\r\n")],
    )
    status = unit.status()
    assert not status.ok
    assert status.warnings == ("sensor A: sensor over-range", "heater 1: open load")


def test_the_heater_goes_off_and_says_so() -> None:
    off = (b"RANGE? 1;*ESR?\n", b"0;0\r\n")
    unit, wire = scripted(LakeShore336, [(b"RANGE 1,0;*ESR?\n", b"0\r\n"), off, off])
    assert unit.make_safe().confirmed
    assert wire.finished()
