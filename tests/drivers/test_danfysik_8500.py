"""Danfysik System 8500 on the wire: silent settings, refusals that come unasked, and a signed current."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import danfysik_8500
from drivers.danfysik_8500 import Danfysik8500
from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted

ON = b".!......................"
OFF = b"!!......................"
NOT_READY = b".!....................!."
REVERSED = b"..!....................."
WATER = b"!!.......!..........!.!."


def reply(text: bytes) -> bytes:
    return text + b"\n\r"


def magnet(script: list[Exchange], **options: object) -> tuple[Danfysik8500, ScriptedTransport]:
    return scripted(Danfysik8500, script, **{"rated_current_A": 250.0, "read_back_A_per_count": 0.01, **options})


def status(word: bytes) -> Exchange:
    return (b"S1\r", reply(word))


def asked(question: bytes, answer: bytes) -> Exchange:
    return (question + b"\r", reply(answer))


def told(text: bytes, word: bytes = ON) -> list[Exchange]:
    return [(text + b"\r", b""), status(word)]


def zeroed(word: bytes = ON) -> list[Exchange]:
    return [*told(b"WA 000000", word), asked(b"RA", b"000000")]


REMOTE, LOCAL = asked(b"CMD", b"REM"), asked(b"CMD", b"LOC")


@pytest.mark.parametrize("end", [b"\n\r", b"\r"], ids=["old firmware", "new firmware"])
def test_the_set_point_is_parts_per_million_of_the_rated_current(end: bytes) -> None:
    unit, wire = magnet(
        [(b"PO\r", b"+" + end), (b"WA 800000\r", b""), (b"S1\r", [ON[:9], ON[9:] + end]), (b"RA\r", b"800000" + end)]
    )
    unit.write("set_current_A", 200.0)
    assert wire.finished()


@pytest.mark.parametrize(
    ("counts", "sign", "current_A"),
    [(b"20000", b"+", 200.0), (b"20000", b"-", -200.0), (b"-20000", b"-", -200.0), (b"0", b"N", 0.0), (b"1", b"O", 0.01)],
)
def test_the_read_back_has_the_sign_of_the_polarity(counts: bytes, sign: bytes, current_A: float) -> None:
    unit, _ = magnet([asked(b"AD 8", counts), asked(b"PO", sign)])
    assert unit.read("current_A") == pytest.approx(current_A)


def test_the_set_point_reads_back_with_its_sign() -> None:
    unit, _ = magnet([asked(b"RA", b"400000"), asked(b"PO", b"-")])
    assert unit.read("set_current_A") == pytest.approx(-100.0)


def test_a_refusal_in_front_of_the_next_answer_belongs_to_the_setting() -> None:
    unit, wire = magnet(
        [
            asked(b"PO", b"+"),
            (b"WA 040000\r", b""),
            (b"S1\r", b"?\x07 ILLEGAL COMMAND\r" + reply(ON)),
            status(ON),
            asked(b"RA", b"000000"),
            asked(b"PO", b"+"),
        ]
    )
    with pytest.raises(Refused, match="unit: WA 040000: ILLEGAL COMMAND"):
        unit.write("set_current_A", 10.0)
    assert unit.read("set_current_A") == 0.0
    assert wire.finished()


def test_a_set_point_that_does_not_take_is_an_error() -> None:
    unit, _ = magnet([asked(b"PO", b"+"), *told(b"WA 040000"), asked(b"RA", b"000000"), status(WATER)])
    with pytest.raises(Refused, match="reads back 0 ppm after 40000 was set; the supply is interlock, magnet water flow"):
        unit.write("set_current_A", 10.0)


def test_the_polarity_is_reversed_without_current_only() -> None:
    unit, _ = magnet([asked(b"PO", b"+"), asked(b"AD 8", b"12000")])
    with pytest.raises(Refused, match="only be reversed without current"):
        unit.write("set_current_A", -10.0)
    unit, wire = magnet(
        [
            asked(b"PO", b"+"),
            asked(b"AD 8", b"3"),
            *zeroed(),
            *told(b"PO -", NOT_READY),
            status(NOT_READY),
            status(REVERSED),
            status(REVERSED),
            *told(b"WA 040000", REVERSED),
            asked(b"RA", b"040000"),
        ]
    )
    unit.write("set_current_A", -10.0)
    assert wire.finished()


def test_zero_needs_no_reversal() -> None:
    unit, wire = magnet(zeroed(REVERSED))
    unit.write("set_current_A", 0.0)
    assert wire.finished()


def test_switching_on_waits_until_ready() -> None:
    unit, wire = magnet(
        [status(OFF), REMOTE, *zeroed(OFF), *told(b"N", NOT_READY), status(NOT_READY), status(NOT_READY), status(ON)]
    )
    unit.switch_on()
    assert wire.finished()


def test_switching_on_a_supply_that_is_on_leaves_its_current_alone() -> None:
    unit, wire = magnet([status(ON), REMOTE, status(ON)])
    unit.switch_on()
    assert wire.finished()


def test_a_supply_that_never_gets_ready_is_an_error() -> None:
    unit, _ = magnet([status(ON), REMOTE, status(NOT_READY)], ready_s=-1.0)
    with pytest.raises(Refused, match="is not on and ready after"):
        unit.switch_on()


def test_an_interlock_is_named_and_keeps_the_supply_off() -> None:
    unit, _ = magnet([status(WATER), status(WATER)])
    found = unit.status()
    assert (found.ok, found.state, found.warnings) == (False, "interlock", ("magnet water flow",))
    with pytest.raises(Refused, match="magnet water flow; clear the cause, then reset the supply"):
        unit.switch_on()


def test_local_control_and_going_off_by_itself_are_no_state_to_run_in() -> None:
    unit, _ = magnet([status(ON), LOCAL])
    assert not unit.status().ok
    unit, _ = magnet([status(OFF), REMOTE, status(ON), REMOTE, status(ON), status(OFF), REMOTE])
    assert unit.status().ok
    unit.switch_on()
    after = unit.status()
    assert (after.ok, after.state) == (False, "off")
    assert "went off by itself" in after.warnings[0]


def test_preparing_takes_the_supply_from_its_panel() -> None:
    script = [exchange for text in (b"NASW", b"ERRT", b"UNLOCK", b"REM") for exchange in told(text, OFF)]
    unit, wire = magnet([*script, REMOTE])
    unit.prepare()
    assert wire.finished()
    unit, _ = magnet([*script, LOCAL])
    with pytest.raises(Refused, match="set its panel to remote"):
        unit.prepare()


SAFE_FIRST: list[Exchange] = [(b"\rWA 000000\r", b"?\x07 SYNTAX ERROR\r"), status(ON), *zeroed()]


@pytest.mark.parametrize(
    ("counts", "confirmed", "detail"),
    [
        ([b"15000", b"15000", b"14900"], True, "ramping to zero, 149.0 A left"),
        ([b"60", b"30"], True, "no current"),
        ([b"20"], True, "no current"),
    ],
)
def test_making_safe_sets_zero_and_looks_whether_the_current_obeys(counts: list[bytes], confirmed: bool, detail: str) -> None:
    unit, wire = magnet([*SAFE_FIRST, *(asked(b"AD 8", count) for count in counts)])
    result = unit.make_safe()
    assert (result.confirmed, result.detail) == (confirmed, detail)
    assert wire.finished()


def test_a_current_that_does_not_obey_is_not_called_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(danfysik_8500, "FALL_S", -1.0)
    unit, _ = magnet([*SAFE_FIRST, asked(b"AD 8", b"15000")])
    result = unit.make_safe()
    assert (result.confirmed, result.detail) == (False, "set point zero, but the current stays at 150.0 A")


@pytest.mark.parametrize("quantity", ["current_A", "voltage_percent"])
def test_a_value_from_before_an_error_is_no_reading(quantity: str) -> None:
    question = b"AD 8" if quantity == "current_A" else b"AD 2"
    unit, wire = magnet([asked(question, b"E20000"), status(WATER), status(WATER)])
    with pytest.raises(Refused, match="last value before an error, E20000; the supply is interlock, magnet water flow"):
        unit.read(quantity)
    assert unit.read("on") is False, "the wire is good"
    assert wire.finished()


@pytest.mark.parametrize(
    ("word", "confirmed", "detail"),
    [
        (WATER, True, "contactor off"),
        (ON, False, "set point zero, but an error hides the current, and the contactor is on"),
    ],
)
@pytest.mark.parametrize("counts", [[b"E20000"], [b"15000", b"E15000"]])
def test_where_an_error_hides_the_current_the_contactor_decides(
    counts: list[bytes], word: bytes, confirmed: bool, detail: str
) -> None:
    unit, wire = magnet([*SAFE_FIRST, *(asked(b"AD 8", count) for count in counts), status(word)])
    result = unit.make_safe()
    assert (result.confirmed, result.detail) == (confirmed, detail)
    assert wire.finished()


def test_the_way_down_after_an_error_ends_at_the_open_contactor() -> None:
    down = [asked(b"AD 8", b"E20000"), status(ON), asked(b"AD 8", b"E20000"), status(OFF)]
    unit, wire = magnet([*zeroed(), *down, *told(b"F", OFF), status(OFF)])
    unit.ramp_to_zero_and_off()
    assert wire.finished()


def test_zero_is_told_even_when_no_reply_can_be_believed() -> None:
    unit, wire = magnet([asked(b"RA", b"noise"), (b"\rWA 000000\r", b""), (b"S1\r", b"more noise\r")])
    with pytest.raises(GarbledReply):
        unit.read("set_current_A")
    with pytest.raises(LinkTimeout):
        unit.make_safe()
    assert wire.finished()


def test_the_full_way_down() -> None:
    unit, wire = magnet(
        [
            *zeroed(),
            asked(b"AD 8", b"10000"),
            asked(b"AD 8", b"5000"),
            asked(b"AD 8", b"20"),
            *told(b"F"),
            status(ON),
            status(OFF),
        ]
    )
    unit.ramp_to_zero_and_off()
    assert wire.finished()


def test_the_contactor_is_not_opened_under_current() -> None:
    unit, wire = magnet([*zeroed(), asked(b"AD 8", b"10000")], ramp_s=-1.0)
    with pytest.raises(Refused, match="is not at zero current"):
        unit.ramp_to_zero_and_off()
    assert wire.finished()


@pytest.mark.parametrize("current_A", [250.1, -250.1, float("nan"), float("inf"), 10**400, "200", True])
def test_impossible_currents_never_reach_the_wire(current_A: float) -> None:
    unit, wire = magnet([])
    with pytest.raises(LimitError, match="set_current_A"):
        unit.write("set_current_A", current_A)
    assert wire.finished()


@pytest.mark.parametrize(
    "options", [{"rated_current_A": 0.0}, {"read_back_A_per_count": -0.01}, {"zero_current_A": float("nan")}]
)
def test_impossible_scales_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(LimitError, match="must be greater than 0"):
        magnet([], **options)


@pytest.mark.parametrize("late", [reply(ON), reply(ON) + reply(OFF), b"?\x07 SYNTAX ERROR\r", b"\xff\x00\r"])
def test_after_silence_only_a_status_word_makes_answers_believable(late: bytes) -> None:
    unit, wire = magnet([(b"AD 8\r", [LATE, late]), status(ON), asked(b"AD 8", b"100"), asked(b"PO", b"+")])
    with pytest.raises(LinkTimeout):
        unit.read("current_A")
    assert unit.read("current_A") == 1.0
    assert wire.finished()


def test_half_an_answer_that_runs_into_the_status_word_spoils_it() -> None:
    unit, wire = magnet([(b"AD 8\r", [LATE, b"123"]), status(ON), status(ON), asked(b"AD 8", b"100"), asked(b"PO", b"+")])
    for _ in range(2):
        with pytest.raises(LinkTimeout):
            unit.read("current_A")
    assert unit.read("current_A") == 1.0
    assert wire.finished()


@pytest.mark.parametrize(
    "answer",
    [b"", b"12 34", b"8 12345", b"E 12345", b"E1e3", b"EE1", b"1_000", b"1e3", b"12.5", "١٢".encode(), b"99999999", b"nan"],
)
def test_ugly_readings(answer: bytes) -> None:
    unit, _ = magnet([asked(b"AD 8", answer), asked(b"PO", b"+")])
    with pytest.raises(GarbledReply):
        unit.read("current_A")


@given(st.binary(max_size=30).filter(lambda text: b"\r" not in text))
def test_only_errors_of_the_driver_escape(text: bytes) -> None:
    for question, quantity in ((b"AD 8\r", "current_A"), (b"RA\r", "set_current_A"), (b"S1\r", "on")):
        unit, _ = magnet([(question, text + b"\r"), asked(b"PO", b"+")])
        try:
            value = float(unit.read(quantity))
        except DriverError:
            continue
        assert abs(value) <= 300.0


def text(question: str, answer: str) -> Exchange:
    return asked(question.encode(), answer.encode())


READ: Read = {
    "current_A": ([text("AD 8", "12345"), text("PO", "-")], -123.45),
    "set_current_A": ([text("RA", "500000"), text("PO", "+")], 125.0),
    "on": ([status(ON)], True),
    "output_percent": ([text("AD 0", "50")], 50),
    "field_channel": ([text("AD 1", "123")], 123),
    "voltage_percent": ([text("AD 2", "48")], 48),
    "plus_15_V": ([text("AD 3", "150")], 150),
    "minus_15_V": ([text("AD 4", "-150")], -150),
    "plus_5_V": ([text("AD 5", "50")], 50),
    "delta_temperature": ([text("AD 6", "-12")], -12),
    "transistor_voltage_V": ([text("AD 7", "6")], 6),
    "panel_current": ([text("AD 9", "60")], 60),
    "status_hexadecimal": ([text("S1H", "400000")], "400000"),
    "commanded_by": ([text("CMD", "REM")], "REM"),
    "command_state": ([text("CMDSTATE", "LOCK")], "LOCK"),
}
WRITTEN: Written = {"set_current_A": (125.0, [text("PO", "+"), *told(b"WA 500000"), text("RA", "500000")])}
DONE: Done = {
    "reset_interlocks": told(b"RS"),
    "take_remote": told(b"REM"),
    "give_local": told(b"LOC"),
    "lock_remote": told(b"RLOCK"),
    "lock_local": told(b"LOCK"),
    "unlock": told(b"UNLOCK"),
    "contactor_off": told(b"F"),
}
OPTIONS = {"rated_current_A": 250.0, "read_back_A_per_count": 0.01}


def test_every_command_has_its_bytes() -> None:
    names_complete(Danfysik8500, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(Danfysik8500, name, READ, **OPTIONS)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(Danfysik8500, name, WRITTEN, **OPTIONS)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(Danfysik8500, name, DONE, **OPTIONS)
