"""iseg NHQ on the wire: every character is echoed before the next is sent, a set voltage waits for G."""

import pytest

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.iseg_nhq import IsegNHQ
from drivers.roles import Status
from tests.drivers.commands import Done, Read, Written, check_read, check_written, names_complete, run
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = "481198;2.06;8000V;1000uA"


def asked(text: str, reply: str) -> list[Exchange]:
    """One exchange per character, as on the wire; the reply follows the echo of the last."""
    sent = f"{text}\r\n"
    echoes: list[Exchange] = [(char.encode(), char.encode()) for char in sent[:-1]]
    return [*echoes, (b"\n", f"\n{reply}\r\n".encode())]


def told(text: str) -> list[Exchange]:
    return asked(text, "")


LINED_UP: Exchange = (b"\r\n#\r\n", f"\r\n????\r\n#\r\n{IDENTITY}\r\n".encode())
READ: Read = {
    f"ch{n}_{name}": (asked(f"{letter}{n}", reply), value)
    for n in (1, 2)
    for name, letter, reply, value in (
        ("voltage_V", "U", "-0049", -49.0),
        ("current_A", "I", "0012-6", 12e-6),
        ("set_voltage_V", "D", "0050", 50),
        ("ramp_V_s", "V", "002", 2),
        ("trip_counts", "L", "0010", 10),
        ("highest_percent", "M", "070", 70),
        ("highest_current_percent", "N", "080", 80),
        ("autostart", "A", "000", 0),
        ("module", "T", "011", 11),
        ("state", "S", f"S{n}=ON ", "ON"),
    )
} | {"break_time_ms": (asked("W", "003"), 3)}
WRITTEN: Written = {
    f"ch{n}_{name}": (value, script)
    for n in (1, 2)
    for name, value, script in (
        ("set_voltage_V", 50, [*told(f"D{n}=0050"), *asked(f"D{n}", "0050"), *asked(f"G{n}", f"S{n}=L2H")]),
        ("ramp_V_s", 20, [*told(f"V{n}=020"), *asked(f"V{n}", "020")]),
        ("trip_counts", 10, [*told(f"L{n}=0010"), *asked(f"L{n}", "0010")]),
        ("autostart", 0, [*told(f"A{n}=0"), *asked(f"A{n}", "000")]),
    )
} | {"break_time_ms": (5, [*told("W=005"), *asked("W", "005")])}
DONE: Done = {}
ZERO = [exchange for n in (1, 2) for exchange in (*told(f"D{n}=0000"), *asked(f"D{n}", "0000"), *asked(f"G{n}", f"S{n}=H2L"))]


AT_ONCE: Exchange = (b"\r\nD1=0000\r\nG1\r\nD2=0000\r\nG2\r\n", b"")


def voltages(first: str, second: str) -> list[Exchange]:
    return [*asked("U1", first), *asked("U2", second)]


def test_every_command_has_its_bytes() -> None:
    names_complete(IsegNHQ, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(IsegNHQ, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(IsegNHQ, name, WRITTEN)


@pytest.mark.parametrize(("reply", "value"), [("+12345-01", 1234.5), ("-0049", -49.0), ("+0000", 0.0)])
def test_both_series_print_voltages(reply: str, value: float) -> None:
    assert run(IsegNHQ, asked("U1", reply), lambda unit: unit.read("ch1_voltage_V")) == value


def test_identity_after_the_echoes_line_up() -> None:
    found = run(IsegNHQ, [LINED_UP, *asked("#", IDENTITY)], lambda unit: unit.identify())
    assert (found.model, found.serial, found.firmware) == ("NHQ 8000 V", "481198", "2.06")
    unit, _ = scripted(IsegNHQ, [LINED_UP, *asked("#", "iseg,SHR,1")])
    with pytest.raises(WrongInstrument):
        unit.identify()


def test_preparing_switches_autostart_off_and_takes_the_rotary_switches_limits() -> None:
    script = asked("#", IDENTITY)
    for n in (1, 2):
        script += [*told(f"A{n}=0"), *asked(f"A{n}", "000"), *asked(f"M{n}", "070")]
    unit, wire = scripted(IsegNHQ, script)
    unit.prepare()
    assert wire.finished()
    with pytest.raises(LimitError, match="ch1_set_voltage_V = 5601 V is outside 0 to 5600 V"):
        unit.write("ch1_set_voltage_V", 5601)


@pytest.mark.parametrize("value", [-1, 8001, 1.5, True])
def test_limits(value: float) -> None:
    unit, wire = scripted(IsegNHQ, [])
    with pytest.raises(LimitError, match="ch1_set_voltage_V"):
        unit.write("ch1_set_voltage_V", value)
    assert wire.finished()


def test_pauses_that_would_lock_the_driver_out_are_not_set_but_read() -> None:
    unit, wire = scripted(IsegNHQ, asked("W", "255"))
    with pytest.raises(LimitError, match="break_time_ms = 21 ms is outside 2 to 20 ms"):
        unit.write("break_time_ms", 21)
    assert unit.read("break_time_ms") == 255
    assert wire.finished()
    assert IsegNHQ.quiet_s >= 4 * 0.020 + 0.05


def test_a_voltage_the_unit_clamps_never_starts_its_ramp() -> None:
    unit, wire = scripted(IsegNHQ, asked("D2=7000", "? UMAX@=5600"))
    with pytest.raises(Refused, match="UMAX@=5600"):
        unit.write("ch2_set_voltage_V", 7000)
    assert wire.finished()
    unit, wire = scripted(IsegNHQ, [*told("D2=7000"), *asked("D2", "5600")])
    with pytest.raises(Refused, match="reads back 5600 V after 7000 was set"):
        unit.write("ch2_set_voltage_V", 7000)
    assert wire.finished()


def test_a_ramp_under_manual_control_is_refused() -> None:
    unit, _ = scripted(IsegNHQ, [*told("D1=0050"), *asked("D1", "0050"), *asked("G1", "S1=MAN")])
    with pytest.raises(Refused, match="channel 1 does not ramp: under manual control"):
        unit.write("ch1_set_voltage_V", 50)


SECOND = [*asked("A2", "000"), *asked("D2", "0000"), *asked("S2", "S2=ON "), *asked("U2", "+0000")]


def looked(word: str, set_V: str = "2000", there: str = "-1999") -> list[Exchange]:
    """Both channels are looked at; the second is on at 0 V."""
    one = [*asked("A1", "000"), *asked("D1", set_V), *asked("S1", f"S1={word}")]
    there_V = asked("U1", there) if word == "ON " else []
    return [*one, *there_V, *SECOND]


SET = [*told("D1=2000"), *asked("D1", "2000"), *asked("G1", "S1=L2H")]


@pytest.mark.parametrize(
    ("first", "state", "warnings"),
    [
        ("ON ", "on", ()),
        ("L2H", "ramping", ()),
        ("H2L", "ramping", ()),
        ("OFF", "fault", ("channel 1: off at its front switch",)),
        ("MAN", "fault", ("channel 1: under manual control",)),
        ("ERR", "fault", ("channel 1: voltage or current limit exceeded",)),
        ("INH", "fault", ("channel 1: inhibit was or is active",)),
        ("QUA", "fault", ("channel 1: output quality not given",)),
        ("LAS", "fault", ("channel 1: look at status",)),
        ("TRP", "fault", ("channel 1: trip was active",)),
    ],
)
def test_status(first: str, state: str, warnings: tuple[str, ...]) -> None:
    status = run(IsegNHQ, looked(first), lambda unit: unit.status())
    assert (status.state, status.warnings) == (state, warnings)


def test_the_switch_of_a_channel_counts_where_something_is_set() -> None:
    assert run(IsegNHQ, looked("OFF", set_V="0000"), lambda unit: unit.status()) == Status("on", True)
    script = [*SET, *looked("OFF", set_V="0000")]
    _, status = run(IsegNHQ, script, lambda unit: (unit.write("ch1_set_voltage_V", 2000), unit.status()))
    assert status.warnings[0] == "channel 1: off at its front switch"


def test_a_trip_that_was_read_counts_until_the_channel_is_set_again() -> None:
    script = [*looked("TRP"), *looked("ON "), *SET, *looked("ON ")]
    first, second, _, third = run(
        IsegNHQ, script, lambda unit: (unit.status(), unit.status(), unit.write("ch1_set_voltage_V", 2000), unit.status())
    )
    assert first.warnings == ("channel 1: trip was active",)
    assert second.warnings == ("channel 1: trip was active; set its voltage again",)
    assert third.ok


def test_a_trip_that_somebody_else_read_counts_too() -> None:
    script = [*asked("S1", "S1=INH"), *looked("ON ")]
    _, status = run(IsegNHQ, script, lambda unit: (unit.read("ch1_state"), unit.status()))
    assert status.warnings == ("channel 1: inhibit was or is active; set its voltage again",)


def test_an_output_without_its_voltage_is_told() -> None:
    status = run(IsegNHQ, looked("ON ", there="-0000"), lambda unit: unit.status())
    assert status.warnings == ("channel 1: only 0 V where 2000 V are set; set it again",)
    assert run(IsegNHQ, looked("ON ", there="-1780"), lambda unit: unit.status()).ok


def test_a_set_point_that_is_gone_is_missed_also_by_the_driver_of_the_next_wire() -> None:
    gone = [*asked("A1", "000"), *asked("D1", "0000"), *asked("S1", "S1=ON "), *SECOND]
    said = ("channel 1: its set point is 0 V, not the 2000 V that were set; set it again",)
    script = [*looked("ON "), *gone]
    before = run(IsegNHQ, looked("ON "), lambda unit: (unit.status(), unit)[1])
    assert run(IsegNHQ, script, lambda unit: (unit.status(), unit.status())[1]).warnings == said
    assert run(IsegNHQ, gone, lambda unit: (unit.inherit(before), unit.status())[1]).warnings == said


def test_status_is_not_asked_while_that_could_start_a_ramp() -> None:
    script = [*asked("A1", "008"), *SECOND]
    status = run(IsegNHQ, script, lambda unit: unit.status())
    assert not status.ok
    assert "autostart is on" in status.warnings[0]


def test_ramping_to_zero() -> None:
    script = [*ZERO, *voltages("-0100", "-0500"), *voltages("-0010", "-0015")]
    run(IsegNHQ, script, lambda unit: unit.ramp_to_zero_and_off())


@pytest.mark.parametrize(
    ("looks", "detail"),
    [
        (voltages("-0003", "+0000"), "no voltage"),
        ([*voltages("-2000", "-0000"), *voltages("-1980", "-0000")], "ramping to zero, 1980 V left"),
    ],
)
def test_making_safe_leaves_first_and_looks_whether_it_obeys(looks: list[Exchange], detail: str) -> None:
    result = run(IsegNHQ, [AT_ONCE, LINED_UP, *ZERO, *looks], lambda unit: unit.make_safe())
    assert (result.confirmed, result.detail) == (True, detail)


def zeroed(word: str, left: str = "0000") -> list[Exchange]:
    """Channel 1 does not start its ramp."""
    first = [*told("D1=0000"), *asked("D1", left)]
    return [*first, *(asked("G1", f"S1={word}") if left == "0000" else []), *ZERO[len(ZERO) // 2 :]]


@pytest.mark.parametrize("word", ["OFF", "MAN", "TRP", "INH"])
def test_a_channel_that_starts_no_ramp_is_safe_with_no_voltage_and_nothing_set(word: str) -> None:
    nothing_set = [*asked("D1", "0000"), *asked("D2", "0000")]
    script = [AT_ONCE, LINED_UP, *zeroed(word), *voltages("+0000", "+0000"), *nothing_set]
    assert run(IsegNHQ, script, lambda unit: unit.make_safe()).detail == "no voltage"


def test_a_channel_that_keeps_its_set_point_is_not_safe() -> None:
    script = [AT_ONCE, LINED_UP, *zeroed("OFF", left="2000"), *voltages("+0000", "+0000"), *asked("D1", "2000")]
    with pytest.raises(Refused, match="ch1_set_voltage_V reads back 2000 V after 0 was set"):
        run(IsegNHQ, script, lambda unit: unit.make_safe())


@pytest.mark.parametrize(
    ("reply", "said"),
    [("????", "syntax error"), ("?WCN", "wrong channel number"), ("?TOT", "time-out"), ("? UMAX=5600", "UMAX=5600")],
)
def test_refusals_are_said(reply: str, said: str) -> None:
    unit, _ = scripted(IsegNHQ, asked("D1", reply))
    with pytest.raises(Refused, match=said):
        unit.read("ch1_set_voltage_V")


@pytest.mark.parametrize(
    ("quantity", "letter", "reply"),
    [
        ("ch1_voltage_V", "U1", "-00 49"),
        ("ch1_voltage_V", "U1", "99999"),
        ("ch1_current_A", "I1", "0012-2"),
        ("ch1_state", "S1", "S1=OOO"),
        ("ch1_module", "T1", "256"),
        ("ch1_module", "T1", "x"),
    ],
)
def test_garbled_replies(quantity: str, letter: str, reply: str) -> None:
    unit, _ = scripted(IsegNHQ, asked(letter, reply))
    with pytest.raises(GarbledReply):
        unit.read(quantity)


@pytest.mark.parametrize(
    ("script", "error"),
    [([(b"U", b"u")], GarbledReply), ([(b"U", b"")], LinkTimeout), ([*asked("U", "")[:1], (b"1", b"")], LinkTimeout)],
)
def test_a_wrong_or_missing_echo(script: list[Exchange], error: type[DriverError]) -> None:
    unit, _ = scripted(IsegNHQ, script)
    with pytest.raises(error):
        unit.read("ch1_voltage_V")


def test_after_silence_the_echoes_line_up_again() -> None:
    silent = [*asked("W", "")[:-1], (b"\n", [b"\n", LATE, b"003\r\n"])]
    unit, wire = scripted(IsegNHQ, [*silent, LINED_UP, *asked("W", "003")])
    with pytest.raises(LinkTimeout):
        unit.read("break_time_ms")
    assert unit.read("break_time_ms") == 3
    assert wire.finished()
