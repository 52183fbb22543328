"""Plans: what is read, what is refused, what they expand to."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigurationError
from config.laboratory import SHIPPED, read_laboratory
from config.model import check_model, read_toml
from daq.plan.expansion import steps
from daq.plan.plan import Interleave, Plan, check_against, field_order, read_plan

VANADIUM = SHIPPED / "plans" / "vanadium-25K.toml"


def changed(**interleave: object) -> Plan:
    table = read_toml(VANADIUM)
    table["interleave"] = table["interleave"] | interleave
    return check_model(table, Plan, "plan")


def test_the_shipped_plan_is_found_by_its_name() -> None:
    assert read_plan(Path("vanadium-25K")) == read_plan(VANADIUM)


@pytest.mark.parametrize(
    ("interleave", "fields"),
    [
        ({"order": "ABBA", "cycles": 1}, [0.0, 2.4, 2.4, 0.0]),
        ({"order": "ABBA", "cycles": 2}, [0.0, 2.4, 2.4, 0.0, 0.0, 2.4, 2.4, 0.0]),
        ({"order": "ABAB", "cycles": 1}, [0.0, 2.4, 0.0, 2.4]),
        ({"field_T": [2.4], "cycles": 3}, [2.4, 2.4, 2.4]),
        ({"field_T": [0.0, 1.0, 2.0], "cycles": 1}, [0.0, 1.0, 2.0, 2.0, 1.0, 0.0]),
    ],
)
def test_expansion(interleave: dict[str, object], fields: list[float]) -> None:
    plan = changed(**interleave)
    expanded = list(steps(plan))
    assert [step.field_T for step in expanded] == fields
    assert [step.index for step in expanded] == list(range(len(fields)))
    assert sum(step.shots for step in expanded) == plan.shots


@given(shots=st.integers(1, 5000), burst=st.integers(1, 600))
def test_bursts_make_up_the_step(shots: int, burst: int) -> None:
    step = next(iter(steps(changed(shots_per_group=shots))))
    bursts = list(step.bursts(burst))
    assert sum(bursts) == shots
    assert all(0 < size <= burst for size in bursts)
    assert all(size == burst for size in bursts[:-1])


@given(fields=st.lists(st.floats(0, 2.4), min_size=1, max_size=5), cycles=st.integers(1, 4))
def test_a_linear_drift_cancels_in_abba(fields: list[float], cycles: int) -> None:
    order = field_order(Interleave(field_T=fields, order="ABBA", shots_per_group=1, cycles=cycles))
    if len(fields) > 1:
        assert order == order[::-1]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("sizes", [5, 3], "the first size must not be larger than the last"),
        ("element", "Fe", "element = 'Fe'"),
        ("titel", "x", "unknown key 'titel', did you mean 'title'"),
    ],
)
def test_mistakes_are_refused(key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        check_model(read_toml(VANADIUM) | {key: value}, Plan, "plan")


def test_a_value_with_a_unit_is_not_a_number() -> None:
    table = read_toml(VANADIUM)
    table["conditions"] = table["conditions"] | {"source_temperature_K": "25 C"}
    with pytest.raises(ConfigurationError, match=r"conditions\.source_temperature_K = '25 C'"):
        check_model(table, Plan, "plan")


def test_a_field_above_what_the_magnet_allows_is_refused() -> None:
    laboratory, _ = read_laboratory()
    with pytest.raises(ConfigurationError, match=r"2\.5 T is above the 2\.4 T"):
        check_against(changed(field_T=[0.0, 2.5]), laboratory)
