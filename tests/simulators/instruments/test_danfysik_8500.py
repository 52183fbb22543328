"""The simulated magnet supply: its bytes, its switches and interlocks, and how the current follows."""

import pytest

from simulators.instruments.danfysik_8500 import CAUSES, Danfysik8500

SYNTAX, ILLEGAL = b"?\a SYNTAX ERROR\n\r", b"?\a ILLEGAL COMMAND\n\r"


def ask(supply: Danfysik8500, text: str, now: float = 0.0) -> bytes:
    received = bytearray(text.encode() + b"\r")
    return b"".join(supply.answer(message, now) for message in supply.split(received))


@pytest.fixture
def supply() -> Danfysik8500:
    return Danfysik8500(rated_current_A=100.0, slew_A_s=10.0, read_back_A_per_count=0.01)


@pytest.fixture
def running(supply: Danfysik8500) -> Danfysik8500:
    """Switched on at 0, ready since 2 s."""
    assert ask(supply, "N") == b""
    return supply


def test_exchanges_of_the_sheet(running: Danfysik8500) -> None:
    assert ask(running, "S1", 2.0) == b".!......................\n\r"
    assert ask(running, "S1H", 2.0) == b"400000\n\r"
    assert ask(running, "PO", 2.0) == b"+\n\r"
    assert ask(running, "WA 500000\rRA", 2.0) == b"500000\n\r"
    assert ask(running, "DA 0,750000\rDA 0\rDA 0 250000\rRA", 2.0) == b"0 750000\n\r250000\n\r"


@pytest.mark.parametrize(
    ("cause", "text", "digits"),
    [
        ("magnet water flow", b"!!.......!..........!.!.", b"C0400A"),
        ("panic button", b"!!.......!.........!..!.", b"C04012"),
    ],
)
def test_interlock_latches_until_cause_and_reset(running: Danfysik8500, cause: str, text: bytes, digits: bytes) -> None:
    ask(running, "WA 500000", 2.0)
    running.fault("interlock", 10.0, cause=cause)
    assert (ask(running, "S1", 10.0), ask(running, "S1H", 10.0)) == (text + b"\n\r", digits + b"\n\r")
    assert ask(running, "RS\rN", 11.0) == ILLEGAL
    running.fault("interlock", 12.0, cause=cause, present=False)
    assert ask(running, "N", 12.0) == ILLEGAL
    assert ask(running, "RS\rN\rS1H", 13.0) == b"400002\n\r"
    assert ask(running, "RA", 15.0) == b"000000\n\r"
    assert running.current_A(15.0) == 0.0


def test_from_an_interlock_to_its_reset_measurements_are_those_before_it(running: Danfysik8500) -> None:
    ask(running, "WA 500000", 2.0)
    running.fault("interlock", 100.0, cause="magnet water flow")
    running.fault("interlock", 110.0, cause="phase failure")
    assert running.current_A(200.0) == 0.0
    assert ask(running, "AD 8\rAD 0\rAD 10", 200.0) == b"E5000\n\rE50\n\r" + ILLEGAL
    for cause in ("magnet water flow", "phase failure"):
        running.fault("interlock", 201.0, cause=cause, present=False)
    assert ask(running, "RS\rAD 8", 202.0) == b"0\n\r"


def test_current_slews_and_keeps_the_sign_of_the_polarity(running: Danfysik8500) -> None:
    ask(running, "WA 500000", 2.0)
    assert running.current_A(4.0) == pytest.approx(20.0)
    assert ask(running, "AD 8", 4.5) == b"2500\n\r"
    assert running.current_A(3.0) == pytest.approx(10.0)
    assert ask(running, "AD 0\rAD 2\rAD 8", 100.0) == b"50\n\r50\n\r5000\n\r"
    assert ask(running, "PO -", 100.0) == ILLEGAL
    assert ask(running, "WA 0\rPO -", 100.0) == ILLEGAL
    assert ask(running, "PO -\rPO\rS1", 106.0) == b"-\n\r..!...................!.\n\r"
    assert ask(running, "WA 100000\rRA", 107.0) == b"000000\n\r"
    ask(running, "WA 100000", 108.0)
    assert running.current_A(120.0) == pytest.approx(-10.0)


def test_set_point_stays_at_zero_while_off(supply: Danfysik8500) -> None:
    assert ask(supply, "S1\rS1H") == b"!!....................!.\n\rC00002\n\r"
    assert ask(supply, "WA 500000\rRA") == b"000000\n\r"
    assert supply.current_A(100.0) == 0.0


def test_switching_off_runs_the_current_down(running: Danfysik8500) -> None:
    ask(running, "WA 500000", 2.0)
    ask(running, "F", 10.0)
    assert running.current_A(12.0) == pytest.approx(30.0)
    assert running.current_A(20.0) == 0.0


def test_every_channel_is_measured(running: Danfysik8500) -> None:
    ask(running, "WA 500000", 2.0)
    replies = b"".join(ask(running, f"AD {channel}", 20.0) for channel in range(10)).split()
    assert replies == [b"50", b"120", b"50", b"150", b"-150", b"50", b"25", b"8", b"5000", b"60"]
    assert ask(running, "DA 0\rAD 10\rAD x", 20.0) == b"0 500000\n\r" + ILLEGAL * 2


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        ("MAX", b"999999"), ("CLOCK", b"23-11-2026 12:00:00"), ("W1 200\rR1", b"200"), ("W2 255\rR2", b"255"),
        ("W3 1550\rR3", b"1550"), ("BAUD 9600\rRA", b"000000"), ("S2", b"R,"), ("RAMP S", b"STOPPED"),
    ],
)  # fmt: skip
def test_other_words(supply: Danfysik8500, sent: str, back: bytes) -> None:
    assert ask(supply, sent) == back + b"\n\r"


@pytest.mark.parametrize(
    "text", ["W1 256", "W3 1551", "BAUD 9601", "RAMPSET x", "R 1.5", "RAMP X", "CSS 16", "WSA 1,2,3", "MULT 1,0"]
)
def test_wrong_arguments(supply: Danfysik8500, text: str) -> None:
    assert ask(supply, text) == SYNTAX


def test_the_slew_rate_port_slows_the_current(running: Danfysik8500) -> None:
    ask(running, "W3 1000\rWA 500000", 2.0)
    assert running.current_A(12.0) == pytest.approx(10.0)


def test_switching_off_softly(running: Danfysik8500) -> None:
    ask(running, "WA 500000", 2.0)
    ask(running, "GOFF", 10.0)
    assert ask(running, "S1", 14.0)[:1] == b"."
    assert ask(running, "S1", 16.0)[:1] == b"!"


def test_a_table_of_steps_is_walked(running: Danfysik8500) -> None:
    assert ask(running, "RAMPSET C\rRAMPSET 2\rR 0.1\rR 0.2\rR 0.3\rRAMP R", 10.0) == b""
    assert [ask(running, "RA", now).strip() for now in (10.5, 12.5, 14.5)] == [b"100000", b"200000", b"300000"]
    ask(running, "RAMP R", 20.0)
    assert ask(running, "RAMP S\rRA", 20.5) == b"STOPPED\n\r100000\n\r"
    assert ask(running, "RA", 30.0) == b"100000\n\r"
    ask(running, "RAMPSET C\rRAMP R", 30.0)
    assert ask(running, "RA", 50.0) == b"100000\n\r"


def test_a_stack_of_ramps_is_repeated(running: Danfysik8500) -> None:
    assert ask(running, "CSS 1\rSLOW 1\rWSA 1,0,100000,10\rWSA 1,100000,0,10\rMULT 1,2\rSYNC 1,5\rTS 1\rS2", 10.0) == b"R1,\n\r"
    found = [ask(running, "RA", now).strip() for now in (14.0, 20.0, 25.0, 30.0, 45.0, 55.0)]
    assert found == [b"000000", b"050000", b"100000", b"050000", b"100000", b"000000"]
    assert ask(running, "S2\rFAST 1\rTS 1\rS2\rSTOP\rS2", 60.0) == b"R,\n\rR1,\n\rR,\n\r"
    ask(running, "SYNC 1,0\rTS 1", 70.0)
    assert ask(running, "RA", 71.0) == b"100000\n\r"
    ask(running, "CSS 1\rTS 1", 80.0)
    assert ask(running, "S2", 80.0) == b"R,\n\r"


def test_ramps_need_a_supply_that_is_ready(supply: Danfysik8500) -> None:
    assert ask(supply, "RAMP R\rTS 0") == ILLEGAL * 2


@pytest.mark.parametrize("text", ["XYZ", "wa 5", "WA -5", "WA 1000000", "WA", "DA 1,5", "PO x", "N 1", "\nRA x"])
def test_unknown_and_malformed_commands(supply: Danfysik8500, text: str) -> None:
    assert ask(supply, text) == SYNTAX


def test_forms_of_refusal_and_of_acknowledgement(running: Danfysik8500) -> None:
    assert ask(running, "ERRC\rXYZ\rNERR\rXYZ\rERRT\rXYZ") == b"?\a 1\n\r?\a\n\r" + SYNTAX
    assert ask(running, "ASW\rWA 5\rNASW\rWA 5", 2.0) == b"OK\n\r"


def test_who_is_in_command(supply: Danfysik8500) -> None:
    assert ask(supply, "CMD\rCMDSTATE") == b"REM\n\rREMOTE\n\r"
    supply.fault("front_panel_local", 0.0)
    assert ask(supply, "CMD\rCMDSTATE\rWA 5\rN\rRLOCK") == b"LOC\n\rLOCAL\n\r" + ILLEGAL * 3
    assert ask(supply, "REM\rRLOCK\rRLOCK") == b"?\a COMMAND ALREADY ACTIVE\n\r"
    supply.fault("front_panel_local", 0.0)
    assert ask(supply, "CMD") == b"REM\n\r"
    assert ask(supply, "LOC\rCMD\rREM") == b"LOC\n\r"
    assert ask(supply, "LOCK\rCMDSTATE\rREM\rUNLOCK\rREM\rCMDSTATE") == b"LOCK\n\r" + ILLEGAL + b"REMOTE\n\r"


def test_only_the_addressed_unit_answers(supply: Danfysik8500) -> None:
    assert ask(supply, "ADR\rADR 075\rRA\rADR 000\rRA") == b"000\n\r000000\n\r"
    assert ask(supply, "LALL\rRA\rN\rADR 000\rS1H") == b"C00002\n\r"


def test_messages_split_and_joined(supply: Danfysik8500) -> None:
    received = bytearray(b"RA\rP")
    assert list(supply.split(received)) == [b"RA"]
    received += b"O\r\r"
    assert list(supply.split(received)) == [b"PO", b""]
    assert ask(supply, "garb\x16RA") == b"000000\n\r"


def test_identity_faults_and_power_cycle(supply: Danfysik8500) -> None:
    assert b"SYSTEM 8500" in ask(supply, "ID")
    assert [ask(supply, name).count(b"\n\r") for name in ("ID", "PRINT", "VER")] == [4, 2, 3]
    supply.fault("wrong_identity", 1.0)
    assert b"8500" not in ask(supply, "PRINT")
    assert len(ask(supply, "S1").strip()) == 32
    supply.power_up(2.0)
    assert b"SYSTEM 8500" in ask(supply, "PRINT")
    with pytest.raises(ValueError, match="front_panel_local"):
        supply.fault("explodes", 3.0)
    with pytest.raises(ValueError, match=next(iter(CAUSES))):
        supply.fault("interlock", 3.0, cause="gremlins")
