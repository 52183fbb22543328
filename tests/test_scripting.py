"""The scripts of the guide run as they are printed."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daq.cli.conftest import SMALL, Simulation, simulation

GUIDE = (Path(__file__).parents[1] / "docs" / "scripting.md").read_text()
SCRIPTS = re.findall(r"^## (?P<title>.+?)$.*?^```python$(?P<script>.+?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
SAID = {
    "The magnet's remanence": [
        r"1\.2 T asked for, 1\.(1|2)",
        r"2\.4 T asked for, 2\.\d+",
        "0.0 T asked for, 0.01",
    ],
    "A plan changed in a loop": ["6 bar: V11 is", "4 bar: V11 is"],
    "Years later: a run as xarray": [r"0 T: highest at \d+", r"2.4 T: highest at \d+"],
    "Watching shots, and stopping when there are enough": ["60 shots", "stopped"],
}


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    directory = tmp_path_factory.mktemp("laboratory")
    (directory / "vanadium-25K.toml").write_text(SMALL)
    with simulation(directory, "--speed", 40, "--seed", 4) as running:
        running.config.rename(directory / "lab.toml")
        yield running


def test_every_script_of_the_guide_is_here() -> None:
    assert [title for title, _ in SCRIPTS] == list(SAID)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("title", "script"), SCRIPTS, ids=[title for title, _ in SCRIPTS])
def test_a_script_runs(laboratory: Simulation, title: str, script: str) -> None:
    directory = laboratory.config.parent
    result = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=directory, capture_output=True, text=True, timeout=100, check=False
    )
    assert result.returncode == 0, result.stderr
    for said in SAID[title]:
        assert re.search(said, result.stdout), result.stdout
