"""The engine as a service: clients come, go and are killed without the run noticing; SIGTERM ends it in the safe state."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pytest

from config.errors import ConfigurationError
from daq.cli.serve import serve
from daq.face import commands
from daq.face.state import ControlPart, InstrumentPart, RunPart
from daq.record.run_file import RunFile
from daq.record.verify import verify
from daq.service.client import Client
from tests.daq.cli.conftest import SMALL, Simulation, command, simulation

pytestmark = pytest.mark.timeout(120)
WINDOW = """
import sys
from pathlib import Path
from daq.face.state import RunPart
from daq.service.client import Client
with Client(Path(sys.argv[1]), program="window") as laboratory:
    seen = 0
    while True:
        for change in laboratory.changes(seen, 1.0):
            seen = change.sequence
            if isinstance(change.part, RunPart):
                print(change.part.state, flush=True)
"""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulation(tmp_path_factory.mktemp("laboratory"), "--speed", 20) as running:
        yield running


@contextmanager
def served(laboratory: Simulation, output: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """`clusterbeam serve`, and the file that tells where it is."""
    process = subprocess.Popen(
        command("serve", "--config", laboratory.config, "--output", output),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = cast(IO[str], process.stdout).readline()
        assert said, cast(IO[str], process.stderr).read()
        yield process, Path(said.partition("clients find it by ")[2].strip())
    finally:
        process.terminate()
        process.communicate(timeout=60)


def until(client: Client, so: str) -> RunPart:
    """The run, as soon as it is in this state and has shots."""
    seen = 0
    while True:
        for change in client.changes(seen, 1.0):
            seen = change.sequence
            if isinstance(change.part, RunPart) and change.part.state == so and change.part.recorded >= 20:
                return change.part


def test_a_killed_window_changes_nothing_and_another_one_shows_the_run_going_on(laboratory: Simulation, tmp_path: Path) -> None:
    with served(laboratory, tmp_path / "runs") as (_, where):
        with Client(where, program="first-window") as first:
            assert first.submit(commands.TakeControl()).ok
            assert first.submit(commands.QueuePlan(SMALL, "small.toml")).ok
            until(first, "running")
            with subprocess.Popen(
                [sys.executable, "-P", "-c", WINDOW, str(where)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as window:
                assert cast(IO[str], window.stdout).readline()
                window.kill()
        with Client(where, program="second-window") as second:
            snapshot = second.snapshot()
            assert all(part.live for part in snapshot.of(InstrumentPart))
            assert not second.submit(commands.Pause()).ok
            assert second.submit(commands.TakeControl()).ok
            assert snapshot.of(RunPart)[0].title == "Vanadium at 25 K, 6 bar"
            done = until(second, "idle")
            assert second.snapshot().of(ControlPart)[0].holder.endswith(":second-window")
    assert (done.recorded, done.lost) == (320, 0)
    with RunFile(Path(done.run_file)) as run:
        assert verify(run).complete


def test_sigterm_ends_the_run_in_the_safe_state(laboratory: Simulation, tmp_path: Path) -> None:
    with served(laboratory, tmp_path / "runs") as (process, where):
        with Client(where) as client:
            client.submit(commands.TakeControl())
            client.submit(commands.QueuePlan(SMALL, "small.toml"))
            until(client, "running")
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert not where.exists()
    (path,) = (tmp_path / "runs").glob("*.h5")
    with RunFile(path) as run:
        assert verify(run).complete
        assert run.status == "stopped"


def test_one_laboratory_is_served_once(laboratory: Simulation, tmp_path: Path) -> None:
    with served(laboratory, tmp_path / "runs"):
        second = subprocess.run(
            command("serve", "--config", laboratory.config), capture_output=True, text=True, timeout=60, check=False
        )
    assert second.returncode == 1
    assert "belongs to process" in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_an_output_that_is_a_file_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"cannot write into .*file \(File exists\)"):
        serve(output=tmp_path / "file")
