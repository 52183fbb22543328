"""Serial instruments on pseudo-terminals.  POSIX only; elsewhere use TCP."""

import asyncio
import os
import pty
import tty
from contextlib import suppress

from simulators.wire.port import Port

CHUNK = 4096


class SerialLine:
    """One pseudo-terminal: the instrument holds one end, `name` is the other."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._ours, self._theirs = pty.openpty()
        # The far end stays open here as well, so that a client may come and go.
        tty.setraw(self._theirs)
        self.name = os.ttyname(self._theirs)
        self._received = bytearray()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        os.set_blocking(self._ours, False)
        asyncio.get_running_loop().add_reader(self._ours, self._read)
        self._tasks = [asyncio.create_task(self._serve()), asyncio.create_task(self._port.speak(self))]

    async def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        os.close(self._ours)
        os.close(self._theirs)

    def write(self, data: bytes | memoryview) -> None:
        # A line without handshake loses what nobody reads.
        with suppress(BlockingIOError):
            os.write(self._ours, data)

    async def drain(self) -> None:
        """A line this short needs no flow control."""

    def _read(self) -> None:
        self._received += os.read(self._ours, CHUNK)
        self._arrived.set()

    async def _serve(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self._port.serve(self._received, self, lambda: None)
