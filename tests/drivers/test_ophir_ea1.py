"""EA-1 on the wire: a star before what is good, a question mark before what is not."""

import pytest

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.ophir_ea1 import OphirEA1
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted

OPTIONS = {"wavelength_nm": 532}
IDENTITY = (b"$VE\r\n", b"*EA1.12\r\n")
HEAD = "PY 123456 PE25-C 00000003"
WAVELENGTHS = "CONTINUOUS 190 12000 2 193 532 1064"


def asked(text: str, reply: str) -> Exchange:
    return (f"${text}\r\n".encode(), f"*{reply}\r\n".encode())


READ: Read = {
    "energy_J": ([asked("SE", "1.234E-3")], 1.234e-3),
    "power_W": ([asked("SP", "1.2E-1")], 0.12),
    "rate_Hz": ([asked("SF", "2.000E1")], 20.0),
    "unit": ([asked("SI", "J")], "J"),
    "new": ([asked("EF", "1")], True),
    "ready": ([asked("ER", "0")], False),
    "range_index": ([asked("RN", "-1")], -1),
    "wavelength_nm": ([asked("AW", WAVELENGTHS)], 532),
    "threshold": ([asked("UT", "300 106 2500")], 300),
    "filter_in": ([asked("FQ", "2 OUT IN")], True),
    "diffuser_in": ([asked("DQ", "1 OUT IN")], False),
    "mains_Hz": ([asked("MA", "1 50Hz 60Hz")], 50),
    "head": ([asked("HI", HEAD)], HEAD),
    "ranges": ([asked("AR", "0 20.0mJ 2.00mJ")], "0 20.0mJ 2.00mJ"),
    "zeroing": ([asked("ZQ", "ZEROING IN PROGRESS")], "ZEROING IN PROGRESS"),
}
WRITTEN: Written = {
    "range_index": (1, [asked("WN 1", ""), asked("RN", "1")]),
    "wavelength_nm": (532, [asked("WL 532", ""), asked("AW", WAVELENGTHS)]),
    "threshold": (400, [asked("UT 400", ""), asked("UT", "400 106 2500")]),
    "filter_in": (False, [asked("FQ 1", ""), asked("FQ", "1 OUT IN")]),
    "diffuser_in": (True, [asked("DQ 2", ""), asked("DQ", "2 OUT IN")]),
    "mains_Hz": (60, [asked("MA 2", ""), asked("MA", "2 50Hz 60Hz")]),
}
DONE: Done = {
    "zero": [asked("ZE", "")],
    "save_head": [asked("HC S", "")],
    "save_instrument": [asked("IC", "")],
    "start_stream": [asked("CS 2", "")],
    "stop_stream": [asked("CS 1", "")],
}
STREAM_ENDED = (b"\r\n$CS 1\r\n", b"*\r\n")


def made(script: list[Exchange], **options: object) -> tuple[OphirEA1, ScriptedTransport]:
    return scripted(OphirEA1, script, **{**OPTIONS, **options})


def test_every_command_has_its_bytes() -> None:
    names_complete(OphirEA1, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(OphirEA1, name, READ, **OPTIONS)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(OphirEA1, name, WRITTEN, **OPTIONS)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(OphirEA1, name, DONE, **OPTIONS)


def test_identity_ends_a_stream_first() -> None:
    meter, wire = made([STREAM_ENDED, IDENTITY, IDENTITY, asked("HI", HEAD)])
    found = meter.identify()
    assert (found.serial, found.firmware) == ("123456", "1.12")
    assert wire.finished()
    meter, _ = made([STREAM_ENDED, IDENTITY, asked("VE", "VX2.30")])
    with pytest.raises(WrongInstrument):
        meter.identify()


def test_preparing_throws_the_old_pulse_away() -> None:
    script = [*WRITTEN["wavelength_nm"][1], asked("WN 3", ""), asked("RN", "3"), asked("EF", "1"), asked("SE", "9.9E-1")]
    meter, wire = made(script, range_index=3)
    meter.prepare()
    assert wire.finished()


@pytest.mark.parametrize(
    ("head", "ok", "said"),
    [
        (HEAD, True, ""),
        ("PY 123456 PE25-C 00000001", False, "measures no energies"),
        ("TH 123456 3A 00000003", False, "measures no energies"),
        ("", False, "no head is connected"),
    ],
)
def test_status_looks_at_the_head(head: str, ok: bool, said: str) -> None:
    meter, _ = made([asked("HI", head)])
    status = meter.status()
    assert status.ok is ok
    assert said in "".join(status.warnings)
    assert meter.make_safe().confirmed


def test_capabilities_that_are_no_hexadecimal_number() -> None:
    meter, _ = made([asked("HI", "PY 123456 PE25-C 000000g3")])
    with pytest.raises(GarbledReply):
        meter.status()


def test_a_pulse_is_taken_once() -> None:
    meter, wire = made([asked("EF", "1"), asked("SE", "1.5E-2"), asked("EF", "0")])
    assert meter.new_pulse() == 0.015
    assert meter.new_pulse() is None
    assert wire.finished()


@pytest.mark.parametrize("word", ["energy_J", "power_W", "rate_Hz"])
def test_over_range_is_no_value(word: str) -> None:
    query = {"energy_J": "SE", "power_W": "SP", "rate_Hz": "SF"}[word]
    meter, _ = made([asked(query, "OVER")])
    with pytest.raises(Refused, match="over range"):
        meter.read(word)


def test_a_stream() -> None:
    meter, _ = made([(b"$CS 2\r\n", b"*\r\n1.234E-3\r\nOVER\r\n")])
    meter.do("start_stream")
    assert meter.streamed(0.05) == 1.234e-3
    with pytest.raises(Refused, match="over range"):
        meter.streamed(0.05)
    assert meter.streamed(0.01) is None


@pytest.mark.parametrize(
    "reply", ["CONTINUOUS 190 12000 4 193 532 1064", "CONTINUOUS 190 12000 0 193", "CONTINUOUS 190 12000 x 193 532"]
)
def test_wavelengths_with_a_wrong_index(reply: str) -> None:
    meter, _ = made([asked("AW", reply)])
    with pytest.raises(GarbledReply):
        meter.read("wavelength_nm")


def test_a_head_with_named_wavelengths() -> None:
    meter, _ = made([asked("AW", "DISCRETE 1 YAG CO2")])
    with pytest.raises(Refused, match="no continuous wavelengths"):
        meter.read("wavelength_nm")


@pytest.mark.parametrize(("options", "said"), [({"wavelength_nm": 99}, "99"), ({"range_index": -1}, "range_index = -1")])
def test_wrong_options(options: dict[str, int], said: str) -> None:
    with pytest.raises(LimitError, match=said):
        made([], **options)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"?NO HEAD\r\n", Refused),
        (b"?\r\n", Refused),
        (b"1.2E-3\r\n", GarbledReply),
        (b"*1.2E\r\n", GarbledReply),
        (b"*1.2E9\r\n", GarbledReply),
        (b"*inf\r\n", GarbledReply),
        (b"*\xff1.2\r\n", GarbledReply),
        (b"*1.2E-3", LinkTimeout),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    meter, _ = made([(b"$SE\r\n", reply)])
    with pytest.raises(error):
        meter.read("energy_J")


def test_after_silence_the_version_is_asked() -> None:
    meter, wire = made([(b"$RN\r\n", [LATE, b"*1\r\n"]), IDENTITY, asked("RN", "2")])
    with pytest.raises(LinkTimeout):
        meter.read("range_index")
    assert meter.read("range_index") == 2
    assert wire.finished()
