"""Danfysik System 8500 on the wire: silent settings, refusals that come unasked, and a signed current."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.danfysik_8500 import Danfysik8500
from drivers.errors import GarbledReply, LimitError, LinkTimeout, Refused
from tests.drivers.script import Exchange, scripted

ON = b".!......................"
OFF = b"!!......................"
NOT_READY = b".!....................!."
REVERSED = b"..!....................."
WATER = b"!!.......!..........!.!."


def reply(text: bytes) -> bytes:
    return text + b"\n\r"


def magnet(script: list[Exchange]) -> tuple[Danfysik8500, object]:
    pauses: list[float] = []
    return scripted(Danfysik8500, script, rated_current_A=250.0, read_back_A_per_count=0.01, pause=pauses.append)


def status(word: bytes) -> Exchange:
    return (b"S1\r", reply(word))


def test_the_set_point_is_parts_per_million_of_the_rated_current() -> None:
    unit, wire = magnet([(b"PO\r", reply(b"+")), (b"WA 800000\r", b""), status(ON), (b"RA\r", reply(b"800000"))])
    unit.write("set_current_A", 200.0)
    assert wire.finished()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("counts", "sign", "current_A"), [(b"20000", b"+", 200.0), (b"20000", b"-", -200.0), (b"0", b"N", 0.0)]
)
def test_the_read_back_has_the_sign_of_the_polarity(counts: bytes, sign: bytes, current_A: float) -> None:
    unit, _ = magnet([(b"AD 8\r", reply(counts)), (b"PO\r", reply(sign))])
    assert unit.read("current_A") == pytest.approx(current_A)


def test_a_refusal_in_front_of_the_next_reply_is_seen_where_it_belongs() -> None:
    unit, _ = magnet([(b"N\r", b""), (b"S1\r", b"?\x07 ILLEGAL COMMAND\r" + reply(OFF))])
    with pytest.raises(Refused, match="N: ILLEGAL COMMAND"):
        unit._tell("N")


def test_the_polarity_is_reversed_without_current_only() -> None:
    unit, _ = magnet([(b"PO\r", reply(b"+")), (b"AD 8\r", reply(b"12000"))])
    with pytest.raises(Refused, match="only be reversed without current"):
        unit.write("set_current_A", -10.0)
    unit, wire = magnet(
        [
            (b"PO\r", reply(b"+")),
            (b"AD 8\r", reply(b"3")),
            (b"PO -\r", b""),
            status(NOT_READY),
            status(NOT_READY),
            status(REVERSED),
            status(REVERSED),
            (b"WA 040000\r", b""),
            status(REVERSED),
            (b"RA\r", reply(b"040000")),
        ]
    )
    unit.write("set_current_A", -10.0)
    assert wire.finished()  # type: ignore[attr-defined]


def test_switching_on_waits_until_ready() -> None:
    unit, wire = magnet(
        [
            status(OFF),
            status(OFF),
            (b"WA 000000\r", b""),
            status(OFF),
            (b"N\r", b""),
            status(NOT_READY),
            status(NOT_READY),
            status(NOT_READY),
            status(ON),
            status(ON),
        ]
    )
    unit.switch_on()
    assert wire.finished()  # type: ignore[attr-defined]


def test_an_interlock_is_named_and_keeps_the_supply_off() -> None:
    unit, _ = magnet([status(WATER), status(WATER)])
    found = unit.status()
    assert (found.ok, found.state, found.warnings) == (False, "interlock", ("magnet water flow",))
    with pytest.raises(Refused, match="magnet water flow"):
        unit.switch_on()


def test_make_safe_sets_zero_and_says_how_much_is_left() -> None:
    unit, _ = magnet([(b"WA 000000\r", b""), status(ON), (b"RA\r", reply(b"000000")), (b"AD 8\r", reply(b"15000"))])
    result = unit.make_safe()
    assert result.confirmed
    assert "150.0 A left" in result.detail
    unit, _ = magnet([(b"WA 000000\r", b""), status(ON), (b"RA\r", reply(b"800000"))])
    assert not unit.make_safe().confirmed


def test_the_full_way_down() -> None:
    unit, wire = magnet(
        [
            (b"WA 000000\r", b""),
            status(ON),
            (b"AD 8\r", reply(b"10000")),
            (b"AD 8\r", reply(b"5000")),
            (b"AD 8\r", reply(b"20")),
            (b"F\r", b""),
            status(ON),
            status(OFF),
        ]
    )
    unit.ramp_to_zero_and_off()
    assert wire.finished()  # type: ignore[attr-defined]


@pytest.mark.parametrize("current_A", [251.0, -251.0, float("nan"), float("inf"), "200", True])
def test_impossible_currents_never_reach_the_wire(current_A: float) -> None:
    unit, wire = magnet([])
    with pytest.raises(LimitError, match="set_current_A"):
        unit.write("set_current_A", current_A)
    assert wire.finished()  # type: ignore[attr-defined]


def test_local_control_is_said() -> None:
    script = [exchange for text in (b"NASW", b"ERRT", b"UNLOCK", b"REM") for exchange in ((text + b"\r", b""), status(OFF))]
    unit, _ = magnet([*script, (b"CMD\r", reply(b"LOC"))])
    with pytest.raises(Refused, match="set the panel to remote"):
        unit.prepare()


def test_a_set_point_that_does_not_take_is_an_error() -> None:
    unit, _ = magnet([(b"PO\r", reply(b"+")), (b"WA 800000\r", b""), status(OFF), (b"RA\r", reply(b"000000"))])
    with pytest.raises(Refused, match="reads back 0 ppm"):
        unit.write("set_current_A", 200.0)


@given(st.binary(max_size=30).filter(lambda text: b"\r" not in text))
def test_nothing_but_errors_of_the_driver_escape(text: bytes) -> None:
    for query, quantity in ((b"AD 8\r", "current_A"), (b"S1\r", "on"), (b"RA\r", "set_current_A")):
        unit, _ = magnet([(query, text + b"\r"), (b"PO\r", b"+\r")])
        try:
            value = unit.read(quantity)
        except (GarbledReply, Refused, LinkTimeout):
            continue
        if quantity != "on":
            low, high = unit.quantities[quantity].low, unit.quantities[quantity].high
            assert low is not None
            assert high is not None
            assert low <= float(value) <= high or quantity == "set_current_A"
