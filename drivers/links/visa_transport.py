"""Bytes through PyVISA: TCP sockets and serial lines alike, with pyvisa-py (and pyserial below it) as the library."""

import os
import select
import socket
from threading import Lock

import pyvisa
from pyvisa import constants
from pyvisa.errors import Error, VisaIOError
from pyvisa.resources import MessageBasedResource, SerialInstrument

from drivers.links.transport import SerialSettings

CONNECT_MS = 2000
SEND_S = 2.0
"""A peer that takes no bytes for this long is gone."""
PARITY = {"none": constants.Parity.none, "odd": constants.Parity.odd, "even": constants.Parity.even}
STOP_BITS = {1: constants.StopBits.one, 2: constants.StopBits.two}
CLOSED_MEANWHILE = (Error, AttributeError, TypeError, ValueError)
"""What PyVISA and pyvisa-py raise when another thread closes the session."""

_starting = Lock()


class VisaTransport:
    """A VISA session used for bytes only: no terminators added, none removed."""

    def __init__(self, address: str, serial: SerialSettings) -> None:
        _refuse_unknown_host(address)
        try:
            # PyVISA would start twice when two threads are first.
            with _starting:
                manager = pyvisa.ResourceManager("@py")
            resource = manager.open_resource(address, open_timeout=CONNECT_MS)
        except Exception as error:
            # pyvisa-py raises bare `Exception` for several ways of not connecting.
            raise ConnectionError(None, str(error)) from error
        self._resource = resource
        self._library = resource.visalib
        self._session = resource.session
        self._serial = resource if isinstance(resource, SerialInstrument) else None
        try:
            if not isinstance(resource, MessageBasedResource):
                raise ValueError("is not the address of an instrument that exchanges messages")
            self._set_up(serial)
        except Exception as error:
            # pyserial lets `termios.error` through, which is no OSError.
            self.close()
            raise error if isinstance(error, OSError | ValueError) else ConnectionError(None, str(error)) from error

    def send(self, data: bytes) -> None:
        try:
            tcp = self._socket()
            # pyvisa-py would wait for ever.
            if tcp is not None and not select.select([], [tcp], [], SEND_S)[1]:
                raise ConnectionError(None, "the instrument takes no more bytes")
            self._wait_at_most(SEND_S)
            self._library.write(self._session, data)
        except VisaIOError as error:
            raise ConnectionError(None, error.abbreviation) from error
        except CLOSED_MEANWHILE as error:
            raise ConnectionAbortedError(None, "the session was closed") from error

    def receive(self, wanted: int, last_byte: int | None, timeout_s: float) -> bytes:
        try:
            self._wait_at_most(timeout_s)
            if self._serial is not None:
                return self._receive_serial(self._serial, wanted)
            self._stop_at(last_byte)
            return self._read(wanted)
        except VisaIOError as error:
            if error.error_code != constants.StatusCode.error_timeout:
                raise ConnectionError(None, error.abbreviation) from error
            self._refuse_closed_socket()
            return b""
        except CLOSED_MEANWHILE as error:
            raise ConnectionAbortedError(None, "the session was closed") from error

    def waiting(self) -> bool:
        try:
            if self._serial is not None:
                return self._serial.bytes_in_buffer > 0
            tcp = self._socket()
            # pyvisa-py keeps what it received beyond the last read.
            kept = getattr(self._pyvisa_py(), "_pending_buffer", b"")
            return bool(kept) or (tcp is not None and bool(select.select([tcp], [], [], 0)[0]))
        except CLOSED_MEANWHILE as error:
            raise ConnectionAbortedError(None, "the session was closed") from error

    def close(self) -> None:
        self._resource.close()
        # pyvisa-py never forgets a session it has closed.
        getattr(self._library, "sessions", {}).pop(self._session, None)

    def _receive_serial(self, line: SerialInstrument, wanted: int) -> bytes:
        # pyvisa-py reads byte by byte and throws away what a timed-out read has got, so only the first byte is waited for
        # within the limit: what is there already must not be lost because the machine is busy.
        first = self._read(1)
        waiting = min(line.bytes_in_buffer, wanted - 1)
        if waiting <= 0:
            return first
        self._wait_at_most(SEND_S)
        return first + self._read(waiting)

    def _read(self, count: int) -> bytes:
        with self._library.ignore_warning(self._session, constants.StatusCode.success_max_count_read):
            data, _ = self._library.read(self._session, count)
        return bytes(data)

    def _wait_at_most(self, timeout_s: float) -> None:
        self._resource.timeout = max(1.0, timeout_s * 1000)

    def _stop_at(self, last_byte: int | None) -> None:
        attributes = constants.ResourceAttribute
        if last_byte is not None:
            self._resource.set_visa_attribute(attributes.termchar, last_byte)
        self._resource.set_visa_attribute(attributes.termchar_enabled, last_byte is not None)

    def _set_up(self, serial: SerialSettings) -> None:
        if self._serial is not None:
            _set_serial(self._serial, serial)
            return
        tcp = self._socket()
        if tcp is None:
            return
        # pyvisa-py calls a refused connection a success.
        refused = tcp.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if refused:
            raise ConnectionRefusedError(refused, os.strerror(refused))
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Otherwise pyvisa-py throws away half a reply when its time is over.
        self._resource.set_visa_attribute(constants.ResourceAttribute.suppress_end_enabled, False)

    def _pyvisa_py(self) -> object:
        """The session below PyVISA's; None with another VISA library."""
        return getattr(self._library, "sessions", {}).get(self._session)

    def _socket(self) -> socket.socket | None:
        """The socket below pyvisa-py's session; None on a serial line."""
        interface = getattr(self._pyvisa_py(), "interface", None)
        return interface if isinstance(interface, socket.socket) else None

    def _refuse_closed_socket(self) -> None:
        # pyvisa-py takes the end of the stream for silence.
        tcp = self._socket()
        if tcp is None:
            return
        tcp.setblocking(False)
        try:
            if tcp.recv(1, socket.MSG_PEEK) == b"":
                raise ConnectionResetError(None, "closed by the instrument")
        except BlockingIOError:
            return
        finally:
            tcp.setblocking(True)


def _refuse_unknown_host(address: str) -> None:
    """pyvisa-py leaves its socket open when a host name is unknown."""
    parts = address.split("::")
    if parts[0].upper().startswith("TCPIP") and len(parts) > 1:
        socket.getaddrinfo(parts[1], None, family=socket.AF_INET)


def _set_serial(line: SerialInstrument, settings: SerialSettings) -> None:
    line.baud_rate = settings.baud
    line.data_bits = settings.data_bits
    line.parity = PARITY[settings.parity]
    line.stop_bits = STOP_BITS[settings.stop_bits]
    flow = constants.ControlFlow.rts_cts if settings.rts_cts else constants.ControlFlow.none
    line.set_visa_attribute(constants.ResourceAttribute.asrl_flow_control, flow)
    line.end_input = constants.SerialTermination.none
