"""What the wire layer asks of a simulated instrument.  Time is an argument everywhere: laboratory seconds."""

from collections.abc import Iterable
from typing import Any, Protocol


class SimulatedInstrument(Protocol):
    """State and command table of one instrument; knows no sockets and owns no clock."""

    def split(self, received: bytearray) -> Iterable[bytes]:
        """Take complete messages off the front of the received bytes, exactly as the hardware frames them."""

    def answer(self, message: bytes, now: float) -> bytes:
        """Act on one message; the reply bytes with their framing, empty where the hardware stays silent."""

    def state(self, now: float) -> dict[str, Any]:
        """The instrument's true inner state, for the control socket (JSON types, units in the names)."""

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        """Make something go wrong inside the instrument; `ValueError` names the kinds it knows."""

    def power_up(self, now: float) -> None:
        """A power cycle: back to power-up defaults."""
