"""Short visits to a laboratory: who answers, a talk with one instrument, everything made safe.

If the laboratory has an owner, an engine that has its instruments open, that one is asked.
"""

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from config.errors import ConfigurationError
from config.laboratory import Laboratory
from daq.engine.conversation import Conversation, conversation
from daq.engine.health import Health, looked, silent
from daq.engine.instruments import at_once, connect_and_identify
from daq.laboratory import read_checked
from daq.safety.asking import NoAnswer, ask
from daq.safety.ownership import Owned, Owner, Ownership, owner_of
from daq.safety.safe_order import Outcome
from daq.safety.takeover import take_and_make_safe
from drivers.errors import DriverError
from drivers.links.link import WireLog

LOOK_S, SAFE_S = 15.0, 600.0
"""Longest wait for the owner's answer (wall time): a look, and everything safe with a magnet that takes minutes to ramp."""
Answer = TypeVar("Answer")


def check(path: Path | None = None) -> list[Health]:
    """How every instrument is, all at once and each for itself, so that a missing one does not hide the others."""
    configuration, _ = read_checked(path)
    owner = _owner(configuration)
    if owner is not None:
        return _asked(owner)
    configured = configuration.instruments
    with Ownership(one.address for one in configured.values()):
        found = at_once({name: partial(_look, configuration, name) for name in configured})
    return [
        silent(name, configured[name], result.what) if isinstance(result, DriverError) else result
        for name, result in found.items()
    ]


@contextmanager
def talk_to(path: Path | None, name: str, log: WireLog, allow_unsafe: bool) -> Iterator[Conversation]:
    """Raw words with one instrument of a laboratory; `log` gets every piece sent and received.  `Owned` when an engine has
    it."""
    configured = read_checked(path)[0].instruments
    if name not in configured:
        raise ConfigurationError(f"there is no instrument {name!r}; known are {', '.join(configured)}")
    with (
        Ownership([configured[name].address]),
        conversation(name, configured[name], log, allow_unsafe=allow_unsafe) as found,
    ):
        yield found


def make_laboratory_safe(path: Path | None = None) -> list[Outcome]:
    """Bring every instrument of a laboratory to its safe state; what cannot be reached is said so.  `NoAnswer` when the
    laboratory has an owner who does not answer."""
    configuration, _ = read_checked(path)
    owner = _owner(configuration)
    if owner is not None and not owner.ending:
        try:
            return _answer(owner, "safe", SAFE_S, list[Outcome])
        except NoAnswer:
            # It may have ended just now, or its guard is about to; if not, it is still the owner.
            owner = _owner(configuration)
            if owner is not None and not owner.ending:
                raise
    with Ownership(one.address for one in configuration.instruments.values()):
        return take_and_make_safe(configuration)


def _owner(configuration: Laboratory) -> Owner | None:
    return owner_of(one.address for one in configuration.instruments.values())


def _asked(owner: Owner) -> list[Health]:
    if owner.ending:
        raise Owned("the laboratory", owner)
    return _answer(owner, "health", LOOK_S, list[Health])


def _answer(owner: Owner, what: str, within_s: float, kind: type[Answer]) -> Answer:
    """What the owner says, in place of which it may say what is wrong: `NoAnswer`."""
    told = ask(owner, what, getpass.getuser(), within_s)
    try:
        return msgspec.json.decode(told.body, type=kind)
    except msgspec.DecodeError:
        raise NoAnswer(f"{owner} says: {told.body}") from None


def _look(configuration: Laboratory, name: str) -> Health:
    since = time.monotonic()
    instrument, identity = connect_and_identify(name, configuration.instruments[name])
    try:
        return looked(name, configuration.instruments[name], instrument, identity, since)
    finally:
        instrument.close()
