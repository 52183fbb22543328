"""A simulated laboratory in a process of its own, started and ended with a command."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any, cast

from config.errors import ConfigurationError
from daq.record.memory import own_session

START = (sys.executable, "-P", "-m", "simulators", "--until-stdin-closes")
END_S = 10.0
WRONG_INPUT = 2
"""Exit status of the simulators for what the user gave."""


class SimulationError(Exception):
    """The simulated laboratory did not start."""


@contextmanager
def simulated_laboratory(options: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Start it, wait until every instrument answers, and end it; the instruments with role, driver and address.

    The process ends by itself when this one dies, because its standard input closes.
    """
    with ExitStack() as context:
        complaints = context.enter_context(tempfile.TemporaryFile())
        command = [*START, "--json", *options]
        # A session of its own: the terminal's Ctrl-C must not take away the instruments that a run is bringing to rest.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, **own_session())
        context.callback(_end, process)
        ready = cast(IO[bytes], process.stdout).readline()
        if not ready:
            raise _why(process.wait(END_S), complaints)
        yield json.loads(ready)


def simulated_truth(options: Sequence[str]) -> dict[str, Any]:
    """What a simulated machine carries: {"machine": {…}, "cluster": [{…}, …]}."""
    told = subprocess.run([*START, "--print-truth", *options], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if told.returncode:
        with tempfile.TemporaryFile() as complaints:
            complaints.write(told.stderr)
            raise _why(told.returncode, complaints)
    truth: dict[str, Any] = json.loads(told.stdout)
    return truth


def _why(status: int, complaints: IO[bytes]) -> Exception:
    """What the process said on its way out, as the error it is."""
    complaints.seek(0)
    said = complaints.read().decode().strip().splitlines()
    sentence = said[-1].removeprefix("clusterbeam simulate: ") if said else "the simulated laboratory ended before it was ready"
    return ConfigurationError(sentence) if status == WRONG_INPUT else SimulationError(sentence)


def _end(process: subprocess.Popen[bytes]) -> None:
    cast(IO[bytes], process.stdin).close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    cast(IO[bytes], process.stdout).close()
