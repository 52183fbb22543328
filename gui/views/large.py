"""Large numbers: what a person wants to read from two metres away."""

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QGridLayout, QLabel, QWidget

from daq.face.state import InstrumentPart, RunPart
from gui.feed import Kinds, Model
from gui.look import say
from gui.words import Grade, duration, run_grade, value

SHARE = 0.085
"""Height of a letter, of the view's: 2 cm on a 24-inch screen."""
QUANTITIES = (
    ("source", "cold head", "temperature_K", "K"),
    ("helium", "pressure controller", "pressure_bar", "bar"),
    ("field", "field probe", "field_T", "T"),
)


class LargeView(QWidget):
    """State, shots, time left, source, helium, field, alarms."""

    def __init__(self) -> None:
        super().__init__()
        names = ("run", "shots", "left", *(name for name, *_ in QUANTITIES), "alarms")
        self.values = {name: QLabel() for name in names}
        self._names = [QLabel(name) for name in names]
        grid = QGridLayout(self)
        for row, (label, shown) in enumerate(zip(self._names, self.values.values(), strict=True)):
            shown.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            # However large its letters are, the window may be made smaller again.
            label.setMinimumSize(1, 1)
            shown.setMinimumSize(1, 1)
            grid.addWidget(label, row, 0)
            grid.addWidget(shown, row, 1)
        grid.setColumnStretch(1, 1)

    def heard(self, model: Model, changed: Kinds) -> None:
        if not self.isVisible():
            return
        run = model.one(RunPart) or RunPart("unknown", "")
        grade = model.graded(run_grade(run))
        say(self.values["run"], f"{grade.value} {run.state}", grade)
        share = f"  {run.recorded / run.shots:.0%}" if run.shots else ""
        say(self.values["shots"], f"{run.recorded:,} of {run.shots:,}{share}")
        say(self.values["left"], duration(run.left_s / run.speed) if run.left_s else "—")
        instruments = {part.role: part for part in model.of(InstrumentPart)}
        for name, role, quantity, unit in QUANTITIES:
            self._show(self.values[name], instruments.get(role), quantity, unit, model)
        new = model.new_alarms()
        grade = model.graded(Grade.BAD if new else Grade.GOOD)
        say(self.values["alarms"], f"{grade.value} {len(new) or 'none'}", grade)

    def _show(self, label: QLabel, part: InstrumentPart | None, quantity: str, unit: str, model: Model) -> None:
        reading = part.readings.get(quantity) if part is not None else None
        if reading is None:
            say(label, "—", Grade.OLD)
            return
        old = reading.stale or bool(model.trouble) or not (part is not None and part.live)
        shown = f"{reading.value:.3g}" if isinstance(reading.value, float) else value(reading.value)
        say(label, f"{Grade.OLD.value if old else ''} {shown} {unit}".strip(), Grade.OLD if old else Grade.IDLE)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        for label in (*self._names, *self.values.values()):
            font = label.font()
            font.setPixelSize(max(12, int(SHARE * self.height())))
            label.setFont(font)
