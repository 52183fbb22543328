"""A window without a screen.  Every test leaves no widget behind, beside what holds for all tests."""

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PyQt6.QtCore import QEvent, QSettings
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.feed import Feed
from gui.window import Window

LONGEST_MS = 50_000
ROUNDS = 4


def _widgets() -> Counter[str]:
    return Counter(f"{type(widget).__name__} {widget.objectName()}" for widget in QApplication.topLevelWidgets())


@pytest.fixture(autouse=True)
def leaves_no_widget_behind(qapp: QApplication) -> Iterator[None]:
    """Runs around each test, outside the windows of its own."""
    before = _widgets()
    yield
    # The menus of plots have no parent; they go when nobody knows them any more, which takes some rounds.
    for _ in range(ROUNDS):
        qapp.processEvents()
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        gc.collect()
    assert _widgets() <= before, f"widgets left: {_widgets() - before}"


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What windows remember is not the user's."""
    place = str(tmp_path_factory.mktemp("settings"))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, place)


@pytest.fixture
def opened(qtbot: QtBot) -> Iterator[Callable[[Feed], Window]]:
    """Windows of feeds, on the screen until the end of the test."""
    windows: list[Window] = []

    def open_window(feed: Feed) -> Window:
        window = Window(feed)
        windows.append(window)
        with qtbot.waitActive(window):
            window.show()
            # Without a window manager nobody else gives it the keyboard.
            window.activateWindow()
        return window

    yield open_window
    for window in windows:
        window.leave()
        window.deleteLater()
    windows.clear()


@pytest.fixture
def until(qtbot: QtBot) -> Callable[[Callable[[], object]], None]:
    """Goes on with the window's events until something is so."""

    def wait(so: Callable[[], object]) -> None:
        qtbot.waitUntil(lambda: bool(so()), timeout=LONGEST_MS)

    return wait
