"""`python -P -m gui.screenshots DIR`: each view of the window during a run of a simulated laboratory, dark and light."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QEventLoop, QTimer
from PyQt6.QtWidgets import QApplication

from config.laboratory import SHIPPED, read_laboratory
from daq.cli.simulation import simulated_laboratory
from daq.face.commands import QueuePlan, TakeControl
from daq.face.reduced import Moments
from daq.face.state import ControlPart, EmergencyPart, RunPart
from daq.service.client import Client
from daq.service.where import where_is
from gui.feed import ServiceFeed
from gui.look import dark_palette
from gui.window import BEAT_MS, STOP, Window

PLAN = SHIPPED / "plans" / "vanadium-25K.toml"
LONGEST_S = 120.0


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication(sys.argv[:1])
    application.setStyle("Fusion")
    light = application.palette()
    with _service() as where, Client(where, program="window", wait_s=0) as client:
        window = Window(ServiceFeed(client))
        window.show()
        for stage, so in STAGES.items():
            _until(partial(so, window))
            for name, palette in (("light", light), ("dark", dark_palette())):
                application.setPalette(palette)
                _take(window, directory, f"{stage}-{name}")
        window.leave()


def _half_done(window: Window) -> bool:
    """Take control, queue the plan, and see half of its shots."""
    holder, run = window.model.one(ControlPart), window.model.one(RunPart)
    if holder is None or run is None:
        return False
    if not holder.holder:
        window.asking(TakeControl(), "take control")
        window.run.choose(PLAN)
    elif not run.title and window.run.queue.isEnabled():
        window.asking(QueuePlan(PLAN.read_text(), PLAN.name), f"queue {PLAN.name}")
        window.run.queue.setEnabled(False)
    return 0 < run.shots <= 2 * run.recorded


def _completed(window: Window) -> bool:
    run = window.model.one(RunPart)
    return window.model.one(Moments) is not None and run is not None and run.state == "idle"


def _stopped(window: Window) -> bool:
    """Press the emergency stop, and see its outcome."""
    emergency = window.model.one(EmergencyPart)
    if emergency is not None and not emergency.active and window.told.text() != f"{STOP} …":
        window.emergency_stop()
    return emergency is not None and emergency.active and emergency.done


def _take(window: Window, directory: Path, name: str) -> None:
    for number in range(window.tabs.count()):
        window.tabs.setCurrentIndex(number)
        window.beat()
        _go_on(4 * BEAT_MS)
        title = window.tabs.tabText(number).replace("&", "").lower()
        window.grab().save(str(directory / f"{title}-{name}.png"))


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


STAGES = {"running": _half_done, "completed": _completed, "stopped": _stopped}


@contextmanager
def _service() -> Iterator[Path]:
    """A simulated laboratory and its service, with a state of their own."""
    with tempfile.TemporaryDirectory(prefix="clusterbeam-") as scratch:
        os.environ["XDG_STATE_HOME"] = scratch
        config = Path(scratch) / "laboratory.toml"
        with simulated_laboratory(["--write-config", str(config)]):
            command = [sys.executable, "-P", "-m", "daq.cli", "serve", "--config", str(config), "--output", scratch]
            process = subprocess.Popen(command)
            try:
                yield where_is(read_laboratory(config)[0].name)
            finally:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
