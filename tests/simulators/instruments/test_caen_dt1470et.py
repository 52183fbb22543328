"""The simulated CAEN supply: frames, ramps, trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.caen_dt1470et import CaenDT1470ET
from tests.simulators.instruments.talk import talk


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


LIMITS = {
    "VMIN": "0000.0", "VMAX": "8000.0", "VDEC": "1", "IMIN": "0000.00", "IMAX": "3000.00", "ISDEC": "2", "IMDEC": "2",
    "MVMIN": "0000", "MVMAX": "8100", "MVDEC": "0", "RUPMIN": "001", "RUPMAX": "500", "RUPDEC": "0", "RDWMIN": "001",
    "RDWMAX": "500", "RDWDEC": "0", "TRIPMIN": "0000.0", "TRIPMAX": "1000.0", "TRIPDEC": "1",
}  # fmt: skip
MEASURED = {"VMON": "0000.0", "IMON": "0000.00", "POL": "-", "STAT": "00000"}
FRESH = {
    "VSET": "0000.0",
    "ISET": "0100.00",
    "MAXV": "8000",
    "RUP": "050",
    "RDW": "050",
    "TRIP": "0010.0",
    "PDWN": "RAMP",
    "IMRANGE": "HIGH",
}
OTHERS = {
    "VSET": "0600.0",
    "ISET": "0005.00",
    "MAXV": "7000",
    "RUP": "010",
    "RDW": "020",
    "TRIP": "0020.0",
    "PDWN": "KILL",
    "IMRANGE": "LOW",
}
BOARD = {
    "BDNAME": "DT1470ET", "BDNCH": "4", "BDFREL": "1.08", "BDSNUM": "33997", "BDCTR": "REMOTE", "BDTERM": "OFF", "BDILK": "NO",
    "BDILKM": "OPEN", "BDALARM": "00000",
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [*LIMITS.items(), *MEASURED.items(), *FRESH.items()])
def test_a_fresh_channel_tells(name: str, value: str) -> None:
    assert talk(CaenDT1470ET(), f"$BD:00,CMD:MON,CH:2,PAR:{name}\r\n".encode()) == f"#BD:00,CMD:OK,VAL:{value}\r\n".encode()


@pytest.mark.parametrize(("name", "value"), OTHERS.items())
def test_a_channel_is_set(name: str, value: str) -> None:
    unit = CaenDT1470ET()
    assert talk(unit, f"$BD:00,CMD:SET,CH:2,PAR:{name},VAL:{value}\r\n".encode()) == b"#BD:00,CMD:OK\r\n"
    assert talk(unit, f"$BD:00,CMD:MON,CH:2,PAR:{name}\r\n".encode()) == f"#BD:00,CMD:OK,VAL:{value}\r\n".encode()
    assert talk(unit, f"$BD:00,CMD:MON,CH:1,PAR:{name}\r\n".encode()) == f"#BD:00,CMD:OK,VAL:{FRESH[name]}\r\n".encode()


@pytest.mark.parametrize(("name", "value"), BOARD.items())
def test_the_board_tells(name: str, value: str) -> None:
    assert talk(CaenDT1470ET(), f"$BD:00,CMD:MON,PAR:{name}\r\n".encode()) == f"#BD:00,CMD:OK,VAL:{value}\r\n".encode()


def test_the_interlock_mode_is_set() -> None:
    replies = talk(CaenDT1470ET(), b"$BD:00,CMD:SET,PAR:BDILKM,VAL:CLOSED\r\n$BD:00,CMD:MON,PAR:BDILKM\r\n")
    assert replies == b"#BD:00,CMD:OK\r\n#BD:00,CMD:OK,VAL:CLOSED\r\n"


def test_a_killed_channel_falls_at_once() -> None:
    unit = CaenDT1470ET()
    for par in (b"PDWN,VAL:KILL", b"RUP,VAL:500", b"VSET,VAL:1000", b"ON"):
        talk(unit, b"$BD:00,CMD:SET,CH:1,PAR:" + par + b"\r\n")
    assert unit.voltage_V(1, 10.0) == pytest.approx(1000.0)
    talk(unit, b"$BD:00,CMD:SET,CH:1,PAR:OFF\r\n", 10.0)
    assert unit.voltage_V(1, 10.0) == 0.0


def test_a_disabled_channel_takes_on_without_effect_and_keeps_its_set_point() -> None:
    unit = CaenDT1470ET()
    for par in (b"RUP,VAL:500", b"VSET,VAL:1000", b"ON"):
        talk(unit, b"$BD:00,CMD:SET,CH:1,PAR:" + par + b"\r\n")
    unit.fault("switch", 10.0, channel=1)
    assert unit.voltage_V(1, 10.0) == 0.0
    assert talk(unit, b"$BD:00,CMD:SET,CH:1,PAR:ON\r\n", 10.0) == b"#BD:00,CMD:OK\r\n"
    assert talk(unit, b"$BD:00,CMD:MON,CH:1,PAR:STAT\r\n", 10.0) == b"#BD:00,CMD:OK,VAL:01024\r\n"
    unit.fault("switch", 11.0, channel=1, present=False)
    assert talk(unit, b"$BD:00,CMD:MON,CH:1,PAR:STAT\r\n", 11.0) == b"#BD:00,CMD:OK,VAL:00000\r\n"
    assert talk(unit, b"$BD:00,CMD:MON,CH:1,PAR:VSET\r\n", 11.0) == b"#BD:00,CMD:OK,VAL:1000.0\r\n"


def test_a_reading_dances_by_two_digits_and_the_same_for_the_same_seed() -> None:
    def readings(seed: int) -> list[float]:
        unit = CaenDT1470ET(seed=seed)
        for par in (b"RUP,VAL:500", b"VSET,VAL:1000", b"ON"):
            talk(unit, b"$BD:00,CMD:SET,CH:1,PAR:" + par + b"\r\n")
        return [float(talk(unit, b"$BD:00,CMD:MON,CH:1,PAR:VMON\r\n", 10.0)[-8:]) for _ in range(50)]

    assert set(readings(1)) == {999.8, 999.9, 1000.0, 1000.1, 1000.2}
    assert readings(1) == readings(1) != readings(2)


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="wrong_identity"):
        CaenDT1470ET().fault("nonsense", 0.0)


@given(data=st.binary(max_size=60))
def test_no_bytes_upset_it(data: bytes) -> None:
    talk(CaenDT1470ET(), data + b"\r\n")
