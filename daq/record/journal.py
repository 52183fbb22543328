"""The journal: everything the writer was told, in pages that tell of themselves what they are, inside the run file.

HDF5 finds a dataset through an index that a power failure or a truncation may tear.  A page of the journal is found by its
first bytes wherever it lies, and says with each shot where its trace was put; so a damaged file can be made again from its
own bytes.  Pages are 4096 bytes, written once and never touched again.

    magic 8 | run id 16 | page number u64 | first message begins at u16 | bytes used u16 | CRC-32 u32 | payload

The payloads, one after the other, are messages (MessagePack, each with its length in front).  All little-endian.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from zlib import crc32

import msgspec

from daq.record.messages import LENGTH, InJournal, encoded, journalled

PAGE = 4096
MAGIC = b"\x89CBRUN\n\x1a"
HEAD = struct.Struct("<8s16sQHH")
CHECK = struct.Struct("<I")
ROOM = PAGE - HEAD.size - CHECK.size
NO_START = 0xFFFF
"""No message begins in this page."""


class Journal:
    """Turns messages into pages; the pages go into the file when somebody asks for them."""

    def __init__(self, run_id: str) -> None:
        self._run_id = bytes.fromhex(run_id).ljust(16, b"\0")[:16]
        self._waiting = bytearray()
        self._starts: list[int] = []
        self.pages = 0

    def add(self, message: InJournal) -> None:
        self._starts.append(len(self._waiting))
        self._waiting += encoded(message)

    def take(self) -> list[bytes]:
        """The pages with everything that was added since; the last one is filled up with zeros."""
        pages = []
        for begin in range(0, len(self._waiting), ROOM):
            payload = bytes(self._waiting[begin : begin + ROOM])
            start = next((one - begin for one in self._starts if begin <= one < begin + ROOM), NO_START)
            head = HEAD.pack(MAGIC, self._run_id, self.pages, start, len(payload))
            pages.append((head + CHECK.pack(crc32(payload, crc32(head))) + payload).ljust(PAGE, b"\0"))
            self.pages += 1
        self._waiting.clear()
        self._starts.clear()
        return pages


@dataclass(frozen=True)
class Page:
    """A page that was found whole."""

    run_id: bytes
    number: int
    start: int
    payload: bytes


@dataclass(frozen=True)
class Gap:
    """Pages are missing here, and with them some messages."""

    pages: int


def find_pages(content: mmap | bytes) -> list[Page]:
    """All whole pages of the run that has most of them, in order.  `content` is a file of any kind."""
    found: dict[bytes, dict[int, Page]] = {}
    place = content.find(MAGIC)
    while place >= 0:
        page = _page(bytes(content[place : place + PAGE]))
        if page is not None:
            found.setdefault(page.run_id, {})[page.number] = page
        place = content.find(MAGIC, place + (PAGE if page is not None else 1))
    pages: dict[int, Page] = max(found.values(), key=len, default={})
    return [pages[number] for number in sorted(pages)]


def read_messages(pages: list[Page]) -> Iterator[InJournal | Gap]:
    """The messages that lie wholly in these pages, and where there are gaps between them."""
    stream = bytearray()
    expected = 0
    for page in pages:
        payload = page.payload
        if page.number != expected:
            yield Gap(page.number - expected)
            stream.clear()
            payload = payload[page.start :] if page.start != NO_START else b""
        elif not stream and page.start not in (0, NO_START):
            payload = payload[page.start :]
        elif not stream and page.start == NO_START:
            payload = b""
        expected = page.number + 1
        stream += payload
        yield from _whole(stream)


def _page(raw: bytes) -> Page | None:
    if len(raw) < HEAD.size + CHECK.size:
        return None
    _, run_id, number, start, used = HEAD.unpack_from(raw)
    (check,) = CHECK.unpack_from(raw, HEAD.size)
    payload = raw[HEAD.size + CHECK.size :][:used]
    if used > ROOM or len(payload) < used or crc32(payload, crc32(raw[: HEAD.size])) != check:
        return None
    return Page(run_id, number, start, payload)


def _whole(stream: bytearray) -> Iterator[InJournal | Gap]:
    """Take the complete messages off the front of `stream`."""
    while len(stream) >= LENGTH.size:
        (length,) = LENGTH.unpack_from(stream)
        if len(stream) < LENGTH.size + length:
            return
        body = bytes(stream[LENGTH.size : LENGTH.size + length])
        del stream[: LENGTH.size + length]
        try:
            yield journalled(body)
        except msgspec.DecodeError:
            # Written by a version that says it in another way.
            yield Gap(0)
