"""A transport that plays a script: exactly these bytes must be sent, and these pieces come back."""

from collections import deque
from collections.abc import Sequence
from typing import TypeVar

from drivers.driver import Driver
from drivers.links import Link

Made = TypeVar("Made", bound=Driver)
LATE = None
"""What follows it in a reply comes only when the driver has given up and turns to the next exchange."""
Exchange = tuple[bytes, bytes | Sequence[bytes | None]]
"""What the driver sends, and the reply: whole, or in pieces; b"" is silence."""


class ScriptedTransport:
    """Checks every byte sent against the script, and hands out the replies piece by piece."""

    def __init__(self, script: Sequence[Exchange]) -> None:
        self._script = deque(script)
        self._sent = b""
        self._pieces: deque[bytes | None] = deque()
        self.closed = False
        self._now_s = 0.0

    def clock(self) -> float:
        """Time passes only while nothing comes, so that silence costs no time and a slow machine makes no silence."""
        return self._now_s

    def send(self, data: bytes) -> None:
        self._now_it_comes()
        self._sent += data
        assert self._script, f"{data!r} was sent after the end of the script"
        expected, reply = self._script[0]
        assert expected.startswith(self._sent), f"{self._sent!r} was sent where the script has {expected!r}"
        if self._sent == expected:
            self._script.popleft()
            self._sent = b""
            self._pieces.extend(piece for piece in ([reply] if isinstance(reply, bytes) else reply) if piece != b"")

    def receive(self, wanted: int, last_byte: int | None, timeout_s: float) -> bytes:
        if not self._pieces or self._pieces[0] is LATE:
            self._now_s += timeout_s
            return b""
        piece = self._pieces.popleft()
        stop = min(wanted, len(piece))
        if last_byte is not None and last_byte in piece[:stop]:
            stop = piece.index(last_byte) + 1
        if piece[stop:]:
            self._pieces.appendleft(piece[stop:])
        return piece[:stop]

    def receive_into(self, view: memoryview, timeout_s: float) -> int:
        piece = self.receive(len(view), None, timeout_s)
        view[: len(piece)] = piece
        return len(piece)

    def waiting(self) -> bool:
        self._now_it_comes()
        return bool(self._pieces)

    def close(self) -> None:
        self.closed = True

    def finished(self) -> bool:
        """Whether everything in the script was sent and read."""
        return not self._script and not self._pieces and not self._sent

    def _now_it_comes(self) -> None:
        while self._pieces and self._pieces[0] is LATE:
            self._pieces.popleft()


def scripted(driver: type[Made], script: Sequence[Exchange], **options: object) -> tuple[Made, ScriptedTransport]:
    """A driver on a scripted wire, on which neither time-outs nor pauses take any time."""
    transport = ScriptedTransport(script)
    link = Link("unit", transport, driver.framing, driver.probe, timeout_s=0.5, quiet_s=0.0, clock=transport.clock)
    return driver("unit", link, **{"pause": lambda seconds: None, **options}), transport
