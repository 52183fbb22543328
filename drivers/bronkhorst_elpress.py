"""Bronkhorst EL-PRESS: the helium backing pressure, over ProPar (enhanced binary framing).

Sources: the maker's library and the RS-232 manual, as collected in the protocol sheet.  Replies carry the sequence number of
their request; a reply with another number is an old one and is thrown away, so that no probe is needed after a time-out.
"""

import struct
import time
from dataclasses import dataclass
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, SerialSettings
from drivers.quantity import Action, Quantity, Value
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
    0x0B: "node number error",
    0x0D: "read-only",
}
RAW_TOP, RAW_ZERO = 41942, 65535
"""Raw measurements above the first are negative, counted down from the second (sheet, DDE 8)."""
SET_POINT_MODE, CLOSE_VALVE = 18, 3
"""Control modes (sheet, section 3): set point over RS-232, valve closed."""
ANY_NODE = 128
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
FAULT_BITS = 1 << 0 | 1 << 7
MODES = {SET_POINT_MODE: "controlling", CLOSE_VALVE: "closed"}


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
    """Role `pressure controller`.  Quantities' commands are `process/parameter/type` of the sheet's table.

    `full_scale_bar` is this unit's capacity, compared with what it says itself; `node` its address, 128 for whoever is
    alone on the cable.
    """

    role = "pressure controller"
    framing = ProPar()
    serial = SerialSettings(baud=38400)
    timeout_s = 0.5
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("pressure_bar", "bar", query="33/0/F", low=-1.0, high=400.0, polled=True, source="DDE 205", about="measured"),
        Quantity("set_pressure_bar", "bar", float, "read-write", "33/3/F", "33/3/F", 0.0, 400.0, polled=True, source="DDE 206"),
        Quantity("control_mode", "", int, "read-write", "1/4/B", "1/4/B", 0, 22, polled=True, source="DDE 12"),
        Quantity("alarms", "", int, query="1/20/B", low=0, high=255, polled=True, source="DDE 28"),
        Quantity(
            "measured_counts", "", int, query="1/0/I", low=RAW_TOP - RAW_ZERO, high=RAW_TOP, source="DDE 8", about="32000: full"
        ),
        Quantity("set_point_counts", "", int, "read-write", "1/1/I", "1/1/I", 0, 32000, source="DDE 9"),
        Quantity("set_point_slope", "", int, "read-write", "1/2/I", "1/2/I", 0, 30000, source="DDE 10", about="0.1 s, assumed"),
        Quantity("full_scale_bar", "bar", query="1/13/F", low=0.0, high=400.0, source="DDE 21"),
        Quantity("zero_scale_bar", "bar", query="33/22/F", low=-400.0, high=400.0, source="DDE 183"),
        Quantity(
            "valve_counts", "", int, query="114/1/L", low=0, high=16777215, polled=True, source="DDE 55", about="of 16777215"
        ),
        Quantity("sensor_type", "", int, query="1/14/B", low=0, high=255, source="DDE 22", about="0 is a pressure controller"),
        Quantity("unit", "", str, query="1/31/S", source="DDE 129", about="of the capacity"),
        Quantity("fluid", "", str, query="1/17/S", source="DDE 25"),
        Quantity("user_tag", "", str, query="113/6/S", source="DDE 115"),
    )
    actions: ClassVar[tuple[Action, ...]] = (Action("wink", "0/0/S 9", "DDE 1", "its light blinks for 9 s"),)

    def __init__(self, name: str, link: Link, *, full_scale_bar: float, node: int = 3, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        if not (0 < full_scale_bar <= 400 and 1 <= node <= ANY_NODE):
            raise LimitError(name, f"full_scale_bar = {full_scale_bar:g} must be 0 to 400 bar, node = {node} 1 to {ANY_NODE}")
        self._node = node
        self._sequence = 0
        self._full_scale_bar = float(full_scale_bar)
        self._limit("set_pressure_bar", 0.0, self._full_scale_bar)
        self._limit("pressure_bar", -0.5 * self._full_scale_bar, 1.5 * self._full_scale_bar)

    def identify(self) -> Identity:
        kind = self._read_text(113, 1)
        if not kind.startswith(PRESSURE_CONTROLLER):
            raise self._wrong("a Bronkhorst pressure controller (DEPC)", kind)
        capacity = struct.unpack(">f", self._read_value(1, 13, INT32, 4))[0]
        if not abs(capacity - self._full_scale_bar) <= 0.001 * self._full_scale_bar:
            raise self._wrong(f"a full scale of {self._full_scale_bar:g} bar", f"{capacity:g}")
        return Identity("Bronkhorst", self._read_text(113, 2), self._read_text(113, 3), self._read_text(113, 5))

    def prepare(self) -> None:
        """Digital set point.  The set point survives power cycles, so it is put to zero first."""
        self.write("set_pressure_bar", 0.0)
        self.write("control_mode", SET_POINT_MODE)

    def status(self) -> Status:
        """Not ok on an error of the unit, and when something else than our set point (or nothing) controls the valve."""
        alarms, mode = int(self.read("alarms")), int(self.read("control_mode"))
        warnings = [text for bit, text in ALARMS.items() if alarms >> bit & 1]
        if mode not in MODES:
            warnings.append(f"is in control mode {mode}, in which it does not follow the set point")
        fault = bool(alarms & FAULT_BITS)
        state = "fault" if fault else MODES.get(mode, "wrong mode")
        return Status(state, not fault and mode in MODES, tuple(warnings))

    def close_valve(self) -> None:
        """Set point zero and valve closed; both are tried before a failure is raised.  `prepare` lets it control again."""
        failure = self._every(
            lambda: self.write("control_mode", CLOSE_VALVE),
            lambda: self.write("set_pressure_bar", 0.0),
        )
        if failure is not None:
            raise failure

    def make_safe(self) -> SafeResult:
        """Valve closed.  The control mode decides: in it the valve is shut whatever the set point."""
        failure = self._every(self.close_valve)
        closed = self.read("control_mode") == CLOSE_VALVE
        if failure is not None and not closed:
            raise failure
        return SafeResult(closed, "valve closed" if closed else "the valve is not closed")

    def _read(self, quantity: Quantity) -> Value:
        process, parameter, kind = _notation(quantity.query)
        if kind == "S":
            return self._read_text(process, parameter)
        wire_type, layout = FORMATS[kind]
        value = struct.unpack(layout, self._read_value(process, parameter, wire_type, struct.calcsize(layout)))[0]
        if quantity.name == "measured_counts" and value > RAW_TOP:
            value -= RAW_ZERO
        return quantity.kind(self._believed(quantity, value))

    def _write(self, quantity: Quantity, value: Value) -> None:
        process, parameter, kind = _notation(quantity.command)
        wire_type, layout = FORMATS[kind]
        data = struct.pack(layout, int(value) if kind in "BI" else float(value))
        self._send(f"{quantity.name} = {value}", bytes((WRITE, process, parameter | wire_type)) + data)
        back = self._read(quantity)
        # Single precision holds 7 digits.
        if abs(float(back) - float(value)) > 1e-6 * max(1.0, abs(float(value))):
            raise self._refused(f"{quantity.name} reads back {back} after {value} was set")

    def _do(self, action: Action) -> None:
        where, _, text = action.command.partition(" ")
        process, parameter, _ = _notation(where)
        self._send(action.name, bytes((WRITE, process, parameter | TEXT, len(text))) + text.encode("ascii"))

    def _send(self, what: str, data: bytes) -> None:
        """A message that is answered with a status."""
        reply = self._exchange(data)
        self._check_status(what, reply)
        if len(reply) != 3 or reply[0] != STATUS:
            raise self._garbled(f"{what} was answered with {reply.hex(' ')}")

    def _read_text(self, process: int, parameter: int) -> str:
        data = self._read_value(process, parameter, TEXT, None)
        length, text = data[0], data[1:]
        text = text.split(b"\0")[0] if length == 0 else text[:length]
        return text.decode("ascii", "replace").strip()

    def _read_value(self, process: int, parameter: int, wire_type: int, size: int | None) -> bytes:
        tag = bytes((process, parameter | wire_type))
        string_length = b"\x00" if wire_type == TEXT else b""
        reply = self._exchange(bytes((READ,)) + tag + tag + string_length)
        self._check_status(f"parameter {process}/{parameter}", reply)
        value = reply[3:]
        if reply[:3] != bytes((ANSWER,)) + tag or not value or (size is not None and len(value) != size):
            raise self._garbled(f"parameter {process}/{parameter} was answered with {reply.hex(' ')}")
        return value

    def _check_status(self, what: str, reply: bytes) -> None:
        """Raise a status other than "ok", or the one byte with which a broken message is rejected (sheet, section 2)."""
        code = reply[0] if len(reply) == 1 else reply[1] if len(reply) == 3 and reply[0] == STATUS else 0
        if code:
            raise self._refused(f"{what}: {STATUSES.get(code, f'status {code}')}")

    def _exchange(self, data: bytes) -> bytes:
        """One request and the data of the reply that carries its sequence number."""
        with self.link:
            self._sequence = self._sequence % 255 + 1
            reply = self.link.query(frame(self._sequence, self._node, data))
            deadline = time.monotonic() + self.link.timeout_s
            while reply[:1] != bytes((self._sequence,)):
                later = self.link.listen(max(0.0, deadline - time.monotonic()))
                if later is None:
                    raise self._garbled(f"a reply to another request came: {reply.hex(' ')}")
                reply = later
        if len(reply) < 4 or reply[2] != len(reply) - 3 or self._node not in (reply[1], ANY_NODE):
            raise self._garbled(f"a frame of the wrong length or node: {reply.hex(' ')}")
        return reply[3:]


def _notation(text: str) -> tuple[int, int, str]:
    process, parameter, kind = text.split("/")
    return int(process), int(parameter), kind
