"""EL-PRESS on the wire: ProPar frames, byte-exact as captured with the maker's library."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bronkhorst_elpress import ELPress, ProPar, frame
from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete, run
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted

hexed = bytes.fromhex
NODE = 3
OK = b"\x00\x00\x05"


def unit_on(script: list[Exchange], **options: object) -> tuple[ELPress, ScriptedTransport]:
    return scripted(ELPress, script, **{"full_scale_bar": 6.0, "node": NODE, **options})


def exchanges(*messages: tuple[bytes, bytes]) -> list[Exchange]:
    """Requests and replies in order, with the sequence numbers that the driver gives them."""
    return [(frame(number, NODE, sent), frame(number, NODE, reply)) for number, (sent, reply) in enumerate(messages, 1)]


def mode(value: int) -> tuple[bytes, bytes]:
    return (b"\x04\x01\x04\x01\x04", bytes((2, 1, 4, value)))


def set_mode(value: int, answer: bytes = OK) -> tuple[bytes, bytes]:
    return (bytes((1, 1, 4, value)), answer)


def alarms(value: int) -> tuple[bytes, bytes]:
    return (b"\x04\x01\x14\x01\x14", bytes((2, 1, 0x14, value)))


def set_pressure(bar: float, answer: bytes = OK) -> tuple[bytes, bytes]:
    return (b"\x01\x21\x43" + struct.pack(">f", bar), answer)


def pressure_set(bar: float) -> tuple[bytes, bytes]:
    return (b"\x04\x21\x43\x21\x43", b"\x02\x21\x43" + struct.pack(">f", bar))


READ_PRESSURE = hexed("10 02 01 03 05 04 21 40 21 40 10 03")
PRESSURE = hexed("10 02 01 03 07 02 21 40 40 40 13 A9 10 03")


def test_a_pressure_as_the_makers_library_asks_for_it() -> None:
    unit, wire = unit_on([(READ_PRESSURE, PRESSURE)])
    assert unit.read("pressure_bar") == pytest.approx(3.0012, abs=1e-4)
    assert wire.finished()


def test_a_set_point_is_acknowledged_and_read_back() -> None:
    unit, wire = unit_on(
        [
            (hexed("10 02 01 03 07 01 21 43 40 90 00 00 10 03"), hexed("10 02 01 03 03 00 00 07 10 03")),
            (hexed("10 02 02 03 05 04 21 43 21 43 10 03"), hexed("10 02 02 03 07 02 21 43 40 90 00 00 10 03")),
        ]
    )
    unit.write("set_pressure_bar", 4.5)
    assert wire.finished()
    unit, _ = unit_on(exchanges(set_pressure(4.5), pressure_set(4.0)))
    with pytest.raises(Refused, match=r"set_pressure_bar reads back 4.0 after 4.5 was set"):
        unit.write("set_pressure_bar", 4.5)


def text(parameter: int, value: bytes, counted: bool) -> tuple[bytes, bytes]:
    tag = bytes((113, 0x60 | parameter))
    return (
        b"\x04" + tag + tag + b"\x00",
        b"\x02" + tag + (bytes((len(value),)) + value if counted else b"\x00" + value + b"\x00"),
    )


def identity(kind: bytes = b"DEPC  ", capacity: float = 6.0) -> list[Exchange]:
    return exchanges(
        text(1, kind, counted=True),
        (b"\x04\x01\x4d\x01\x4d", b"\x02\x01\x4d" + struct.pack(">f", capacity)),
        text(2, b"P-602CV", counted=False),
        text(3, b"M1\x10", counted=True),
        text(5, b"V1.15", counted=False),
    )


def test_identity() -> None:
    unit, wire = unit_on(identity())
    found = unit.identify()
    assert (found.model, found.firmware) == ("P-602CV", "V1.15")
    assert wire.finished()


@pytest.mark.parametrize(("kind", "capacity"), [(b"DMFC  ", 6.0), (b"DEPC  ", 10.0), (b"DEPC  ", float("nan"))])
def test_another_unit_or_full_scale_is_refused(kind: bytes, capacity: float) -> None:
    unit, _ = unit_on(identity(kind, capacity))
    with pytest.raises(WrongInstrument):
        unit.identify()


def test_preparing_puts_a_stored_set_point_to_zero_before_it_acts() -> None:
    unit, wire = unit_on(exchanges(set_pressure(0.0), pressure_set(0.0), set_mode(18), mode(18)))
    unit.prepare()
    assert wire.finished()


@pytest.mark.parametrize(
    ("alarm", "control", "state", "ok", "warnings"),
    [
        (0, 18, "controlling", True, ()),
        (0, 3, "closed", True, ()),
        (0b100000, 18, "controlling", True, ("response alarm",)),
        (0b10000001, 18, "fault", False, ("error", "hardware error")),
        (0, 1, "wrong mode", False, ("is in control mode 1, in which it does not follow the set point",)),
    ],
)
def test_status(alarm: int, control: int, state: str, ok: bool, warnings: tuple[str, ...]) -> None:
    unit, _ = unit_on(exchanges(alarms(alarm), mode(control)))
    status = unit.status()
    assert (status.state, status.ok, status.warnings) == (state, ok, warnings)


def test_making_safe_tries_every_step_and_believes_the_read_back() -> None:
    unit, wire = unit_on(exchanges(set_mode(3), mode(3), set_pressure(0.0), pressure_set(0.0), mode(3)))
    assert unit.make_safe().confirmed
    assert wire.finished()
    unit, wire = unit_on(exchanges(set_mode(3), mode(3), set_pressure(0.0, b"\x00\x0d\x03"), mode(3)))
    assert unit.make_safe().confirmed
    assert wire.finished()
    unit, wire = unit_on(exchanges(set_mode(3, b"\x00\x0d\x03"), set_pressure(0.0), pressure_set(0.0), mode(18)))
    with pytest.raises(Refused, match="control_mode = 3: read-only"):
        unit.make_safe()
    assert wire.finished()


@pytest.mark.parametrize(
    ("reply", "said"), [(b"\x00\x04\x05", "parameter error"), (b"\x00\x2a\x05", "status 42"), (b"\x04", "parameter error")]
)
def test_a_refusal_has_its_status_in_words(reply: bytes, said: str) -> None:
    unit, _ = unit_on([(READ_PRESSURE, frame(1, NODE, reply))])
    with pytest.raises(Refused, match=said):
        unit.read("pressure_bar")


@pytest.mark.parametrize("bar", [6.5, -0.1, float("nan"), "3"])
def test_impossible_pressures_never_reach_the_wire(bar: float) -> None:
    unit, wire = unit_on([])
    with pytest.raises(LimitError, match="set_pressure_bar"):
        unit.write("set_pressure_bar", bar)
    with pytest.raises(LimitError, match="full_scale_bar"):
        unit_on([], full_scale_bar=0.0)
    assert wire.finished()


@pytest.mark.parametrize("again", [1, 3])
def test_replies_to_older_requests_are_thrown_away(again: int) -> None:
    unit, wire = unit_on([(READ_PRESSURE, hexed("10 02 09 03 07 02 21 40 3F 80 00 00 10 03") * again + PRESSURE)])
    assert unit.read("pressure_bar") == pytest.approx(3.0012, abs=1e-4)
    assert wire.finished()


@pytest.mark.parametrize("late", [PRESSURE, PRESSURE[:6], PRESSURE * 2])
def test_a_late_reply_is_not_taken_for_the_next(late: bytes) -> None:
    answer = frame(2, NODE, b"\x02\x21\x40" + struct.pack(">f", 1.5))
    later = frame(3, NODE, b"\x02\x21\x40" + struct.pack(">f", 1.5))
    asking = b"\x04\x21\x40\x21\x40"
    unit, _ = unit_on([(READ_PRESSURE, [LATE, late]), (frame(2, NODE, asking), answer), (frame(3, NODE, asking), later)])
    with pytest.raises(LinkTimeout):
        unit.read("pressure_bar")
    try:
        assert unit.read("pressure_bar") == 1.5
    except GarbledReply:
        # Half a frame runs into the next one and spoils it.
        assert late == PRESSURE[:6]
        assert unit.read("pressure_bar") == 1.5


@pytest.mark.parametrize(
    "reply",
    [
        "10 02 01 03 07 02 21 43 40 40 13 A9 10 03",
        "10 02 01 03 07 02 21 40 40 40 13 10 03",
        "10 02 01 03 06 02 21 40 40 40 13 A9 10 03",
        "10 02 01 04 07 02 21 40 40 40 13 A9 10 03",
        "10 02 01 03 07 02 21 40 7F C0 00 00 10 03",
        "10 02 01 03 07 02 21 40 47 C3 50 00 10 03",
        "FF 02 01 03 07 02 21 40 40 40 13 A9 10 03",
        "10 02 10 03",
        "10 02 01 10 03",
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


@given(st.one_of(st.binary(max_size=40), st.binary(max_size=20).map(lambda data: frame(1, NODE, data))))
def test_only_errors_of_the_driver_escape(data: bytes) -> None:
    unit, _ = unit_on([(READ_PRESSURE, data)])
    try:
        assert -3.0 <= float(unit.read("pressure_bar")) <= 9.0
    except DriverError:
        return


def value(process: int, parameter: int, wire_type: int, data: bytes) -> list[Exchange]:
    tag = bytes((process, parameter | wire_type))
    length = b"\x00" if wire_type == 0x60 else b""
    return exchanges((b"\x04" + tag + tag + length, b"\x02" + tag + data))


def set_and_back(process: int, parameter: int, wire_type: int, data: bytes) -> list[Exchange]:
    tag = bytes((process, parameter | wire_type))
    return exchanges((b"\x01" + tag + data, OK), (b"\x04" + tag + tag, b"\x02" + tag + data))


def name(process: int, parameter: int, text: bytes) -> list[Exchange]:
    return value(process, parameter, 0x60, bytes((len(text),)) + text)


READ: Read = {
    "pressure_bar": (value(33, 0, 0x40, struct.pack(">f", 3.0)), 3.0),
    "set_pressure_bar": (value(33, 3, 0x40, struct.pack(">f", 4.5)), 4.5),
    "control_mode": (value(1, 4, 0, b"\x12"), 18),
    "alarms": (value(1, 20, 0, b"\x04"), 4),
    "measured_counts": (value(1, 0, 0x20, b"\x3e\x80"), 16000),
    "set_point_counts": (value(1, 1, 0x20, b"\x7d\x00"), 32000),
    "set_point_slope": (value(1, 2, 0x20, b"\x00\x64"), 100),
    "full_scale_bar": (value(1, 13, 0x40, struct.pack(">f", 6.0)), 6.0),
    "zero_scale_bar": (value(33, 22, 0x40, struct.pack(">f", 0.0)), 0.0),
    "valve_counts": (value(114, 1, 0x40, b"\x00\xf0\x00\x00"), 0xF00000),
    "sensor_type": (value(1, 14, 0, b"\x00"), 0),
    "unit": (name(1, 31, b"bar(a) "), "bar(a)"),
    "fluid": (name(1, 17, b"He        "), "He"),
    "user_tag": (name(113, 6, b"USERTAG"), "USERTAG"),
}
WRITTEN: Written = {
    "set_pressure_bar": (4.5, set_and_back(33, 3, 0x40, struct.pack(">f", 4.5))),
    "control_mode": (18, set_and_back(1, 4, 0, b"\x12")),
    "set_point_counts": (16000, set_and_back(1, 1, 0x20, b"\x3e\x80")),
    "set_point_slope": (50, set_and_back(1, 2, 0x20, b"\x00\x32")),
}
DONE: Done = {"wink": exchanges((b"\x01\x00\x60\x019", OK))}


def test_every_command_has_its_bytes() -> None:
    names_complete(ELPress, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(ELPress, name, READ, full_scale_bar=6.0, node=NODE)


@pytest.mark.parametrize(("raw", "counts"), [(65485, -50), (65535, 0), (41943, -23592), (41942, 41942), (0, 0)])
def test_counts_above_the_highest_are_below_zero(raw: int, counts: int) -> None:
    script = value(1, 0, 0x20, struct.pack(">H", raw))
    assert run(ELPress, script, lambda unit: unit.read("measured_counts"), full_scale_bar=6.0, node=NODE) == counts


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(ELPress, name, WRITTEN, full_scale_bar=6.0, node=NODE)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(ELPress, name, DONE, full_scale_bar=6.0, node=NODE)
