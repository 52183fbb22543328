"""Editors of values: each has a value and a signal, and refuses what is out of its limits while one types."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PyQt6.QtCore import QLocale, pyqtBoundSignal, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QLineEdit, QSpinBox, QWidget

from daq.face.state import Settable, Value

HUGE = 1e12
DECIMALS = 20
"""What is read is kept to the last bit: delays are picoseconds, in seconds."""
INT32 = 2**31


class _Box(NamedTuple):
    """A widget, and how its value is read and put."""

    widget: QWidget
    get: Callable[[], Value]
    put: Callable[[Value], None]
    changed: tuple[pyqtBoundSignal, ...]


class _Number(QDoubleSpinBox):
    """As many decimals as the number has."""

    def textFromValue(self, v: float) -> str:
        return np.format_float_positional(v, trim="-")


class Editor(QWidget):
    """Of one quantity that can be set; `done` is told when Enter is pressed in a text, `changed` that it is another value, or
    that the operator chose the same again."""

    done, changed = pyqtSignal(), pyqtSignal()

    def __init__(self, of: Settable) -> None:
        super().__init__()
        self._box = self._make(of)
        for signal in self._box.changed:
            signal.connect(lambda *told: self.changed.emit())
        self.setFocusProxy(self._box.widget)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box.widget)

    def value(self) -> Value:
        return self._box.get()

    def set_value(self, value: Value) -> None:
        self._box.put(value)

    def _make(self, of: Settable) -> _Box:
        if of.choices:
            return _choice(of.choices)
        if of.kind == "bool":
            check = QCheckBox("on")
            return _Box(check, check.isChecked, lambda value: check.setChecked(bool(value)), (check.toggled,))
        if of.kind in ("int", "float"):
            low, high = (-HUGE if of.low is None else of.low), (HUGE if of.high is None else of.high)
            return _whole(of, low, high) if of.kind == "int" and max(-low, high) < INT32 else _number(of, low, high)
        line = QLineEdit()
        line.returnPressed.connect(self.done)
        return _Box(line, line.text, lambda value: line.setText(str(value)), (line.textChanged,))


def _choice(choices: tuple[Value, ...]) -> _Box:
    combo = QComboBox()
    combo.addItems([str(choice) for choice in choices])
    put: Callable[[Value], None] = lambda value: combo.setCurrentIndex(choices.index(value) if value in choices else 0)  # noqa: E731
    return _Box(combo, lambda: choices[combo.currentIndex()], put, (combo.activated, combo.currentIndexChanged))


def _whole(of: Settable, low: float, high: float) -> _Box:
    spin = QSpinBox()
    spin.setRange(int(low), int(high))
    spin.setSuffix(f" {of.unit}" if of.unit else "")
    return _Box(spin, spin.value, lambda value: spin.setValue(int(value)), (spin.textChanged,))


def _number(of: Settable, low: float, high: float) -> _Box:
    spin = _Number()
    spin.setLocale(QLocale.c())
    spin.setDecimals(DECIMALS if of.kind == "float" else 0)
    spin.setRange(low, high)
    spin.setSuffix(f" {of.unit}" if of.unit else "")
    spin.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    get: Callable[[], Value] = spin.value if of.kind == "float" else lambda: int(spin.value())
    return _Box(spin, get, lambda value: spin.setValue(float(value)), (spin.textChanged,))
