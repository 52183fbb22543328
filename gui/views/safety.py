"""Safety: alarms, interlocks and what holds the start back, the guard, and how an emergency stop went."""

from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from daq.face.commands import Acknowledge, ResetEmergency, Shelve
from daq.face.state import AlarmPart, EmergencyPart, GuardPart, InterlockPart, QueuePart
from gui.asking import Asking
from gui.feed import Kinds, Model
from gui.look import bold, say
from gui.table import Row, Table
from gui.words import UNSURE, Grade, alarm_state, clock, interlock_grade, spoken

SHELF_S = 600.0
OF_ALARMS = ("state", "alarm", "since", "what")
OF_INTERLOCKS = ("state", "interlock", "does", "holds the start", "condition")


class SafetyView(QWidget):
    """Alarms above, interlocks below."""

    def __init__(self, asking: Asking) -> None:
        super().__init__()
        self._ask = asking
        self.emergency, self.unsure, self.outcomes, self.start, self.guard = (QLabel() for _ in range(5))
        self.start.setObjectName("start")
        for label in (self.emergency, self.unsure, self.outcomes, self.start):
            label.setWordWrap(True)
        bold(self.start)
        self.reset = _button("Reset the &emergency stop", "reset", "allow runs and set points again")
        self.reset.clicked.connect(lambda: self._ask(ResetEmergency(), "reset the emergency stop"))
        self.alarms, self.interlocks = Table("alarms", OF_ALARMS), Table("interlocks", OF_INTERLOCKS)
        acknowledge = _button("&Acknowledge", "acknowledge", "the chosen alarm has been seen; a latched interlock is released")
        shelve = _button("S&helve for 10 min", "shelve", "keep the chosen alarm silent; its interlock goes on acting")
        self.alarms.acted_on_by(acknowledge, shelve)
        acknowledge.clicked.connect(self._acknowledge)
        shelve.clicked.connect(self._shelve)
        layout = QVBoxLayout(self)
        layout.addLayout(_row(self.emergency, self.reset))
        layout.addWidget(self.unsure)
        layout.addWidget(self.outcomes)
        layout.addWidget(_heading("Alarms"))
        layout.addWidget(self.alarms, 1)
        layout.addLayout(_row(acknowledge, shelve, None, self.guard))
        layout.addWidget(_heading("Interlocks"))
        layout.addWidget(self.start)
        layout.addWidget(self.interlocks, 2)

    def heard(self, model: Model, changed: Kinds) -> None:
        """All that has changed; alarms at each beat, since shelving ends by itself."""
        self._show_alarms(model)
        if InterlockPart in changed:
            self._show_interlocks(model)
        guard = model.one(GuardPart)
        if guard is not None and GuardPart in changed:
            grade = model.graded(Grade.GOOD if guard.alive else Grade.BAD)
            again = f", started again {guard.restarts} times" if guard.restarts else ""
            say(self.guard, f"{grade.value} {guard.text or f'the guard watches{again}'}", grade)
        emergency = model.one(EmergencyPart) or EmergencyPart(False)
        if EmergencyPart in changed:
            self._show_emergency(emergency, model)
        if changed & {InterlockPart, EmergencyPart, QueuePart}:
            self._show_start(model, emergency)

    def _show_alarms(self, model: Model) -> None:
        rows = []
        for one in model.of(AlarmPart):
            if not one.gone:
                grade, state = alarm_state(one, model.now)
                grade = model.graded(grade)
                rows.append(
                    Row(one.name, (f"{grade.value} {state}", spoken(one.name), clock(one.since), one.text), grade, one.text)
                )
        self.alarms.show_rows(rows)

    def _show_interlocks(self, model: Model) -> None:
        first = sorted(model.of(InterlockPart), key=lambda one: (not one.holds_start, one.state in ("ok", "resting"), one.name))
        rows = []
        for one in first:
            grade = model.graded(interlock_grade(one.state))
            holds = f"{model.graded(Grade.BAD).value} yes" if one.holds_start else "no"
            cells = (f"{grade.value} {one.state}", spoken(one.name), one.action, holds, one.condition)
            rows.append(Row(one.name, cells, grade, f"{one.text or one.condition} (since {clock(one.since)})"))
        self.interlocks.show_rows(rows)

    def _show_start(self, model: Model, emergency: EmergencyPart) -> None:
        queue, interlocks = model.one(QueuePart) or QueuePart(), model.of(InterlockPart)
        holding = ["the emergency stop"] * emergency.active + [spoken(one.name) for one in interlocks if one.holds_start]
        holding += [f"the queue, until it is let go on ({queue.held})"] if queue.held else []
        grade = model.graded(Grade.BAD if holding else Grade.GOOD)
        why = f"the start is held back by {'; '.join(holding)}" if holding else "nothing holds the start of a run back"
        say(self.start, f"{grade.value} {why}", grade)

    def _show_emergency(self, part: EmergencyPart, model: Model) -> None:
        self.reset.setEnabled(part.active)
        for label, grade, so in ((self.unsure, Grade.BAD, True), (self.outcomes, Grade.GOOD, False)):
            lines = [f"{grade.value} {spoken(line)}" for line in part.outcomes if (UNSURE in line) is so]
            label.setVisible(part.active and bool(lines))
            say(label, "\n".join(lines), grade)
        if not part.active:
            say(self.emergency, f"{model.graded(Grade.IDLE).value} no emergency stop", model.graded(Grade.IDLE))
            return
        say(self.emergency, f"{Grade.BAD.value} emergency stop by {part.by} at {clock(part.at)}", Grade.BAD)

    def _acknowledge(self) -> None:
        self._ask(Acknowledge(self.alarms.chosen()), f"acknowledge {spoken(self.alarms.chosen())}")

    def _shelve(self) -> None:
        self._ask(Shelve(self.alarms.chosen(), SHELF_S), f"shelve {spoken(self.alarms.chosen())}")


def _button(text: str, name: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    return button


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    bold(label, 1.1)
    return label


def _row(*widgets: QWidget | None) -> QHBoxLayout:
    """Side by side; the room that is left goes to None, or to the first."""
    row = QHBoxLayout()
    for widget in widgets:
        row.addStretch() if widget is None else row.addWidget(widget, 1 if None not in widgets and widget is widgets[0] else 0)
    return row
