"""High voltage, vacuum gauge and the second pressure controller, as their sheets say, byte for byte."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.instruments.alicat_pc import AlicatPC
from simulators.instruments.caen_dt1470et import CaenDT1470ET
from simulators.instruments.instrument import SimulatedInstrument
from simulators.instruments.iseg_nhq import IsegNHQ
from simulators.instruments.pfeiffer_tpg362 import TPG362
from tests.simulators.instruments.talk import talk

MAKERS: dict[str, Callable[[], SimulatedInstrument]] = {
    "caen": CaenDT1470ET,
    "iseg": IsegNHQ,
    "tpg": lambda: TPG362(lambda now: (1.7377, 2e-7)),
    "alicat": AlicatPC,
}


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        (b"$BD:00,CMD:MON,PAR:BDNAME\r\n", b"#BD:00,CMD:OK,VAL:DT1470ET\r\n"),
        (b"$BD:0,CMD:MON,PAR:VSET,CH:0\r\n", b"#BD:00,CMD:OK,VAL:0000.0\r\n"),
        (b"$BD:00,CMD:MON,CH:4,PAR:STAT\r\n", b"#BD:00,CMD:OK,VAL:00000;00000;00000;00000\r\n"),
        (b"$BD:00,CMD:MON,CH:0,PAR:BOGUS\r\n", b"#BD:00,PAR:ERR\r\n"),
        (b"$BD:00,CMD:SET,CH:0,PAR:VSET,VAL:9000\r\n", b"#BD:00,VAL:ERR\r\n"),
        (b"$BD:00,CMD:SET,CH:9,PAR:VSET,VAL:1\r\n", b"#BD:00,CH:ERR\r\n"),
        (b"$BD:00,CMD:XXX,PAR:BDNAME\r\n", b"#BD:00,CMD:ERR\r\n"),
        (b"$BD:07,CMD:MON,PAR:BDNAME\r\n", b""),
    ],
)
def test_the_caens_replies(sent: bytes, back: bytes) -> None:
    assert talk(CaenDT1470ET(), sent) == back


def test_the_caen_ramps_trips_and_clears() -> None:
    unit = CaenDT1470ET()
    talk(
        unit, b"$BD:00,CMD:SET,CH:0,PAR:RUP,VAL:10\r\n$BD:00,CMD:SET,CH:0,PAR:VSET,VAL:600.0\r\n$BD:00,CMD:SET,CH:0,PAR:ON\r\n"
    )
    assert talk(unit, b"$BD:00,CMD:MON,CH:0,PAR:STAT\r\n", 1.0) == b"#BD:00,CMD:OK,VAL:00003\r\n"
    assert unit.voltage_V(0, 30.0) == pytest.approx(300.0)
    assert unit.voltage_V(0, 100.0) == pytest.approx(600.0)
    unit.fault("trip", 100.0, channel=0)
    assert talk(unit, b"$BD:00,CMD:MON,CH:0,PAR:STAT\r\n", 200.0) == b"#BD:00,CMD:OK,VAL:00128\r\n"
    assert talk(unit, b"$BD:00,CMD:SET,PAR:BDCLR\r\n$BD:00,CMD:MON,CH:0,PAR:STAT\r\n", 200.0).endswith(b"00000\r\n")
    unit.fault("front_panel", 200.0)
    assert talk(unit, b"$BD:00,CMD:SET,CH:0,PAR:ON\r\n", 200.0) == b"#BD:00,LOC:ERR\r\n"


def test_over_current_lasting_too_long_trips() -> None:
    unit = CaenDT1470ET()
    for par in (b"ISET,VAL:5", b"TRIP,VAL:10", b"RUP,VAL:500", b"VSET,VAL:1000", b"ON"):
        talk(unit, b"$BD:00,CMD:SET,CH:1,PAR:" + par + b"\r\n")
    for now in range(1, 6):
        unit.voltage_V(1, float(now))
    assert int(talk(unit, b"$BD:00,CMD:MON,CH:1,PAR:STAT\r\n", 6.0)[-7:]) & 1 << 3
    for now in range(7, 30):
        unit.voltage_V(1, float(now))
    assert int(talk(unit, b"$BD:00,CMD:MON,CH:1,PAR:STAT\r\n", 30.0)[-7:]) == 1 << 7


def test_the_iseg_echoes_and_ramps_when_told() -> None:
    unit = IsegNHQ()
    assert talk(unit, b"U1\r\n") == b"U1\r\n-0000\r\n"
    assert talk(unit, b"V1=20\r\nD1=50\r\n") == b"V1=20\r\n\r\nD1=50\r\n\r\n"
    assert unit.voltage_V(1, 10.0) == 0.0
    assert talk(unit, b"G1\r\n", 10.0) == b"G1\r\nS1=L2H\r\n"
    assert talk(unit, b"U1\r\n", 11.25) == b"U1\r\n-0025\r\n"
    assert talk(unit, b"S1\r\n", 13.0) == b"S1\r\nS1=ON \r\n"
    assert talk(unit, b"D2=9999\r\nD2\r\n") == b"D2=9999\r\n? UMAX@=5600\r\nD2\r\n5600\r\n"
    assert talk(unit, b"\r\nX9\r\nU3\r\n") == b"\r\n????\r\nX9\r\n?WCN\r\nU3\r\n?WCN\r\n"


def test_reading_the_isegs_status_releases_a_trip() -> None:
    unit = IsegNHQ()
    talk(unit, b"D1=50\r\nA1=8\r\nG1\r\n")
    unit.fault("trip", 100.0, channel=1)
    assert talk(unit, b"S1\r\n", 101.0) == b"S1\r\nS1=TRP\r\n"
    assert unit.voltage_V(1, 200.0) == 50.0


def test_the_gauge_acknowledges_and_is_asked() -> None:
    unit = TPG362(lambda now: (1.7377, 2e-7))
    assert talk(unit, b"PR1\r\n\x05") == b"\x06\r\n0,+1.7377E+00\r\n"
    assert talk(unit, b"XYZ\r\n\x05") == b"\x15\r\n0001\r\n"
    assert talk(unit, b"UNI, 2\r\n\x05PR1\r\n\x05\x05") == b"\x06\r\n2\r\n\x06\r\n" + b"0,+1.7377E+02\r\n" * 2
    assert talk(unit, b"SEN,1,0\r\n\x05PR1\r\n\x05").endswith(b"4,+1.7377E+02\r\n")
    assert talk(unit, b"DCD,9\r\n\x05ERR\r\n\x05") == b"\x15\r\n0010\r\n\x06\r\n0000\r\n"


def test_the_gauge_talks_by_itself_until_somebody_speaks() -> None:
    unit = TPG362(lambda now: (1.7377, 2e-7))
    assert unit.speak(0.5) == b""
    assert unit.speak(1.5) == b"0,+1.7377E+00,0,+2.0000E-07\r\n"
    talk(unit, b"\x03", 2.0)
    assert unit.speak(5.0) == b""
    talk(unit, b"COM,0\r\n", 6.0)
    assert unit.speak(7.0) != b""


def test_the_pressure_follows_its_set_point() -> None:
    unit = AlicatPC(10.0, "B")
    assert talk(unit, b"BS4.50\r") == b"B +000.00 +004.50\r"
    assert unit.pressure_bar(20.0) == pytest.approx(4.5, abs=1e-3)
    assert talk(unit, b"BHC\r", 20.0) == b"B +004.50 +004.50 HLD\r"
    assert unit.pressure_bar(40.0) == pytest.approx(0.0, abs=1e-3)
    assert talk(unit, b"A\rBR122\rBXX\rB32000\r", 40.0) == b"B   122 = 34\r?\rB +000.00 +005.00 HLD\r"


@pytest.mark.parametrize("name", MAKERS)
def test_an_unknown_fault_names_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"no fault 'boredom'; known are wrong_identity"):
        MAKERS[name]().fault("boredom", 0.0)


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=50)
@given(data=st.binary(max_size=60))
def test_no_bytes_upset_them(name: str, data: bytes) -> None:
    unit = MAKERS[name]()
    talk(unit, data + b"\r\n", 1.0)
    assert unit.state(2.0)
