"""The time line of a shot: when each event is planned, how long it lasts, and when it was programmed to happen."""

from collections.abc import Sequence

import pyqtgraph as pg

from daq.face.preview import PlannedEvent
from daq.face.reduced import ShotEvent
from gui.look import BLUE, RED, shade
from gui.plots.plot import Plot
from gui.words import spoken

BAR = 0.5
LEAST = 0.004
"""Of the time line's length: a pulse that is shorter would not be seen."""


class TimeLinePlot(Plot):
    """Events from above in the order in which they come; bars as planned, diamonds as programmed and read back."""

    def __init__(self) -> None:
        tip = "events of a shot after T0, at the unit they drive, its insertion delay included"
        super().__init__("time line of a shot", "after T0 / ms", "", tip)
        self._bars = pg.BarGraphItem(x0=[], x1=[], y=[], height=BAR)
        self.addItem(self._bars)
        self._told = self.plot([], [], pen=None, symbol="d", symbolSize=10)
        self.legend.setOffset((-10, 5))
        self._planned: Sequence[PlannedEvent] = ()
        self._programmed: Sequence[ShotEvent] = ()

    def plan(self, events: Sequence[PlannedEvent]) -> None:
        """Of a plan that was checked."""
        self._planned, self._programmed = events, ()
        self.draw()

    def programme(self, events: Sequence[ShotEvent]) -> None:
        """Of the step whose shots are taken."""
        widths = {event.name: event for event in self._planned}
        self._planned = [
            PlannedEvent(
                one.name,
                one.planned_s,
                widths[one.name].width_s if one.name in widths else 0.0,
                widths[one.name].jitter_s if one.name in widths else 0.0,
                widths[one.name].output if one.name in widths else "",
            )
            for one in events
        ]
        self._programmed = events
        self.draw()

    def draw(self) -> None:
        self.recolour()
        names = [event.name for event in self._planned]
        rows = {name: -float(number) for number, name in enumerate(names)}
        self.getPlotItem().getAxis("left").setTicks([[(row, spoken(name)) for name, row in rows.items()]])
        end_ms = max((1e3 * (event.time_s + event.width_s) for event in self._planned), default=1.0)
        starts = [1e3 * event.time_s for event in self._planned]
        ends = [max(1e3 * (one.time_s + one.width_s), 1e3 * one.time_s + LEAST * end_ms) for one in self._planned]
        self._bars.setOpts(x0=starts, x1=ends, y=list(rows.values()), pen=pg.mkPen(shade(BLUE)), brush=pg.mkBrush(shade(BLUE)))
        told = [one for one in self._programmed if one.programmed_s == one.programmed_s]
        self._told.setData([1e3 * one.programmed_s for one in told], [rows[one.name] for one in told])
        self._told.setSymbolPen(pg.mkPen(shade(RED), width=1))
        self._told.setSymbolBrush(None)
        self.legend.clear()
        if names:
            self.legend.addItem(pg.PlotDataItem(pen=pg.mkPen(shade(BLUE), width=4)), "planned")
        if told:
            worst_ns = max(abs(one.programmed_s - one.planned_s) for one in told) * 1e9
            self.legend.addItem(self._told, f"programmed and read back; at most {worst_ns:.0f} ns off")
