"""What engine and writer say to each other: typed messages, MessagePack on pipes, each with a length in front."""

import struct
from typing import BinaryIO

import msgspec

LENGTH = struct.Struct("<I")


class Channel(msgspec.Struct, frozen=True):
    """One logged quantity: `name` is `instrument.quantity`."""

    name: str
    unit: str


class Create(msgspec.Struct, frozen=True, tag=True):
    """Make the run file with everything that will ever be in it.  Texts are JSON, as the names say.

    A run that continues another names its file and id.
    """

    path: str
    title: str
    element: str
    sizes: tuple[int, int]
    started: str
    plan_json: str
    laboratory_json: str
    calibrations_json: str
    versions_json: str
    identities_json: str
    rate_Hz: float
    channels: int
    samples: int
    start_s: float
    interval_s: float
    scale_V: tuple[float, ...]
    offset_V: tuple[float, ...]
    slots: int
    slot_bytes: int
    log: tuple[Channel, ...]
    run_id: str = ""
    continues_file: str = ""
    continues_id: str = ""
    planned_done: int = 0
    """Shots of the plan that earlier files hold."""
    set_points: tuple[Channel, ...] = ()
    """Further quantities that the plan sets."""
    events: tuple[str, ...] = ()
    """Events of a shot's time line."""
    snapshot: tuple[Channel, ...] = ()
    compression: str = "bitshuffle-lz4"
    highest_code: tuple[int, ...] = ()
    """Of each channel, where the digitizer tells from which on samples may be clipped."""


class EventTiming(msgspec.Struct, frozen=True):
    """When one event of a shot was to happen after T0, and the delay of its line as the delay generator reads it back."""

    planned_s: float
    programmed_s: float


class NewStep(msgspec.Struct, frozen=True, tag=True):
    """A step has settled; its bursts follow.  Its shots are numbers `planned_first` to `planned_first + shots - 1` of the
    plan; a `skipped` one has none."""

    index: int
    started_s: float
    field_set_T: float
    field_T: float
    source_temperature_K: float
    helium_pressure_bar: float
    velocity_m_s: float
    round: int = 0
    point: int = 0
    cycle: int = 0
    background: int = 0
    planned_first: int = 0
    shots: int = 0
    skipped: bool = False
    set_points: dict[str, tuple[float, float]] = {}
    """Of further quantities: as set and as read back."""
    timing: dict[str, EventTiming] = {}


class Armed(msgspec.Struct, frozen=True, tag=True):
    """Burst `burst` is armed for the shots from `first` on; sent, and on disk, before the digitizer is armed."""

    burst: int
    step: int
    first: int
    shots: int
    at_s: float


class Recorded(msgspec.Struct, frozen=True, tag=True):
    """A block lies in the ring: its shots are `numbers`, its traces fill the start of `slot`.

    `numbers` int64, `time_tags_s` float64, `checksums` uint64 (XXH3-64 of each trace, taken as soon as the writer hears of the
    block), all shape (shots,), as bytes.
    """

    burst: int
    step: int
    slot: int
    numbers: bytes
    time_tags_s: bytes
    planned: int
    checksums: bytes = b""


class Stored(msgspec.Struct, frozen=True, tag=True):
    """Only in the journal: a block's columns, and where in the file the chunk of each shot lies.

    `offsets`, `sizes` and `masks` (filters that HDF5 left out) uint64, shape (shots,), as bytes.
    """

    burst: int
    step: int
    numbers: bytes
    time_tags_s: bytes
    planned: int
    checksums: bytes
    offsets: bytes
    sizes: bytes
    masks: bytes


class Tagged(msgspec.Struct, frozen=True, tag=True):
    """Recorded shots `first` to `last` (inclusive), or those in `numbers` if it is not empty, are bad: a bit of `BadShot`."""

    bit: int
    first: int = 0
    last: int = -1
    numbers: bytes = b""


class Measured(msgspec.Struct, frozen=True, tag=True):
    """Ionisation times of shots, seconds after the digitizer's trigger, from the photodiode."""

    numbers: bytes
    ionisation_s: bytes


class Snapshot(msgspec.Struct, frozen=True, tag=True):
    """Every quantity of every instrument at the start or the end of a run, as text, in the order of `Create.snapshot`."""

    when: str
    time_s: float
    values: tuple[str, ...]


class Fired(msgspec.Struct, frozen=True, tag=True):
    """A burst is over: how many shots the machine fired in it, how that is known, and which of them are lost and why."""

    burst: int
    fired: int
    source: int
    lost: tuple[int, ...]
    causes: tuple[int, ...]
    counted: int = -1
    """Triggers that an independent counter saw around the burst, less those expected outside it; -1 without a counter."""


class Lost(msgspec.Struct, frozen=True, tag=True):
    """Shots whose records were found damaged: int64[shots] as bytes, and a `layout.Cause`."""

    numbers: bytes
    cause: int


class Logged(msgspec.Struct, frozen=True, tag=True):
    """Housekeeping: readings of one quantity (index into `Create.log`)."""

    channel: int
    time_s: float
    value: float


class Happened(msgspec.Struct, frozen=True, tag=True):
    """An event, or what the operator noted (`kind` of `layout.EventKind`), for the run's log."""

    time_s: float
    text: str
    kind: int = 0


class Finish(msgspec.Struct, frozen=True, tag=True):
    """The run is over."""

    status: str
    reason: str
    ended: str


class Created(msgspec.Struct, frozen=True, tag=True):
    """The file stands and can be followed by readers."""


class Committed(msgspec.Struct, frozen=True, tag=True):
    """Shots below `shots` are on their way to the disk for good: flushed, they survive any process.  `slot` is free again."""

    shots: int
    slot: int


class Noted(msgspec.Struct, frozen=True, tag=True):
    """`Armed` is in the file."""

    burst: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The writer cannot go on; the run must stop."""

    reason: str


class Finished(msgspec.Struct, frozen=True, tag=True):
    """The file is complete and closed."""

    recorded: int
    lost: int


Told = NewStep | Armed | Tagged | Measured | Snapshot | Fired | Lost | Logged | Happened
"""What goes into the file as it is told, without an answer."""
ToWriter = Create | Told | Recorded | Finish
FromWriter = Created | Committed | Noted | Failed | Finished

InJournal = Create | Told | Stored | Finish

_to_writer = msgspec.msgpack.Decoder(ToWriter)
_from_writer = msgspec.msgpack.Decoder(FromWriter)
_in_journal = msgspec.msgpack.Decoder(InJournal)
_encoder = msgspec.msgpack.Encoder()


def framed(body: bytes) -> bytes:
    """With its length in front."""
    return LENGTH.pack(len(body)) + body


def encoded(message: ToWriter | FromWriter | InJournal) -> bytes:
    """A message with its length in front."""
    return framed(_encoder.encode(message))


def journalled(body: bytes) -> InJournal:
    """A message of the journal, without its length.  Raises `msgspec.DecodeError`."""
    message: InJournal = _in_journal.decode(body)
    return message


def put(stream: BinaryIO, message: ToWriter | FromWriter) -> None:
    """Write one message and flush it."""
    stream.write(encoded(message))
    stream.flush()


def read_body(stream: BinaryIO) -> bytes | None:
    """What `framed` made; None at the end of the stream, also within a message."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    body = stream.read(LENGTH.unpack(head)[0])
    return body if len(body) == LENGTH.unpack(head)[0] else None


def get_to_writer(stream: BinaryIO) -> ToWriter | None:
    """The engine's next message; None when the engine has gone, whether between messages or within one."""
    body = read_body(stream)
    return None if body is None else _to_writer.decode(body)


def get_from_writer(stream: BinaryIO) -> FromWriter | None:
    """The writer's next message; None when the writer has gone."""
    body = read_body(stream)
    return None if body is None else _from_writer.decode(body)
