"""The beam line as a drawing: what stands where, with the value that says most of it; a click opens the instrument's card."""

from typing import NamedTuple

from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from daq.face.state import InstrumentPart
from gui.feed import Model
from gui.look import colour
from gui.words import Grade, instrument_state, spoken, value


class Station(NamedTuple):
    """Where a role stands: share of the drawing's width, and above (-1), on (0), below (1) the beam; what tells most of it."""

    role: str
    place: float
    side: int
    quantity: str
    unit: str


STATIONS = (
    Station("ablation laser", 0.08, -1, "", ""),
    Station("cold head", 0.08, 0, "temperature_K", "K"),
    Station("pressure controller", 0.08, 1, "pressure_bar", "bar"),
    Station("delay generator", 0.24, -1, "", ""),
    Station("chopper", 0.33, 0, "frequency_Hz", "Hz"),
    Station("compressor", 0.24, 1, "", ""),
    Station("field probe", 0.53, -1, "field_T", "T"),
    Station("magnet supply", 0.53, 0, "current_A", "A"),
    Station("vacuum gauge", 0.74, 1, "gauge2_pressure_mbar", "mbar"),
    Station("ionisation laser", 0.74, -1, "", ""),
    Station("high voltage", 0.80, 0, "ch1_voltage_V", "V"),
    Station("digitizer", 0.93, -1, "", ""),
    Station("pulse-energy meter", 0.40, -1, "energy_mJ", "mJ"),
    Station("stage", 0.93, 1, "axis1_position_mm", "mm"),
)
WIDTH, HEIGHT, ROWS = 150.0, 44.0, 3
MARGIN = 8.0


class BeamLine(QWidget):
    """From the source on the left to the spectrometer on the right; `chosen` is told the instrument."""

    chosen = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("beam line")
        self.setAccessibleName("beam line")
        self.setMinimumHeight(int(ROWS * HEIGHT + (ROWS + 1) * MARGIN))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("the beam line with live values; click a station to see its card")
        self._parts: dict[str, InstrumentPart] = {}
        self._trouble = False
        self._shown: tuple[object, ...] = ()

    def show_parts(self, parts: dict[str, InstrumentPart], model: Model) -> None:
        """Draw anew what is not as it was."""
        self._parts = {part.role: part for part in reversed(parts.values())}
        self._trouble = bool(model.trouble)
        shown = (self._trouble, *(self._words(station) for station in STATIONS))
        if shown != self._shown:
            self._shown = shown
            self.update()

    def place(self, station: Station) -> QRectF:
        """Where a station is drawn."""
        width = min(WIDTH, self.width() * 0.125)
        middle_x = min(max(station.place * self.width(), width / 2 + 2), self.width() - width / 2 - 2)
        middle_y = self.height() / 2 + station.side * (HEIGHT + MARGIN)
        return QRectF(middle_x - width / 2, middle_y - HEIGHT / 2, width, HEIGHT)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        for station in STATIONS:
            part = self._parts.get(station.role)
            if event is not None and part is not None and self.place(station).contains(event.position()):
                self.chosen.emit(part.name)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        text = self.palette().color(QPalette.ColorRole.Text)
        middle = self.height() / 2
        painter.setPen(QPen(text, 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(0, middle), QPointF(self.width(), middle))
        for station in STATIONS:
            if station.role in self._parts:
                self._draw(painter, station, text)
        painter.end()

    def _draw(self, painter: QPainter, station: Station, text: QColor) -> None:
        name, told, grade = self._words(station)
        box, edge = self.place(station), colour(grade)
        painter.setPen(QPen(edge, 2 if grade in (Grade.BAD, Grade.WARNING) else 1))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(box, 5, 5)
        half = HEIGHT / 2
        upper, lower = box.adjusted(4, 2, -4, -half), box.adjusted(4, half, -4, -2)
        painter.setPen(text)
        painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, self._fitting(painter, name, upper))
        painter.setPen(edge)
        painter.drawText(lower, Qt.AlignmentFlag.AlignCenter, self._fitting(painter, told, lower))

    def _fitting(self, painter: QPainter, text: str, box: QRectF) -> str:
        return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width()))

    def _words(self, station: Station) -> tuple[str, str, Grade]:
        part = self._parts.get(station.role)
        if part is None:
            return "", "", Grade.OLD
        grade, word = instrument_state(part)
        reading = part.readings.get(station.quantity)
        if reading is None:
            reading = (
                next((one for name, one in part.readings.items() if one.unit == station.unit), None) if station.unit else None
            )
        told = f"{value(reading.value)} {reading.unit}" if reading is not None and part.live else word
        old = self._trouble or (reading is not None and reading.stale and part.live)
        return spoken(part.name), f"{(Grade.OLD if old else grade).value} {told}", Grade.OLD if old else grade
