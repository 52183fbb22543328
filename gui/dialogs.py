"""Questions to the operator.  They do not stop the window's beat, and the emergency stop's key works in them."""

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox, QWidget

STOP_KEY = QKeySequence(Qt.Key.Key_F12)
"""Ctrl+Esc belongs to the desktop on many computers."""
KEYS = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)


class StopKey(QObject):
    """The emergency stop's key, whatever has the keyboard: a shortcut does nothing while a list or a menu is open."""

    def __init__(self, stop: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._stop = stop

    def work(self, on: bool) -> None:
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self) if on else application.removeEventFilter(self)

    def eventFilter(self, receiver: QObject | None, event: QEvent | None) -> bool:
        if event is None or event.type() not in KEYS or not isinstance(event, QKeyEvent) or event.key() != Qt.Key.Key_F12:
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
            self._stop()
        return True


def ask(parent: QWidget, text: str, answers: dict[str, Callable[[], None]], *, careful: bool = False) -> None:
    """Show a question with a button for each answer, the first of which is the usual one, and Cancel, which is that where one
    has to be `careful`."""
    box = QMessageBox(QMessageBox.Icon.Question, "clusterbeam", text, QMessageBox.StandardButton.Cancel, parent)
    acts = {box.addButton(name, QMessageBox.ButtonRole.AcceptRole): act for name, act in answers.items()}
    box.setOption(QMessageBox.Option.DontUseNativeDialog)
    if careful:
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    else:
        box.setDefaultButton(next(iter(acts)))
    box.buttonClicked.connect(lambda button: acts.get(button, lambda: None)())
    show(box)


def choose_file(
    parent: QWidget, title: str, directory: Path, kinds: str, chosen: Callable[[str], None], *, new: bool = False
) -> None:
    """A file, or a `new` one, which may be there already; not the desktop's own dialog, which would keep the emergency stop's
    key to itself."""
    dialog = QFileDialog(parent, title, str(directory), kinds)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    if new:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.fileSelected.connect(chosen)
    show(dialog)


def show(dialog: QDialog) -> None:
    """Open it beside the window's events; it is gone when it is closed."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
