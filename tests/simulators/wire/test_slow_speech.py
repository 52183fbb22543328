"""An instrument that pauses between its characters."""

import asyncio
import time

from simulators.instruments.iseg_nhq import IsegNHQ
from simulators.wire.clock import Clock
from simulators.wire.port import Port


class Pieces:
    """Keeps what comes as it comes."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def write(self, data: bytes | memoryview) -> None:
        self.got.append(bytes(data))

    async def drain(self) -> None:
        """Always ready."""


def test_a_reply_comes_character_by_character_with_the_pause_that_was_set() -> None:
    port, pieces = Port(IsegNHQ(), Clock(1.0)), Pieces()

    def said(text: bytes) -> float:
        pieces.got.clear()
        began = time.monotonic()
        asyncio.run(port.serve(bytearray(text), pieces, lambda: None))
        assert all(len(piece) == 1 for piece in pieces.got)
        return time.monotonic() - began

    said(b"W=020\r\n")
    assert said(b"W\r\n") >= 5 * 0.020
    assert b"".join(pieces.got) == b"W\r\n020\r\n"
