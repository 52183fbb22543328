"""Colours that fit the palette, dark or light, and how labels and plots get them."""

import pyqtgraph as pg
from PyQt6.QtGui import QColor, QFont, QPalette
from PyQt6.QtWidgets import QApplication, QLabel, QWidget

from gui.words import Grade

DARK = 128
"""A window whose background is less bright than this is a dark one."""
COLOURS = {
    Grade.GOOD: ("#1d7a33", "#5ecb78"),
    Grade.WARNING: ("#9a5b00", "#f0ad4e"),
    Grade.BAD: ("#b3001b", "#ff6b6b"),
    Grade.OLD: ("#666666", "#a0a0a0"),
}
"""On a light and on a dark background; the others are those of the text."""
RED, BLUE = ("#c8102e", "#ff5a6e"), ("#1f5fa8", "#6fb1ff")
DANGER = QColor("#b3001b")


def is_dark() -> bool:
    return QApplication.palette().color(QPalette.ColorRole.Window).lightness() < DARK


def colour(grade: Grade) -> QColor:
    """The colour of a grade on the background there is."""
    pair = COLOURS.get(grade)
    return QApplication.palette().color(QPalette.ColorRole.WindowText) if pair is None else shade(pair)


def shade(pair: tuple[str, str]) -> QColor:
    """The one for a light background, or for a dark one."""
    return QColor(pair[is_dark()])


def say(label: QLabel, text: str, grade: Grade = Grade.IDLE) -> None:
    """A text in the colour of a grade; nothing happens when it is there already."""
    if label.text() != text:
        label.setText(text)
    wanted = colour(grade)
    if label.palette().color(QPalette.ColorRole.WindowText) != wanted:
        palette = label.palette()
        palette.setColor(QPalette.ColorRole.WindowText, wanted)
        label.setPalette(palette)


def on_danger(widget: QWidget, role: QPalette.ColorRole, text: QPalette.ColorRole) -> None:
    """White on red."""
    palette = widget.palette()
    palette.setColor(role, DANGER)
    palette.setColor(text, QColor("white"))
    widget.setPalette(palette)


def bold(widget: QWidget, larger: float = 1.0) -> None:
    font = QFont(widget.font())
    font.setBold(True)
    font.setPointSizeF(font.pointSizeF() * larger)
    widget.setFont(font)


def colour_plot(plot: pg.PlotWidget) -> None:
    """Background and axes as the rest of the window."""
    palette = QApplication.palette()
    plot.setBackground(palette.color(QPalette.ColorRole.Base))
    for side in ("left", "bottom"):
        axis = plot.getPlotItem().getAxis(side)
        axis.setPen(palette.color(QPalette.ColorRole.Mid))
        axis.setTextPen(palette.color(QPalette.ColorRole.Text))


def dark_palette() -> QPalette:
    """A dark one, where the desktop has none."""
    palette = QPalette(QColor("#3a3d41"), QColor("#25282b"))
    palette.setColor(QPalette.ColorRole.Base, QColor("#1b1d1f"))
    palette.setColor(QPalette.ColorRole.AlternateBase, QColor("#222528"))
    palette.setColor(QPalette.ColorRole.Highlight, QColor("#2f65a7"))
    palette.setColor(QPalette.ColorRole.HighlightedText, QColor("white"))
    palette.setColor(QPalette.ColorRole.ToolTipBase, QColor("#33373b"))
    palette.setColor(QPalette.ColorRole.ToolTipText, QColor("#e8e8e8"))
    return palette
