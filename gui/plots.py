"""The three plots of the beam.  Pens of width 1 without antialiasing: anything else is several times slower."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication
from pyqtgraph.GraphicsScene.mouseEvents import MouseClickEvent

from gui.curves import Curve, Curves, Moment
from gui.look import BLUE, RED, colour_plot, shade

LABELS = 40
"""Peaks with a label, at most."""
LABEL_SHARE = 0.03
"""A peak of less than this share of the highest has no label."""
AROUND = 1.5
"""Windows of a cluster that are shown when the spectrum is zoomed to it."""
SYMBOLS = {"atomic-like": "o", "superparamagnetic": "s", "non-magnetic": "t", "undecided": "x"}
"""Of moments, and of the limits of those that were not seen."""


class Plot(pg.PlotWidget):  # type: ignore[misc]
    """A plot in the colours of the window, with its axes named; it fits itself to what is drawn until somebody zooms."""

    def __init__(self, name: str, bottom: str, left: str, tip: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setMenuEnabled(False)
        self.setLabel("bottom", bottom)
        self.setLabel("left", left)
        self.setMinimumHeight(180)
        self._coloured: QColor | None = None
        self.legend = self.addLegend(offset=(10, 5))
        self.recolour()

    def recolour(self) -> None:
        """To the palette there is, if it is another one."""
        if self._coloured != self.text():
            self._coloured = self.text()
            colour_plot(self)
            self.legend.setLabelTextColor(self.text())

    def text(self) -> QColor:
        return QApplication.palette().color(QPalette.ColorRole.Text)

    def off_on(self, curves: Curves) -> list[tuple[float, QColor]]:
        """The fields that are drawn: the lowest black (white on dark), the highest red."""
        return list(zip(curves.off_on(), (self.text(), shade(RED)), strict=False))


class SpectrumPlot(Plot):
    """Signal around all clusters; a click tells the flight time, in µs."""

    chosen = pyqtSignal(float)

    def __init__(self) -> None:
        tip = "mean signal per shot around each cluster, from the digitizer's traces; click a peak to choose the cluster"
        super().__init__("mass spectrum", "flight time / µs", "signal per shot / arb. units", tip)
        self._lines = [self.plot([], [], connect="finite") for _ in range(2)]
        self._labels: list[pg.TextItem] = []
        item = self.getPlotItem()
        item.setDownsampling(auto=True, mode="peak")
        item.setClipToView(True)
        item.getAxis("left").setStyle(showValues=False)
        self.scene().sigMouseClicked.connect(self._clicked)

    def draw_spectrum(self, curves: Curves) -> None:
        self.recolour()
        fields = self.off_on(curves)
        self.legend.clear()
        for line, (field_T, pen) in zip(self._lines, fields, strict=False):
            line.setData(*curves.spectrum(field_T))
            line.setPen(pg.mkPen(pen, width=1))
            self.legend.addItem(line, f"{field_T:g} T")
        for line in self._lines[len(fields) :]:
            line.setData([], [])
        self._label(curves.peaks(fields[0][0]) if fields else [])

    def zoom(self, window: tuple[float, float] | None) -> None:
        """Show a cluster and something of its neighbours."""
        if window is not None:
            self.setXRange(window[0], window[1], padding=AROUND)

    def show_all(self) -> None:
        self.enableAutoRange()

    def _label(self, peaks: Sequence[tuple[int, float, float]]) -> None:
        floor = LABEL_SHARE * max((height for _, _, height in peaks), default=0.0)
        wanted = [peak for peak in peaks if peak[2] > floor][:LABELS]
        while len(self._labels) < len(wanted):
            label = pg.TextItem(anchor=(0.5, 1.0))
            self.addItem(label, ignoreBounds=True)
            self._labels.append(label)
        for label, (size, time_us, height) in zip(self._labels, wanted, strict=False):
            label.setText(str(size), self.text())
            label.setPos(time_us, height)
            label.show()
        for label in self._labels[len(wanted) :]:
            label.hide()

    def _clicked(self, event: MouseClickEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            place = self.getPlotItem().getViewBox().mapSceneToView(event.scenePos())
            self.chosen.emit(float(place.x()))


class ProfilePlot(Plot):
    """One cluster without and with field, relative to the maximum without."""

    def __init__(self) -> None:
        tip = "mean signal per shot of the chosen cluster, with standard errors from the scatter between shots"
        super().__init__("deflection profile", "flight time / µs", "signal (maximum at lowest field = 1)", tip)
        self._points = [self.plot([], [], symbolSize=4) for _ in range(2)]
        self._bars = [pg.ErrorBarItem(x=np.zeros(1), y=np.zeros(1), height=np.zeros(1)) for _ in range(2)]
        for bars in self._bars:
            self.addItem(bars)

    def draw_profile(self, curves: Curves, size: int) -> None:
        self.recolour()
        fields = self.off_on(curves)
        found = [(field_T, pen, curve) for field_T, pen in fields if (curve := curves.at(size, field_T)) is not None]
        top = max((float(curve.signal.max()) for _, _, curve in found[:1]), default=0.0) or 1.0
        self.setTitle(f"cluster of {size} atoms" if found else f"no cluster of {size} atoms in this run", color=self.text())
        self.legend.clear()
        for points, bars in zip(self._points, self._bars, strict=True):
            points.setVisible(False)
            bars.setVisible(False)
        for number, (field_T, pen, curve) in enumerate(found):
            self._draw(number, pen, curve, top)
            self.legend.addItem(self._points[number], f"{field_T:g} T, {curve.shots:,} shots")

    def _draw(self, number: int, pen: QColor, curve: Curve, top: float) -> None:
        points, bars = self._points[number], self._bars[number]
        points.setData(curve.time_us, curve.signal / top)
        points.setPen(pg.mkPen(pen, width=1))
        points.setSymbol("so"[number])
        points.setSymbolPen(pg.mkPen(pen, width=1))
        points.setSymbolBrush(pg.mkBrush(pen))
        bars.setData(x=curve.time_us, y=curve.signal / top, height=2 * curve.error / top, pen=pg.mkPen(pen, width=1))
        points.setVisible(True)
        bars.setVisible(True)


class MomentsPlot(Plot):
    """Moments with total errors; where none was seen its upper limit at 95 %."""

    def __init__(self) -> None:
        super().__init__("moments", "cluster size / atoms", "magnetic moment / µB", "moments with total standard errors")
        self._bars = pg.ErrorBarItem(x=np.zeros(1), y=np.zeros(1), height=np.zeros(1), beam=0.3)
        self._bars.setVisible(False)
        self.addItem(self._bars)
        self._groups = {name: self.plot([], [], pen=None, symbol=symbol, symbolSize=8) for name, symbol in SYMBOLS.items()}

    def draw_none(self, reason: str) -> None:
        self.recolour()
        self.setTitle(reason, color=self.text())
        self._bars.setVisible(False)
        self.legend.clear()
        for group in self._groups.values():
            group.setData([], [])

    def draw_moments(self, moments: Sequence[Moment]) -> None:
        self.draw_none("magnetic moments")
        measured = [one for one in moments if one.moment_uB is not None]
        if measured:
            columns = (
                [one.size for one in measured],
                [one.moment_uB for one in measured],
                [2 * one.error_uB for one in measured],
            )
            x, y, height = (np.array(column, float) for column in columns)
            self._bars.setData(x=x, y=y, height=height, pen=pg.mkPen(self.text(), width=1))
            self._bars.setVisible(True)
        colours = {"atomic-like": shade(RED), "superparamagnetic": shade(BLUE)}
        for name, group in self._groups.items():
            pen = colours.get(name, self.text())
            shown = [
                (one.size, one.limit_uB if one.moment_uB is None else one.moment_uB) for one in moments if one.behaviour == name
            ]
            shown = [(size, height) for size, height in shown if height is not None]
            if not shown:
                continue
            group.setData([size for size, _ in shown], [height for _, height in shown])
            group.setSymbolPen(pg.mkPen(pen, width=1))
            group.setSymbolBrush(pg.mkBrush(pen if name in colours else None))
            self.legend.addItem(group, name if name in colours else f"{name}: below, at 95 %")
