"""The other end of the control socket, for tests and benchmarks that look behind the wire."""

import json
import socket
from threading import Lock
from types import TracebackType
from typing import Any


class Remote:
    """One request at a time, from any thread; `address` is the `control` of a written configuration."""

    def __init__(self, address: str | None) -> None:
        host, _, port = str(address).partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        self._replies = self._socket.makefile("rb")
        self._lock = Lock()

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer, whether it was accepted or not."""
        with self._lock:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(self._replies.readline())
        return answer

    def __call__(self, **request: Any) -> dict[str, Any]:
        """The answer; `ValueError` says why it was refused."""
        answer = self.ask(**request)
        if not answer["ok"]:
            raise ValueError(answer["error"])
        return answer

    def fault(self, instrument: str, kind: str, **parameters: Any) -> None:
        self(do="fault", instrument=instrument, kind=kind, **parameters)

    def close(self) -> None:
        self._replies.close()
        self._socket.close()

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
