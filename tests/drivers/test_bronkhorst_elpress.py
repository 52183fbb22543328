"""EL-PRESS on the wire: ProPar frames, byte-exact as captured with the maker's library."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bronkhorst_elpress import ELPress, ProPar, frame
from drivers.errors import DriverError, GarbledReply, LimitError, Refused
from tests.drivers.script import Exchange, scripted


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


def unit_on(script: list[Exchange]) -> tuple[ELPress, object]:
    return scripted(ELPress, script, full_scale_bar=6.0, node=3)


READ_PRESSURE = hexed("10 02 01 03 05 04 21 40 21 40 10 03")


def test_a_pressure_as_the_makers_library_asks_for_it() -> None:
    unit, wire = unit_on([(READ_PRESSURE, hexed("10 02 01 03 07 02 21 40 40 40 13 A9 10 03"))])
    assert unit.read("pressure_bar") == pytest.approx(3.0012, abs=1e-4)
    assert wire.finished()  # type: ignore[attr-defined]


def test_a_set_point_is_acknowledged_and_read_back() -> None:
    unit, wire = unit_on(
        [
            (hexed("10 02 01 03 07 01 21 43 40 90 00 00 10 03"), hexed("10 02 01 03 03 00 00 07 10 03")),
            (hexed("10 02 02 03 05 04 21 43 21 43 10 03"), hexed("10 02 02 03 07 02 21 43 40 90 00 00 10 03")),
        ]
    )
    unit.write("set_pressure_bar", 4.5)
    assert wire.finished()  # type: ignore[attr-defined]


def test_a_refusal_has_its_status_in_words() -> None:
    unit, _ = unit_on([(READ_PRESSURE, hexed("10 02 01 03 03 00 04 05 10 03"))])
    with pytest.raises(Refused, match="parameter error"):
        unit.read("pressure_bar")
    unit, wire = unit_on([])
    with pytest.raises(LimitError, match="0 to 6 bar"):
        unit.write("set_pressure_bar", 6.5)
    assert wire.finished()  # type: ignore[attr-defined]


def test_a_reply_to_an_older_request_is_thrown_away() -> None:
    good = hexed("10 02 01 03 07 02 21 40 40 40 13 A9 10 03")
    unit, _ = unit_on([(READ_PRESSURE, hexed("10 02 09 03 07 02 21 40 3F 80 00 00 10 03") + good)])
    assert unit.read("pressure_bar") == pytest.approx(3.0012, abs=1e-4)


@pytest.mark.parametrize(
    "reply",
    [
        "10 02 01 03 07 02 21 43 40 40 13 A9 10 03",
        "10 02 01 03 07 02 21 40 40 40 13 10 03",
        "10 02 01 03 06 02 21 40 40 40 13 A9 10 03",
        "10 02 01 03 07 02 21 40 7F C0 00 00 10 03",
        "10 02 01 03 07 02 21 40 47 C3 50 00 10 03",
        "FF 02 01 03 07 02 21 40 40 40 13 A9 10 03",
        "10 02 01 10 05",
    ],
)
def test_ugly_replies(reply: str) -> None:
    unit, _ = unit_on([(READ_PRESSURE, hexed(reply))])
    with pytest.raises(GarbledReply):
        unit.read("pressure_bar")


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=60), st.integers(1, 5))
def test_a_frame_comes_back_however_it_is_cut(sequence: int, node: int, data: bytes, size: int) -> None:
    sent = frame(sequence, node, data)
    received, framing = bytearray(), ProPar()
    found = None
    for start in range(0, len(sent), size):
        assert found is None
        received += sent[start : start + size]
        found = framing.cut(received)
    assert found == bytes((sequence, node, len(data))) + data
    assert not received


@given(st.binary(max_size=40))
def test_only_errors_of_the_driver_escape(data: bytes) -> None:
    unit, _ = unit_on([(READ_PRESSURE, data)])
    with suppress(DriverError):
        assert -0.6 <= float(unit.read("pressure_bar")) <= 9.0
