"""Where a replay is, how fast it goes, and going elsewhere in it."""

from typing import Protocol

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSlider, QWidget


class Replayed(Protocol):
    """What a feed of a recorded run has more than others."""

    speed: float
    shots: int
    of: int

    def seek(self, shots: int) -> None: ...

    def change(self, *, speed: float | None = None, held: bool | None = None) -> None: ...


SPEEDS = (0.1, 1.0, 10.0, 100.0, 0.0)
"""Times the rate of then; 0: as fast as it can be read."""


class Scrubber(QWidget):
    """Of one replay."""

    def __init__(self, feed: Replayed) -> None:
        super().__init__()
        self._feed = feed
        self.hold, self.place = QPushButton("&Hold"), QSlider(Qt.Orientation.Horizontal)
        self.speed, self.told = QComboBox(), QLabel()
        self.hold.setCheckable(True)
        self.hold.setObjectName("hold")
        self.hold.setToolTip("stay where it is, or go on")
        self.place.setObjectName("scrubber")
        self.place.setAccessibleName("place in the run")
        self.place.setToolTip("shots looked at so far; drag it to see the run as it was there")
        self.place.setRange(0, feed.of)
        self.place.setPageStep(max(1, feed.of // 20))
        self.place.setTracking(False)
        self.speed.setToolTip("times the rate at which the run was recorded")
        self.speed.addItems(["as fast as possible" if not speed else f"{speed:g} ×" for speed in SPEEDS])
        self.speed.setCurrentIndex(SPEEDS.index(feed.speed) if feed.speed in SPEEDS else 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 6, 0)
        for widget in (self.hold, self.place, self.told, self.speed):
            row.addWidget(widget, 1 if widget is self.place else 0)
        self.hold.toggled.connect(lambda held: feed.change(held=held))
        self.speed.currentIndexChanged.connect(lambda place: feed.change(speed=SPEEDS[place]))
        self.place.valueChanged.connect(self._moved)

    def beat(self) -> None:
        """Follow the replay, unless somebody drags."""
        if not self.place.isSliderDown():
            self.place.blockSignals(True)
            self.place.setValue(self._feed.shots)
            self.place.blockSignals(False)
        told = f"{self._feed.shots:,} of {self._feed.of:,} shots"
        if self.told.text() != told:
            self.told.setText(told)

    def _moved(self, shots: int) -> None:
        self._feed.seek(shots)
