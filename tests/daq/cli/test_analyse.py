"""`clusterbeam analyse` and `replay` of runs with several points, as a user meets them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from daq.cli.program import program
from tests.daq.analysis.scan import VELOCITY_m_s, scanned_run

CONDITIONS = [{"source_temperature_K": T, "velocity_m_s": velocity} for T, velocity in VELOCITY_m_s.items()]
WORDS = [f"source_temperature_K = {T:g}, velocity_m_s = {velocity:g}" for T, velocity in VELOCITY_m_s.items()]


def told(*arguments: object) -> Result:
    result = CliRunner().invoke(program, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its second point cannot be analysed."""
    return scanned_run(tmp_path_factory.mktemp("runs") / "run.h5", too_warm=(1,))


@pytest.mark.parametrize("command", [["analyse"], ["replay", "--as-fast-as-possible"]], ids=["analyse", "replay"])
def test_points_are_told_apart_and_stand_for_themselves(run: Path, command: list[str]) -> None:
    tables = told(*command, run).stdout.split("run.h5, ")[1:]
    assert [table.splitlines()[0].strip() for table in tables] == WORDS
    assert "atomic-like" in tables[0]
    assert "atomic-like" not in tables[1]
    assert tables[1].count("differ in source temperature") == 1, "said once for all clusters"
    assert "V10, V11, V12: " in tables[1]
    document = json.loads(told(*command, run, "--json").stdout)
    assert [point["conditions"] for point in document["points"]] == CONDITIONS
    assert [point["clusters"][1]["behaviour"] for point in document["points"]] == ["atomic-like", "undecided"]
