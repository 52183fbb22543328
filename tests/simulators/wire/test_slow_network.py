"""A long reply takes as long as its network needs; others are served meanwhile."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from simulators.wire.clock import Clock
from simulators.wire.port import PIECE, Port

SIZE = 3 * PIECE + 5


class Talker:
    """Answers every line with many bytes."""

    def power_up(self, now: float) -> None:
        """Nothing to forget."""

    def split(self, received: bytearray) -> Iterable[bytes]:
        message = bytes(received)
        received.clear()
        return [message]

    def answer(self, message: bytes, now: float) -> bytes | memoryview | Callable[[], memoryview]:
        return bytes(SIZE)

    def state(self, now: float) -> dict[str, Any]:
        return {}

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        raise ValueError(kind)


class Sink:
    """Counts what comes."""

    def __init__(self) -> None:
        self.got = 0

    def write(self, data: bytes | memoryview) -> None:
        self.got += len(data)

    async def drain(self) -> None:
        """Always ready."""


def test_a_reply_is_no_faster_than_its_network() -> None:
    bytes_per_s = 4e6
    slow, quick, sink, other = (
        Port(Talker(), Clock(1.0), bytes_per_s),
        Port(Talker(), Clock(1.0)),
        Sink(),
        Sink(),
    )

    async def both() -> tuple[float, int]:
        began = time.monotonic()
        waiting = asyncio.create_task(slow.serve(bytearray(b"?"), sink, lambda: None))
        await asyncio.sleep(0)
        await quick.serve(bytearray(b"?"), other, lambda: None)
        meanwhile = sink.got
        await waiting
        return time.monotonic() - began, meanwhile

    took_s, meanwhile = asyncio.run(both())
    assert sink.got == other.got == SIZE
    assert meanwhile < SIZE
    assert took_s >= SIZE / bytes_per_s
