"""What the wire layer asks of a simulated instrument.  Time is an argument everywhere: laboratory seconds."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, runtime_checkable

Reply = bytes | memoryview
"""What goes on the wire."""
Answer = Reply | Callable[[], Reply]
"""A reply, or work that takes long and gives one; the wire runs it beside the other instruments."""


class SimulatedInstrument(Protocol):
    """State and command table of one instrument; knows no sockets and owns no clock."""

    def split(self, received: bytearray) -> Iterable[bytes]:
        """Take complete messages off the front of the received bytes, exactly as the hardware frames them."""

    def answer(self, message: bytes, now: float) -> Answer:
        """Act on one message; the reply with its framing, empty where the hardware stays silent."""

    def state(self, now: float) -> dict[str, Any]:
        """The instrument's true inner state, for the control socket (JSON types, units in the names)."""

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        """Make something go wrong inside the instrument; `ValueError` names the kinds it knows."""

    def power_up(self, now: float) -> None:
        """A power cycle: back to power-up defaults."""


@runtime_checkable
class Talkative(Protocol):
    """An instrument that also sends unasked: a stream of readings, lines after power-up."""

    def speak(self, now: float) -> bytes:
        """What it has sent by itself since the last call; b"" mostly."""


@runtime_checkable
class Unhurried(Protocol):
    """An instrument that pauses after each character it sends, for hosts as slow as it is."""

    def break_s(self) -> float:
        """The pause, in wall time."""


def lines(received: bytearray, terminators: bytes, longest: int = 1 << 16) -> Iterable[bytes]:
    """Take messages that end with any one of these bytes; a message too long for the input buffer is lost."""
    start = 0
    messages = []
    for position, byte in enumerate(received):
        if byte in terminators:
            messages.append(bytes(received[start:position]))
            start = position + 1
    del received[:start]
    if len(received) > longest:
        received.clear()
    return messages


def unknown_fault(kind: str, *known: str) -> ValueError:
    """The error for a fault that an instrument does not have."""
    return ValueError(f"no fault {kind!r}; known are {', '.join(known)}")
