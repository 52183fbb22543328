"""The signal: single shots as they come, and how steady the source is."""

from PyQt6.QtWidgets import QVBoxLayout, QWidget

from daq.face.reduced import Reduced, Trace
from gui.curves import Curves, Shot, Yield
from gui.feed import Kinds, Model
from gui.plots.signal import TracePlot, YieldPlot


class SignalView(QWidget):
    """The newest traces above, the yield below."""

    def __init__(self) -> None:
        super().__init__()
        self._yield, self._drawn = Yield(), False
        self.trace, self.ions = TracePlot(), YieldPlot()
        layout = QVBoxLayout(self)
        layout.addWidget(self.trace, 3)
        layout.addWidget(self.ions, 2)

    def heard(self, model: Model, changed: Kinds) -> None:
        """The yield goes on while nobody looks; traces are drawn for who does."""
        reduced, trace = model.one(Reduced), model.one(Trace)
        if reduced is not None and Reduced in changed:
            self._yield.hear(reduced, Curves(reduced))
        if self.isVisible() and trace is not None and (Trace in changed or not self._drawn):
            self.trace.draw_shot(Shot.of(trace))
        if self.isVisible() and (Reduced in changed or not self._drawn):
            self.ions.draw_yield(self._yield)
        self._drawn = self.isVisible()
