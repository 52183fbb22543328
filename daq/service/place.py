"""A directory that belongs to one user alone: keys, and where services are.

POSIX: modes 0700 and 0600, and `flock`.  Windows: the user's local application data, which the system keeps to the user, so
that modes are not looked at, and `msvcrt.locking` (not tested there).
"""

import errno
import os
import stat
import sys
import tempfile
import time
from pathlib import Path

from config.places import state_directory
from daq.service.errors import ServiceError

OTHERS = stat.S_IRWXG | stat.S_IRWXO
WRITABLE = stat.S_IWGRP | stat.S_IWOTH
HELD = (errno.EAGAIN, errno.EACCES)
TRIES, AGAIN_S = 20, 0.005
"""Of a lock: who only looks whether it is held has it for a moment."""


class Place:
    """The state directory of a user.  It is made when it is missing; raises `ServiceError` when others have access to it."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or state_directory()
        self.keys = self.root / "keys"
        self.allowed = self.keys / "allowed"
        self.where = self.root / "where"
        for directory in (self.root, self.keys, self.allowed, self.where):
            _make_private(directory)


def read_private(path: Path) -> str:
    """A file that only its user can read.  Raises `FileNotFoundError`, and `ServiceError` when others could read it."""
    _refuse(path, OTHERS, "read or written", "600")
    return path.read_text()


def read_own(path: Path) -> str:
    """A file that only its user can write.  Raises `FileNotFoundError`, and `ServiceError` when others could write it."""
    _refuse(path, WRITABLE, "written", "600")
    return path.read_text()


def write(path: Path, text: str) -> None:
    """Replace a file at once and whole, mode 0600."""
    new = _temporary(path, text)
    os.replace(new, path)


def write_once(path: Path, text: str) -> None:
    """The same, unless it is there already: of two processes that try, one succeeds."""
    new = _temporary(path, text)
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(new)


class Lock:
    """Held until it is released or the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Raises `BlockingIOError` when somebody else holds it."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(TRIES):
            if _lock(self._descriptor) is not False:
                return
            time.sleep(AGAIN_S)
        os.close(self._descriptor)
        raise BlockingIOError(errno.EAGAIN, "is held by another process", str(path))

    def release(self) -> None:
        """Let somebody else have it."""
        os.close(self._descriptor)


def is_held(path: Path) -> bool | None:
    """Whether a process that lives holds this lock; None when there is no such file, or the file system knows no locks."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        got = _lock(descriptor)
    finally:
        os.close(descriptor)
    return None if got is None else not got


def _lock(descriptor: int) -> bool | None:
    """Whether it was to be had; None where the file system knows no locks, which then has to do without."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in HELD else None
    return True


def _make_private(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    _refuse(directory, OTHERS, "entered", "700")


def _refuse(path: Path, forbidden: int, can_be: str, mode: str) -> None:
    found = path.stat()
    if sys.platform == "win32":
        return
    if found.st_uid != os.geteuid():
        raise ServiceError(f"{path} belongs to another user; move it away, and a new one is made")
    if found.st_mode & forbidden:
        is_mode = f"{stat.S_IMODE(found.st_mode):o}"
        raise ServiceError(f"{path} can be {can_be} by others (mode {is_mode}); look who could, then chmod {mode} {path}")


def _temporary(path: Path, text: str) -> str:
    """A file of mode 0600 beside `path`."""
    descriptor, new = tempfile.mkstemp(prefix=".", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return new
