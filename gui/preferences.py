"""What the window remembers from one time to the next: where it was, which view, dark or light."""

from PyQt6.QtCore import QByteArray, QSettings
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import QApplication, QMainWindow, QSplitter

from gui.look import dark_palette

THEMES = ("desktop", "light", "dark")


class Preferences:
    """Kept in the user's own settings file."""

    def __init__(self) -> None:
        self._kept = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "clusterbeam", "window")
        self._desktop = QPalette(QApplication.palette())

    @property
    def theme(self) -> str:
        found = self._kept.value("theme", THEMES[0])
        return found if found in THEMES else THEMES[0]

    def set_theme(self, theme: str) -> None:
        """From now on, and the next time."""
        self._kept.setValue("theme", theme)
        self.apply()

    def apply(self) -> None:
        """The palette of the theme, if it is not there already."""
        wanted = {"dark": dark_palette, "light": light_palette}.get(self.theme, lambda: self._desktop)()
        if QApplication.palette().color(QPalette.ColorRole.Window) != wanted.color(QPalette.ColorRole.Window):
            QApplication.setPalette(wanted)

    def restore(self, window: QMainWindow, splitter: QSplitter) -> int:
        """Place and size of the window; the view that was open."""
        for name, put in (("geometry", window.restoreGeometry), ("machine", splitter.restoreState)):
            kept = self._kept.value(name)
            if isinstance(kept, QByteArray):
                put(kept)
        view = self._kept.value("view", 0, int)
        return view if isinstance(view, int) else 0

    def keep(self, window: QMainWindow, splitter: QSplitter, view: int) -> None:
        self._kept.setValue("geometry", window.saveGeometry())
        self._kept.setValue("machine", splitter.saveState())
        self._kept.setValue("view", view)
        self._kept.sync()


def light_palette() -> QPalette:
    """Fusion's own."""
    style = QApplication.style()
    assert style is not None
    return style.standardPalette()
