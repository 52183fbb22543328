"""Sumitomo F-70 on the wire: every message carries a checksum, and every reply the name of its question."""

import pytest

from drivers.errors import DriverError, GarbledReply, LinkTimeout, Refused, WrongInstrument
from drivers.sumitomo_f70 import ALARMS, SumitomoF70, checksum
from tests.drivers.commands import Done, Read, Written, check_done, check_read, names_complete, run
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = (b"$ID1D629\r", b"$ID1,1.6,005842.1,000,1E26\r")


def asked(word: str, fields: str) -> Exchange:
    text = f"${word},{fields}".encode()
    return (b"$" + word.encode() + checksum(b"$" + word.encode()) + b"\r", text + checksum(text) + b"\r")


READ: Read = {
    "helium_C": ([(b"$TE140B8\r", b"$TE1,086,ADBC\r")], 86),
    "water_out_C": ([asked("TE2", "040,")], 40),
    "water_in_C": ([asked("TE3", "031,")], 31),
    "return_pressure_psi": ([(b"$PR171F6\r", b"$PR1,079,ACEF\r")], 79),
    "running": ([(b"$STA3504\r", b"$STA,0301,2ED1\r")], True),
    "status_word": ([(b"$STA3504\r", b"$STA,0301,2ED1\r")], 0x0301),
    "hours": ([IDENTITY], 5842.1),
}
WRITTEN: Written = {}
DONE: Done = {
    "reset": [(b"$RS12156\r", b"$RS1,E3A0\r")],
    "run_cold_head": [(b"$CHRFD4C\r", asked("CHR", "")[1])],
    "pause_cold_head": [(b"$CHP3CCD\r", asked("CHP", "")[1])],
    "end_pause": [(b"$POF07BF\r", asked("POF", "")[1])],
}


def state(word: int) -> Exchange:
    return asked("STA", f"{word:04X},")


def test_every_command_has_its_bytes() -> None:
    names_complete(SumitomoF70, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(SumitomoF70, name, READ)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(SumitomoF70, name, DONE)


@pytest.mark.parametrize(("text", "digits"), [(b"$TEA", b"A4B9"), (b"$TEA,086,040,031,000,", b"3798"), (b"$???,", b"3278")])
def test_the_checksum_is_that_of_the_manual(text: bytes, digits: bytes) -> None:
    assert checksum(text) == digits


def test_identity() -> None:
    assert IDENTITY[0].endswith(SumitomoF70.command_end)
    assert run(SumitomoF70, [IDENTITY], lambda unit: unit.identify()).firmware == "1.6"
    unit, _ = scripted(SumitomoF70, [(IDENTITY[0], b"$???,3278\r")])
    with pytest.raises(WrongInstrument):
        unit.identify()


def test_switching_waits_for_the_status() -> None:
    on = [state(0x0400), (b"$ON177CF\r", b"$ON1,8936\r"), state(0x0400), state(0x0601)]
    run(SumitomoF70, on, lambda unit: unit.switch_on())
    off = [state(0x0601), (b"$OFF9188\r", b"$OFF,BB90\r"), state(0x0400)]
    run(SumitomoF70, off, lambda unit: unit.switch_off())
    unit, wire = scripted(SumitomoF70, [state(0x8301)])
    with pytest.raises(Refused, match="may only watch"):
        unit.switch_off()
    assert wire.finished()


def test_it_is_left_alone_by_plans_and_by_the_safe_order() -> None:
    run(SumitomoF70, [], lambda unit: unit.prepare())
    assert run(SumitomoF70, [], lambda unit: unit.make_safe()).confirmed


@pytest.mark.parametrize(
    ("word", "said", "ok"),
    [
        (0x0000, "off, local", True),
        (0x0301, "on, local", True),
        (0x0400, "off, remote", True),
        (0x0701, "on, remote", True),
        (0x0800, "cold head runs", True),
        (0x0A00, "cold head pauses", True),
        (0x0C00, "off after a fault", False),
        (0x0E00, "off after an oil fault", False),
    ],
)
def test_status(word: int, said: str, ok: bool) -> None:
    status = run(SumitomoF70, [state(word)], lambda unit: unit.status())
    assert (status.state, status.ok) == (said, ok)


@pytest.mark.parametrize("bit", ALARMS)
def test_alarms_are_named(bit: int) -> None:
    status = run(SumitomoF70, [state(0x0C00 | 1 << bit)], lambda unit: unit.status())
    assert status.warnings == (ALARMS[bit],)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"$STA,0301,2ED2\r", GarbledReply),
        (b"$STA,0311,2ED1\r", GarbledReply),
        (b"$STA,0301,\r", GarbledReply),
        (asked("TE1", "086,")[1], GarbledReply),
        (asked("STA", "")[1], GarbledReply),
        (asked("STA", "03G1,")[1], GarbledReply),
        (b"$???,3278\r", Refused),
        (b"$STA,03", LinkTimeout),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    unit, _ = scripted(SumitomoF70, [(b"$STA3504\r", reply)])
    with pytest.raises(error):
        unit.status()


def test_after_silence_the_identity_is_asked() -> None:
    unit, wire = scripted(SumitomoF70, [(b"$TE140B8\r", [LATE, b"$TE1,086,ADBC\r"]), IDENTITY, asked("TE1", "087,")])
    with pytest.raises(LinkTimeout):
        unit.read("helium_C")
    assert unit.read("helium_C") == 87
    assert wire.finished()
