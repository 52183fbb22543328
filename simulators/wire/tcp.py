"""Instruments on TCP: one client at a time, as behind a serial device server; a second one is turned away."""

import asyncio
import socket
from contextlib import suppress

from simulators.wire.port import Port

CHUNK = 1 << 16
GOODBYE_S = 1.0
"""For the exchange that goes on when the laboratory ends, wall time."""


class TcpServer:
    """Serves one port on the loopback interface."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._client: asyncio.StreamWriter | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self, number: int = 0) -> int:
        """Listen; the port number in use."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", number, limit=CHUNK)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            if self._client is not None:
                self._client.transport.abort()
            if self._serving is not None:
                # Cancelled at the end of the loop instead, it would be reported as an error.
                await asyncio.wait([self._serving], timeout=GOODBYE_S)
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._client is not None:
            writer.transport.abort()
            return
        self._client = writer
        self._serving = asyncio.current_task()
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = bytearray()
        speaking = asyncio.create_task(self._port.speak(writer))
        try:
            while data := await reader.read(CHUNK):
                received += data
                await self._port.serve(received, writer, writer.transport.abort)
        except ConnectionError:
            # The client went away in the middle of an exchange, as clients do.
            return
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            self._client = None
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
