"""Questions to the operator.  They do not stop the window's beat, and the emergency stop's key works in them."""

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QDialog, QFileDialog, QMessageBox, QWidget

STOP_KEY = QKeySequence(Qt.Key.Key_F12)
"""Ctrl+Esc belongs to the desktop on many computers."""


class StopKey:
    """The emergency stop's key, for the window and every dialog that takes the keyboard from it."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def works_in(self, widget: QWidget) -> None:
        shortcut = QShortcut(STOP_KEY, widget)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(self._stop)


def ask(parent: QWidget, key: StopKey, text: str, answers: dict[str, Callable[[], None]]) -> None:
    """Show a question with a button for each answer, the first of which is the usual one, and Cancel."""
    box = QMessageBox(QMessageBox.Icon.Question, "clusterbeam", text, QMessageBox.StandardButton.Cancel, parent)
    acts = {box.addButton(name, QMessageBox.ButtonRole.AcceptRole): act for name, act in answers.items()}
    box.setDefaultButton(next(iter(acts)))
    box.buttonClicked.connect(lambda button: acts.get(button, lambda: None)())
    show(box, key)


def choose_file(
    parent: QWidget, key: StopKey, title: str, directory: Path, kinds: str, chosen: Callable[[str], None], *, new: bool = False
) -> None:
    """A file, or a `new` one; not the desktop's own dialog, which would keep the emergency stop's key to itself."""
    dialog = QFileDialog(parent, title, str(directory), kinds)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    if new:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.fileSelected.connect(chosen)
    show(dialog, key)


def show(dialog: QDialog, key: StopKey) -> None:
    """Open it beside the window's events; it is gone when it is closed."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    key.works_in(dialog)
    dialog.open()
