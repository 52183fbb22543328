"""The simulated chopper: silence, run-up, locks, and every word of its sheet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.srs_sr542 import SR542
from tests.simulators.instruments.talk import talk


@pytest.mark.parametrize(
    ("setting", "query", "back"),
    [
        ("IFRQ 80", "IFRQ?", "80.00"),
        ("PHAS -12.5", "PHAS?", "-12.50"),
        ("VCOS 500", "VCOS?", "500.00"),
        ("MULT 4", "MULT?", "4"),
        ("DIVR 3", "DIVR?", "3"),
        ("SRCE EXT", "SRCE?", "3"),
        ("EDGE FALL", "EDGE?", "1"),
        ("CTRL 1", "CTRL?", "1"),
        ("RELP ON", "RELP?", "1"),
        ("MOTR ON", "MOTR?", "1"),
        ("DISP 5", "DISP?", "5"),
        ("ALRM 1", "ALRM?", "1"),
        ("KCLK ON", "KCLK?", "1"),
        ("CHPT 12", "CHPT?", "12"),
        ("CHNT 3,  1", "CHNT?", "8"),
        ("CHNT 12;CHNT 3, 0", "CHNT? 2", "1"),
        ("CHEN 8", "CHEN?", "8"),
        ("*ESE 32", "*ESE?", "32"),
        ("*SRE 32", "*SRE?", "32"),
        ("TOKN ON", "TOKN?", "ON"),
        ("TOKN ON;SRCE 0", "SRCE?", "INT"),
        ("", "*OPC?", "1"),
        ("", "*ESR?", "128"),
        ("*CLS;*OPC;COPC", "*ESR?", "1"),
        ("*ESE 32;*SRE 32;NOPE", "*STB?", "96"),
        ("", "SLOT?", "5, 6"),
        ("", "SLOT? 1", "6"),
        ("", "*IDN?", "Stanford_Research_Systems,SR542,s/n00001005,v1.0.5"),
        ("IFRQ 60;*SAV 2;IFRQ 70;*RCL 2", "IFRQ?", "60.00"),
        ("IFRQ 60;*SAV 2;IFRQ 70;BACK", "IFRQ?", "60.00"),
        ("IFRQ 60;*RST", "IFRQ?", "100.00"),
    ],
)
def test_what_is_set_reads_back(setting: str, query: str, back: str) -> None:
    unit = SR542(lambda now: 20.0, warm=False)
    assert talk(unit, f"{setting}\n{query}\n".encode()) == f"{back}\r\n".encode()


@pytest.mark.parametrize(("token", "end"), [("NONE", b""), ("CR", b"\r"), ("LF", b"\n"), ("CRLF", b"\r\n"), ("LFCR", b"\n\r")])
def test_replies_end_as_they_are_told_to(token: str, end: bytes) -> None:
    unit = SR542(lambda now: 20.0)
    assert talk(unit, f"TERM {token};MULT?\n".encode()) == b"1" + end


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("NOPE", 22),
        ("JINT?", 23),
        ("MFRQ 1", 24),
        ("MULT", 25),
        ("*SAV", 25),
        ("IFRQ x", 29),
        ("MULT x", 30),
        ("SRCE 9", 32),
        ("SRCE BANANA", 33),
        ("MFRQ? 9", 33),
        ("IFRQ 1e9", 104),
        ("*RCL 3", 104),
        ("CHCR? 9", 104),
        ("!", 21),
    ],
)
def test_refusals_are_silent_and_logged(command: str, error: int) -> None:
    unit = SR542(lambda now: 20.0)
    assert talk(unit, f"{command}\n".encode()) == b""
    assert talk(unit, b"LERR?\nLERR?\n") == f"{error}\r\n0\r\n".encode()


def test_every_frequency_is_measured() -> None:
    unit = SR542(lambda now: 20.0)
    talk(unit, b"IFRQ 60;MOTR 1\n")
    replies = talk(unit, b"".join(b"MFRQ? %d\n" % which for which in range(7)), 60.0).split()
    assert [float(one) for one in replies] == pytest.approx([60, 50, 10, 20, 110, 10, 60])
    assert talk(unit, b"MFRQ? SHAFT\n", 60.0) == b"10.000\r\n"
    talk(unit, b"SRCE LINE\n", 60.0)
    assert float(talk(unit, b"MFRQ? 0\n", 70.0)) == pytest.approx(50.0)
    talk(unit, b"IFRQ 90;JINT\n", 70.0)
    assert float(talk(unit, b"MFRQ? 0\n", 70.0)) == pytest.approx(90.0)


@pytest.mark.parametrize(("source", "chops_Hz"), [("INT", 150.0), ("VCO", 0.0), ("LINE", 75.0), ("EXT", 30.0)])
def test_multiple_and_divider_act_on_every_source(source: str, chops_Hz: float) -> None:
    unit = SR542(lambda now: 20.0)
    talk(unit, f"MULT 3;DIVR 2;SRCE {source}\n".encode())
    assert float(talk(unit, b"MFRQ? 0\n", 60.0)) == pytest.approx(chops_Hz)
    assert float(talk(unit, b"MFRQ? 6\n", 60.0)) == pytest.approx(chops_Hz)


def test_somebody_stops_the_wheel_and_the_cable_comes_off() -> None:
    unit = SR542(lambda now: 20.0)
    unit.fault("front_panel", 1.0)
    assert talk(unit, b"MOTR?;*ESR?\n", 1.0) == b"0\r\n192\r\n"
    unit.fault("head_disconnected", 1.0)
    assert talk(unit, b"CHEV? 6;CHEV?\n", 1.0) == b"1\r\n0\r\n"
    unit.fault("wrong_identity", 1.0)
    assert b"SR540" in talk(unit, b"*IDN?\n", 1.0)
    with pytest.raises(ValueError, match="lose_lock"):
        unit.fault("nonsense", 1.0)


@given(data=st.binary(max_size=80))
def test_no_bytes_upset_it(data: bytes) -> None:
    talk(SR542(lambda now: 20.0), data + b"\n")


def test_the_chopper_runs_up_and_locks() -> None:
    unit = SR542(lambda now: 20.0, warm=False)
    talk(unit, b"CHNT 12;SRCE 3;MULT 5;MOTR 1\n")
    assert talk(unit, b"CHCR? 3\n", now=1.0) == b"0\r\n"
    assert unit.opening(4.0)[0] == pytest.approx(80.0)
    unit.opening(6.0)
    assert talk(unit, b"CHCR? 3\rCHEV?\r", now=8.0) == b"1\r\n0\r\n"
    unit.fault("lose_lock", 8.0, seconds=1.0)
    assert talk(unit, b"CHCR? 3\n", now=8.5) == b"0\r\n"
    unit.opening(9.5)
    assert talk(unit, b"CHCR? 3\nCHEV?\nCHEV?\n", now=12.0) == b"1\r\n12\r\n0\r\n"
    assert talk(unit, b"NOPE 1\nLERR?\n", now=12.0) == b"22\r\n"
    assert talk(unit, b"SRCE 9\nLERR?\n", now=12.0) == b"32\r\n"
