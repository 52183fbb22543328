"""Pauses: whoever wants one, whenever, the run waits without triggers and goes on where it was."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from config.laboratory import Policy
from daq import Laboratory
from daq.engine.clock import Clock, Interrupted
from daq.engine.control import Control, Wish
from daq.engine.logbook import Logbook
from daq.engine.machine import Machine
from daq.engine.pausing import Failed, Pauses
from daq.engine.run import Run
from daq.engine.state import Ending, Progress, State
from daq.plan.expansion import PlannedStep
from daq.signals import Controllable
from drivers.errors import DriverError
from tests.daq.cli.conftest import QUICK, SMALL, simulation

STEP = cast(PlannedStep, None)


@dataclass
class Bench:
    """A machine of which only the triggers are known; the first `refusals` of them do not start again."""

    refusals: int = 0
    done: list[str] = field(default_factory=list)

    def hold(self) -> None:
        self.done.append("hold")

    def forget(self) -> None:
        self.done.append("forget")

    def set_up(self, name: str) -> None:
        self.done.append(f"set up {name}")

    def release(self, step: PlannedStep) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DriverError("chopper", "does not lock yet")
        self.done.append("release")


class Paused:
    """A run that takes shots, and what is told of it; `when_paused` is called each time that a pause is told."""

    def __init__(self, bench: Bench, when_paused: Callable[[Control], None] = lambda control: None, **policies: Policy) -> None:
        self.control = Control(policies, lambda: None)
        self.told: list[str] = []
        self._when_paused = when_paused
        logbook = Logbook(10, 1.0, Clock(1.0), self._told)
        self.pauses = Pauses(self.control, cast(Machine, bench), Clock(1.0), logbook)
        logbook.report(State.PREPARING, "preparing")
        logbook.report(State.RUNNING, "running")
        self.told.clear()

    def _told(self, progress: Progress) -> None:
        self.told.append(f"{progress.state}: {progress.doing}")
        if progress.state is State.PAUSED:
            self._when_paused(self.control)


def test_who_goes_on_before_the_burst_is_read_finds_the_triggers_started_again() -> None:
    bench = Bench()
    run = Paused(bench)
    run.control.pause()
    run.pauses.hold()
    run.control.resume()
    assert run.pauses.attend(STEP)
    assert bench.done[-1] == "release"
    assert not run.pauses.holding
    assert not run.pauses.attend(STEP)


def test_an_instrument_that_fails_after_a_long_pause_has_its_own_time() -> None:
    bench = Bench(refusals=1)

    def go_on(control: Control) -> None:
        if "paused by the operator" in run.told[-1]:
            clock.began_s -= 7200.0
        control.resume()

    run = Paused(bench, go_on, chopper=Policy(on_fault="pause", pause_at_most_s=3600.0))
    clock = run.pauses._clock = cast(Any, Shifted())
    run.control.pause()
    assert run.pauses.attend(STEP)
    assert bench.done == ["hold", "hold", "set up chopper", "release"]


def test_nobody_resumes_the_run() -> None:
    def wait(control: Control) -> None:
        clock.began_s -= 7200.0

    run = Paused(Bench(), wait, chopper=Policy(on_fault="pause", pause_at_most_s=3600.0))
    clock = run.pauses._clock = cast(Any, Shifted())
    run.control.unfit("chopper", "chopper has lost lock", clock.now())
    with pytest.raises(Failed, match="chopper has lost lock; nobody resumed the run in 3600 s"):
        run.pauses.attend(STEP)


class Shifted(Clock):
    """A clock that can be put forward."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.began_s = 0.0

    def now(self) -> float:
        return super().now() - self.began_s


def test_what_holds_a_paused_run_up_next_is_told() -> None:
    def turn(control: Control) -> None:
        if run.told == ["paused: paused by the operator"]:
            control.hinder("disk", "the disk is full")
        else:
            control.resume()
            control.clear("disk")

    run = Paused(Bench(), turn)
    run.control.pause()
    assert run.pauses.attend(STEP)
    assert run.told == [
        "paused: paused by the operator",
        "paused: paused: the disk is full",
        "running: going on after the pause",
    ]


@pytest.mark.parametrize("works", [True, False])
def test_who_is_back_is_set_up_or_gone_without_again(works: bool) -> None:
    class Fragile(Bench):
        def set_up(self, name: str) -> None:
            super().set_up(name)
            # Setting up takes seconds, in which somebody may resume the run.
            run.control.resume()
            if not works:
                raise DriverError(name, "does not answer")

    bench = Fragile()
    run = Paused(bench, gauge=Policy(on_fault="skip"))
    run.control.unfit("gauge", "gauge is lost", 0.0)
    assert run.control.wish() is Wish.GO_ON
    assert run.control.back("gauge")
    assert not run.control.back("chopper")
    assert run.pauses.attend(STEP)
    assert bench.done == ["hold", "set up gauge", "release"]
    assert ("gauge" in run.control.missing) is not works


def test_ctrl_z_goes_on_whoever_has_paused() -> None:
    """`signals` asks a run whether it waits."""
    run = cast(Any, Run.__new__(Run))
    run._control = control = Control({}, lambda: None)
    signalled: Controllable = run
    assert not signalled.waits
    control.hinder("interlock it", "too warm")
    assert signalled.waits
    control.clear("interlock it")
    control.pause()
    assert signalled.waits


class Firing:
    """A laser, lost at first, that remembers whether it fires."""

    def __init__(self, name: str) -> None:
        self.name, self.fires = name, True

    def stop(self) -> None:
        self.fires = False

    def start(self) -> None:
        self.fires = True

    def prepare(self) -> None:
        self.fires = False


def test_a_laser_that_is_set_up_while_triggers_go_on_does_not_fire() -> None:
    class Generator:
        def stop(self) -> None:
            raise DriverError("delay_generator", "does not answer")

    lasers = Firing("ablation_laser"), Firing("ionisation_laser")
    machine = cast(Any, Machine.__new__(Machine))
    machine.instruments = SimpleNamespace(
        ablation_laser=lasers[0],
        ionisation_laser=lasers[1],
        delay_generator=Generator(),
        by_name={laser.name: laser for laser in lasers},
        reconnect=lambda name: None,
    )
    machine._dark, machine._clock = False, Clock(1.0)
    machine._laboratory = SimpleNamespace(
        instruments={laser.name: SimpleNamespace(role=laser.name.replace("_", " ")) for laser in lasers}
    )
    with pytest.raises(DriverError):
        machine.hold()
    for laser in lasers:
        machine.set_up(laser.name)
    assert not any(laser.fires for laser in lasers)
    machine._dark = False
    machine.set_up("ablation_laser")
    assert lasers[0].fires


@pytest.mark.timeout(120)
@pytest.mark.parametrize("doing", ["preparing instruments, source and chopper", "starting the lasers"])
def test_a_pause_before_the_first_shot_is_a_pause(doing: str, tmp_path: Path) -> None:
    base, plan = tmp_path / "base.toml", tmp_path / "plan.toml"
    base.write_text(QUICK)
    plan.write_text(SMALL)
    states: list[State] = []
    asked = Event()
    with simulation(tmp_path, "--config", base, "--speed", 20, "--seed", 5) as found, Laboratory(found.config) as lab:

        def watch(progress: Progress) -> None:
            states.append(progress.state)
            assert lab.current is not None
            if progress.doing == doing and not asked.is_set():
                asked.set()
                lab.current.pause()
            elif progress.state is State.PAUSED:
                lab.current.resume()

        checked = lab.plan(plan)
        summary = lab.run(checked, tmp_path / "runs", watch)
    assert State.PAUSED in states
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert summary.recorded == checked.shots


def test_what_earlier_files_hold_is_read_block_by_block_and_a_stop_is_heard_meanwhile() -> None:
    """Of a long run that takes many minutes, in which the guard has to hear that all is well."""
    deadlines: list[float] = []
    fed: list[int] = []
    run = cast(Any, Run.__new__(Run))
    run._control, run._clock = Control({}, lambda: None), Clock(1.0, lambda within_s, doing: deadlines.append(within_s))
    run._logbook = Logbook(10, 1.0, run._clock, lambda progress: None)
    run._before = SimpleNamespace(feed=lambda follower: [follower(None, block) for block in range(5)])
    run._remember(lambda step, block: fed.append(block))
    assert (fed, len(deadlines)) == ([0, 1, 2, 3, 4], 5)
    run._control.pause()
    run._remember(lambda step, block: fed.append(block))
    assert len(fed) == 10
    run._control.stop()
    with pytest.raises(Interrupted):
        run._remember(lambda step, block: fed.append(block))
    assert len(fed) == 10
