"""BNC 575 on the wire: every command is answered, with `ok`, a value or `?` and a number."""

import pytest

from drivers.bnc_575 import BNC575, CHANNELS
from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.roles import Pulse
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete, run
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = b"BNC,575-8,31309,2.4.1-2.0.11\r\n"
CATALOGUE = (b":INST:CAT?\r\n", b"T0,CHA,CHB\r\n")


def asked(text: str, reply: str) -> Exchange:
    return (f"{text}?\r\n".encode(), f"{reply}\r\n".encode())


def told(text: str) -> Exchange:
    return (f"{text}\r\n".encode(), b"ok\r\n")


READ: Read = {
    "period_s": ([asked(":PULSE0:PER", "0.050000000")], 0.05),
    "running": ([asked(":SYST:STAT", "1")], True),
    "mode": ([asked(":PULSE0:MOD", "NORM")], "NORM"),
    "burst_count": ([asked(":PULSE0:BCO", "12")], 12),
    "cycle_on_count": ([asked(":PULSE0:PCO", "3")], 3),
    "cycle_off_count": ([asked(":PULSE0:OCO", "4")], 4),
    "trigger_mode": ([asked(":PULSE0:TRIG:MOD", "DIS")], "DIS"),
    "trigger_edge": ([asked(":PULSE0:TRIG:EDGE", "FALL")], "FALL"),
    "trigger_level_V": ([asked(":PULSE0:TRIG:LEV", "2.50")], 2.5),
    "gate_mode": ([asked(":PULSE0:GAT:MOD", "CHAN")], "CHAN"),
    "gate_polarity": ([asked(":PULSE0:GAT:LOG", "HIGH")], "HIGH"),
    "gate_level_V": ([asked(":PULSE0:GAT:LEV", "0.20")], 0.2),
    "timebase": ([asked(":PULSE0:ICL", "EXT10")], "EXT10"),
    "clock_output": ([asked(":PULSE0:OCL", "T0")], "T0"),
    "counting": ([asked(":PULSE0:COUN:STAT", "0")], False),
    "counted_triggers": ([(b":PULSE0:COUN:COUN? TCNTS\r\n", b"1234\r\n")], 1234),
    "starts_at_power_up": ([asked(":SYST:AUT", "0")], False),
    "keys_locked": ([asked(":SYST:KLOC", "1")], True),
    "beeper": ([asked(":SYST:BEEP:STAT", "1")], True),
    "brightness": ([asked(":DISP:BRIG", "4")], 4),
} | {
    f"{letter.lower()}_{name}": ([asked(f":PULSE{number}:{words}", reply)], value)
    for letter, number in CHANNELS.items()
    for name, words, reply, value in (
        ("on", "STAT", "1", True),
        ("delay_s", "DEL", "0.002300000", 0.0023),
        ("width_s", "WIDT", "0.000120000", 0.00012),
        ("reference", "SYNC", "T0", "T0"),
        ("polarity", "POL", "NORM", "NORM"),
        ("timers", "MUX", "128", 128),
        ("output", "OUTP:MOD", "ADJ", "ADJ"),
        ("amplitude_V", "OUTP:AMP", "4.00", 4.0),
        ("mode", "CMOD", "DCYC", "DCYC"),
        ("burst_count", "BCO", "2", 2),
        ("on_count", "PCO", "3", 3),
        ("off_count", "OCO", "4", 4),
        ("wait_count", "WCO", "0", 0),
        ("gate", "CGAT", "PULS", "PULS"),
        ("gate_polarity", "CLOG", "LOW", "LOW"),
    )
}
WRITTEN: Written = {
    "period_s": (0.1, [told(":PULSE0:PER 0.100000000")]),
    "mode": ("BURS", [told(":PULSE0:MOD BURS")]),
    "burst_count": (7, [told(":PULSE0:BCO 7")]),
    "cycle_on_count": (8, [told(":PULSE0:PCO 8")]),
    "cycle_off_count": (9, [told(":PULSE0:OCO 9")]),
    "trigger_mode": ("TRIG", [told(":PULSE0:TRIG:MOD TRIG")]),
    "trigger_edge": ("RIS", [told(":PULSE0:TRIG:EDGE RIS")]),
    "trigger_level_V": (2.5, [told(":PULSE0:TRIG:LEV 2.50")]),
    "gate_mode": ("PULS", [told(":PULSE0:GAT:MOD PULS")]),
    "gate_polarity": ("LOW", [told(":PULSE0:GAT:LOG LOW")]),
    "gate_level_V": (1.25, [told(":PULSE0:GAT:LEV 1.25")]),
    "timebase": ("SYS", [told(":PULSE0:ICL SYS")]),
    "clock_output": ("50", [told(":PULSE0:OCL 50")]),
    "counting": (True, [told(":PULSE0:COUN:STAT 1")]),
    "starts_at_power_up": (False, [told(":SYST:AUT 0")]),
    "keys_locked": (True, [told(":SYST:KLOC 1")]),
    "beeper": (False, [told(":SYST:BEEP:STAT 0")]),
    "brightness": (2, [told(":DISP:BRIG 2")]),
} | {
    f"{letter.lower()}_{name}": (value, [told(f":PULSE{number}:{words}")])
    for letter, number in CHANNELS.items()
    for name, value, words in (
        ("on", True, "STAT 1"),
        ("delay_s", 0.0023, "DEL 0.00230000000"),
        ("width_s", 0.02, "WIDT 0.02000000000"),
        ("reference", "CHB", "SYNC CHB"),
        ("polarity", "INV", "POL INV"),
        ("timers", 3, "MUX 3"),
        ("output", "TTL", "OUTP:MOD TTL"),
        ("amplitude_V", 3.5, "OUTP:AMP 3.50"),
        ("mode", "SING", "CMOD SING"),
        ("burst_count", 2, "BCO 2"),
        ("on_count", 3, "PCO 3"),
        ("off_count", 4, "OCO 4"),
        ("wait_count", 0, "WCO 0"),
        ("gate", "OUTP", "CGAT OUTP"),
        ("gate_polarity", "HIGH", "CLOG HIGH"),
    )
}
DONE: Done = (
    {
        "trigger": [told("*TRG")],
        "arm": [told("*ARM")],
        "reset": [told("*RST")],
        "clear_counter": [told(":PULSE0:COUN:CL TCNTS")],
    }
    | {f"save_{n}": [told(f"*SAV {n}")] for n in range(1, 13)}
    | {f"recall_{n}": [told(f"*RCL {n}")] for n in range(13)}
)
STOPPED = [told(":PULSE0:STAT 0"), asked(":SYST:STAT", "0")]


def test_every_command_has_its_bytes() -> None:
    names_complete(BNC575, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(BNC575, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(BNC575, name, WRITTEN)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(BNC575, name, DONE)


def test_identity() -> None:
    found = run(BNC575, [CATALOGUE, (b"*IDN?\r\n", IDENTITY)], lambda unit: unit.identify())
    assert (found.model, found.serial, found.firmware) == ("575-8", "31309", "2.4.1-2.0.11")
    for other in (b"QC,9520,1,2\r\n", b"BNC,745,1,2\r\n", b"BNC\r\n"):
        unit, _ = scripted(BNC575, [CATALOGUE, (b"*IDN?\r\n", other)])
        with pytest.raises(WrongInstrument, match="expected a BNC 575"):
            unit.identify()


def test_a_star_is_not_sent_before_a_harmless_question_is_answered() -> None:
    unit, wire = scripted(BNC575, [(b":INST:CAT?\r\n", b"")])
    with pytest.raises(LinkTimeout):
        unit.identify()
    assert wire.finished()


def test_preparing_stops_the_triggers_first() -> None:
    script = [
        *STOPPED,
        told(":SYST:AUT 0"),
        told(":PULSE0:MOD NORM"),
        told(":PULSE0:TRIG:MOD DIS"),
        told(":PULSE0:GAT:MOD DIS"),
        told(":PULSE0:COUN:STAT 1"),
        told(":PULSE0:COUN:CL TCNTS"),
    ]
    run(BNC575, script, lambda unit: unit.prepare())


def test_a_pulse_is_programmed_and_read_back() -> None:
    script = [
        told(":PULSE0:PER 0.050000000"),
        asked(":PULSE0:PER", "0.050000000"),
        told(":PULSE2:CMOD NORM"),
        told(":PULSE2:SYNC T0"),
        told(":PULSE2:POL NORM"),
        told(":PULSE2:OUTP:MOD TTL"),
        told(":PULSE2:WCO 0"),
        told(":PULSE2:MUX 2"),
        told(":PULSE2:DEL 0.00150000000"),
        asked(":PULSE2:DEL", "0.00150000000"),
        told(":PULSE2:WIDT 0.00001000000"),
        asked(":PULSE2:WIDT", "0.00001000000"),
        told(":PULSE2:STAT 1"),
    ]
    run(BNC575, script, lambda unit: unit.program({"B": Pulse(1.5e-3, 1e-5)}, 20.0))


def test_a_delay_that_reads_back_otherwise_is_refused() -> None:
    unit, _ = scripted(BNC575, [told(":PULSE1:DEL 0.00150000000"), asked(":PULSE1:DEL", "0.00149999900")])
    with pytest.raises(Refused, match=r"a_delay_s reads back 0.001499999 s after 0.0015 was set"):
        unit._verified("a_delay_s", 1.5e-3, 250e-12)


@pytest.mark.parametrize(
    ("pulses", "rate_Hz", "said"),
    [
        ({"I": Pulse(0.0, 1e-6)}, 20.0, "has no output 'I'"),
        ({"A": Pulse(-1e-6, 1e-6)}, 20.0, "outside"),
        ({"A": Pulse(0.0, 1e-9)}, 20.0, "outside"),
        ({"A": Pulse(0.049, 0.00099995)}, 20.0, "ends"),
        ({"A": Pulse(0.0, 1e-6)}, 0.0, "period_s"),
        ({"A": Pulse(0.0, 1e-6)}, 1e8, "period_s"),
    ],
)
def test_impossible_pulses_send_nothing(pulses: dict[str, Pulse], rate_Hz: float, said: str) -> None:
    unit, wire = scripted(BNC575, [])
    with pytest.raises(LimitError, match=said):
        unit.program(pulses | {"A": pulses.get("A", Pulse(0.0, 0.049999))}, rate_Hz)
    assert wire.finished()


def test_starting_and_stopping_are_read_back() -> None:
    run(BNC575, [told(":PULSE0:STAT 1"), asked(":SYST:STAT", "1")], lambda unit: unit.start())
    run(BNC575, STOPPED, lambda unit: unit.stop())
    unit, _ = scripted(BNC575, [told(":PULSE0:STAT 0"), asked(":SYST:STAT", "1")])
    with pytest.raises(Refused, match="does not stop"):
        unit.stop()


def test_status() -> None:
    inside, outside = asked(":PULSE0:TRIG:MOD", "DIS"), asked(":PULSE0:TRIG:MOD", "TRIG")
    assert run(BNC575, [asked(":SYST:STAT", "1"), inside], lambda unit: unit.status()).state == "running"
    assert run(BNC575, [asked(":SYST:STAT", "0"), inside], lambda unit: unit.status()).state == "stopped"
    assert not run(BNC575, [asked(":SYST:STAT", "1"), outside], lambda unit: unit.status()).ok


def test_making_safe_stops_before_it_asks_anything() -> None:
    script = [(b"\r\n:PULSE0:STAT 0\r\n", b"ok\r\n"), CATALOGUE, *STOPPED]
    assert run(BNC575, script, lambda unit: unit.make_safe()).confirmed


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("?1", "neither colon nor star"),
        ("?2", "keyword missing"),
        ("?3", "keyword invalid"),
        ("?4", "parameter missing"),
        ("?5", "parameter invalid"),
        ("?6", "can only be asked"),
        ("?7", "cannot be asked"),
        ("?8", "not available"),
        ("?9", "error"),
    ],
)
def test_refusals_are_said(code: str, said: str) -> None:
    unit, _ = scripted(BNC575, [asked(":PULSE0:PER", code)])
    with pytest.raises(Refused, match=said):
        unit.read("period_s")


@pytest.mark.parametrize(
    ("reply", "error"),
    [(b"nan\r\n", GarbledReply), (b"0.05.1\r\n", GarbledReply), (b"9999.0\r\n", GarbledReply), (b"0.0", LinkTimeout)],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    unit, _ = scripted(BNC575, [(b":PULSE0:PER?\r\n", reply)])
    with pytest.raises(error):
        unit.read("period_s")


def test_a_setting_that_is_answered_with_a_value_is_garbled() -> None:
    unit, _ = scripted(BNC575, [(b":PULSE0:BCO 7\r\n", b"7\r\n")])
    with pytest.raises(GarbledReply, match="answered with '7'"):
        unit.write("burst_count", 7)


def test_after_silence_the_channels_are_asked_for() -> None:
    unit, wire = scripted(BNC575, [(b":SYST:STAT?\r\n", [LATE, b"1\r\n"]), CATALOGUE, asked(":SYST:STAT", "0")])
    with pytest.raises(LinkTimeout):
        unit.read("running")
    assert unit.read("running") is False
    assert wire.finished()


def test_a_smaller_unit_has_fewer_outputs() -> None:
    unit, _ = scripted(BNC575, [], channels=2)
    assert "b_delay_s" in unit.quantities
    assert "c_delay_s" not in unit.quantities
    with pytest.raises(LimitError, match="channels = 3"):
        scripted(BNC575, [], channels=3)
