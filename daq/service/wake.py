"""Waking a thread that polls sockets."""

import contextlib
import socket


class Wake:
    """`ring` may be called from any thread; the one that polls `fileno` then calls `clear`."""

    def __init__(self) -> None:
        self._inside, self._outside = socket.socketpair()
        for end in (self._inside, self._outside):
            end.setblocking(False)

    def fileno(self) -> int:
        """Readable once rung."""
        return self._inside.fileno()

    def ring(self) -> None:
        """Somebody has something to do; after the end nobody has."""
        with contextlib.suppress(OSError):
            self._outside.send(b"!")

    def clear(self) -> None:
        """All rings so far have been heard."""
        with contextlib.suppress(BlockingIOError):
            while self._inside.recv(4096):
                pass

    def close(self) -> None:
        """For good."""
        self._inside.close()
        self._outside.close()
