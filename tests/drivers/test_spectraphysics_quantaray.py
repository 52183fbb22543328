"""Quanta-Ray on the wire: settings are silent, the status word tells what came of them."""

import pytest

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.spectraphysics_quantaray import FAULTS, QuantaRay
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete, run
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted

OPTIONS = {"oscillator_percent": 60}
IDENTITY = (b"*IDN?\r", b"Spectra-Physics,Quanta-Ray INDI,1234,2.01\n")
REMOTE, CONTACTOR, SIMMER, PFN, FIRED, EMISSION = 1 << 23, 1 << 8, 1 << 9, 1 << 11, 1 << 12, 1
OFF, READY = REMOTE, REMOTE | CONTACTOR | SIMMER | PFN | EMISSION


def asked(text: str, reply: object) -> Exchange:
    return (f"{text}\r".encode(), f"{reply}\n".encode())


def told(text: str) -> Exchange:
    return (f"{text}\r".encode(), b"")


def word(value: int) -> Exchange:
    return asked("*STB?", value)


READ: Read = {
    "oscillator_percent": ([asked("READ:OPFN?", 60)], 60),
    "amplifier_percent": ([asked("READ:APFN?", 0)], 0),
    "oscillator_measured_percent": ([asked("READ:OMON?", "59.5")], 59.5),
    "amplifier_measured_percent": ([asked("READ:AMON?", 1)], 1.0),
    "lamp_rate_Hz": ([asked("LAMP VAR?", "10.0")], 10.0),
    "measured_rate_Hz": ([asked("READ:VAR?", "9.99")], 9.99),
    "q_switch_delay": ([asked("QSW DEL?", 180)], 180),
    "advance_sync": ([asked("QSW ADV?", 20)], 20),
    "advance_sync_in_force": ([asked("READ:QSWADV?", 21)], 21),
    "q_switch": ([asked("QSW?", "EXT")], "EXT"),
    "shots": ([asked("SHOT?", 123456)], 123456),
    "status_word": ([word(READY)], READY),
    "questionable_word": ([asked("STAT:QUES?", 1 << 31)], 1 << 31),
}
WRITTEN: Written = {
    "oscillator_percent": (70, [told("OPFN 70"), asked("READ:OPFN?", 70)]),
    "amplifier_percent": (5, [told("APFN 5"), asked("READ:APFN?", 5)]),
    "lamp_rate_Hz": (12.5, [told("LAMP VAR 12.5"), asked("LAMP VAR?", "12.5")]),
    "q_switch_delay": (200, [told("QSW DEL 200"), asked("QSW DEL?", 200)]),
    "advance_sync": (30, [told("ADV 30"), asked("QSW ADV?", 30)]),
    "watchdog_s": (10, [told("WATC 10")]),
}
DONE: Done = {
    "lamp_external": [told("LAMP EXT")],
    "lamp_fixed": [told("LAMP FIX")],
    "lamp_inhibit": [told("LAMP INH")],
    "q_switch_external": [told("QSW EXT")],
    "q_switch_long": [told("QSW LONG")],
    "q_switch_normal": [told("QSW NORM")],
    "q_switch_repetitive": [told("QSW REP")],
    "q_switch_single": [told("QSW SING")],
    "fire_once": [told("QSW FIR")],
    "reset_head": [told("*RST?")],
}
STOPPING = [told("QSW SING"), told("LAMP INH"), told("OFF")]
STARTING = [told("ON"), word(REMOTE | CONTACTOR), word(REMOTE | CONTACTOR), word(REMOTE | CONTACTOR | SIMMER)]
STARTING += [word(REMOTE | CONTACTOR | SIMMER), told("LAMP EXT"), told("QSW REP"), told("QSW EXT"), word(READY), word(READY)]


def made(script: list[Exchange], **options: object) -> tuple[QuantaRay, ScriptedTransport]:
    return scripted(QuantaRay, script, **{**OPTIONS, **options})


def test_without_a_shutter_the_q_switch_blocks_the_beam() -> None:
    unit, wire = scripted(QuantaRay, [told("QSW SING"), told("QSW REP"), told("QSW EXT")], **OPTIONS)
    unit.block()
    unit.unblock()
    assert wire.finished()


def test_every_command_has_its_bytes() -> None:
    names_complete(QuantaRay, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(QuantaRay, name, READ, **OPTIONS)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(QuantaRay, name, WRITTEN, **OPTIONS)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(QuantaRay, name, DONE, **OPTIONS)


def test_identity() -> None:
    found = run(QuantaRay, [IDENTITY], lambda laser: laser.identify(), **OPTIONS)
    assert (found.model, found.serial, found.firmware) == ("Quanta-Ray INDI", "1234", "2.01")
    laser, _ = made([asked("*IDN?", "SPECTRA-S 4.20")])
    with pytest.raises(WrongInstrument):
        laser.identify()


def test_preparing_stops_and_sets_the_watchdog_before_the_levels() -> None:
    levels = [told("OPFN 60"), asked("READ:OPFN?", 60), told("APFN 0"), asked("READ:APFN?", 0)]
    laser, wire = made([*STOPPING, word(OFF), word(OFF), told("WATC 20"), *levels], watchdog_s=20)
    laser.prepare()
    assert wire.finished()


def test_starting_waits_for_simmer_and_level() -> None:
    laser, wire = made(STARTING)
    laser.start()
    assert wire.finished()


def test_a_start_that_fails_is_taken_back() -> None:
    laser, wire = made([told("ON"), word(OFF), *STOPPING], start_s=1e-9)
    with pytest.raises(Refused, match="is not simmering"):
        laser.start()
    assert wire.finished()


def test_a_power_that_goes_off_by_itself_is_a_fault() -> None:
    laser, _ = made([*STARTING, word(OFF)])
    laser.start()
    status = laser.status()
    assert not status.ok
    assert status.warnings == ("went off by itself: watchdog, interlock or panel",)


@pytest.mark.parametrize(
    ("value", "state", "ok"),
    [(OFF, "off", True), (READY, "on", True), (READY | FIRED, "firing", True), (CONTACTOR, "on", False)],
)
def test_status(value: int, state: str, ok: bool) -> None:
    laser, _ = made([word(value)])
    status = laser.status()
    assert (status.state, status.ok) == (state, ok)


@pytest.mark.parametrize("bit", FAULTS)
def test_interlocks_are_named(bit: int) -> None:
    laser, _ = made([word(REMOTE | 1 << bit)])
    status = laser.status()
    assert (status.state, status.ok, status.warnings) == ("interlock", False, (FAULTS[bit],))


@pytest.mark.parametrize(
    ("bit", "said"),
    [
        (9, "oscillator high voltage failed"),
        (10, "amplifier high voltage failed"),
        (11, "external trigger rate out of range"),
        (12, "water is not pure enough or low"),
        (17, "oscillator supply 1: overload"),
        (31, "amplifier supply 2: over-voltage"),
    ],
)
def test_the_questionable_register_is_asked_when_the_word_says_so(bit: int, said: str) -> None:
    laser, wire = made([word(REMOTE | 1 << 3), asked("STAT:QUES?", 1 << bit)])
    assert laser.status().warnings == (said,)
    assert wire.finished()


def test_history() -> None:
    laser, wire = made([(b"READ:HIST?\r", b"1 827\n301 801\n0 0\n")])
    assert laser.history() == ((1, 827), (301, 801))
    assert wire.finished()
    laser, _ = made([(b"READ:HIST?\r", b"1 827\n")])
    with pytest.raises(GarbledReply, match="stops without its last line"):
        laser.history()
    full = b"16 827\n" + b"".join(b"301 %d\n" % seconds for seconds in range(820, 804, -1))
    laser, wire = made([(b"READ:HIST?\r", full + b"0 0\n")])
    assert laser.history() == ((16, 827), *((301, seconds) for seconds in range(820, 804, -1)))
    assert wire.finished()
    laser, _ = made([(b"READ:HIST?\r", full + b"301 804\n0 0\n")])
    with pytest.raises(GarbledReply, match="more than 18 lines"):
        laser.history()


def test_making_safe_switches_off_before_it_asks_anything() -> None:
    laser, wire = made([(b"\rOFF\r", b""), IDENTITY, *STOPPING, word(OFF), word(OFF)])
    assert laser.make_safe().confirmed
    assert wire.finished()


def test_safe_though_stopping_was_not_seen_in_time() -> None:
    script = [(b"\rOFF\r", b""), IDENTITY, *STOPPING, word(READY), word(OFF), word(OFF)]
    laser, _ = made(script, start_s=1e-9)
    assert laser.make_safe().confirmed
    laser, _ = made([*script[:-2], word(READY)], start_s=1e-9)
    with pytest.raises(Refused, match="is not off"):
        laser.make_safe()


def test_a_level_that_reads_back_otherwise_is_refused() -> None:
    laser, _ = made([told("OPFN 70"), asked("READ:OPFN?", 60)])
    with pytest.raises(Refused, match="oscillator_percent reads back 60 % after 70 was set"):
        laser.write("oscillator_percent", 70)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"oscillator_percent": 101}, "oscillator_percent = 101"),
        ({"watchdog_s": 0}, "watchdog_s = 0"),
        ({"watchdog_s": 111}, "111"),
    ],
)
def test_wrong_options(options: dict[str, int], said: str) -> None:
    with pytest.raises(LimitError, match=said):
        made([], **options)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"0x100\n", GarbledReply),
        (b"4294967296\n", GarbledReply),
        (b"-1\n", GarbledReply),
        (b"83\xff\n", GarbledReply),
        (b"8388", LinkTimeout),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    laser, _ = made([(b"*STB?\r", reply)])
    with pytest.raises(error):
        laser.status()


def test_after_silence_the_identity_is_asked() -> None:
    laser, wire = made([(b"SHOT?\r", [LATE, b"5\n"]), IDENTITY, asked("SHOT?", 6)])
    with pytest.raises(LinkTimeout):
        laser.read("shots")
    assert laser.read("shots") == 6
    assert wire.finished()
