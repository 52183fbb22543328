"""Where a laboratory's service is: a small JSON file, there as long as the service, and held by a lock."""

import os
import platform
import time
from pathlib import Path
from urllib.parse import quote

import msgspec

from daq.service.errors import ServiceError
from daq.service.place import Lock, Place, is_held, read_own, write


class Where(msgspec.Struct, frozen=True):
    """`endpoint` is for programs on its own computer; `outside` for others, empty when it serves none.

    `since` in seconds since 1970 (UTC).  Unknown fields are ignored, so that an older program reads a newer file.
    """

    laboratory: str
    endpoint: str
    outside: str
    server_key: str
    pid: int
    host: str
    since: float
    simulated: bool = False
    """Nothing fires: behind the addresses are simulators."""

    def address(self) -> str:
        """Where to connect from here.  Raises `ServiceError`."""
        if self.host == platform.node():
            return self.endpoint
        if not self.outside:
            raise ServiceError(f"the service on {self.host} serves its own computer only; start it with an address to bind")
        return self.outside


def where_is(laboratory: str, place: Place | None = None) -> Path:
    """The file of a laboratory, whether it is there or not; of this user's services."""
    return (place or Place()).where / f"{quote(laboratory, safe=' ')}.json"


def running(place: Place | None = None) -> dict[str, Path]:
    """This user's laboratories that are being served, with their files."""
    found = {}
    for path in sorted((place or Place()).where.glob("*.json")):
        try:
            found[read(path).laboratory] = path
        except ServiceError:
            continue
    return found


def read(path: Path) -> Where:
    """Raises `ServiceError` when there is no service, or none any more: a file whose lock is free was left by a killed one."""
    try:
        where = msgspec.json.decode(read_own(path), type=Where)
    except FileNotFoundError:
        raise ServiceError(f"no service runs: {path} is not there; start one") from None
    except (OSError, ValueError) as error:
        raise ServiceError(
            f"{path} does not tell where a service is ({error}); copy it again, or restart the service"
        ) from None
    if where.host == platform.node() and is_held(_lock_of(path)) is False:
        raise ServiceError(f"the service of {where.laboratory!r} (process {where.pid}) ended without a word; start it again")
    return where


class Announcement:
    """Holds the lock of a laboratory, and tells where its service is until the end."""

    def __init__(self, path: Path, laboratory: str) -> None:
        """Raises `ServiceError` when another process serves it."""
        try:
            self._lock = Lock(_lock_of(path))
        except BlockingIOError:
            raise ServiceError(f"{laboratory!r} is already served {_by_whom(path)}; stop that service, or use it") from None
        self._path, self._laboratory = path, laboratory

    def tell(self, endpoint: str, outside: str, server_key: str, simulated: bool = False) -> None:
        """Write the file."""
        where = Where(self._laboratory, endpoint, outside, server_key, os.getpid(), platform.node(), time.time(), simulated)
        write(self._path, msgspec.json.format(msgspec.json.encode(where)).decode() + "\n")

    def end(self) -> None:
        """Remove the file, and let another process serve."""
        self._path.unlink(missing_ok=True)
        self._lock.release()


def _by_whom(path: Path) -> str:
    try:
        where = read(path)
    except ServiceError:
        return "by a process that is just starting"
    return f"by process {where.pid} on {where.host} since {time.strftime('%Y-%m-%d %H:%M', time.localtime(where.since))}"


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")
