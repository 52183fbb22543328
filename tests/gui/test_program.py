"""`clusterbeam gui`: the window as a process, with a service that outlives it."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.laboratory import SHIPPED
from daq.face import commands
from daq.face.state import LogPart, RunPart
from daq.record.run_file import RunFile
from daq.record.verify import verify
from daq.service.client import Client
from daq.service.errors import ServiceError
from daq.service.where import Announcement, read, where_is
from gui.feed import Feed, ServiceFeed
from gui.window import Window
from tests.daq.cli.conftest import SMALL, child, command, simulation
from tests.daq.cli.test_serve import served


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command("gui", *arguments), capture_output=True, text=True, timeout=50, check=False)


def end(pid: int) -> None:
    """End a process that is nobody's child, and wait for it."""
    descriptor = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGTERM)
        assert select.select([descriptor], [], [], 40.0)[0]
    finally:
        os.close(descriptor)


def until_said(where: Path, words: str) -> None:
    """Wait until the laboratory's log has this in it."""
    with Client(where, program="looker", wait_s=40.0) as client:
        seen = 0
        while not any(words in line for log in client.snapshot().of(LogPart) for line in log.lines):
            seen = max((change.sequence for change in client.changes(seen, 1.0)), default=seen)


def test_wrong_use_is_refused_in_a_sentence(tmp_path: Path) -> None:
    both = run("--where", tmp_path, "--replay", tmp_path)
    assert (both.returncode, both.stderr) == (
        2,
        "clusterbeam: give one of --where, --replay, or a laboratory (--config, --simulated)\n",
    )
    absent = run("--replay", tmp_path / "absent.h5")
    assert absent.returncode == 1
    assert "absent.h5" in absent.stderr
    assert "Traceback" not in absent.stderr


def test_a_service_is_started_and_goes_on_without_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with simulation(tmp_path) as laboratory:
        program = subprocess.Popen(
            command("gui", "--config", laboratory.config, "--output", tmp_path / "runs"), stderr=subprocess.PIPE, text=True
        )
        where = where_is("simulated")
        try:
            until_said(where, ":window is here")
            os.kill(child(program.pid, "gui"), signal.SIGTERM)
            _, said = program.communicate(timeout=20)
        except ServiceError:
            program.kill()
            pytest.fail(f"no service came: {program.communicate()[1]}")
        finally:
            program.kill()
            program.wait()
        service = read(where).pid
        assert read(where).simulated
        assert f"`kill {service}` ends it" in said
        until_said(where, ":window has gone")
        end(service)


def test_a_state_directory_that_others_can_enter_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "clusterbeam").mkdir()
    (tmp_path / "clusterbeam").chmod(0o755)
    refused = run("--where", tmp_path / "lab.json")
    assert refused.returncode == 1
    assert f"clusterbeam: {tmp_path / 'clusterbeam'} is open to others (mode 755)" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("there_is_simulated", [True, False])
def test_practice_and_the_real_machine_are_not_taken_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there_is_simulated: bool
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    real = tmp_path / "lab.toml"
    real.write_text((SHIPPED / "laboratories" / "simulated.toml").read_text().replace('"simulated"', '"lab"', 1))
    announcement = Announcement(where_is("lab"), "lab")
    announcement.tell("tcp://127.0.0.1:1", "", "", there_is_simulated)
    try:
        refused = run("--config", real, *([] if there_is_simulated else ["--simulated"]))
    finally:
        announcement.end()
    there, asked = ("a simulated", "the real") if there_is_simulated else ("the real", "a simulated")
    assert refused.returncode != 0
    assert f"a service of 'lab' runs already (process {os.getpid()} on " in refused.stderr
    assert f"on {there} machine, and {asked} one is asked for; end it first (`kill {os.getpid()}`)" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.timeout(120)
def test_a_killed_window_loses_nothing_and_a_new_one_shows_the_run_going_on(
    tmp_path: Path, opened: Callable[[Feed], Window], until: Callable[[Callable[[], object]], None]
) -> None:
    with simulation(tmp_path, "--speed", 5) as laboratory, served(laboratory, tmp_path / "runs") as (_, where):
        with Client(where, program="starter") as starter:
            assert starter.submit(commands.TakeControl()).ok
            assert starter.submit(commands.QueuePlan(SMALL, "small.toml")).ok
        with subprocess.Popen([sys.executable, "-P", "-m", "gui", "--where", str(where)]) as first:
            until_said(where, ":window is here")
            first.kill()
        with Client(where, program="window", wait_s=0) as client:
            window = opened(ServiceFeed(client))

            def run() -> RunPart:
                return window.model.one(RunPart) or RunPart("", "")

            until(lambda: run().state == "running" and run().recorded)
            until(lambda: run().state == "idle")
            done = run()
            window.leave()
    assert (done.recorded, done.lost) == (320, 0)
    with RunFile(Path(done.run_file)) as file:
        assert verify(file).complete
