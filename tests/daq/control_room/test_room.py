"""A laboratory in attendance: what is asked of it is done or refused in a sentence, and what is shown is what is so."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.laboratory import read_laboratory
from daq import Laboratory
from daq.control_room import ControlRoom
from daq.face import commands
from daq.face.reduced import Moments
from daq.face.state import (
    AlarmPart,
    EmergencyPart,
    InstrumentPart,
    InterlockPart,
    LogPart,
    QueuePart,
    RunPart,
)
from daq.record.run_file import RunFile
from daq.record.verify import verify
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import QUICK, SMALL, simulation

pytestmark = pytest.mark.timeout(120)
SHOTS = 320
LONGEST_S = 60.0
WITH_COMPRESSOR = f"""{QUICK}
[instruments.compressor]
role = "compressor"
driver = "cryomech_cpa"
address = "TCPIP::127.0.0.1::502::SOCKET"
"""


class Room:
    """The room, and somebody in it."""

    def __init__(self, room: ControlRoom, control: Remote, directory: Path) -> None:
        self.room, self.control, self.directory = room, control, directory

    def ask(self, command: Any) -> commands.Answer:
        return self.room.submit(command, "the operator")

    def until(self, kind: type[Any], so: Callable[[Any], bool]) -> Any:
        """The first part of this kind that is so, now or later."""
        seen, deadline = 0, time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            for change in self.room.changes(seen, 1.0):
                seen = change.sequence
                if isinstance(change.part, kind) and so(change.part):
                    return change.part
        raise AssertionError(f"it never was so; the last are {self.room.snapshot().of(kind)}; {self.log()}")

    def log(self) -> str:
        return "\n".join(self.room.snapshot().of(LogPart)[0].lines)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    base = tmp_path / "base.toml"
    base.write_text(WITH_COMPRESSOR)
    with (
        simulation(tmp_path, "--config", base, "--speed", 20) as found,
        Remote(read_laboratory(found.config)[0].control) as control,
        Laboratory(found.config) as laboratory,
        ControlRoom(laboratory, tmp_path / "runs") as attended,
    ):
        yield Room(attended, control, tmp_path / "runs")


def test_plans_wait_for_each_other_and_are_paused_and_noted(room: Room) -> None:
    assert "320 shots" in room.ask(commands.CheckPlan(SMALL)).text
    first = room.ask(commands.QueuePlan(SMALL, "small.toml"))
    second = room.ask(commands.QueuePlan(SMALL, "again.toml"))
    assert (first.value, second.value) == (1, 2)
    room.until(RunPart, lambda part: part.state == "running" and part.recorded >= 20)
    assert [one.name for one in room.room.snapshot().of(QueuePart)[0].waiting] == ["again.toml"]
    assert "a run goes on" in room.ask(commands.Set("magnet.field_T", 0.5)).text
    assert room.ask(commands.Pause()).ok
    paused = room.until(RunPart, lambda part: part.state == "paused")
    assert paused.paused
    assert room.ask(commands.Note("the pump is loud")).ok
    assert room.ask(commands.Resume()).ok
    assert room.ask(commands.Unqueue(2)).ok
    assert not room.ask(commands.Unqueue(2)).ok
    done = room.until(RunPart, lambda part: part.state == "idle" and part.recorded)
    assert done.recorded == SHOTS
    with RunFile(Path(done.run_file)) as run:
        assert verify(run).complete
        assert "the operator: the pump is loud" in [entry.text for entry in run.log()]
    assert not room.ask(commands.Pause()).ok


def test_the_rest_of_a_stopped_run_is_done_in_another_file(room: Room) -> None:
    room.ask(commands.QueuePlan(SMALL, "small.toml"))
    room.until(RunPart, lambda part: part.state == "running" and part.recorded >= 20)
    assert "is still being written" in room.ask(commands.QueueRest(room.room.snapshot().of(RunPart)[0].run_file)).text
    room.ask(commands.Stop())
    stopped = room.until(RunPart, lambda part: part.state == "idle" and part.recorded)
    assert stopped.recorded < SHOTS
    answer = room.ask(commands.QueueRest(stopped.run_file))
    assert answer.text == "the rest of Vanadium at 25 K, 6 bar waits with ticket 2"
    (waiting,) = room.room.snapshot().of(QueuePart)[0].waiting
    assert waiting.shots < SHOTS
    assert room.ask(commands.ReleaseQueue()).ok
    done = room.until(RunPart, lambda part: part.state == "idle" and part.recorded and part.run_file != stopped.run_file)
    assert stopped.recorded + done.recorded == SHOTS
    room.until(Moments, lambda part: part.final and part.shots == SHOTS)
    assert "holds a complete run" in room.ask(commands.QueueRest(done.run_file)).text
    assert not room.ask(commands.QueueRest(str(room.directory / "absent.h5"))).ok


def test_a_plan_that_cannot_be_is_refused_with_its_faults(room: Room) -> None:
    wrong = room.ask(commands.QueuePlan(SMALL.replace("shots_per_burst = 20", "shots_per_burst = -1"), "wrong.toml"))
    assert not wrong.ok
    assert wrong.text.startswith("wrong.toml: ")
    assert not room.ask(commands.QueuePlan("= no TOML", "none.toml")).ok
    assert room.room.snapshot().of(QueuePart)[0].waiting == ()


def test_an_emergency_stop_ends_everything_until_it_is_reset(room: Room) -> None:
    room.ask(commands.QueuePlan(SMALL, "small.toml"))
    room.until(RunPart, lambda part: part.state == "running" and part.recorded)
    answer = room.ask(commands.EmergencyStop())
    assert answer == commands.Answer(True, "everything is safe, confirmed by read-back")
    states = room.control(do="state")["states"]
    assert not states["delay_generator"]["running"]
    assert not states["ablation_laser"]["armed"]
    assert states["ionisation_laser"]["opmode"].startswith("OFF")
    assert states["magnet"]["current_A"] == pytest.approx(0.0, abs=0.1)
    ended = room.until(RunPart, lambda part: part.state == "fault")
    assert ended.doing == "emergency stop by the operator"
    shown = room.until(EmergencyPart, lambda part: part.active and part.done)
    assert "delay_generator: triggers off (confirmed)" in shown.outcomes
    assert "emergency stop" in room.ask(commands.Set("magnet.field_T", 0.5)).text
    assert room.ask(commands.QueuePlan(SMALL, "later.toml")).ok
    held = room.until(QueuePart, lambda part: part.waiting and part.held)
    assert held.held == "emergency stop by the operator"
    assert room.ask(commands.ResetEmergency()).ok
    room.until(RunPart, lambda part: part.state == "fault")
    before = room.until(Moments, lambda part: part.run_id)
    assert room.ask(commands.ReleaseQueue()).ok
    room.until(RunPart, lambda part: part.state == "running")
    assert room.room.snapshot().of(Moments)[0].run_id != before.run_id
    assert room.ask(commands.Stop()).ok
    room.until(RunPart, lambda part: part.state == "idle")


def test_a_dead_instrument_is_shown_as_dead_and_comes_back(room: Room) -> None:
    room.until(InstrumentPart, lambda part: part.name == "magnet" and part.live and part.readings)
    room.control.fault("magnet", "silence", count=100_000)
    dead = room.until(InstrumentPart, lambda part: part.name == "magnet" and not part.live)
    assert dead.error
    room.until(InstrumentPart, lambda part: part.name == "magnet" and part.readings["current_A"].stale)
    room.until(AlarmPart, lambda part: part.name == "magnet lost" and part.active)
    assert room.ask(commands.Read("cold_head.temperature_K")).value == pytest.approx(25.0, abs=1.0)
    assert "magnet" in room.ask(commands.Read("magnet.current_A")).text
    room.control(do="clear", instrument="magnet")
    room.until(InstrumentPart, lambda part: part.name == "magnet" and part.live and not part.readings["current_A"].stale)
    room.until(AlarmPart, lambda part: part.name == "magnet lost" and not part.active)
    assert room.ask(commands.Acknowledge("magnet lost")).ok
    room.until(AlarmPart, lambda part: part.name == "magnet lost" and part.gone)
    assert not room.ask(commands.Acknowledge("magnet lost")).ok


def test_an_interlock_holds_a_start_back_and_pauses_a_run(room: Room) -> None:
    room.control.fault("compressor", "alarm")
    room.until(InterlockPart, lambda part: part.name == "compressor_off" and part.holds_start)
    room.ask(commands.QueuePlan(SMALL, "small.toml"))
    held = room.until(QueuePart, lambda part: "the start is held back" in part.held)
    assert "compressor is off" in held.held
    assert [one.name for one in held.waiting] == ["small.toml"]
    room.ask(commands.QueuePlan(SMALL, "later.toml"))
    assert [one.name for one in room.room.snapshot().of(QueuePart)[0].waiting] == ["small.toml", "later.toml"]


def test_a_stop_with_nothing_to_stop_holds_nothing(room: Room) -> None:
    assert not room.ask(commands.Stop()).ok
    assert room.room.snapshot().of(QueuePart)[0].held == ""
    room.ask(commands.EmergencyStop())
    room.ask(commands.QueuePlan(SMALL, "small.toml"))
    assert room.ask(commands.Stop()).text == "no run goes on; the queue is held"
    room.ask(commands.ReleaseQueue())
    refused = room.until(QueuePart, lambda part: "emergency stop" in part.held and "could not be run" in part.held)
    assert [one.name for one in refused.waiting] == ["small.toml"]
    room.ask(commands.ResetEmergency())
    room.ask(commands.ReleaseQueue())
    room.until(RunPart, lambda part: part.state == "running")
    assert room.ask(commands.Stop()).ok
    room.until(RunPart, lambda part: part.state == "idle" and part.title)
    assert room.room.snapshot().of(QueuePart)[0].held == "the operator stopped the run"
