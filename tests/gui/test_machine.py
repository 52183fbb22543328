"""The machine's view: the beam line is a door to the cards, quantities have a past, and are set by hand within their limits."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QDoubleSpinBox, QLineEdit, QPushButton, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from daq.face.commands import Answer, Read, Set
from daq.face.state import InstrumentPart, Reading, Settable, SettablePart
from gui.beam_line import STATIONS
from gui.editors import Editor
from gui.feed import Feed, ServiceFeed
from gui.setting import SettingDialog
from gui.trends import Trend, Trends
from gui.window import Window
from tests.gui.fake import FakeClient, magnet, running

Open = Callable[[Feed], Window]
CURRENT = Settable("set_current_A", "A", "float", 0.0, 200.0, about="the supply ramps there")
MODE = Settable("mode", "", "str", choices=("slow", "fast"))
PARTS = SettablePart("magnet", (CURRENT, MODE))


def press(qtbot: QtBot, where: QWidget, name: str) -> None:
    button = where.findChild(QPushButton, name)
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def shown(opened: Open) -> tuple[Window, FakeClient]:
    """A window of the machine, and who it hears from."""
    client = FakeClient(running(), magnet(), PARTS)
    window = opened(ServiceFeed(client))
    window.tabs.setCurrentWidget(window.machine)
    window.beat()
    return window, client


def answer(window: Window, client: FakeClient, given: Answer) -> None:
    client.asked[-1][1].set_result(given)
    window.beat()


def test_a_quantity_is_set_within_its_limits_and_set_back(opened: Open, qtbot: QtBot) -> None:
    window, client = shown(opened)
    press(qtbot, window, "set magnet")
    dialog = window.findChild(SettingDialog, "set magnet")
    assert dialog is not None
    assert dialog.limits.text() == "0 to 200 A"
    answer(window, client, Answer(True, "A", 12.5))
    assert client.commands() == [Read("magnet.set_current_A")]
    assert dialog.now.text() == "12.5 A"
    box = dialog.findChild(QDoubleSpinBox)
    assert box is not None
    box.setValue(500.0)
    assert box.value() == 200.0
    box.setValue(80.0)
    press(qtbot, dialog, "set")
    assert client.commands()[-1] == Set("magnet.set_current_A", 80.0)
    answer(window, client, Answer(True))
    assert dialog.told.text() == "● set magnet.set_current_A to 80 A"
    press(qtbot, dialog, "undo")
    assert client.commands()[-1] == Set("magnet.set_current_A", 12.5)
    answer(window, client, Answer(False, "a run goes on"))
    assert dialog.told.text().endswith("was refused: a run goes on")
    dialog.which.setCurrentIndex(1)
    answer(window, client, Answer(False, "no"))
    assert dialog.now.text() == "cannot be read"
    assert dialog.findChild(QDoubleSpinBox) is None
    dialog.close()


def test_nothing_is_set_that_nobody_gave(opened: Open, qtbot: QtBot) -> None:
    window, client = shown(opened)
    press(qtbot, window, "set magnet")
    dialog = window.findChild(SettingDialog, "set magnet")
    assert dialog is not None
    assert not dialog.put.isEnabled()
    qtbot.keyClick(dialog.which, Qt.Key.Key_Return)
    assert client.commands() == [Read("magnet.set_current_A")]
    box = dialog.findChild(QDoubleSpinBox)
    assert box is not None
    box.setValue(80.0)
    answer(window, client, Answer(True, "A", 12.5))
    assert (dialog.now.text(), box.value()) == ("12.5 A", 80.0)
    dialog.which.setCurrentIndex(1)
    assert dialog.now.text() == "is being read …"
    assert not dialog.put.isEnabled()
    dialog.close()


def test_enter_in_a_text_sets_it_once(opened: Open, qtbot: QtBot) -> None:
    client = FakeClient(running(), magnet(), SettablePart("magnet", (Settable("label", "", "str"),)))
    window = opened(ServiceFeed(client))
    window.tabs.setCurrentWidget(window.machine)
    window.beat()
    press(qtbot, window, "set magnet")
    dialog = window.findChild(SettingDialog, "set magnet")
    assert dialog is not None
    line = dialog.findChild(QLineEdit)
    assert line is not None
    qtbot.keyClicks(line, "north")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert client.commands() == [Read("magnet.label"), Set("magnet.label", "north")]
    dialog.close()


@pytest.mark.parametrize("value", [150e-9, 5e-12, 0.049999999995, 2000.0, 12.3456789012345, -3e-7])
def test_a_number_that_nobody_changed_is_the_same_to_the_last_bit(qtbot: QtBot, value: float) -> None:
    editor = Editor(Settable("delay_s", "s", "float", -2000.0, 2000.0))
    qtbot.addWidget(editor)
    editor.set_value(value)
    assert editor.value() == value
    box = editor.findChild(QDoubleSpinBox)
    assert box is not None
    assert float(box.cleanText()) == value
    box.selectAll()
    qtbot.keyClicks(box, "0.000000250")
    assert editor.value() == 250e-9


def test_an_answer_that_comes_after_the_dialog_was_closed_changes_nothing(opened: Open, qtbot: QtBot) -> None:
    window, client = shown(opened)
    press(qtbot, window, "set magnet")
    dialog = window.findChild(SettingDialog, "set magnet")
    assert dialog is not None
    with qtbot.waitSignal(dialog.destroyed):
        dialog.close()
    answer(window, client, Answer(True, "A", 12.5))
    assert window.told.text() == "read set_current_A: A"


def test_editors_have_the_kind_of_their_quantity(qtbot: QtBot) -> None:
    for of, kind, value in (
        (MODE, QComboBox, "fast"),
        (Settable("number", "", "int", 0, 10), QSpinBox, 7),
        (Settable("shots", "", "int", 0, 10**11), QDoubleSpinBox, 10**10),
        (Settable("on", "", "bool"), QWidget, True),
        (Settable("text", "", "str"), QWidget, "as typed"),
    ):
        editor = Editor(of)
        qtbot.addWidget(editor)
        assert editor.findChild(kind) is not None
        editor.set_value(value)
        assert editor.value() == value
        assert type(editor.value()) is type(value)


def test_a_station_of_the_beam_line_opens_its_card(opened: Open, qtbot: QtBot) -> None:
    window, client = shown(opened)
    station = next(one for one in STATIONS if one.role == "magnet supply")
    with qtbot.waitSignal(window.machine.line.chosen) as told:
        place = window.machine.line.place(station).center().toPoint()
        qtbot.mouseClick(window.machine.line, Qt.MouseButton.LeftButton, pos=place)
    assert told.args == ["magnet"]
    client.put(magnet(live=False, error="no reply in time"))
    window.beat()
    assert "■ does not answer" in window.machine.cards["magnet"].state.text()


def test_a_click_on_a_quantity_shows_what_it_was(opened: Open, qtbot: QtBot) -> None:
    window, client = shown(opened)
    card = window.machine.cards["magnet"]
    (name,) = [one for one in card.findChildren(QPushButton) if one.text() == "current"]
    assert window.machine.history.isHidden()
    qtbot.mouseClick(name, Qt.MouseButton.LeftButton)
    assert window.machine.history.isVisible()
    now = {"current_A": Reading(99.0, "A", 2e3)}
    client.put(InstrumentPart("magnet", "magnet supply", "d", "i", True, "on", True, readings=now))
    window.beat()
    assert window.machine.history.plotItem.titleLabel.text == "magnet: current / A"
    assert [line.split(",")[2] for line in window.machine.history.csv().splitlines()[1:]] == ["12.5", "99"]


def test_a_text_has_no_history(opened: Open) -> None:
    window, client = shown(opened)
    window.machine.watch("magnet", "current_A")
    client.put(msgspec.structs.replace(magnet(), readings={"mode": Reading("slow", "", 1e3)}))
    window.beat()
    window.machine.watch("magnet", "mode")
    assert window.machine.history.plotItem.titleLabel.text == "magnet: mode has no history, it is a text"
    assert len(window.machine.history.csv().splitlines()) == 1


def test_trends_reach_back_ever_further_the_finer_the_nearer() -> None:
    trend = Trend("K", levels=3, each=4)
    assert [len(column) for column in trend.curve()] == [0, 0]
    for at in range(100):
        trend.add(float(at), 2.0 * at)
        trend.add(float(at), 7.0)
    times, values = trend.curve()
    np.testing.assert_array_equal(times, [75, 79, 83, 87, 89, 91, 93, 95, 96, 97, 98, 99])
    np.testing.assert_array_equal(values, 2.0 * times)
    trends = Trends()
    trends.hear([magnet()])
    assert trends.of("magnet.state") is None
    assert trends.of("magnet.current_A") is not None
