"""Lake Shore 425 on the wire: no errors are ever told, so settings are read back, and readings are held against the status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LinkTimeout, Refused, WrongInstrument
from drivers.lakeshore_425 import LakeShore425
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = b"LSCI,MODEL425,4250022,1.0\r\n"
GOOD: Exchange = (b"OPST?\n", b"004\r\n")


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
    unit, wire = scripted(LakeShore425, [*prepared(), (b"RDGFIELD?\n", [b"+002.", b"391E+00\r\n"]), GOOD])
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
    unit, _ = scripted(LakeShore425, [(b"RDGFIELD?\n", reply)])
    with pytest.raises(error):
        unit.read("field_T")


def test_a_number_without_a_probe_is_no_field() -> None:
    unit, _ = scripted(LakeShore425, [(b"RDGFIELD?\n", b"+000.000E+00\r\n"), (b"OPST?\n", b"001\r\n")])
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
        [(b"RDGFIELD?\n", [LATE, b"+001.0E+00\r\n"]), (b"*IDN?\n", IDENTITY), (b"RDGFIELD?\n", b"+002.0E+00\r\n"), GOOD],
    )
    with pytest.raises(LinkTimeout):
        unit.read("field_T")
    assert unit.read("field_T") == 2.0
    assert wire.finished()


@given(st.binary(max_size=20).filter(lambda text: b"\n" not in text))
def test_only_fields_come_out(text: bytes) -> None:
    unit, _ = scripted(LakeShore425, [(b"RDGFIELD?\n", text + b"\r\n"), GOOD])
    try:
        assert -35 <= float(unit.read("field_T")) <= 35
    except DriverError:
        return
