"""Simulated Bronkhorst EL-PRESS on ProPar, binary and ASCII framing.  Section numbers are those of the protocol sheet."""

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulators.instruments.instrument import unknown_fault

DLE, STX, ETX = 0x10, 0x02, 0x03
ANY_NODE = 0x80
STATUS, WRITE, WRITE_SILENT, READ = 0x00, 0x01, 0x02, 0x04
OK, COMMAND_ERROR, PROCESS_ERROR, PARAMETER_ERROR, TYPE_ERROR, VALUE_ERROR, READ_ONLY = 0x00, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0D
MORE = 0x80
BYTE, INTEGER, LONG, TEXT = 0x00, 0x20, 0x40, 0x60
SIZES = {BYTE: 1, INTEGER: 2, LONG: 4}
SETTLING_S, BLEEDING_S = 1.5, 2.0
"""Time constants of control and of bleeding down with the valve shut (assumed, plant dependent)."""
CLOSED, IDLE, ZERO, PURGE = 3, 4, 12, 8
CONTROL_MODES = {0, 1, 2, 3, 4, 7, 8, 9, 10, 12, 18, 20, 22}
FULL_INTEGER = 32_000
UNLOCK = 64


@dataclass(frozen=True)
class Parameter:
    """What a parameter holds: wire type, `f` for a float, and whether it can be written."""

    kind: int
    layout: str
    writable: bool = False


PARAMETERS = {
    (0, 10): Parameter(BYTE, ">B", True),
    (1, 0): Parameter(INTEGER, ">H"),
    (1, 1): Parameter(INTEGER, ">H", True),
    (1, 2): Parameter(INTEGER, ">H", True),
    (1, 4): Parameter(BYTE, ">B", True),
    (1, 13): Parameter(LONG, ">f"),
    (1, 14): Parameter(BYTE, ">B"),
    (1, 17): Parameter(TEXT, ""),
    (1, 20): Parameter(BYTE, ">B"),
    (1, 31): Parameter(TEXT, ""),
    (33, 0): Parameter(LONG, ">f"),
    (33, 3): Parameter(LONG, ">f", True),
    (33, 22): Parameter(LONG, ">f"),
    (113, 1): Parameter(TEXT, ""),
    (113, 2): Parameter(TEXT, ""),
    (113, 3): Parameter(TEXT, ""),
    (113, 5): Parameter(TEXT, ""),
    (113, 6): Parameter(TEXT, ""),
    (113, 12): Parameter(BYTE, ">B"),
    (114, 1): Parameter(LONG, ">I"),
}


class ELPress:
    """Pressure controller with its plant: first-order settling towards the set point."""

    def __init__(self, full_scale_bar: float, node: int = 3) -> None:
        self._full_bar, self._node = full_scale_bar, node
        self._type = "DEPC"
        self._alarms = 0
        self._pressure_bar, self._at_s = 0.0, 0.0
        self._set_bar = 0.0
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        """The set point survives (section 6); the control mode returns to its default."""
        self._mode, self._slope, self._unlocked = 0, 0, False

    def pressure_bar(self, now: float) -> float:
        target = {CLOSED: 0.0, ZERO: 0.0, IDLE: self._pressure_bar, PURGE: self._full_bar}.get(self._mode, self._set_bar)
        constant = BLEEDING_S if self._mode == CLOSED else SETTLING_S
        elapsed = max(0.0, now - self._at_s)
        self._at_s = max(now, self._at_s)
        self._pressure_bar = target + (self._pressure_bar - target) * math.exp(-elapsed / constant)
        return self._pressure_bar

    def split(self, received: bytearray) -> Iterable[bytes]:
        messages = []
        while received:
            if received[0] == DLE:
                end = _binary_end(received)
                if end < 0:
                    break
            elif received[0] == ord(":"):
                end = received.find(b"\n") + 1
                if end == 0:
                    break
            else:
                del received[0]
                continue
            messages.append(bytes(received[:end]))
            del received[:end]
        return messages

    def answer(self, message: bytes, now: float) -> bytes:
        self.pressure_bar(now)
        if message[0] == DLE:
            body = message[2:-2].replace(b"\x10\x10", b"\x10")
            if len(body) < 4 or body[2] != len(body) - 3 or body[1] not in (self._node, ANY_NODE):
                return b""
            reply = self._act(body[3:])
            if not reply:
                return b""
            framed = bytes((body[0], body[1], len(reply))) + reply
            return b"\x10\x02" + framed.replace(b"\x10", b"\x10\x10") + b"\x10\x03"
        try:
            body = bytes.fromhex(message[1:].decode("ascii").strip())
        except (ValueError, UnicodeDecodeError):
            return b":0104\r\n"
        if len(body) < 2 or body[0] != len(body) - 1:
            return b":0104\r\n"
        if body[1] not in (self._node, ANY_NODE):
            return b":0105\r\n"
        reply = self._act(body[2:])
        return b":" + (bytes((len(reply) + 1, body[1])) + reply).hex().upper().encode() + b"\r\n" if reply else b""

    def state(self, now: float) -> dict[str, Any]:
        return {"pressure_bar": self.pressure_bar(now), "set_pressure_bar": self._set_bar, "control_mode": self._mode}

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        match kind:
            case "wrong_identity":
                self._type = "DMFC"
            case "alarm":
                self._alarms = int(parameters.get("bits", 1))
            case _:
                raise unknown_fault(kind, "wrong_identity", "alarm")

    def _act(self, data: bytes) -> bytes:
        if data[0] == READ:
            return self._read(data[1:])
        if data[0] in (WRITE, WRITE_SILENT):
            status, index = self._write(data[1:])
            return bytes((STATUS, status, index)) if data[0] == WRITE else b""
        return bytes((STATUS, COMMAND_ERROR, 0))

    def _read(self, data: bytes) -> bytes:
        """Chained requests: a tag for the process, then per parameter a tag, the real numbers and for texts a length."""
        reply, place, more_processes = bytearray((0x02,)), 0, True
        while more_processes and place < len(data):
            process_tag = data[place]
            reply.append(process_tag)
            more_processes, place, more_parameters = bool(process_tag & MORE), place + 1, True
            while more_parameters:
                if place + 3 > len(data):
                    return bytes((STATUS, COMMAND_ERROR, place))
                tag, process, number = data[place], data[place + 1], data[place + 2]
                more_parameters, place = bool(tag & MORE), place + 3
                found = PARAMETERS.get((process, number & 0x1F))
                if found is None:
                    return bytes((STATUS, PARAMETER_ERROR, place + 1))
                if found.kind != number & 0x60:
                    return bytes((STATUS, TYPE_ERROR, place + 1))
                reply.append(tag)
                if found.kind == TEXT:
                    length = data[place] if place < len(data) else 0
                    place += 1
                    text = self._text(process, number & 0x1F).encode()
                    reply += bytes((length,)) + (text + b"\0" if length == 0 else text[:length].ljust(length))
                else:
                    reply += struct.pack(found.layout, self._value(process, number & 0x1F))
        return bytes(reply)

    def _write(self, data: bytes) -> tuple[int, int]:
        """Chained writes; the index is the count of data bytes, or where the fault is."""
        place, more_processes = 0, True
        while more_processes and place < len(data):
            process = data[place] & 0x7F
            more_processes, place, more_parameters = bool(data[place] & MORE), place + 1, True
            while more_parameters:
                if place >= len(data):
                    return COMMAND_ERROR, place + 1
                number = data[place]
                more_parameters, found = bool(number & MORE), PARAMETERS.get((process, number & 0x1F))
                if found is None:
                    return PARAMETER_ERROR, place + 1
                if found.kind != number & 0x60 or found.kind == TEXT:
                    return TYPE_ERROR, place + 1
                if not found.writable:
                    return READ_ONLY, place + 1
                size = SIZES[found.kind]
                raw = data[place + 1 : place + 1 + size]
                if len(raw) < size or not self._store(process, number & 0x1F, struct.unpack(found.layout, raw)[0]):
                    return VALUE_ERROR, place + 2
                place += 1 + size
        return OK, len(data) + 1

    def _value(self, process: int, number: int) -> float:
        values: dict[tuple[int, int], float] = {
            (0, 10): UNLOCK if self._unlocked else 82,
            (1, 0): round(FULL_INTEGER * self._pressure_bar / self._full_bar),
            (1, 1): round(FULL_INTEGER * self._set_bar / self._full_bar),
            (1, 2): self._slope,
            (1, 4): self._mode,
            (1, 13): self._full_bar,
            (1, 14): 0,
            (1, 20): self._alarms,
            (33, 0): self._pressure_bar,
            (33, 3): self._set_bar,
            (33, 22): 0.0,
            (113, 12): 9,
            (114, 1): round(2**24 * 0.9 * min(1.0, self._pressure_bar / self._full_bar)),
        }
        return values[process, number]

    def _text(self, process: int, number: int) -> str:
        return {
            (1, 17): "He",
            (1, 31): "bar(a)",
            (113, 1): self._type,
            (113, 2): "P-702CV",
            (113, 3): "M16212345A",
            (113, 5): "V1.15",
            (113, 6): "HELIUM",
        }[process, number]

    def _store(self, process: int, number: int, value: float) -> bool:
        match process, number:
            case 1, 1 if 0 <= value <= FULL_INTEGER:
                self._set_bar = value / FULL_INTEGER * self._full_bar
            case 33, 3 if 0 <= value <= self._full_bar:
                self._set_bar = value
            case 1, 4 if value in CONTROL_MODES:
                self._mode = int(value)
            case 1, 2 if 0 <= value <= 30_000:
                self._slope = int(value)
            case 0, 10:
                self._unlocked = value == UNLOCK
            case _:
                return False
        return True


def _binary_end(received: bytearray) -> int:
    """Where the first binary frame ends; -1 while it is incomplete."""
    place = 2
    while place + 1 < len(received):
        if received[place] != DLE:
            place += 1
        elif received[place + 1] == ETX:
            return place + 2
        else:
            place += 2
    return -1
