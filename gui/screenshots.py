"""`python -P -m gui.screenshots DIR`: each view of the window during a run of a simulated laboratory, dark and light."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PyQt6.QtCore import QEventLoop, QSettings, QTimer
from PyQt6.QtWidgets import QApplication

from config.laboratory import SHIPPED, read_laboratory
from daq.cli.simulation import simulated_laboratory
from daq.face.commands import QueuePlan, TakeControl
from daq.face.reduced import Moments
from daq.face.state import AlarmPart, ControlPart, EmergencyPart, InstrumentPart, RunPart
from daq.service.client import Client
from daq.service.where import where_is
from gui.feed import ServiceFeed
from gui.look import dark_palette
from gui.replay import ReplayFeed
from gui.window import BEAT_MS, STOP, Window

PLAN = SHIPPED / "plans" / "vanadium-25K.toml"
LONGEST_S = 120.0
SMALL, LARGE = (1280, 800), (2560, 1440)


class Picture(NamedTuple):
    """One picture of a view."""

    view: str
    dark: bool = False
    large: bool = False


PICTURES = {
    "running": (
        *(Picture(view) for view in ("run", "beam", "signal", "machine", "large")),
        Picture("beam", dark=True),
        Picture("beam", large=True),
    ),
    "completed": (Picture("results"), Picture("calibrate"), Picture("machine", large=True)),
    "dead": (Picture("machine"), Picture("safety"), Picture("safety", dark=True)),
    "stopped": (Picture("safety"), Picture("run", dark=True)),
    "replay": (Picture("beam"), Picture("run")),
}
"""What the operator's guide shows, by the stage of the run."""


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication(sys.argv[:1])
    application.setStyle("Fusion")
    light = application.palette()
    with _service() as (where, control), Client(where, program="window", wait_s=0) as client:
        window = Window(ServiceFeed(client))
        window.show()
        for stage, so in STAGES.items():
            _until(partial(so, window, control))
            for picture in PICTURES[stage]:
                application.setPalette(dark_palette() if picture.dark else light)
                _take(window, directory, stage, picture)
            application.setPalette(light)
        path = Path((window.model.one(RunPart) or RunPart("", "")).run_file)
        window.leave()
        with ReplayFeed(path, speed=0.0) as feed:
            window = Window(feed)
            window.show()
            _until(lambda: window.model.one(Moments) is not None)
            window.run.details.setCurrentWidget(window.run.shot)
            for picture in PICTURES["replay"]:
                _take(window, directory, "replay", picture)
            window.leave()


def _half_done(window: Window, control: str) -> bool:
    """Take control, queue the plan, and see half of its shots."""
    holder, run = window.model.one(ControlPart), window.model.one(RunPart)
    if holder is None or run is None:
        return False
    if not holder.holder:
        window.asking(TakeControl(), "take control")
        # The pictures should not tell where this program is installed.
        window.run.choose(Path(shutil.copy(PLAN, os.environ["XDG_STATE_HOME"])))
        window.machine.watch("cold_head", "temperature_K")
    elif not run.title and window.run.queue.isEnabled():
        window.asking(QueuePlan(PLAN.read_text(), PLAN.name), f"queue {PLAN.name}")
        window.run.queue.setEnabled(False)
    moments = window.model.one(Moments)
    return 0 < run.shots <= 2 * run.recorded and moments is not None and bool(moments.points)


def _dead(window: Window, control: str) -> bool:
    """The cold head says nothing any more, and that is seen."""
    cold_head = next(part for part in window.model.of(InstrumentPart) if part.name == "cold_head")
    if cold_head.live:
        _fault(control, instrument="cold_head", kind="silence", count=100_000)
    return not cold_head.live and any(not one.gone for one in window.model.of(AlarmPart))


def _completed(window: Window, control: str) -> bool:
    """With its moments, and a calibration made from it."""
    moments, run, view = window.model.one(Moments), window.model.one(RunPart), window.calibrate
    if moments is None or not moments.final or run is None or run.state not in ("idle", "fault"):
        return False
    if view.run_file is None:
        view.choose(Path(run.run_file))
        view.evaluate.click()
    return not view.beside.busy


def _stopped(window: Window, control: str) -> bool:
    """Press the emergency stop, and see its outcome."""
    emergency = window.model.one(EmergencyPart)
    if emergency is not None and not emergency.active and window.told.text() != f"{STOP} …":
        window.emergency_stop()
    return emergency is not None and emergency.active and emergency.done


def _fault(control: str, **fault: object) -> None:
    """By the control socket of the simulated laboratory."""
    host, _, port = control.partition(":")
    with socket.create_connection((host, int(port))) as wire, wire.makefile("rb") as answers:
        wire.sendall(json.dumps({"do": "fault", **fault}).encode() + b"\n")
        answer = json.loads(answers.readline())
    if not answer["ok"]:
        raise SystemExit(answer["error"])


def _take(window: Window, directory: Path, stage: str, picture: Picture) -> None:
    window.resize(*(LARGE if picture.large else SMALL))
    window.large_numbers.setChecked(picture.view == "large")
    for number in range(window.tabs.count()):
        if window.tabs.tabText(number).replace("&", "").lower() == picture.view:
            window.tabs.setCurrentIndex(number)
    window.beat()
    _go_on(8 * BEAT_MS)
    parts = (picture.view, stage, *(["dark"] if picture.dark else []), *(["2560"] if picture.large else []))
    window.grab().save(str(directory / f"{'-'.join(parts)}.png"))


def _go_on(for_ms: int) -> None:
    """The window's events."""
    loop = QEventLoop()
    QTimer.singleShot(for_ms, loop.quit)
    loop.exec()


def _until(so: Callable[[], bool]) -> None:
    late = time.monotonic() + LONGEST_S
    while not so():
        if time.monotonic() > late:
            raise SystemExit("the simulated run did not come so far in time")
        _go_on(BEAT_MS)


STAGES = {"running": _half_done, "completed": _completed, "dead": _dead, "stopped": _stopped}


@contextmanager
def _service() -> Iterator[tuple[Path, str]]:
    """Where the service of a simulated laboratory is, with a state of its own, and that laboratory's control socket."""
    with tempfile.TemporaryDirectory(prefix="clusterbeam-") as scratch:
        os.environ["XDG_STATE_HOME"] = scratch
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, scratch)
        config = Path(scratch) / "laboratory.toml"
        with simulated_laboratory(["--write-config", str(config), "--speed", "20"]):
            command = [sys.executable, "-P", "-m", "daq.cli", "serve", "--config", str(config), "--output", scratch]
            process = subprocess.Popen(command)
            try:
                laboratory = read_laboratory(config)[0]
                yield where_is(laboratory.name), str(laboratory.control)
            finally:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
