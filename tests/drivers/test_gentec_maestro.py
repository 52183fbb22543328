"""Maestro on the wire: no terminator after commands, a label before some answers, ACK or silence after settings."""

import pytest

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.gentec_maestro import GentecMaestro
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete, run
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted

OPTIONS = {"wavelength_nm": 532}
IDENTITY = (b"*VER", b"MAESTRO Version 1.00.18\r\n")


def asked(text: str, reply: str) -> Exchange:
    return (text.encode(), f"{reply}\r\n".encode())


def told(text: str) -> Exchange:
    return (text.encode(), b"")


READ: Read = {
    "energy_J": ([asked("*CVU", "0.012")], 0.012),
    "rate_Hz": ([asked("*GRR", "20.01")], 20.01),
    "range_index": ([asked("*GCR", "Range: 22")], 22),
    "autoscale": ([asked("*GAS", "AutoScale: 1")], True),
    "trigger_percent": ([asked("*GTL", "Trigger Level: 2.0")], 2.0),
    "wavelength_nm": ([asked("*GWL", "PWC: 1064")], 1064),
    "multiplier": ([asked("*GUM", "User Multiplier: 1.5")], 1.5),
    "offset": ([asked("*GUO", "User Offset: 0.0015")], 0.0015),
    "zero_offset": ([asked("*GZO", "Zero: 1")], True),
    "mode": ([asked("*GMD", "Mode: 1")], 1),
}
WRITTEN: Written = {
    "range_index": (3, [told("*SCS03"), asked("*GCR", "Range: 3")]),
    "autoscale": (False, [told("*SAS0"), asked("*GAS", "AutoScale: 0")]),
    "trigger_percent": (15.4, [told("*STL15.4"), asked("*GTL", "Trigger Level: 15.4")]),
    "wavelength_nm": (193, [told("*PWC00193"), asked("*GWL", "PWC: 193")]),
    "multiplier": (2.5, [told("*MUL000002.5"), asked("*GUM", "User Multiplier: 2.5")]),
    "offset": (0.0015, [told("*OFF000.0015"), asked("*GUO", "User Offset: 0.0015")]),
}
DONE: Done = {
    "range_up": [told("*SSU")],
    "range_down": [told("*SSD")],
    "take_zero_offset": [told("*SOU")],
    "clear_zero_offset": [told("*COU")],
    "start_stream": [told("*CAU")],
    "stop_stream": [told("*CSU")],
}
STREAM_ENDED = (b"*CSU", b"0.011\r\n")


def made(script: list[Exchange], **options: object) -> tuple[GentecMaestro, ScriptedTransport]:
    return scripted(GentecMaestro, script, **{**OPTIONS, **options})


def test_every_command_has_its_bytes() -> None:
    names_complete(GentecMaestro, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(GentecMaestro, name, READ, **OPTIONS)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(GentecMaestro, name, WRITTEN, **OPTIONS)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(GentecMaestro, name, DONE, **OPTIONS)


@pytest.mark.parametrize("reply", ["1064", "PWC: 1064", "PWC : 1064"])
def test_every_spelling_of_a_label(reply: str) -> None:
    meter, _ = made([asked("*GWL", reply)])
    assert meter.read("wavelength_nm") == 1064


def test_newer_firmware_acknowledges() -> None:
    meter, wire = made([asked("*SOU", "ACK")])
    meter.do("take_zero_offset")
    assert wire.finished()
    meter, _ = made([asked("*SOU", "Command not found")])
    with pytest.raises(Refused, match="Command not found"):
        meter.do("take_zero_offset")


def test_identity_ends_a_stream_first() -> None:
    meter, wire = made([STREAM_ENDED, IDENTITY, IDENTITY])
    assert meter.identify().firmware == "1.00.18"
    assert wire.finished()
    other = asked("*VER", "INTEGRA Version 2.00.01")
    meter, _ = made([STREAM_ENDED, (b"*VER", [b"MAESTRO?\r\n"]), other])
    with pytest.raises(WrongInstrument):
        meter.identify()


def test_preparing_fixes_the_range() -> None:
    script = [told("*SAS0"), asked("*GAS", "0"), told("*PWC00532"), asked("*GWL", "532"), told("*SCS22"), asked("*GCR", "22")]
    meter, wire = made(script, range_index=22)
    meter.prepare()
    assert wire.finished()
    meter, wire = made(script[:4])
    meter.prepare()
    assert wire.finished()


@pytest.mark.parametrize(
    ("replies", "energy"),
    [
        (["New Data Available", "0.0150"], 0.015),
        (["New Data Not Available"], None),
        (["1", "0.02"], 0.02),
        (["0"], None),
    ],
)
def test_a_pulse_is_taken_once(replies: list[str], energy: float | None) -> None:
    script = [asked(text, reply) for text, reply in zip(("*NVU", "*CVU"), replies, strict=False)]
    meter, wire = made(script)
    assert meter.new_pulse() == energy
    assert wire.finished()
    meter, _ = made([asked("*NVU", "maybe")])
    with pytest.raises(GarbledReply):
        meter.new_pulse()


@pytest.mark.parametrize("reply", ["3.402819e+38", "New Data Not Available"])
def test_no_pulse_yet(reply: str) -> None:
    meter, _ = made([asked("*CVU", reply)])
    with pytest.raises(Refused, match="has not seen a pulse yet"):
        meter.read("energy_J")


def test_a_stream() -> None:
    meter, _ = made([(b"*CAU", b""), (b"*GMD", b"0.011\r\n0.012\r\n")])
    meter.do("start_stream")
    assert meter.streamed(0.01) is None
    meter.link.send(b"*GMD")
    assert [meter.streamed(0.05), meter.streamed(0.05)] == [0.011, 0.012]


@pytest.mark.parametrize(("mode", "ok"), [(0, False), (1, True), (2, True), (3, False), (7, False)])
def test_status(mode: int, ok: bool) -> None:
    meter, _ = made([asked("*GMD", f"Mode: {mode}")])
    assert meter.status().ok is ok
    assert meter.make_safe().confirmed


@pytest.mark.parametrize(("options", "said"), [({"wavelength_nm": 50}, "wavelength_nm = 50"), ({"range_index": 42}, "42")])
def test_wrong_options(options: dict[str, int], said: str) -> None:
    with pytest.raises(LimitError, match=said):
        made([], **options)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"0.0.1\r\n", GarbledReply),
        (b"nan\r\n", GarbledReply),
        (b"1e9\r\n", GarbledReply),
        (b"\xff0.01\r\n", GarbledReply),
        (b"0.01 0.02\r\n", GarbledReply),
        (b"0.01", LinkTimeout),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    meter, _ = made([(b"*CVU", reply)])
    with pytest.raises(error):
        meter.read("energy_J")


def test_after_silence_the_version_is_asked() -> None:
    meter, wire = made([(b"*GMD", [LATE, b"1\r\n"]), IDENTITY, asked("*GMD", "2")])
    with pytest.raises(LinkTimeout):
        meter.read("mode")
    assert meter.read("mode") == 2
    assert wire.finished()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.234e-5, "1.234e-5"),
        (1.23456789e-5, "1.235e-5"),
        (-1.234e-5, "-1.23e-5"),
        (-1e-12, "-001e-12"),
        (1.5e-3, "000.0015"),
        (-0.0015, "-00.0015"),
        (-998.76543, "-998.765"),
        (0.0, "00000000"),
    ],
)
def test_an_offset_fills_its_eight_characters(value: float, text: str) -> None:
    script = [told(f"*OFF{text}"), asked("*GUO", f"User Offset: {value:g}")]
    run(GentecMaestro, script, lambda unit: unit.write("offset", value), wavelength_nm=193)
    assert len(text) == 8


@pytest.mark.parametrize(("value", "text"), [(1e6, "01000000"), (1e-6, "00001e-6"), (2.5, "000002.5")])
def test_so_does_a_multiplier(value: float, text: str) -> None:
    script = [told(f"*MUL{text}"), asked("*GUM", f"User Multiplier: {value:g}")]
    run(GentecMaestro, script, lambda unit: unit.write("multiplier", value), wavelength_nm=193)


@pytest.mark.parametrize("back", ["0", "0.00151"])
def test_a_small_offset_that_is_ignored_is_noticed(back: str) -> None:
    unit, _ = scripted(GentecMaestro, [told("*OFF000.0015"), asked("*GUO", f"User Offset: {back}")], wavelength_nm=193)
    with pytest.raises(Refused, match=f"offset reads back {back} J after 0.0015 was set"):
        unit.write("offset", 0.0015)
