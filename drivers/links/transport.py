"""What a link needs of the wire below it."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable


class Transport(Protocol):
    """Moves bytes.  Raises `ConnectionError` (or another `OSError`) when the other end has gone."""

    def send(self, data: bytes) -> None:
        """Hand all of `data` to the wire."""

    def receive(self, wanted: int, last_byte: int | None, timeout_s: float) -> bytes:
        """Up to `wanted` bytes; returns early after a byte equal to `last_byte`.

        Returns what came, `b""` if nothing came within `timeout_s`.  A peer that closed is noticed within 0.1 s.
        """

    def waiting(self) -> bool:
        """Whether bytes have come that nobody has received yet (or the peer has closed)."""

    def close(self) -> None:
        """Give the wire back.  Safe to call twice."""


@runtime_checkable
class BlockTransport(Transport, Protocol):
    """A transport that can receive a large block straight into the caller's memory."""

    def receive_into(self, view: memoryview, timeout_s: float) -> int:
        """Fill as much of `view` as has come; 0 if nothing came within `timeout_s`."""


@dataclass(frozen=True)
class SerialSettings:
    """How an instrument's serial line is set; ignored on TCP."""

    baud: int = 9600
    data_bits: int = 8
    parity: Literal["none", "odd", "even"] = "none"
    stop_bits: Literal[1, 2] = 1
    rts_cts: bool = False
