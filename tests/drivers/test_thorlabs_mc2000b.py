"""MC2000B on the wire: every line is echoed, every answer ends with a prompt, nothing tells a lock."""

import pytest

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.thorlabs_mc2000b import MC2000B
from tests.drivers.commands import Done, Read, Written, check_read, check_written, names_complete, run
from tests.drivers.script import LATE, Exchange, scripted


def asked(word: str, value: object) -> Exchange:
    return (f"{word}?\r".encode(), f"{word}?\r{value}\r> ".encode())


def told(text: str) -> Exchange:
    return (f"{text}\r".encode(), f"{text}\r> ".encode())


def set_back(word: str, value: int) -> list[Exchange]:
    return [told(f"{word}={value}"), asked(word, value)]


IDENTITY = asked("id", "THORLABS MC2000B 1.05")
READ: Read = {
    "frequency_Hz": ([asked("refoutfreq", 100)], 100),
    "reference_Hz": ([asked("input", 20)], 20),
    "phase_deg": ([asked("phase", 90)], 90.0),
    "phase_locked": ([], False),
    "motor_on": ([asked("enable", 1)], True),
    "internal_frequency_Hz": ([asked("freq", 100)], 100),
    "blade": ([asked("blade", 10)], 10),
    "multiple": ([asked("nharmonic", 5)], 5),
    "divider": ([asked("dharmonic", 1)], 1),
    "reference": ([asked("ref", 3)], 3),
    "output": ([asked("output", 1)], 1),
    "open_percent": ([asked("oncycle", 50)], 50),
    "brightness": ([asked("intensity", 8)], 8),
}
WRITTEN: Written = {
    "phase_deg": (-90.0, set_back("phase", 270)),
    "motor_on": (True, set_back("enable", 1)),
    "internal_frequency_Hz": (200, set_back("freq", 200)),
    "blade": (0, set_back("blade", 0)),
    "multiple": (7, set_back("nharmonic", 7)),
    "divider": (2, set_back("dharmonic", 2)),
    "reference": (1, set_back("ref", 1)),
    "output": (2, set_back("output", 2)),
    "open_percent": (25, set_back("oncycle", 25)),
    "brightness": (3, set_back("intensity", 3)),
}
DONE: Done = {}


def synchronising(blade: int = 1, reference: int = 1) -> list[Exchange]:
    settings = (("ref", reference), ("nharmonic", 5), ("dharmonic", 1), ("phase", 30), ("enable", 1))
    return [asked("blade", blade), *(exchange for setting in settings for exchange in set_back(*setting))]


def look(enable: int, reference: int, measured: int) -> list[Exchange]:
    return [asked("enable", enable), asked("enable", enable), asked("input", reference), asked("refoutfreq", measured)]


def test_every_command_has_its_bytes() -> None:
    names_complete(MC2000B, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(MC2000B, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(MC2000B, name, WRITTEN)


def test_identity() -> None:
    assert run(MC2000B, [IDENTITY], lambda chopper: chopper.identify()).firmware == "1.05"
    chopper, _ = scripted(MC2000B, [asked("id", "THORLABS MC1000A")])
    with pytest.raises(WrongInstrument):
        chopper.identify()


def test_preparing_leaves_the_motor_alone() -> None:
    run(MC2000B, set_back("output", 1), lambda chopper: chopper.prepare())
    assert run(MC2000B, [], lambda chopper: chopper.make_safe()).confirmed


@pytest.mark.parametrize(("blade", "reference"), [(1, 1), (0, 2), (6, 2), (7, 2)])
def test_synchronising_knows_blades_with_two_tracks(blade: int, reference: int) -> None:
    run(MC2000B, synchronising(blade, reference), lambda chopper: chopper.synchronise(5, 390.0))


def test_turning_freely() -> None:
    """Without an outside reference it is locked when it turns as fast as it was told."""
    factors = [*set_back("nharmonic", 1), *set_back("dharmonic", 1)]
    own = [*set_back("ref", 0), *factors, *set_back("freq", 100), *set_back("phase", 30), *set_back("enable", 1)]
    seen = [asked("enable", 1), asked("refoutfreq", 100)]

    def locked(chopper: MC2000B) -> object:
        chopper.run_freely(100.0, 390.0)
        return chopper.read("phase_locked")

    assert run(MC2000B, [*own, *seen], locked) is True
    chopper, _ = scripted(MC2000B, [])
    with pytest.raises(LimitError, match="whole Hz"):
        chopper.run_freely(100.5, 0.0)


@pytest.mark.parametrize(
    ("seen", "state", "ok"),
    [
        (look(1, 20, 100), "locked", True),
        (look(1, 20, 102), "locked", True),
        (look(1, 20, 103), "not locked", False),
        (look(1, 0, 0)[:3], "not locked", False),
        (look(0, 20, 100)[:2], "stopped", False),
    ],
)
def test_the_frequency_decides_about_the_lock(seen: list[Exchange], state: str, ok: bool) -> None:
    chopper, wire = scripted(MC2000B, [*synchronising(), *seen])
    chopper.synchronise(5, 30.0)
    status = chopper.status()
    assert (status.state, status.ok) == (state, ok)
    assert wire.finished()


@pytest.mark.parametrize("multiple", [0, 1001])
def test_an_impossible_multiple_sends_nothing(multiple: int) -> None:
    chopper, wire = scripted(MC2000B, [])
    with pytest.raises(LimitError, match=f"multiple = {multiple}"):
        chopper.synchronise(multiple, 0.0)
    assert wire.finished()
    with pytest.raises(LimitError, match="lock_percent"):
        scripted(MC2000B, [], lock_percent=0.0)


def test_text_before_the_prompt_is_a_refusal() -> None:
    chopper, _ = scripted(MC2000B, [(b"freq=200\r", b"freq=200\rCMD_ARG_INVALID\r> ")])
    with pytest.raises(Refused, match="CMD_ARG_INVALID"):
        chopper.write("internal_frequency_Hz", 200)


def test_a_value_that_reads_back_otherwise_is_refused() -> None:
    chopper, _ = scripted(MC2000B, [told("freq=200"), asked("freq", 100)])
    with pytest.raises(Refused, match="reads back 100 Hz after 200 was set"):
        chopper.write("internal_frequency_Hz", 200)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"blade?\r3\r> ", GarbledReply),
        (b"freq?\r> ", GarbledReply),
        (b"freq?\r1e2\r> ", GarbledReply),
        (b"freq?\r-5\r> ", GarbledReply),
        (b"fre\xff?\r100\r> ", GarbledReply),
        (b"freq?\r100\r>", LinkTimeout),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    chopper, _ = scripted(MC2000B, [(b"freq?\r", reply)])
    with pytest.raises(error):
        chopper.read("internal_frequency_Hz")


def test_a_setting_with_a_wrong_echo_is_garbled() -> None:
    chopper, _ = scripted(MC2000B, [(b"freq=200\r", b"freq=20\r> ")])
    with pytest.raises(GarbledReply, match="was echoed as"):
        chopper.write("internal_frequency_Hz", 200)


def test_after_silence_the_identity_is_asked() -> None:
    chopper, wire = scripted(MC2000B, [(b"blade?\r", [LATE, b"blade?\r3\r> "]), IDENTITY, asked("blade", 4)])
    with pytest.raises(LinkTimeout):
        chopper.read("blade")
    assert chopper.read("blade") == 4
    assert wire.finished()
