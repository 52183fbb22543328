"""The control socket: newline-delimited JSON on loopback, for tests that look behind the wire.

    {"do": "state"}  {"do": "state", "instrument": "magnet"}
    {"do": "fault", "instrument": "magnet", "kind": "interlock", ...}             the instrument's own kinds
    {"do": "fault", "instrument": "magnet", "kind": "silence", "count": 2}        wire: delay, garbage, half_reply, ...
    {"do": "fault", "instrument": "magnet", "kind": "reboot"}
    {"do": "clear", "instrument": "magnet"}                                       wire faults that still wait
    {"do": "clock"}  {"do": "clock", "advance": 60}  {"do": "clock", "speed": 100}

Every request gets one line: {"ok": true, ...} or {"ok": false, "error": "one sentence"}.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from simulators.wire.clock import Clock
from simulators.wire.port import Port


class Control:
    """Answers requests about the instruments of one laboratory."""

    def __init__(self, ports: Mapping[str, Port], clock: Clock) -> None:
        self._ports, self._clock = ports, clock
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def start(self, number: int = 0) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", number)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for client in self._clients:
                client.transport.abort()
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        with suppress(ConnectionError):
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line)).encode() + b"\n")
                await writer.drain()
        self._clients.discard(writer)
        writer.close()

    def answer(self, line: bytes) -> dict[str, Any]:
        """Act on one request."""
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("a request is a JSON object")
            return {"ok": True, **self._act(request)}
        except (ValueError, KeyError, TypeError) as error:
            return {"ok": False, "error": str(error)}

    def _act(self, request: dict[str, Any]) -> dict[str, Any]:
        now = self._clock.now()
        match request.pop("do", None):
            case "state" if "instrument" in request:
                return {"state": self._port(request).instrument.state(now)}
            case "state":
                return {"states": {name: port.instrument.state(now) for name, port in self._ports.items()}}
            case "fault":
                self._port(request).fault(**request)
            case "clear":
                self._port(request).faults.clear()
            case "clock":
                if "advance" in request:
                    self._clock.advance(float(request["advance"]))
                if "speed" in request:
                    self._clock.set_speed(float(request["speed"]))
                return {"now_s": self._clock.now(), "speed": self._clock.speed}
            case other:
                raise ValueError(f"cannot do {other!r}; known are state, fault, clear, clock")
        return {}

    def _port(self, request: dict[str, Any]) -> Port:
        name = request.pop("instrument", None)
        if name not in self._ports:
            raise ValueError(f"no instrument {name!r}; known are {', '.join(self._ports)}")
        return self._ports[name]
