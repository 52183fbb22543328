"""SRS SR542 on the wire: settings are silent, LERR? tells; a lost lock is found in the latch."""

import pytest

from drivers.errors import GarbledReply, LimitError, Refused, WrongInstrument
from drivers.srs_sr542 import SR542
from tests.drivers.script import Exchange, scripted


def told(text: bytes, error: bytes = b"0") -> list[Exchange]:
    return [(text + b"\n", b""), (b"LERR?\n", error + b"\n")]


@pytest.mark.parametrize("comma", [b",", b", "])
def test_identity(comma: bytes) -> None:
    reply = comma.join([b"Stanford_Research_Systems", b"SR542", b"s/n00001005", b"v1.0.5"])
    unit, _ = scripted(SR542, [(b"*IDN?\n", reply + b"\r\n")])
    assert unit.identify().serial == "00001005"
    unit, _ = scripted(SR542, [(b"*IDN?\n", b"Thorlabs,MC2000B,1,1\n")])
    with pytest.raises(WrongInstrument):
        unit.identify()


def test_following_the_reference() -> None:
    unit, wire = scripted(
        SR542,
        [
            *told(b"SRCE 3"),
            *told(b"EDGE 0"),
            *told(b"CTRL 2"),
            *told(b"MULT 5"),
            *told(b"DIVR 1"),
            *told(b"PHAS -122.000"),
            *told(b"MOTR 1"),
            (b"CHEV?\n", b"12\n"),
        ],
    )
    unit.synchronise(5, 238.0)
    assert wire.finished()


def test_a_refused_setting_has_its_error_number() -> None:
    unit, _ = scripted(SR542, told(b"SRCE 3", b"32"))
    with pytest.raises(Refused, match="'SRCE 3' gave error 32"):
        unit.synchronise(5, 0.0)
    unit, wire = scripted(SR542, [])
    with pytest.raises(LimitError):
        unit.write("phase_deg", 400.0)
    assert wire.finished()


@pytest.mark.parametrize(
    ("condition", "events", "state", "warnings"),
    [
        (b"13", b"0", "locked", ()),
        (b"13", b"8", "locked", ("the lock was lost since the last look",)),
        (b"5", b"8", "not locked", ()),
        (b"0", b"0", "stopped", ()),
    ],
)
def test_status(condition: bytes, events: bytes, state: str, warnings: tuple[str, ...]) -> None:
    unit, _ = scripted(SR542, [(b"CHCR?\n", condition + b"\n"), (b"CHEV?\n", events + b"\n")])
    status = unit.status()
    assert (status.state, status.warnings) == (state, warnings)


@pytest.mark.parametrize("reply", [b"\n", b"2\n", b"ON\n", b"1.0\n"])
def test_a_lock_is_0_or_1(reply: bytes) -> None:
    unit, _ = scripted(SR542, [(b"CHCR? 3\n", reply)])
    with pytest.raises(GarbledReply):
        unit.read("phase_locked")
