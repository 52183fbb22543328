"""Who may connect at all: the answer to ZeroMQ's own question about each client's key (ZAP, RFC 27)."""

import time
from collections.abc import Callable

import zmq
from zmq.utils import z85

from daq.service.errors import ServiceError
from daq.service.keys import Keys
from daq.service.messages import DOMAIN

QUIET_S = 10.0
"""Between two lines of the log about strangers."""


class Admission:
    """Used by the thread that owns the service's sockets; made before they are bound."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], keys: Keys, log: Callable[[str], object]) -> None:
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind("inproc://zeromq.zap.01")
        self._keys, self._log = keys, log
        self._said = -QUIET_S

    def answer(self) -> None:
        """All questions that wait.  Whoever is let in is known by name in all that comes from this connection."""
        while self.socket.poll(0):
            question = self.socket.recv_multipart()
            name, number = self._name(question[2:]), question[1]
            verdict = [b"200", b"OK", name.encode()] if name else [b"400", b"this key is not allowed", b""]
            self.socket.send_multipart([b"1.0", number, *verdict, b""])

    def _name(self, question: list[bytes]) -> str:
        """`question` is domain, address, routing id, mechanism and key."""
        if len(question) != 5 or (question[0], question[3]) != (DOMAIN, b"CURVE"):
            return ""
        address = question[1].decode()
        try:
            name = self._keys.holder(z85.encode(question[4]), address)
        except (OSError, ServiceError) as error:
            self._say(f"a client from {address} was refused: {error}")
            return ""
        if not name:
            self._say(f"a client from {address} was refused: its key is not allowed")
        return name

    def _say(self, sentence: str) -> None:
        if time.monotonic() - self._said >= QUIET_S:
            self._said = time.monotonic()
            self._log(sentence)
