"""A simulated laboratory for tests that run the program as a user does."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pytest

from config.laboratory import SHIPPED

SMALL = (
    (SHIPPED / "plans" / "vanadium-25K.toml")
    .read_text()
    .replace("shots_per_group = 500", "shots_per_group = 80")
    .replace("shots_per_burst = 100", "shots_per_burst = 20")
    .replace("cycles = 2", "cycles = 1")
    .replace("sizes = [2, 33]", "sizes = [8, 14]")
)
"""The vanadium plan with a tenth of its shots and a few of its clusters: it is analysed again and again while it runs."""
QUICK = (
    (SHIPPED / "laboratories" / "simulated.toml")
    .read_text()
    .replace('driver = "lakeshore_336"', 'driver = "lakeshore_336"\nsnapshot = "polled"')
)
"""The shipped laboratory; its temperature controller takes eight seconds to tell all it knows."""


@dataclass
class Simulation:
    """A running `clusterbeam simulate`."""

    process: subprocess.Popen[str]
    config: Path
    instruments: dict[str, Any]

    def children(self) -> list[int]:
        """The process that answers on the wire."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(child) for child in tasks.read_text().split()]

    def kill(self) -> None:
        for child in self.children():
            os.kill(child, signal.SIGKILL)


def child(pid: int, module: str) -> int:
    """The process that an engine has started for this module."""
    for found in Path(f"/proc/{pid}/task").glob("*/children"):
        for number in found.read_text().split():
            if module.encode() in Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0"):
                return int(number)
    raise AssertionError(f"process {pid} has no child that runs {module}")


def command(*arguments: object) -> list[str]:
    """The program's command line."""
    return [sys.executable, "-P", "-m", "daq.cli", *(str(argument) for argument in arguments)]


@contextmanager
def simulation(directory: Path, *options: object) -> Iterator[Simulation]:
    """`clusterbeam simulate --json --write-config …` until the end of the context."""
    config, base = directory / "laboratory.toml", directory / "quick.toml"
    if "--config" not in options:
        base.write_text(QUICK)
        options = ("--config", base, *options)
    process = subprocess.Popen(
        command("simulate", "--json", "--write-config", config, *options), stdout=subprocess.PIPE, text=True
    )
    try:
        ready = cast(IO[str], process.stdout).readline()
        yield Simulation(process, config, json.loads(ready))
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)
        cast(IO[str], process.stdout).close()


@pytest.fixture
def small_plan(tmp_path: Path) -> Path:
    """`SMALL` in a file."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path
