"""What all drivers share: quantities checked before a byte leaves, and read through their declared commands."""

import math
import re
from collections.abc import Mapping
from typing import ClassVar

from drivers.errors import GarbledReply, LimitError, Refused, WrongInstrument
from drivers.links import Framing, Link, Probe, SerialSettings
from drivers.quantity import Quantity, Value

NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", re.ASCII)
"""A number on the wire: no blanks inside, no underscores, no `nan`."""


class Driver:
    """Base of a driver.  A subclass declares the wire and the quantities, and adds the verbs of its role.

    `framing` and `probe` describe replies and how to resynchronise; `serial` the line; `pace_s` the pause the instrument
    wants between exchanges.  A driver is handed an open link and never sees a socket.
    """

    framing: ClassVar[Framing]
    probe: ClassVar[Probe | None] = None
    serial: ClassVar[SerialSettings] = SerialSettings()
    bare_socket: ClassVar[bool] = False
    timeout_s: ClassVar[float] = 1.0
    pace_s: ClassVar[float] = 0.0
    declared: ClassVar[tuple[Quantity, ...]] = ()

    def __init__(self, name: str, link: Link) -> None:
        self.name = name
        self.link = link
        self.quantities: Mapping[str, Quantity] = {quantity.name: quantity for quantity in self.declared}

    def read(self, quantity: str) -> Value:
        declared = self._declared(quantity)
        if declared.access == "write":
            raise LimitError(self.name, f"{quantity} can only be set")
        return self._read(declared)

    def write(self, quantity: str, value: Value) -> None:
        declared = self._declared(quantity)
        self._write(declared, declared.check(self.name, value))

    def close(self) -> None:
        self.link.close()

    def _read(self, quantity: Quantity) -> Value:
        """Ask for one quantity; drivers with a text protocol need nothing else than `_ask`."""
        return self._parse(quantity, self._ask(quantity.query))

    def _write(self, quantity: Quantity, value: Value) -> None:
        wire_value = int(value) if quantity.kind is bool else value
        self._tell(quantity.command.format(value=wire_value))

    def _ask(self, text: str) -> str:
        """Send a query and return its reply as text."""
        raise NotImplementedError

    def _tell(self, text: str) -> None:
        """Send a command and make sure the instrument took it."""
        raise NotImplementedError

    def _parse(self, quantity: Quantity, reply: str) -> Value:
        """The value in a reply; raises `GarbledReply`, and distrusts the link, when it is not one of this kind."""
        text = reply.strip()
        try:
            if quantity.kind is str:
                return text
            if quantity.kind is bool:
                return {"0": False, "1": True}[text]
            if NUMBER.fullmatch(text) is None:
                raise ValueError(text)
            return self._in_range(quantity, int(text) if quantity.kind is int else float(text))
        except (ValueError, KeyError):
            raise self._garbled(f"{quantity.name} came as {reply!r}") from None

    def _in_range(self, quantity: Quantity, value: float) -> float:
        """A reading, or `GarbledReply` when this quantity can never have such a value."""
        too_low = quantity.low is not None and value < quantity.low
        too_high = quantity.high is not None and value > quantity.high
        if not math.isfinite(value) or (quantity.access == "read" and (too_low or too_high)):
            raise self._garbled(f"{quantity.name} came as {value:g} {quantity.unit}, outside {quantity.limits()}")
        return value

    def _declared(self, name: str) -> Quantity:
        try:
            return self.quantities[name]
        except KeyError:
            known = ", ".join(self.quantities)
            raise LimitError(self.name, f"has no quantity {name!r}; it has {known}") from None

    def _limit(self, name: str, low: float, high: float) -> None:
        """Narrow the limits of a quantity to those of this unit."""
        self.quantities = {**self.quantities, name: self.quantities[name].within(low, high)}

    def _garbled(self, what: str) -> GarbledReply:
        self.link.distrust()
        return GarbledReply(self.name, what)

    def _refused(self, what: str) -> Refused:
        return Refused(self.name, what)

    def _wrong(self, expected: str, answer: str) -> WrongInstrument:
        return WrongInstrument(self.name, f"expected {expected} at this address, but {answer!r} answers")
