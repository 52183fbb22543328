"""What becomes of a run when something fails in the middle: it ends or goes on as the instrument's policy says, and every
shot is accounted for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.laboratory import read_laboratory
from daq import Laboratory
from daq.engine.state import Ending, Progress, State, Summary
from daq.record.series import Series
from daq.record.verify import Report, verify, verify_plan
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import QUICK, SMALL, simulation

pytestmark = pytest.mark.timeout(120)
DRIVERS = {
    "delay_generator": "srs_dg645",
    "chopper": "srs_sr542",
    "magnet": "danfysik_8500",
    "cold_head": "lakeshore_336",
    "digitizer": "keysight_infiniium",
    "ablation_laser": "quantel_bss",
    "helium": "bronkhorst_elpress",
}
PLAN = SMALL.replace("shots_per_group = 80", "shots_per_group = 120")
SHOTS = 480


class Disturbed:
    """A run in which `fault` happens once shots are taken, and `when_paused` at the first pause."""

    def __init__(self, directory: Path, policies: dict[str, str], speed: float = 20.0) -> None:
        text = QUICK
        for name, policy in policies.items():
            driver = f'driver = "{DRIVERS[name]}"'
            text = text.replace(driver, f"{driver}\npolicy = {policy}")
        (directory / "base.toml").write_text(text)
        (directory / "plan.toml").write_text(PLAN)
        self._directory, self._speed = directory, speed
        self.states: list[State] = []

    def run(self, fault: dict[str, Any], when_paused: Callable[[Remote], None] = lambda control: None) -> Summary:
        base = self._directory / "base.toml"
        with (
            simulation(self._directory, "--config", base, "--speed", self._speed, "--seed", 5) as found,
            Remote(read_laboratory(found.config)[0].control) as control,
            Laboratory(found.config) as lab,
        ):

            def watch(progress: Progress) -> None:
                if progress.state is not (self.states[-1] if self.states else None):
                    self.states.append(progress.state)
                    if progress.state is State.PAUSED:
                        when_paused(control)
                if progress.recorded >= 60 and fault:
                    control(do="fault", **fault)
                    fault.clear()

            summary = lab.run(lab.plan(self._directory / "plan.toml"), self._directory / "runs", watch)
        assert summary.path is not None
        with Series(summary.path) as series:
            self.report: Report = verify(series.last)
            self.plan = verify_plan(series)
            self.log = [text for _, text in series.last.events()]
        assert self.report.complete, self.report.faults
        assert not self.plan.faults
        assert summary.unsafe == ()
        return summary


UNLOCK = {"instrument": "chopper", "kind": "lose_lock", "seconds": 16.0}
TRIP = {"instrument": "magnet", "kind": "interlock", "cause": "magnet water flow"}


def test_a_chopper_that_loses_lock_ends_the_run_unless_told_otherwise(tmp_path: Path) -> None:
    run = Disturbed(tmp_path, {})
    summary = run.run(dict(UNLOCK))
    assert summary.ending is Ending.FAILED
    assert "chopper is not fit for a run" in summary.reason
    assert run.report.bad.keys() >= {"an instrument was lost or unfit"}
    assert 0 < summary.recorded < SHOTS


def test_a_chopper_with_the_policy_retry_is_waited_for(tmp_path: Path) -> None:
    run = Disturbed(tmp_path, {"chopper": '{ on_fault = "retry", retry_after_s = 1.0 }'})
    summary = run.run(dict(UNLOCK))
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert run.plan.recorded == SHOTS
    assert run.states[-5:] == [State.RUNNING, State.PAUSED, State.RUNNING, State.FINISHING, State.IDLE]
    assert any("chopper is set up again" in text for text in run.log)


def test_with_the_policy_skip_the_run_goes_on_and_its_shots_are_marked(tmp_path: Path) -> None:
    run = Disturbed(tmp_path, {"chopper": '{ on_fault = "skip" }'})
    summary = run.run(dict(UNLOCK))
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert State.PAUSED not in run.states
    assert 0 < run.report.bad["an instrument was lost or unfit"] < SHOTS
    assert any("chopper is fit again" in text for text in run.log)


def test_with_the_policy_skip_a_lost_wire_is_opened_again_and_its_instrument_set_up(tmp_path: Path) -> None:
    run = Disturbed(tmp_path, {"chopper": '{ on_fault = "skip" }'})
    summary = run.run({"instrument": "chopper", "kind": "drop"})
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert run.plan.recorded == SHOTS
    assert run.states.count(State.PAUSED) == 1
    assert any("chopper is set up again" in text for text in run.log)
    assert 0 < run.report.bad["an instrument was lost or unfit"] < SHOTS


def test_a_tripped_magnet_with_the_policy_pause_waits_for_the_operator(tmp_path: Path) -> None:
    """The operator restores the water and resumes; the program resets the interlock and ramps up again."""
    run = Disturbed(tmp_path, {"magnet": '{ on_fault = "pause", pause_at_most_s = 30.0 }'})
    summary = run.run(dict(TRIP))
    assert summary.ending is Ending.FAILED
    assert "nobody resumed the run in 30 s" in summary.reason
    assert "magnet water flow" in summary.reason


def test_a_tripped_magnet_with_the_policy_retry_comes_back(tmp_path: Path) -> None:
    run = Disturbed(tmp_path, {"magnet": '{ on_fault = "retry", retries = 5, retry_after_s = 1.0 }'})
    summary = run.run(dict(TRIP), lambda control: control(do="fault", **TRIP, present=False))
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert run.plan.recorded == SHOTS


def test_where_triggers_cannot_be_stopped_lasers_are_and_fire_again_after_the_pause(tmp_path: Path) -> None:
    run = Disturbed(tmp_path, {"delay_generator": '{ on_fault = "retry", retries = 20, retry_after_s = 0.5 }'})
    lasers: list[tuple[bool, str]] = []

    def look(control: Remote) -> None:
        states: dict[str, Any] = control(do="state")["states"]
        lasers.append((states["ablation_laser"]["armed"], states["ionisation_laser"]["opmode"]))
        control(do="clear", instrument="delay_generator")

    summary = run.run({"instrument": "delay_generator", "kind": "silence", "count": 1_000_000}, look)
    assert [(armed, mode.split(":")[0]) for armed, mode in lasers] == [(False, "OFF")]
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert run.plan.recorded == SHOTS
    assert any("the triggers could not be stopped" in text for text in run.log)


def test_an_instrument_is_not_set_up_for_ever(tmp_path: Path) -> None:
    run = Disturbed(tmp_path, {"magnet": '{ on_fault = "retry", retries = 2, retry_after_s = 0.5 }'})
    summary = run.run(dict(TRIP))
    assert summary.ending is Ending.FAILED
    assert "it was set up again 2 times in this run" in summary.reason


def test_lost_wires_with_the_policy_retry_are_opened_again(tmp_path: Path) -> None:
    """First that of the digitizer in the middle of a burst, whose shots are lost; then, in the pause, that of the cold head."""
    policy = '{ on_fault = "retry", retry_after_s = 0.5 }'
    run = Disturbed(tmp_path, {"cold_head": policy, "digitizer": policy})
    again = {"instrument": "cold_head", "kind": "drop"}
    summary = run.run({"instrument": "digitizer", "kind": "drop"}, lambda control: control(do="fault", **again))
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert run.plan.recorded == SHOTS
    for name in ("cold_head", "digitizer"):
        assert any(f"{name} is set up again" in text for text in run.log)
    assert run.report.causes.keys() == {"the digitizer failed"}


def test_a_laser_that_misfires_for_three_seconds_darkens_its_shots_and_no_others(tmp_path: Path) -> None:
    """At most 60 shots, since some triggers fall into a read-out; they follow each other, and the laser's counter tells too."""
    run = Disturbed(tmp_path, {})
    summary = run.run({"instrument": "ablation_laser", "kind": "misfire", "seconds": 3.0})
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert summary.path is not None
    with Series(summary.path) as series:
        (numbers,) = np.nonzero(series.last.bad)
    assert 10 <= len(numbers) <= 60
    assert numbers.tolist() == list(range(numbers[0], numbers[-1] + 1))
    assert run.report.bad == {"no ion at all, though the shots around it have many": len(numbers)}
    assert any("did not count" in text for text in run.log)
