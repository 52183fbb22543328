"""The journal: everything the writer was told, in pages that tell of themselves what they are, inside the run file.

HDF5 finds a dataset through an index that a power failure or a truncation may tear.  A page of the journal is found by its
first bytes wherever it lies, and says with each shot where its trace was put; so a damaged file can be made again from its
own bytes.  Pages are 4096 bytes, written once and never touched again.

    magic 8 | run id 16 | page number u64 | bytes used u16 | CRC-32 of all the rest u32 | payload

The payloads, one after the other, are messages (MessagePack, each with its length in front).  All little-endian.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from zlib import crc32

import msgspec

from daq.record.messages import LENGTH, Create, InJournal, encoded, journalled

PAGE = 4096
MAGIC = b"\x89CBRUN\n\x1a"
HEAD = struct.Struct("<8s16sQH")
CHECK = struct.Struct("<I")
ROOM = PAGE - HEAD.size - CHECK.size
HEAD_BYTES = 2**21
"""Of a file, in which its journal begins: it is laid out in half a megabyte."""


class Journal:
    """Turns messages into pages; the pages go into the file when somebody asks for them."""

    def __init__(self, run_id: str) -> None:
        self._run_id = bytes.fromhex(run_id).ljust(16, b"\0")[:16]
        self._waiting = bytearray()
        self._pages = 0

    def add(self, message: InJournal) -> None:
        self._waiting += encoded(message)

    def take(self) -> list[bytes]:
        """The pages with everything that was added since; the last one is filled up with zeros."""
        pages = []
        for begin in range(0, len(self._waiting), ROOM):
            payload = bytes(self._waiting[begin : begin + ROOM])
            head = HEAD.pack(MAGIC, self._run_id, self._pages, len(payload))
            pages.append((head + CHECK.pack(crc32(payload, crc32(head))) + payload).ljust(PAGE, b"\0"))
            self._pages += 1
        self._waiting.clear()
        return pages


@dataclass(frozen=True)
class Page:
    """A page that was found whole."""

    run_id: bytes
    number: int
    payload: bytes


class Gap:
    """Here something is missing, and more was told after it."""


def read_messages(content: mmap | bytes) -> Iterator[InJournal | Gap]:
    """The messages of the journal in a file of any kind, up to its end or its first gap.  A message at the end of which a
    part is missing is left out.  If there are pages of several runs, those of the run with most of them count."""
    places = _places(content)
    stream = bytearray()
    for number in range(len(places)):
        if number not in places:
            yield Gap()
            return
        page = _page(content, places[number])
        assert page is not None
        stream += page.payload
        for body in _whole(stream):
            try:
                yield journalled(body)
            except msgspec.DecodeError:
                # Another version says it in another way.
                yield Gap()
                return


def beginning(path: Path) -> Create | None:
    """What a run was begun with, from a file that may be running, killed or damaged; None where that is not to be found."""
    with path.open("rb") as file:
        first = next(read_messages(file.read(HEAD_BYTES)), None)
    return first if isinstance(first, Create) else None


def _places(content: mmap | bytes) -> dict[int, int]:
    """Where each whole page lies, by its number."""
    found: dict[bytes, dict[int, int]] = {}
    place = content.find(MAGIC)
    while place >= 0:
        page = _page(content, place)
        if page is not None:
            found.setdefault(page.run_id, {})[page.number] = place
        place = content.find(MAGIC, place + (PAGE if page is not None else 1))
    return max(found.values(), key=len, default={})


def _page(content: mmap | bytes, place: int) -> Page | None:
    raw = content[place : place + PAGE]
    if len(raw) < HEAD.size + CHECK.size:
        return None
    _, run_id, number, used = HEAD.unpack_from(raw)
    (check,) = CHECK.unpack_from(raw, HEAD.size)
    payload = raw[HEAD.size + CHECK.size :][:used]
    if used > ROOM or len(payload) < used or crc32(payload, crc32(raw[: HEAD.size])) != check:
        return None
    return Page(run_id, number, payload)


def _whole(stream: bytearray) -> Iterator[bytes]:
    """Take the complete messages off the front of `stream`."""
    while len(stream) >= LENGTH.size:
        (length,) = LENGTH.unpack_from(stream)
        if len(stream) < LENGTH.size + length:
            return
        body = bytes(stream[LENGTH.size : LENGTH.size + length])
        del stream[: LENGTH.size + length]
        yield body
