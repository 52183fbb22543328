"""The parts are plans that the laboratory can do, full and quick."""

from pathlib import Path

import pytest

from config.laboratory import read_laboratory
from daq.plan.checking import check_plan
from daq.plan.plan import read_plan
from daq.reproduce.parts import CALIBRATIONS, MEASUREMENTS, PARTS, Part


@pytest.mark.parametrize("part", MEASUREMENTS, ids=lambda part: part.name)
def test_a_measurement_can_be_done_and_a_quick_one_is_short(part: Part, tmp_path: Path) -> None:
    full, quick = (part.write_plan(tmp_path / f"{way}.toml", quick=way) for way in (False, True))
    assert read_plan(tmp_path / "True.toml") == quick
    assert quick.shots * 4 < full.shots
    assert full.element == part.setup.rod
    laboratory, calibrations = read_laboratory()
    check_plan(full, laboratory, calibrations)
    assert full.interleave.field_T == [0.0, 2.4]


def test_each_calibration_is_made_once_before_anything_is_measured() -> None:
    assert [part.makes for part in CALIBRATIONS] == ["mass", "field", "position", "chopper", "gradient"]
    assert all(part.makes is None for part in MEASUREMENTS)
    assert len({part.name for part in PARTS}) == len(PARTS)


def test_changes_go_into_the_tables_of_the_plan(tmp_path: Path) -> None:
    by_name = {part.name: part for part in PARTS}
    warm = by_name["vanadium-60K"].write_plan(tmp_path / "warm.toml", quick=False)
    assert (warm.conditions.source_temperature_K, warm.conditions.velocity_m_s) == (60.0, 577.0)
    assert warm.conditions.helium_pressure_bar == 6.0
    assert warm.title == "Vanadium at 60 K, 6 bar"
    both = [by_name[name].write_plan(tmp_path / "2bar.toml", quick=False) for name in by_name if "2bar" in name]
    assert [plan.conditions.helium_pressure_bar for plan in both] == [2.0, 2.0]
