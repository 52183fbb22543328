"""The service's wire: one ROUTER with CURVE, on loopback and where else it is told to listen.  Used by one thread."""

import errno
import platform
import re
from collections.abc import Callable, Iterator

import zmq

from daq.service.admission import Admission
from daq.service.errors import ServiceError
from daq.service.keys import Keys
from daq.service.messages import DOMAIN, FRAME, FromServer, encoded
from daq.service.wake import Wake

LOOPBACK = "tcp://127.0.0.1:*"
ADDRESS = re.compile(r"tcp://[^:/]+:(?P<port>\d{1,5}|\*)")
EVERYWHERE = re.compile(r"^tcp://0\.0\.0\.0:")
READ_AHEAD = 32
"""Messages of one client taken off its wire before they are read; with `FRAME` this bounds memory."""
SEND_AHEAD = 1000
"""Messages to one client that its wire does not take yet; what is more is dropped."""
HANDSHAKE_MS = 5000
PING_MS = 5000
"""ZeroMQ's own: closes connections whose other end has vanished without a word."""


class Sockets:
    """`endpoint` is the one on loopback, `outside` what `bind` asked for.  Raises `ServiceError` when that cannot be had."""

    def __init__(self, keys: Keys, bind: str, log: Callable[[str], object]) -> None:
        self.is_allowed = keys.is_allowed
        self._context = zmq.Context()
        self._admission = Admission(self._context, keys, log)
        self._router = self._context.socket(zmq.ROUTER)
        try:
            self._set(keys)
            self.endpoint = self._bound(LOOPBACK)
            self.outside = self._bound(bind) if bind else ""
        except BaseException:
            self.close()
            raise

    def wait(self, wake: Wake, at_most_s: float) -> None:
        """Until somebody says something, or `wake` is rung; lets in who may."""
        poller = zmq.Poller()
        for readable in (self._router, self._admission.socket, wake):
            poller.register(readable, zmq.POLLIN)
        poller.poll(max(0, int(at_most_s * 1000)))
        wake.clear()
        self._admission.answer()

    def received(self, at_most: int) -> Iterator[tuple[bytes, str, list[bytes]]]:
        """Connection, whose key it has, and what was said."""
        for _ in range(at_most):
            try:
                route, *frames = self._router.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            if frames:
                yield route.bytes, str(frames[-1].get("User-Id")), [frame.bytes for frame in frames]

    def send(self, route: bytes, message: FromServer) -> bool:
        """Whether the wire takes it.  Raises `ConnectionError` when there is no such connection any more."""
        try:
            self._router.send_multipart([route, encoded(message)], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno == errno.EHOSTUNREACH:
                raise ConnectionError(error.strerror) from None
            raise
        return True

    def close(self) -> None:
        """For good; what is still on its way is dropped."""
        self._context.destroy(linger=0)

    def _set(self, keys: Keys) -> None:
        router = self._router
        router.linger = 0
        router.curve_server = True
        router.curve_secretkey = keys.server().secret
        router.zap_domain = DOMAIN
        router.router_mandatory = True
        router.maxmsgsize = FRAME
        router.rcvhwm, router.sndhwm = READ_AHEAD, SEND_AHEAD
        router.handshake_ivl, router.heartbeat_ivl = HANDSHAKE_MS, PING_MS

    def _bound(self, address: str) -> str:
        try:
            found = ADDRESS.fullmatch(address)
            if not found or int(found["port"].replace("*", "0")) > 65535:
                raise zmq.ZMQError(errno.EINVAL)
            self._router.bind(address)
        except zmq.ZMQError as error:
            raise ServiceError(
                f"cannot listen on {address!r} ({error.strerror}); give an address of this computer, tcp://ADDRESS:PORT"
            ) from None
        endpoint = str(self._router.getsockopt_string(zmq.LAST_ENDPOINT)).rstrip("\0")
        return EVERYWHERE.sub(f"tcp://{platform.node()}:", endpoint)
