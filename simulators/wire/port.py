"""One instrument behind one wire: bytes in, complete messages to the instrument, spoiled or whole replies out."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from simulators.instruments.instrument import SimulatedInstrument
from simulators.wire.clock import Clock
from simulators.wire.faults import Faults


class Sink(Protocol):
    """Where replies go."""

    def write(self, data: bytes | memoryview) -> None: ...

    async def drain(self) -> None: ...


class Port:
    """An instrument with its clock and its scheduled wire faults; answers one message after the other."""

    def __init__(self, instrument: SimulatedInstrument, clock: Clock) -> None:
        self.instrument = instrument
        self.faults = Faults()
        self._clock = clock

    async def serve(self, received: bytearray, sink: Sink, hang_up: Callable[[], None]) -> None:
        """Answer every complete message at the front of `received`."""
        for message in self.instrument.split(received):
            reply = self.instrument.answer(message, self._clock.now())
            if not isinstance(reply, bytes | memoryview):
                reply = await asyncio.to_thread(reply)
            spoiled = self.faults.spoil(reply)
            if spoiled.delay_s:
                await asyncio.sleep(spoiled.delay_s)
            if len(spoiled.data):
                sink.write(spoiled.data)
                await sink.drain()
            if spoiled.drop:
                hang_up()
                return
