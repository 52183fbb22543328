"""A quantity is declared once: name, unit, kind, limits, access, command, source."""

import math
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
        if self.choices and value not in self.choices:
            allowed = ", ".join(str(choice) for choice in self.choices)
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
