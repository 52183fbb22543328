"""A card: what one instrument last said, how old that is, and what can be set of it."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QSizePolicy

from daq.face.state import InstrumentPart, Reading
from gui.feed import Model
from gui.look import bold, say
from gui.words import Grade, clock, duration, instrument_state, quantity, spoken, value

AGE_WIDTH = 70
"""Enough for what changes all the time, so that nothing moves."""


Labels = tuple[QPushButton, QLabel, QLabel, QLabel]
"""Of one quantity: its name, which shows its history, value, unit and age."""


class Card(QFrame):
    """One instrument.  `history` is told the quantity whose past is wanted, `setting` that something is to be set."""

    history = pyqtSignal(str)
    setting = pyqtSignal()

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
        self.put = QPushButton("Set…")
        self.put.setObjectName(f"set {name}")
        self.put.setAccessibleName(f"set a quantity of {spoken(name)}")
        self.put.setToolTip("set a quantity of this instrument by hand, within its limits; not while a run goes on")
        self.put.clicked.connect(self.setting)
        self.put.hide()
        self._grid.addWidget(self.title, 0, 0)
        self._grid.addWidget(self.state, 0, 1, 1, 3, Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(self.trouble, 1, 0, 1, 4)
        self._rows: dict[str, Labels] = {}

    def show_part(self, part: InstrumentPart, model: Model, can_set: bool) -> None:
        grade, word = instrument_state(part)
        if model.trouble:
            grade, word = Grade.OLD, f"was {word}"
        say(self.state, f"{grade.value} {word}", grade)
        self.title.setToolTip(f"{part.name}: {part.role}, {part.identity}, driver {part.driver}")
        self.state.setToolTip(f"answered at {clock(part.answered)}")
        trouble = "; ".join(filter(None, (part.error, *part.warnings)))
        say(self.trouble, trouble, grade)
        self.trouble.setVisible(bool(trouble))
        if self.put.isHidden() is can_set:
            self.put.setVisible(can_set)
        for name, reading in part.readings.items():
            self._show_reading(part, name, reading, model)

    def _show_reading(self, part: InstrumentPart, name: str, reading: Reading, model: Model) -> None:
        what, number, unit, age = self._rows.get(name) or self._add(name)
        old = reading.stale or bool(model.trouble)
        grade = Grade.OLD if old else Grade.IDLE
        what.setText(quantity(name, reading.unit))
        say(number, value(reading.value), grade)
        say(unit, reading.unit, grade)
        since = duration(model.age_of(reading.at))
        say(age, f"{Grade.OLD.value} {since} old" if old else since, grade)
        tip = f"{part.name}.{name} in {reading.unit or 'no unit'}, from {part.driver}, read at {clock(reading.at)}"
        for label in (number, unit, age):
            label.setToolTip(f"{tip}; stale" if old else tip)

    def _add(self, name: str) -> Labels:
        what = QPushButton()
        what.setFlat(True)
        what.setStyleSheet("text-align: left; padding: 0; border: none; color: palette(window-text)")
        what.setCursor(Qt.CursorShape.PointingHandCursor)
        what.setToolTip("show what it was since this window was opened")
        what.clicked.connect(lambda: self.history.emit(name))
        labels = (what, QLabel(), QLabel(), QLabel())
        row = len(self._rows) + 2
        self._grid.addWidget(self.put, row + 1, 0, 1, 4, Qt.AlignmentFlag.AlignLeft)
        for column, label in enumerate(labels):
            self._grid.addWidget(label, row, column)
        for label in (labels[1], labels[3]):
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        labels[3].setMinimumWidth(AGE_WIDTH)
        labels[1].setObjectName(f"{self.objectName()}.{name}")
        self._rows[name] = labels
        return labels
