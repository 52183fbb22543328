"""The simulated MC2000B behaves as its protocol sheet says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.thorlabs_mc2000b import MC2000B
from tests.simulators.instruments.talk import talk

UNDEFINED, INVALID = b"Command error CMD_NOT_DEFINED\r", b"Command error CMD_ARG_INVALID\r"


@pytest.fixture
def unit() -> MC2000B:
    return MC2000B(lambda now: 120.0, warm=True)


def ask(unit: MC2000B, command: str, now: float = 0.0) -> str:
    """What stands between echo and prompt."""
    reply = talk(unit, command.encode() + b"\r", now).decode()
    assert reply.startswith(f"{command}\r")
    assert reply.endswith("> ")
    return reply[len(command) + 1 : -2].removesuffix("\r")


def test_bytes_of_the_sheet(unit: MC2000B) -> None:
    assert talk(unit, b"freq?\r") == b"freq?\r100\r> "
    assert talk(unit, b"phase=90\r") == b"phase=90\r> "
    assert talk(unit, b"\r") == b"\r> "
    assert talk(unit, b"\rfreq?\r\rblade?\r") == b"\r> freq?\r100\r> \r> blade?\r1\r> "


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"id?", b"THORLABS MC2000B REV 1.6\r"),
        (b"freq?", b"100\r"),
        (b"refoutfreq?", b"100\r"),
        (b"input?", b"120\r"),
        (b"blade?", b"1\r"),
        (b"nharmonic?", b"1\r"),
        (b"dharmonic?", b"1\r"),
        (b"phase?", b"0\r"),
        (b"enable?", b"1\r"),
        (b"ref?", b"0\r"),
        (b"output?", b"0\r"),
        (b"oncycle?", b"50\r"),
        (b"intensity?", b"5\r"),
        (b"colour?", UNDEFINED),
        (b"freq", UNDEFINED),
        (b"freq?1", UNDEFINED),
        (b"FREQ?", UNDEFINED),
        (b"\nfreq?", UNDEFINED),
        (b"id=1", UNDEFINED),
        (b"input=1", UNDEFINED),
        (b"refoutfreq=1", UNDEFINED),
        (b"freq=", INVALID),
        (b"freq=10.5", INVALID),
        (b"freq=19", INVALID),
        (b"freq=1001", INVALID),
        (b"blade=15", INVALID),
        (b"nharmonic=0", INVALID),
        (b"dharmonic=16", INVALID),
        (b"phase=361", INVALID),
        (b"phase=-1", INVALID),
        (b"enable=2", INVALID),
        (b"ref=2", INVALID),
        (b"output=2", INVALID),
        (b"oncycle=30", INVALID),
        (b"intensity=11", INVALID),
    ],
)
def test_queries_and_refusals(unit: MC2000B, command: bytes, reply: bytes) -> None:
    assert talk(unit, command + b"\r") == command + b"\r" + reply + b"> "


@pytest.mark.parametrize(
    "setting",
    ["freq=200", "blade=2", "nharmonic=3", "dharmonic=4", "phase=360", "enable=0", "ref=1", "output=1", "intensity=1"],
)
def test_settings_can_be_read_back(unit: MC2000B, setting: str) -> None:
    name, _, value = setting.partition("=")
    assert (ask(unit, setting), ask(unit, f"{name}?")) == ("", value)


def test_help_lists_the_commands(unit: MC2000B) -> None:
    listed = ask(unit, "?").split("\r")
    assert listed[:3] == ["id?", "freq=", "freq?"]
    assert len(listed) == 23


def test_a_cold_wheel_spins_up_and_locks() -> None:
    unit = MC2000B(lambda now: 0.0, warm=False)
    assert unit.opening(0.0) == (0.0, 0.0, False)
    assert ask(unit, "output=1", 1.0) + ask(unit, "phase=45", 1.0) + ask(unit, "enable=1", 1.0) == ""
    assert ask(unit, "refoutfreq?", 2.5) == "63"
    assert unit.opening(11.0)[1:] == (45.0, False)
    frequency, _, locked = unit.opening(13.0)
    assert (frequency, locked) == (pytest.approx(100.0, abs=0.1), True)
    ask(unit, "phase=90", 14.0)
    assert unit.opening(14.5)[1:] == (90.0, False)
    assert unit.opening(15.1)[1:] == (90.0, True)
    ask(unit, "enable=0", 20.0)
    assert (ask(unit, "refoutfreq?", 40.0), unit.opening(40.0)[2]) == ("0", False)


def test_lock_needs_no_polling() -> None:
    unit = MC2000B(lambda now: 0.0, warm=False)
    ask(unit, "enable=1")
    assert unit.opening(60.0)[2]


def test_it_follows_a_reference_times_its_harmonics(unit: MC2000B) -> None:
    for command in ("nharmonic=3", "dharmonic=2", "ref=1", "output=1"):
        assert ask(unit, command, 1.0) == ""
    assert unit.opening(1.0)[2] is False
    assert ask(unit, "refoutfreq?", 30.0) == "180"
    assert unit.opening(30.0) == (pytest.approx(180.0), 0.0, True)
    assert unit.state(30.0)["target_Hz"] == 180.0


def test_a_reference_beyond_the_blade_is_not_locked_to() -> None:
    unit = MC2000B(lambda now: 1500.0, warm=True)
    ask(unit, "output=1")
    ask(unit, "ref=1")
    assert (ask(unit, "refoutfreq?", 60.0), unit.opening(60.0)[2]) == ("1000", False)


def test_the_target_at_the_sync_output_proves_nothing(unit: MC2000B) -> None:
    unit.fault("stall", 1.0)
    assert ask(unit, "refoutfreq?", 2.0) == "100"
    ask(unit, "output=1", 2.0)
    assert ask(unit, "refoutfreq?", 2.0) == "0"


def test_a_blade_with_two_tracks_has_more_choices(unit: MC2000B) -> None:
    assert [ask(unit, command) for command in ("blade=7", "ref=3", "output=2", "freq?")] == ["", "", "", "100"]
    assert unit.opening(60.0) == (pytest.approx(120.0), 0.0, True)
    assert ask(unit, "refoutfreq?", 60.0) == "120"
    assert [ask(unit, command, 60.0) for command in ("output=1", "refoutfreq?")] == ["", "600"]
    assert [ask(unit, command, 60.0) for command in ("blade=9", "ref?", "output?", "oncycle=30", "oncycle?")] == [
        "", "0", "1", "", "30",
    ]  # fmt: skip
    assert [ask(unit, command, 60.0) for command in ("blade=10", "output=4", "freq?")] == ["", "", "100"]
    assert ask(unit, "refoutfreq?", 120.0) == "90"
    assert [ask(unit, command, 120.0) for command in ("output=3", "refoutfreq?", "blade=5", "freq?", "output?")] == [
        "", "110", "", "200", "0",
    ]  # fmt: skip


def test_faults(unit: MC2000B) -> None:
    ask(unit, "output=1")
    unit.fault("lose_lock", 1.0, seconds=5.0)
    assert unit.opening(1.0)[2] is False
    assert ask(unit, "refoutfreq?", 5.9) == "95"
    assert unit.opening(6.5)[2] is False
    assert unit.opening(15.0)[2] is True
    unit.fault("stall", 20.0)
    assert (unit.opening(20.0)[0], ask(unit, "enable?", 20.0)) == (0.0, "1")
    unit.fault("stall", 25.0, cleared=True)
    assert unit.opening(45.0)[2] is True
    unit.fault("front_panel", 50.0)
    assert ask(unit, "enable?", 50.0) == "0"
    assert unit.opening(51.0)[2] is False
    unit.fault("wrong_identity", 52.0)
    assert not ask(unit, "id?", 52.0).startswith("THORLABS MC2000B")
    with pytest.raises(ValueError, match="stall"):
        unit.fault("fire", 52.0)


def test_a_power_cycle_forgets(unit: MC2000B) -> None:
    ask(unit, "phase=90", 1.0)
    unit.power_up(10.0)
    assert (ask(unit, "phase?", 10.0), ask(unit, "enable?", 10.0)) == ("0", "0")
    assert unit.opening(10.5)[0] == pytest.approx(71.65, abs=0.1)


def test_lines_end_with_a_carriage_return(unit: MC2000B) -> None:
    received = bytearray(b"ph")
    assert list(unit.split(received)) == []
    received += b"ase?\rfr"
    assert (list(unit.split(received)), received) == ([b"phase?"], b"fr")
    received = bytearray(b"x" * 65)
    assert (list(unit.split(received)), received) == ([], b"")


PIECES = [b"freq=", b"blade=", b"ref=", b"output=", b"3", b"7", b"?", b"\r", b"refoutfreq?\r", b"enable=1\r"]


@given(data=st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(PIECES))))
def test_no_bytes_are_too_strange(data: list[bytes]) -> None:
    talk(MC2000B(lambda now: 50.0), b"".join(data), now=3.0)
