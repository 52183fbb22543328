"""One engine per laboratory: whoever opens an instrument owns its address until the process, and its guard, are gone.

The lock is the system's own and goes with the last process that holds its descriptor.  A laboratory is owned instrument by
instrument, so that two configurations which share one cannot both have it.  The file of the lock says who the owner is.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from config.places import state_directory

ENDING_S, LOOK_S = 120.0, 0.1
"""Longest wait for a guard that makes everything safe, and how often it is looked after (wall time)."""
GLANCE_S = 0.5
"""Whoever only looks whether an address is free is in the way for a moment."""
ROOM = 1024
"""Bytes that the words of an owner fill, with blanks: written at once over those before, they are never seen half."""


@dataclass(frozen=True)
class Owner:
    """Who has an instrument: process, program, since when (ISO 8601), and where its guard listens with which key."""

    pid: int
    program: str
    since: str
    guard: tuple[str, int] | None = None
    key: str = ""
    ending: bool = False
    """The engine is gone; its guard makes everything safe, and ends then."""

    def __str__(self) -> str:
        return f"process {self.pid} ({self.program}, since {self.since})"


class Owned(Exception):
    """Somebody else has an instrument of this laboratory; `owner` says who, if it could be read."""

    def __init__(self, address: str, owner: Owner | None) -> None:
        self.owner = owner
        who = "another program" if owner is None else str(owner)
        super().__init__(f"{address} belongs to {who}; end that first, or `clusterbeam safe` asks it to make everything safe")


class Ownership:
    """A context in which this process owns addresses.  Entering waits for a guard that is about to end, else it raises `Owned`,
    and then has nothing."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._paths = {address: _path(address) for address in sorted(set(addresses))}
        self._me = Owner(os.getpid(), _program(), datetime.now(UTC).isoformat(timespec="seconds"))
        self._descriptors: list[int] = []
        self._held = ExitStack()

    def __enter__(self) -> "Ownership":
        began = time.monotonic()
        while True:
            try:
                return self._taken()
            except Owned as error:
                ending = error.owner is not None and error.owner.ending
                if time.monotonic() > began + (ENDING_S if ending else GLANCE_S):
                    raise
                time.sleep(LOOK_S)

    def _taken(self) -> "Ownership":
        self._descriptors = []
        with ExitStack() as taken:
            for address, path in self._paths.items():
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
                taken.callback(os.close, descriptor)
                if not _lock(descriptor):
                    raise Owned(address, _read(path))
                self._descriptors.append(descriptor)
            self._held = taken.pop_all()
        self.tell(None, "")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for descriptor in self._descriptors:
            os.ftruncate(descriptor, 0)
        self._held.close()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Whoever inherits these holds the locks too."""
        return tuple(self._descriptors)

    def tell(self, guard: tuple[str, int] | None, key: str) -> None:
        """Write down who the owner is, and where its guard listens."""
        _write(self._descriptors, replace(self._me, guard=guard, key=key))


def mark_ending(descriptors: Iterable[int], pid: int, program: str) -> None:
    """Write down that an heir of the locks is at work, and will end."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    _write(descriptors, Owner(pid, program, now, ending=True))


def owner_of(addresses: Iterable[str]) -> Owner | None:
    """Who has any of these addresses; None when nobody has, or does not say who it is."""
    for address in sorted(set(addresses)):
        path = _path(address)
        if path.exists() and not _free(path):
            return _read(path)
    return None


def _path(address: str) -> Path:
    return state_directory("owners") / f"{hashlib.sha256(address.upper().encode()).hexdigest()[:24]}.json"


def _write(descriptors: Iterable[int], owner: Owner) -> None:
    body = json.dumps(asdict(owner)).encode().ljust(ROOM)
    for descriptor in descriptors:
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, body)
        os.ftruncate(descriptor, len(body))


def _program() -> str:
    return " ".join(Path(word).name if place == 0 else word for place, word in enumerate(sys.argv[:3]))


def _read(path: Path) -> Owner | None:
    with suppress(OSError, ValueError, TypeError, AttributeError):
        found = json.loads(path.read_text())
        if found.get("guard"):
            found["guard"] = tuple(found["guard"])
        return Owner(**found)
    return None


def _free(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        return _lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, shared: bool = False) -> bool:
    """Whether the lock could be had; `shared` with others who only look, where the system has that."""
    if sys.platform == "win32":
        import msvcrt

        # A byte far beyond the text, which must stay readable for others.
        os.lseek(descriptor, 2**30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
