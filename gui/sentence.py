"""A label for what the machine says, however long it is: it never makes the window wider than the screen."""

from PyQt6.QtCore import QPointF, QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QPalette, QTextLayout, QTextLine, QTextOption
from PyQt6.QtWidgets import QLabel, QSizePolicy

LEAST_WIDTH = 80


class Sentence(QLabel):
    """At most so many `lines` of it are seen, the last one with an ellipsis where there is more; its tooltip has all of it."""

    def __init__(self, text: str = "", lines: int = 1, elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__()
        self._lines, self._elide = lines, elide
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str | None) -> None:
        super().setText(text)
        self.setToolTip(text)
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._height(len(self._wrapped(width)[1]))

    def sizeHint(self) -> QSize:
        return QSize(max(LEAST_WIDTH, self.fontMetrics().size(0, self.text()).width()), self._height(1))

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST_WIDTH, self._height(1))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, metrics = QPainter(self), self.fontMetrics()
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        layout, lines = self._wrapped(self.width())
        top = (self.height() - len(lines) * metrics.lineSpacing()) / 2
        for number, line in enumerate(lines[:-1]):
            line.draw(painter, QPointF(0, top + number * metrics.lineSpacing()))
        if lines:
            rest = metrics.elidedText(layout.text()[lines[-1].textStart() :], self._elide, self.width())
            painter.drawText(QPointF(0, top + (len(lines) - 1) * metrics.lineSpacing() + metrics.ascent()), rest)
        painter.end()

    def _height(self, lines: int) -> int:
        return max(1, lines) * self.fontMetrics().lineSpacing()

    def _wrapped(self, width: int) -> tuple[QTextLayout, list[QTextLine]]:
        """The lines that are seen, and the layout that they belong to and need."""
        layout = QTextLayout(self.text().replace("\n", " "), self.font())
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        lines: list[QTextLine] = []
        layout.beginLayout()
        while len(lines) < self._lines and (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, width))
            line.setPosition(QPointF(0, 0))
            lines.append(line)
        layout.endLayout()
        return layout, lines
