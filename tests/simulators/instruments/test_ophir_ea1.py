"""The simulated EA-1: grammar of the dollar commands, energy flag, ranges, zeroing, stream."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.ophir_ea1 import HEAD_COMMANDS, OphirEA1
from tests.simulators.instruments.talk import talk


def ten_hertz(since: float, until: float) -> int:
    return math.floor(until * 10 + 1e-6) - math.floor(since * 10 + 1e-6)


class Laser:
    """Pulses at 10 Hz."""

    energy_J = 0.15

    def energy(self, now: float) -> float:
        return self.energy_J


def ask(meter: OphirEA1, text: str, now: float = 0.0) -> str:
    """The lines of the reply, joined by a bar."""
    reply = talk(meter, text.encode("latin-1") + b"\r\n", now).decode()
    assert reply == "" or reply.endswith("\r\n")
    return reply.removesuffix("\r\n").replace("\r\n", "|")


@pytest.fixture
def laser() -> Laser:
    return Laser()


@pytest.fixture
def meter(laser: Laser) -> OphirEA1:
    return OphirEA1(ten_hertz, laser.energy)


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("$HP", "*"),
        ("$VE", "*EA1.12"),
        ("$RE", "*"),
        ("$MA", "* 1 50Hz 60Hz"),
        ("$MA 2\r$MA", "* 2 50Hz 60Hz|* 2 50Hz 60Hz"),
        ("$IC", "*"),
        ("$ZE", "*"),
        ("$ZQ", "*ZEROING NOT STARTED"),
        ("$EF", "*0"),
        ("$SE", "*0.000E+00"),
        ("$ER", "*1"),
        ("$SP", "*0.000E+00"),
        ("$SF", "*0.000E+00"),
        ("$SI", "*J"),
        ("$RN", "*2"),
        ("$WN 0\r$RN", "*|*0"),
        ("$WN5\r$RN", "*|*5"),
        ("$AR", "*2 0 6 10.0J 2.00J 200mJ 20.0mJ 2.00mJ 200uJ"),
        ("$AW", "*CONTINUOUS 150 12000 6 193 248 355 532 755 1064"),
        ("$WL 532\r$AW", "*|*CONTINUOUS 150 12000 4 193 248 355 532 755 1064"),
        ("$WL533\r$AW", "*|*CONTINUOUS 150 12000 0 193 248 355 532 755 1064"),
        ("$WW 193\r$AW", "*|*CONTINUOUS 150 12000 1 193 248 355 532 755 1064"),
        ("$HI", "*PY 123456 PE25-C 80000003"),
        ("$II", "*EA1 654321 EA-1"),
        ("$UT", "*300 106 2500"),
        ("$UT 2500\r$UT", "*|*2500 106 2500"),
        ("$FQ", "*1 OUT IN"),
        ("$FQ 2\r$FQ", "*2 OUT IN|*2 OUT IN"),
        ("$DQ", "*1 OUT IN"),
        ("$DQ 2\r$DQ", "*2 OUT IN|*2 OUT IN"),
        ("$HC S", "*"),
        ("$hcs", "*"),
        ("$BC", "*1"),
        ("$BR", "*2 9600 19200 38400 300 1200 4800"),
        ("$BR1\r$BR", "*1 9600 19200 38400 300 1200 4800|*1 9600 19200 38400 300 1200 4800"),
        ("$CS 1", "*"),
        ("$CS 2", "*"),
    ],
)
def test_commands(meter: OphirEA1, sent: str, received: str) -> None:
    assert ask(meter, sent) == received


@pytest.mark.parametrize("sent", ["  $wn 1  ", "$WN    1", "$Wn1", "\n$WN 1"])
def test_blanks_and_case(meter: OphirEA1, sent: str) -> None:
    assert ask(meter, sent + "\r$RN") == "*|*1"


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("HP", "?COMMANDS BEGIN WITH $"),
        ("$XX", "?UNKNOWN COMMAND"),
        ("$XX 1", "?UNKNOWN COMMAND"),
        ("$", "?UNKNOWN COMMAND"),
        ("$ HP", "?UNKNOWN COMMAND"),
        ("$WN", "?PARAMETER MISSING"),
        ("$WL", "?PARAMETER MISSING"),
        ("$WW", "?PARAMETER MISSING"),
        ("$HC", "?PARAMETER MISSING"),
        ("$CS", "?PARAMETER MISSING"),
        ("$HP 1", "?TOO MANY PARAMETERS"),
    ]
    + [
        (sent, "?BAD PARAMETER")
        for sent in ("$WN 6", "$WN -1", "$WN 1 2", "$WN \xb2", "$WL 149", "$WL 12001", "$WW 500", "$UT 105", "$UT 2501")
    ]
    + [
        (sent, "?BAD PARAMETER")
        for sent in ("$FQ 0", "$FQ 3", "$DQ 3", "$MA 3", "$MA1", "$MA  1", "$HC T", "$BR7", "$CS 3", "$CS 4")
    ],
)
def test_refused(meter: OphirEA1, sent: str, received: str) -> None:
    assert ask(meter, sent) == received
    assert ask(meter, "$RN\r$UT\r$MA") == "*2|*300 106 2500|* 1 50Hz 60Hz"


def test_terminators(meter: OphirEA1) -> None:
    assert talk(meter, b"\r\n\r$HP\r$VE\r\n") == b"*\r\n*EA1.12\r\n"
    assert talk(meter, b"$HP\n") == b""
    received = bytearray(b"$H")
    assert list(meter.split(received)) == []
    received += b"P\r\n"
    assert list(meter.split(received)) == [b"$HP"]
    received += b"x" * 300
    assert list(meter.split(received)) == []
    assert received == b""


def test_energy_flag(meter: OphirEA1, laser: Laser) -> None:
    assert ask(meter, "$EF\r$EF\r$SE\r$EF\r$SE", 0.1) == "*1|*1|*1.500E-01|*0|*1.500E-01"
    laser.energy_J = 0.0123456
    assert ask(meter, "$EF\r$SE", 0.2) == "*1|*1.235E-02"
    assert ask(meter, "$SF\r$SP", 2.0) == "*1.000E+01|*1.235E-01"


def test_settling_after_a_range_change(meter: OphirEA1, laser: Laser) -> None:
    laser.energy_J = 1.0
    assert ask(meter, "$EF\r$SE\r$SP", 1.0) == "*1|*OVER|*OVER"
    assert ask(meter, "$WN 1\r$EF\r$ER", 1.05) == "*|*0|*0"
    assert ask(meter, "$EF", 4.0) == "*0"
    assert ask(meter, "$ER\r$EF\r$SE", 4.1) == "*1|*1|*1.000E+00"


def test_threshold(meter: OphirEA1, laser: Laser) -> None:
    laser.energy_J = 0.2 * 0.03
    assert ask(meter, "$EF", 1.0) == "*0"
    ask(meter, "$UT 299", 1.0)
    assert ask(meter, "$EF", 2.0) == "*1"


def test_zeroing(meter: OphirEA1, laser: Laser) -> None:
    laser.energy_J = 0.0
    assert ask(meter, "$ZE\r$ZQ\r$HP\r$EF\r$VE", 1.0) == "*|*ZEROING IN PROGRESS|*|?ZEROING|?ZEROING"
    assert ask(meter, "$ZQ", 25.9) == "*ZEROING IN PROGRESS"
    assert ask(meter, "$ZQ\r$EF", 26.0) == "*ZEROING COMPLETED|*0"
    ask(meter, "$ZE", 30.0)
    laser.energy_J = 0.1
    assert ask(meter, "$ZQ\r$EF", 30.1) == "*ZEROING FAILED|*0"
    assert ask(meter, "$EF", 30.2) == "*1"


def test_stream(meter: OphirEA1, laser: Laser) -> None:
    assert meter.speak(0.15) == b""
    assert ask(meter, "$CS 2", 0.15) == "*"
    assert meter.speak(0.2) == b"1.500E-01\n\r"
    assert meter.speak(0.25) == b""
    laser.energy_J = 0.3
    assert meter.speak(0.4) == b"OVER\n\r" * 2
    assert talk(meter, b"$CS 1\r", 0.5) == b"OVER\n\r*\r\n"
    assert meter.speak(1.0) == b""
    ask(meter, "$CS2", 1.0)
    assert meter.speak(1.1) == b"OVER\n\r"
    ask(meter, "$HP", 1.1)  # any other command ends it, too
    assert meter.speak(2.0) == b""


def test_saved_settings(meter: OphirEA1) -> None:
    ask(meter, "$WN 1\r$UT 200\r$MA 2\r$IC\r$HC S\r$WN 3\r$MA 1\r$BR 3\r$CS 2")
    meter.power_up(1.0)
    assert ask(meter, "$RN\r$UT\r$MA\r$BR", 1.0) == "*1|*200 106 2500|* 2 50Hz 60Hz|*2 9600 19200 38400 300 1200 4800"
    assert meter.speak(2.0) == b""
    ask(meter, "$WN 4", 2.0)
    assert ask(meter, "$RE\r$RN\r$SE", 2.0) == "*|*1|*0.000E+00"


def test_without_a_head(meter: OphirEA1) -> None:
    meter.fault("head_unplugged", 0.0)
    assert ask(meter, "$HI\r$EF\r$SE\r$WN 1\r$ZE\r$XX", 1.0) == "?NO HEAD|?NO HEAD|?NO HEAD|?NO HEAD|?NO HEAD|?UNKNOWN COMMAND"
    known = "$HP\r$VE\r$II\r$ZQ\r$IC\r$BC\r$CS 2\r$MA\r$BR1"
    assert "?" not in ask(meter, known, 1.0)
    for name in HEAD_COMMANDS:
        assert ask(meter, f"${name}", 1.0) == "?NO HEAD"
    assert meter.speak(2.0) == b""
    meter.fault("head_unplugged", 2.0, present=False)
    assert ask(meter, "$RN\r$EF", 2.1) == "*2|*1"
    ask(meter, "$ZE", 2.11)
    meter.fault("head_unplugged", 2.12)
    assert ask(meter, "$ZQ", 30.0) == "*ZEROING FAILED"


def test_faults_and_state(meter: OphirEA1) -> None:
    meter.fault("wrong_identity", 0.0)
    assert ask(meter, "$II\r$VE") == "*VEGA 654321 VEGA|*VG2.30"
    meter.fault("over_range", 0.0)
    assert ask(meter, "$SE", 0.1) == "*OVER"
    meter.fault("over_range", 0.1, cleared=True)
    assert ask(meter, "$SE", 0.2) == "*1.500E-01"
    assert meter.state(0.3) == {
        "energy_J": 0.15,
        "over": False,
        "new": True,
        "streaming": False,
        "range": 2,
        "full_scale_J": 0.2,
        "threshold": 300,
        "wavelength_nm": 1064,
        "zeroing": "not started",
        "head_plugged": True,
    }
    with pytest.raises(ValueError, match="head_unplugged"):
        meter.fault("stall", 1.0)


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_any_bytes(pieces: list[bytes]) -> None:
    meter = OphirEA1(ten_hertz, lambda now: 0.1)
    for position, piece in enumerate(pieces):
        talk(meter, piece + b"\r", float(position))
        talk(meter, b"$" + piece + b"\r", float(position))


@given(st.sampled_from(["MA", "WN", "WL", "WW", "UT", "FQ", "DQ", "BR", "HC", "CS"]), st.binary(max_size=9))
def test_any_parameter(name: str, parameter: bytes) -> None:
    meter = OphirEA1(ten_hertz, lambda now: 0.1)
    talk(meter, b"$" + name.encode() + parameter + b"\r$AW\r$SE\r", 1.0)
