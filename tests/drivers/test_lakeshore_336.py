"""Lake Shore 336 on the wire: every message ends with *ESR?, which alone tells a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.lakeshore_336 import LakeShore336
from drivers.roles import SafeResult
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = b"LSCI,MODEL336,LSA165V/#######,2.7\r\n"


def asked(query: str, reply: str) -> Exchange:
    return (f"{query};*ESR?\n".encode(), f"{reply};0\r\n".encode())


def told(text: str, events: int = 0) -> Exchange:
    return (f"{text};*ESR?\n".encode(), f"{events}\r\n".encode())


def set_point(back: str = "+25.0000", heater: str = "3") -> list[Exchange]:
    return [told("SETP 1,25.0000"), asked("SETP? 1", back), told("RANGE 1,3"), asked("RANGE? 1", heater)]


def test_identity() -> None:
    unit, wire = scripted(LakeShore336, [(b"*IDN?\n", IDENTITY), (b"*ESR?\n", b"160\r\n")])
    assert unit.identify().firmware == "2.7"
    assert wire.finished()
    unit, _ = scripted(LakeShore336, [(b"*IDN?\n", b"LSCI,MODEL335,1,2\r\n")])
    with pytest.raises(WrongInstrument):
        unit.identify()


def test_preparing_does_not_heat() -> None:
    kelvin, celsius = ((b"INTYPE? A;*ESR?\n", b"1,1,0,0,%d;0\r\n" % unit) for unit in (1, 2))
    unit, wire = scripted(LakeShore336, [told("OUTMODE 1,1,1,0"), told("RAMP 1,0,0"), kelvin])
    unit.prepare()
    assert wire.finished()
    unit, _ = scripted(LakeShore336, [told("OUTMODE 1,1,1,0"), told("RAMP 1,0,0"), celsius])
    with pytest.raises(Refused, match="set its preferred unit to kelvin"):
        unit.prepare()


def test_a_temperature() -> None:
    unit, wire = scripted(LakeShore336, [(b"KRDG? A;*ESR?\n", [b"+4.2", b"113;0\r", b"\n"])])
    assert unit.read("temperature_K") == 4.2113
    assert wire.finished()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"+4.2113\r\n", GarbledReply),
        (b"+4.21.13;0\r\n", GarbledReply),
        (b"nan;0\r\n", GarbledReply),
        (b"-3.0;0\r\n", GarbledReply),
        (b"+4.2113;x\r\n", GarbledReply),
        (b"+4.2113;32\r\n", Refused),
        (b"32\r\n", Refused),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    unit, _ = scripted(LakeShore336, [(b"KRDG? A;*ESR?\n", reply)])
    with pytest.raises(error):
        unit.read("temperature_K")


def test_a_set_point_is_read_back_and_then_heated_to() -> None:
    unit, wire = scripted(LakeShore336, set_point())
    unit.write("set_temperature_K", 25.0)
    assert wire.finished()
    unit, wire = scripted(LakeShore336, set_point(back="+20.0000")[:2])
    with pytest.raises(Refused, match="reads back 20 K after 25 was set"):
        unit.write("set_temperature_K", 25.0)
    assert wire.finished()


def test_a_heater_that_does_not_come_on_is_an_error() -> None:
    unit, _ = scripted(LakeShore336, set_point(heater="0"))
    with pytest.raises(Refused, match="heater range reads back 0 after 3 was set"):
        unit.write("set_temperature_K", 25.0)


def test_the_range_is_an_option() -> None:
    unit, wire = scripted(LakeShore336, [*set_point()[:2], told("RANGE 1,1"), asked("RANGE? 1", "1")], heater_range=1)
    unit.write("set_temperature_K", 25.0)
    assert wire.finished()
    with pytest.raises(LimitError, match="heater_range = 0"):
        scripted(LakeShore336, [], heater_range=0)


@pytest.mark.parametrize("value", [3.0, 326.0, float("nan"), "25"])
def test_limits(value: float) -> None:
    unit, wire = scripted(LakeShore336, [])
    with pytest.raises(LimitError, match="set_temperature_K"):
        unit.write("set_temperature_K", value)
    assert wire.finished()


def test_a_set_point_that_may_not_be_set_can_still_be_read() -> None:
    unit, _ = scripted(LakeShore336, [asked("SETP? 1", "+0.0000")])
    assert unit.read("set_temperature_K") == 0.0


def test_faults_of_sensor_and_heater_are_named() -> None:
    unit, _ = scripted(LakeShore336, [asked("RDGST? A", "128"), asked("HTRST? 1", "1"), asked("RANGE? 1", "0")])
    status = unit.status()
    assert not status.ok
    assert status.warnings == ("sensor A: sensor over-range", "heater 1: open load")


def test_a_heater_that_went_off_stays_a_fault_though_its_cause_was_cleared_by_reading() -> None:
    quiet = [asked("RDGST? A", "000"), asked("HTRST? 1", "0")]
    unit, _ = scripted(LakeShore336, [*quiet, asked("RANGE? 1", "0"), *set_point(), *quiet, asked("RANGE? 1", "0")])
    assert unit.status().ok
    unit.write("set_temperature_K", 25.0)
    status = unit.status()
    assert not status.ok
    assert "went off" in status.warnings[0]


@pytest.mark.parametrize(
    ("ranges", "confirmed", "detail"),
    [("0000", True, "heater off"), ("3000", False, "still on: output 1"), ("0201", False, "still on: output 2, 4")],
)
def test_making_safe_turns_every_output_off_before_it_asks_anything(ranges: str, confirmed: bool, detail: str) -> None:
    off = (b"\nRANGE 1,0;RANGE 2,0;RANGE 3,0;RANGE 4,0\n", b"")
    looks = [asked(f"RANGE? {number}", back) for number, back in enumerate(ranges, 1)]
    unit, wire = scripted(LakeShore336, [off, (b"*IDN?\n", IDENTITY), *looks])
    assert unit.make_safe() == SafeResult(confirmed, detail)
    assert wire.finished()


def test_after_silence_the_identity_is_asked() -> None:
    unit, wire = scripted(
        LakeShore336, [(b"KRDG? A;*ESR?\n", [LATE, b"+4.2113;0\r\n"]), (b"*IDN?\n", IDENTITY), asked("KRDG? A", "+5.0")]
    )
    with pytest.raises(LinkTimeout):
        unit.read("temperature_K")
    assert unit.read("temperature_K") == 5.0
    assert wire.finished()


@given(st.binary(max_size=24).filter(lambda text: b"\n" not in text))
def test_only_errors_of_the_driver_escape(text: bytes) -> None:
    unit, _ = scripted(LakeShore336, [(b"KRDG? A;*ESR?\n", text + b"\r\n")])
    try:
        assert 0 <= float(unit.read("temperature_K")) <= 1500
    except DriverError:
        return


def one(query: str, command: str, value: str) -> list[Exchange]:
    return [told(command), asked(query, value)]


def among(word: str, of: str, place: int, before: str, sent: str) -> list[Exchange]:
    """One of several values that share a command: asked, sent with the others, read back."""
    values = before.split(",")
    values[place] = sent
    after = ",".join(values)
    return [asked(f"{word}? {of}", before), told(f"{word} {of},{after}"), asked(f"{word}? {of}", after)]


def _value(text: str) -> float | int | str:
    if text.isalpha():
        return text
    return float(text) if "." in text else int(text)


def fields(word: str, of: str, reply: str, names: str) -> Read:
    """A reading for each of the values of one reply; a dot in it makes a number with a fraction."""
    read: Read = {
        name: ([asked(f"{word}? {of}", reply)], _value(text))
        for name, text in zip(names.split(), reply.split(","), strict=True)
    }
    return read


READ: Read = {
    "temperature_K": ([asked("KRDG? A", "+25.001")], 25.001),
    "set_temperature_K": ([asked("SETP? 1", "+25.000")], 25.0),
    "heater_percent": ([asked("HTR? 1", "+055.6")], 55.6),
    "heater_range": ([asked("RANGE? 1", "3")], 3),
    "operation": ([asked("OPST?", "016")], 16),
    "operation_latched": ([asked("OPSTR?", "024")], 24),
    "tuning": ([asked("TUNEST?", "1,1,0,04")], True),
    "mode": ([asked("MODE?", "1")], 1),
}
WRITTEN: Written = {
    "set_temperature_K": (25.0, set_point()),
    "mode": (2, one("MODE?", "MODE 2", "2")),
}
for letter in "ABCD":
    low = letter.lower()
    if letter != "A":
        READ = READ | {f"{low}_temperature_K": ([asked(f"KRDG? {letter}", "+293.15")], 293.15)}
    alarms = "alarm_on alarm_high_K alarm_low_K alarm_deadband_K alarm_latches alarm_beeps alarm_lights"
    types = "type auto_range range compensated unit"
    READ = (
        READ
        | {
            f"{low}_sensor": ([asked(f"SRDG? {letter}", "+1.0523")], 1.0523),
            f"{low}_reading_status": ([asked(f"RDGST? {letter}", "032")], 32),
            f"{low}_limit_K": ([asked(f"TLIMIT? {letter}", "+330.0")], 330.0),
            f"{low}_curve": ([asked(f"INCRV? {letter}", "21")], 21),
            f"{low}_name": ([asked(f"INNAME? {letter}", "nozzle         ")], "nozzle"),
            f"{low}_alarm_high": ([asked(f"ALARMST? {letter}", "1,0")], True),
            f"{low}_alarm_low": ([asked(f"ALARMST? {letter}", "1,0")], False),
        }
        | fields("INTYPE", letter, "3,1,0,1,1", " ".join(f"{low}_{name}" for name in types.split()))
        | fields("FILTER", letter, "1,10,2", f"{low}_filter_on {low}_filter_points {low}_filter_percent")
        | fields("ALARM", letter, "1,+320.0,+4.0,+0.5,1,0,1", " ".join(f"{low}_{name}" for name in alarms.split()))
    )
    WRITTEN = WRITTEN | {
        f"{low}_limit_K": (330.0, one(f"TLIMIT? {letter}", f"TLIMIT {letter},330.000", "+330.0")),
        f"{low}_curve": (22, one(f"INCRV? {letter}", f"INCRV {letter},22", "22")),
        f"{low}_name": ("rod", one(f"INNAME? {letter}", f'INNAME {letter},"rod"', "rod            ")),
        f"{low}_type": (1, among("INTYPE", letter, 0, "3,1,0,1,1", "1")),
        f"{low}_auto_range": (0, among("INTYPE", letter, 1, "3,1,0,1,1", "0")),
        f"{low}_range": (5, among("INTYPE", letter, 2, "3,1,0,1,1", "5")),
        f"{low}_compensated": (0, among("INTYPE", letter, 3, "3,1,0,1,1", "0")),
        f"{low}_unit": (2, among("INTYPE", letter, 4, "3,1,0,1,1", "2")),
        f"{low}_filter_on": (0, among("FILTER", letter, 0, "1,10,2", "0")),
        f"{low}_filter_points": (64, among("FILTER", letter, 1, "1,10,2", "64")),
        f"{low}_filter_percent": (10, among("FILTER", letter, 2, "1,10,2", "10")),
        f"{low}_alarm_on": (0, among("ALARM", letter, 0, "1,+320.0,+4.0,+0.5,1,0,1", "0")),
        f"{low}_alarm_high_K": (310.0, among("ALARM", letter, 1, "1,+320.0,+4.0,+0.5,1,0,1", "310.000")),
        f"{low}_alarm_low_K": (5.0, among("ALARM", letter, 2, "1,+320.0,+4.0,+0.5,1,0,1", "5.000")),
        f"{low}_alarm_deadband_K": (1.0, among("ALARM", letter, 3, "1,+320.0,+4.0,+0.5,1,0,1", "1.000")),
        f"{low}_alarm_latches": (0, among("ALARM", letter, 4, "1,+320.0,+4.0,+0.5,1,0,1", "0")),
        f"{low}_alarm_beeps": (1, among("ALARM", letter, 5, "1,+320.0,+4.0,+0.5,1,0,1", "1")),
        f"{low}_alarm_lights": (0, among("ALARM", letter, 6, "1,+320.0,+4.0,+0.5,1,0,1", "0")),
    }
for n in "1234":
    READ = (
        READ
        | fields("PID", n, "+0150.0,+0005.0,+000.0", f"output{n}_p output{n}_i output{n}_d")
        | fields("RAMP", n, "1,+2.0", f"output{n}_ramp_on output{n}_ramp_K_min")
        | fields("OUTMODE", n, "1,1,0", f"output{n}_mode output{n}_input output{n}_stays_on")
        | {
            f"output{n}_ramping": ([asked(f"RAMPST? {n}", "1")], True),
            f"output{n}_manual_percent": ([asked(f"MOUT? {n}", "+012.50")], 12.5),
        }
    )
    WRITTEN = WRITTEN | {
        f"output{n}_p": (100.0, among("PID", n, 0, "+0150.0,+0005.0,+000.0", "100.0")),
        f"output{n}_i": (20.0, among("PID", n, 1, "+0150.0,+0005.0,+000.0", "20.0")),
        f"output{n}_d": (3.0, among("PID", n, 2, "+0150.0,+0005.0,+000.0", "3.0")),
        f"output{n}_ramp_on": (0, among("RAMP", n, 0, "1,+2.0", "0")),
        f"output{n}_ramp_K_min": (2.5, among("RAMP", n, 1, "1,+2.0", "2.5")),
        f"output{n}_mode": (3, among("OUTMODE", n, 0, "1,1,0", "3")),
        f"output{n}_input": (2, among("OUTMODE", n, 1, "1,1,0", "2")),
        f"output{n}_stays_on": (1, among("OUTMODE", n, 2, "1,1,0", "1")),
        f"output{n}_manual_percent": (20.0, one(f"MOUT? {n}", f"MOUT {n},20.00", "+020.00")),
    }
    if n != "1":
        READ = READ | {
            f"output{n}_set_point": ([asked(f"SETP? {n}", "+300.0")], 300.0),
            f"output{n}_range": ([asked(f"RANGE? {n}", "1")], 1),
            f"output{n}_percent": ([asked(f"{'HTR' if n == '2' else 'AOUT'}? {n}", "+050.0")], 50.0),
        }
        WRITTEN = WRITTEN | {
            f"output{n}_set_point": (300.0, one(f"SETP? {n}", f"SETP {n},300.0000", "+300.0")),
            f"output{n}_range": (1, one(f"RANGE? {n}", f"RANGE {n},1", "1")),
        }
    if n in "12":
        names = " ".join(f"output{n}_{name}" for name in ("resistance", "highest_current", "user_current_A", "shows_power"))
        READ = READ | fields("HTRSET", n, "1,0,0.75,1", names)
        READ = READ | fields("RELAY", n, "2,B,0", f"relay{n}_mode relay{n}_input relay{n}_type")
        READ = READ | {f"relay{n}_closed": ([asked(f"RELAYST? {n}", "1")], True)}
        WRITTEN = WRITTEN | {
            f"output{n}_resistance": (2, among("HTRSET", n, 0, "1,0,0.75,1", "2")),
            f"output{n}_highest_current": (4, among("HTRSET", n, 1, "1,0,0.75,1", "4")),
            f"output{n}_user_current_A": (1.25, among("HTRSET", n, 2, "1,0,0.75,1", "1.250")),
            f"output{n}_shows_power": (2, among("HTRSET", n, 3, "1,0,0.75,1", "2")),
            f"relay{n}_mode": (1, among("RELAY", n, 0, "2,B,0", "1")),
            f"relay{n}_input": ("C", among("RELAY", n, 1, "2,B,0", "C")),
            f"relay{n}_type": (2, among("RELAY", n, 2, "2,B,0", "2")),
        }
DONE: Done = {"reset_alarms": [told("ALMRST")], "reset": [told("*RST")]} | {
    f"tune_output{n}_{name}": [told(f"ATUNE {n},{code}")] for n in (1, 2) for code, name in enumerate(("p", "pi", "pid"))
}


def test_every_command_has_its_bytes() -> None:
    names_complete(LakeShore336, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(LakeShore336, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(LakeShore336, name, WRITTEN)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(LakeShore336, name, DONE)
