"""Memory that two processes share and that vanishes with them, however they die.

Linux: an anonymous file (`memfd_create`) inherited by the writer.  Elsewhere: a temporary file that has no name left once
both have opened it; on Windows a named mapping, which the system drops with its last handle (not tested there).
"""

import mmap
import os
import subprocess
import sys
import tempfile
from typing import Any


class SharedMemory:
    """`size` bytes.  The owner makes it and passes `handle` on the child's command line; the child attaches."""

    def __init__(self, size: int) -> None:
        if sys.platform == "win32":
            self.handle = f"clusterbeam-{os.getpid()}-{id(self):x}"
            self._descriptor: int | None = None
            self._map = mmap.mmap(-1, size, tagname=self.handle)
        else:
            self._descriptor = _anonymous_file()
            os.ftruncate(self._descriptor, size)
            self.handle = str(self._descriptor)
            self._map = mmap.mmap(self._descriptor, size)
        self.view = memoryview(self._map)

    def inheritance(self) -> dict[str, Any]:
        """Arguments for `subprocess.Popen` that let the child attach."""
        return {} if self._descriptor is None else {"pass_fds": (self._descriptor,)}

    def close(self) -> None:
        """Give the memory back; arrays made from `view` keep it until the last of them has gone."""
        del self.view, self._map
        if self._descriptor is not None:
            os.close(self._descriptor)


def attach(handle: str, size: int) -> mmap.mmap:
    """The child's side: map the memory the owner made, to read only."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=handle, access=mmap.ACCESS_READ)
    mapped = mmap.mmap(int(handle), size, access=mmap.ACCESS_READ)
    os.close(int(handle))
    return mapped


def own_session() -> dict[str, Any]:
    """Arguments for `subprocess.Popen` that keep a terminal's Ctrl-C away from the child."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("clusterbeam-ring")
    descriptor, path = tempfile.mkstemp(prefix="clusterbeam-")
    os.unlink(path)
    return descriptor
