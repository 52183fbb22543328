"""`clusterbeam analyse` and `replay` of runs with several points, as a user meets them."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from config.errors import ConfigurationError
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


def test_points_of_several_runs_are_one_table_of_columns(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "run.h5"
    other.write_bytes(run.read_bytes())
    rows = list(csv.DictReader(io.StringIO(told("analyse", run, other, "--csv").stdout)))
    where = [(row["run_file"], row["point"], row["source_temperature_K"], row["size"]) for row in rows]
    assert where == [
        (str(path), str(point), str(source_K), str(size))
        for path in (run, other)
        for point, source_K in enumerate(VELOCITY_m_s)
        for size in (10, 11, 12)
    ]
    assert float(rows[1]["interval_68_low_uB"]) < float(rows[1]["moment_uB"]) < float(rows[1]["interval_68_high_uB"])


def test_figures_of_one_name_and_two_formats_at_once_are_refused(run: Path, tmp_path: Path) -> None:
    other, figure = tmp_path / "run.h5", tmp_path / "f.png"
    refused = CliRunner().invoke(program, ["analyse", str(run), str(other), "--figure", str(figure)])
    assert isinstance(refused.exception, ConfigurationError)
    assert f"the figures of {run} and {other} would have the same name" in str(refused.exception)
    for command in ("analyse", "spectrum"):
        both = CliRunner().invoke(program, [command, str(run), "--json", "--csv"])
        assert both.exit_code == 2
        assert "give --json or --csv, not both" in both.output
    told("analyse", run, "--csv", "--figure", figure)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["f-run-0.png", "f-run-1.png"]
