"""`python -P benchmarks/soaked_window.py WHERE SECONDS`: the operator's window for hours, and its memory.

All tabs are shown in turn, ten seconds each, with the history of one quantity; once a minute it says how many pages are
resident.
"""

import os
import sys
from itertools import count
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from daq.service.client import Client
from gui.feed import ServiceFeed
from gui.memory import give_back
from gui.window import Window

sys.path.append(str(Path(__file__).parent))
from watched_window import pages

TAB_S, MINUTE_S = 10, 60
WATCHED = ("cold_head", "temperature_K")


def main() -> None:
    give_back()
    application, seconds = QApplication(sys.argv[:1]), float(sys.argv[2])
    application.setStyle("Fusion")
    with Client(Path(sys.argv[1]), program="window") as client:
        window, turn = Window(ServiceFeed(client)), count()
        window.machine.watch(*WATCHED)
        window.show()
        turning, telling = QTimer(), QTimer()
        turning.timeout.connect(lambda: window.tabs.setCurrentIndex(next(turn) % window.tabs.count()))
        telling.timeout.connect(lambda: print(pages(), flush=True))
        turning.start(1000 * TAB_S)
        telling.start(1000 * MINUTE_S)
        QTimer.singleShot(int(1e3 * seconds), application.exit)
        application.exec()
        window.leave()


if __name__ == "__main__":
    main()
