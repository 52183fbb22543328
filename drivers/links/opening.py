"""From an address in the configuration to an open transport.

Addresses are VISA resource names: `TCPIP::host::port::SOCKET` or `ASRL/dev/ttyUSB0::INSTR`.
"""

import re

from drivers.errors import LinkClosed
from drivers.links.framing import Framing
from drivers.links.link import Link, Probe, WireLog
from drivers.links.socket_transport import SocketTransport
from drivers.links.transport import SerialSettings, Transport
from drivers.links.visa_transport import VisaTransport

SOCKET_ADDRESS = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE | re.ASCII)
HIGHEST_PORT = 65535


def open_link(
    name: str,
    address: str,
    framing: Framing,
    probe: Probe | None = None,
    *,
    serial: SerialSettings | None = None,
    bare_socket: bool = False,
    timeout_s: float = 1.0,
    quiet_s: float = 0.05,
    pace_s: float = 0.0,
    log: WireLog | None = None,
) -> Link:
    """Open `address` for the instrument `name`.  Raises `LinkClosed` with the reason when nobody is there."""
    transport = open_transport(name, address, serial or SerialSettings(), bare_socket)
    return Link(name, transport, framing, probe, timeout_s=timeout_s, quiet_s=quiet_s, pace_s=pace_s, log=log)


def open_transport(name: str, address: str, serial: SerialSettings, bare_socket: bool) -> Transport:
    """The transport below a link: VISA for everything that talks, a bare socket where blocks of data come."""
    tcp = SOCKET_ADDRESS.fullmatch(address)
    try:
        if tcp is not None and not 1 <= int(tcp["port"]) <= HIGHEST_PORT:
            raise ValueError(f"port {tcp['port']} is outside 1 to {HIGHEST_PORT}")
        if bare_socket:
            if tcp is None:
                raise ValueError("needs an address of the form TCPIP::host::port::SOCKET")
            return SocketTransport(tcp["host"], int(tcp["port"]))
        return VisaTransport(address, serial)
    except (OSError, ValueError) as error:
        raise LinkClosed(name, f"cannot connect to {address} ({error})") from error
