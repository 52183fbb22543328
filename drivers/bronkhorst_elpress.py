"""Bronkhorst EL-PRESS: the helium backing pressure, over ProPar (enhanced binary framing).

Sources: the maker's library and the RS-232 manual, as collected in the protocol sheet.  Replies carry the sequence number of
their request; a reply with another number is an old one and is thrown away.
"""

import struct
import time
from dataclasses import dataclass
from typing import ClassVar

from drivers.driver import Driver
from drivers.links import Link, SerialSettings
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

DLE, STX, ETX = 0x10, 0x02, 0x03
START, END = bytes((DLE, STX)), bytes((DLE, ETX))
LONGEST = 600
STATUS, WRITE, ANSWER, READ = 0x00, 0x01, 0x02, 0x04
INT8, INT16, INT32, TEXT = 0x00, 0x20, 0x40, 0x60
FORMATS = {"B": (INT8, ">B"), "I": (INT16, ">H"), "F": (INT32, ">f"), "L": (INT32, ">I")}
STATUSES = {
    0x03: "process error",
    0x04: "parameter error",
    0x05: "parameter type error",
    0x06: "parameter value error",
    0x0D: "read-only",
    0x0B: "node number error",
}
SET_POINT_MODE, CLOSE_VALVE = 18, 3
"""Control modes (sheet, section 3)."""
PRESSURE_CONTROLLER = "DEPC"
ALARMS = {
    0: "error",
    2: "minimum alarm",
    3: "maximum alarm",
    5: "response alarm",
    6: "master signal missing",
    7: "hardware error",
}
"""Bits of parameter 1/20."""
FAULT_BITS = 0b1000_0001
MODE_WORDS = {SET_POINT_MODE: "controlling", CLOSE_VALVE: "closed"}


@dataclass(frozen=True)
class ProPar:
    """`10 02 | … | 10 03`, where every 10 in between is doubled; a cut reply is seq, node, len and data without doubling."""

    @property
    def last_byte(self) -> int | None:
        return ETX

    def missing(self, received: bytes | bytearray) -> int:
        return max(1, LONGEST - len(received))

    def cut(self, received: bytearray) -> bytes | None:
        if not received.startswith(START[: len(received)]):
            raise ValueError(f"a frame starts with 10 02, not {bytes(received[:2]).hex(' ')}")
        body, position = bytearray(), len(START)
        while position + 1 < len(received):
            byte = received[position]
            if byte != DLE:
                body.append(byte)
                position += 1
            elif received[position + 1] == DLE:
                body.append(DLE)
                position += 2
            elif received[position + 1] == ETX:
                del received[: position + 2]
                return bytes(body)
            else:
                raise ValueError(f"10 {received[position + 1]:02x} inside a frame")
        if len(received) > LONGEST:
            raise ValueError("a frame without end")
        return None


def frame(sequence: int, node: int, data: bytes) -> bytes:
    """A message as it goes on the wire."""
    body = bytes((sequence, node, len(data))) + data
    return START + body.replace(b"\x10", b"\x10\x10") + END


class ELPress(Driver):
    """Role `pressure controller`.  Quantities' commands are `process/parameter/type` of the sheet's table."""

    framing = ProPar()
    serial = SerialSettings(baud=38400)
    timeout_s = 0.5
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("pressure_bar", "bar", query="33/0/F", low=-1.0, high=400.0, source="DDE 205", about="measured"),
        Quantity("set_pressure_bar", "bar", float, "read-write", "33/3/F", "33/3/F", 0.0, 400.0, source="DDE 206"),
        Quantity("control_mode", "", int, "read-write", "1/4/B", "1/4/B", 0, 22, source="DDE 12"),
        Quantity("alarms", "", int, query="1/20/B", low=0, high=255, source="DDE 28"),
    )

    def __init__(self, name: str, link: Link, *, full_scale_bar: float = 10.0, node: int = 3) -> None:
        super().__init__(name, link)
        self._node = int(node)
        self._sequence = 0
        self._full_scale_bar = float(full_scale_bar)
        self._limit("set_pressure_bar", 0.0, self._full_scale_bar)
        self._limit("pressure_bar", -0.1 * self._full_scale_bar, 1.5 * self._full_scale_bar)

    def identify(self) -> Identity:
        kind = self._read_text(113, 1)
        if not kind.startswith(PRESSURE_CONTROLLER):
            raise self._wrong("a Bronkhorst pressure controller (DEPC)", kind)
        capacity = struct.unpack(">f", self._read_value(1, 13, INT32, 4))[0]
        if abs(capacity - self._full_scale_bar) > 0.001 * self._full_scale_bar:
            raise self._wrong(f"a full scale of {self._full_scale_bar:g} bar", f"{capacity:g} bar")
        return Identity("Bronkhorst", self._read_text(113, 2), self._read_text(113, 3), self._read_text(113, 5))

    def prepare(self) -> None:
        """Digital set point.  The set point survives power cycles, so it is put to zero first."""
        self.write("set_pressure_bar", 0.0)
        self.write("control_mode", SET_POINT_MODE)

    def status(self) -> Status:
        alarms = int(self.read("alarms"))
        warnings = tuple(text for bit, text in ALARMS.items() if alarms >> bit & 1)
        fault = bool(alarms & FAULT_BITS)
        mode = int(self.read("control_mode"))
        state = "fault" if fault else MODE_WORDS.get(mode, f"control mode {mode}")
        return Status(state, not fault, warnings)

    def close_valve(self) -> None:
        self.write("set_pressure_bar", 0.0)
        self.write("control_mode", CLOSE_VALVE)

    def make_safe(self) -> SafeResult:
        self.close_valve()
        closed = self.read("control_mode") == CLOSE_VALVE
        return SafeResult(closed, "valve closed" if closed else "the valve is not closed")

    def _read(self, quantity: Quantity) -> Value:
        process, parameter, kind = _notation(quantity.query)
        wire_type, layout = FORMATS[kind]
        value = struct.unpack(layout, self._read_value(process, parameter, wire_type, struct.calcsize(layout)))[0]
        self._in_range(quantity, value)
        return quantity.kind(value)

    def _write(self, quantity: Quantity, value: Value) -> None:
        process, parameter, kind = _notation(quantity.command)
        wire_type, layout = FORMATS[kind]
        data = struct.pack(layout, int(value) if kind in "BI" else float(value))
        reply = self._exchange(bytes((WRITE, process, parameter | wire_type)) + data)
        if len(reply) != 3 or reply[0] != STATUS:
            raise self._garbled(f"{quantity.name} was answered with {reply.hex(' ')}")
        if reply[1]:
            raise self._refused(f"{quantity.name} = {value}: {STATUSES.get(reply[1], f'status {reply[1]}')}")
        back = self._read(quantity)
        if abs(float(back) - float(value)) > 1e-5 * max(1.0, abs(float(value))):
            raise self._refused(f"{quantity.name} reads back {back} after {value} was set")

    def _read_text(self, process: int, parameter: int) -> str:
        data = self._read_value(process, parameter, TEXT, None)
        length, text = data[0], data[1:]
        text = text.split(b"\0")[0] if length == 0 else text[:length]
        return text.decode("ascii", "replace").strip()

    def _read_value(self, process: int, parameter: int, wire_type: int, size: int | None) -> bytes:
        tag = bytes((process, parameter | wire_type))
        string_length = b"\x00" if wire_type == TEXT else b""
        reply = self._exchange(bytes((READ,)) + tag + tag + string_length)
        if reply[:1] == bytes((STATUS,)) and len(reply) == 3:
            raise self._refused(f"parameter {process}/{parameter}: {STATUSES.get(reply[1], f'status {reply[1]}')}")
        value = reply[3:]
        if reply[:3] != bytes((ANSWER,)) + tag or not value or (size is not None and len(value) != size):
            raise self._garbled(f"parameter {process}/{parameter} was answered with {reply.hex(' ')}")
        return value

    def _exchange(self, data: bytes) -> bytes:
        """One request and the reply that carries its sequence number."""
        with self.link:
            self._sequence = self._sequence % 255 + 1
            reply = self.link.query(frame(self._sequence, self._node, data))
            deadline = time.monotonic() + self.timeout_s
            while reply[0] != self._sequence:
                later = self.link.listen(max(0.0, deadline - time.monotonic()))
                if later is None:
                    raise self._garbled(f"a reply to another request came: {reply.hex(' ')}")
                reply = later
        if len(reply) < 4 or reply[2] != len(reply) - 3:
            raise self._garbled(f"a frame of the wrong length: {reply.hex(' ')}")
        return reply[3:]


def _notation(text: str) -> tuple[int, int, str]:
    process, parameter, kind = text.split("/")
    return int(process), int(parameter), kind
