"""Every command in README and docs is executed, in order, as it is written."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.daq.cli.conftest import SMALL, simulation

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CONSOLE = re.compile(r"^\$ (?P<command>.+)$", re.MULTILINE)


def commands(page: Path) -> list[str]:
    return [match["command"] for match in CONSOLE.finditer(page.read_text())]


def test_the_pages_have_commands() -> None:
    assert len(commands(ROOT / "README.md")) >= 6


@pytest.mark.parametrize(
    "target", ["demo", "paper", "test", "check", "bench", "faults", "interruptions", "fuzz", "docs", "interop"]
)
def test_the_targets_of_make_exist(target: str) -> None:
    result = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr
    if target == "demo":
        assert "clusterbeam demo" in result.stdout


@contextmanager
def second_terminal(program: list[str], directory: Path) -> Iterator[None]:
    """A command that says something and goes on until it is told to end."""
    process = subprocess.Popen(program, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield
    finally:
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_the_commands_work(page: Path, tmp_path: Path) -> None:
    """`simulate` and `serve` run beside the others, as in terminals of their own; the plan is a short one of the same name."""
    (tmp_path / "vanadium-25K.toml").write_text(SMALL)
    with simulation(tmp_path, "--speed", 40, "--seed", 2) as laboratory, ExitStack() as terminals:
        laboratory.config.rename(tmp_path / "lab.toml")
        for command in commands(page):
            words = shlex.split(command)
            if words[0] == "make" or words[:2] == ["clusterbeam", "simulate"]:
                continue
            assert words[0] == "clusterbeam", command
            words = ["vanadium-25K.toml" if word.endswith("plans/vanadium-25K.toml") else word for word in words[1:]]
            words = [str(found) for word in words for found in (sorted(tmp_path.glob(word)) if "*" in word else [word])]
            program = [sys.executable, "-P", "-m", "daq.cli", *words]
            if words[0] == "serve":
                terminals.enter_context(second_terminal(program, tmp_path))
                continue
            result = subprocess.run(
                program,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert result.returncode == 0, f"{command}: {result.stderr}"
