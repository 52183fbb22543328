"""A quantity over minutes to days."""

import pyqtgraph as pg

from gui.look import BLUE, shade
from gui.plots.plot import Plot
from gui.trends import Trend


class HistoryPlot(Plot):
    """What a quantity was since the window was opened."""

    def __init__(self) -> None:
        super().__init__(
            "history", "", "", "what the quantity was since this window was opened, by the clock of the laboratory"
        )
        self.setAxisItems({"bottom": pg.DateAxisItem()})
        self._coloured = None
        self.recolour()
        self._line = self.plot([], [])
        self.legend.hide()

    def draw_none(self, why: str) -> None:
        self.recolour()
        self.setTitle(why, color=self.text())
        self._line.setData([], [])

    def draw_trend(self, name: str, unit: str, trend: Trend) -> None:
        self.recolour()
        times, values = trend.curve()
        self.setTitle(f"{name}{f' / {unit}' if unit else ''}", color=self.text())
        self._line.setData(times, values)
        self._line.setPen(pg.mkPen(shade(BLUE), width=1))
