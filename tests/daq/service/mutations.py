"""Valid messages of a client, and damaged ones: in their fields and in their bytes."""

import random
import time
from typing import Any

import msgpack

from tests.daq.service import rules


class Maker:
    """Valid messages, and mutations of them."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.strange: list[Any] = [
            None,
            True,
            0,
            -1,
            2**31,
            2**53,
            2**53 + 1,
            2**63,
            2**64 - 1,
            -(2**63),
            0.0,
            -0.0,
            1e308,
            float("nan"),
            float("inf"),
            float("-inf"),
            "",
            "x" * 101,
            "x" * 2_001,
            "\0",
            "Ask",
            "EmergencyStop",
            b"",
            bytes(16),
            [],
            {},
            [[]],
            ["Stop"],
            {"type": "Stop"},
            msgpack.ExtType(5, b"abc"),
            msgpack.Timestamp(1, 2),
            nested(3),
            nested(400),
        ]

    def command(self) -> list[Any]:
        dice = self._dice
        kind = dice.choice(tuple(rules.COMMANDS))
        word = f"instrument{dice.randrange(20)}.quantity"
        values = (dice.uniform(-10, 10), dice.randrange(1000), dice.random() < 0.5, "on")
        text = "title = 'x'\n" * (5_000 if dice.random() < 0.002 else dice.randrange(8))
        fields: dict[str, list[Any]] = {
            "CheckPlan": [text],
            "QueuePlan": [text, word],
            "QueueRest": [word],
            "Unqueue": [dice.randrange(100)],
            "Read": [word],
            "Set": [word, dice.choice(values)],
            "Note": [text[:20_000]],
            "Acknowledge": [word],
            "Shelve": [word, dice.uniform(1, 1000)],
            "TakeControl": dice.choice(([], [True], [False])),
        }
        return [kind, *fields.get(kind, [])]

    def document(self, session: bytes, number: int) -> list[Any]:
        chance = self._dice.random()
        if chance < 0.03:
            return ["Alive", session, number, 0]
        if chance < 0.04:
            return ["Refresh", session, number]
        return ["Ask", session, number, time.monotonic() + self._dice.uniform(100, 1000), self.command()]

    def mutated(self, document: list[Any], others: list[bytes]) -> bytes:
        """A change in the document, in its bytes, or something sent before."""
        chance = self._dice.random()
        if chance < 0.45:
            return msgpack.packb(self._changed(document))
        if chance < 0.85:
            return self._damaged(msgpack.packb(document))
        return self._dice.choice(others) if others else b""

    def _changed(self, document: list[Any]) -> list[Any]:
        dice = self._dice
        inside = document[-1] if isinstance(document[-1], list) and dice.random() < 0.6 else document
        place = dice.randrange(len(inside))
        match dice.randrange(9):
            case 0:
                del inside[place]
            case 1:
                inside.insert(place, inside[place])
            case 2:
                inside[place] = dice.choice(self.strange)
            case 3:
                inside.append(dice.choice(self.strange))
            case 4:
                other = dice.randrange(len(inside))
                inside[place], inside[other] = inside[other], inside[place]
            case 5:
                inside[place] = retyped(inside[place])
            case 6:
                document[2] = dice.choice(
                    (0, -1, document[2] - dice.randrange(50), document[2] + dice.randrange(50), 2**53 + 1)
                )
            case 7 if len(document) > 4:
                document[3] = dice.choice((time.monotonic() - dice.uniform(0, 1e6), dice.uniform(-1e300, 1e300), 1e12))
            case _:
                document[1] = dice.choice((dice.randbytes(16), document[1][:-1], document[1][::-1], document[1] + b"\0"))
        return document

    def _damaged(self, frame: bytes) -> bytes:
        dice, data = self._dice, bytearray(frame)
        for _ in range(dice.choice((1, 1, 1, 2, 4))):
            place = dice.randrange(len(data)) if data else 0
            match dice.randrange(7):
                case 0 | 1 | 2 if data:
                    data[place] ^= 1 << dice.randrange(8)
                case 3:
                    del data[place:]
                case 4:
                    data[place:place] = dice.randbytes(dice.randrange(1, 5))
                case 5:
                    del data[place : place + dice.randrange(1, 5)]
                case 6 if dice.random() < 0.1:
                    data[place:place] = b"\x91" * dice.randrange(3_000)
                case _:
                    data += data[place : place + 40]
        return bytes(data)


def nested(depth: int) -> list[Any]:
    """So many lists in each other."""
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def retyped(value: Any) -> Any:
    """The same as another type."""
    match value:
        case bool():
            return int(value)
        case int() | float():
            return str(value)
        case str():
            return value.encode()
        case bytes():
            return value.decode("latin-1")
    return {str(number): item for number, item in enumerate(value)}
