"""Readings kept over days in little memory.  No Qt."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from daq.face.state import InstrumentPart

Array = NDArray[np.float64]
KEPT = 20_000
"""Readings of one quantity: eleven hours of one every two seconds.  Of the older half every second one then goes, so that it
reaches back ever further, the finer the nearer."""


class Trend:
    """One quantity: times (seconds since 1970, UTC) and values."""

    def __init__(self, unit: str = "", kept: int = KEPT) -> None:
        self.unit = unit
        self._rows = np.empty((kept, 2))
        self._count = 0

    def add(self, at: float, value: float) -> None:
        """A reading; one that was heard before changes nothing."""
        if self._count and at <= self._rows[self._count - 1, 0]:
            return
        if self._count == len(self._rows):
            older = self._count // 2
            kept = np.concatenate([self._rows[:older:2], self._rows[older:]])
            self._count = len(kept)
            self._rows[: self._count] = kept
        self._rows[self._count] = at, value
        self._count += 1

    def curve(self) -> tuple[Array, Array]:
        return self._rows[: self._count, 0].copy(), self._rows[: self._count, 1].copy()


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
