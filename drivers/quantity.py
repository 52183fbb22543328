"""A quantity is declared once: name, unit, kind, limits, access, command, source.  So is an action."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from drivers.errors import LimitError

Value = float | int | bool | str
HUGE = 10**300
"""No quantity has such a value; beyond it integers no longer convert to floating point."""
Access = Literal["read", "write", "read-write"]


@dataclass(frozen=True)
class Quantity:
    """One physical quantity or setting of an instrument.

    `name` carries the unit when it is not SI (`current_A`, `delay_us`).  `query` and `command` are templates of the wire
    text (`"SETP? 1"`, `"SETP 1,{value:.4f}"`); drivers with a binary protocol put their own notation there.
    `source` is the section of the protocol sheet or manual that documents the command.

    `words` are what the wire says for a value, where that is not a number (`{"ON": True, "OFF": False}`).  Where one query
    answers several values with commas between them, this one stands at place `field` of `fields`; it is set by sending the
    others again as they were (`"PID 1,{others[0]},{value:g},{others[2]}"`).  `polled` ones are logged while a run goes on.
    """

    name: str
    unit: str
    kind: type[float] | type[int] | type[bool] | type[str] = float
    access: Access = "read"
    query: str = ""
    command: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Value, ...] = ()
    words: Mapping[str, Value] | None = None
    field: int = 0
    fields: int = 1
    polled: bool = False
    counts: Literal["", "triggers", "shots"] = ""
    source: str = ""
    about: str = ""

    def within(self, low: float, high: float) -> "Quantity":
        """The same quantity with the limits of one unit, as its configuration states them."""
        return replace(self, low=low, high=high)

    def check(self, instrument: str, value: Value) -> Value:
        """Return `value` in the quantity's kind, or raise `LimitError`.  Never clips."""
        if self.access == "read":
            raise LimitError(instrument, f"{self.name} can only be read")
        if self.kind is bool or self.kind is str:
            right_kind = isinstance(value, self.kind)
        elif self.kind is int:
            right_kind = isinstance(value, int) and not isinstance(value, bool)
        else:
            right_kind = isinstance(value, int | float) and not isinstance(value, bool)
        if not right_kind:
            raise LimitError(instrument, f"{self.name} must be {self.kind.__name__}, not {value!r}")
        choices = self.choices or (tuple(self.words.values()) if self.words and self.kind is str else ())
        if choices and value not in choices:
            allowed = ", ".join(str(choice) for choice in choices)
            raise LimitError(instrument, f"{self.name} = {value!r} is not one of {allowed}")
        if isinstance(value, str | bool):
            return value
        number = float(max(-HUGE, min(HUGE, value))) if isinstance(value, int) else value
        too_low = self.low is not None and number < self.low
        too_high = self.high is not None and number > self.high
        if not math.isfinite(number) or abs(number) >= HUGE or too_low or too_high:
            raise LimitError(instrument, f"{self.name} = {number:g} {self.unit} is outside {self.limits()}")
        return number if self.kind is float else value

    def limits(self) -> str:
        """The limits as an operator reads them, e.g. `0 to 200 A`."""
        low = "-inf" if self.low is None else f"{self.low:g}"
        high = "inf" if self.high is None else f"{self.high:g}"
        return f"{low} to {high} {self.unit}".strip()

    def spell(self, value: Value) -> Value:
        """What the command's `{value}` stands for: the wire's word, 0 or 1, or the number itself."""
        if self.words is not None:
            return next(word for word, meaning in self.words.items() if meaning == value)
        return int(value) if self.kind is bool else value


@dataclass(frozen=True)
class Action:
    """Something an instrument does when it is told to, without a value: a reset, a search for home, a zero adjustment."""

    name: str
    command: str
    source: str = ""
    about: str = ""
