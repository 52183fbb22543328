"""Pfeiffer TPG 362 on the wire: a mnemonic is acknowledged, and a lone ENQ fetches what it asked for."""

import pytest

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.pfeiffer_tpg362 import TPG362
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete, run
from tests.drivers.script import LATE, Exchange, scripted

ACK, NAK, ENQ = b"\x06\r\n", b"\x15\r\n", b"\x05"
IDENTITY = "TPG 362,PTG28290,44990000,010100,010100"
LINED_UP: Exchange = (b"\x03AYT\r\n\x05", f"\x06\r\n{IDENTITY}\r\n".encode())


def told(text: str) -> list[Exchange]:
    return [(f"{text}\r\n".encode(), ACK)]


def fetched(reply: str) -> Exchange:
    return (ENQ, f"{reply}\r\n".encode())


def asked(text: str, reply: str) -> list[Exchange]:
    return [*told(text), fetched(reply)]


MBAR = asked("UNI", "0")
READ: Read = {
    "gauge1_pressure_mbar": ([*asked("PR1", "0,+1.7377E-06"), *MBAR], 1.7377e-6),
    "gauge2_pressure_mbar": ([*asked("PR2", "0,+1.0000E+00"), *MBAR], 1.0),
    "gauge1_status": (asked("PR1", "5,+2.0000E-02"), 5),
    "gauge2_status": (asked("PR2", "0,+2.0000E-02"), 0),
    "gauge1_sensor": (asked("TID", "TPR,IKR9"), "TPR"),
    "gauge2_sensor": (asked("TID", "TPR,IKR9"), "IKR9"),
    "gauge1_switch": (asked("SEN", "2,1"), 2),
    "gauge2_switch": (asked("SEN", "2,1"), 1),
    "gauge1_filter": (asked("FIL", "1,2"), "medium"),
    "gauge2_filter": (asked("FIL", "1,2"), "slow"),
    "gauge1_factor": (asked("CAL", "1.000,0.900"), 1.0),
    "gauge2_factor": (asked("CAL", "1.000,0.900"), 0.9),
    "gauge1_degas": (asked("DGS", "0,1"), False),
    "gauge2_degas": (asked("DGS", "0,1"), True),
    "unit": (asked("UNI", "2"), "Pa"),
    "digits": (asked("DCD", "2"), 2),
    "displayed_gauge": (asked("SCT", "1"), 1),
    "language": (asked("LNG", "1"), "DE"),
    "watchdog": (asked("WDT", "0"), 0),
    "mac_address": (asked("MAC", "00:1A:2B:3C:4D:5E"), "00:1A:2B:3C:4D:5E"),
    "network": (asked("ETH", "0,192.168.1.10,255.255.255.0,192.168.1.1"), "0,192.168.1.10,255.255.255.0,192.168.1.1"),
    "errors": (asked("RES", "0"), "0"),
} | {
    f"relay{n}_{name}": (asked(word, reply), value)
    for n in (1, 2, 3, 4)
    for name, word, reply, value in (
        ("gauge", f"SP{n}", "1,1.0000E-09,9.0000E-07", 1),
        ("lower", f"SP{n}", "1,1.0000E-09,9.0000E-07", 1e-9),
        ("upper", f"SP{n}", "1,1.0000E-09,9.0000E-07", 9e-7),
        ("closed", "SPS", ",".join("1" if place == n else "0" for place in (1, 2, 3, 4)), True),
    )
}


def changed(word: str, before: str, command: str, after: str) -> list[Exchange]:
    """Settings that share a command: the others are asked first and sent again."""
    return [*asked(word, before), *asked(command, after)]


WRITTEN: Written = {
    "gauge1_switch": (1, changed("SEN", "2,2", "SEN,1,0", "1,2")),
    "gauge2_switch": (2, changed("SEN", "2,1", "SEN,0,2", "2,2")),
    "gauge1_filter": ("slow", changed("FIL", "1,1", "FIL,2,1", "2,1")),
    "gauge2_filter": ("fast", changed("FIL", "1,1", "FIL,1,0", "1,0")),
    "gauge1_factor": (1.25, changed("CAL", "1.000,0.900", "CAL,1.250,0.900", "1.250,0.900")),
    "gauge2_factor": (1.1, changed("CAL", "1.000,0.900", "CAL,1.000,1.100", "1.000,1.100")),
    "gauge1_degas": (True, changed("DGS", "0,0", "DGS,1,0", "1,0")),
    "gauge2_degas": (False, changed("DGS", "1,1", "DGS,1,0", "1,0")),
    "unit": ("mbar", asked("UNI,0", "0")),
    "digits": (3, asked("DCD,3", "3")),
    "displayed_gauge": (0, asked("SCT,0", "0")),
    "language": ("EN", asked("LNG,0", "0")),
    "watchdog": (1, asked("WDT,1", "1")),
} | {
    f"relay{n}_{name}": (value, changed(f"SP{n}", "0,1.0000E-09,9.0000E-07", f"SP{n},{sent}", sent))
    for n in (1, 2, 3, 4)
    for name, value, sent in (
        ("gauge", 1, "1,1.0000E-09,9.0000E-07"),
        ("lower", 0.5, "0,5.0000E-01,9.0000E-07"),
        ("upper", 2.0, "0,1.0000E-09,2.0000E+00"),
    )
}
DONE: Done = {"reset": told("RES,1")}


def test_every_command_has_its_bytes() -> None:
    names_complete(TPG362, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(TPG362, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(TPG362, name, WRITTEN)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(TPG362, name, DONE)


def test_identity_ends_the_output_after_power_up() -> None:
    found = run(TPG362, [LINED_UP, *asked("AYT", IDENTITY)], lambda unit: unit.identify())
    assert (found.model, found.serial, found.firmware) == ("TPG 362", "44990000", "010100")


@pytest.mark.parametrize("model", ["TPG 261", "TPG 361"])
def test_a_unit_with_other_gauges_is_another_instrument(model: str) -> None:
    unit, _ = scripted(TPG362, [LINED_UP, *asked("AYT", f"{model},1,2,3,4")])
    with pytest.raises(WrongInstrument):
        unit.identify()


@pytest.mark.parametrize(("unit", "factor"), [("0", 1.0), ("1", 1.33322368), ("2", 0.01), ("3", 1.33322368e-3), ("4", 1.0)])
def test_pressures_come_in_millibar_whatever_the_panel_shows(unit: str, factor: float) -> None:
    script = [*asked("PR1", "0,+2.0000E+00"), *asked("UNI", unit)]
    assert run(TPG362, script, lambda gauge: gauge.read("gauge1_pressure_mbar")) == pytest.approx(2 * factor, rel=1e-9)


def test_volts_are_no_pressure() -> None:
    unit, _ = scripted(TPG362, [*asked("PR1", "0,+2.0000E+00"), *asked("UNI", "5")])
    with pytest.raises(Refused, match="shows V and no pressure"):
        unit.read("gauge1_pressure_mbar")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (1, "underrange"),
        (2, "overrange"),
        (3, "sensor error"),
        (4, "sensor off"),
        (5, "no sensor"),
        (6, "sensor not identified"),
    ],
)
def test_a_value_with_a_status_is_no_measurement(code: int, said: str) -> None:
    unit, _ = scripted(TPG362, asked("PR1", f"{code},+2.0000E-02"))
    with pytest.raises(Refused, match=f"not measured: {said}"):
        unit.read("gauge1_pressure_mbar")


def test_status_tells_gauges_and_controller() -> None:
    gauges = [*asked("PR1", "0,+1.0000E-06"), *asked("PR2", "4,+1.0000E-06")]
    status = run(TPG362, [*asked("ERR", "0000"), *gauges], lambda unit: unit.status())
    assert (status.ok, status.warnings) == (True, ("gauge 2: sensor off",))
    status = run(TPG362, [*asked("ERR", "1100"), *gauges], lambda unit: unit.status())
    assert not status.ok
    assert status.warnings[:2] == ("controller error", "hardware not fitted")


def test_preparing_forgets_old_errors_and_safe_is_as_it_is() -> None:
    run(TPG362, asked("ERR", "0001"), lambda unit: unit.prepare())
    assert run(TPG362, [], lambda unit: unit.make_safe()).confirmed


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("1000", "controller error"),
        ("0100", "hardware not fitted"),
        ("0010", "inadmissible parameter"),
        ("0001", "syntax error"),
        ("0000", "without a reason"),
    ],
)
def test_refusals_are_fetched_and_said(word: str, said: str) -> None:
    unit, wire = scripted(TPG362, [(b"DCD,3\r\n", NAK), fetched(word)])
    with pytest.raises(Refused, match=said):
        unit.write("digits", 3)
    assert wire.finished()


def test_a_setting_that_reads_back_otherwise_is_refused() -> None:
    unit, _ = scripted(TPG362, asked("UNI,0", "1"))
    with pytest.raises(Refused, match="unit reads back Torr after mbar was set"):
        unit.write("unit", "mbar")


@pytest.mark.parametrize(
    ("quantity", "value"), [("digits", 4), ("unit", "bar"), ("gauge1_factor", 0.0), ("relay1_lower", -1.0)]
)
def test_limits(quantity: str, value: float | str) -> None:
    unit, wire = scripted(TPG362, [])
    with pytest.raises(LimitError, match=quantity):
        unit.write(quantity, value)
    assert wire.finished()


@pytest.mark.parametrize(
    ("exchanges", "error"),
    [
        ([(b"PR1\r\n", b"\x07\r\n")], GarbledReply),
        ([*told("PR1"), fetched("1.7377E+00")], GarbledReply),
        ([*told("PR1"), fetched("0,x")], GarbledReply),
        ([*told("PR1"), fetched("7,+1.0000E+00")], GarbledReply),
        ([*told("PR1"), (ENQ, b"0,\xff+1.0000E+00\r\n")], GarbledReply),
        ([*told("PR1"), (ENQ, b"\r\n")], GarbledReply),
        ([*told("PR1"), fetched("0,+9.0000E+09"), *MBAR], GarbledReply),
        ([*told("PR1"), (ENQ, b"0,+1.0")], LinkTimeout),
        ([(b"PR1\r\n", b"")], LinkTimeout),
    ],
)
def test_ugly_replies(exchanges: list[Exchange], error: type[DriverError]) -> None:
    unit, _ = scripted(TPG362, exchanges)
    with pytest.raises(error):
        unit.read("gauge1_pressure_mbar")


def test_too_few_values_are_garbled() -> None:
    unit, _ = scripted(TPG362, asked("TID", "TPR"))
    with pytest.raises(GarbledReply, match="1 values instead of 2"):
        unit.read("gauge1_sensor")


def test_after_silence_the_controller_is_asked_who_it_is() -> None:
    unit, wire = scripted(TPG362, [(b"DCD\r\n", [LATE, ACK]), LINED_UP, *asked("DCD", "2")])
    with pytest.raises(LinkTimeout):
        unit.read("digits")
    assert unit.read("digits") == 2
    assert wire.finished()
