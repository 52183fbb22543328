"""What all drivers share: quantities checked before a byte leaves, numbers read strictly, waiting with a deadline."""

import math
import re
import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from config.laboratory import Role
from drivers.errors import DriverError, GarbledReply, LimitError, Refused, WrongInstrument
from drivers.links import Framing, Link, Probe, SerialSettings
from drivers.quantity import Action, Quantity, Value

NUMBER = re.compile(r"[+-]?\d{1,24}(?:\.\d{0,24})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
"""Numbers on the wire: no blanks inside, no underscores, no `nan`, no digits of other scripts."""

Pause = Callable[[float], None]
"""How a driver lets time pass while it polls; `time.sleep` unless a test gives its own."""


class Driver:
    """Base of a driver.  A subclass declares the wire and the quantities, and adds the verbs of its role.

    `framing` and `probe` describe replies and how to resynchronise, `command_end` what ends a line that is sent; `serial`
    the line; `quiet_s` how long it has to be silent before a resynchronising probe is believed, longer than any pause within a
    reply; `pace_s` the pause the instrument wants between exchanges.  A driver is handed an open link and never sees a
    socket; one that is not `on_a_wire` speaks through its maker's library instead, and is handed the address.

    The limits in `declared` are those of the model: no reading outside them is believed.  `_limit` narrows them to what
    may be set on this unit.
    """

    role: ClassVar[Role]
    framing: ClassVar[Framing]
    command_end: ClassVar[bytes] = b""
    probe: ClassVar[Probe | None] = None
    serial: ClassVar[SerialSettings] = SerialSettings()
    bare_socket: ClassVar[bool] = False
    on_a_wire: ClassVar[bool] = True
    timeout_s: ClassVar[float] = 1.0
    quiet_s: ClassVar[float] = 0.05
    pace_s: ClassVar[float] = 0.0
    declared: ClassVar[tuple[Quantity, ...]] = ()
    actions: ClassVar[tuple[Action, ...]] = ()

    def __init__(self, name: str, link: Link, *, pause: Pause = time.sleep) -> None:
        self.name = name
        self.link = link
        self.quantities: Mapping[str, Quantity] = {quantity.name: quantity for quantity in self.declared}
        self._believable = dict(self.quantities)
        self._pause = pause

    def read(self, quantity: str) -> Value:
        declared = self._declared(quantity)
        if declared.access == "write":
            raise LimitError(self.name, f"{quantity} can only be set")
        return self._read(declared)

    def write(self, quantity: str, value: Value) -> None:
        declared = self._declared(quantity)
        self._write(declared, declared.check(self.name, value))

    def do(self, action: str) -> None:
        """Let the instrument do one of its `actions`."""
        for known in self.actions:
            if known.name == action:
                self._do(known)
                return
        raise LimitError(self.name, f"has no action {action!r}; it has {', '.join(one.name for one in self.actions) or 'none'}")

    def inherit(self, before: object) -> None:
        """Know what a driver of the same instrument knew, whose wire was lost; nothing, where nothing is remembered."""

    def close(self) -> None:
        self.link.close()

    def _read(self, quantity: Quantity) -> Value:
        """Ask for one quantity; drivers with a text protocol need nothing else than `_ask`."""
        return self._parse(quantity, self._ask(quantity.query))

    def _write(self, quantity: Quantity, value: Value) -> None:
        """Send the command of one quantity; where it sets several values at once, the others as they are."""
        others = self._ask(quantity.query).split(",") if quantity.fields > 1 else []
        self._tell(quantity.command.format(value=self._spell(quantity, value), others=[other.strip() for other in others]))

    def _spell(self, quantity: Quantity, value: Value) -> Value:
        """What `{value}` stands for in a command."""
        return quantity.spell(value)

    def _write_and_compare(self, quantity: Quantity, value: Value, within: float = 0.0) -> Value:
        """Set, read back, and raise `Refused` unless both agree: for instruments that do not say what they refused.  The
        value read back."""
        Driver._write(self, quantity, value)
        back = self._read(quantity)
        same = back == value if isinstance(value, str) else abs(float(back) - float(value)) <= within
        if not same:
            found, wanted = (f"{one:.12g}" if isinstance(one, float) else str(one) for one in (back, value))
            raise self._refused(f"{quantity.name} reads back {found} {quantity.unit}".rstrip() + f" after {wanted} was set")
        return back

    def _do(self, action: Action) -> None:
        self._tell(action.command)

    def _line(self, text: str) -> bytes:
        """A command as it goes on the wire."""
        return text.encode("ascii") + self.command_end

    def _ask(self, text: str) -> str:
        """Send a query and return its reply as text."""
        raise NotImplementedError

    def _tell(self, text: str) -> None:
        """Send a command and make sure the instrument took it."""
        raise NotImplementedError

    def _parse(self, quantity: Quantity, reply: str) -> Value:
        """The value in a reply; raises `GarbledReply`, and distrusts the link, when it is not one of this kind."""
        if quantity.fields > 1:
            parts = reply.split(",")
            if len(parts) != quantity.fields:
                raise self._garbled(f"{quantity.name} came with {len(parts)} values instead of {quantity.fields}: {reply!r}")
            reply = parts[quantity.field]
        if quantity.words is not None:
            word = reply.strip(" ")
            if word not in quantity.words:
                raise self._garbled(f"{quantity.name} came as {word!r}, not one of {', '.join(quantity.words)}")
            return quantity.words[word]
        if quantity.kind is str:
            word = reply.strip(" ")
            if quantity.choices and word not in quantity.choices:
                raise self._garbled(f"{quantity.name} came as {word!r}, not one of {', '.join(map(str, quantity.choices))}")
            return word
        if quantity.kind is bool:
            return bool(self._integer(quantity.name, reply, high=1))
        if quantity.kind is int:
            return self._believed(quantity, self._integer(quantity.name, reply, low=None))
        return self._believed(quantity, self._number(quantity.name, reply))

    def _number(self, what: str, reply: str) -> float:
        """The one number in a reply, blanks around it allowed."""
        text = reply.strip(" ")
        if NUMBER.fullmatch(text) is None:
            raise self._garbled(f"{what} came as {reply!r}, which is no number")
        return float(text)

    def _integer(self, what: str, reply: str, low: int | None = 0, high: int | None = None) -> int:
        """The one integer in a reply, not outside `low` to `high`; blanks around it allowed."""
        text = reply.strip(" ")
        if INTEGER.fullmatch(text) is None:
            raise self._garbled(f"{what} came as {reply!r}, which is no integer")
        value = int(text)
        if (low is not None and value < low) or (high is not None and value > high):
            raise self._garbled(f"{what} came as {value}, which it can never be")
        return value

    def _believed(self, quantity: Quantity, value: float) -> float:
        """A reading, or `GarbledReply` when this quantity can never have such a value on this model."""
        possible = quantity if quantity.access == "read" else self._believable[quantity.name]
        too_low = possible.low is not None and value < possible.low
        too_high = possible.high is not None and value > possible.high
        if possible.choices and value not in possible.choices:
            raise self._garbled(f"{quantity.name} came as {value:g}, which is none of {', '.join(map(str, possible.choices))}")
        if not math.isfinite(value) or too_low or too_high:
            raise self._garbled(f"{quantity.name} came as {value:g} {quantity.unit}, outside {possible.limits()}")
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

    def _wait(self, what: str, reached: Callable[[], bool], at_most_s: float, poll_s: float = 0.1) -> None:
        """Poll until `reached()`, or raise `Refused` after `at_most_s` of wall time."""
        deadline = time.monotonic() + at_most_s
        while not reached():
            if time.monotonic() > deadline:
                raise self._refused(f"is not {what} after {at_most_s:g} s")
            self._pause(poll_s)

    def _every(self, *steps: Callable[[], object]) -> DriverError | None:
        """Do every step, whatever happens to the others; the first failure, if any."""
        failure: DriverError | None = None
        for step in steps:
            try:
                step()
            except DriverError as error:
                failure = failure or error
        return failure

    def _garbled(self, what: str) -> GarbledReply:
        self.link.distrust()
        return GarbledReply(self.name, what)

    def _refused(self, what: str) -> Refused:
        return Refused(self.name, what)

    def _wrong(self, expected: str, answer: str) -> WrongInstrument:
        return WrongInstrument(self.name, f"expected {expected} at this address, but {answer!r} answers")
