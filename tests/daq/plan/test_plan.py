"""Plans: what is read, what is refused, and that they are written back as they are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigurationError
from config.laboratory import SHIPPED, read_laboratory
from config.model import check_model, read_toml
from daq.plan.checking import plan_faults, read_checked_plan
from daq.plan.plan import Interleave, Plan, Range, field_order, read_plan, write_plan

VANADIUM = SHIPPED / "plans" / "vanadium-25K.toml"
LABORATORY, CALIBRATIONS = read_laboratory()
EVERY_INSTRUMENT, _ = read_laboratory(SHIPPED / "every-instrument.toml")
POSITION = "stage.axis1_position_mm"
SEVEN_FAULTS = """
title = "seven faults"
element = "V"
sizes = [2, 33]
colour = "blue"                    # 1 no such key

[conditions]
source_temperature_K = "25 C"      # 2 no number
helium_pressure_bar = 12.0         # 3 above what this controller reaches
velocity_m_s = 432.0

[[scan]]
values = { "stage.axis1_position_mm" = [1.0, 2.0] }   # 4 this laboratory has no stage

[interleave]
field_T = [0.0, 2.6]               # 5 above the magnet
shots_per_group = 10

[settle.velocity_m_s]              # 6 nothing to wait for
within = 1.0
at_most_s = 2.0

[acquisition]
rate_Hz = 23.0                     # 7 no whole fraction of the chopper's rate
duration_us = 90.0
"""


def changed(**sections: object) -> Plan:
    """The vanadium plan with sections exchanged."""
    return check_model(read_toml(VANADIUM) | sections, Plan, "plan")


def interleave(**keys: object) -> dict[str, object]:
    return {"shots_per_group": 10, **keys}


def test_a_shipped_plan_is_found_by_its_name() -> None:
    assert read_plan(Path("vanadium-25K")) == read_plan(VANADIUM)


@pytest.mark.parametrize("path", sorted((SHIPPED / "plans").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_plan_can_be_done_and_is_written_back_as_it_is(path: Path, tmp_path: Path) -> None:
    plan = read_plan(path)
    assert plan_faults(plan, EVERY_INSTRUMENT, CALIBRATIONS) == []
    write_plan(tmp_path / "again.toml", plan)
    assert read_plan(tmp_path / "again.toml") == plan


@given(first=st.floats(-1e3, 1e3), length=st.floats(1e-3, 1e3), count=st.integers(2, 1000))
def test_a_range_has_both_its_ends(first: float, length: float, count: int) -> None:
    values = Range(first=first, last=first + length, count=count)
    assert len(values) == count
    assert values[0] == pytest.approx(first)
    assert values[count - 1] == pytest.approx(first + length)


def test_a_range_by_its_step() -> None:
    values = Range(first=-1.0, last=1.0, step=0.5)
    assert [values[place] for place in range(len(values))] == [-1.0, -0.5, 0.0, 0.5, 1.0]


@given(fields=st.lists(st.floats(0, 2.4), min_size=1, max_size=5), cycles=st.integers(1, 4))
def test_a_linear_drift_cancels_in_abba(fields: list[float], cycles: int) -> None:
    order = field_order(Interleave(field_T=fields, order="ABBA", shots_per_group=1, cycles=cycles))
    if len(fields) > 1:
        assert order == order[::-1]


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"sizes": [5, 3]}, "the first size must not be larger than the last"),
        ({"element": "Fe"}, "element = 'Fe'"),
        ({"titel": "x"}, "unknown key 'titel', did you mean 'title'"),
        ({"scan": [{"values": {}}]}, "at least 1 item"),
        ({"scan": [{"values": {"velocity_m_s": [400.0, 500.0], "source_temperature_K": [20.0]}}]}, "velocity_m_s has 2"),
        ({"scan": [{"values": {"field_T": [1.0]}}]}, r"field_T is set in \[\[scan\]\] and \[interleave\]"),
        ({"scan": [{"values": {"velocity_m_s": {"first": 1, "last": 2}}}]}, "either a count or a step"),
        ({"scan": [{"values": {"velocity_m_s": {"first": 1, "last": 2, "step": 0.3}}}]}, "in whole steps"),
        ({"scan": [{"values": {"velocity_m_s": [1.0]}, "shuffle_seed": 1, "back_and_forth": True}]}, "either shuffled"),
        ({"set": {"velocity_m_s": 1.0}, "scan": [{"values": {"velocity_m_s": [1.0]}}]}, r"set in \[set\] and \[\[scan\]\]"),
        ({"stop": {"standard_error_uB": 0.1}}, "name the sizes whose error is wanted"),
        ({"stop": {"standard_error_uB": 0.1, "clusters": [40]}}, "lie outside sizes"),
        ({"stop": {"standard_error_uB": 0.1, "clusters": [11]}, "interleave": interleave()}, "needs two fields"),
        ({"background": {"kinds": ["beam off"], "shots": 5}}, "background.kinds.0 = 'beam off'"),
    ],
)
def test_mistakes_are_refused(sections: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        changed(**sections)


def test_a_value_with_a_unit_is_not_a_number() -> None:
    table = read_toml(VANADIUM)
    table["conditions"] = table["conditions"] | {"source_temperature_K": "25 C"}
    with pytest.raises(ConfigurationError, match=r"conditions\.source_temperature_K = '25 C'"):
        check_model(table, Plan, "plan")


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"interleave": interleave(field_T=[0.0, 2.5])}, "2.5 T is above the 2.4 T"),
        ({"set": {"ionisation_laser.preset_energy_mJ": 1000}}, "ionisation_laser.preset_energy_mJ = 1000 mJ is outside 50 to"),
        ({"set": {"ionisation_laser.energy": 100.0}}, "did you mean 'ionisation_laser"),
        ({"set": {"cold_head.set_temperature_K": 30.0}}, "is what a plan calls source_temperature_K"),
        ({"set": {"sourcetemperature_K": 30.0}}, "did you mean 'source_temperature_K'"),
        ({"set": {POSITION: 3.0}}, r'give \[settle."stage.axis1_position_mm"\]'),
        ({"set": {"hall_probe.field_T": 3.0}}, "hall_probe.field_T can only be read"),
        ({"settle": {"field": {"within": 1.0, "at_most_s": 1.0}}}, "did you mean 'field_T'"),
        ({"acquisition": {"duration_us": 1e5}}, "acquisition.duration_us"),
        (
            {"acquisition": {"duration_us": 9.0}},
            r"duration_us = 9 ends before all of V33 .* after 76.7 us; the largest .* is none",
        ),
        ({"acquisition": {"duration_us": 50.0}}, r"the largest size that fits is V13: record longer, or ask for smaller sizes"),
        ({"sizes": [2, 2000]}, r"before all of V2000 has arrived, after 59\d\.\d us; the largest size that fits is V4\d"),
        ({"set": {"lamp_to_ablation_s": 2e-3}}, "flash_lamp"),
    ],
)
def test_what_a_laboratory_cannot_do_is_refused(sections: dict[str, object], said: str) -> None:
    faults = plan_faults(changed(**sections), EVERY_INSTRUMENT, CALIBRATIONS)
    with pytest.raises(ConfigurationError, match=said):
        raise ConfigurationError.of("plan", faults)


def test_all_faults_of_a_plan_come_in_one_message(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(SEVEN_FAULTS)
    with pytest.raises(ConfigurationError) as refused:
        read_checked_plan(path, LABORATORY, CALIBRATIONS)
    assert f"{path} has 7 faults" in str(refused.value)
    for part in (
        "unknown key 'colour'",
        "conditions.source_temperature_K = '25 C'",
        "helium_pressure_bar = 12 bar is outside 0 to 10 bar",
        "there is no quantity 'stage.axis1_position_mm'",
        "2.6 T is above the 2.4 T",
        "settle names 'velocity_m_s'",
        "23 Hz",
    ):
        assert any(part in fault for fault in refused.value.faults), part
