"""What a reducer publishes, in the pipe between two processes."""

from typing import BinaryIO

import msgspec

from daq.face.reduced import Published
from daq.record.messages import framed, read_body

_decoder = msgspec.msgpack.Decoder(Published)


def put(stream: BinaryIO, message: Published) -> None:
    """Write one message, its length in front, and flush it."""
    stream.write(framed(msgspec.msgpack.encode(message)))
    stream.flush()


def get(stream: BinaryIO) -> Published | None:
    """The next message; None at the end."""
    body = read_body(stream)
    if body is None:
        return None
    message: Published = _decoder.decode(body)
    return message
