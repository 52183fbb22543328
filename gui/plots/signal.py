"""Single shots: the newest trace with those before it fading, and how the yield goes."""

from collections import deque

import numpy as np
import pyqtgraph as pg

from gui.curves import Shot, Yield
from gui.look import BLUE, shade
from gui.plots.plot import Plot

KEPT = 8
"""Traces that are seen at once, the older the fainter."""


class TracePlot(Plot):
    """The MCP's signal as the digitizer gave it."""

    def __init__(self) -> None:
        tip = "single shots as they were recorded, the newest strongest; each line keeps the extremes of what it stands for"
        super().__init__("single shots", "flight time / µs", "MCP signal / mV", tip)
        self._lines = [self.plot([], [], skipFiniteCheck=True) for _ in range(KEPT)]
        self._shots: deque[Shot] = deque(maxlen=KEPT)
        self.legend.hide()

    def draw_shot(self, shot: Shot) -> None:
        if self._shots and self._shots[-1].run_id != shot.run_id:
            self._shots.clear()
        if not self._shots or self._shots[-1].shot != shot.shot:
            self._shots.append(shot)
        self.recolour()
        self.setTitle(f"shot {shot.shot:,}", color=self.text())
        for age, (line, one) in enumerate(zip(self._lines, reversed(self._shots), strict=False)):
            pen = self.text()
            pen.setAlphaF(1.0 if age == 0 else 0.35 * (1 - age / KEPT))
            line.setData(one.time_us, one.signal_mV)
            line.setPen(pg.mkPen(pen, width=1))
            line.setZValue(-age)
        for line in self._lines[len(self._shots) :]:
            line.setData([], [])


class YieldPlot(Plot):
    """Signal of all clusters per shot, from look to look."""

    def __init__(self) -> None:
        tip = "signal of all clusters together per shot, each point the shots between two looks; steady means a steady source"
        super().__init__("ion yield", "shots", "signal per shot (mean = 1)", tip)
        self._line = self.plot([], [], symbol="o", symbolSize=3)
        self.legend.hide()

    def draw_yield(self, found: Yield) -> None:
        self.recolour()
        shots, signal = found.curve()
        mean = float(np.average(signal, weights=found.weights())) if len(signal) else 1.0
        self._line.setData(shots, signal / (mean or 1.0))
        self._line.setPen(pg.mkPen(shade(BLUE), width=1))
        self._line.setSymbolPen(pg.mkPen(shade(BLUE), width=1))
        self._line.setSymbolBrush(pg.mkBrush(shade(BLUE)))
        spread = f", spread {signal.std() / mean:.0%}" if len(signal) > 2 and mean else ""
        self.setTitle(
            f"yield of the last {shots[-1] - shots[0]:,.0f} shots{spread}" if len(shots) > 1 else "yield", color=self.text()
        )
