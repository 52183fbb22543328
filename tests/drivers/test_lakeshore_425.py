"""Lake Shore 425 on the wire: no errors are ever told, so the unit is read back before a number is trusted."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import GarbledReply, LinkTimeout, Refused, WrongInstrument
from drivers.lakeshore_425 import LakeShore425
from tests.drivers.script import scripted


def test_identity() -> None:
    unit, _ = scripted(LakeShore425, [(b"*IDN?\n", b"LSCI,MODEL425,4250022,1.0\r\n")])
    assert unit.identify().serial == "4250022"
    unit, _ = scripted(LakeShore425, [(b"*IDN?\n", b"LSCI,MODEL336,1,1\r\n")])
    with pytest.raises(WrongInstrument):
        unit.identify()


def test_a_field_is_in_tesla_only_after_the_unit_was_seen() -> None:
    unit, wire = scripted(
        LakeShore425,
        [(b"RDGMODE 1,0,1\n", b""), (b"UNIT 2\n", b""), (b"UNIT?\n", b"2\r\n"), (b"RDGFIELD?\n", [b"+002.", b"391E+00\r\n"])],
    )
    unit.prepare()
    assert unit.read("field_T") == pytest.approx(2.391)
    assert wire.finished()
    unit, _ = scripted(LakeShore425, [(b"RDGMODE 1,0,1\n", b""), (b"UNIT 2\n", b""), (b"UNIT?\n", b"1\r\n")])
    with pytest.raises(Refused, match="tesla"):
        unit.prepare()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"OVERLOAD\r\n", GarbledReply),
        (b"+023.914E+03\r\n", GarbledReply),
        (b"", LinkTimeout),
        (b"+002.\x00\r\n", GarbledReply),
    ],
)
def test_ugly_replies(reply: bytes, error: type[Exception]) -> None:
    unit, _ = scripted(LakeShore425, [(b"RDGFIELD?\n", reply)])
    with pytest.raises(error):
        unit.read("field_T")


@pytest.mark.parametrize(
    ("bits", "warnings"), [(b"004", ()), (b"132", ()), (b"001", ("no probe",)), (b"2", ("field overload",))]
)
def test_status(bits: bytes, warnings: tuple[str, ...]) -> None:
    unit, _ = scripted(LakeShore425, [(b"OPST?\n", bits + b"\r\n")])
    status = unit.status()
    assert (status.ok, status.warnings) == (not warnings, warnings)


@given(st.binary(max_size=20).filter(lambda text: b"\n" not in text))
def test_only_fields_come_out(text: bytes) -> None:
    unit, _ = scripted(LakeShore425, [(b"RDGFIELD?\n", text + b"\r\n")])
    with suppress(GarbledReply, LinkTimeout):
        assert -35 <= float(unit.read("field_T")) <= 35
