"""Independent counts of triggers: do lasers and delay generator count what the plan commands?"""

from dataclasses import dataclass
from threading import Lock

LONGEST_GAP_S = 10.0
"""A laser that misses this much in a row (laboratory time) has failed."""


@dataclass(frozen=True)
class Reading:
    """A counter's value, read some time between `asked_s` and `answered_s` (laboratory time)."""

    asked_s: float
    answered_s: float
    value: int


class TriggerCount:
    """One counter, compared with the rate from one reading to the next.  Counts only while triggers run."""

    def __init__(self, rate_Hz: float) -> None:
        self._rate_Hz = rate_Hz
        self._last: Reading | None = None
        self._lock = Lock()

    def restart(self) -> None:
        """Triggers were stopped or started: the next reading is a first one."""
        with self._lock:
            self._last = None

    def missed(self, reading: Reading) -> int:
        """How many triggers it surely did not count since the last reading."""
        with self._lock:
            last, self._last = self._last, reading
        if last is None or reading.value < last.value:
            return 0
        fired = int((reading.asked_s - last.answered_s) * self._rate_Hz) - 1
        return max(0, fired - (reading.value - last.value))
