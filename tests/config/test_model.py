"""A user's mistake in a TOML file is named in one sentence, with the nearest key that exists."""

from pathlib import Path

import pytest

from config.calibration import Calibrations, FieldCalibration, PositionCalibration
from config.errors import ConfigurationError
from config.laboratory import SHIPPED, Laboratory, read_laboratory
from config.model import check_model, read_model, read_toml

SIMULATED = SHIPPED / "laboratories" / "simulated.toml"


def test_shipped_laboratory_is_valid() -> None:
    laboratory, calibrations = read_laboratory()
    assert {one.role for one in laboratory.instruments.values()} >= {"magnet supply", "digitizer", "cold head"}
    assert calibrations.deflection.field_T == laboratory.magnet.highest_field_T


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("[clock]\nspeed", "[clock]\nsped", "unknown key 'clock.sped', did you mean 'speed'?"),
        ("highest_field_T = 2.4", 'highest_field_T = "2.4 T"', "magnet.highest_field_T = '2.4 T'"),
        ("speed = 20.0", "speed = -1.0", "greater than 0"),
        ('role = "field probe"', 'role = "field prob"', "instruments.hall_probe.role"),
        ('role = "field probe"', 'role = "digitizer"', "more than one instrument has the role digitizer"),
        ('"srs_dg645"', '"srs_dg645"\npolicy = { on_fault = "skip" }', "without delay_generator there are no shots"),
        ("poll_s", "poll_s", None),
    ],
)
def test_each_mistake_has_its_sentence(tmp_path: Path, written: str, instead: str, said: str | None) -> None:
    text = SIMULATED.read_text()
    path = tmp_path / "laboratory.toml"
    path.write_text(text.replace(written, instead))
    if said is None:
        assert read_model(path, Laboratory).name == "simulated"
        return
    assert written in text
    with pytest.raises(ConfigurationError) as error:
        read_model(path, Laboratory)
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_all_faults_are_named_together() -> None:
    table = read_toml(SIMULATED)
    del table["mcp"]
    table["clok"] = {}
    with pytest.raises(ConfigurationError, match=r"2 faults:\n.*'mcp' is missing\n.*unknown key 'clok', did you mean 'clock'"):
        check_model(table, Laboratory, "here")


@pytest.mark.parametrize(("content", "said"), [(None, "cannot read"), (b"a = ", "not valid TOML"), (b"\xff\xfe", "not a text")])
def test_files_that_are_no_toml(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said):
        read_model(path, Calibrations)


def test_calibrations_lie_beside_the_laboratory_or_ship_with_the_program(tmp_path: Path) -> None:
    own = (SHIPPED / "calibrations" / "simulated-1.toml").read_text().replace('version = "1"', 'version = "mine"')
    (tmp_path / "laboratory.toml").write_text(SIMULATED.read_text())
    assert read_laboratory(tmp_path / "laboratory.toml")[1].version == "1"
    (tmp_path / "simulated-1.toml").write_text(own)
    assert read_laboratory(tmp_path / "laboratory.toml")[1].version == "mine"


def test_a_field_curve_must_rise() -> None:
    table = {
        "current_A": [0.0, 10.0, 5.0],
        "field_T": [0.0, 1.0, 2.0],
        "remanence_T": {"value": 0.01, "uncertainty": 0.001},
        "relative_uncertainty": 0.01,
    }
    with pytest.raises(ConfigurationError, match="rising lists"):
        check_model(table, FieldCalibration, "field")


@pytest.mark.parametrize("value", [-19.2e-6, 0.0])
def test_position_is_told_from_ions_that_arrive_later_towards_the_strong_field(value: float) -> None:
    table = {"reference_mass_u": 1858.0, "sensitivity_s_per_m": {"value": value, "uncertainty": 0.1e-6}}
    with pytest.raises(ConfigurationError, match=r"sensitivity_s_per_m.*must be above 0"):
        check_model(table, PositionCalibration, "position")
