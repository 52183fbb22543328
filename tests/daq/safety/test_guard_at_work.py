"""Guards as processes: engines killed, stopped or hung with a laboratory set up by hand; guards that die or stand still."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pytest

from config.errors import ConfigurationError
from config.laboratory import read_laboratory
from daq import Laboratory
from daq.safety import guarded
from daq.safety.asking import ask
from daq.safety.guard_words import Watch, say
from daq.safety.guarded import GuardError
from daq.safety.ownership import Owner, owner_of
from drivers.registry import driver_class
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import SMALL, Simulation, child, simulation

LONG_S = 40.0
ENGINE = """
import os, signal, sys
from daq import Laboratory
with Laboratory(sys.argv[1]) as lab:
    lab.set("magnet.field_T", 1.0)
    print("set", flush=True)
    exec(sys.argv[2])
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulation(tmp_path_factory.mktemp("laboratory"), "--speed", 40) as running:
        yield running


@pytest.fixture
def control(found: Simulation) -> Iterator[Remote]:
    with Remote(read_laboratory(found.config)[0].control) as remote:
        yield remote


def addresses(config: Path) -> list[str]:
    return [one.address for one in read_laboratory(config)[0].instruments.values()]


class Engine:
    """A process that has set the field by hand; then it does what it is told, and waits."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @property
    def errors(self) -> IO[str]:
        return cast(IO[str], self.process.stderr)

    def guard(self) -> int:
        return child(self.process.pid, "daq.safety.guard")

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def said(self) -> str:
        """All that it and its guard have said on standard error, once both are gone."""
        return self.process.communicate(timeout=LONG_S)[1]


@contextmanager
def engine(config: Path, does: str = "") -> Iterator[Engine]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", ENGINE, str(config), does],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert cast(IO[str], process.stdout).readline() == "set\n", process.communicate()[1]
        yield Engine(process)
    finally:
        process.kill()
        process.communicate(timeout=LONG_S)


def eventually(holds: Callable[[], Any]) -> Any:
    """What holds at last."""
    deadline = time.monotonic() + LONG_S
    while not (result := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return result


def test_a_killed_engine_leaves_a_safe_laboratory(found: Simulation, control: Remote) -> None:
    with engine(found.config) as one:
        assert control(do="state", instrument="magnet")["state"]["setpoint_A"] > 50
        one.signal(signal.SIGKILL)
        said = one.said()
    assert f"the engine has died; process {one.process.pid} is ended" in said
    assert "NOT CONFIRMED" not in said
    assert said.endswith("clusterbeam guard: everything is safe\n")
    magnet = control(do="state", instrument="magnet")["state"]
    assert magnet["setpoint_A"] == 0.0
    assert not magnet["on"]
    assert owner_of(addresses(found.config)) is None


def test_a_stopped_engine_is_ended_and_does_not_wake_up(found: Simulation, control: Remote) -> None:
    with engine(found.config) as one:
        one.signal(signal.SIGSTOP)
        assert one.process.wait(LONG_S) == -signal.SIGKILL
        said = one.said()
    assert "the engine stands still (idle)" in said
    assert said.endswith("everything is safe\n")
    assert control(do="state", instrument="magnet")["state"]["setpoint_A"] == 0.0


def test_an_engine_that_is_stopped_for_a_moment_goes_on(found: Simulation, control: Remote) -> None:
    with engine(found.config) as one:
        one.signal(signal.SIGSTOP)
        one.signal(signal.SIGCONT)
        owner = cast(Owner, owner_of(addresses(found.config)))
        assert ask(owner, "health", "test", LONG_S).ok
        assert one.said() == ""
        assert one.process.returncode == 0
    assert control(do="state", instrument="magnet")["state"]["setpoint_A"] == 0.0


def test_a_hung_run_loop_is_ended(found: Simulation, control: Remote) -> None:
    with engine(found.config, "lab._guarded.expect(0.3, 'holding its breath')") as one:
        assert one.process.wait(LONG_S) == -signal.SIGKILL
        said = one.said()
    assert "the engine is late: holding its breath" in said
    assert said.endswith("everything is safe\n")
    assert not control(do="state", instrument="magnet")["state"]["on"]


def test_an_engine_that_died_before_its_guard_looked_is_acted_for(found: Simulation, control: Remote, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    control.fault("delay_generator", "front_panel", trigger_source=0)
    assert control(do="state", instrument="delay_generator")["state"]["running"]
    words = [sys.executable, "-P", "-m", "daq.safety.guard"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as guard:
        laboratory = read_laboratory(found.config)[0].model_dump_json()
        log = tmp_path / "guard.log"
        say(cast(IO[bytes], guard.stdin), Watch(laboratory, gone.pid, str(log), "00", ()))  # type: ignore[arg-type]
        # The engine's ends of both pipes go with it.
        cast(IO[bytes], guard.stdin).close()
        cast(IO[bytes], guard.stdout).close()
        said = cast(IO[bytes], guard.stderr).read().decode()
    assert "Traceback" not in said
    assert said.endswith("everything is safe\n")
    assert log.read_text().endswith("everything is safe\n")
    assert not control(do="state", instrument="delay_generator")["state"]["running"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_guard_that_is_none_any_more_is_replaced_and_the_operator_told(
    found: Simulation, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "SILENT_S", 1.5)
    with Laboratory(found.config) as lab:
        before = cast(int, lab._guarded.pid)
        os.kill(before, number)
        (alarm,) = eventually(lambda: [one for one in lab.vigil.alarms.all() if one.name == "guard"])
        assert alarm.text == "the guard has died (status -9); another one watches"
        assert lab._guarded.pid != before
        assert lab._guarded.alive
        eventually(lambda: not lab.vigil.alarms.all()[0].active)
        owner = cast(Owner, owner_of(addresses(found.config)))
        told = ask(owner, "health", "test", LONG_S)
    assert told.ok
    assert {one["name"] for one in json.loads(told.body)} == set(found.instruments)


def test_the_guard_that_replaced_another_acts(found: Simulation, control: Remote) -> None:
    with engine(found.config) as one:
        first = one.guard()
        os.kill(first, signal.SIGKILL)
        port = cast(Owner, owner_of(addresses(found.config))).guard
        eventually(lambda: cast(Owner, owner_of(addresses(found.config))).guard != port)
        one.signal(signal.SIGKILL)
        said = one.said()
    assert "the engine has died" in said
    assert said.endswith("everything is safe\n")
    assert control(do="state", instrument="magnet")["state"]["setpoint_A"] == 0.0


def test_a_laboratory_closes_even_when_its_guard_stands_still(found: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "END_S", 0.2)
    with Laboratory(found.config) as lab:
        os.kill(cast(int, lab._guarded.pid), signal.SIGSTOP)
    assert owner_of(addresses(found.config)) is None


def test_a_laboratory_closes_while_its_guard_is_being_replaced(found: Simulation) -> None:
    """The new one hears that all is well before it sees the engine go."""
    with Laboratory(found.config) as lab:
        os.kill(cast(int, lab._guarded.pid), signal.SIGKILL)
    assert owner_of(addresses(found.config)) is None


def instead_of_a_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o700)
    monkeypatch.setattr(guarded.sys, "executable", str(program))


@pytest.mark.parametrize("does", ["exit 3", "exec sleep 60"])
def test_without_a_guard_a_laboratory_does_not_open(
    found: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    monkeypatch.setattr(guarded, "START_S", 0.2)
    instead_of_a_guard(tmp_path, monkeypatch, does)
    with pytest.raises(GuardError, match="the guard does not start; without it nothing may fire"):
        Laboratory(found.config).__enter__()
    assert owner_of(addresses(found.config)) is None


def test_when_no_guard_can_be_had_any_more_nothing_is_set(
    found: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Laboratory(found.config) as lab:
        lab.set("helium.set_pressure_bar", 0.0)
        instead_of_a_guard(tmp_path, monkeypatch, "exit 3")
        os.kill(cast(int, lab._guarded.pid), signal.SIGKILL)
        (alarm,) = eventually(lambda: [one for one in lab.vigil.alarms.all() if one.name == "guard"])
        assert alarm.text == "the guard has died (status -9), and no other can be started"
        assert alarm.active
        with pytest.raises(GuardError, match="there is no guard any more"):
            lab.set("helium.set_pressure_bar", 1.0)
    assert owner_of(addresses(found.config)) is None


def test_a_run_that_is_about_to_begin_does_not_after_an_emergency_stop(
    found: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan.toml").write_text(SMALL)
    with Laboratory(found.config) as lab:
        monkeypatch.setattr(lab._attendance, "wait_for_all", lambda timeout_s: lab.emergency_stop("Ada"))
        with pytest.raises(ConfigurationError, match="an emergency stop by Ada holds"):
            lab.run(lab.plan(tmp_path / "plan.toml"), tmp_path / "runs")
        with pytest.raises(ConfigurationError, match="reset it when everything is in order"):
            lab.set("helium.set_pressure_bar", 0.0)
        lab.reset_emergency()
        lab.set("helium.set_pressure_bar", 0.0)
    assert not (tmp_path / "runs").exists()


def test_an_instrument_that_is_silent_is_tried_again_and_keeps_nobody_waiting(found: Simulation, control: Remote) -> None:
    silent = "helium"
    with engine(found.config, f"lab.set('{silent}.set_pressure_bar', 2.0)") as one:
        eventually(lambda: control(do="state", instrument=silent)["state"]["setpoint_bar"] > 1)
        control.fault(silent, "silence", count=1_000_000)
        one.signal(signal.SIGKILL)
        said = []
        for line in one.errors:
            said.append(line)
            if f"{silent}: " in line and "NOT CONFIRMED" in line:
                break
        in_time = "".join(said)
        for other in ("delay_generator", "ablation_laser", "ionisation_laser", "magnet", "digitizer"):
            assert f" {other}: " in in_time, f"{other} waited for the {silent}"
        control(do="clear", instrument=silent)
        rest = one.said()
    assert f"clusterbeam guard: {silent}: " in rest
    assert rest.endswith("clusterbeam guard: everything is safe\n")
    assert control(do="state", instrument=silent)["state"]["setpoint_bar"] == 0.0


HALF = """
for unit in lab._instruments.by_name.values():
    end = unit.command_end
    unit.link._transport.send(bytes((0x10, 0x02, 0x01)) if not end else b"S")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
def test_commands_that_were_half_sent_on_serial_lines_are_ended(tmp_path: Path) -> None:
    with simulation(tmp_path, "--speed", 40, "--serial") as lab, Remote(read_laboratory(lab.config)[0].control) as control:
        serial = [name for name, one in lab.instruments.items() if one["address"].startswith("ASRL")]
        assert len(serial) > 5
        assert any(driver_class(lab.instruments[name]["driver"]).command_end for name in serial)
        with engine(lab.config, HALF) as one:
            said = one.said()
        assert "NOT CONFIRMED" not in said
        assert said.endswith("everything is safe\n")
        states = control(do="state")["states"]
    assert states["magnet"]["setpoint_A"] == 0.0
    assert not states["delay_generator"]["running"]
