"""The simulated gaussmeter: every command of its sheet, silence for the rest, alarm, relay and zeroing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.lakeshore_425 import LakeShore425
from tests.simulators.instruments.talk import talk


@pytest.fixture
def unit() -> LakeShore425:
    """In a field of 1 T from 10 s on, of -0.2 T before."""
    return LakeShore425(lambda now: 1.0 if now >= 10 else -0.2, seed=1)


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b"*IDN?", b"LSCI,MODEL425,4250022,1.0"),
        (b"RDGMX?", b"+002.000E+03"),
        (b"RDGMNMX?", b"+000.000E+00,+002.000E+03"),
        (b"UNIT?", b"1"),
        (b"RANGE?", b"3"),
        (b"AUTO?", b"1"),
        (b"RDGMODE?", b"1,0,1"),
        (b"REL?", b"0"),
        (b"RELSP?", b"+000.000E+00"),
        (b"ALARM?", b"0,1,+000.000E+00,+000.000E+00,1,0,0"),
        (b"RELAY?", b"0,3"),
        (b"RELAYST?", b"0"),
        (b"OPST?", b"004"),
        (b"TYPE?", b"40"),
        (b"unit?;type?", b"1;40"),
        (b"UNIT 2;UNIT?", b"2"),
        (b"UNIT 4;UNIT?", b"4"),
        (b"UNIT 5;UNIT?", b"1"),
        (b"RANGE 1;RANGE?;AUTO?", b"1;0"),
        (b"RANGE 5;RANGE?;AUTO?", b"3;1"),
        (b"RANGE 1,2;RANGE?;AUTO?", b"3;1"),
        (b"RANGE;RANGE?;AUTO?", b"3;1"),
        (b"AUTO 1,0;AUTO 2;AUTO?", b"1"),
        (b"AUTO 0,1;AUTO?", b"1"),
        (b"AUTO 0;AUTO?;RANGE?", b"0;4"),
        (b"AUTO 0;AUTO;AUTO?", b"1"),
        (b"RDGMODE 2,1,2;RDGMODE?", b"2,1,2"),
        (b"RDGMODE 1,0;RDGMODE?", b"1,0,1"),
        (b"RDGMODE 3,0,1;RDGMODE?", b"1,0,1"),
        (b"REL 1;REL?", b"1"),
        (b"REL 2;REL?", b"0"),
        (b"RELSP -1.5E3;RELSP?", b"-001.500E+03"),
        (b"RELSP 1e3;UNIT 2;RELSP?", b"+100.000E-03"),
        (b"RELSP 350001;RELSP?", b"+000.000E+00"),
        (b"RELSP nan;RELSP?", b"+000.000E+00"),
        (b"ALARM 1,1,100,300,1,0,0;ALARM?", b"1,1,+100.000E+00,+300.000E+00,1,0,0"),
        (b"ALARM 1,1,100,400000,1,0,0;ALARM?", b"0,1,+000.000E+00,+000.000E+00,1,0,0"),
        (b"RELAY 1,2;RELAY?;RELAYST?", b"1,2;1"),
        (b"RELAY 3,2;RELAY?", b"0,3"),
        (b"RELAY 1;RELAY?", b"0,3"),
        (b"RELAY 1,4;RELAY?", b"0,3"),
        (b"ALARM 0,2,-1E3,3.5E5,2,1,1;ALARM?", b"0,2,-001.000E+03,+350.000E+03,2,1,1"),
        (b"ALARM 1,1,100,300,1,0;ALARM?", b"0,1,+000.000E+00,+000.000E+00,1,0,0"),
        (b"UNIT 3;UNIT?;RDGMX?", b"3;+002.000E+03"),
        (b"UNIT 4;RDGMX?", b"+159.155E+03"),
        (b"UNIT 2;*RST;UNIT?", b"1"),
        (b"UNIT 2;DFLT;UNIT?", b"1"),
    ],
)
def test_commands_and_queries(unit: LakeShore425, sent: bytes, reply: bytes) -> None:
    assert talk(unit, sent + b"\n") == reply + b"\r\n"


@pytest.mark.parametrize("silent", [b"", b"\r", b"NONSENSE", b"RDGFIELD", b"UNIT 2", b"ZCLEAR", b"?", b"*IDN ?"])
def test_settings_and_what_is_unknown_get_no_answer(unit: LakeShore425, silent: bytes) -> None:
    assert talk(unit, silent + b"\n") == b""


def test_a_reading_has_ten_digits_and_a_sign(unit: LakeShore425) -> None:
    reply = talk(unit, b"RDGFIELD?\n")
    assert (len(reply), reply[4:5], reply[8:]) == (14, b".", b"E+03\r\n")
    assert float(reply) == pytest.approx(-2000, rel=1e-3)
    assert float(talk(unit, b"UNIT 2;RDGFIELD?\n")) == pytest.approx(-0.2, rel=1e-3)


def test_a_question_mark_alone_asks_the_last_query_again(unit: LakeShore425) -> None:
    talk(unit, b"RDGMX?\n")
    assert talk(unit, b"?\n", now=20.0) == b"+010.000E+03\r\n"
    assert talk(unit, b"UNIT?;?\n", now=20.0) == b"1\r\n"


def test_relative_readings_and_zeroing(unit: LakeShore425) -> None:
    talk(unit, b"UNIT 2;RELSP -0.3;REL 1\n")
    assert float(talk(unit, b"RDGREL?\n")) == pytest.approx(0.1, abs=1e-3)
    talk(unit, b"ZPROBE\n")
    assert talk(unit, b"OPST?\n", now=1.0) == b"004\r\n"
    assert talk(unit, b"OPST?\n", now=6.0) == b"132\r\n"
    assert float(talk(unit, b"RDGFIELD?\n", now=11.0)) == pytest.approx(1.2, rel=1e-3)
    talk(unit, b"ZCLEAR\n")
    assert float(talk(unit, b"RDGFIELD?\n", now=11.0)) == pytest.approx(1.0, rel=1e-3)


def test_a_steady_field_is_nothing_to_the_alternating_mode(unit: LakeShore425) -> None:
    assert abs(float(talk(unit, b"UNIT 2;RDGMODE 2,0,1;RDGFIELD?\n"))) < 1e-3


def test_a_range_that_is_too_small_overloads(unit: LakeShore425) -> None:
    assert talk(unit, b"RANGE 1;OPST?\n") == b"006\r\n"
    assert abs(float(talk(unit, b"RDGFIELD?\n"))) < 36
    assert talk(unit, b"AUTO 1;OPST?\n") == b"004\r\n"


def test_the_alarm_follows_the_field_and_the_relay_the_alarm(unit: LakeShore425) -> None:
    talk(unit, b"UNIT 2;RELAY 2,2;ALARM 1,1,0.1,0.5,1,0,1\n")
    assert talk(unit, b"OPST?;RELAYST?\n", now=1.0) == b"004;0\r\n"
    assert talk(unit, b"OPST?;RELAYST?\n", now=20.0) == b"012;1\r\n"
    assert talk(unit, b"RELAY 2,1;RELAYST?\n", now=20.0) == b"0\r\n"
    assert talk(unit, b"ALARM 1,2,0.1,2,2,0,0;RELAYST?;OPST?\n", now=20.0) == b"1;012\r\n"


def test_the_signed_alarm_tells_a_negative_field(unit: LakeShore425) -> None:
    assert talk(unit, b"UNIT 2;ALARM 1,2,-0.1,0.5,1,0,0;RELAY 2,1;RELAYST?\n") == b"1\r\n"


@pytest.mark.parametrize(("kind", "bits"), [("no_probe", 1), ("overload", 2), ("invalid_probe", 16), ("calibration_error", 64)])
def test_faults_show_in_the_status_until_they_end(unit: LakeShore425, kind: str, bits: int) -> None:
    unit.fault(kind, 0.0)
    assert int(talk(unit, b"OPST?\n")) == 4 + bits
    unit.fault(kind, 0.0, present=False)
    assert talk(unit, b"OPST?\n") == b"004\r\n"


def test_another_gaussmeter(unit: LakeShore425) -> None:
    unit.fault("wrong_identity", 0.0)
    assert talk(unit, b"*IDN?\n").startswith(b"LSCI,MODEL475,")
    with pytest.raises(ValueError, match="no_probe"):
        unit.fault("nonsense", 0.0)


def test_messages_come_in_pieces_and_several_at_once(unit: LakeShore425) -> None:
    received = bytearray(b"\nUNIT?\r\nTY")
    assert list(unit.split(received)) == [b"", b"UNIT?\r"]
    assert received == b"TY"
    assert talk(unit, b"UNIT?\r\nTYPE?\r\n") == b"1\r\n40\r\n"


def test_the_field_is_told_behind_the_wire(unit: LakeShore425) -> None:
    state = unit.state(20.0)
    assert state == {"field_T": 1.0, "unit": 1, "mode": "1,0,1", "zero_T": 0.0, "alarm": [], "relay": False}


@given(st.lists(st.one_of(st.binary(max_size=30), st.from_regex(r"[A-Z*]{3,8}\?? [-0-9.,E+]{0,12}\n").map(str.encode))))
def test_no_bytes_are_too_much(pieces: list[bytes]) -> None:
    unit = LakeShore425(lambda now: 1.0, seed=1)
    for piece in pieces:
        talk(unit, piece + b"\n")
    assert talk(unit, b"*IDN?\n") == b"LSCI,MODEL425,4250022,1.0\r\n"
