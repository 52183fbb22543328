"""The simulated ESP301 behaves as its protocol sheet says."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.newport_esp301 import ESP301
from tests.simulators.instruments.talk import talk


def ask(unit: ESP301, text: str, now: float = 0.0) -> list[str]:
    """Replies to lines that a bar separates; numbers of the errors behind them."""
    return talk(unit, b"".join(line.encode() + b"\r" for line in text.split("|")), now).decode("latin-1").split("\r\n")[:-1]


@pytest.fixture
def homed() -> ESP301:
    unit = ESP301()
    assert ask(unit, "1MO|2MO|1OR1|2OR1|1VA10|2VA10") == []
    assert ask(unit, "0MD?", now=50.0) == ["1"]
    return unit


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("VE?", "ESP301 Version 1.1.1 16/01/14"),
        ("TB?", "0, 125000, NO ERROR DETECTED"),
        ("FOO|TE?|TE?", "6|0"),
        ("1 ID?|2ID?|3id?", "ILS100CCL, SNB171743|ILS100CCL, SNB171744|Unknown"),
        ("1MO?|1MF|1MO?|1MF?|1MO|1MO?|0MO?", "1|0|1|1|1, 1, 0"),
        ("1PA?|1PA5|1PA?|1DP?|01DP", "0.0000|5.0000|5.0000|5.0000"),
        ("1PR5|1DP?|TE?", "5.0000|0"),
        ("1TP|1TP?|0TP", "0.0000|0.0000|0.0000, 0.0000, 0.000"),
        ("1TV|0TV?", "0.0000|0.0000, 0.0000, 0.000"),
        ("1MD?|0MD?|3MD", "1|1|1"),
        ("1ST|ST|TE?", "0"),
        ("1AB|1MO?|2MO?|AB|2MO?", "0|1|0"),
        ("1OR4|1PA1|TB?", "130, 125000, AXIS-1 COMMAND NOT ALLOWED DURING HOMING"),
        ("1DH5|1TP|1DH|1TP", "5.0000|0.0000"),
        ("1SL-20.5|1SL?|1SR30|1SR?", "-20.5000|30.0000"),
        ("1VA20|1VA?|1VU?|1VU50|1VU?|1VA60|TE?", "20.0000|100.0000|50.0000|110"),
        ("1AC100|1AC?|1AG200|1AG?|1AU300|1AU?|1AE399|1AE?", "100.0000|200.0000|300.0000|399.0000"),
        ("1AC401|TE?|1AG401|TE?|1AU401|TE?|1AE401|TE?", "111|111|111|111"),
        ("1JK100|1JK?|1JK-1|TE?", "100.0000|101"),
        ("1SN?|1SN3|1SN?|1VA?|1SN7|TE?", "2|3|10000.0|101"),
        ("1MV?|1MT?", "1|1"),
        ("TS|TX", "P|@"),
        ("PH", "0H, 303H"),
        ("1ZB?|1ZH?", "100H|24H"),
        ("1FR?|1QS?|1SU?|1FR5|TE?", "0.0005|1|0.0005|27"),
        ("SM|RS|1MO?|1TP", "0|0.0000"),
        ("1WT|TE?|1WT90000|TE?|1WS-1|TE?|WP3|TE?", "38|7|7|37"),
    ],
)
def test_commands(homed: ESP301, sent: str, expected: str) -> None:
    assert ask(homed, sent, now=50.0) == expected.split("|")


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ("XX", 6),
        ("1", 6),
        ("MO", 37),
        ("TP", 37),
        ("4ID?", 9),
        ("0PA1", 9),
        ("1PA", 38),
        ("1PAx", 7),
        ("1VA", 38),
        ("1VA-1", 101),
        ("1SL60", 101),
        ("1SN", 38),
        ("1OR7", 101),
        ("1MV", 38),
        ("1MT*", 7),
        ("3MO", 308),
        ("3PA1", 308),
        ("1TP5", 27),
        ("1PA50.1", 106),
        ("2PR-51", 207),
        ("1MF;1PA3", 113),
        ("1VA" + "0" * 80, 6),
    ],
)
def test_refusals_are_silent_and_queued(homed: ESP301, sent: str, error: int) -> None:
    assert ask(homed, sent, now=50.0) == []
    assert ask(homed, "TE?|TE?", now=50.0) == [str(error), "0"]


def test_the_session_of_the_sheet() -> None:
    unit = ESP301()
    assert ask(unit, "1VA10.000000|1SL-50.000000|1SR50.000000|1MO|1OR1|1MD?|1TP") == ["1", "0.0000"]
    assert ask(unit, "1MD?|0MD?|TS", now=0.01) == ["0", "0", "Q"]
    assert ask(unit, "1MD?", now=3.0) == ["0"]
    assert ask(unit, "1MD?|1TP|TB?", now=4.2) == ["1", "0.0000", "0, 10500, NO ERROR DETECTED"]
    assert unit.position_mm(1, 4.2) == 0.0


@pytest.mark.parametrize(("distance_mm", "seconds"), [(10, 1.25), (39, 4.15), (32, 3.45), (1, 0.3155)])
def test_moves_take_as_long_as_measured(homed: ESP301, distance_mm: float, seconds: float) -> None:
    ask(homed, f"2PA{distance_mm}.000000", now=60.0)
    assert ask(homed, "2MD?", now=60.001 + seconds) == ["0"]
    assert ask(homed, "2MD?", now=60.004 + seconds) == ["1"]
    assert homed.position_mm(2, 70.0) == pytest.approx(distance_mm, abs=0.0021)
    place = float(ask(homed, "2TP", now=70.0)[0])
    assert place == pytest.approx(homed.position_mm(2, 70.0), abs=0.00026)
    assert ask(homed, f"2PA{distance_mm}|2MD?", now=71.0) == ["1"]


def test_a_move_runs_at_its_velocity_and_brakes_on_stop(homed: ESP301) -> None:
    ask(homed, "1PA40", now=60.0)
    assert ask(homed, "1TV", now=62.0) == ["10.0000"]
    assert homed.position_mm(1, 62.002) == pytest.approx(18.75)
    ask(homed, "ST", now=62.002)
    assert ask(homed, "1MD?", now=62.2) == ["0"]
    assert homed.position_mm(1, 63.0) == pytest.approx(20.0)
    assert ask(homed, "1MD?|1DP?|1PR1", now=63.0) == ["1", "20.0000"]


def test_a_new_target_while_moving(homed: ESP301) -> None:
    ask(homed, "1PA40", now=60.0)
    ask(homed, "1PA-5", now=61.0)
    places = [homed.position_mm(1, 61.0 + step / 100) for step in range(1000)]
    assert max(abs(after - before) for before, after in pairwise(places)) < 0.101
    assert places[-1] == pytest.approx(-5.0, abs=0.0021)


def test_waits_hold_back_what_follows(homed: ESP301) -> None:
    assert ask(homed, "1PA5;1WS;1WT.5;1TP?", now=60.0) == []
    assert ask(homed, "2PA3", now=60.1) == []
    assert homed.state(60.5)["held_back"] == 3
    assert homed.speak(60.752) == b""
    reply = homed.speak(60.7526 + 0.0005)
    assert float(reply) == pytest.approx(5.0, abs=0.0021)
    assert reply.endswith(b"\r\n")
    assert homed.speak(61.0) == b""
    assert homed.position_mm(2, 65.0) == pytest.approx(3.0, abs=0.0021)


def test_waits_for_a_position_and_for_a_time(homed: ESP301) -> None:
    assert ask(homed, "1PA20;1WP10;1TV;WT500;TE?", now=60.0) == []
    assert homed.speak(61.12) == b""
    assert homed.speak(61.2) == b"10.0000\r\n"
    assert ask(homed, "1DP", now=61.7) == ["0", "20.0000"]
    assert ask(homed, "WS100;1DP", now=61.8) == []
    assert homed.speak(62.4) == b"20.0000\r\n"


def test_endless_moves_end_at_the_limits(homed: ESP301) -> None:
    ask(homed, "1MV+|2MT-", now=60.0)
    assert ask(homed, "1MV?|2MT?", now=61.0) == ["0", "0"]
    assert ask(homed, "1TP|1MV?|PH", now=70.0) == ["50.0000", "1", "200H, 0H"]
    assert homed.position_mm(2, 70.0) == -51.0
    assert ask(homed, "TE?|TE?|2MT-|TE?|2MV+|TE?", now=70.0) == ["106", "0", "205", "0"]


def test_an_unhomed_stage_runs_into_its_switch() -> None:
    unit = ESP301()
    ask(unit, "1MO|1PA-40", now=10.0)
    assert ask(unit, "1MD?|TB?", now=20.0) == ["1", "105, 30310, AXIS-1 NEGATIVE HARDWARE LIMIT DETECTED"]
    assert unit.position_mm(1, 20.0) == -51.0
    assert ask(unit, "1PR-1|TE?|1PR1|TE?", now=20.0) == ["105", "0"]


def test_homing_may_be_aborted(homed: ESP301) -> None:
    ask(homed, "1OR3", now=60.0)
    assert ask(homed, "1ST|TE?", now=61.0) == ["120"]
    ask(homed, "1OR3", now=62.0)
    assert ask(homed, "1TP|PH", now=70.0) == ["0.0000", "1H, 202H"]
    ask(homed, "1OR", now=70.0)
    assert homed.position_mm(1, 80.0) == 51.0


def test_the_error_queue_holds_ten_with_their_times(homed: ESP301) -> None:
    ask(homed, "|".join(["4TP"] * 12), now=60.0)
    assert ask(homed, "TB?", now=61.0) == ["9, 150000, AXIS NUMBER OUT OF RANGE"]
    assert ask(homed, "|".join(["TE?"] * 10), now=61.0) == ["9"] * 9 + ["0"]
    assert ask(homed, "TB?", now=900_000.0)[0] == "0, -2044967296, NO ERROR DETECTED"


def test_a_hardware_limit_stays_until_it_opens(homed: ESP301) -> None:
    ask(homed, "1PA30", now=60.0)
    homed.fault("hardware_limit", 61.0, axis=1)
    place = homed.position_mm(1, 62.0)
    assert ask(homed, "TE?|PH|1PR5|TE?", now=62.0) == ["104", "1H, 202H", "104"]
    homed.fault("hardware_limit", 63.0, axis=1, present=False)
    ask(homed, "1PR5", now=63.0)
    assert homed.position_mm(1, 70.0) == pytest.approx(place + 5, abs=0.004)
    homed.fault("hardware_limit", 71.0, axis=2, side="negative")
    assert ask(homed, "TE?|PH", now=71.0) == ["205", "200H, 202H"]


def test_a_stall_ends_in_a_following_error(homed: ESP301) -> None:
    ask(homed, "1PA30", now=60.0)
    homed.fault("stall", 61.0, axis=1)
    assert ask(homed, "1MD?|1MO?|TE?|1MO;1PR1;1MO?|TE?", now=61.0) == ["1", "0", "103", "0", "103"]
    homed.fault("stall", 62.0, axis=1, cleared=True)
    assert ask(homed, "1MO;1PR1;1MO?", now=62.0) == ["1"]


def test_emergency_stop_and_motor_switch(homed: ESP301) -> None:
    ask(homed, "1PA30|2PA30", now=60.0)
    homed.fault("motor_off", 61.0, axis=2)
    assert ask(homed, "1MO?|2MO?|TE?", now=61.0) == ["1", "0", "0"]
    homed.fault("emergency_stop", 61.5)
    assert ask(homed, "TB?|PH|1MO|TE?|1MO?|TS", now=62.0) == [
        "4, 153750, EMERGENCY STOP ACTIVATED", "10000000H, 0H", "4", "0", "@",
    ]  # fmt: skip
    homed.fault("emergency_stop", 63.0, present=False)
    assert ask(homed, "1MO|1MO?", now=63.0) == ["1"]


def test_a_power_cycle_loses_the_home(homed: ESP301) -> None:
    ask(homed, "1PA30|1VA7|SM|1VA8", now=60.0)
    homed.power_up(70.0)
    assert ask(homed, "1TP|1MO?|1VA?|TB?", now=70.0) == ["0.0000", "0", "7.0000", "0, 0, NO ERROR DETECTED"]
    assert homed.position_mm(1, 70.0) == pytest.approx(30.0, abs=0.0021)
    homed.fault("wrong_identity", 71.0)
    assert ask(homed, "VE?", now=71.0)[0].startswith("ESP300")
    with pytest.raises(ValueError, match="stall"):
        homed.fault("fire", 71.0)


def test_lines_end_with_a_carriage_return(homed: ESP301) -> None:
    received = bytearray(b"1MO?\r\n2MO?\r1M")
    assert [homed.answer(message, 50.0) for message in homed.split(received)] == [b"1\r\n", b"1\r\n"]
    assert received == b"1M"


WORDS = [b"1PA3", b"1OR1", b"1WS", b"1WP2", b"1MV+", b"2MT-", b"1ST", b"1SN4", b"1DH", b";", b"\r", b"1AB", b"1AC", b"1TP?"]


@given(data=st.lists(st.tuples(st.one_of(st.binary(max_size=20), st.sampled_from(WORDS)), st.floats(0, 5))))
def test_no_bytes_are_too_strange(data: list[tuple[bytes, float]]) -> None:
    unit, now, received = ESP301(), 0.0, bytearray(b"1MO;2MO\r")
    for piece, later in data:
        received += piece
        now += later
        for message in unit.split(received):
            unit.answer(message, now)
        unit.state(now)
