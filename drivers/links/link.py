"""One instrument's wire: a lock, a deadline per exchange, and no trust after a time-out until the replies line up again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock

from drivers.errors import GarbledReply, LinkClosed, LinkTimeout
from drivers.links.framing import Framing
from drivers.links.transport import BlockTransport, Transport

WireLog = Callable[[str, bytes], None]
"""Called with `">"` and each message sent, `"<"` and each piece received."""

SLICE_S = 0.05
"""Longest single wait, so that a closed peer and a passed deadline are noticed within 0.1 s."""


@dataclass(frozen=True)
class Probe:
    """A harmless question whose answer cannot be mistaken for any other reply of the instrument."""

    message: bytes
    recognises: Callable[[bytes], bool]


class Link:
    """Exchanges messages with one instrument.

    `name` appears in every error.  `timeout_s` is the deadline of an exchange unless the call gives another.
    `quiet_s` is how long the line must be silent before a resynchronising probe is believed, and `pace_s` how long the
    instrument wants to be left alone after an exchange.  `clock` is wall time; a scripted wire brings its own.
    """

    def __init__(
        self,
        name: str,
        transport: Transport,
        framing: Framing,
        probe: Probe | None = None,
        *,
        timeout_s: float = 1.0,
        quiet_s: float = 0.05,
        pace_s: float = 0.0,
        log: WireLog | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self._transport = transport
        self._framing = framing
        self._probe = probe
        self._quiet_s = quiet_s
        self._pace_s = pace_s
        self._log = log
        self._clock = clock
        self._lock = RLock()
        self._received = bytearray()
        self._in_doubt = False
        self._probe_unanswered = False
        self._free_at = 0.0
        self._closed = False

    def __enter__(self) -> "Link":
        """Hold the line for several exchanges that belong together."""
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def send(self, message: bytes) -> None:
        """Send a message that gets no reply."""
        with self._lock:
            self._prepare()
            self._send(message)

    def send_regardless(self, message: bytes) -> None:
        """Send now, even while replies do not line up: for commands that make safe, which must not wait for an answer.

        Nothing is read; the next exchange resynchronises first, which clears away what the instrument may have answered.
        """
        with self._lock:
            if self._closed:
                raise LinkClosed(self.name, "the link was closed")
            self._in_doubt = True
            self._send(message)

    def query(self, message: bytes, timeout_s: float | None = None) -> bytes:
        """Send a message and return the one reply to it, without its framing.

        Raises `LinkTimeout`, `GarbledReply` or `LinkClosed`; after the first two the next exchange resynchronises first.
        """
        with self._lock:
            self._prepare()
            self._send(message)
            try:
                return self._reply(self._clock() + (self.timeout_s if timeout_s is None else timeout_s))
            except LinkTimeout:
                self._probe_unanswered |= self._probe is not None and message == self._probe.message
                raise

    def use_probe(self, probe: Probe) -> None:
        """Resynchronise with this question from now on: for instruments whose messages carry an address."""
        self._probe = probe

    def query_echoed(self, message: bytes, timeout_s: float | None = None) -> bytes:
        """Send byte by byte, each after the echo of the one before, and return the one reply that follows.

        Raises like `query`, `GarbledReply` also for a wrong echo: the instrument may then have understood something else.
        """
        with self._lock:
            self._prepare()
            deadline = self._clock() + (self.timeout_s if timeout_s is None else timeout_s)
            for byte in message:
                self._send(bytes((byte,)))
                echo = self._next_byte(deadline)
                if echo != byte:
                    self._in_doubt = True
                    raise GarbledReply(self.name, f"echoed {bytes((echo,))!r} when {bytes((byte,))!r} was sent")
            return self._reply(deadline)

    def query_block(self, message: bytes, into: memoryview, timeout_s: float) -> None:
        """Send a message whose reply is an IEEE 488.2 definite block of exactly `len(into)` bytes and LF; fill `into`.

        Raises like `query`, `GarbledReply` also for a block of another size.
        """
        with self._lock:
            self._prepare()
            self._send(message)
            deadline = self._clock() + timeout_s
            self._block_header(len(into), deadline)
            self._fill(into, deadline)
            if self._exactly(1, deadline) != b"\n":
                self._in_doubt = True
                raise GarbledReply(self.name, "a block does not end with a line feed")

    def listen(self, timeout_s: float) -> bytes | None:
        """A reply that may come unasked within `timeout_s` (an error line after a silent command); None if none comes."""
        with self._lock:
            try:
                return self._reply(self._clock() + timeout_s)
            except LinkTimeout:
                # Nothing was asked, so silence leaves nothing behind; half a reply does.
                self._in_doubt = bool(self._received)
                return None

    def distrust(self) -> None:
        """Say that the last reply made no sense: resynchronise before the next exchange."""
        self._in_doubt = True

    def close(self) -> None:
        """Close the wire.  Safe to call twice, and from another thread than the one that waits for a reply."""
        self._closed = True
        self._transport.close()

    def _prepare(self) -> None:
        if self._closed:
            raise LinkClosed(self.name, "the link was closed")
        # Bytes that nobody asked for mean that what follows could be shifted by one reply.
        if self._in_doubt or self._received or self._waiting():
            self._resynchronise()

    def _resynchronise(self) -> None:
        """Throw away everything up to the answer to the probe, and what comes after it.

        Before that answer anything may come: a late reply, half a reply, the rest of a block of many megabytes.
        """
        self._in_doubt = True
        self._drain(self._quiet_s)
        if self._probe is not None:
            # An earlier question with the words of the probe may yet be answered too, and would look like this answer.
            quiet_s = self.timeout_s if self._probe_unanswered else self._quiet_s
            self._probe_unanswered = True
            self._send(self._probe.message)
            self._await_answer(self._probe)
            self._drain(quiet_s)
            self._probe_unanswered = False
        self._in_doubt = False

    def _await_answer(self, probe: Probe) -> None:
        deadline = self._clock() + self.timeout_s
        other = b""
        while True:
            try:
                if probe.recognises(reply := self._reply(deadline)):
                    return
                other = reply
            except GarbledReply:
                self._received.clear()
            except LinkTimeout:
                if not other:
                    raise
                asked, came = probe.message, other[:60]
                raise LinkTimeout(self.name, f"{asked!r} is not answered as this instrument would, but {came!r} came") from None

    def _drain(self, quiet_s: float) -> None:
        """Throw away what comes until the line has been quiet."""
        quiet_since = self._clock()
        deadline = quiet_since + quiet_s + self.timeout_s
        while True:
            came = self._receive(1 << 16, None, min(SLICE_S, quiet_s))
            now = self._clock()
            if came:
                quiet_since = now
            elif now - quiet_since >= quiet_s:
                break
            if now > deadline:
                raise GarbledReply(self.name, "the line does not fall silent; old data keeps coming, try again")
        self._received.clear()

    def _reply(self, deadline: float) -> bytes:
        while True:
            try:
                reply = self._framing.cut(self._received)
            except ValueError as error:
                self._in_doubt = True
                raise GarbledReply(self.name, str(error)) from None
            if reply is not None:
                self._free_at = self._clock() + self._pace_s
                return reply
            remaining = deadline - self._clock()
            if remaining <= 0:
                self._in_doubt = True
                got = f"only {bytes(self._received[:40])!r} came" if self._received else "nothing came"
                raise LinkTimeout(self.name, f"no reply in time, {got}")
            wanted = self._framing.missing(self._received)
            self._received += self._receive(wanted, self._framing.last_byte, min(SLICE_S, remaining))

    def _next_byte(self, deadline: float) -> int:
        while not self._received:
            remaining = deadline - self._clock()
            if remaining <= 0:
                self._in_doubt = True
                raise LinkTimeout(self.name, "a character was not echoed in time")
            self._received += self._receive(1, None, min(SLICE_S, remaining))
        return self._received.pop(0)

    def _block_header(self, size: int, deadline: float) -> None:
        head = self._exactly(2, deadline)
        digits = self._exactly(head[1] - ord("0"), deadline) if head[:1] == b"#" and head[1:] in b"123456789" else b""
        if digits != str(size).zfill(len(digits)).encode() or not digits:
            self._in_doubt = True
            raise GarbledReply(self.name, f"a block of {size} bytes was expected, its header is {head + digits!r}")

    def _exactly(self, count: int, deadline: float) -> bytes:
        data = bytearray(count)
        self._fill(memoryview(data), deadline)
        return bytes(data)

    def _fill(self, view: memoryview, deadline: float) -> None:
        if not isinstance(self._transport, BlockTransport):
            raise TypeError("blocks need a transport that can receive into memory")
        got = 0
        while got < len(view):
            remaining = deadline - self._clock()
            if remaining <= 0:
                self._in_doubt = True
                raise LinkTimeout(self.name, f"a block stopped after {got} of {len(view)} bytes")
            try:
                got += self._transport.receive_into(view[got:], min(SLICE_S, remaining))
            except OSError as error:
                raise self._gone(error) from error

    def _send(self, message: bytes) -> None:
        pause = self._free_at - self._clock()
        if pause > 0:
            time.sleep(pause)
        if self._log is not None:
            self._log(">", message)
        try:
            self._transport.send(message)
        except OSError as error:
            raise self._gone(error) from error
        self._free_at = self._clock() + self._pace_s

    def _receive(self, wanted: int, last_byte: int | None, timeout_s: float) -> bytes:
        try:
            data = self._transport.receive(wanted, last_byte, timeout_s)
        except OSError as error:
            raise self._gone(error) from error
        if data and self._log is not None:
            self._log("<", data)
        return data

    def _waiting(self) -> bool:
        try:
            return self._transport.waiting()
        except OSError as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError) -> LinkClosed:
        self._closed = True
        self._transport.close()
        return LinkClosed(self.name, f"the connection is lost ({error.strerror or error})")
