"""`clusterbeam reproduce` from end to end, with two of its parts."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.daq.cli.conftest import command


def reproduce(directory: Path, *options: str, status: int = 0) -> tuple[str, str]:
    """What it says on stdout and stderr."""
    arguments = command("reproduce", directory, "--quick", *options)
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=150, check=False)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout, result.stderr


@pytest.mark.timeout(180)
def test_a_calibration_and_a_measurement_become_a_page(tmp_path: Path) -> None:
    chosen = ("--only", "mass", "--only", "niobium-25K", "--seed", "4")
    said, progress = reproduce(tmp_path / "paper", *chosen)
    assert "Niobium at 25 K, 6 bar: 600 shots" in progress
    page = Path(said.strip())
    assert page == tmp_path / "paper" / "index.html"
    assert page.read_text().count("data:image/svg+xml") == 1
    document = json.loads((page.parent / "results" / "results.json").read_text())
    niobium = {one["size"]: one for one in document["measurements"]["niobium-25K"]["clusters"]}
    assert niobium[11]["behaviour"] == "atomic-like"
    (mass,) = document["against_the_truth"]["calibrations"]
    assert abs(mass["found"] - mass["truth"]) < 0.2
    assert document["against_the_truth"]["wrong"] == []
    runs = sorted(page.parent.glob("runs/*/*.h5"))
    _, progress = reproduce(page.parent, *chosen)
    assert progress.count("is there") == 2
    assert sorted(page.parent.glob("runs/*/*.h5")) == runs, "nothing was taken again"
    _, said = reproduce(page.parent, "--seed", "5", status=2)
    assert "was begun with another seed or truth" in said


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    _, said = reproduce(tmp_path / "paper", "--only", "iron", status=2)
    assert "there is no part 'iron'; there are mass, field" in said
    assert not (tmp_path / "paper").exists()


def test_a_truth_that_cannot_be_is_refused(tmp_path: Path) -> None:
    truth = tmp_path / "truth.toml"
    truth.write_text("[machine]\nC_T_m = -1.0\n")
    _, said = reproduce(tmp_path / "paper", "--truth", str(truth), status=2)
    assert "C_T_m" in said
    assert not (tmp_path / "paper").exists()
