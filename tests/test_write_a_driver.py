"""The guide to a new driver is followed: its blocks are laid into a copy of the project, and its commands say what it shows."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "write-a-driver.md"
PACKAGES = ("config", "daq", "drivers", "simulators", "tests/drivers", "tests/simulators/instruments")
SINGLE = ("pyproject.toml", "tests/__init__.py", "tests/simulators/__init__.py")
BLOCK = re.compile(r'^```(?P<kind>\w+)(?: (?P<file>[\w./-]+))?(?: above="(?P<above>[^"]+)")?\n(?P<text>.*?)^```$', re.M | re.S)
PROGRAM = ".venv/bin/"
DURATION = re.compile(r"in \d+\.\d+s")
AT_ONCE = 2
"""Commands that run beside each other; most of their time is start-up."""


@dataclass(frozen=True)
class Block:
    """A fenced block of the page: what it is, the file it belongs to, and above which text of that file it goes."""

    kind: str
    file: str
    above: str
    text: str


BLOCKS = [Block(*(part or "" for part in found.groups())) for found in BLOCK.finditer(PAGE.read_text())]
CONSOLES = [number for number, block in enumerate(BLOCKS) if block.kind == "console"]
FILES = sorted({block.file for block in BLOCKS if block.kind == "python"})


def project(directory: Path, blocks: list[Block]) -> None:
    """A copy of the project in which these blocks of the guide have been followed."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in SINGLE:
        shutil.copy(ROOT / name, directory / name)
    for block in blocks:
        if block.file:
            lay(directory / block.file, block)


def lay(path: Path, block: Block) -> None:
    """Put a block into its file: at the end, above a place that is there once, or as a change of lines that are there once."""
    text = path.read_text() if path.exists() else ""
    if block.kind == "diff":
        before, after = ("".join(f"{line[1:]}\n" for line in block.text.splitlines() if line[0] in way) for way in (" -", " +"))
        assert text.count(before) == 1, f"{path.name}: {before!r} is there {text.count(before)} times"
        text = text.replace(before, after)
    elif block.above:
        assert text.count(block.above) == 1, f"{path.name}: {block.above!r} is there {text.count(block.above)} times"
        text = text.replace(block.above, f"{block.text}\n{block.above}")
    else:
        text += ("\n\n" if text and block.kind == "python" else "") + block.text
    path.write_text(text)


def words(command: str) -> list[str]:
    program, *arguments = command.removeprefix(PROGRAM).split()
    return [sys.executable, *({"python": [], "clusterbeam": ["-P", "-m", "daq.cli"]}[program]), *arguments]


def environment(directory: Path) -> dict[str, str]:
    """The copy comes before the project; plugins that the tests of the guide do not use would only cost time."""
    pytests = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p pytest_timeout"}
    return {**os.environ, "PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1", **pytests}


@contextmanager
def beside(command: str, directory: Path) -> Iterator[None]:
    """A command that goes on in a terminal of its own; with `--json` it says in one line that it is ready."""
    running = subprocess.Popen(
        [*words(command), "--json"],
        cwd=directory,
        env=environment(directory),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with running:
        try:
            assert cast(IO[str], running.stdout).readline(), command
            yield
        finally:
            running.terminate()


def said(command: str, directory: Path) -> str:
    result = subprocess.run(
        words(command), cwd=directory, env=environment(directory), capture_output=True, text=True, timeout=50, check=False
    )
    return f"{result.stdout}{result.stderr}exit status {result.returncode}"


def carried_out(number: int, directory: Path) -> str:
    """What the commands of a console block say with the files as they are at its place; the first of two goes on beside."""
    project(directory, BLOCKS[:number])
    commands = [line for line in BLOCKS[number].text.splitlines() if line.startswith(PROGRAM)]
    if len(commands) == 1:
        return said(commands[0], directory)
    with beside(commands[0], directory):
        return said(commands[1], directory)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, str]:
    """By console block, the slowest ones first."""
    places = {number: tmp_path_factory.mktemp(f"block-{number}") for number in reversed(CONSOLES)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(places, pool.map(carried_out, places, places.values()), strict=True))


def test_the_guide_has_blocks_of_every_kind() -> None:
    assert {block.kind for block in BLOCKS} == {"python", "console", "diff", "toml"}
    assert len(FILES) == 5
    assert PAGE.read_text().count("```") == 2 * len(BLOCKS)


@pytest.mark.parametrize("number", CONSOLES)
def test_a_command_says_what_is_shown(number: int, outputs: Mapping[int, str]) -> None:
    """Every line shown comes, in this order; `…` stands for anything, and how long it took does not matter."""
    lines = BLOCKS[number].text.splitlines()
    shown = [DURATION.sub("in …", line) for line in lines if not line.startswith(PROGRAM)]
    assert shown
    pattern = ".*^".join(".*".join(re.escape(part) for part in line.split("…")) + "$" for line in shown)
    assert re.search(rf"^{pattern}", outputs[number], re.M | re.S), outputs[number]
    assert outputs[number].endswith("exit status 0"), outputs[number]


def test_the_tests_of_every_driver_hold_for_this_one(tmp_path: Path) -> None:
    """Also the page of instruments has it."""
    project(tmp_path, BLOCKS)
    found = said(".venv/bin/python -m pytest tests/drivers/test_registry.py -k aimtti_cpx400dp", tmp_path)
    assert re.search(r"^3 passed", found, re.M), found
    assert "## aimtti_cpx400dp\n" in said(".venv/bin/python -m drivers.catalogue", tmp_path)


def test_the_finished_files_are_in_the_style_of_the_house(tmp_path: Path) -> None:
    project(tmp_path, BLOCKS)
    for way in ("check --no-cache", "format --check --no-cache"):
        found = said(f".venv/bin/python -m ruff {way} {' '.join(FILES)}", tmp_path)
        assert found.endswith("exit status 0"), found
