"""What engine and guard say to each other, one line of JSON each; the same to those who ask the guard from outside."""

from typing import BinaryIO

import msgspec

WHAT = ("safe", "health")
"""What can be asked of a laboratory's owner: to make everything safe, and how its instruments are."""


class Word(msgspec.Struct, frozen=True, tag=True):
    """Base of all words."""


class Watch(Word, frozen=True):
    """The first word of the engine: the laboratory (JSON), who it is, where the guard keeps its log, the key for those who ask,
    and the descriptors of the locks that the guard inherits."""

    laboratory: str
    pid: int
    log: str
    key: str
    locks: tuple[int, ...]


class Beat(Word, frozen=True):
    """The engine lives.  What it does now must be over at `due` (`time.monotonic`, the same for all processes of the machine);
    None while nothing fires."""

    due: float | None
    doing: str


class Confirmed(Word, frozen=True):
    """The engine is making safe, and the triggers are off by read-back."""


class Answered(Word, frozen=True):
    """What the engine says to a question of that number."""

    number: int
    body: str


class Bye(Word, frozen=True):
    """The engine ends in order; nothing is left to do."""


class Listening(Word, frozen=True):
    """The guard is ready; it listens at this port of the loopback interface."""

    port: int


class Watching(Word, frozen=True):
    """The guard lives."""


class Asked(Word, frozen=True):
    """Somebody asks, one of `WHAT`."""

    number: int
    what: str
    by: str


ToGuard = Watch | Beat | Confirmed | Answered | Bye
FromGuard = Listening | Watching | Asked
_to_guard = msgspec.json.Decoder(ToGuard)
_from_guard = msgspec.json.Decoder(FromGuard)
_encoder = msgspec.json.Encoder()


def say(stream: BinaryIO, word: Word) -> None:
    """Write one word and flush it.  Raises `OSError` when nobody is there."""
    stream.write(_encoder.encode(word) + b"\n")
    stream.flush()


def heard_by_guard(line: bytes) -> ToGuard:
    word: ToGuard = _to_guard.decode(line)
    return word


def heard_from_guard(line: bytes) -> FromGuard:
    word: FromGuard = _from_guard.decode(line)
    return word
