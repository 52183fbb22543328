"""SRS SR542 on the wire: settings are silent, LERR? tells; a lost lock is found in the latch."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.srs_sr542 import SR542
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = b"Stanford_Research_Systems,SR542,s/n00001005,v1.0.5\r\n"


def asked(query: str, reply: str) -> Exchange:
    return (f"{query}\n".encode(), f"{reply}\n".encode())


def told(text: str, error: int = 0) -> list[Exchange]:
    return [(f"{text}\n".encode(), b""), asked("LERR?", str(error))]


def taken(mnemonic: str, value: int, back: int | None = None) -> list[Exchange]:
    return [*told(f"{mnemonic} {value}"), asked(f"{mnemonic}?", str(value if back is None else back))]


def turning(source: int, multiple: int) -> list[Exchange]:
    factors = [*taken("SRCE", source), *taken("EDGE", 0), *taken("CTRL", 2), *taken("MULT", multiple), *taken("DIVR", 1)]
    phase = [*taken("RELP", 0), *told("PHAS -122.00"), asked("PHAS?", "-122.00")]
    return [*factors, *phase, *taken("MOTR", 1), asked("CHEV?", "12")]


OWN = [*told("IFRQ 100.00"), asked("IFRQ?", "100.00")]
SYNCHRONISED = turning(3, 5)
FREE = [*OWN, *turning(0, 1)]


@pytest.mark.parametrize("comma", [b",", b", "])
def test_identity(comma: bytes) -> None:
    reply = comma.join([b"Stanford_Research_Systems", b"SR542", b"s/n00001005", b"v1.0.5"])
    unit, _ = scripted(SR542, [(b"*IDN?\n", reply + b"\r\n")])
    assert unit.identify().serial == "00001005"
    unit, _ = scripted(SR542, [(b"*IDN?\n", b"Thorlabs,MC2000B,1,1\n")])
    with pytest.raises(WrongInstrument):
        unit.identify()


def test_preparing_forgets_old_errors_and_latches_the_loss_of_lock() -> None:
    silent: list[Exchange] = [(text, b"") for text in (b"TOKN OFF\n", b"TERM LF\n", b"*CLS\n")]
    old = [asked("LERR?", "22"), asked("LERR?", "0")]
    unit, wire = scripted(SR542, [*silent, *old, *told("CHNT 12"), asked("CHEV?", "8")])
    unit.prepare()
    assert wire.finished()


def test_following_the_reference() -> None:
    unit, wire = scripted(SR542, SYNCHRONISED)
    unit.synchronise(5, 238.0)
    assert wire.finished()


def test_turning_freely_leaves_no_factor_of_an_earlier_run() -> None:
    unit, wire = scripted(SR542, FREE)
    unit.run_freely(100.0, 238.0)
    assert wire.finished()
    unit, _ = scripted(SR542, [*OWN, *taken("SRCE", 0), *taken("EDGE", 0), *taken("CTRL", 2), *taken("MULT", 1, back=7)])
    with pytest.raises(Refused, match="MULT reads back 7 after 1 was set"):
        unit.run_freely(100.0, 238.0)


@pytest.mark.parametrize(
    ("start", "act", "measured", "said"),
    [
        ("free", lambda unit: unit.run_freely(100.0, 238.0), [asked("MFRQ? 0", "100.012")], ""),
        (
            "free",
            lambda unit: unit.run_freely(100.0, 238.0),
            [asked("MFRQ? 0", "700.000")],
            "chops at 700 Hz, not at the 100 Hz asked for",
        ),
        ("follows", lambda unit: unit.synchronise(5, 238.0), [asked("MFRQ? 3", "20.001"), asked("MFRQ? 0", "100.012")], ""),
        (
            "follows",
            lambda unit: unit.synchronise(5, 238.0),
            [asked("MFRQ? 3", "20.000"), asked("MFRQ? 0", "50.000")],
            "chops at 50 Hz, not at the 100 Hz asked for",
        ),
    ],
)
def test_locked_is_only_who_chops_at_the_frequency_asked_for(
    start: str, act: Callable[[SR542], None], measured: list[Exchange], said: str
) -> None:
    states = [asked("CHCR?", "15"), asked("CHEV?", "0"), *measured]
    unit, wire = scripted(SR542, [*(FREE if start == "free" else SYNCHRONISED), asked("CHCR? 3", "1"), *measured, *states])
    act(unit)
    assert unit.read("phase_locked") is (not said)
    status = unit.status()
    assert (status.ok, status.warnings) == ((False, (said,)) if said else (True, ()))
    assert wire.finished()


def test_a_refused_setting_has_its_error_number() -> None:
    unit, _ = scripted(SR542, told("SRCE 3", 32))
    with pytest.raises(Refused, match="'SRCE 3' gave error 32"):
        unit.synchronise(5, 0.0)
    unit, _ = scripted(SR542, taken("SRCE", 3, back=0))
    with pytest.raises(Refused, match="SRCE reads back 0 after 3 was set"):
        unit.synchronise(5, 0.0)
    unit, _ = scripted(SR542, [*told("PHAS 10.00"), asked("PHAS?", "0.00")])
    with pytest.raises(Refused, match="phase_deg reads back"):
        unit.write("phase_deg", 10.0)


@pytest.mark.parametrize(("multiple", "phase_deg"), [(0, 0.0), (-1, 0.0), (5, float("nan")), (5, float("inf"))])
def test_impossible_settings_never_reach_the_wire(multiple: int, phase_deg: float) -> None:
    unit, wire = scripted(SR542, [])
    with pytest.raises(LimitError):
        unit.synchronise(multiple, phase_deg)
    with pytest.raises(LimitError):
        unit.write("phase_deg", 400.0)
    assert wire.finished()


@pytest.mark.parametrize(
    ("condition", "events", "state", "ok", "warnings"),
    [
        (0b01111, 0, "locked", True, ()),
        (0b01111, 8, "locked", True, ("the lock was lost since the last look",)),
        (0b01111, 4, "locked", True, ("the lock was lost since the last look",)),
        (0b00111, 8, "not locked", True, ()),
        (0b11111, 0, "locked", True, ("motor current at its limit",)),
        (0b00000, 0, "stopped", True, ()),
        (0b00000, 64, "stopped", False, ("fault: head memory or cable",)),
    ],
)
def test_status(condition: int, events: int, state: str, ok: bool, warnings: tuple[str, ...]) -> None:
    unit, _ = scripted(SR542, [asked("CHCR?", str(condition)), asked("CHEV?", str(events))])
    status = unit.status()
    assert (status.state, status.ok, status.warnings) == (state, ok, warnings)


@pytest.mark.parametrize(("condition", "warnings"), [("5", ("does not follow the reference input",)), ("7", ()), ("0", ())])
def test_out_of_lock_is_no_state_to_run_in_once_it_was_asked_for(condition: str, warnings: tuple[str, ...]) -> None:
    unit, _ = scripted(SR542, [*SYNCHRONISED, asked("CHCR?", condition), asked("CHEV?", "8")])
    unit.synchronise(5, 238.0)
    status = unit.status()
    assert (status.ok, status.warnings) == (False, warnings)


@pytest.mark.parametrize("reply", ["", "2", "-1", "ON", "1.0", "0 1"])
def test_a_lock_is_0_or_1(reply: str) -> None:
    unit, _ = scripted(SR542, [asked("CHCR? 3", reply)])
    with pytest.raises(GarbledReply):
        unit.read("phase_locked")


def test_it_is_left_turning() -> None:
    unit, wire = scripted(SR542, [])
    assert unit.make_safe().detail == "kept turning"
    assert wire.finished()


def test_after_silence_the_identity_is_asked() -> None:
    unit, wire = scripted(SR542, [(b"MFRQ? 0\n", [LATE, b"99.0\n"]), (b"*IDN?\n", IDENTITY), asked("MFRQ? 0", "100.0")])
    with pytest.raises(LinkTimeout):
        unit.read("frequency_Hz")
    assert unit.read("frequency_Hz") == 100.0
    assert wire.finished()


@given(st.binary(max_size=24).filter(lambda text: b"\n" not in text))
def test_only_errors_of_the_driver_escape(text: bytes) -> None:
    for query, quantity in ((b"MFRQ? 0\n", "frequency_Hz"), (b"PHAS?\n", "phase_deg"), (b"MOTR?\n", "motor_on")):
        unit, _ = scripted(SR542, [(query, text + b"\n")])
        try:
            assert -360 <= float(unit.read(quantity)) <= 20000
        except DriverError:
            continue


def plain(text: str, reply: str) -> Exchange:
    return (f"{text}\n".encode(), f"{reply}\r\n".encode())


def told_fine(text: str) -> list[Exchange]:
    return [(f"{text}\n".encode(), b""), plain("LERR?", "0")]


def changed(word: str, sent: str, back: str) -> list[Exchange]:
    return [*told_fine(f"{word} {sent}"), plain(f"{word}?", back)]


READ: Read = {
    "frequency_Hz": ([plain("MFRQ? 0", "100.01")], 100.01),
    "inner_Hz": ([plain("MFRQ? 1", "50.0")], 50.0),
    "shaft_Hz": ([plain("MFRQ? 2", "10.0")], 10.0),
    "reference_Hz": ([plain("MFRQ? 3", "20.0")], 20.0),
    "sum_Hz": ([plain("MFRQ? 4", "150.0")], 150.0),
    "difference_Hz": ([plain("MFRQ? 5", "-50.0")], -50.0),
    "target_Hz": ([plain("MFRQ? 6", "100.0")], 100.0),
    "phase_deg": ([plain("PHAS?", "-12.50")], -12.5),
    "phase_locked": ([plain("CHCR? 3", "1")], True),
    "motor_runs": ([plain("CHCR? 0", "1")], True),
    "reference_locked": ([plain("CHCR? 1", "0")], False),
    "frequency_locked": ([plain("CHCR? 2", "1")], True),
    "current_at_limit": ([plain("CHCR? 4", "0")], False),
    "motor_on": ([plain("MOTR?", "1")], True),
    "source": ([plain("SRCE?", "3")], 3),
    "edge": ([plain("EDGE?", "2")], 2),
    "control": ([plain("CTRL?", "1")], 1),
    "internal_Hz": ([plain("IFRQ?", "80.00")], 80.0),
    "relative_phase": ([plain("RELP?", "0")], False),
    "multiple": ([plain("MULT?", "5")], 5),
    "divider": ([plain("DIVR?", "2")], 2),
    "vco_full_scale_Hz": ([plain("VCOS?", "1000.00")], 1000.0),
    "inner_slots": ([plain("SLOT? 0", "5")], 5),
    "outer_slots": ([plain("SLOT? 1", "6")], 6),
    "display": ([plain("DISP?", "4")], 4),
    "audible_alarm": ([plain("ALRM?", "1")], True),
    "key_click": ([plain("KCLK?", "0")], False),
}
WRITTEN: Written = {
    "phase_deg": (-12.5, changed("PHAS", "-12.50", "-12.50")),
    "motor_on": (True, changed("MOTR", "1", "1")),
    "source": (0, changed("SRCE", "0", "0")),
    "edge": (1, changed("EDGE", "1", "1")),
    "control": (2, changed("CTRL", "2", "2")),
    "internal_Hz": (150.0, changed("IFRQ", "150.00", "150.00")),
    "relative_phase": (True, changed("RELP", "1", "1")),
    "multiple": (7, changed("MULT", "7", "7")),
    "divider": (3, changed("DIVR", "3", "3")),
    "vco_full_scale_Hz": (500.0, changed("VCOS", "500.00", "500.00")),
    "display": (0, changed("DISP", "0", "0")),
    "audible_alarm": (False, changed("ALRM", "0", "0")),
    "key_click": (True, changed("KCLK", "1", "1")),
}
DONE: Done = (
    {"jump_to_internal_frequency": told_fine("JINT"), "revert_settings": told_fine("BACK")}
    | {f"save_{n}": told_fine(f"*SAV {n}") for n in range(1, 10)}
    | {f"recall_{n}": told_fine(f"*RCL {n}") for n in range(1, 10)}
)


def test_every_command_has_its_bytes() -> None:
    names_complete(SR542, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(SR542, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(SR542, name, WRITTEN)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(SR542, name, DONE)
