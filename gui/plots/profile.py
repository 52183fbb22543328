"""The deflection profile of one cluster, after the paper's Figure 1: zero field black, full field red, over the projection."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor

from gui.curves import Curve, Curves, Fit
from gui.plots.plot import Plot

MARKS_uB = (-1.0, 0.0, 1.0)
"""Where the paper has its lines."""
TIME, PROJECTION = "flight time / µs", "projection of the moment, from the middle of the beam at zero field / µB"


class ProfilePlot(Plot):
    """One cluster without and with field, relative to the maximum without, and the fit that was made last."""

    def __init__(self) -> None:
        tip = "mean signal per shot of the chosen cluster, with standard errors from the scatter between shots"
        super().__init__("deflection profile", PROJECTION, "signal (maximum at lowest field = 1)", tip)
        self._marks = [pg.InfiniteLine(place, movable=False) for place in MARKS_uB]
        for mark in self._marks:
            self.addItem(mark, ignoreBounds=True)
        self._points = [self.plot([], [], pen=None, symbolSize=4) for _ in range(2)]
        self._fits = [self.plot([], []) for _ in range(2)]
        self._bars = [pg.ErrorBarItem(x=np.zeros(1), y=np.zeros(1), height=np.zeros(1)) for _ in range(2)]
        for bars in self._bars:
            self.addItem(bars)

    def draw_profile(self, curves: Curves, size: int, fit: Fit | None, told: str) -> None:
        """The cluster of this size; `told` is what is known of its moment."""
        self.recolour()
        fields = self.off_on(curves)
        found = [(field_T, pen, curve) for field_T, pen in fields if (curve := curves.at(size, field_T)) is not None]
        top = max((float(curve.signal.max()) for _, _, curve in found[:1]), default=0.0) or 1.0
        name = f"{curves.element}{size}"
        self.setTitle(f"{name}{told}" if found else f"no {name or size} in this run", color=self.text())
        by_projection = bool(found) and all(curve.projection_uB is not None for _, _, curve in found)
        self.label_bottom(PROJECTION if by_projection else TIME)
        for mark in self._marks:
            mark.setPen(pg.mkPen(self.text(), width=1, style=Qt.PenStyle.DotLine))
            mark.setVisible(by_projection)
        self.legend.clear()
        for item in (*self._points, *self._bars, *self._fits):
            item.setVisible(False)
        middle_uB = curves.middle_uB(size)
        for number, (field_T, pen, curve) in enumerate(found):
            self._draw(number, pen, curve, top, middle_uB)
            self.legend.addItem(self._points[number], f"{field_T:g} T, {curve.shots:,} shots")
        if fit is not None and by_projection:
            self._draw_fit(fit, [pen for _, pen, _ in found], top, middle_uB)

    def _draw(self, number: int, pen: QColor, curve: Curve, top: float, middle_uB: float) -> None:
        points, bars = self._points[number], self._bars[number]
        x = curve.time_us if curve.projection_uB is None else curve.projection_uB - middle_uB
        points.setData(x, curve.signal / top)
        points.setSymbol("so"[number])
        points.setSymbolPen(pg.mkPen(pen, width=1))
        points.setSymbolBrush(pg.mkBrush(pen))
        bars.setData(x=x, y=curve.signal / top, height=2 * curve.error / top, pen=pg.mkPen(pen, width=1))
        points.setVisible(True)
        bars.setVisible(True)

    def _draw_fit(self, fit: Fit, pens: Sequence[QColor], top: float, middle_uB: float) -> None:
        for line, pen, signal in zip(self._fits, pens, (fit.off, fit.on), strict=False):
            line.setData(fit.projection_uB - middle_uB, signal / top)
            line.setPen(pg.mkPen(pen, width=1))
            line.setVisible(True)
