"""What can go wrong on a wire, as data: a fault spoils the next replies of one instrument."""

from collections import deque
from dataclasses import dataclass
from typing import Literal, get_args

WireKind = Literal["silence", "delay", "garbage", "half_reply", "double_reply", "drop"]
KINDS = get_args(WireKind)
MOST, LONGEST_S = 1_000_000, 3600.0
GARBAGE = bytes((0x00, 0xFF, 0x7E, 0x80, 0x15))


@dataclass(frozen=True)
class Spoiled:
    """What is sent instead of a reply, after `delay_s` (wall time); then the connection is dropped or not."""

    data: bytes | memoryview
    delay_s: float = 0.0
    drop: bool = False


class Faults:
    """The faults waiting for an instrument's next replies."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[WireKind, float]] = deque()

    def schedule(self, kind: str, count: int = 1, delay_s: float = 1.0) -> None:
        """Spoil the next `count` replies; `ValueError` names the kinds there are."""
        if kind not in KINDS:
            raise ValueError(f"no wire fault {kind!r}; known are {', '.join(KINDS)}")
        if not (isinstance(count, int) and 1 <= count <= MOST and 0 <= delay_s <= LONGEST_S):
            raise ValueError(f"count = {count} must be 1 to {MOST}, delay_s = {delay_s} 0 to {LONGEST_S}")
        found: WireKind = next(known for known in KINDS if known == kind)
        self._waiting.extend([(found, delay_s)] * count)

    def clear(self) -> None:
        self._waiting.clear()

    def spoil(self, reply: bytes | memoryview) -> Spoiled:
        """The reply as it goes out.  Messages without a reply use up no fault."""
        if not len(reply) or not self._waiting:
            return Spoiled(reply)
        kind, delay_s = self._waiting.popleft()
        match kind:
            case "silence":
                return Spoiled(b"")
            case "delay":
                return Spoiled(reply, delay_s=delay_s)
            case "garbage":
                return Spoiled(GARBAGE + bytes(reply[len(GARBAGE) :]))
            case "half_reply":
                return Spoiled(bytes(reply[: len(reply) // 2]))
            case "double_reply":
                return Spoiled(bytes(reply) * 2)
            case "drop":
                return Spoiled(b"", drop=True)
