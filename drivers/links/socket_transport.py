"""A bare TCP socket, for the digitizer's blocks (VISA copies them several times)."""

import select
import socket

CONNECT_S = 2.0
SEND_S = 2.0
"""A peer that takes no bytes for this long is gone."""


class SocketTransport:
    """Bytes over TCP, with a way to receive a large block straight into the caller's memory."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=CONNECT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(SEND_S)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self, wanted: int, last_byte: int | None, timeout_s: float) -> bytes:
        if not self._ready(timeout_s):
            return b""
        data = self._socket.recv(min(wanted, 1 << 16))
        if not data:
            raise ConnectionResetError(None, "closed by the instrument")
        return data

    def receive_into(self, view: memoryview, timeout_s: float) -> int:
        """Fill as much of `view` as has come; 0 if nothing came within `timeout_s`."""
        if not self._ready(timeout_s):
            return 0
        count = self._socket.recv_into(view)
        if not count:
            raise ConnectionResetError(None, "closed by the instrument")
        return count

    def waiting(self) -> bool:
        return self._ready(0.0)

    def close(self) -> None:
        self._socket.close()

    def _ready(self, timeout_s: float) -> bool:
        try:
            return bool(select.select([self._socket], [], [], timeout_s)[0])
        except ValueError as error:
            raise ConnectionAbortedError(None, "the socket was closed") from error
