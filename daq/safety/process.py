"""Another process of this machine, held so that its number cannot come to mean a different one."""

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType


class Process:
    """A context with a process, which may have ended already.  Linux: a descriptor of it.  Elsewhere its number has to do, and
    its end is not waited for (not tested there)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._descriptor: int | None = None
        self._was_gone = False
        if sys.platform == "linux":
            try:
                self._descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                self._was_gone = True

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def kill(self) -> None:
        """End it at once, whatever it does; also one that is stopped."""
        if self._was_gone:
            return
        with suppress(ProcessLookupError):
            if sys.platform == "linux" and self._descriptor is not None:
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
            else:
                os.kill(self._pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def gone(self, within_s: float) -> bool:
        """Whether it ends within this time (wall); its wires are free then."""
        if self._descriptor is None:
            return self._was_gone
        # A process that nobody has waited for yet counts as ended.
        return bool(select.select([self._descriptor], [], [], within_s)[0])

    def stopped(self) -> bool:
        """Whether it stands still by a signal or under a debugger; False where the system does not tell."""
        try:
            state = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state in "Tt"
