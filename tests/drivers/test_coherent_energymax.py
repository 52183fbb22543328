"""EnergyMax on the wire: a value and then OK, or OK alone; anything else in its place is an error."""

import pytest

from drivers.coherent_energymax import ITEMS, EnergyMax
from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from tests.drivers.commands import Done, Read, Written, check_read, check_written, names_complete
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted

OPTIONS = {"wavelength_nm": 193}
IDENTITY = (b"SYSTEM:INFORMATION:MODEL?\r\n", b'"EM-USB J-10MB-HE"\r\nOK\r\n')


def asked(text: str, value: object) -> Exchange:
    return (f"{text}\r\n".encode(), f"{value}\r\nOK\r\n".encode())


def told(text: str) -> Exchange:
    return (f"{text}\r\n".encode(), b"OK\r\n")


def set_back(words: str, value: object) -> list[Exchange]:
    return [told(f"{words} {value}"), asked(f"{words}?", value)]


PULSE = asked("READ?", "1.234E-03,50000,0,17")
READ: Read = {
    "energy_J": ([PULSE], 1.234e-3),
    "period_us": ([PULSE], 50000),
    "sequence": ([PULSE], 17),
    "wavelength_nm": ([asked("CONFIGURE:WAVELENGTH?", 193)], 193),
    "lowest_wavelength_nm": ([asked("CONFIGURE:WAVELENGTH? MINIMUM", 190)], 190),
    "highest_wavelength_nm": ([asked("CONFIGURE:WAVELENGTH? MAXIMUM", 2100)], 2100),
    "measured": ([asked("CONFIGURE:MEASURE:TYPE?", "J")], "J"),
    "items": ([asked("CONFIGURE:ITEMSELECT?", "PULS, PER, FLAG, SEQ")], ITEMS),
    "trigger": ([asked("TRIGGER:SOURCE?", "EXTERNAL")], "EXTERNAL"),
    "slope": ([asked("TRIGGER:SLOPE?", "NEGATIVE")], "NEGATIVE"),
    "delay_us": ([asked("TRIGGER:DELAY?", 10)], 10),
    "full_scale_J": ([asked("CONFIGURE:RANGE:SELECT?", "2.00E-02")], 0.02),
}
WRITTEN: Written = {
    "wavelength_nm": (532, set_back("CONFIGURE:WAVELENGTH", 532)),
    "measured": ("W", set_back("CONFIGURE:MEASURE:TYPE", "W")),
    "items": (ITEMS, set_back("CONFIGURE:ITEMSELECT", ITEMS)),
    "trigger": ("INTERNAL", set_back("TRIGGER:SOURCE", "INTERNAL")),
    "slope": ("POSITIVE", set_back("TRIGGER:SLOPE", "POSITIVE")),
    "delay_us": (100, set_back("TRIGGER:DELAY", 100)),
    "range": ("MIN", [told("CONFIGURE:RANGE:SELECT MIN")]),
}
DONE: Done = {}


def made(script: list[Exchange], **options: object) -> tuple[EnergyMax, ScriptedTransport]:
    return scripted(EnergyMax, script, **{**OPTIONS, **options})


def test_every_command_has_its_bytes() -> None:
    names_complete(EnergyMax, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(EnergyMax, name, READ, **OPTIONS)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(EnergyMax, name, WRITTEN, **OPTIONS)


def test_identity() -> None:
    meter, wire = made([IDENTITY, asked("SYSTEM:INFORMATION:SNUMBER?", '"0344D22R"')])
    found = meter.identify()
    assert (found.model, found.serial) == ("EM-USB J-10MB-HE", "0344D22R")
    assert wire.finished()
    meter, _ = made([asked("SYSTEM:INFORMATION:MODEL?", '"PM-USB"')])
    with pytest.raises(WrongInstrument):
        meter.identify()


@pytest.mark.parametrize(("external", "source"), [(True, "EXTERNAL"), (False, "INTERNAL")])
def test_preparing(external: bool, source: str) -> None:
    script = [*READ["lowest_wavelength_nm"][0], *READ["highest_wavelength_nm"][0], *set_back("CONFIGURE:WAVELENGTH", 193)]
    script += [*set_back("CONFIGURE:MEASURE:TYPE", "J"), *set_back("CONFIGURE:ITEMSELECT", ITEMS)]
    script += [*set_back("TRIGGER:SLOPE", "POSITIVE"), *set_back("TRIGGER:SOURCE", source), *set_back("TRIGGER:DELAY", 0)]
    meter, wire = made(script, external=external)
    meter.prepare()
    assert wire.finished()
    with pytest.raises(LimitError, match="wavelength_nm = 2101 nm is outside 190 to 2100 nm"):
        meter.write("wavelength_nm", 2101)


@pytest.mark.parametrize(
    ("flags", "remarks"),
    [
        ("0", ()),
        ("P", ("peak clipped",)),
        ("MB", ("a pulse was missed", "baseline clipped")),
        ("D", ("dirty batch",)),
    ],
)
def test_flags(flags: str, remarks: tuple[str, ...]) -> None:
    meter, _ = made([asked("READ?", f"1.0E-03,50000,{flags},5")])
    assert meter.reading().remarks == remarks


def test_a_pulse_is_new_by_its_number_and_good_unless_clipped() -> None:
    meter, _ = made([asked("READ?", f"1.0E-03,50000,{flag},{n}") for flag, n in (("0", 5), ("0", 5), ("P", 6), ("M", 8))])
    assert [meter.new_pulse() for _ in range(4)] == [1e-3, None, None, 1e-3]


@pytest.mark.parametrize(("measured", "ok"), [("J", True), ("W", False)])
def test_status(measured: str, ok: bool) -> None:
    meter, _ = made([asked("CONFIGURE:MEASURE:TYPE?", measured)])
    assert meter.status().ok is ok
    assert meter.make_safe().confirmed


def test_an_error_line_takes_the_place_of_the_value_or_of_ok() -> None:
    meter, _ = made([(b"TRIGGER:DELAY?\r\n", b"ERR101\r\n")])
    with pytest.raises(Refused, match="ERR101"):
        meter.read("delay_us")
    meter, _ = made([(b"TRIGGER:DELAY 5\r\n", b"ERR102\r\n")])
    with pytest.raises(Refused, match="ERR102"):
        meter.write("delay_us", 5)


def test_wrong_options() -> None:
    with pytest.raises(LimitError, match="wavelength_nm = 50"):
        made([], wavelength_nm=50)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"1.0E-03,50000,0\r\nOK\r\n", GarbledReply),
        (b"1.0E-03,50000,0,17,1\r\nOK\r\n", GarbledReply),
        (b"1.0E-03,50000,X,17\r\nOK\r\n", GarbledReply),
        (b"1.0E-03,5.5,0,17\r\nOK\r\n", GarbledReply),
        (b"nan,50000,0,17\r\nOK\r\n", GarbledReply),
        (b"1.0E+03,50000,0,17\r\nOK\r\n", GarbledReply),
        (b"1.0E-03,50000,0,17\r\nOJ\r\n", GarbledReply),
        (b"1.0E-03,50000", LinkTimeout),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    meter, _ = made([(b"READ?\r\n", reply)])
    with pytest.raises(error):
        meter.read("energy_J")


def test_after_silence_the_model_is_asked() -> None:
    meter, wire = made([(b"TRIGGER:DELAY?\r\n", [LATE, b"5\r\nOK\r\n"]), IDENTITY, asked("TRIGGER:DELAY?", 6)])
    with pytest.raises(LinkTimeout):
        meter.read("delay_us")
    assert meter.read("delay_us") == 6
    assert wire.finished()
