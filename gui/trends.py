"""Readings kept over days in memory that is there from the start.  No Qt."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from daq.face.state import InstrumentPart

Array = NDArray[np.float64]
LEVELS, EACH = 9, 256
"""Of one quantity: of what is too old for one level every second reading goes to the next.  With one every two seconds they
reach back 8.5 min, 26 min, 1 h, 2 h, 4.5 h, 9 h, 18 h, 36 h and three days, the finer the nearer."""


class Trend:
    """One quantity: times (seconds since 1970, UTC) and values."""

    def __init__(self, unit: str = "", levels: int = LEVELS, each: int = EACH) -> None:
        self.unit = unit
        # Filled, so that a window's memory does not grow while they come.
        self._levels = np.full((levels, each, 2), np.nan)
        self._heard = [0] * levels
        self._newest = -np.inf

    def add(self, at: float, value: float) -> None:
        """A reading; one that was heard before changes nothing."""
        if at <= self._newest:
            return
        self._newest = at
        for level, rows in enumerate(self._levels):
            place = self._heard[level] % len(rows)
            oldest = rows[place].tolist()
            rows[place] = at, value
            self._heard[level] += 1
            if self._heard[level] <= len(rows) or self._heard[level] % 2:
                return
            at, value = oldest

    def curve(self) -> tuple[Array, Array]:
        """All that is kept, oldest first."""
        each = self._levels.shape[1]
        levels = zip(self._levels[::-1], self._heard[::-1], strict=True)
        rows = np.concatenate([np.roll(rows, -(heard % each), axis=0) for rows, heard in levels])
        times, values = rows[~np.isnan(rows[:, 0])].T
        return times.copy(), values.copy()


class Trends:
    """Every number that instruments have told, by `instrument.quantity`."""

    def __init__(self) -> None:
        self._all: dict[str, Trend] = {}

    def hear(self, parts: Iterable[InstrumentPart]) -> None:
        for part in parts:
            for name, reading in part.readings.items():
                if not isinstance(reading.value, str):
                    self._all.setdefault(f"{part.name}.{name}", Trend(reading.unit)).add(reading.at, float(reading.value))

    def of(self, quantity: str) -> Trend | None:
        """None for a text, or what was never told."""
        return self._all.get(quantity)
