"""Raw words with one instrument: what is typed goes out as it is, what comes back is shown as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from config.errors import ConfigurationError
from config.laboratory import InstrumentConfiguration, Role
from drivers.driver import Driver
from drivers.links import Link
from drivers.links.link import WireLog
from drivers.registry import connect, driver_class

DANGEROUS: tuple[Role, ...] = ("ablation laser", "ionisation laser", "high voltage", "magnet supply")
"""A wrong word to one of these can hurt somebody or break something."""
PATIENCE_S = 0.5
"""After this long without another reply an instrument is taken to have said everything."""


class Conversation:
    """An open line to one instrument.  Nothing is checked, nothing is read back, no state is set up."""

    def __init__(self, link: Link, command_end: bytes) -> None:
        self._link, self._command_end = link, command_end

    def say(self, text: str) -> list[bytes]:
        """Send a line with the instrument's own end, and collect the replies until it is silent.

        `\\x05`, `\\r` and the like stand for bytes; `hex 10 02 01` sends exactly these, without an end.  Raises
        `ConfigurationError` for text that makes no bytes, `LinkError` when the line is lost or answers nonsense.
        """
        self._link.send_regardless(_bytes(text, self._command_end))
        replies = []
        while (reply := self._link.listen(PATIENCE_S)) is not None:
            replies.append(reply)
        return replies


@contextmanager
def conversation(
    name: str, configuration: InstrumentConfiguration, log: WireLog, *, allow_unsafe: bool = False
) -> Iterator[Conversation]:
    """Open the line of a configured instrument.  `ConfigurationError` for one that is dangerous, unless that is allowed."""
    driver = driver_class(configuration.driver)
    if configuration.role in DANGEROUS and not allow_unsafe:
        raise ConfigurationError(
            f"{name} is a {configuration.role}: raw commands can hurt; --allow-unsafe lets you, with the interlocks in place"
        )
    if not driver.on_a_wire:
        raise ConfigurationError(f"{name} speaks through its maker's library and has no wire to talk on")
    unit: Driver = connect(name, configuration, log)
    try:
        yield Conversation(unit.link, driver.command_end)
    finally:
        unit.close()


def wire_line(way: str, data: bytes) -> str:
    """One line of a wire log: time of day, direction, and the bytes as Python writes them."""
    return f"{datetime.now().astimezone():%H:%M:%S.%f} {way} {data!r}"


def _bytes(text: str, command_end: bytes) -> bytes:
    words = text.split()
    try:
        if words[:1] == ["hex"]:
            return bytes.fromhex("".join(words[1:]))
        return text.encode("latin-1").decode("unicode_escape").encode("latin-1") + command_end
    except (ValueError, UnicodeError) as error:
        raise ConfigurationError(f"{text!r} makes no bytes ({error}); write \\x05 for a byte, or hex 05 0d") from None
