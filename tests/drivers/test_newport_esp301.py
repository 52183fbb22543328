"""ESP301 on the wire: settings are silent, and the error queue tells whether they were taken."""

from collections.abc import Callable

import pytest

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.newport_esp301 import ESP301
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete, run
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = (b"VE?\r", b"ESP301 Version 1.1.1 16/01/14\r\n")
FINE = (b"TB?\r", b"0, 2141041171, NO ERROR DETECTED\r\n")
LIMIT = (b"TB?\r", b"104, -2139482948, AXIS-1 POSITIVE HARDWARE LIMIT DETECTED\r\n")
OPTIONS = {"axes": 3}


def asked(text: str, reply: object) -> Exchange:
    return (f"{text}\r".encode(), f"{reply}\r\n".encode())


def told(text: str) -> list[Exchange]:
    return [(f"{text}\r".encode(), b""), FINE]


READ: Read = {
    f"axis{n}_{name}": ([asked(f"{n}{word}", reply)], value)
    for n in (1, 2, 3)
    for name, word, reply, value in (
        ("position_mm", "TP?", "-10.2370", -10.237),
        ("set_position_mm", "PA?", "39.0000", 39.0),
        ("desired_position_mm", "DP?", "12.5000", 12.5),
        ("velocity_now_mm_s", "TV?", "9.98", 9.98),
        ("moving", "MD?", "0", True),
        ("motor_on", "MO?", "1", True),
        ("velocity_mm_s", "VA?", "10.0", 10.0),
        ("highest_velocity_mm_s", "VU?", "100", 100.0),
        ("acceleration_mm_s2", "AC?", "40", 40.0),
        ("deceleration_mm_s2", "AG?", "41", 41.0),
        ("emergency_deceleration_mm_s2", "AE?", "400", 400.0),
        ("highest_acceleration_mm_s2", "AU?", "500", 500.0),
        ("jerk_mm_s3", "JK?", "1000", 1000.0),
        ("lower_limit_mm", "SL?", "-50.0", -50.0),
        ("upper_limit_mm", "SR?", "50.0", 50.0),
        ("unit", "SN?", "2", 2),
        ("stage", "ID?", "ILS100CCL, SNB171743", "ILS100CCL, SNB171743"),
    )
} | {"hardware": ([asked("PH", "18000404H, 4H")], "18000404H, 4H")}
WRITTEN: Written = {
    f"axis{n}_{name}": (value, script)
    for n in (1, 2, 3)
    for name, value, script in (
        ("set_position_mm", 39.0, [*told(f"{n}PA39.000000"), asked(f"{n}PA?", "39.0000")]),
        ("move_by_mm", -0.5, told(f"{n}PR-0.500000")),
        ("motor_on", False, [*told(f"{n}MF"), asked(f"{n}MO?", 0)]),
        ("velocity_mm_s", 5.0, [*told(f"{n}VA5.000000"), asked(f"{n}VA?", "5")]),
        ("acceleration_mm_s2", 20.0, [*told(f"{n}AC20.000000"), asked(f"{n}AC?", "20")]),
        ("deceleration_mm_s2", 21.0, [*told(f"{n}AG21.000000"), asked(f"{n}AG?", "21")]),
        ("emergency_deceleration_mm_s2", 300.0, [*told(f"{n}AE300.000000"), asked(f"{n}AE?", "300")]),
        ("lower_limit_mm", -40.0, [*told(f"{n}SL-40.000000"), asked(f"{n}SL?", "-40")]),
        ("upper_limit_mm", 40.0, [*told(f"{n}SR40.000000"), asked(f"{n}SR?", "40")]),
        ("unit", 2, [*told(f"{n}SN2"), asked(f"{n}SN?", "2")]),
    )
}
DONE: Done = (
    {"stop": told("ST"), "save": told("SM")}
    | {f"abort_axis{n}": told(f"{n}AB") for n in (1, 2, 3)}
    | {f"define_axis{n}_zero": told(f"{n}DH") for n in (1, 2, 3)}
    | {f"axis{n}_to_lower_end": told(f"{n}MT-") for n in (1, 2, 3)}
    | {f"axis{n}_to_upper_end": told(f"{n}MT+") for n in (1, 2, 3)}
    | {
        f"axis{n}_to_{name}": told(f"{n}OR{code}")
        for n in (1, 2, 3)
        for name, code in (("home_and_index", 1), ("home_switch", 2), ("positive_limit", 3), ("negative_limit", 4))
    }
)


def test_every_command_has_its_bytes() -> None:
    names_complete(ESP301, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(ESP301, name, READ, **OPTIONS)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(ESP301, name, WRITTEN, **OPTIONS)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(ESP301, name, DONE)


def test_identity() -> None:
    assert run(ESP301, [IDENTITY], lambda stage: stage.identify()).firmware == "1.1.1"
    stage, _ = scripted(ESP301, [asked("VE?", "ESP300 Version 3.04 07/27/01")])
    with pytest.raises(WrongInstrument):
        stage.identify()


def preparing(unit: int = 2, motor_on: int = 1) -> list[Exchange]:
    limits = [asked("1SL?", "-50"), asked("1SR?", "50"), asked("1VU?", "100")]
    return [LIMIT, FINE, asked("1SN?", unit), *limits, asked("1MO?", motor_on)]


HOMED = [*told("1MO"), asked("1MO?", 1), *told("1OR1"), asked("1MD?", 1), asked("1TP?", "0.0000"), FINE]


def test_preparing_takes_the_stages_own_limits() -> None:
    stage, wire = scripted(ESP301, preparing())
    stage.prepare()
    assert wire.finished()
    for quantity, value in (("axis1_set_position_mm", 50.1), ("axis1_velocity_mm_s", 101.0)):
        with pytest.raises(LimitError, match=quantity):
            stage.write(quantity, value)
    stage, _ = scripted(ESP301, preparing(unit=7)[:3])
    with pytest.raises(Refused, match="counts in unit 7; set it to millimetres"):
        stage.prepare()


def test_home_is_waited_for() -> None:
    moving = [asked("1MD?", 0), asked("1MD?", 1), asked("1TP?", "-0.2000"), asked("1MD?", 1), asked("1TP?", "0.0005")]
    run(ESP301, [*HOMED[:5], *moving, FINE], lambda stage: stage.home(1))
    stage, wire = scripted(ESP301, [])
    with pytest.raises(LimitError, match="has no axis 2; it has 1"):
        stage.home(2)
    assert wire.finished()
    with pytest.raises(LimitError, match="axes = 4"):
        scripted(ESP301, [], axes=4)


@pytest.mark.parametrize(
    ("referencing", "act"),
    [
        (HOMED, lambda stage: stage.home(1)),
        (told("1DH"), lambda stage: stage.do("define_axis1_zero")),
        (told("1OR3"), lambda stage: stage.do("axis1_to_positive_limit")),
    ],
)
def test_a_motor_found_off_stays_off_and_its_axis_takes_no_position_before_it_has_a_zero(
    referencing: list[Exchange], act: Callable[[ESP301], None]
) -> None:
    moved = [*told("1PA5.000000"), asked("1PA?", "5.0000")]
    looks = [[asked("1MO?", on), FINE, asked("1MD?", 1)] for on in (0, 1)]
    stage, wire = scripted(ESP301, [*preparing(motor_on=0), *looks[0], *told("ST"), *referencing, *looks[1], *moved])
    stage.prepare()
    lost = "axis 1: its motor was found off, so its zero may be lost"
    status = stage.status()
    assert (status.ok, status.warnings) == (False, (f"home {lost}", "motor 1 is off"))
    stage.do("stop")
    with pytest.raises(Refused, match=f"takes no position before you home {lost}"):
        stage.write("axis1_set_position_mm", 5.0)
    act(stage)
    assert stage.status().ok
    stage.write("axis1_set_position_mm", 5.0)
    assert wire.finished()


def test_status_empties_the_error_queue() -> None:
    calm = run(ESP301, [asked("1MO?", 1), FINE, asked("1MD?", 1)], lambda stage: stage.status())
    assert (calm.state, calm.ok) == ("standing", True)
    script = [asked("1MO?", 0), LIMIT, LIMIT, FINE, asked("1MD?", 0)]
    status = run(ESP301, script, lambda stage: stage.status())
    assert (status.state, status.ok) == ("moving", False)
    assert status.warnings == ("motor 1 is off", *("axis-1 positive hardware limit detected",) * 2)


def test_stopping_and_making_safe() -> None:
    run(ESP301, told("ST"), lambda stage: stage.stop())
    script = [(b"\rST\r", b""), IDENTITY, asked("1MD?", 0), asked("1MD?", 1)]
    assert run(ESP301, script, lambda stage: stage.make_safe()).confirmed


def test_an_error_is_told_and_not_left_for_the_next_command() -> None:
    stage, wire = scripted(ESP301, [(b"1PA60.000000\r", b""), LIMIT, LIMIT, FINE])
    with pytest.raises(Refused, match="axis-1 positive hardware limit detected"):
        stage.write("axis1_set_position_mm", 60.0)
    assert wire.finished()


def test_a_hard_limit_message_may_precede_a_reply() -> None:
    script = [(b"1TP?\r", b"E36 HARDWARE LIMIT\r\n12.0000\r\n")]
    assert run(ESP301, script, lambda stage: stage.read("axis1_position_mm")) == 12.0
    stage, _ = scripted(ESP301, [(b"1TP?\r", b"E36 HARDWARE LIMIT\r\n")])
    with pytest.raises(GarbledReply, match="alone"):
        stage.read("axis1_position_mm")


def test_a_motor_that_does_not_switch_is_refused() -> None:
    stage, _ = scripted(ESP301, [*told("1MO"), asked("1MO?", 0)])
    with pytest.raises(Refused, match="axis1_motor_on reads back False"):
        stage.write("axis1_motor_on", True)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"12.0 13.0\r\n", GarbledReply),
        (b"2000.0\r\n", GarbledReply),
        (b"\xff2.0\r\n", GarbledReply),
        (b"\r\n", GarbledReply),
        (b"12.0\r", LinkTimeout),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    stage, _ = scripted(ESP301, [(b"1TP?\r", reply)])
    with pytest.raises(error):
        stage.read("axis1_position_mm")


@pytest.mark.parametrize("reply", [b"0\r\n", b"0, 1, NO, ERROR\r\n", b"x, 1, NO ERROR\r\n"])
def test_an_error_queue_that_answers_nonsense(reply: bytes) -> None:
    stage, _ = scripted(ESP301, [(b"SM\r", b""), (b"TB?\r", reply)])
    with pytest.raises(GarbledReply):
        stage.do("save")


def test_moving_is_one_digit() -> None:
    stage, _ = scripted(ESP301, [asked("1MD?", "2")])
    with pytest.raises(GarbledReply, match="not one of 0, 1"):
        stage.read("axis1_moving")


def test_after_silence_the_version_is_asked() -> None:
    stage, wire = scripted(ESP301, [(b"1SN?\r", [LATE, b"2\r\n"]), IDENTITY, asked("1SN?", 3)])
    with pytest.raises(LinkTimeout):
        stage.read("axis1_unit")
    assert stage.read("axis1_unit") == 3
    assert wire.finished()
