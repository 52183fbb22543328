"""The wire: transports that move bytes, framings that cut them into replies, and the link that guards an exchange."""

from drivers.links.framing import Counted, Framing, Terminated
from drivers.links.link import Link, Probe
from drivers.links.opening import open_link
from drivers.links.transport import SerialSettings, Transport

__all__ = ["Counted", "Framing", "Link", "Probe", "SerialSettings", "Terminated", "Transport", "open_link"]
