"""Commands of the program run beside the window, which goes on."""

import sys
from collections.abc import Callable, Sequence

from PyQt6.QtCore import QObject, QProcess

PROGRAM = ("-P", "-m", "daq.cli")


class Beside(QObject):
    """One command at a time; `told` gets what it says when it has ended, and whether it went well."""

    def __init__(self, told: Callable[[str, bool], None], parent: QObject) -> None:
        super().__init__(parent)
        self._told = told
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._stumbled)

    def run(self, *arguments: str) -> bool:
        """Start `clusterbeam` with these arguments; False while another command goes on."""
        if self.busy:
            return False
        self._process.start(sys.executable, [*PROGRAM, *arguments])
        return True

    @property
    def busy(self) -> bool:
        return self._process.state() != QProcess.ProcessState.NotRunning

    def end(self) -> None:
        """The window closes: nothing is left behind."""
        self._process.blockSignals(True)
        self._process.kill()
        self._process.waitForFinished()

    def _finished(self, status: int) -> None:
        self._told(bytes(self._process.readAll().data()).decode(errors="replace").strip(), status == 0)

    def _stumbled(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._told(f"the program cannot be started: {self._process.errorString()}", False)


def listed(arguments: Sequence[str]) -> str:
    """The command as one would type it."""
    return " ".join(("clusterbeam", *arguments))
