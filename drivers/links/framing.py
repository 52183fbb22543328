"""Where a reply ends.  One framing per instrument; a new protocol brings its own class with the same three members."""

from dataclasses import dataclass
from typing import Protocol


class Framing(Protocol):
    """Cuts the stream of received bytes into replies."""

    @property
    def last_byte(self) -> int | None:
        """A byte that can end a reply, as a hint to the transport; None where replies are counted."""

    def missing(self, received: bytes | bytearray) -> int:
        """Bytes that must still come before a reply can be complete; at least 1 while it is not."""

    def cut(self, received: bytearray) -> bytes | None:
        """Remove the first complete reply from `received` and return it without its framing; None if there is none.

        Raises `ValueError` when `received` can never become a reply.
        """


@dataclass(frozen=True)
class Terminated:
    """Replies end with `terminator`.  White space of a longer terminator around the reply is stripped too."""

    terminator: bytes
    longest: int = 65536

    @property
    def last_byte(self) -> int | None:
        return self.terminator[-1]

    def missing(self, received: bytes | bytearray) -> int:
        return max(1, self.longest - len(received))

    def cut(self, received: bytearray) -> bytes | None:
        end = received.find(self.terminator)
        if end < 0:
            if len(received) >= self.longest:
                raise ValueError(f"{len(received)} bytes without a terminator")
            return None
        reply = bytes(received[:end])
        del received[: end + len(self.terminator)]
        return reply.strip(b"\r\n")


@dataclass(frozen=True)
class Counted:
    """Replies have exactly `size` bytes, the first of which are `start`."""

    size: int
    start: bytes = b""
    last_byte: int | None = None

    def missing(self, received: bytes | bytearray) -> int:
        return max(1, self.size - len(received))

    def cut(self, received: bytearray) -> bytes | None:
        if not received.startswith(self.start[: len(received)]):
            raise ValueError(f"a reply starts with {self.start!r}, not {bytes(received[: len(self.start)])!r}")
        if len(received) < self.size:
            return None
        reply = bytes(received[len(self.start) : self.size])
        del received[: self.size]
        return reply
