"""From a plan to moments as a user does it, and what happens when things go wrong in the middle."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

import pytest

from config.laboratory import read_laboratory
from daq.record.layout import EventKind
from daq.record.recover import recover
from daq.record.run_file import RunFile
from daq.record.verify import verify
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import Simulation, child, command, simulation

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulation(tmp_path_factory.mktemp("laboratory"), "--seed", 3, "--speed", 40) as running:
        yield running


def call(*arguments: object, status: int = 0) -> str:
    """Run the program to its end; its standard output."""
    result = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=150, check=False)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


def test_check_finds_every_instrument(laboratory: Simulation) -> None:
    found = json.loads(call("check", "--config", laboratory.config, "--json"))
    assert set(found) == set(laboratory.instruments)
    assert all(one["ok"] for one in found.values())
    assert found["digitizer"]["identity"]["model"]
    for name, described in laboratory.instruments.items():
        assert found[name]["role"] == described["role"]
        assert described["driver"]
        assert described["address"].startswith("TCPIP::127.0.0.1::")


def test_a_run_is_recorded_verified_and_analysed(laboratory: Simulation, small_plan: Path, tmp_path: Path) -> None:
    output = tmp_path / "runs"
    words = f"new rod\nfrom the {'long ' * 100}shelf"
    noted = ("--note", words, "--note", "µ-metal is off")
    summary = json.loads(call("run", small_plan, "--config", laboratory.config, "--output", output, "--json", *noted))
    assert summary["ending"] == "complete"
    assert summary["shots"] == {"fired": 320, "recorded": 320, "lost": 0}
    (path,) = output.glob("*.h5")
    assert "320 fired = 320 recorded + 0 lost" in call("verify", path)
    document = json.loads(call("analyse", path, "--json", "--figure", tmp_path / "figure.png"))
    assert document["element"] == "V"
    assert document["shots"] == summary["shots"]
    by_size = {cluster["size"]: cluster for cluster in document["clusters"]}
    assert sorted(by_size) == list(range(8, 15))
    # With a tenth of the shots only the clearest case is certain.
    assert by_size[11]["behaviour"] == "atomic-like"
    assert abs(by_size[11]["moment_uB"] - 0.91) < 5 * by_size[11]["error_uB"]
    assert (tmp_path / "figure.png").stat().st_size > 20_000
    with RunFile(path) as run:
        notes = [entry.text for entry in run.log() if entry.kind is EventKind.NOTE]
    assert notes[0] == "new rod"
    assert "".join(notes[1:-1]) == words.splitlines()[1]
    assert notes[-1] == "µ-metal is off"
    assert "note: new rod" in call("log", path)
    table = call("analyse", path, "--csv")
    assert len(table.splitlines()) == 8
    with RunFile(path) as run:
        assert {step.field_set_T for step in run.steps} == {0.0, 2.4}
        assert abs(run.steps[1].field_T - 2.4) < 0.03
        assert any("recording into" in text for _, text in run.events())


def keeping(laboratory: Simulation, megabytes: float, directory: Path) -> Simulation:
    """The same laboratory with another margin of its disk."""
    config = directory / "margin.toml"
    config.write_text(laboratory.config.read_text().replace("keep_free_MB = 500.0", f"keep_free_MB = {megabytes}"))
    return replace(laboratory, config=config)


def start_run(laboratory: Simulation, plan: Path, output: Path) -> subprocess.Popen[str]:
    """A run whose first shots are recorded."""
    process = subprocess.Popen(
        command("run", plan, "--config", laboratory.config, "--output", output),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if not line.startswith("0/"):
            return process
    raise AssertionError("the run ended before it took a shot")


def test_plans_are_run_one_after_the_other(laboratory: Simulation, small_plan: Path, tmp_path: Path) -> None:
    output, shorter = tmp_path / "runs", tmp_path / "shorter.toml"
    shorter.write_text(small_plan.read_text().replace("shots_per_group = 80", "shots_per_group = 20"))
    lines = call("run", shorter, shorter, "--config", laboratory.config, "--output", output, "--json").splitlines()
    assert [json.loads(line)["shots"]["recorded"] for line in lines] == [80, 80]
    assert {json.loads(line)["run_file"] for line in lines} == {str(path) for path in output.glob("*.h5")}
    assert len(lines) == 2


def test_a_queue_with_a_wrong_plan_is_refused_before_its_first_run(
    laboratory: Simulation, small_plan: Path, tmp_path: Path
) -> None:
    output, wrong = tmp_path / "runs", tmp_path / "wrong.toml"
    wrong.write_text(small_plan.read_text().replace("cycles = 1", "cycles = 0"))
    call("run", small_plan, wrong, "--config", laboratory.config, "--output", output, status=2)
    assert not output.exists() or not list(output.iterdir())


def test_the_schema_of_plans_is_published() -> None:
    schema = json.loads(call("plan", "--schema"))
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"title", "element", "sizes", "conditions", "interleave"}
    assert set(schema["properties"]["element"]["enum"]) == {"V", "Nb", "Ta", "Al"}
    call("plan", status=2)


def test_ctrl_c_ends_in_the_safe_state_with_a_complete_file(laboratory: Simulation, small_plan: Path, tmp_path: Path) -> None:
    process = start_run(laboratory, small_plan, tmp_path / "runs")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopped by the operator" in stderr
    assert "NOT CONFIRMED" not in stderr
    (path,) = (tmp_path / "runs").glob("*.h5")
    with RunFile(path) as run:
        report = verify(run)
        assert run.status == "stopped"
    assert report.complete, report.faults
    assert 0 < report.recorded < 320
    states = json.loads(call("check", "--config", laboratory.config, "--json"))
    assert states["delay_generator"]["state"] != "running"


def test_killed_simulators_end_the_run_with_a_reason(small_plan: Path, tmp_path: Path) -> None:
    with simulation(tmp_path, "--seed", 4, "--speed", 40) as laboratory:
        process = start_run(laboratory, small_plan, tmp_path / "runs")
        laboratory.kill()
        killed = time.monotonic()
        _, stderr = process.communicate(timeout=30)
        took = time.monotonic() - killed
    assert process.returncode == 1
    assert took < 10
    assert "the run has failed" in stderr
    assert "Traceback" not in stderr
    (path,) = (tmp_path / "runs").glob("*.h5")
    with RunFile(path) as run:
        report = verify(run)
        assert run.status == "failed"
        assert run.end_reason
    assert report.complete, report.faults
    assert report.recorded > 0
    call("analyse", path, "--json")


def test_an_unwritable_output_is_refused_before_anything_moves(
    laboratory: Simulation, small_plan: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory")
    result = subprocess.run(
        command("run", small_plan, "--config", laboratory.config, "--output", tmp_path / "file"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "cannot write into" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_killed_engine_leaves_a_file_that_accounts_for_every_shot(
    laboratory: Simulation, small_plan: Path, tmp_path: Path
) -> None:
    process = start_run(laboratory, small_plan, tmp_path / "runs")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    (path,) = (tmp_path / "runs").glob("*.h5")
    with RunFile(path) as run:
        report = verify(run)
    assert report.complete, report.faults
    assert report.fired == report.recorded + report.lost
    call("safe", "--config", laboratory.config)


def control(laboratory: Simulation, **request: object) -> None:
    """Ask the simulated laboratory's control socket."""
    with Remote(read_laboratory(laboratory.config)[0].control) as remote:
        remote(**request)


def failing_run(laboratory: Simulation, plan: Path, output: Path) -> str:
    """A run that cannot succeed; what it says on stderr."""
    result = subprocess.run(
        command("run", plan, "--config", laboratory.config, "--output", output),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1, result.stdout
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("name", ["delay_generator", "magnet", "cold_head", "digitizer", "helium"])
def test_the_wrong_instrument_is_refused_before_anything_moves(small_plan: Path, tmp_path: Path, name: str) -> None:
    with simulation(tmp_path, "--speed", 40) as laboratory:
        control(laboratory, do="fault", instrument=name, kind="wrong_identity")
        said = failing_run(laboratory, small_plan, tmp_path / "runs")
    assert f"{name}: expected" in said
    assert not list((tmp_path / "runs").glob("*.h5"))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"instrument": "magnet", "kind": "interlock", "cause": "magnet water flow"}, "magnet water flow"),
        ({"instrument": "ionisation_laser", "kind": "interlock", "cause": "COVER"}, "COVER"),
        ({"instrument": "ablation_laser", "kind": "interlock", "cause": "cover open"}, "cover open"),
    ],
)
def test_an_interlock_in_the_middle_ends_the_run_safely(
    small_plan: Path, tmp_path: Path, fault: dict[str, object], said: str
) -> None:
    with simulation(tmp_path, "--speed", 10) as laboratory:
        process = start_run(laboratory, small_plan, tmp_path / "runs")
        control(laboratory, do="fault", **fault)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 1
        assert said in stderr
        (path,) = (tmp_path / "runs").glob("*.h5")
        with RunFile(path) as run:
            report = verify(run)
            assert run.status == "failed"
            assert said in run.end_reason
        assert report.complete, report.faults
        states = json.loads(call("check", "--config", laboratory.config, "--json"))
        assert states["delay_generator"]["state"] == "stopped"


def test_missed_and_double_triggers_are_found_and_named(small_plan: Path, tmp_path: Path) -> None:
    with simulation(tmp_path, "--speed", 20) as laboratory:
        process = start_run(laboratory, small_plan, tmp_path / "runs")
        control(laboratory, do="fault", instrument="digitizer", kind="missed_trigger", count=2)
        control(laboratory, do="fault", instrument="digitizer", kind="double_trigger")
        _, stderr = process.communicate(timeout=90)
        assert process.returncode == 0, stderr
    (path,) = (tmp_path / "runs").glob("*.h5")
    with RunFile(path) as run:
        report = verify(run)
        log = [text for _, text in run.events()]
    assert report.complete, report.faults
    assert report.causes == {"the digitizer missed the trigger": 2}
    assert report.fired == report.recorded + 2
    assert any("missed their triggers" in text for text in log)
    assert any("triggered twice" in text for text in log)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 6 MB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(mount)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("mounting a file system needs rights that this test does not have")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_disk_without_room_is_refused_at_the_start(laboratory: Simulation, small_plan: Path, small_disk: Path) -> None:
    said = failing_run(laboratory, small_plan, small_disk)
    assert "MB free, the run needs about" in said
    assert not list(small_disk.iterdir())


def test_a_disk_that_fills_up_fails_the_run_and_keeps_what_was_recorded(
    laboratory: Simulation, small_plan: Path, small_disk: Path
) -> None:
    plan = small_plan.with_name("few.toml")
    plan.write_text(small_plan.read_text().replace("shots_per_group = 80", "shots_per_group = 20"))
    process = start_run(keeping(laboratory, 0.0, small_plan.parent), plan, small_disk)
    with (small_disk / "somebody else's").open("wb", buffering=0) as other, suppress(OSError):
        while True:
            other.write(bytes(4096))
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cannot write" in stderr
    assert "NOT CONFIRMED" not in stderr
    (path,) = small_disk.glob("*.h5")
    saved = small_plan.with_name("saved.h5")
    recover(path, saved)
    with RunFile(saved) as run:
        report = verify(run)
    assert report.recorded > 0
    assert report.complete, report.faults


def test_below_its_margin_a_disk_holds_the_run_up_until_there_is_room(
    laboratory: Simulation, small_plan: Path, small_disk: Path
) -> None:
    plan = small_plan.with_name("few.toml")
    plan.write_text(small_plan.read_text().replace("shots_per_group = 80", "shots_per_group = 10"))
    process = start_run(keeping(laboratory, 1.0, small_plan.parent), plan, small_disk)
    other = small_disk / "somebody else's"
    other.write_bytes(bytes(shutil.disk_usage(small_disk).free - 900_000))
    errors = cast(IO[str], process.stderr)
    assert any("1 MB are to be kept; free some space and the run goes on" in line for line in errors)
    with Remote(read_laboratory(laboratory.config)[0].control) as control:
        assert not control(do="state", instrument="delay_generator")["state"]["running"]
    other.unlink()
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    (path,) = small_disk.glob("*.h5")
    with RunFile(path) as run:
        assert verify(run).complete
        assert run.status == "complete"
        log = [text for _, text in run.events()]
        free = run.housekeeping("disk.free")[1]
    assert "running: going on after the pause" in log
    assert 0 < free.min() < free.max() < 6.3e6


def test_a_slow_disk_is_waited_for_and_shown(laboratory: Simulation, small_plan: Path, tmp_path: Path) -> None:
    process = start_run(laboratory, small_plan, tmp_path / "runs")
    writer = child(process.pid, "daq.record.writer")
    os.kill(writer, signal.SIGSTOP)
    errors = cast(IO[str], process.stderr)
    assert any("waiting for the disk, which is behind" in line for line in errors)
    os.kill(writer, signal.SIGCONT)
    printed, rest = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "the disk keeps up again" in rest
    assert "320 recorded + 0 lost" in printed
