"""What all plots have in common: colours of the window, a fit to what is drawn, and copies of it.

Pens of width 1 without antialiasing: anything else is several times slower.
"""

import csv
import io

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QColor, QKeySequence, QPalette
from PyQt6.QtWidgets import QApplication

from gui.curves import Curves
from gui.look import RED, colour_plot, shade

COPIES = (("Copy as CSV", "Ctrl+C"), ("Copy picture", "Ctrl+Shift+C"), ("Show everything", "Home"))


class Plot(pg.PlotWidget):  # type: ignore[misc]
    """A plot with its axes named; it fits itself to what is drawn until somebody zooms.  Its context menu, or the keys in it,
    copy what is drawn as text or as a picture."""

    def __init__(self, name: str, bottom: str, left: str, tip: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(name)
        self.setToolTip(f"{tip}; Ctrl+C copies it as CSV, Ctrl+Shift+C as a picture")
        self.setMenuEnabled(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setLabel("bottom", bottom)
        self.setLabel("left", left)
        self.setMinimumHeight(150)
        self._axes = bottom, left
        self._coloured: QColor | None = None
        self.legend = self.addLegend(offset=(10, 5))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        for (text, key), act in zip(COPIES, (self.copy_csv, self.copy_picture, self.show_all), strict=True):
            action = QAction(text, self)
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(act)
            self.addAction(action)
        self.recolour()

    def recolour(self) -> bool:
        """To the palette there is; true if it is another one."""
        if self._coloured == self.text():
            return False
        self._coloured = self.text()
        colour_plot(self)
        self.legend.setLabelTextColor(self.text())
        return True

    def text(self) -> QColor:
        return QApplication.palette().color(QPalette.ColorRole.Text)

    def off_on(self, curves: Curves) -> list[tuple[float, QColor]]:
        """The fields that are drawn: the lowest black (white on dark), the highest red."""
        return list(zip(curves.off_on(), (self.text(), shade(RED)), strict=False))

    def label_bottom(self, text: str) -> None:
        if self._axes[0] != text:
            self._axes = text, self._axes[1]
            self.setLabel("bottom", text)

    def show_all(self) -> None:
        self.enableAutoRange()

    def csv(self) -> str:
        """What is drawn: a row for each point, with the name of its curve."""
        rows = io.StringIO()
        writer = csv.writer(rows)
        writer.writerow(("curve", *self._axes))
        for number, item in enumerate(self.getPlotItem().listDataItems()):
            x, y = item.getData() if isinstance(item, pg.PlotDataItem) else (None, None)
            if x is None or y is None or not item.isVisible():
                continue
            name = self.legend.getLabel(item)
            for point in zip(np.asarray(x), np.asarray(y), strict=True):
                writer.writerow((name.text if name is not None else number, *(f"{value:.9g}" for value in point)))
        return rows.getvalue()

    def copy_csv(self) -> None:
        clipboard = QApplication.clipboard()
        assert clipboard is not None
        clipboard.setText(self.csv())

    def copy_picture(self) -> None:
        clipboard = QApplication.clipboard()
        assert clipboard is not None
        clipboard.setPixmap(self.grab())
