"""Moments against cluster size."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg

from gui.curves import Moment
from gui.look import BLUE, RED, shade
from gui.plots.plot import Plot

SYMBOLS = {"atomic-like": "o", "superparamagnetic": "s", "non-magnetic": "t", "undecided": "x"}
"""Of moments, and of the limits of those that were not seen."""


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

    def draw_moments(self, moments: Sequence[Moment], title: str) -> None:
        self.draw_none(title)
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
