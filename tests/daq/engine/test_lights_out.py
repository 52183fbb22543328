"""A run that is held up when its end is wanted loses light and field all the same; one that comes to rest sees to it itself."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from config.laboratory import read_laboratory
from daq import Laboratory
from daq.engine.lights_out import LightsOut
from daq.engine.state import Ending, Progress
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import SMALL, child, simulation


def test_a_run_that_comes_to_rest_is_left_alone() -> None:
    called = Event()
    with LightsOut(called.set) as lights:
        lights.resting()
        lights.want()
    assert not called.is_set()


def test_a_run_whose_end_nobody_wants_is_left_alone() -> None:
    called = Event()
    with LightsOut(called.set):
        pass
    assert not called.is_set()


def test_a_run_that_does_not_hear_is_not_waited_for() -> None:
    called = Event()
    with LightsOut(called.set) as lights:
        lights.want()
        lights.want()
        assert called.wait(10)


def stop(lab: Laboratory) -> None:
    assert lab.current is not None
    lab.current.stop()


def kill_writer(lab: Laboratory) -> None:
    os.kill(child(os.getpid(), "daq.record.writer"), signal.SIGKILL)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("end", "ending", "reason"),
    [(stop, Ending.STOPPED, "stopped by the operator"), (kill_writer, Ending.FAILED, "has died")],
)
def test_lasers_and_magnet_go_down_while_the_run_waits(
    tmp_path: Path, end: Callable[[Laboratory], None], ending: Ending, reason: str
) -> None:
    """The run's own thread stands still, as with an instrument that does not answer, until the simulators tell of no light."""
    plan = tmp_path / "plan.toml"
    plan.write_text(SMALL)
    found_dark: list[bool] = []
    with (
        simulation(tmp_path, "--speed", 20, "--seed", 5) as found,
        Remote(read_laboratory(found.config)[0].control) as control,
        Laboratory(found.config) as lab,
    ):

        def watch(progress: Progress) -> None:
            if progress.recorded >= 60 and not found_dark:
                assert not dark(control)
                end(lab)
                found_dark.append(becomes_dark(control))

        summary = lab.run(lab.plan(plan), tmp_path / "runs", watch)
    assert found_dark == [True]
    assert summary.ending is ending
    assert reason in summary.reason
    assert summary.unsafe == ()


def dark(control: Remote) -> bool:
    states: dict[str, Any] = control(do="state")["states"]
    return (
        not states["ablation_laser"]["armed"]
        and states["ionisation_laser"]["opmode"].startswith("OFF")
        and states["magnet"]["setpoint_A"] == 0.0
    )


def becomes_dark(control: Remote) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if dark(control):
            return True
    return False
