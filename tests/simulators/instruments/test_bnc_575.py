"""The simulated BNC 575 behaves as its protocol sheet says."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.bnc_575 import BNC575
from tests.simulators.instruments.talk import talk


@pytest.fixture
def unit() -> BNC575:
    return BNC575()


def ask(unit: BNC575, text: str, now: float = 0.0) -> list[str]:
    return talk(unit, "".join(f"{line}\r\n" for line in text.split("|")).encode(), now).decode().split("\r\n")[:-1]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("*IDN?", "BNC,575-8,31309,2.4.1-2.0.11"),
        ("*RST", "ok"),
        ("*SAV 3|:PULSE0:PER 0.5|*RCL 3|:PULSE0:PER?", "ok|ok|ok|0.001000000"),
        ('*LBL "laser"|*SAV 12|*RCL 0|*LBL?|*RCL 12|*LBL?', 'ok|ok|ok|""|ok|"laser"'),
        (":PULSE0:TRIG:MOD TRIG|:PULSE0:STAT 1|*TRG|*TTG|*GTG", "ok|ok|ok|ok|?8"),
        (":PULSE0:TRIG:MOD DUAL|:PULSE0:STAT 1|*GTG", "ok|ok|ok"),
        ("*ARM", "ok"),
        ("*TRG", "?8"),
        (":INST:CAT?", "T0,CHA,CHB,CHC,CHD,CHE,CHF,CHG,CHH"),
        (":INST:FULL?", "T0, 0, CHA, 1, CHB, 2, CHC, 3, CHD, 4, CHE, 5, CHF, 6, CHG, 7, CHH, 8"),
        (":INST:NSEL 2|:INST:NSEL?|:INST:SEL?", "ok|2|CHB"),
        (":INST:SEL CHA|:INST:STAT 1|:INST:STAT?|:PULSE1:STAT?|:PULSE2:STAT?", "ok|ok|1|1|0"),
        (":PULSE2:WIDT 1e-6|:PULSE:WIDT?|:PULSE1:WIDT?", "ok|0.000001000|0.000000010"),
        (":PULSE0:STAT 1|:PULSE0:STAT?|:SYST:STAT?|:PULSE0:STAT 0|:SYST:STAT?", "ok|1|1|ok|0"),
        (":PULSE0:PER 0.100000000|:PULSE0:PER?", "ok|0.100000000"),
        (":PULSE0:MOD?|:PULSE0:MODE burst|:PULSE0:MOD?", "NORM|ok|BURS"),
        (":PULSE0:BCO 5|:PULSE0:PCO 6|:PULSE0:OCO 7|:PULSE0:BCO?|:PULSE0:PCO?|:PULSE0:OCO?", "ok|ok|ok|5|6|7"),
        (":PULSE0:TRIG:MODE TRIGGERED|:PULSE0:TRIG:MOD?", "ok|TRIG"),
        (":PULSE0:TRIG:EDGE FALL|:PULSE0:TRIG:LOG?|:PULSE0:TRIG:LOGIC RIS|:PULSE0:TRIG:EDGE?", "ok|FALL|ok|RIS"),
        (":PULSE0:TRIG:LEV 1.25|:PULSE0:TRIG:LEV?", "ok|1.25"),
        (":PULSE0:GAT:MOD OUTP|:PULSE0:GAT:MOD?", "ok|OUTP"),
        (":PULSE0:GAT:LOG LOW|:PULSE0:GAT:LOG?|:PULSE0:GAT:LEV 3|:PULSE0:GAT:LEV?", "ok|LOW|ok|3.00"),
        (":PULSE0:ICL EXT25|:PULSE0:ICL?|:PULSE0:ICL:MOD?|:PULSE0:ICL:RAT?", "ok|EXT25|XPL|25"),
        (":PULSE0:ICL:MOD XPL|:PULSE0:ICL:RAT 20|:PULSE0:ICL?|:PULSE0:ICL:MOD SYS|:PULSE0:ICL?", "ok|ok|EXT20|ok|SYS"),
        (":PULSE0:ICL:LEV 1|:PULSE0:ICL:LEV?|:PULSE0:OCL 33|:PULSE0:OCL?", "ok|1.00|ok|33"),
        (":PULSE0:COUN:STAT 1|:PULSE0:COUN:STAT?|:PULSE0:COUN:COUN? TCNTS", "ok|1|0"),
        (":PULSE0:COUN:COUN TCNTS?|:PULSE0:COUN:COUN? GCNTS|:PULSE0:COUN:CL GCNTS", "0|0|ok"),
        (":PULSE1:STATE ON|:PULSE1:STATE?|:PULSE1:STAT OFF|:PULSE1:STAT?", "ok|1|ok|0"),
        (":PULSE1:WIDT 0.00012|:PULSE1:WIDTH?", "ok|0.000120000"),
        (":PULSE1:DEL 0.00230000000|:PULSE1:DEL?|:PULSE1:DELAY -2.5e-10|:PULSE1:DEL?", "ok|0.002300000|ok|-0.00000000025"),
        (":PULSE2:SYNC CHA|:PULSE2:SYNC?|:PULSE1:SYNC CHB|:PULSE1:SYNC?", "ok|CHA|?5|T0"),
        (":PULSE1:POL COMP|:PULSE1:POL?|:PULSE1:POL NORM|:PULSE1:POL?|:PULSE1:POLARITY INV", "ok|COMP|ok|NORM|ok"),
        (":PULSE3:MUX?|:PULSE3:MUX 255|:PULSE3:MUX?|:PULSE3:MUX 256", "4|ok|255|?5"),
        (":PULSE1:OUTP:MOD ADJ|:PULSE1:OUTP:MOD?", "ok|ADJ"),
        (":PULSE1:OUTP:AMP 5|:PULSE1:OUTP:AMPL?|:PULSE1:OUTP:AMPLITUDE 6|:PULSE1:OUTP:AMP?", "ok|5.00|ok|6.00"),
        (":PULSE1:CMOD SING|:PULSE1:CMOD?|:PULSE1:WCO 0|:PULSE1:WCO?|:PULSE1:BCO 0", "ok|SING|ok|0|?5"),
        (":PULSE1:CGAT PULS|:PULSE1:CLOG?|:PULSE0:GAT:MOD CHAN|:PULSE1:CGAT PULS|:PULSE1:CGAT?", "?8|?8|ok|ok|PULS"),
        (":PULSE0:GAT:MOD CHAN|:PULSE1:CLOG LOW|:PULSE1:CLOG?", "ok|ok|LOW"),
        (":PULSE1:CTRIG GATE|:PULSE1:CTRIG?", "ok|GATE"),
        (":SYST:KLOC 1|:SYST:KLOC?|:SYST:AUT?|:SYST:CAPS?", "ok|1|0|0"),
        (":SYST:CAPS 1|:syst:caps 0|:SYST:CAPS?", "ok|?3|1"),
        (":SYST:BEEP:STAT 1|:SYST:BEEP:STAT?|:SYST:BEEP:VOL 7|:SYST:BEEP:VOL?", "ok|1|ok|7"),
        (":SYST:VERS?|:SYST:SERN?|:SYST:INFO?|:SYST:NSID?", "1999.0|31309|2.4.1-2.0.11|0"),
        (":SYST:COMM:SER:BAUD 9600|:SYST:COMM:SER:BAUD?|:SYST:COMM:SER:USB?", "ok|9600|38400"),
        (":SYST:COMM:GPIB:ADDR 9|:SYST:COMM:GPIB:ADDR?|:SYST:COMM:GPIB:ADDR 16", "ok|9|?5"),
        (":SYST:COMM:SER:ECH 1|:SYST:SERN?", "ok|:SYST:SERN?|31309"),
        (":DISP:MOD 0|:DISP:MOD?|:DISP:UPD?|:DISP:BRIG 2|:DISP:BRIG?|:DISP:ENAB 0|:DISP:ENAB?", "ok|0|0|ok|2|ok|0"),
    ],
)
def test_commands_and_settings(unit: BNC575, sent: str, expected: str) -> None:
    assert ask(unit, sent) == expected.split("|")


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ("PULSE1:STAT 1", 1),
        (":", 2),
        ("*", 2),
        (":PULSE1", 2),
        (":PULSE1:OUTP:", 2),
        (":PULSE1:POLAR NORM", 3),
        (":PULSE9:STAT 1", 3),
        (":PULSE1:PER 1", 3),
        (":PULSE0:WIDT 1", 3),
        ("*XYZ", 3),
        (":PULSE1:WIDT", 4),
        ("*SAV", 4),
        (":PULSE1:WIDT x", 5),
        (":PULSE1:WIDT 1000", 5),
        (":PULSE1:DEL 1e999", 5),
        (":PULSE0:PER 99e-9", 5),
        (":PULSE0:MOD LOUD", 5),
        ("*SAV 13", 5),
        ("*IDN", 6),
        (":SYST:STAT 1", 6),
        ("*RST?", 7),
        (":PULSE0:COUN:CL? TCNTS", 7),
    ],
)
def test_every_refusal_has_its_number(unit: BNC575, sent: str, error: int) -> None:
    assert ask(unit, sent) == [f"?{error}"]


def test_the_worked_example_fires_at_ten_hertz(unit: BNC575) -> None:
    example = ":PULSE1:STATE ON|:PULSE1:POL NORM|:PULSE1:WIDT 0.020|:PULSE1:DELAY 0.0023|:PULSE0:MODE NORM|:PULSE0:PER 0.1"
    assert ask(unit, example + "|:PULSE0:TRIG:MODE DIS|:PULSE0:COUN:STAT 1|:PULSE0:STATE ON", now=1.0) == ["ok"] * 9
    assert unit.edges() == {"A": pytest.approx((0.0023, 0.02))}
    assert unit.rate_Hz(1.5) == pytest.approx(10.0)
    assert unit.fired(1.0, 1.35) == pytest.approx([1.1, 1.2, 1.3])
    assert ask(unit, ":PULSE0:COUN:COUN? TCNTS|:PULSE0:STAT 0", now=2.05) == ["10", "ok"]
    assert (unit.rate_Hz(3.0), len(unit.fired(0.0, 9.0))) == (0.0, 10)
    assert ask(unit, ":PULSE0:COUN:CL TCNTS|:PULSE0:COUN:COUN? TCNTS", now=3.0) == ["ok", "0"]


def test_a_single_shot_waits_for_its_trigger(unit: BNC575) -> None:
    ask(
        unit, ":PULSE1:STAT 1|:PULSE1:WIDT 25e-6|:PULSE0:MODE SING|:PULSE0:TRIG:MODE TRIG|:PULSE0:TRIG:LEV 2.5|:PULSE0:STATE ON"
    )
    assert unit.fired(0.0, 5.0).size == 0
    assert ask(unit, ":SYST:STAT?|*TRG|*TRG", now=5.0) == ["1", "ok", "ok"]
    ask(unit, "*TRG", now=6.0)
    assert unit.fired(0.0, 9.0).tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("setting", "times", "running"),
    [
        (":PULSE0:MOD SING", [0.1], "0"),
        (":PULSE0:MOD BURS|:PULSE0:BCO 3", [0.1, 0.2, 0.3], "0"),
        (":PULSE0:MOD DCYC|:PULSE0:PCO 2|:PULSE0:OCO 3", [0.1, 0.2, 0.6, 0.7], "1"),
    ],
)
def test_modes_of_the_system_timer(unit: BNC575, setting: str, times: list[float], running: str) -> None:
    ask(unit, f":PULSE0:PER 0.1|:PULSE0:COUN:STAT 1|{setting}|:PULSE0:STAT 1")
    assert unit.fired(0.0, 1.01) == pytest.approx(times)
    assert ask(unit, ":SYST:STAT?|:PULSE0:STAT?|:PULSE0:COUN:COUN? TCNTS", now=1.01) == [running, running, str(len(times))]


@pytest.mark.parametrize(
    ("setting", "times"),
    [
        (":PULSE1:CMOD NORM", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        (":PULSE1:WCO 5", [0.6, 0.7]),
        (":PULSE1:CMOD SING|:PULSE1:WCO 1", [0.2]),
        (":PULSE1:CMOD BURS|:PULSE1:BCO 3", [0.1, 0.2, 0.3]),
        (":PULSE1:CMOD DCYC|:PULSE1:PCO 1|:PULSE1:OCO 2|:PULSE1:WCO 1", [0.2, 0.5]),
    ],
)
def test_a_channel_has_a_mode_of_its_own(unit: BNC575, setting: str, times: list[float]) -> None:
    ask(unit, f":PULSE0:PER 0.1|{setting}|:PULSE0:STAT 1")
    assert unit.fired(0.0, 0.71, "A") == pytest.approx(times)
    assert unit.fired(0.25, 0.71, "A") == pytest.approx([time for time in times if time > 0.25])
    assert len(unit.fired(0.0, 0.71)) == len(unit.fired(0.0, 0.71, "B")) == 7


def test_outputs_add_their_delays_and_those_off_have_no_edge(unit: BNC575) -> None:
    ask(
        unit, ":PULSE1:DEL 1e-6|:PULSE2:SYNC CHA|:PULSE2:DEL 2e-6|:PULSE2:WIDT 5e-7|:PULSE2:STAT 1|:PULSE3:STAT 1|:PULSE3:MUX 2"
    )
    assert unit.edges() == {"B": pytest.approx((3e-6, 5e-7)), "C": pytest.approx((3e-6, 5e-7))}


def test_pulses_must_fit_into_the_period(unit: BNC575) -> None:
    assert ask(unit, ":PULSE1:STAT 1|:PULSE1:WIDT 1e-3|:PULSE0:STAT 1") == ["ok", "ok", "?8"]
    assert ask(unit, ":PULSE0:PER 0.01|:PULSE0:STAT 1|:PULSE1:DEL 0.02|:PULSE1:DEL?") == ["ok", "ok", "?8", "0.000000000"]


def test_missed_and_double_triggers(unit: BNC575) -> None:
    ask(unit, ":PULSE0:PER 0.1|:PULSE0:COUN:STAT 1|:PULSE0:STAT 1")
    unit.fault("missed_trigger", 0.15, count=2)
    unit.fault("double_trigger", 0.45)
    expected = [0.1, 0.4, 0.5, 0.5 + 0.1 / 3, 0.6]
    assert unit.fired(0.0, 0.65) == pytest.approx(expected)
    pieces = np.concatenate([unit.fired(since, until) for since, until in pairwise(np.arange(14) * 0.05)])
    assert pieces == pytest.approx(expected)
    assert ask(unit, ":PULSE0:COUN:COUN? TCNTS", now=0.65) == ["5"]


def test_an_unlocked_reference_is_told(unit: BNC575) -> None:
    ask(unit, ":PULSE0:ICL EXT10")
    unit.fault("pll_unlocked", 1.0)
    assert ask(unit, ":PULSE0:ICL:MOD?") == ["XPL?"]
    unit.fault("pll_unlocked", 2.0, present=False)
    assert ask(unit, ":PULSE0:ICL:MOD?") == ["XPL"]


def test_a_power_cycle_takes_its_time_and_may_start_the_pulses(unit: BNC575) -> None:
    ask(unit, ":PULSE0:PER 0.1|*SAV 1|:SYST:AUT 1")
    unit.power_up(10.0)
    assert ask(unit, ":SYST:STAT?", now=11.0) == []
    assert ask(unit, ":SYST:STAT?|:PULSE0:PER?|*RCL 1|:PULSE0:PER?", now=13.5) == ["1", "0.001000000", "ok", "0.100000000"]
    unit.power_up(20.0)
    ask(unit, "*IDN?", now=21.0)
    assert ask(unit, ":SYST:STAT?", now=30.0) == []
    assert unit.state(30.0)["locked_up"]


def test_reset_stops_and_a_stranger_says_so(unit: BNC575) -> None:
    ask(unit, ":PULSE0:STAT 1|*RST", now=1.0)
    assert not unit.state(2.0)["running"]
    unit.fault("wrong_identity", 2.0)
    assert ask(unit, "*IDN?")[0].startswith("BNC,745")
    with pytest.raises(ValueError, match="missed_trigger"):
        unit.fault("fire", 2.0)


def test_lines_end_with_a_line_feed(unit: BNC575) -> None:
    received = bytearray(b":SYST:SERN?\n\r\n:SYST:VERS?\r\n:SY")
    assert [unit.answer(message, 0.0) for message in unit.split(received)] == [b"31309\r\n", b"", b"1999.0\r\n"]
    assert received == b":SY"
    received = bytearray(b"x" * 300)
    assert (list(unit.split(received)), received) == ([], b"")


@given(data=st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b":PULSE1:", b"*SAV ", b"9e9", b"?", b"\r\n"]))))
def test_no_bytes_are_too_strange(data: list[bytes]) -> None:
    talk(BNC575(), b"".join(data))
