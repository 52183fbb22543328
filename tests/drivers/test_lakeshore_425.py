"""Lake Shore 425 on the wire: no errors are ever told, so settings are read back, and readings are held against the status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LinkTimeout, Refused, WrongInstrument
from drivers.lakeshore_425 import LakeShore425
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = b"LSCI,MODEL425,4250022,1.0\r\n"
GOOD: Exchange = (b"OPST?\n", b"004\r\n")
TESLA: Exchange = (b"UNIT?\n", b"2\r\n")


def test_identity() -> None:
    unit, _ = scripted(LakeShore425, [(b"*IDN?\n", IDENTITY)])
    assert unit.identify().serial == "4250022"
    unit, _ = scripted(LakeShore425, [(b"*IDN?\n", b"LSCI,MODEL336,1,1\r\n")])
    with pytest.raises(WrongInstrument):
        unit.identify()


def prepared(mode: bytes = b"1,0,1", unit: bytes = b"2") -> list[Exchange]:
    return [
        (b"RDGMODE 1,0,1\n", b""),
        (b"AUTO 1\n", b""),
        (b"UNIT 2\n", b""),
        (b"RDGMODE?\n", mode + b"\r\n"),
        (b"UNIT?\n", unit + b"\r\n"),
    ]


def test_a_field_is_in_tesla_only_after_the_unit_was_seen() -> None:
    unit, wire = scripted(LakeShore425, [*prepared(), TESLA, (b"RDGFIELD?\n", [b"+002.", b"391E+00\r\n"]), GOOD])
    unit.prepare()
    assert unit.read("field_T") == pytest.approx(2.391)
    assert wire.finished()


@pytest.mark.parametrize(("mode", "unit", "said"), [(b"1,0,1", b"1", "tesla"), (b"2,0,1", b"2", "DC, wide band")])
def test_a_setting_that_does_not_take_is_an_error(mode: bytes, unit: bytes, said: str) -> None:
    probe, _ = scripted(LakeShore425, prepared(mode, unit))
    with pytest.raises(Refused, match=said):
        probe.prepare()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"OVERLOAD\r\n", GarbledReply),
        (b"+023.914E+03\r\n", GarbledReply),
        (b"+002.\x00\r\n", GarbledReply),
        (b"+0 2.391\r\n", GarbledReply),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    unit, _ = scripted(LakeShore425, [TESLA, (b"RDGFIELD?\n", reply)])
    with pytest.raises(error):
        unit.read("field_T")


@pytest.mark.parametrize(
    ("unit", "reply", "field_T"),
    [
        (b"1", b"+008.000E+00", 0.8e-3),
        (b"1", b"+023.914E+03", 2.3914),
        (b"3", b"+023.914E+03", 2.3914),
        (b"4", b"+001.000E+06", 1.2566),
        (b"2", b"-002.391E+00", -2.391),
    ],
)
def test_a_field_is_in_the_unit_that_the_instrument_shows(unit: bytes, reply: bytes, field_T: float) -> None:
    """After a power cycle it is gauss again."""
    probe, wire = scripted(LakeShore425, [(b"UNIT?\n", unit + b"\r\n"), (b"RDGFIELD?\n", reply + b"\r\n"), GOOD])
    assert probe.read("field_T") == pytest.approx(field_T, rel=1e-4)
    assert wire.finished()


def test_a_set_point_is_given_in_tesla_only() -> None:
    probe, wire = scripted(LakeShore425, [(b"UNIT?\n", b"1\r\n")])
    with pytest.raises(Refused, match="takes fields in gauss, not tesla; prepare it again"):
        probe.write("relative_set_point_T", 0.1)
    assert wire.finished()


@pytest.mark.parametrize("unit", [b"0", b"5", b"T"])
def test_an_unknown_unit_is_no_unit(unit: bytes) -> None:
    probe, _ = scripted(LakeShore425, [(b"UNIT?\n", unit + b"\r\n")])
    with pytest.raises(GarbledReply):
        probe.read("field_T")


def test_a_pair_of_fields_has_two() -> None:
    probe, _ = scripted(LakeShore425, [TESLA, (b"RDGMNMX?\n", b"+002.400E+00\r\n")])
    with pytest.raises(GarbledReply, match="1 values instead of 2"):
        probe.read("largest_field_T")


def test_a_number_without_a_probe_is_no_field() -> None:
    unit, _ = scripted(LakeShore425, [TESLA, (b"RDGFIELD?\n", b"+000.000E+00\r\n"), (b"OPST?\n", b"001\r\n")])
    with pytest.raises(Refused, match="has no field to give: no probe"):
        unit.read("field_T")


@pytest.mark.parametrize(
    ("bits", "warnings"),
    [
        (b"004", ()),
        (b"132", ()),
        (b"001", ("no probe",)),
        (b"2", ("field overload",)),
        (b"80", ("invalid probe", "calibration error")),
    ],
)
def test_status(bits: bytes, warnings: tuple[str, ...]) -> None:
    unit, _ = scripted(LakeShore425, [(b"OPST?\n", bits + b"\r\n")])
    status = unit.status()
    assert (status.ok, status.warnings) == (not warnings, warnings)


def test_after_silence_the_identity_is_asked() -> None:
    unit, wire = scripted(
        LakeShore425,
        [
            TESLA,
            (b"RDGFIELD?\n", [LATE, b"+001.0E+00\r\n"]),
            (b"*IDN?\n", IDENTITY),
            TESLA,
            (b"RDGFIELD?\n", b"+002.0E+00\r\n"),
            GOOD,
        ],
    )
    with pytest.raises(LinkTimeout):
        unit.read("field_T")
    assert unit.read("field_T") == 2.0
    assert wire.finished()


@given(st.binary(max_size=20).filter(lambda text: b"\n" not in text))
def test_only_fields_come_out(text: bytes) -> None:
    unit, _ = scripted(LakeShore425, [TESLA, (b"RDGFIELD?\n", text + b"\r\n"), GOOD])
    try:
        assert -35 <= float(unit.read("field_T")) <= 35
    except DriverError:
        return


FINE = (b"OPST?\n", b"132\r\n")
ALARM = "0,1,+100.000E-03,+300.000E-03,1,0,1"


def plain(text: str, reply: str) -> Exchange:
    return (f"{text}\n".encode(), f"{reply}\r\n".encode())


def changed(text: str, query: str, back: str) -> list[Exchange]:
    return [(f"{text}\n".encode(), b""), plain(query, back)]


def alarm(sent: str, back: str) -> list[Exchange]:
    return [plain("ALARM?", ALARM), *changed(f"ALARM {sent}", "ALARM?", back)]


READ: Read = {
    "field_T": ([TESLA, plain("RDGFIELD?", "+002.391E+00"), FINE], 2.391),
    "status_bits": ([FINE], 132),
    "highest_field_T": ([TESLA, plain("RDGMX?", "+002.400E+00"), FINE], 2.4),
    "relative_field_T": ([TESLA, plain("RDGREL?", "-100.000E-03"), FINE], -0.1),
    "smallest_field_T": ([TESLA, plain("RDGMNMX?", "+000.000E+00,+002.400E+00"), FINE], 0.0),
    "largest_field_T": ([TESLA, plain("RDGMNMX?", "+000.000E+00,+002.400E+00"), FINE], 2.4),
    "relative": ([plain("REL?", "1")], True),
    "relative_set_point_T": ([TESLA, plain("RELSP?", "+001.000E+00")], 1.0),
    "range": ([plain("RANGE?", "4")], 4),
    "automatic_range": ([plain("AUTO?", "0")], False),
    "probe": ([plain("TYPE?", "41")], "high stability"),
    "alarm_on": ([plain("ALARM?", ALARM)], False),
    "alarm_signed": ([plain("ALARM?", ALARM)], False),
    "alarm_low": ([plain("ALARM?", ALARM)], 0.1),
    "alarm_high": ([plain("ALARM?", ALARM)], 0.3),
    "alarm_inside": ([plain("ALARM?", ALARM)], False),
    "alarm_sorting": ([plain("ALARM?", ALARM)], False),
    "alarm_audible": ([plain("ALARM?", ALARM)], True),
    "relay_mode": ([plain("RELAY?", "2,3")], 2),
    "relay_type": ([plain("RELAY?", "2,3")], 3),
    "relay_closed": ([plain("RELAYST?", "1")], True),
}
WRITTEN: Written = {
    "relative": (True, changed("REL 1", "REL?", "1")),
    "relative_set_point_T": (
        1.5,
        [TESLA, (b"RELSP 1.500000E+00\n", b""), TESLA, plain("RELSP?", "+001.500E+00")],
    ),
    "range": (3, changed("RANGE 3", "RANGE?", "3")),
    "automatic_range": (True, changed("AUTO 1", "AUTO?", "1")),
    "alarm_on": (True, alarm("1,1,+100.000E-03,+300.000E-03,1,0,1", "1,1,+100.000E-03,+300.000E-03,1,0,1")),
    "alarm_signed": (True, alarm("0,2,+100.000E-03,+300.000E-03,1,0,1", "0,2,+100.000E-03,+300.000E-03,1,0,1")),
    "alarm_low": (0.2, alarm("0,1,0.2,+300.000E-03,1,0,1", "0,1,+200.000E-03,+300.000E-03,1,0,1")),
    "alarm_high": (0.4, alarm("0,1,+100.000E-03,0.4,1,0,1", "0,1,+100.000E-03,+400.000E-03,1,0,1")),
    "alarm_inside": (True, alarm("0,1,+100.000E-03,+300.000E-03,2,0,1", "0,1,+100.000E-03,+300.000E-03,2,0,1")),
    "alarm_sorting": (True, alarm("0,1,+100.000E-03,+300.000E-03,1,1,1", "0,1,+100.000E-03,+300.000E-03,1,1,1")),
    "alarm_audible": (False, alarm("0,1,+100.000E-03,+300.000E-03,1,0,0", "0,1,+100.000E-03,+300.000E-03,1,0,0")),
    "relay_mode": (1, [plain("RELAY?", "2,3"), *changed("RELAY 1,3", "RELAY?", "1,3")]),
    "relay_type": (2, [plain("RELAY?", "2,3"), *changed("RELAY 2,2", "RELAY?", "2,2")]),
}
DONE: Done = {"zero_probe": [(b"ZPROBE\n", b"")], "clear_zero": [(b"ZCLEAR\n", b"")], "reset": [(b"*RST\n", b"")]}


def test_every_command_has_its_bytes() -> None:
    names_complete(LakeShore425, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(LakeShore425, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(LakeShore425, name, WRITTEN)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(LakeShore425, name, DONE)
