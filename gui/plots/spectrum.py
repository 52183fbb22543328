"""The mass spectrum."""

from collections.abc import Sequence

import pyqtgraph as pg
from PyQt6.QtCore import Qt, pyqtSignal
from pyqtgraph.GraphicsScene.mouseEvents import MouseClickEvent

from gui.curves import Curves
from gui.plots.plot import Plot

LABELS = 40
"""Peaks with a label, at most."""
LABEL_SHARE = 0.03
"""A peak of less than this share of the highest has no label."""
AROUND = 1.5
"""Windows of a cluster that are shown when the spectrum is zoomed to it."""
ROOM = 1.07
"""Over the highest peak, for its label."""


class SpectrumPlot(Plot):
    """The mean trace; a click tells the flight time, in µs."""

    chosen = pyqtSignal(float)

    def __init__(self) -> None:
        tip = "mean trace per shot above the baseline, in the digitizer's codes; click a peak to choose the cluster"
        super().__init__("mass spectrum", "flight time / µs", "mean signal / codes", tip)
        self._lines = [self.plot([], [], skipFiniteCheck=True) for _ in range(2)]
        self._labels: list[pg.TextItem] = []
        self._room = pg.ScatterPlotItem(size=0, pen=None, brush=None)
        item = self.getPlotItem()
        item.getViewBox().addItem(self._room)
        item.setDownsampling(auto=True, mode="peak")
        item.setClipToView(True)
        self.scene().sigMouseClicked.connect(self._clicked)

    def draw_spectrum(self, curves: Curves) -> None:
        """Whole traces, the peaks of clusters labelled with their size."""
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

    def _label(self, peaks: Sequence[tuple[int, float, float]]) -> None:
        highest = max(peaks, key=lambda peak: peak[2], default=None)
        # The label of the highest peak is to be seen as well.
        self._room.setData(*(([highest[1]], [ROOM * highest[2]]) if highest else ([], [])))
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
