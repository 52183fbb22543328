"""The demonstration, judged by the truth that its simulated beam carries."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TRUTH = tomllib.loads((ROOT / "simulators" / "world" / "truth.toml").read_text())
ATOMIC, SUPERPARAMAGNETIC, NOTHING = "atomic-like", "superparamagnetic", "non-magnetic"
OTHER_TRUTH: dict[int, tuple[str, float]] = {
    4: (ATOMIC, 0.5),
    5: (NOTHING, 0.0),
    6: (SUPERPARAMAGNETIC, 3.0),
    9: (SUPERPARAMAGNETIC, 6.0),
    11: (NOTHING, 0.0),
    12: (ATOMIC, 1.5),
    13: (ATOMIC, 2.0),
    15: (NOTHING, 0.0),
}


def demo(directory: Path, *options: str) -> dict[str, Any]:
    """Run the demonstration; the document it prints last."""
    arguments = [sys.executable, "-P", "-m", "daq.cli", "demo", "--json", "--output", str(directory), *options]
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=170, check=False)
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return document


def judge(clusters: dict[int, dict[str, Any]], truth: dict[int, tuple[str, float]]) -> list[str]:
    """Everything that the truth contradicts."""
    complaints = []
    for size, (behaviour, moment_uB) in truth.items():
        found = clusters[size]
        if behaviour == NOTHING:
            fine = found["behaviour"] in (NOTHING, "undecided") and (found["limit_uB"] or 0) < 1
        else:
            within = found["moment_uB"] is not None and abs(found["moment_uB"] - moment_uB) <= 3 * found["error_uB"]
            fine = found["behaviour"] == behaviour and within
        if behaviour == ATOMIC:
            fine = fine and found["statistical_uB"] <= 0.05
        if not fine:
            complaints.append(f"size {size}: truth {behaviour} {moment_uB} µB, found {found}")
    return complaints


@pytest.mark.timeout(180)
def test_the_moments_are_those_of_the_simulated_beam(tmp_path: Path) -> None:
    document = demo(tmp_path, "--seed", "5")
    shots = document["shots"]
    assert shots["fired"] == shots["recorded"] + shots["lost"]
    assert shots["recorded"] == 4000
    run_file = Path(document["run_file"])
    assert run_file.stat().st_size < 300e6
    assert run_file.with_suffix(".png").stat().st_size > 20_000
    clusters = {cluster["size"]: cluster for cluster in document["clusters"]}
    truth = {
        row["size"]: (row["behaviour"], row["moment_uB"])
        for row in TRUTH["cluster"]
        if row["element"] == "V" and row["size"] in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 33)
    }
    assert judge(clusters, truth) == []


@pytest.mark.timeout(180)
def test_another_truth_gives_other_moments(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(
        "\n".join(
            f'[[cluster]]\nelement = "V"\nsize = {size}\nbehaviour = "{behaviour}"\nmoment_uB = {moment}\n'
            for size, (behaviour, moment) in OTHER_TRUTH.items()
        )
    )
    document = demo(tmp_path, "--truth", str(path), "--seed", "7")
    clusters = {cluster["size"]: cluster for cluster in document["clusters"]}
    assert judge(clusters, OTHER_TRUTH) == []
