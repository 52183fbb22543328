"""Which recorded shots turned out to be bad: dark ones by their traces, others by when something was wrong."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import ShotBlock, Step
from daq.record.layout import BadShot
from daq.record.messages import Tagged

ION_NOISES = 8.0
"""A sample this many noise deviations above the baseline is an ion."""
FEW_DARK, ENOUGH_SHOTS = 0.01, 50
"""Dark shots are bad where so small a share of at least so many shots before were dark; else ions are just rare."""
NOISE_STRIDE = 17
REMEMBERED = 200
"""Bursts, and times that are over, that are kept."""


def dark(traces: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Which of `traces` int16[shots, samples] show no ion at all, bool[shots]."""
    sample = traces[:, ::NOISE_STRIDE].astype(np.float32)
    middle = np.median(sample)
    # From below: ions only pull upwards.
    noise = max(float(middle - np.quantile(sample, 0.159)), 1.0)
    found: NDArray[np.bool_] = traces.max(axis=1) < middle + ION_NOISES * noise
    return found


class DarkShots:
    """A follower that tags shots without any ion where shots before had ions: a laser misfired, or the beam was lost."""

    def __init__(self, tell: Callable[[Tagged], None], event: Callable[[str], None]) -> None:
        self._tell, self._event = tell, event
        self._point: tuple[int, str] | None = None
        self._shots = self._dark = 0

    def __call__(self, step: Step, block: ShotBlock) -> None:
        if (step.point, step.background) != self._point:
            self._point, self._shots, self._dark = (step.point, step.background), 0, 0
        found = dark(block.traces[:, 0])
        number, shots = int(found.sum()), len(found)
        if number <= 0.05 * shots:
            self._shots, self._dark = self._shots + shots, self._dark + number
        known = self._shots >= ENOUGH_SHOTS and self._dark <= FEW_DARK * self._shots
        if number and known:
            numbers = block.numbers[found]
            self._tell(Tagged(int(BadShot.DARK), numbers=numbers.astype(np.int64).tobytes()))
            self._event(f"{number} shots from number {int(numbers[0])} on show no ion at all; did a laser misfire?")


@dataclass
class _Window:
    bit: BadShot
    since_s: float
    until_s: float = math.inf


class BadTimes:
    """Times (laboratory time) in which something was wrong, and the shots taken then: also those taken before it was noticed,
    and those of the burst that goes on meanwhile."""

    def __init__(self, rate_Hz: float, tell: Callable[[Tagged], None]) -> None:
        self._rate_Hz, self._tell = rate_Hz, tell
        self._bursts: deque[tuple[float, int, int]] = deque(maxlen=REMEMBERED)
        self._open: dict[str, _Window] = {}
        self._over: deque[_Window] = deque(maxlen=REMEMBERED)
        self._lock = Lock()

    def begin(self, what: str, bit: BadShot, since_s: float) -> bool:
        """Something is wrong, and was perhaps since then.  False if that was known."""
        with self._lock:
            if what in self._open:
                return False
            window = self._open[what] = _Window(bit, since_s)
            for burst in self._bursts:
                self._tag(window, *burst)
            return True

    def end(self, what: str, at_s: float) -> None:
        """It is right again."""
        with self._lock:
            window = self._open.pop(what, None)
            if window is not None:
                window.until_s = at_s
                self._over.append(window)

    def took(self, armed_s: float, first: int, fired: int) -> None:
        """A burst is over."""
        with self._lock:
            self._bursts.append((armed_s, first, fired))
            for window in (*self._open.values(), *self._over):
                self._tag(window, armed_s, first, fired)

    def _tag(self, window: _Window, armed_s: float, first: int, fired: int) -> None:
        """Tag a shot more at either end: where in its period the first one came is not known."""
        low = max(0.0, (window.since_s - armed_s) * self._rate_Hz - 1)
        high = min(fired - 1.0, (window.until_s - armed_s) * self._rate_Hz + 1)
        if low <= high:
            self._tell(Tagged(int(window.bit), first + int(low), first + int(high)))
