"""How the window's memory stays as small as it is.  No Qt."""

import ctypes
import sys

M_MMAP_THRESHOLD = -3
LARGE = 128 * 1024
"""Bytes; what glibc begins with."""


def give_back() -> None:
    """Buffers of `LARGE` bytes and more go back to the system as soon as they are free, for as long as the process lasts.

    Left alone glibc puts ever larger ones on its heap (mallopt(3)), where those of plots that are drawn again and again leave
    holes.  Without glibc nothing is done.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, LARGE)
