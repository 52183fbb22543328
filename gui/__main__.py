"""`python -P -m gui`: the window as a process; `clusterbeam gui` starts it.

Exit status 3: the operator wants the service ended as well.
"""

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from config.errors import ConfigurationError
from daq.service.client import Client
from daq.service.errors import ServiceError
from gui.feed import Feed, ServiceFeed
from gui.memory import give_back
from gui.window import Window

END_SERVICE = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="clusterbeam gui", description="The operator's window.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--where", type=Path, help="file that tells where the service is")
    source.add_argument("--replay", type=Path, help="run file to show")
    parser.add_argument("--speed", type=float, default=1.0, help="of a replay; 0: as fast as it can be read")
    parser.add_argument("--may-end", action="store_true", help="offer to end the service when the window is closed")
    given = parser.parse_args()
    give_back()
    application = QApplication(sys.argv[:1])
    application.setStyle("Fusion")
    application.setApplicationName("clusterbeam")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: QTimer.singleShot(0, application.exit))
    with ExitStack() as context:
        try:
            feed = _feed(given, context)
        except (ServiceError, ConfigurationError) as error:
            print(f"clusterbeam: {error}", file=sys.stderr)
            return 1
        window = Window(feed, given.may_end)
        # A defect of one view must not take the emergency stop's button away, as PyQt would do.
        sys.excepthook = window.stumbled
        window.preferences.apply()
        window.show()
        application.exec()
        return END_SERVICE if window.end_service else 0


def _feed(given: argparse.Namespace, context: ExitStack) -> Feed:
    if given.replay is not None:
        # A window of a service needs nothing of this, and is there sooner without it.
        from daq.record.run_file import RunFileError
        from gui.replay import ReplayFeed

        try:
            return context.enter_context(ReplayFeed(given.replay, given.speed))
        except RunFileError as error:
            raise ServiceError(str(error)) from None
    return ServiceFeed(context.enter_context(Client(given.where, program="window", wait_s=0)))


if __name__ == "__main__":
    sys.exit(main())
