"""The rules of the service, read a second time from `docs/service.md`: another MessagePack library, and nothing of `daq`.

What the service does and what these rules say is compared by the tests and by `benchmarks/fuzz.py`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import msgpack

Check = Callable[[Any], bool]


def integer(least: int, most: int) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def text(least: int, most: int) -> Check:
    return lambda value: type(value) is str and least <= len(value) <= most


def flag(value: Any) -> bool:
    return type(value) is bool


def finite(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def seconds(value: Any) -> bool:
    return finite(value) and 0 < value <= 604_800


def setting(value: Any) -> bool:
    return finite(value) or flag(value) or text(0, 2_000)(value)


name = text(1, 100)
COMMANDS: dict[str, tuple[Check, ...]] = {
    "CheckPlan": (text(0, 200_000),),
    "QueuePlan": (text(0, 200_000), name),
    "QueueRest": (text(1, 2_000),),
    "Unqueue": (integer(-(2**63), 2**64 - 1),),
    "Pause": (),
    "Resume": (),
    "Stop": (),
    "ReleaseQueue": (),
    "EmergencyStop": (),
    "ResetEmergency": (),
    "Read": (name,),
    "Set": (name, setting),
    "Note": (text(0, 20_000),),
    "Acknowledge": (name,),
    "Shelve": (name, seconds),
    "TakeControl": (flag,),
    "GiveControl": (),
}
OPTIONAL = {"TakeControl": [False]}
FREE = {"CheckPlan", "EmergencyStop", "Read", "Note", "TakeControl", "GiveControl"}


class Said(NamedTuple):
    """A message with a session: its kind, and the deadline and command of a question."""

    kind: str
    session: bytes
    number: int
    deadline: float = 0.0
    command: tuple[Any, ...] = ()


def read(frame: bytes) -> Said | None:
    """A well-formed message that carries a session."""
    try:
        document = msgpack.unpackb(frame, strict_map_key=False)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        return None
    if not isinstance(document, list) or len(document) < 3:
        return None
    kind, session, number, *rest = document
    if type(session) is not bytes or len(session) != 16 or not integer(1, 2**53)(number):
        return None
    match kind, rest:
        case "Refresh", []:
            return Said(kind, session, number)
        case "Alive", [taken] if type(taken) is int and taken >= 0:
            return Said(kind, session, number)
        case "Ask", [deadline, list(command)] if finite(deadline) and (whole := _command(command)):
            return Said(kind, session, number, deadline, whole)
    return None


def _command(document: list[Any]) -> tuple[Any, ...]:
    if not document or type(document[0]) is not str or document[0] not in COMMANDS:
        return ()
    kind, *fields = document
    checks = COMMANDS[kind]
    if kind in OPTIONAL:
        fields += OPTIONAL[kind][len(fields) :]
    good = len(fields) == len(checks) and all(check(field) for check, field in zip(checks, fields, strict=True))
    return (kind, *fields) if good else ()
