"""The machine: a card for each instrument, with what it last said and how old that is."""

from collections.abc import Iterable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from daq.face.state import InstrumentPart, Reading
from gui.feed import Kinds, Model
from gui.look import bold, say
from gui.words import Grade, clock, duration, instrument_state, quantity, spoken, value

COLUMNS = 3
AGE_WIDTH = 70
"""Enough for what changes all the time, so that nothing moves."""


class Card(QFrame):
    """One instrument."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._grid = QGridLayout(self)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        self.title, self.state, self.trouble = QLabel(spoken(name)), QLabel(), QLabel()
        self.state.setObjectName(f"state of {name}")
        self.trouble.setWordWrap(True)
        bold(self.title)
        self._grid.addWidget(self.title, 0, 0)
        self._grid.addWidget(self.state, 0, 1, 1, 3, Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(self.trouble, 1, 0, 1, 4)
        self._rows: dict[str, tuple[QLabel, QLabel, QLabel, QLabel]] = {}

    def show_part(self, part: InstrumentPart, model: Model) -> None:
        grade, word = instrument_state(part)
        if model.trouble:
            grade, word = Grade.OLD, f"was {word}"
        say(self.state, f"{grade.value} {word}", grade)
        self.title.setToolTip(f"{part.name}: {part.role}, {part.identity}, driver {part.driver}")
        self.state.setToolTip(f"answered at {clock(part.answered)}")
        trouble = "; ".join(filter(None, (part.error, *part.warnings)))
        say(self.trouble, trouble, grade)
        self.trouble.setVisible(bool(trouble))
        for name, reading in part.readings.items():
            self._show_reading(part, name, reading, model)

    def _show_reading(self, part: InstrumentPart, name: str, reading: Reading, model: Model) -> None:
        what, number, unit, age = self._rows.get(name) or self._add(name)
        old = reading.stale or bool(model.trouble)
        grade = Grade.OLD if old else Grade.IDLE
        say(what, quantity(name, reading.unit), grade)
        say(number, value(reading.value), grade)
        say(unit, reading.unit, grade)
        since = duration(model.age_of(reading.at))
        say(age, f"{Grade.OLD.value} {since} old" if old else since, grade)
        tip = f"{part.name}.{name} in {reading.unit or 'no unit'}, from {part.driver}, read at {clock(reading.at)}"
        for label in (what, number, unit, age):
            label.setToolTip(f"{tip}; stale" if old else tip)

    def _add(self, name: str) -> tuple[QLabel, QLabel, QLabel, QLabel]:
        labels = (QLabel(), QLabel(), QLabel(), QLabel())
        row = len(self._rows) + 2
        for column, label in enumerate(labels):
            self._grid.addWidget(label, row, column)
        for label in (labels[1], labels[3]):
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        labels[3].setMinimumWidth(AGE_WIDTH)
        labels[1].setObjectName(f"{self.objectName()}.{name}")
        self._rows[name] = labels
        return labels


class MachineView(QScrollArea):
    """Cards in columns, each as high as it has to be."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self._inside = QWidget()
        grid = QGridLayout(self._inside)
        self._columns = [QVBoxLayout() for _ in range(COLUMNS)]
        for number, column in enumerate(self._columns):
            column.addStretch()
            grid.addLayout(column, 0, number)
            grid.setColumnStretch(number, 1)
        self.setWidget(self._inside)
        self.cards: dict[str, Card] = {}

    def heard(self, model: Model, changed: Kinds) -> None:
        """Ages grow at each beat, whether something was heard or not; nothing is done while nobody looks."""
        parts = {part.name: part for part in model.of(InstrumentPart)}
        if parts.keys() != self.cards.keys():
            self._arrange(parts)
        if self.isVisible():
            for name, card in self.cards.items():
                card.show_part(parts[name], model)

    def _arrange(self, names: Iterable[str]) -> None:
        """Cards of these instruments, by name, so that each is always in the same place."""
        for card in self.cards.values():
            card.setParent(None)
            card.deleteLater()
        self.cards = {}
        for number, name in enumerate(sorted(names)):
            self.cards[name] = Card(name)
            column = self._columns[number % COLUMNS]
            column.insertWidget(column.count() - 1, self.cards[name])
