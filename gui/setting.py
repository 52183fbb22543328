"""Setting one quantity of an instrument by hand, with its limits, and back again."""

from PyQt6.QtWidgets import QComboBox, QDialog, QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from daq.face.commands import Answer, Read, Set
from daq.face.state import SettablePart, Value
from gui.asking import Asking
from gui.editors import Editor
from gui.look import say
from gui.words import Grade, quantity, spoken
from gui.words import value as spelt


class SettingDialog(QDialog):
    """Of one instrument.  What a quantity is now is read first, and only that or what the operator gave is ever set; Undo
    sets it to what it was before the last change."""

    def __init__(self, part: SettablePart, asking: Asking, parent: QWidget) -> None:
        super().__init__(parent)
        self._part, self._ask = part, asking
        self._now: Value | None = None
        self._before: Value | None = None
        self.setWindowTitle(f"set {spoken(part.name)}")
        self.setObjectName(f"set {part.name}")
        self.which, self.now, self.limits, self.told = QComboBox(), QLabel(), QLabel(), QLabel()
        self.which.setObjectName("quantity")
        self.which.addItems([quantity(one.name, one.unit) for one in part.quantities])
        self.told.setWordWrap(True)
        self.editor: Editor | None = None
        self.put, self.undo = QPushButton("&Set"), QPushButton("&Undo")
        for button in (self.put, self.undo):
            # Enter in a list or a number must not press it.
            button.setAutoDefault(False)
        self.put.setObjectName("set")
        self.undo.setObjectName("undo")
        self.undo.setToolTip("set it to what it was before the last change")
        self._form = QFormLayout()
        for name, widget in (("&Quantity", self.which), ("now", self.now), ("limits", self.limits)):
            self._form.addRow(name, widget)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self.put)
        layout.addWidget(self.undo)
        layout.addWidget(self.told)
        self.put.clicked.connect(lambda: self._set(self.editor.value() if self.editor else None))
        self.undo.clicked.connect(lambda: self._set(self._before))
        self.which.currentIndexChanged.connect(self._choose)
        # An answer may come when the dialog has gone.
        self._open = True
        self.finished.connect(self._close)
        self._choose(0)

    def _close(self) -> None:
        self._open = False

    def _choose(self, number: int) -> None:
        one = self._part.quantities[number]
        if self.editor is not None:
            self._form.removeRow(self.editor)
        self.editor = Editor(one)
        self.editor.done.connect(self.put.click)
        self.editor.changed.connect(lambda: self.put.setEnabled(True))
        self._form.insertRow(1, "&New value", self.editor)
        self._now = self._before = None
        self.now.setText("is being read …")
        self.put.setEnabled(False)
        self.undo.setEnabled(False)
        ends = ("any" if end is None else f"{end:g}" for end in (one.low, one.high))
        limited = one.low is not None or one.high is not None
        self.limits.setText(f"{' to '.join(ends)} {one.unit}" if limited else "none stated")
        self.limits.setToolTip(one.about)
        self.told.clear()
        self._read()

    def _read(self) -> None:
        name = self._part.quantities[self.which.currentIndex()].name
        self._ask(Read(f"{self._part.name}.{name}"), f"read {name}", lambda answer: self._heard(name, answer))

    def _heard(self, name: str, answer: Answer) -> None:
        if not self._open:
            return
        one = self._part.quantities[self.which.currentIndex()]
        if one.name != name:
            return
        if not answer.ok or answer.value is None:
            self.now.setText("cannot be read")
            return
        if self._now is None and self.editor is not None and not self.put.isEnabled():
            self.editor.set_value(answer.value)
            self.put.setEnabled(True)
        self._now = answer.value
        self.now.setText(f"{spelt(answer.value)} {one.unit}".strip())

    def _set(self, value: Value | None) -> None:
        if value is None:
            return
        one, before = self._part.quantities[self.which.currentIndex()], self._now
        told = f"set {self._part.name}.{one.name} to {spelt(value)} {one.unit}".strip()
        self._ask(Set(f"{self._part.name}.{one.name}", value), told, lambda answer: self._done(told, before, answer))

    def _done(self, told: str, before: Value | None, answer: Answer) -> None:
        if not self._open:
            return
        if answer.ok:
            self._before = before
            self.undo.setEnabled(before is not None)
            self._read()
        grade = Grade.GOOD if answer.ok else Grade.BAD
        say(self.told, f"{grade.value} {told}{'' if answer.ok else f' was refused: {answer.text}'}", grade)
