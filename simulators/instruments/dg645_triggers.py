"""The triggers that a simulated DG645 has taken: told afterwards, from the history of its starts and stops."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
UNCOUNTED = -1
"""Number of a single shot; prescalers do not count it (p. 25)."""
NEARLY = 1e-9
"""Of a period: so late a trigger still belongs to a stretch that ends with it."""


class Triggers:
    """Stretches of triggers at one rate each, and single shots."""

    def __init__(self) -> None:
        self._ended: list[tuple[float, float, float]] = []
        """First trigger, when it ended, rate."""
        self._running: tuple[float, float] | None = None
        self._singles: list[float] = []

    @property
    def running(self) -> bool:
        return self._running is not None

    def rate_Hz(self, now: float) -> float:
        """0 while none come."""
        return self._running[1] if self._running is not None and now >= self._running[0] else 0.0

    def begin(self, first_s: float, rate_Hz: float) -> None:
        self._running = first_s, rate_Hz

    def end(self, now: float) -> None:
        if self._running is not None:
            self._ended.append((self._running[0], now, self._running[1]))
        self._running = None

    def single(self, now: float) -> None:
        self._singles.append(now)

    def within(self, since: float, until: float) -> tuple[Floats, Numbers]:
        """Triggers in (since, until], and the number of each in its stretch, from 0.

        Each is in exactly one of two spans that meet, so its rounded time alone decides.
        """
        stretches = list(self._ended)
        if self._running is not None:
            stretches.append((self._running[0], math.inf, self._running[1]))
        singles = np.array([time for time in self._singles if since < time <= until])
        found, numbers = [singles], [np.full(len(singles), UNCOUNTED)]
        for first, ended, rate in stretches:
            low = max(0, math.floor((since - first) * rate))
            high = min((ended - first) * rate + NEARLY, (until - first) * rate + 1)
            if high >= low:
                numbers.append(np.arange(low, math.floor(high) + 1))
                found.append(first + numbers[-1] / rate)
        times, number = np.concatenate(found), np.concatenate(numbers)
        order = np.argsort(times)
        order = order[(times[order] > since) & (times[order] <= until)]
        return times[order], number[order]
