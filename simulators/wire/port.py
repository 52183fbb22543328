"""One instrument behind one wire: bytes in, complete messages to the instrument, spoiled or whole replies out."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from simulators.instruments.instrument import SimulatedInstrument, Talkative, Unhurried
from simulators.wire.clock import Clock
from simulators.wire.faults import KINDS, Faults

REBOOT = "reboot"
PIECE = 1 << 18
"""Of a long reply that goes out slowly."""
SPEAK_S = 0.02
"""How often an instrument that sends unasked is listened to, wall time."""


class Sink(Protocol):
    """Where replies go."""

    def write(self, data: bytes | memoryview) -> None: ...

    async def drain(self) -> None: ...


class Port:
    """An instrument with its clock and its scheduled wire faults; answers one message after the other.

    Its network carries `bytes_per_s` of wall time, if given.
    """

    def __init__(self, instrument: SimulatedInstrument, clock: Clock, bytes_per_s: float | None = None) -> None:
        self.instrument = instrument
        self.faults = Faults()
        self._clock, self._bytes_per_s = clock, bytes_per_s

    def fault(self, kind: str, **parameters: Any) -> None:
        """Something goes wrong now: on the wire, with the mains, or inside the instrument; `ValueError` names the kinds."""
        now = self._clock.now()
        if kind in KINDS:
            self.faults.schedule(kind, **parameters)
        elif kind == REBOOT:
            self.instrument.power_up(now)
        else:
            try:
                self.instrument.fault(kind, now, **parameters)
            except ValueError as error:
                raise ValueError(f"{error}; on every wire {', '.join((*KINDS, REBOOT))}") from None

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
                await self._send(spoiled.data, sink)
            if spoiled.drop:
                hang_up()
                return

    async def _send(self, data: bytes | memoryview, sink: Sink) -> None:
        if isinstance(self.instrument, Unhurried):
            await self._spell(data, sink, self.instrument.break_s())
            return
        if self._bytes_per_s is None:
            sink.write(data)
            await sink.drain()
            return
        loop = asyncio.get_running_loop()
        started = loop.time()
        for first in range(0, len(data), PIECE):
            sent = first + len(data[first : first + PIECE])
            await asyncio.sleep(started + sent / self._bytes_per_s - loop.time())
            sink.write(data[first:sent])
            await sink.drain()

    @staticmethod
    async def _spell(data: bytes | memoryview, sink: Sink, break_s: float) -> None:
        for place in range(len(data)):
            if place:
                await asyncio.sleep(break_s)
            sink.write(data[place : place + 1])
            await sink.drain()

    async def speak(self, sink: Sink) -> None:
        """Hand on what the instrument sends by itself, as long as somebody may hear it; returns at once if it never does."""
        if not isinstance(self.instrument, Talkative):
            return
        # What it said before anybody listened is gone.
        self.instrument.speak(self._clock.now())
        while True:
            await asyncio.sleep(SPEAK_S)
            if said := self.instrument.speak(self._clock.now()):
                sink.write(said)
                await sink.drain()
