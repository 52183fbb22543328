"""A laboratory whose instruments an engine has: whoever else wants something asks it, is refused in a sentence, or waits."""

import getpass
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pytest

from config.laboratory import read_laboratory
from daq.record.run_file import RunFile
from daq.record.verify import verify
from daq.safety.asking import NoAnswer
from daq.safety.ownership import owner_of
from daq.visit import check
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import SMALL, Simulation, child, command, simulation

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulation(tmp_path_factory.mktemp("laboratory"), "--seed", 3, "--speed", 40) as running:
        yield running


@pytest.fixture
def long_plan(tmp_path: Path) -> Path:
    path = tmp_path / "long.toml"
    path.write_text(SMALL.replace("cycles = 1", "cycles = 100"))
    return path


@contextmanager
def going_on(laboratory: Simulation, plan: Path, output: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that takes shots."""
    words = command("run", plan, "--config", laboratory.config, "--output", output)
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert any(not line.startswith("0/") for line in cast(IO[str], process.stderr)), "the run ended before it took a shot"
        yield process
    finally:
        process.kill()
        # Its guard says its last words there.
        process.communicate(timeout=60)


def asks(*words: object) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(command(*words), input="", capture_output=True, text=True, timeout=100, check=False)
    assert "Traceback" not in result.stderr
    return result


def states(laboratory: Simulation) -> dict[str, dict[str, object]]:
    with Remote(read_laboratory(laboratory.config)[0].control) as control:
        found: dict[str, dict[str, object]] = control(do="state")["states"]
    return found


def is_safe(laboratory: Simulation) -> bool:
    found = states(laboratory)
    return (
        not found["delay_generator"]["running"]
        and not found["ablation_laser"]["armed"]
        and str(found["ionisation_laser"]["opmode"]).startswith("OFF")
        and found["magnet"]["setpoint_A"] == 0.0
    )


def test_while_a_run_goes_on_others_ask_or_are_refused_and_safe_ends_it(
    laboratory: Simulation, long_plan: Path, tmp_path: Path
) -> None:
    with going_on(laboratory, long_plan, tmp_path / "runs") as run:
        looked = asks("check", "--config", laboratory.config, "--json")
        assert looked.returncode == 0, looked.stderr
        found = json.loads(looked.stdout)
        assert set(found) == set(laboratory.instruments)
        assert all(one["ok"] and one["identity"]["model"] for one in found.values())
        assert found["delay_generator"]["state"] == "running"

        second = ("run", long_plan, "--config", laboratory.config, "--output", tmp_path / "second")
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(asks, *words) for words in (second, ("talk", "hall_probe", "--config", laboratory.config))]
        for refused in (one.result() for one in asked):
            assert refused.returncode == 1
            assert f"belongs to process {run.pid} (" in refused.stderr
            assert "`clusterbeam safe` asks it to make everything safe" in refused.stderr
            assert len(refused.stderr.splitlines()) == 1
        assert not (tmp_path / "second").exists() or not list((tmp_path / "second").iterdir())
        assert run.poll() is None

        safe = asks("safe", "--config", laboratory.config)
        assert safe.returncode == 0, safe.stderr
        assert safe.stderr == ""
        assert "✓ delay_generator (delay generator): " in safe.stdout
        assert "✗" not in safe.stdout
        _, said = run.communicate(timeout=60)
        assert run.returncode == 1
    reason = f"emergency stop by {getpass.getuser()}"
    assert f"clusterbeam: the run has failed: {reason}\n" in said
    assert "Traceback" not in said
    assert "NOT CONFIRMED" not in said
    assert is_safe(laboratory)
    (path,) = (tmp_path / "runs").glob("*.h5")
    with RunFile(path) as file:
        assert (file.status, file.end_reason) == ("failed", reason)
        report = verify(file)
    assert report.complete, report.faults
    assert report.recorded > 0


def test_after_a_killed_engine_its_guard_is_waited_for(laboratory: Simulation, long_plan: Path, tmp_path: Path) -> None:
    with going_on(laboratory, long_plan, tmp_path / "runs") as first:
        os.kill(first.pid, signal.SIGKILL)
        with going_on(laboratory, long_plan, tmp_path / "next") as second:
            said = first.communicate(timeout=60)[1]
            assert "clusterbeam guard: the engine has died" in said
            assert said.endswith("clusterbeam guard: everything is safe\n")
            os.kill(second.pid, signal.SIGKILL)
            result = asks("safe", "--config", laboratory.config)
            assert result.returncode == 0, result.stderr
            assert "✗" not in result.stdout
            assert second.communicate(timeout=60)[1].endswith("clusterbeam guard: everything is safe\n")
    assert is_safe(laboratory)


def test_when_nobody_is_left_to_answer_it_is_said_and_the_next_one_has_the_laboratory(
    laboratory: Simulation, long_plan: Path, tmp_path: Path
) -> None:
    """Engine and guard stand still: nobody is waited for without end; killed, both own nothing."""
    addresses = [one.address for one in read_laboratory(laboratory.config)[0].instruments.values()]
    with going_on(laboratory, long_plan, tmp_path / "runs") as run:
        guard = child(run.pid, "daq.safety.guard")
        os.kill(guard, signal.SIGSTOP)
        os.kill(run.pid, signal.SIGSTOP)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("daq.visit.LOOK_S", 0.3)
            with pytest.raises(NoAnswer, match=r"did not answer in 0\.3 s"):
                check(laboratory.config)
        os.kill(run.pid, signal.SIGKILL)
        os.kill(guard, signal.SIGKILL)
        run.communicate(timeout=60)
        assert owner_of(addresses) is None
        made = asks("safe", "--config", laboratory.config)
    assert made.returncode == 0, made.stderr
    assert is_safe(laboratory)
