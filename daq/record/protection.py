"""A running file is for its writer alone: kept from other programs as far as the system allows, and looked after.

Write permission is taken away, and a shared lock makes HDF5 refuse to open the file for writing (HDF5 takes an exclusive one).
A superuser's program that truncates without asking is noticed at the next flush.  Windows has no `flock`; there an open file
cannot be removed, and HDF5's own lock has to do (not tested there).
"""

import errno
import os
import stat
import sys
from pathlib import Path

ALIVE = 2**62
HELD = (errno.EAGAIN, errno.EACCES)
"""Somebody else has the lock."""
NO_WRITE = ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


class Protection:
    """Of the open file at `path`, from now until `end`.  `descriptor` is the writer's own."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        self._mode = path.stat().st_mode
        self._size = 0
        self._lock = _locked(path)
        path.chmod(self._mode & NO_WRITE)

    def check(self) -> None:
        """Raises `OSError` when another program has removed, replaced or truncated the file."""
        own = os.fstat(self._descriptor)
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            raise OSError(f"{self._path} was removed while it was written") from None
        if (there.st_dev, there.st_ino) != (own.st_dev, own.st_ino):
            raise OSError(f"{self._path} was replaced by another file while it was written")
        if own.st_size < self._size:
            raise OSError(f"another program has truncated {self._path} from {self._size} to {own.st_size} bytes")
        self._size = own.st_size

    def end(self) -> None:
        """Give the file its permissions back."""
        os.close(self._lock)
        if self._path.exists():
            self._path.chmod(self._mode)


def is_being_written(path: Path) -> bool | None:
    """Whether the writer of a running file still lives; None on Windows, and where the file system has no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, ALIVE)
    except OSError as error:
        return True if error.errno in HELD else None
    finally:
        os.close(descriptor)
    return False


def _locked(path: Path) -> int:
    """Two locks: one that HDF5 heeds, which readers share, and one on a byte far beyond the end that says the writer lives."""
    descriptor = os.open(path, os.O_RDWR)
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, ALIVE)
        except OSError as error:
            if error.errno in HELD:
                raise
            # Some network file systems know no locks; a run there has to do without them.
    return descriptor
