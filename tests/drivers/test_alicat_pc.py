"""Alicat PC on the wire: everything is answered with a data frame, and the frame decides whether it was done."""

import pytest

from drivers.alicat_pc import AlicatPC
from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted

OPTIONS = {"full_scale_bar": 10.0}
FRAME = "A +003.50 +004.00"


def asked(text: str, reply: str) -> Exchange:
    return (f"A{text}\r".encode(), f"{reply}\r".encode())


def frame(text: str = FRAME) -> Exchange:
    return asked("", text)


REGISTER = asked("R122", "A   122 = 34")
READ: Read = {
    "pressure_bar": ([frame()], 3.5),
    "set_pressure_bar": ([frame()], 4.0),
    "valve_held": ([frame(f"{FRAME} HLD")], True),
    "keys_locked": ([frame(f"{FRAME} LCK HLD")], True),
    "controlled": ([REGISTER], "absolute pressure"),
    "p_gain": ([asked("R21", "A   021 = 00500")], 500),
    "d_gain": ([asked("R22", "A   022 = 00010")], 10),
    "i_gain": ([asked("R23", "A   023 = 00020")], 20),
    "loop_type": ([asked("R85", "A   085 = 00001")], 1),
    "ramp_bar_s": ([asked("SR", "A 0.5000 0.5000 4 bar/s")], 0.5),
}
WRITTEN: Written = {
    "set_pressure_bar": (4.0, [asked("S4.0000", FRAME), frame()]),
    "keys_locked": (True, [asked("L", f"{FRAME} LCK"), frame(f"{FRAME} LCK")]),
    "p_gain": (600, [asked("W21=600", "A   021 = 00600"), asked("R21", "A   021 = 00600")]),
    "d_gain": (30, [asked("W22=30", "A   022 = 00030"), asked("R22", "A   022 = 00030")]),
    "i_gain": (40, [asked("W23=40", "A   023 = 00040"), asked("R23", "A   023 = 00040")]),
    "ramp_bar_s": (0.25, [asked("SR 0.2500 4", "A 0.2500 0.2500 4 bar/s"), asked("SR", "A 0.2500 0.2500 4 bar/s")]),
}
DONE: Done = {
    "hold_valve": [asked("HP", f"{FRAME} HLD")],
    "release_valve": [asked("C", FRAME)],
    "tare_gauge": [asked("P", FRAME)],
    "tare_absolute": [asked("PC", FRAME)],
}
ZERO = [asked("S0.0000", "A +003.50 +000.00"), frame("A +003.50 +000.00")]
HELD = "A +003.50 +000.00 HLD"


def made(script: list[Exchange], **options: object) -> tuple[AlicatPC, ScriptedTransport]:
    return scripted(AlicatPC, script, **OPTIONS, **options)


def test_every_command_has_its_bytes() -> None:
    names_complete(AlicatPC, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(AlicatPC, name, READ, **OPTIONS)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(AlicatPC, name, WRITTEN, **OPTIONS)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(AlicatPC, name, DONE, **OPTIONS)


@pytest.mark.parametrize(
    ("unit", "factor"), [("bar", 1.0), ("kPa", 0.01), ("psi", 0.0689475729), ("mbar", 1e-3), ("MPa", 10.0)]
)
def test_the_unit_is_the_configurations(unit: str, factor: float) -> None:
    controller, _ = scripted(AlicatPC, [frame("A +001.20 +000.00")], full_scale_bar=20.0, unit=unit)
    assert controller.read("pressure_bar") == pytest.approx(1.2 * factor, rel=1e-9)


def test_a_set_point_is_sent_in_that_unit() -> None:
    controller, wire = scripted(
        AlicatPC, [asked("S400.0000", "A +350.00 +400.00"), frame("A +350.00 +400.00")], full_scale_bar=10.0, unit="kPa"
    )
    controller.write("set_pressure_bar", 4.0)
    assert wire.finished()


def test_identity_ends_a_stream_first() -> None:
    ended = (b"\r@@=A\r", b"A +003.50 +004.00\r")
    controller, wire = made([ended, REGISTER, REGISTER, asked("VE", "A   6v21.0-R22 Nov 30 2016,16:04:20")])
    assert controller.identify().firmware == "6v21.0-R22"
    assert wire.finished()
    flow = asked("R122", "A   122 = 37")
    controller, _ = made([ended, flow, flow])
    with pytest.raises(WrongInstrument, match="loop variable 37"):
        controller.identify()
    controller, _ = made([ended, REGISTER, REGISTER, asked("VE", "A what")])
    with pytest.raises(GarbledReply):
        controller.identify()


def test_preparing_releases_the_valve_at_no_set_point() -> None:
    controller, wire = made([*ZERO, asked("C", "A +003.50 +000.00"), frame("A +003.50 +000.00")])
    controller.prepare()
    assert wire.finished()
    controller, _ = made([*ZERO, asked("C", HELD), frame(HELD)])
    with pytest.raises(Refused, match="does not release its valve"):
        controller.prepare()


def test_closing_the_valve_is_confirmed_by_the_frame() -> None:
    held_zero = [asked("S0.0000", HELD), frame(HELD)]
    controller, wire = made([asked("HC", HELD), *held_zero, frame(HELD)])
    controller.close_valve()
    assert wire.finished()
    controller, _ = made([asked("HC", FRAME), *ZERO, frame("A +003.50 +000.00")])
    with pytest.raises(Refused, match="does not hold its valve closed"):
        controller.close_valve()


def test_making_safe_closes_the_valve_before_it_asks_anything() -> None:
    script = [(b"\rAHC\r", b""), REGISTER, asked("HC", HELD), asked("S0.0000", HELD), frame(HELD), frame(HELD)]
    controller, wire = made(script)
    assert controller.make_safe().confirmed
    assert wire.finished()


@pytest.mark.parametrize(
    ("words", "state", "warnings"),
    [
        ("", "controlling", ()),
        (" HLD", "held", ()),
        (" LCK", "controlling", ()),
        (" EXH", "controlling", ("its valve exhausts",)),
        (" POV HLD", "fault", ("pressure over range",)),
        (" TOV", "fault", ("temperature over range",)),
        (" MOV", "fault", ("mass flow over range",)),
        (" VOV", "fault", ("volume flow over range",)),
        (" OVR", "controlling", ("totaliser over range",)),
        (" ADC", "fault", ("converter error",)),
    ],
)
def test_status(words: str, state: str, warnings: tuple[str, ...]) -> None:
    controller, _ = made([frame(FRAME + words)])
    status = controller.status()
    assert (status.state, status.warnings, status.ok) == (state, warnings, state != "fault")


def test_a_set_point_that_was_not_taken_is_refused() -> None:
    controller, _ = made([asked("S4.0000", "A +003.50 +003.00"), frame("A +003.50 +003.00")])
    with pytest.raises(Refused, match="set_pressure_bar reads back 3 bar after 4 was set"):
        controller.write("set_pressure_bar", 4.0)


@pytest.mark.parametrize("value", [-0.1, 10.1, float("nan"), "4"])
def test_limits(value: float) -> None:
    controller, wire = made([])
    with pytest.raises(LimitError, match="set_pressure_bar"):
        controller.write("set_pressure_bar", value)
    assert wire.finished()


@pytest.mark.parametrize(
    ("options", "said"),
    [({"unit": "atm"}, "unit = 'atm'"), ({"unit_id": "a"}, "unit_id = 'a'"), ({"unit_id": "AB"}, "unit_id = 'AB'")],
)
def test_wrong_options(options: dict[str, str], said: str) -> None:
    with pytest.raises(LimitError, match=said):
        made([], **options)


def test_a_ramp_per_minute_is_not_taken_for_one_per_second() -> None:
    controller, _ = made([asked("SR", "A 30.000 30.000 5 bar/min")])
    with pytest.raises(Refused, match="ramps per min"):
        controller.read("ramp_bar_s")
    controller, _ = made([asked("SR", "A 30.000 5")])
    with pytest.raises(GarbledReply):
        controller.read("ramp_bar_s")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"?\r", Refused),
        (b"B +003.50 +004.00\r", GarbledReply),
        (b"A +003.50\r", GarbledReply),
        (b"A +003.50 +004.00 XY\r", GarbledReply),
        (b"A +0x3.50 +004.00\r", GarbledReply),
        (b"A +900.00 +004.00\r", GarbledReply),
        (b"A +003.50 +00", LinkTimeout),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    controller, _ = made([(b"A\r", reply)])
    with pytest.raises(error):
        controller.read("pressure_bar")


def test_stray_nul_bytes_are_ignored() -> None:
    controller, _ = made([(b"A\r", b"\x00A +003.50 +004.00\x00\r")])
    assert controller.read("pressure_bar") == 3.5


def test_another_register_is_garbled() -> None:
    controller, _ = made([asked("R21", "A   022 = 00500")])
    with pytest.raises(GarbledReply, match="register 21 came as"):
        controller.read("p_gain")


def test_after_silence_a_register_is_asked() -> None:
    controller, wire = made([(b"A\r", [LATE, b"A +009.00 +004.00\r"]), REGISTER, frame()])
    with pytest.raises(LinkTimeout):
        controller.read("pressure_bar")
    assert controller.read("pressure_bar") == 3.5
    assert wire.finished()
