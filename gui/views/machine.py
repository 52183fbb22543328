"""The machine: the beam line as a drawing, a card for each instrument, and what a quantity was."""

from collections.abc import Iterable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QScrollArea, QSplitter, QVBoxLayout, QWidget

from daq.face.state import InstrumentPart, SettablePart
from gui.asking import Asking
from gui.beam_line import BeamLine
from gui.card import Card
from gui.dialogs import show
from gui.feed import Kinds, Model
from gui.plots.history import HistoryPlot
from gui.setting import SettingDialog
from gui.trends import Trends
from gui.words import quantity, spoken

COLUMNS = 3


class MachineView(QSplitter):
    """Cards in columns, each as high as it has to be; below them the history of the quantity that was clicked last."""

    def __init__(self, asking: Asking) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._ask, self._trends = asking, Trends()
        self._settable: dict[str, SettablePart] = {}
        self._watched = ("", "")
        self.line, self.history = BeamLine(), HistoryPlot()
        self.history.hide()
        self._inside, self._scroll = QWidget(), QScrollArea()
        self._scroll.setWidgetResizable(True)
        grid = QGridLayout(self._inside)
        self._columns = [QVBoxLayout() for _ in range(COLUMNS)]
        for number, column in enumerate(self._columns):
            column.addStretch()
            grid.addLayout(column, 0, number)
            grid.setColumnStretch(number, 1)
        self._scroll.setWidget(self._inside)
        above = QWidget()
        layout = QVBoxLayout(above)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line)
        layout.addWidget(self._scroll, 1)
        self.addWidget(above)
        self.addWidget(self.history)
        self.setStretchFactor(0, 3)
        self.setStretchFactor(1, 1)
        self.setCollapsible(0, False)
        self.line.chosen.connect(self.open_card)
        self.cards: dict[str, Card] = {}

    def heard(self, model: Model, changed: Kinds) -> None:
        """Ages grow at each beat, whether something was heard or not; little is done while nobody looks."""
        parts = {part.name: part for part in model.of(InstrumentPart)}
        if InstrumentPart in changed:
            self._trends.hear(parts.values())
        if SettablePart in changed:
            self._settable = {part.name: part for part in model.of(SettablePart) if part.quantities}
        if parts.keys() != self.cards.keys():
            self._arrange(parts)
        if not self.isVisible():
            return
        self.line.show_parts(parts, model)
        for name, card in self.cards.items():
            card.show_part(parts[name], model, name in self._settable)
        if InstrumentPart in changed:
            self._draw_history()

    def open_card(self, name: str) -> None:
        """Bring the card of an instrument into sight."""
        self._scroll.ensureWidgetVisible(self.cards[name])
        self.cards[name].put.setFocus()

    def watch(self, name: str, of: str) -> None:
        """Show what a quantity was."""
        self._watched = name, of
        self.history.show()
        self._draw_history()

    def _draw_history(self) -> None:
        name, of = self._watched
        trend = self._trends.of(f"{name}.{of}")
        if trend is None:
            self.history.draw_none(f"{spoken(name)}: {spoken(of)} has no history, it is a text" if of else "")
        else:
            self.history.draw_trend(f"{spoken(name)}: {quantity(of, trend.unit)}", trend.unit, trend)

    def _set(self, name: str) -> None:
        show(SettingDialog(self._settable[name], self._ask, self))

    def _arrange(self, names: Iterable[str]) -> None:
        """Cards of these instruments, by name, so that each is always in the same place."""
        for card in self.cards.values():
            card.setParent(None)
            card.deleteLater()
        self.cards = {}
        for number, name in enumerate(sorted(names)):
            card = self.cards[name] = Card(name)
            card.history.connect(lambda of, name=name: self.watch(name, of))
            card.setting.connect(lambda name=name: self._set(name))
            column = self._columns[number % COLUMNS]
            column.insertWidget(column.count() - 1, card)
