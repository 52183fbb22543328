"""Whether the condition of an interlock holds: from readings to yes, no, or cannot be told."""

import math
from collections import deque
from dataclasses import dataclass, replace

from config.interlocks import Comparison, Interlock
from drivers.quantity import Value


@dataclass(frozen=True)
class Reading:
    """A value, when it was read (laboratory time), and the how-manieth reading it was."""

    value: Value
    at_s: float
    number: int = 0


class Readings:
    """The newest reading of each quantity.  When an instrument is lost, what it told until then says nothing of now."""

    def __init__(self) -> None:
        self.newest: dict[str, Reading] = {}
        self._lost: dict[str, int] = {}
        self._number = 0

    def take(self, name: str, value: Value, at_s: float) -> "Readings | None":
        """Keep a reading.  One that is older than the last of its quantity is not kept: then these are the readings with it."""
        self._number += 1
        reading, known = Reading(value, at_s, self._number), self.newest.get(name)
        if known is not None and at_s < known.at_s:
            then = Readings()
            then.newest, then._lost = {**self.newest, name: reading}, self._lost
            return then
        self.newest[name] = reading
        instrument, _, quantity = name.partition(".")
        if quantity == "live" and not value:
            self._lost[instrument] = self._number
        return None

    def usable(self, name: str, since_s: float) -> Reading | None:
        """The newest reading, unless it is older than `since_s` or its instrument has been lost after it."""
        reading = self.newest.get(name)
        if reading is None or reading.at_s < since_s:
            return None
        instrument, _, quantity = name.partition(".")
        lost = quantity not in ("live", "fit") and reading.number < self._lost.get(instrument, 0)
        return None if lost else reading

    def clock_is(self, now_s: float) -> None:
        """Nothing was read in the future: after a clock was set back, old readings count as read now."""
        for name, one in self.newest.items():
            if one.at_s > now_s:
                self.newest[name] = replace(one, at_s=now_s)


def met(comparison: Comparison, value: Value, margin: float = 0.0) -> bool | None:
    """Whether a value is where it should not be; limits are moved by `margin` towards the good side.  None for no number."""
    if comparison.equals is not None:
        return value == comparison.equals
    if comparison.not_equals is not None:
        return value != comparison.not_equals
    if comparison.contains is not None:
        return any(word in str(value) for word in comparison.contains)
    if isinstance(value, str) or math.isnan(value):
        return None
    if comparison.above is not None:
        return value > comparison.above - margin
    if comparison.below is not None:
        return value < comparison.below + margin
    if comparison.outside is not None:
        low, high = comparison.outside
        return value < low + margin or value > high - margin
    return None


class Condition:
    """The condition of one interlock; remembers what hysteresis and rate of change need."""

    def __init__(self, interlock: Interlock) -> None:
        self._interlock = interlock
        self._met = False
        self._while_met: bool | None = None
        self._history: deque[tuple[float, float]] = deque()
        self._begun_s = math.inf

    def forget(self) -> None:
        """Begin anew."""
        self._met = False
        self._history.clear()
        self._begun_s = math.inf

    def holds(self, readings: Readings, since_s: float, now_s: float) -> bool | None:
        """None while it cannot be told from readings since `since_s`."""
        second = self._second_clause(readings)
        if second is False:
            self._met = False
            return False
        found = self._first_clause(readings, since_s, now_s)
        if found is None or (found and second is None):
            return None
        self._met = found
        return found

    def held(self, readings: Readings, since_s: float, now_s: float) -> bool:
        """Whether it held once, by a reading that is not the newest; if not, that says nothing of now."""
        if self._interlock.rate_above is not None:
            return False
        before = self._met
        found = self.holds(readings, since_s, now_s) is True
        self._met = found or before
        return found

    def _second_clause(self, readings: Readings) -> bool | None:
        """Judged by the last value that could be, however old."""
        clause = self._interlock.while_
        if clause is None:
            return True
        reading = readings.newest.get(clause.quantity)
        found = None if reading is None else met(clause, reading.value)
        self._while_met = self._while_met if found is None else found
        return self._while_met

    def _first_clause(self, readings: Readings, since_s: float, now_s: float) -> bool | None:
        one = self._interlock
        if one.stale_s is not None:
            last = readings.newest.get(one.quantity)
            self._begun_s = min(self._begun_s, now_s)
            return now_s - max(self._begun_s, last.at_s if last else self._begun_s) > one.stale_s
        reading = self._judged(readings, since_s)
        if reading is None:
            return None
        margin = one.hysteresis if self._met else 0.0
        if one.rate_above is not None:
            rate = self._rate(reading)
            return None if rate is None else rate > one.rate_above - margin
        return met(one, reading.value, margin)

    def _judged(self, readings: Readings, since_s: float) -> Reading | None:
        """The value that is compared: a reading, or the difference of two."""
        reading = readings.usable(self._interlock.quantity, since_s)
        if reading is None or self._interlock.minus is None:
            return reading
        other = readings.usable(self._interlock.minus, since_s)
        if other is None or isinstance(reading.value, str) or isinstance(other.value, str):
            return None
        return Reading(reading.value - other.value, reading.at_s)

    def _rate(self, reading: Reading) -> float | None:
        """How fast the value has changed since the last reading that is `rate_over_s` old; None while there is none."""
        over_s, history = self._interlock.rate_over_s, self._history
        if over_s is None or isinstance(reading.value, str) or math.isnan(reading.value):
            return None
        if history and history[-1][0] > reading.at_s:
            history.clear()
        if not history or history[-1][0] < reading.at_s:
            history.append((reading.at_s, float(reading.value)))
        while len(history) > 1 and history[1][0] <= reading.at_s - over_s:
            history.popleft()
        then_s, before = history[0]
        return abs(reading.value - before) / (reading.at_s - then_s) if then_s <= reading.at_s - over_s else None
