"""The disk that a run is written to: how much of it is free is logged, and below a margin the run waits."""

import shutil
from collections.abc import Callable
from pathlib import Path

from daq.engine.control import Control
from daq.record.messages import Channel

FREE = Channel("disk.free", "B")
AGAIN = 1.1
"""So many times the margin have to be free before the run goes on, else it would pause every few bursts."""
LOG_S = 10.0
"""Between two readings in the run file, laboratory time."""


class Disk:
    """Looked at by the run, after each burst and during pauses.

    A directory that has vanished is the writer's to tell.
    """

    def __init__(
        self,
        directory: Path,
        keep_free_MB: float,
        control: Control,
        log: Callable[[str, float, float], None],
        now: Callable[[], float],
    ) -> None:
        self._directory, self._keep_free = directory, keep_free_MB * 1e6
        self._control, self._log, self._now = control, log, now
        self._logged_s = -LOG_S

    def look(self) -> None:
        """Hold the run up when too little is free, let it go on when there is room again."""
        try:
            free = shutil.disk_usage(self._directory).free
        except OSError:
            return
        now_s = self._now()
        if now_s - self._logged_s >= LOG_S:
            self._log(FREE.name, now_s, free)
            self._logged_s = now_s
        if free < self._keep_free:
            self._control.hinder(
                "disk",
                f"{self._directory} has {free / 1e6:.0f} MB free, {self._keep_free / 1e6:.0f} MB are to be kept; "
                "free some space and the run goes on",
            )
        elif free >= AGAIN * self._keep_free:
            self._control.clear("disk")
