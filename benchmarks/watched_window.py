"""`python -P benchmarks/watched_window.py WHERE SECONDS`: the operator's window, and how it fares.

Says `painted` when it has painted for the first time, and after so many seconds one line of JSON: looks and paints per second,
how late its event loop was, its processor time, growth of its memory, the oldest values that it showed while nothing was heard.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PyQt6.QtCore import QEvent, QObject, Qt, QTimer
from PyQt6.QtWidgets import QApplication

from daq.service.client import Client
from gui.feed import ServiceFeed
from gui.memory import give_back
from gui.window import Window

TICK_S = 0.005
WARM = 0.2
"""Share of the time after which is counted."""


class Watch(QObject):
    """Counts paints and the lateness of a timer."""

    def __init__(self, window: Window, seconds: float) -> None:
        super().__init__()
        self._window, self._seconds = window, seconds
        self._began = self._last = time.perf_counter()
        # Filled from the start: what grows is the window's.
        self._late_s = np.full(int(seconds / TICK_S) + 1, np.nan)
        self.paints = self.looks = self._ticks = 0
        self.oldest_s = 0.0
        self._cpu, self._pages = 0.0, 0
        beat = window.beat

        def look() -> None:
            self.looks += 1
            beat()

        window.timer.timeout.disconnect()
        window.timer.timeout.connect(look)
        window.installEventFilter(self)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(int(1e3 * TICK_S))
        QTimer.singleShot(int(1e3 * WARM * seconds), self._start)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        self.paints += event is not None and event.type() == QEvent.Type.UpdateRequest
        return False

    def _start(self) -> None:
        self.paints = self.looks = self._ticks = 0
        self._began, self._cpu, self._pages = time.perf_counter(), time.process_time(), pages()

    def _tick(self) -> None:
        now, model = time.perf_counter(), self._window.model
        self._late_s[self._ticks % len(self._late_s)] = max(0.0, now - self._last - TICK_S)
        self._last, self._ticks = now, self._ticks + 1
        self.oldest_s = max(self.oldest_s, model.age_s if model.trouble else 0.0)

    def said(self) -> dict[str, float]:
        took = time.perf_counter() - self._began
        late_ms = 1e3 * self._late_s[: self._ticks]
        return {
            "looks_Hz": self.looks / took,
            "paints_Hz": self.paints / took,
            "late_99_ms": float(np.quantile(late_ms, 0.99)),
            "late_most_ms": float(late_ms.max()),
            "cores": (time.process_time() - self._cpu) / took,
            "growth": pages() / self._pages - 1,
            "oldest_s": self.oldest_s,
        }


def pages() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])


def main() -> None:
    give_back()
    application, seconds = QApplication(sys.argv[:1]), float(sys.argv[2])
    application.setStyle("Fusion")
    with Client(Path(sys.argv[1]), program="window", wait_s=0) as client:
        window = Window(ServiceFeed(client))
        window.tabs.setCurrentWidget(window.beam)
        window.show()
        window.grab()
        print("painted", flush=True)
        if seconds:
            watch = Watch(window, seconds)
            QTimer.singleShot(int(1e3 * seconds), application.exit)
            application.exec()
            print(json.dumps(watch.said()), flush=True)
        window.leave()


if __name__ == "__main__":
    main()
