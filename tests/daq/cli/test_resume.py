"""A plan that is interrupted again and again is taken once, and no shot of it twice."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest

from config.laboratory import read_laboratory
from daq.record.run_file import RunFile
from daq.record.series import Series
from daq.record.verify import verify_plan
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import SMALL, Simulation, child, command, simulation
from tests.daq.cli.test_run import call

pytestmark = pytest.mark.timeout(180)
SHOTS = 320


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulation(tmp_path_factory.mktemp("laboratory"), "--seed", 6, "--speed", 40) as running:
        yield running


def start(laboratory: Simulation, *arguments: object) -> subprocess.Popen[str]:
    """A run, up to its first recorded shots."""
    process = subprocess.Popen(
        command("run", *arguments, "--config", laboratory.config), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    for line in cast(IO[str], process.stderr):
        if "taking shots" in line:
            return process
    raise AssertionError("the run ended before it took a shot")


def newest(directory: Path) -> Path:
    return max(directory.glob("*.h5"), key=lambda path: path.stat().st_mtime_ns)


def test_an_interrupted_plan_is_taken_once(laboratory: Simulation, tmp_path: Path) -> None:
    """Ctrl-C, then SIGKILL of engine and writer, then to the end."""
    runs, plan = tmp_path / "runs", tmp_path / "plan.toml"
    plan.write_text(SMALL)
    first = start(laboratory, plan, "--output", runs)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    second = start(laboratory, "--resume", newest(runs))
    for process in (second.pid, child(second.pid, "daq.record.writer")):
        os.kill(process, signal.SIGKILL)
    second.communicate(timeout=60)
    interrupted = newest(runs)
    call("run", "--resume", interrupted, "--config", laboratory.config, status=1)
    call("recover", interrupted, "--replace")
    assert "to be taken" in call("verify", interrupted)
    summary = json.loads(call("run", "--resume", interrupted, "--config", laboratory.config, "--json"))
    assert summary["ending"] == "complete"
    assert f"of the plan's {SHOTS} shots: {SHOTS} recorded once" in call("verify", summary["run_file"])
    document = json.loads(call("analyse", summary["run_file"], "--json"))
    with Series(Path(summary["run_file"])) as series:
        assert len(series.parts) == 3
        assert series.last.status == "complete"
        assert document["shots"]["recorded"] == sum(len(part.recorded) for part in series.parts) == SHOTS
        assert not verify_plan(series).faults
    call("run", "--resume", summary["run_file"], "--config", laboratory.config, status=2)


def test_another_laboratory_is_refused_before_anything_moves(laboratory: Simulation, tmp_path: Path) -> None:
    runs, plan = tmp_path / "runs", tmp_path / "plan.toml"
    plan.write_text(SMALL)
    process = start(laboratory, plan, "--output", runs)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    changed = tmp_path / "changed.toml"
    text = laboratory.config.read_text().replace("lamp_voltage_V = 1000", "lamp_voltage_V = 1100")
    changed.write_text(text.replace("slew_A_s = 10.0", "slew_A_s = 9.0"))
    result = subprocess.run(
        command("run", "--resume", newest(runs), "--config", changed), capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 2
    assert "has 2 faults" in result.stderr
    assert "[magnet] has changed since" in result.stderr
    assert "options of instrument 'ablation_laser'" in result.stderr
    assert len(list(runs.glob("*.h5"))) == 1


def test_ctrl_z_pauses_a_run_and_lets_it_go_on(laboratory: Simulation, tmp_path: Path) -> None:
    runs, plan = tmp_path / "runs", tmp_path / "plan.toml"
    plan.write_text(SMALL)
    process = start(laboratory, plan, "--output", runs)
    process.send_signal(signal.SIGTSTP)
    errors = cast(IO[str], process.stderr)
    assert any("paused by the operator" in line for line in errors)
    with Remote(read_laboratory(laboratory.config)[0].control) as control:
        assert not control(do="state", instrument="delay_generator")["state"]["running"]
    process.send_signal(signal.SIGTSTP)
    rest = errors.read()
    assert process.wait(60) == 0, rest
    errors.close()
    with RunFile(newest(runs)) as run:
        assert len(run.recorded) == SHOTS
        log = [text for _, text in run.events()]
    assert [text for text in log if text.startswith(("paused", "running: going on"))] == [
        "paused: paused by the operator",
        "running: going on after the pause",
    ]
