"""One session with a service as the client sees it, from greeting to loss.  Used by the client's thread alone."""

import struct
import time
from collections import deque
from collections.abc import Iterator

import zmq

from daq.face.commands import Command
from daq.face.state import AnyPart
from daq.service.errors import ServiceError
from daq.service.keys import Pair
from daq.service.messages import (
    FRAME,
    LARGEST_BATCH,
    VERSION,
    Alive,
    Answered,
    Ask,
    Batch,
    Beat,
    FromClient,
    FromServer,
    Hello,
    MalformedError,
    Over,
    Pace,
    Piece,
    Refresh,
    Welcome,
    encoded,
    from_server,
    whole,
)
from daq.service.wake import Wake
from daq.service.where import Where

GREETING = Pace(lost_s=3.0)
"""Until the service has told its own."""
SEND_AHEAD = 1000
ESTIMATES = 16
"""Heartbeats from which the service's clock is estimated: the one that was quickest on its way counts."""
EVENT = struct.Struct("=HI")
REFUSED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
LOST = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED | zmq.EVENT_CONNECT_RETRIED


class Connection:
    """Its methods raise `ServiceError` when the service is not there, refuses this client, or is not heard any more."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], where: Where, keys: Pair, program: str) -> None:
        self._address, self._program = where.address(), program
        self._welcome: Welcome | None = None
        self._pace = GREETING
        self._number = self._taken = 0
        self._seen: int | None = None
        self._pieces: list[bytes] = []
        self._clocks: deque[float] = deque(maxlen=ESTIMATES)
        self.complete = False
        """Whether everything has been seen once."""
        self.wall_s = 0.0
        """The service's time (UTC, seconds since 1970) is so much ahead of this process's monotonic clock."""
        self.heard = self._next_beat = time.monotonic()
        self._dealer = context.socket(zmq.DEALER)
        self._monitor = self._dealer.get_monitor_socket(REFUSED | LOST)
        try:
            self._connect(where, keys)
        except BaseException as error:
            self.close()
            if isinstance(error, zmq.ZMQError):
                raise ServiceError(f"cannot connect to {self._address!r} ({error.strerror})") from None
            raise

    @property
    def name(self) -> str:
        """Who the service takes this client for; "" before it has said so."""
        return self._welcome.name if self._welcome else ""

    @property
    def laboratory(self) -> str:
        """What is served; likewise."""
        return self._welcome.laboratory if self._welcome else ""

    def wait(self, wake: Wake, at_most_s: float) -> None:
        """Until the service says something, a heartbeat is due or missed, or `wake` is rung."""
        poller = zmq.Poller()
        for readable in (self._dealer, self._monitor, wake):
            poller.register(readable, zmq.POLLIN)
        now, missed = time.monotonic(), self.heard + self._pace.silent_s
        until = min([now + at_most_s, self._next_beat, *([missed] if missed > now else [])])
        poller.poll(int(max(0.0, until - now) * 1000) + 1)
        wake.clear()

    def received(self) -> Iterator[Answered | Batch[AnyPart]]:
        """Everything that has come since."""
        while (frame := self._frame()) is not None:
            self.heard = time.monotonic()
            try:
                message = from_server(frame)
                if (found := self._take(message)) is not None:
                    yield found
            except MalformedError as error:
                raise ServiceError(
                    f"the service at {self._address} is not understood ({error}); is it another version?"
                ) from None
        self._look_for_loss()

    def ask(self, command: Command, within_s: float) -> int:
        """Send it; the answer will have this number."""
        assert self._welcome is not None
        deadline = time.monotonic() + max(self._clocks) + within_s
        self._send(Ask(self._welcome.session, self._next_number(), deadline, command))
        return self._number

    def keep_up(self) -> str:
        """Send the heartbeat when it is due; says when the service is late with its own, and raises when it is too late.

        To be called after `received`, so that what has come is heard before it is missed.
        """
        now = time.monotonic()
        silent_s = now - self.heard
        sentence = f"the service at {self._address} has not been heard for {silent_s:.1f} s"
        if silent_s > self._pace.lost_s:
            raise ServiceError(sentence)
        if now >= self._next_beat:
            self._next_beat = now + self._pace.beat_s
            if self._welcome is not None:
                self._alive(self._welcome)
        return sentence if silent_s > self._pace.silent_s else ""

    def close(self) -> None:
        """Leave at once."""
        try:
            self._dealer.disable_monitor()
        finally:
            self._monitor.close(linger=0)
            self._dealer.close(linger=0)

    def _connect(self, where: Where, keys: Pair) -> None:
        dealer = self._dealer
        dealer.linger = 0
        dealer.curve_publickey, dealer.curve_secretkey = keys
        dealer.curve_serverkey = where.server_key.encode()
        dealer.maxmsgsize = FRAME
        dealer.sndhwm = SEND_AHEAD
        dealer.reconnect_ivl = -1
        dealer.connect(self._address)
        self._send(Hello(VERSION, self._program))

    def _frame(self) -> bytes | None:
        try:
            return self._dealer.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def _take(self, message: FromServer) -> Answered | Batch[AnyPart] | None:
        match message:
            case Welcome():
                self._welcome, self._pace = message, message.pace
                self._clock(message)
            case Beat():
                self._clock(message)
            case Piece():
                return self._piece(message)
            case Answered():
                return message
            case Over():
                raise ServiceError(f"the service at {self._address} says: {message.reason}")
        return None

    def _clock(self, message: Welcome | Beat) -> None:
        self.wall_s = message.now - self.heard
        self._clocks.append(message.clock - self.heard)

    def _piece(self, piece: Piece) -> Batch[AnyPart] | None:
        if self._welcome is None:
            raise MalformedError("news before a welcome")
        self._pieces.append(piece.data)
        self._taken += 1
        self._alive(self._welcome)
        if not piece.last:
            if len(self._pieces) * len(piece.data) > LARGEST_BATCH:
                raise MalformedError(f"more than {LARGEST_BATCH} bytes at once")
            return None
        batch = whole(b"".join(self._pieces))
        self._pieces.clear()
        return self._in_sequence(self._welcome, batch)

    def _in_sequence(self, welcome: Welcome, batch: Batch[AnyPart]) -> Batch[AnyPart] | None:
        """A batch that follows on what was seen; after a gap everything is asked for again, once."""
        if batch.complete or batch.after == self._seen:
            self._seen, self.complete = batch.upto, True
            return batch
        if self._seen is not None:
            self._seen = None
            self._send(Refresh(welcome.session, self._next_number()))
        return None

    def _look_for_loss(self) -> None:
        while self._monitor.poll(0):
            happened = EVENT.unpack(self._monitor.recv_multipart()[0])[0]
            if happened & REFUSED:
                raise ServiceError(
                    f"the service at {self._address} refuses this program's key, or has another key than the file says; "
                    "have keys/client.pub allowed there, and copy the file of the service again"
                )
            what = "has closed the connection" if self._welcome else "is not there"
            raise ServiceError(f"the service at {self._address} {what}")

    def _alive(self, welcome: Welcome) -> None:
        self._send(Alive(welcome.session, self._next_number(), self._taken))

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _send(self, message: FromClient) -> None:
        try:
            self._dealer.send(encoded(message), zmq.NOBLOCK)
        except zmq.Again:
            raise ServiceError(f"the service at {self._address} takes nothing any more") from None
