"""What a service and its clients say to each other: typed messages, MessagePack in one ZeroMQ frame each, none above `FRAME`.

After `Welcome`, whatever a client says carries its session and a number greater than every one before.
"""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from daq.face.commands import Answer, Command, Finite
from daq.face.state import AnyPart

VERSION = 1
FRAME = 1 << 20
"""Bytes; whoever sends a longer one is cut off by ZeroMQ before it is read."""
PIECE = 1 << 17
"""Bytes of a batch in one message."""
LARGEST_BATCH = 1 << 28
SAID = 500
"""Characters of a sentence about a message that was refused."""
ANSWER = 100_000
"""Characters of an answer; what is longer is cut."""
SESSION = 16
DOMAIN = b"clusterbeam"

Session = Annotated[bytes, Meta(min_length=SESSION, max_length=SESSION)]
Number = Annotated[int, Meta(ge=1, le=2**53)]
Program = Annotated[str, Meta(pattern=r"\A[\w.+-]{1,40}\Z")]
Shown = TypeVar("Shown")


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True, array_like=True):
    """Base of all; a list, its type first."""


class Hello(Message, frozen=True):
    """A client's first.  Who its user is says its key, not the client."""

    version: int
    program: Program


class Said(Message, frozen=True):
    """Base of what follows."""

    session: Session
    number: Number


class Ask(Said, frozen=True):
    """Do this, if you can begin before `deadline` on the service's clock (`Welcome.clock`); an emergency stop is never late."""

    deadline: Finite
    command: Command


class Alive(Said, frozen=True):
    """A client's heartbeat, also sent for each piece; `taken` counts the pieces that it has."""

    taken: Annotated[int, Meta(ge=0)]


class Refresh(Said, frozen=True):
    """Tell me everything again; I have missed something."""


FromClient = Hello | Ask | Alive | Refresh


class Pace(msgspec.Struct, frozen=True):
    """Heartbeats every `beat_s`; a service not heard for `silent_s` is gone, a client not heard for `lost_s` as well."""

    beat_s: float = 0.5
    silent_s: float = 1.5
    lost_s: float = 5.0


PACE = Pace()


class Welcome(Message, frozen=True):
    """The session stands.  `name` is who the client is; `now` in seconds since 1970 (UTC), `clock` counts for deadlines."""

    session: Session
    name: str
    laboratory: str
    pace: Pace
    now: float
    clock: float


class Beat(Message, frozen=True):
    """A service's heartbeat."""

    now: float
    clock: float


class Answered(Message, frozen=True):
    """To what was said with this number; 0 stands for what could not be read."""

    number: int
    answer: Answer


class Piece(Message, frozen=True):
    """A part of a batch, in order; the `last` completes it."""

    data: bytes
    last: bool


class Over(Message, frozen=True):
    """There is no session, or not any more; connect again."""

    reason: str


FromServer = Welcome | Beat | Answered | Piece | Over


class Batch(msgspec.Struct, Generic[Shown], frozen=True, array_like=True):
    """Parts that changed after number `after` up to `upto`, each as it is now; all there are when it is `complete`."""

    after: int
    upto: int
    complete: bool
    parts: tuple[Shown, ...]


_from_client = msgspec.msgpack.Decoder(FromClient)
_from_server = msgspec.msgpack.Decoder(FromServer)
_batch = msgspec.msgpack.Decoder(Batch[AnyPart])
_part = msgspec.msgpack.Decoder(AnyPart)
_answer = msgspec.msgpack.Decoder(Answer)
_command = msgspec.msgpack.Decoder(Command)
_encoder = msgspec.msgpack.Encoder()


class MalformedError(ValueError):
    """Not a message, or not one of this direction; says what is wrong with it."""


def encoded(message: FromClient | FromServer | Batch[msgspec.Raw]) -> bytes:
    """As it goes on the wire."""
    return _encoder.encode(message)


def shown(part: AnyPart) -> msgspec.Raw:
    """A part for a batch.  Raises `TypeError` or `ValueError` for one that clients could not read."""
    raw = _encoder.encode(part)
    _part.decode(raw)
    return msgspec.Raw(raw)


def fit(answer: Answer) -> Answer:
    """With not too many words.  Raises `TypeError` or `ValueError` for one that clients could not read."""
    if len(answer.text) > ANSWER:
        answer = msgspec.structs.replace(answer, text=answer.text[:ANSWER] + " …")
    raw = _encoder.encode(answer)
    _answer.decode(raw)
    if len(raw) > FRAME // 2:
        raise ValueError(f"an answer of {len(raw)} bytes")
    return answer


def from_client(frame: bytes) -> FromClient:
    """Raises `MalformedError`."""
    try:
        message: FromClient = _from_client.decode(frame)
    except (ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:SAID]) from None
    return message


def from_server(frame: bytes) -> FromServer:
    """Raises `MalformedError`."""
    try:
        message: FromServer = _from_server.decode(frame)
    except (ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:SAID]) from None
    return message


def whole(batch: bytes) -> Batch[AnyPart]:
    """A batch whose pieces have been put together.  Raises `MalformedError`."""
    try:
        return _batch.decode(batch)
    except (ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:SAID]) from None


def why_not(command: Command) -> str:
    """What a service would find wrong with the form of a command; nothing for a good one."""
    try:
        _command.decode(_encoder.encode(command))
    except (ValueError, TypeError, RecursionError) as error:
        return str(error)[:SAID]
    return ""
