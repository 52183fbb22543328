"""The simulated Quanta-Ray behaves as its protocol sheet says."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.spectraphysics_quantaray import HELP, QuantaRay
from tests.simulators.instruments.talk import talk


def ten_hertz(since: float, until: float) -> int:
    return math.floor(until * 10 + 1e-6) - math.floor(since * 10 + 1e-6)


@pytest.fixture
def laser() -> QuantaRay:
    return QuantaRay(ten_hertz, warm=True)


def ask(laser: QuantaRay, text: str, now: float = 0.0) -> list[str]:
    return talk(laser, "".join(f"{line}\r" for line in text.split("|")).encode(), now).decode().split("\n")[:-1]


def bits(laser: QuantaRay, now: float) -> set[int]:
    status = int(ask(laser, "*STB?", now)[0])
    return {bit for bit in range(32) if status >> bit & 1}


READY = {8, 9, 10, 11, 22, 23, 24}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("*IDN?", ["Spectra-Physics,Quanta-Ray PRO-250,0000,1.00"]),
        ("HELP", list(HELP)),
        ("OFF|*STB?", [str(1 << 22 | 1 << 23)]),
        ("OFF|ON|*STB?", [str(1 << 8 | 1 << 22 | 1 << 23 | 1 << 24)]),
        ("LAMP FIX 12|LAMP VAR?|LAMP FIX|LAMP VAR?", ["12", "10"]),
        ("LAMP VAR 2.5|LAMP VAR?|READ:VAR?", ["2.5", "2.5"]),
        ("LAMP VAR 31|LAMP VAR?", ["10"]),
        ("QSW?|QSW REP|QSW?", ["SING", "REP"]),
        ("QSW LONG|QSW?|QSW EXT|QSW?|QSW NORM|QSW?", ["LONG", "EXT", "NORM"]),
        ("QSW REP|QSW SING|QSW?|QSW FIR|QSW?", ["SING", "SING"]),
        ("QSW DEL 120|QSW DEL? |QSW DEL 1000|QSW DEL?", ["120", "120"]),
        ("ADV 30|QSW ADV? |READ:QSWADV?", ["30", "30"]),
        ("OPFN 60|READ:OPFN?|READ:OMON?", ["60", "0.0"]),
        ("APFN 40|READ:APFN?|READ:AMON?|APFN 101|READ:APFN?", ["40", "0.0", "40"]),
        ("SHOT?", ["0"]),
        ("*STB?", [str(sum(1 << bit for bit in READY))]),
        ("STAT:QUES?", ["0"]),
        ("READ:HIST?", ["0 0", "0 0"]),
        ("QSW REP|*RST?|QSW?", ["SING"]),
        ("lamp ext|LAMP|LAMP FOO|QSW 3|OPFN|OPFN x|WATC 1.5|*IDN? 3|\n", []),
    ],
)
def test_commands(laser: QuantaRay, sent: str, expected: list[str]) -> None:
    assert ask(laser, sent) == expected


def test_a_cold_laser_needs_its_simmer_and_slews_its_pfn() -> None:
    laser = QuantaRay(ten_hertz, warm=False)
    assert bits(laser, 0.0) == {22, 23}
    ask(laser, "OPFN 60|APFN 20|LAMP EXT|QSW REP|ON")
    assert bits(laser, 9.9) == {8, 22, 23, 24}
    assert (laser.armed(9.9), laser.level_percent(9.9)) == (False, 0.0)
    assert laser.armed(10.0)
    assert laser.level_percent(13.0) == pytest.approx(30.0)
    assert ask(laser, "READ:OMON?|READ:AMON?", 13.0) == ["30.0", "20.0"]
    assert bits(laser, 15.0) == {0, 8, 9, 10, 12, 22, 23, 24}
    assert bits(laser, 16.0) == {0, 8, 9, 10, 11, 12, 22, 23, 24}
    assert ask(laser, "SHOT?", 20.0) == ["100"]
    ask(laser, "OFF", 20.0)
    assert (laser.armed(20.0), laser.level_percent(23.0)) == (False, pytest.approx(30.0))


@pytest.mark.parametrize(
    ("command", "armed"),
    [
        ("LAMP FIX", False),
        ("LAMP VAR 5", False),
        ("LAMP INH", False),
        ("LAMP EXT", True),
        ("QSW LONG", False),
        ("QSW SING", False),
        ("QSW EXT", True),
        ("QSW NORM", True),
        ("QSW REP", True),
        ("OFF", False),
        ("*RST?", False),
    ],
)
def test_only_outside_triggers_and_a_running_q_switch_arm(laser: QuantaRay, command: str, armed: bool) -> None:
    ask(laser, "LAMP EXT|QSW REP")
    assert laser.armed(0.0)
    ask(laser, command)
    assert laser.armed(1.0) is armed


def test_the_counter_follows_the_lamps(laser: QuantaRay) -> None:
    ask(laser, "LAMP VAR 20", 1.0)
    assert 12 in bits(laser, 2.0)
    ask(laser, "LAMP INH", 3.0)
    assert ask(laser, "SHOT?", 10.0) == ["40"]
    assert 12 not in bits(laser, 10.0)
    ask(laser, "LAMP EXT", 10.0)
    assert ask(laser, "SHOT?", 11.0) == ["50"]


def test_a_single_shot_is_refused_in_repetitive_mode(laser: QuantaRay) -> None:
    assert ask(laser, "ECH 2|QSW FIR|QSW REP|QSW FIR") == ["Error"]


def test_the_watchdog_switches_off_after_silence(laser: QuantaRay) -> None:
    ask(laser, "LAMP EXT|QSW REP|WATC 111|WATC 10", 1.0)
    assert ask(laser, "NONSENSE", 10.9) == []
    assert laser.armed(20.8)
    assert not laser.armed(20.9)
    assert bits(laser, 30.0) == {2, 22, 23}
    assert ask(laser, "SHOT?|READ:HIST?", 31.0) == ["199", "1 31", "301 20", "0 0"]
    assert bits(laser, 32.0) == {22, 23}
    ask(laser, "WATC 0|ON", 33.0)
    assert laser.armed(500.0)


@pytest.mark.parametrize(
    ("name", "bit"),
    [
        ("supply_15V", 13),
        ("head_cover", 14),
        ("interlock_open", 15),
        ("panel_disconnected", 16),
        ("supply_208V", 17),
        ("CDRH_enable", 18),
        ("laser_ID", 19),
    ],
)
def test_an_interlock_is_latched(laser: QuantaRay, name: str, bit: int) -> None:
    panel = {22} - ({22} if bit == 16 else set())
    ask(laser, "LAMP EXT|QSW REP")
    laser.fault("interlock", 5.0, bit=name)
    assert not laser.armed(5.0)
    assert bits(laser, 5.0) == {2, 12, bit, 21, 23, 24} | panel
    assert bits(laser, 6.0) == {2, bit, 21, 23, 24} | panel
    ask(laser, "ON", 6.0)
    assert 8 not in bits(laser, 6.0)
    laser.fault("interlock", 7.0, bit=name, present=False)
    assert bits(laser, 7.0) == {2, 21, 22, 23, 24}
    assert ask(laser, "READ:HIST?|ON", 8.0) == ["1 8", f"{300 + bit} 5", "0 0"]
    assert bits(laser, 18.0) == READY | {0}
    assert laser.armed(18.0)


def test_low_water_shows_in_both_registers(laser: QuantaRay) -> None:
    laser.fault("low_water", 1.0)
    assert bits(laser, 1.0) == {2, 3, 20, 21, 22, 23, 24}
    assert ask(laser, "STAT:QUES?|OFF", 1.0) == [str(1 << 12)]
    assert 21 in bits(laser, 1.0)
    laser.fault("low_water", 2.0, cleared=True)
    assert ask(laser, "STAT:QUES?|OFF|READ:HIST?", 2.0) == ["0", "1 2", "320 1", "0 0"]
    assert bits(laser, 2.0) == {22, 23}


def test_triggers_that_come_too_fast_are_questionable() -> None:
    laser = QuantaRay(lambda since, until: round((until - since) * 50), warm=True)
    ask(laser, "LAMP EXT", 5.0)
    assert ask(laser, "STAT:QUES?", 6.0) == [str(1 << 11)]
    assert 3 in bits(laser, 6.0)


def test_the_panel_may_take_control(laser: QuantaRay) -> None:
    ask(laser, "LAMP EXT|QSW REP")
    laser.fault("panel", 1.0)
    assert ask(laser, "OFF|*RST?|OPFN 50|READ:OPFN?", 1.0) == ["0"]
    assert 23 not in bits(laser, 1.0)
    assert laser.armed(1.0)
    laser.fault("panel", 2.0, present=False)
    ask(laser, "OFF", 2.0)
    assert not laser.armed(2.0)


def test_misfires_stop_the_light_for_a_while(laser: QuantaRay) -> None:
    ask(laser, "LAMP EXT|QSW REP")
    laser.fault("misfire", 10.0, seconds=5.0)
    assert [laser.misfires.at(now) for now in (9.9, 10.0, 14.9, 15.0)] == [False, True, True, False]
    assert bits(laser, 12.0) == READY | {0, 2}
    assert ask(laser, "SHOT?|READ:HIST?", 20.0) == ["150", "1 20", "302 10", "0 0"]


def test_the_history_keeps_sixteen_codes_newest_first(laser: QuantaRay) -> None:
    for second in range(20):
        laser.fault("misfire", float(second), seconds=0.1)
    history = ask(laser, "READ:HIST?", 30.0)
    assert (history[0], history[1], history[16], history[17:]) == ("16 30", "302 19", "302 4", ["0 0"])


def test_output_options_add_up(laser: QuantaRay) -> None:
    assert talk(laser, b"ECH 4\rQSW?\r") == b"SING\r\n"
    assert talk(laser, b"ECH 1\rQSW?\r") == b"QSW?\rSING\r\n"
    assert talk(laser, b"ECH 2\rFOO\r") == b"ECH 2\rFOO\rError\r\n"
    assert talk(laser, b"ECH 3\rADV 1\r") == b"ECH 3\r\nADV 1\r\n"
    assert talk(laser, b"ECH 0\rQSW?\r") == b"ECH 0\r\n>QSW?\rSING\r\n\n>"
    assert talk(laser, b"ECH 5\rECH 6\r") == b"ECH 5\r\n>ECH 6\rError\r\n\n>"
    laser.power_up(10.0)
    assert talk(laser, b"QSW?\r", 10.0) == b"SING\n"


def test_a_power_cycle_forgets_all_but_the_counter(laser: QuantaRay) -> None:
    ask(laser, "LAMP EXT|QSW REP|OPFN 60|WATC 20|BAUD 19200")
    assert laser.state(5.0)["baud"] == 19200
    laser.power_up(10.0)
    assert ask(laser, "READ:OPFN?|QSW?|SHOT?|READ:HIST?", 40.0) == ["0", "SING", "50", "0 30", "0 0"]
    assert (laser.state(40.0)["baud"], laser.state(40.0)["watchdog_s"], laser.armed(40.0)) == (9600, 0.0, False)


def test_faults_are_named(laser: QuantaRay) -> None:
    laser.fault("wrong_identity", 0.0)
    assert ask(laser, "*IDN?")[0].startswith("Continuum")
    with pytest.raises(ValueError, match="misfire"):
        laser.fault("fire", 0.0)
    with pytest.raises(ValueError, match="head_cover"):
        laser.fault("interlock", 0.0, bit="door")


def test_lines_end_with_a_carriage_return(laser: QuantaRay) -> None:
    received = bytearray(b"*ST")
    assert list(laser.split(received)) == []
    received += b"B?\r\nQSW?\rON"
    assert [message.strip() for message in laser.split(received)] == [b"*STB?", b"QSW?"]
    assert received == b"ON"


PIECES = [b"LAMP ", b"VAR ", b"QSW ", b"ECH ", b"WATC ", b"3", b"1.5", b"?", b"\r", b"ON\r", b"READ:HIST?\r"]


@given(data=st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(PIECES))))
def test_no_bytes_are_too_strange(data: list[bytes]) -> None:
    talk(QuantaRay(ten_hertz), b"".join(data), now=3.0)
