"""A window of a real service on a simulated laboratory: a run by clicks, from the plan to the emergency stop."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from daq import Laboratory
from daq.analysis.follow import follow
from daq.control_room import ControlRoom
from daq.face.reduced import Moments, Reduced
from daq.face.state import AlarmPart, ControlPart, EmergencyPart, RunPart
from daq.service.client import Client
from daq.service.place import Place
from daq.service.server import Server
from gui.feed import Feed, ServiceFeed
from gui.replay import ReplayFeed
from gui.window import Window
from tests.daq.cli.conftest import SMALL, simulation

Open = Callable[[Feed], Window]
Until = Callable[[Callable[[], object]], None]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, Place]]:
    place = Place(tmp_path / "state")
    with (
        simulation(tmp_path, "--speed", 20) as found,
        Laboratory(found.config) as laboratory,
        ControlRoom(laboratory, tmp_path / "runs") as room,
        Server(room, room.log, place=place) as server,
    ):
        yield server.where, place


class Operator:
    """Presses buttons and looks."""

    def __init__(self, window: Window, qtbot: QtBot, until: Until) -> None:
        self.window, self.qtbot, self.until = window, qtbot, until

    def press(self, name: str) -> None:
        button = self.window.findChild(QPushButton, name)
        assert button is not None
        self.until(button.isEnabled)
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def run(self) -> RunPart:
        return self.window.model.one(RunPart) or RunPart("", "")

    def sees(self, state: str) -> None:
        self.until(lambda: self.run().state == state)


def test_a_run_by_clicks(served: tuple[Path, Place], opened: Open, qtbot: QtBot, until: Until, tmp_path: Path) -> None:
    plan = tmp_path / "small.toml"
    plan.write_text(SMALL)
    where, place = served
    with Client(where, program="window", place=place, wait_s=0) as client:
        window = opened(ServiceFeed(client))
        operator, model = Operator(window, qtbot, until), window.model
        until(lambda: model.one(ControlPart))
        operator.press("control")
        until(lambda: window.header.holder.text() == "you have control")
        window.run.choose(plan)
        operator.press("queue")
        operator.sees("running")
        window.tabs.setCurrentWidget(window.beam)
        until(lambda: (model.one(Reduced) or Reduced("", 0, (), ())).profiles)
        until(lambda: window.beam.profile.plotItem.titleLabel.text.startswith("V11"))
        window.tabs.setCurrentWidget(window.run)
        operator.press("pause")
        operator.sees("paused")
        operator.press("resume")
        operator.sees("running")
        qtbot.keyClick(window, Qt.Key.Key_F12)
        until(lambda: (model.one(EmergencyPart) or EmergencyPart(False)).done)
        operator.sees("fault")
        window.tabs.setCurrentWidget(window.safety)
        until(lambda: window.safety.alarms.rowCount())
        window.safety.alarms.selectRow(0)
        alarm = window.safety.alarms.chosen()
        operator.press("acknowledge")
        until(lambda: alarm not in {one.name for one in model.of(AlarmPart) if not one.gone and not one.acknowledged})
        operator.press("reset")
        until(lambda: not window.header.banner.isVisible())
        path = Path(operator.run().run_file)
        window.leave()
    replayed(path, opened, until)


def replayed(path: Path, opened: Open, until: Until) -> None:
    """The same window shows the same, from the file alone."""
    *_, last, _ = follow(path)
    with ReplayFeed(path, speed=0.0) as feed:
        window = opened(feed)
        until(lambda: (moments := window.model.one(Moments)) is not None and moments.final)
        assert window.model.one(Reduced) == last
        run = window.model.one(RunPart)
        assert run is not None
        assert (run.recorded > 0, run.doing.endswith("; failed")) == (True, True)
        assert not window.header.emergency.isVisible()
        window.leave()
