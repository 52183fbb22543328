"""What holds of interlocks whatever is read when, and however often they are asked."""

from hypothesis import given
from hypothesis import strategies as st

from daq.safety.alarms import AlarmError, Alarms
from daq.safety.interlocks import Interlocks, Verdict
from daq.safety.standing import Turn
from tests.daq.safety.interlock_cases import ACKNOWLEDGED, LOST, NOTHING, PHASES, QUANTITY, happen, interlock, interlocks, state

VALUES = st.sampled_from([20.0, 27.0, 29.0, 30.0, 31.0, 40.0, float("nan")])
JUMPING = st.floats(-1000.0, 1000.0, allow_nan=False)
"""A clock that is set forth and back."""
GAPS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0, 20.0])
WHAT = st.one_of(VALUES, st.sampled_from([NOTHING, LOST, *PHASES]))
TROUBLES = st.lists(st.tuples(GAPS, WHAT), max_size=30)


def following(steps: list[tuple[float, object]]) -> list[tuple[float, object]]:
    """Gaps between events as times."""
    at_s, found = 0.0, []
    for gap_s, what in steps:
        at_s += gap_s
        found.append((at_s, what))
    return found


@given(st.lists(st.tuples(JUMPING, JUMPING, st.one_of(VALUES, st.just(NOTHING))), max_size=40))
def test_a_trip_to_safe_is_never_missed(steps: list[tuple[float, float, object]]) -> None:
    """Readings come in any order, the clock is set at will, it is asked only now and then."""
    found = interlocks(above=30.0, action="safe")
    untold = False
    for read_s, asked_s, what in steps:
        if what != NOTHING:
            stood = state(found)
            found.feed(QUANTITY, what, read_s)  # type: ignore[arg-type]
            untold |= what > 30.0 and stood != "active"  # type: ignore[operator]
            continue
        assert ("it" in found.at(asked_s).safe) == untold
        untold = False
    assert ("it" in found.at(0.0).safe) == untold


@given(st.lists(st.tuples(st.sampled_from(["vacuum.mbar", "mcp.V"]), st.sampled_from([0.0, 1.0])), max_size=20))
def test_two_clauses_trip_in_whichever_order_they_come(steps: list[tuple[str, float]]) -> None:
    clause = {"quantity": "mcp.V", "above": 0.5}
    found = interlocks(quantity="vacuum.mbar", above=0.5, action="safe", **{"while": clause})
    newest: dict[str, float] = {}
    both = False
    for at_s, (quantity, value) in enumerate(steps):
        newest[quantity] = value
        before, both = both, len(newest) == 2 and min(newest.values()) == 1.0
        assert ("it" in happen(found, float(at_s), (quantity, value)).safe) == (both and not before)
        assert (state(found) == "active") == both


@given(st.lists(st.tuples(JUMPING, WHAT), max_size=20), JUMPING, st.lists(st.floats(0.0, 5.0), max_size=5))
def test_a_lasting_condition_acts_after_its_delay(before: list[tuple[float, object]], now_s: float, asked: list[float]) -> None:
    """Whatever the clock did before, and however often it is asked meanwhile."""
    found = interlocks(above=30.0, delay_s=5.0, action="safe")
    for at_s, what in before:
        happen(found, at_s, what)
    acted = "it" in happen(found, now_s, 31.0).safe or state(found) == "active"
    for passed_s in sorted(asked):
        acted |= "it" in found.at(now_s + passed_s).safe
    assert acted or "it" in found.at(now_s + 5.001).safe


@given(TROUBLES, st.lists(st.floats(0.0, 600.0), max_size=40), st.booleans())
def test_how_often_it_is_asked_changes_nothing(steps: list[tuple[float, object]], asked_s: list[float], latching: bool) -> None:
    keys: dict[str, object] = {"above": 30.0, "hysteresis": 2.0, "delay_s": 3.0, "action": "pause", "latching": latching}
    keys |= {} if latching else {"resume_after_s": 5.0, "resume_times": 2}

    def turns(questions: list[float]) -> list[object]:
        found = interlocks(**keys)
        told: list[Turn] = []
        events = [(at_s, 1, what) for at_s, what in following(steps)] + [(at_s, 0, NOTHING) for at_s in questions]
        for at_s, _, what in sorted(events, key=lambda event: event[:2]):
            if what == NOTHING:
                told += found.at(at_s).turns
            else:
                # `happen` would ask as well.
                found.enter(what, at_s) if what in PHASES else None  # type: ignore[arg-type]
                found.feed_status("cold_head", None, at_s) if what == LOST else None
                found.feed(QUANTITY, what, at_s) if isinstance(what, float) else None
        told += found.at(1000.0).turns
        return [(turn.state, turn.before, turn.at_s) for turn in told]

    assert turns(asked_s) == turns([])


@given(st.booleans(), st.lists(st.floats(28.0, 30.0, exclude_min=True), min_size=1))
def test_nothing_flaps_within_the_band(high: bool, values: list[float]) -> None:
    found = interlocks(above=30.0, hysteresis=2.0)
    happen(found, 0.0, 31.0 if high else 27.0)
    before = state(found)
    for at_s, value in enumerate(values, 1):
        assert not happen(found, float(at_s), value).turns
        assert state(found) == before


@given(st.lists(st.tuples(GAPS, st.one_of(VALUES, st.sampled_from([NOTHING, LOST, "run", "shots"]))), max_size=80))
def test_a_run_resumes_by_itself_so_often_at_most(steps: list[tuple[float, object]]) -> None:
    found = interlocks(above=30.0, action="pause", resume_after_s=2.0, resume_times=3)
    happen(found, 0.0, "run")
    resumed = 0
    for at_s, what in following(steps):
        turns = happen(found, at_s, what).turns
        resumed += sum(turn.before == "waiting" and turn.state != "active" for turn in turns)
    assert resumed <= 3


@given(TROUBLES)
def test_what_latches_is_released_by_an_acknowledgement_alone(steps: list[tuple[float, object]]) -> None:
    found = interlocks(above=30.0, action="safe", latching=True)
    tripped = False
    for at_s, what in following(steps):
        tripped |= "it" in happen(found, at_s, what).safe
        assert not tripped or state(found) in ("active", "latched")
    end_s = following(steps)[-1][0] if steps else 0.0
    happen(found, end_s + 1.0, 20.0)
    assert "it" in found.at(end_s + 2.0).holds or not tripped
    happen(found, end_s + 3.0, ACKNOWLEDGED)
    assert "it" not in found.at(end_s + 4.0).holds


@given(TROUBLES, st.lists(st.sampled_from(["shelve", "acknowledge the alarm", "wait"]), max_size=30))
def test_shelving_never_changes_what_happens(steps: list[tuple[float, object]], tampering: list[str]) -> None:
    def verdicts(alarms: Alarms | None) -> list[Verdict]:
        found = Interlocks(
            {
                "it": interlock(above=30.0, action="safe"),
                "pause": interlock(below=25.0, action="pause", resume_after_s=2.0),
                "latch": interlock(above=29.0, action="safe", latching=True),
            }
        )
        told = []
        for index, (at_s, what) in enumerate(following(steps)):
            told.append(happen(found, at_s, what))
            if alarms is None:
                continue
            alarms.follow(told[-1].turns)
            for alarm in alarms.all() if index < len(tampering) else ():
                try:
                    if tampering[index] == "shelve":
                        alarms.shelve(alarm.name, 10.0, "Ada", at_s)
                    elif tampering[index] == "acknowledge the alarm":
                        alarms.acknowledge(alarm.name, "Ada", at_s)
                except AlarmError:
                    pass
            alarms.at(at_s)
        return told

    assert verdicts(Alarms(lambda entry: None, 3600.0)) == verdicts(None)
