"""A simulated laboratory with one of each instrument, and its addresses in the spellings that other people's clients want."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

EVERY_INSTRUMENT = Path(__file__).parents[2] / "config" / "every-instrument.toml"


class Wires:
    """Where each simulated instrument is."""

    def __init__(self, instruments: dict[str, Any]) -> None:
        self._instruments = instruments

    def visa(self, name: str) -> str:
        return str(self._instruments[name]["address"])

    def port(self, name: str) -> int:
        return int(self.visa(name).split("::")[2])

    def device(self, name: str) -> str:
        return self.visa(name).removeprefix("ASRL").removesuffix("::INSTR")


@contextmanager
def laboratory(*options: str) -> Iterator[Wires]:
    command = [sys.executable, "-P", "-m", "simulators", "--json", "--until-stdin-closes", "--speed", "20"]
    command += ["--config", str(EVERY_INSTRUMENT), *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        try:
            yield Wires(json.loads(cast(IO[bytes], process.stdout).readline()))
        finally:
            cast(IO[bytes], process.stdin).close()


def until(reached: Callable[[], bool], seconds: float = 20.0) -> None:
    """Ask again and again; every question is an exchange on the wire, so nothing needs to be slept."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
