"""The window alone: what it shows of what it is told, and what it asks for when something is pressed."""

import json
import socket
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence, QPalette
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QLabel,
    QMessageBox,
    QPushButton,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from daq.face.commands import (
    Acknowledge,
    Answer,
    CheckPlan,
    EmergencyStop,
    GiveControl,
    Note,
    QueuePlan,
    QueueRest,
    ReleaseQueue,
    ResetEmergency,
    Shelve,
    Stop,
    TakeControl,
    Unqueue,
)
from daq.face.state import (
    AlarmPart,
    ControlPart,
    EmergencyPart,
    GuardPart,
    InterlockPart,
    LogPart,
    MachinePart,
    Queued,
    QueuePart,
    RunPart,
    Settable,
    SettablePart,
)
from daq.service.client import Client
from daq.service.errors import NoAnswerError
from daq.service.place import Place
from daq.service.server import Server
from daq.service.where import Announcement, where_is
from gui.feed import Feed, ServiceFeed
from gui.look import dark_palette, is_dark
from gui.plots.spectrum import SpectrumPlot
from gui.setting import SettingDialog
from gui.table import Row
from gui.window import Window
from gui.words import run_grade
from tests.daq.service.room import LABORATORY, FakeRoom
from tests.gui.fake import FakeClient, magnet, moments, reduced, running

Open = Callable[[Feed], Window]
Until = Callable[[Callable[[], object]], None]
KEY = "a" * 40


def press(qtbot: QtBot, window: QWidget, name: str) -> None:
    button = window.findChild(QPushButton, name)
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_it_shows_a_run_and_says_whose_it_is(opened: Open) -> None:
    client = FakeClient(running(), magnet(), LogPart(("one", "two")), QueuePart((Queued(7, "p.toml", "P", 10, 60.0, "anna"),)))
    window = opened(ServiceFeed(client))
    assert window.windowTitle() == "fake — Vanadium — running — clusterbeam"
    assert window.run.counts.text() == ("300 of 1,000 shots fired: 200 recorded, 20 lost, 80 being read; about 3.0 s left")
    assert window.run.progress.value() == 200
    assert window.run.waiting.rowCount() == 1
    client.put(LogPart(("one", "two", "three")))
    window.beat()
    assert window.run.log.count() == 3
    client.put(LogPart(("two", "three", "four")))
    window.beat()
    assert [window.run.log.item(row).text() for row in range(3)] == ["two", "three", "four"]


def test_a_simulated_machine_is_told_from_a_real_one(opened: Open) -> None:
    client = FakeClient(MachinePart(False))
    window = opened(ServiceFeed(client))
    assert window.header.laboratory.text() == "fake"
    client.put(MachinePart(True))
    window.beat()
    assert window.header.laboratory.text() == "SIMULATED fake"
    assert window.windowTitle().startswith("SIMULATED fake")


def test_what_is_pressed_is_asked(opened: Open, qtbot: QtBot) -> None:
    queue = QueuePart((Queued(7, "p.toml", "P", 10, 60.0, "anna"),), "anna stopped the run")
    alarm = AlarmPart("magnet_water", "no water", 900.0, True)
    client = FakeClient(running(), queue, alarm, EmergencyPart(True, "anna", 990.0, True, ("magnet: off (confirmed)",)))
    window = opened(ServiceFeed(client))
    window.run.waiting.selectRow(0)
    for name in ("stop", "release", "remove"):
        press(qtbot, window, name)
    window.run.note.setText("the pump is loud")
    qtbot.keyClick(window.run.note, Qt.Key.Key_Return)
    window.tabs.setCurrentWidget(window.safety)
    window.safety.alarms.selectRow(0)
    for name in ("acknowledge", "shelve", "reset"):
        press(qtbot, window, name)
    qtbot.keyClick(window, Qt.Key.Key_F12)
    assert client.commands() == [
        Stop(),
        ReleaseQueue(),
        Unqueue(7),
        Note("the pump is loud"),
        Acknowledge("magnet_water"),
        Shelve("magnet_water", 600.0),
        ResetEmergency(),
        EmergencyStop(),
    ]
    assert window.header.banner.text().startswith("EMERGENCY STOP by anna")
    assert "1 new alarm" in window.header.alarms.text()


LONG = "the magnet's water is warm and the source's pump says nothing; "


def test_however_much_there_is_to_say_the_emergency_stop_stays_on_the_screen(opened: Open) -> None:
    said, path = (16 * LONG)[:1000], f"/data/{'x' * 200}/{'y' * 200}.h5"
    client = FakeClient(RunPart("fault", said, said, path), magnet(error=said, live=False), reduced(), ControlPart(500 * "o"))
    client.put(QueuePart((Queued(1, path, said, 10, 60.0, "anna"),), said))
    client.put(InterlockPart("water", said, "warn", "active", said, holds_start=True))
    window = opened(ServiceFeed(client))
    window.run.choose(Path(path))
    window.calibrate.choose(Path(path))
    window.resize(1000, 800)
    for number in range(window.tabs.count()):
        window.tabs.setCurrentIndex(number)
        window.beat()
        assert window.minimumSizeHint().width() < 1000, window.tabs.tabText(number)
        assert window.width() == 1000
        assert window.height() == 800
        stop = window.header.emergency
        assert window.rect().contains(stop.rect().translated(stop.mapTo(window, stop.rect().topLeft())))
    assert window.header.run.toolTip() == f"■ fault: {said}"
    assert window.header.run.height() == 2 * window.header.run.fontMetrics().lineSpacing()


def test_control_is_taken_given_and_taken_away_after_a_question(opened: Open, qtbot: QtBot, until: Until) -> None:
    client = FakeClient(ControlPart())
    window = opened(ServiceFeed(client))
    for holder, text in (("", "&Take control"), (client.name, "&Give control"), ("anna@office:window", "&Take control")):
        client.put(ControlPart(holder))
        window.beat()
        assert window.header.take.text() == text
        press(qtbot, window, "control")
    assert client.commands() == [TakeControl(), GiveControl()]
    (box,) = window.findChildren(QMessageBox)
    until(box.isActiveWindow)
    qtbot.keyClick(box, Qt.Key.Key_F12)
    (button,) = [one for one in box.buttons() if one.text() == "Take it"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert client.commands()[2:] == [EmergencyStop(), TakeControl(force=True)]


def test_the_stop_key_works_while_a_list_or_a_menu_is_open(opened: Open, qtbot: QtBot, until: Until) -> None:
    client = FakeClient(running(), magnet(), SettablePart("magnet", (Settable("current_A", "A", "float"),)))
    window = opened(ServiceFeed(client))
    bar = window.menuBar()
    assert bar is not None
    handle = window.windowHandle()
    bar.actions()[0].menu().popup(window.pos())
    until(QApplication.activePopupWidget)
    qtbot.keyClick(handle, Qt.Key.Key_F12)
    assert client.commands() == [EmergencyStop()]
    bar.actions()[0].menu().close()
    window.tabs.setCurrentWidget(window.machine)
    window.beat()
    press(qtbot, window, "set magnet")
    (dialog,) = window.findChildren(SettingDialog)
    dialog.which.showPopup()
    until(QApplication.activePopupWidget)
    qtbot.keyClick(dialog.windowHandle(), Qt.Key.Key_F12)
    assert client.commands()[2:] == [EmergencyStop()]
    dialog.which.hidePopup()
    dialog.close()


def test_the_stop_key_works_while_a_file_is_to_be_replaced(opened: Open, qtbot: QtBot, until: Until, tmp_path: Path) -> None:
    client = FakeClient(running(), reduced(), moments())
    window = opened(ServiceFeed(client))
    window.tabs.setCurrentWidget(window.results)
    there = tmp_path / "results.json"
    for answer, text in (("Cancel", "as it was"), ("Replace it", "")):
        there.write_text("as it was")
        press(qtbot, window, "save results")
        dialog = window.findChildren(QFileDialog)[-1]
        qtbot.keyClick(dialog.windowHandle(), Qt.Key.Key_F12)
        dialog.fileSelected.emit(str(there))
        dialog.close()
        box = window.findChildren(QMessageBox)[-1]
        assert box.text() == f"{there} is there already.  Replace it?"
        until(box.isActiveWindow)
        qtbot.keyClick(box.windowHandle(), Qt.Key.Key_F12)
        (button,) = [one for one in box.buttons() if one.text().replace("&", "") == answer]
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert text in there.read_text()
    assert json.loads(there.read_text())["points"]
    assert client.commands() == [EmergencyStop()] * 4


def test_a_plan_is_chosen_checked_and_queued(opened: Open, qtbot: QtBot, until: Until, tmp_path: Path) -> None:
    client = FakeClient()
    window = opened(ServiceFeed(client))
    plan = tmp_path / "plan.toml"
    plan.write_text("title = 'x'")
    press(qtbot, window, "browse")
    (dialog,) = window.findChildren(QFileDialog)
    dialog.setDirectory(str(tmp_path))
    dialog.fileSelected.emit(str(plan))
    dialog.close()
    queue = window.findChild(QPushButton, "queue")
    assert queue is not None
    assert not queue.isEnabled()
    client.asked[0][1].set_result(Answer(True, "fine"))
    until(queue.isEnabled)
    press(qtbot, window, "queue")
    assert client.commands() == [CheckPlan("title = 'x'"), QueuePlan("title = 'x'", "plan.toml")]
    window.run.choose(tmp_path / "absent.toml")
    assert "cannot be read" in window.run.checked.text()
    assert not queue.isEnabled()


def test_the_rest_of_a_run_is_queued(opened: Open, qtbot: QtBot, tmp_path: Path) -> None:
    client = FakeClient(running())
    window = opened(ServiceFeed(client))
    press(qtbot, window, "rest")
    (dialog,) = window.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "run.h5"))
    dialog.close()
    assert client.commands() == [QueueRest(str(tmp_path / "run.h5"))]


def test_silence_is_prominent_and_ages_grow(opened: Open) -> None:
    client = FakeClient(magnet(), running())
    window = opened(ServiceFeed(client))
    window.tabs.setCurrentWidget(window.machine)
    window.beat()
    card = window.machine.cards["magnet"]
    assert card.state.text() == "● on"
    assert not window.header.banner.isVisible()
    client.trouble, client.silent_s = "the service is silent", 30.0
    window.beat()
    assert window.header.banner.isVisible()
    assert window.header.banner.text().startswith("NOT HEARD FOR 30 s")
    assert card.state.text() == "◌ was on"
    client.trouble, client.silent_s = "", 0.0
    window.beat()
    assert not window.header.banner.isVisible()
    assert card.state.text() == "● on"


def test_while_nothing_is_heard_nothing_is_shown_as_good_or_bad(opened: Open) -> None:
    interlock = InterlockPart("compressor_off", "compressor.running is off", "refuse start", "active", "", 900.0, True)
    alarm = AlarmPart("magnet_water", "no water", 900.0, True)
    client = FakeClient(running(), interlock, alarm, GuardPart(True), EmergencyPart(False), QueuePart((), "anna stopped it"))
    window = opened(ServiceFeed(client))
    large, safety, run = window.large, window.safety, window.run
    window.large_numbers.setChecked(True)

    def marks() -> list[str]:
        window.beat()
        labels = (safety.start, safety.guard, safety.emergency, run.state, run.held, window.header.run, large.values["alarms"])
        cells = (safety.interlocks.item(0, 0), safety.interlocks.item(0, 3), safety.alarms.item(0, 0))
        return [one.text()[0] for one in (*labels, *cells)]

    heard = ["■", "●", "○", "●", "▲", "●", "■", "■", "■", "■"]
    assert marks() == heard
    client.trouble, client.silent_s = "the service is silent", 30.0
    assert marks() == ["◌"] * len(heard)
    client.trouble, client.silent_s = "", 0.0
    assert marks() == heard


def test_alarms_on_the_shelf_are_not_new(opened: Open) -> None:
    window = opened(ServiceFeed(FakeClient(AlarmPart("water", "no water", 900.0, True, shelved_until=2_000.0))))
    window.large_numbers.setChecked(True)
    window.beat()
    assert window.large.values["alarms"].text() == "● none"
    assert window.header.alarms.text() == "no new alarms"


def test_a_stop_that_failed_is_shown_until_one_succeeds(opened: Open) -> None:
    client = FakeClient(running())
    window = opened(ServiceFeed(client))
    failed = "EMERGENCY STOP NOT CONFIRMED: EmergencyStop was not sent: silence; use the button on the wall"

    def stop(answer: Answer | NoAnswerError) -> str:
        window.emergency_stop()
        future = client.asked[-1][1]
        future.set_exception(answer) if isinstance(answer, NoAnswerError) else future.set_result(answer)
        window.run.note.setText("hello")
        window.run.note.returnPressed.emit()
        client.asked[-1][1].set_result(Answer(True))
        for _ in range(2):
            window.beat()
        assert window.told.text() == "note"
        return window.header.banner.text()

    assert stop(NoAnswerError("EmergencyStop was not sent: silence")) == failed
    assert stop(Answer(True)) == ""
    assert "magnet: no answer" in stop(Answer(False, "magnet: no answer"))
    for active in (True, False):
        assert "magnet: no answer" in window.header.banner.text()
        client.put(EmergencyPart(active, "anna", 990.0, True))
        window.beat()
    assert window.header.banner.text() == ""


def test_what_was_not_answered_is_not_waited_for(opened: Open, tmp_path: Path) -> None:
    client, plan = FakeClient(running()), tmp_path / "plan.toml"
    plan.write_text("title = 'x'")
    window = opened(ServiceFeed(client))
    window.run.choose(plan)
    client.asked[-1][1].set_exception(NoAnswerError("CheckPlan was not answered in time"))
    window.beat()
    assert window.run.checked.text() == "■ CheckPlan was not answered in time"
    window.run.note.setText("the pump is loud")
    window.run.note.returnPressed.emit()
    client.asked[-1][1].set_result(Answer(False, "the disk is full"))
    window.beat()
    assert window.run.note.text() == "the pump is loud"


def test_no_two_letters_that_can_be_pressed_with_alt_collide(opened: Open) -> None:
    client = FakeClient(running(), magnet(), reduced(), moments())
    window = opened(ServiceFeed(client))
    bar, tabs = window.menuBar(), window.tabs
    assert bar is not None
    menus = [action.text() for action in bar.actions()]
    for holder in ("", client.name):
        client.put(ControlPart(holder))
        for number in range(tabs.count()):
            tabs.setCurrentIndex(number)
            window.beat()
            bars = [one for one in window.findChildren(QTabBar) if one.isVisible()]
            texts = [*menus, *(one.tabText(place) for one in bars for place in range(one.count()))]
            texts += [one.text() for one in window.findChildren(QAbstractButton) if one.isVisible()]
            texts += [one.text() for one in window.findChildren(QLabel) if one.isVisible() and one.buddy()]
            keys = Counter(QKeySequence.mnemonic(text).toString() for text in texts)
            del keys[""]
            assert len(keys) > len(menus) + tabs.count()
            assert set(keys.values()) == {1}, f"{tabs.tabText(number)}: {keys.most_common(1)}"


def test_a_window_that_was_closed_in_full_screen_can_be_left_by_the_same_key(opened: Open) -> None:
    first = opened(ServiceFeed(FakeClient(running())))
    first.full_screen.setChecked(True)
    assert first.isFullScreen()
    first.leave()
    second = opened(ServiceFeed(FakeClient(running())))
    assert second.full_screen.isChecked() is second.isFullScreen() is True
    second.full_screen.trigger()
    assert not second.isFullScreen()


def test_stale_values_and_dead_instruments_are_marked(opened: Open) -> None:
    window = opened(ServiceFeed(FakeClient(magnet(stale=True, live=False, fit=False, error="no answer within 1 s"))))
    window.tabs.setCurrentWidget(window.machine)
    window.beat()
    card = window.machine.cards["magnet"]
    assert card.state.text() == "■ does not answer"
    assert card.trouble.text() == "no answer within 1 s"
    shown = [label.text() for label in card._rows["current_A"]]
    assert shown == ["current", "12.5", "A", "◌ 1.0 s old"]
    assert "magnet.current_A in A, from danfysik_8500" in card._rows["current_A"][1].toolTip()


def test_what_holds_the_start_back_is_said(opened: Open) -> None:
    interlocks = (
        InterlockPart("compressor_off", "compressor.running is off", "refuse start", "active", "", 900.0, True),
        InterlockPart("disk_nearly_full", "disk.free_MB below 2000", "warn", "ok"),
    )
    window = opened(ServiceFeed(FakeClient(*interlocks, GuardPart(False, 2, "there is no guard"))))
    assert window.safety.start.text() == "■ the start is held back by compressor off"
    first = [window.safety.interlocks.item(0, column).text() for column in range(4)]
    assert first == ["■ active", "compressor off", "refuse start", "■ yes"]
    assert window.safety.guard.text() == "■ there is no guard"


def test_a_held_queue_holds_the_start_back(opened: Open) -> None:
    window = opened(ServiceFeed(FakeClient(QueuePart((), "anna stopped the run"))))
    assert window.safety.start.text() == ("■ the start is held back by the queue, until it is let go on (anna stopped the run)")


def test_an_emergency_stop_holds_the_start_back_and_says_what_is_not_confirmed(opened: Open) -> None:
    outcomes = ("delay_generator: triggers off (confirmed)", "magnet: no answer (NOT CONFIRMED)")
    client = FakeClient(EmergencyPart(True, "anna", 990.0, True, outcomes))
    window = opened(ServiceFeed(client))
    assert window.safety.start.text() == "■ the start is held back by the emergency stop"
    assert window.header.banner.text().endswith(": not everywhere confirmed; see Safety")
    assert window.safety.unsure.text() == "■ magnet: no answer (NOT CONFIRMED)"
    assert window.safety.outcomes.text() == "● delay generator: triggers off (confirmed)"
    client.put(EmergencyPart(False))
    window.beat()
    assert window.safety.start.text() == "● nothing holds the start of a run back"
    assert window.safety.outcomes.isHidden()


def test_a_click_on_a_peak_chooses_its_cluster(opened: Open, qtbot: QtBot) -> None:
    client = FakeClient(running(), reduced())
    window = opened(ServiceFeed(client))
    window.tabs.setCurrentWidget(window.beam)
    assert window.beam.moments.plotItem.titleLabel.text == "moments come after some hundred shots at both fields"
    view = window.beam.spectrum.getPlotItem().getViewBox()
    place = window.beam.spectrum.mapFromScene(view.mapViewToScene(view.viewRect().center().__class__(120.5, 0.5)))
    qtbot.mouseClick(window.beam.spectrum.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert window.beam.cluster.value() == 12
    assert window.beam.profile.plotItem.titleLabel.text == "V12"
    left, right = view.viewRange()[0]
    assert 115 < left < 120
    assert 121 < right < 126
    client.put(moments())
    window.beat()
    assert window.beam.moments.plotItem.titleLabel.text == "magnetic moments"
    client.put(reduced("run2"))
    window.beat()
    assert window.beam.moments.plotItem.titleLabel.text == "moments come after some hundred shots at both fields"
    assert isinstance(window.beam.spectrum, SpectrumPlot)


def test_it_follows_the_palette(opened: Open, qapp: QApplication, until: Until) -> None:
    light, colour = qapp.palette(), lambda role: qapp.palette().color(role)
    window = opened(ServiceFeed(FakeClient(running(), reduced(), moments(), InterlockPart("a", "b", "warn", "ok"))))
    window.run.steps.set_columns(("step", "field / T"))
    window.run.steps.show_rows([Row("0", ("0", "2.4"))])
    try:
        qapp.setPalette(dark_palette())
        assert is_dark()
        until(lambda: window.safety.interlocks.item(0, 1).foreground().color() == colour(QPalette.ColorRole.WindowText))
        assert window.run.steps.item(0, 0).foreground().color() == colour(QPalette.ColorRole.WindowText)
        assert window.beam.spectrum.backgroundBrush().color() == colour(QPalette.ColorRole.Base)
    finally:
        qapp.setPalette(light)


def _shows(window: Window, run: str) -> bool:
    return window.header.run.text() == run


def test_it_recovers_by_itself_when_the_service_is_started_again(opened: Open, until: Until, tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    where = where_is(LABORATORY, place)
    with Client(where, program="window", place=place, wait_s=0) as client:
        window = opened(ServiceFeed(client))
        assert window.header.banner.isVisible()
        for state in ("idle", "running"):
            room = FakeRoom()
            room.show(RunPart(state, "as the test says"))
            with Server(room, room.log, place=place):
                shown = f"{run_grade(RunPart(state, '')).value} {state}: as the test says"
                until(partial(_shows, window, shown))
                assert not window.header.banner.isVisible()
            until(window.header.banner.isVisible)
            assert window.header.run.text() == f"◌ {state}: as the test says"


def test_a_defect_of_the_window_is_written_down_with_the_run_s_file(
    opened: Open, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    window = opened(ServiceFeed(FakeClient(running())))
    window.stumbled(ValueError, ValueError("as asked"), None)
    window.beat()
    log = tmp_path / "clusterbeam" / "logs" / "window.log"
    assert window.told.text() == (
        f"■ a defect of this window, which goes on: ValueError: as asked (written down in {log}); "
        "the run's file is run.h5, and the service goes on with it"
    )
    assert "as asked" in capsys.readouterr().err
    assert "run file run.h5" in log.read_text()


@pytest.mark.parametrize("name", ["Close the window", "Cancel"])
def test_closing_asks(opened: Open, qtbot: QtBot, name: str) -> None:
    window = opened(ServiceFeed(FakeClient(running())))
    assert not window.close()
    (box,) = window.findChildren(QMessageBox)
    (button,) = [one for one in box.buttons() if one.text().replace("&", "") == name]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.isVisible() == (name == "Cancel")
    assert not window.end_service


def test_a_service_that_says_nothing_does_not_freeze_it(opened: Open, until: Until, qtbot: QtBot, tmp_path: Path) -> None:
    """As one that was stopped: its port accepts, and nothing ever comes."""
    place = Place(tmp_path / "state")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        announcement = Announcement(place.where / "dead.json", "dead")
        announcement.tell(f"tcp://127.0.0.1:{silent.getsockname()[1]}", "", KEY)
        with Client(place.where / "dead.json", program="window", place=place, wait_s=0) as client:
            window = opened(ServiceFeed(client))
            beats: list[None] = []
            window.timer.timeout.connect(lambda: beats.append(None))
            until(lambda: len(beats) > 20)
            assert window.header.banner.isVisible()
            assert "NOT HEARD" in window.header.banner.text()
            qtbot.keyClick(window, Qt.Key.Key_F12)
            until(lambda: "EMERGENCY STOP: EmergencyStop was not sent" in window.told.text())
        announcement.end()
