"""Simulated Bronkhorst EL-PRESS pressure controller (He stagnation pressure), ProPar over RS-232.

Sources are the letters of its protocol sheet: PL the maker's library, MR its RS-232 manual, LN a check on a real unit.
Binary frame (PL): `10 02 seq node len data 10 03`, every 10 inside doubled.  ASCII frame (MR p. 12): `:` hex CR LF, no seq.
The data are `00` status, `01` write, `02` write without reply and answer to a read, `03` broadcast write, `04` read request;
reads and writes may be chained, and an answer carries the tags of the request (PL).

| P/p | parameter | type | source |
| --- | --- | --- | --- |
| 1/0, 33/0 | Measure (32000 = 100 %), fMeasure (bar) | I, F | PL, PH |
| 1/1, 33/3 | Setpoint, fSetpoint | I, F | PL, PH |
| 1/2 | Setpoint slope, 0.1 s per 100 % (unit *assumed*) | I | PL |
| 1/4 | Control mode | B | PL |
| 1/13, 33/22, 1/31, 1/17 | Capacity 100 %, 0 %, unit, fluid | F, F, S, S | PL, MR |
| 1/5 ... 1/8 | calibration polynomial, secured | F | MR |
| 1/14, 1/20 | Sensor type, Alarm info | B | PL |
| 114/1 | Valve output (16777215 = 100 %) | L | PL |
| 114/5, 114/17, 114/18 | controller response, secured | B | MB |
| 113/1, 2, 3, 5, 6, 12 | device type, model, serial, firmware, user tag, identification number | S, B | PL |
| 0/0-0/3, 0/10, 0/18 | identification, wink, own and next node, init reset (64 unlocks, 82 locks), channels | S, B | PL, MB |

*Assumed*: pressure settles with 1.5 s and bleeds down with 2 s when the valve is closed; nothing is at the analog input and
no master is on the bus, so that modes 1, 2 and 10 mean set point 0; idle and calibration leave the valve closed; purge gives
110 % of full scale; in valve steering the pressure follows the valve; a secured write without unlock is refused as read-only;
a chained write acts up to the offending byte; an answer to node 128 carries the unit's own node; the set point survives a
power cycle (LN) and the mode returns to 0; an alarm is a flag and changes nothing else.
"""

import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulators.instruments.instrument import unknown_fault

SETTLING_S, BLEEDING_S = 1.5, 2.0
PURGE_FRACTION = 1.1
RAW_100, RAW_TOP, VALVE_100 = 32000, 41942, 16777215
ANY_NODE = 0x80
UNLOCK, LOCK = 64, 82
PROCESS_ERROR, PARAMETER_ERROR, TYPE_ERROR, VALUE_ERROR, COMMAND_ERROR = 3, 4, 5, 6, 2
READ_ONLY, WRITE_ONLY = 0x0D, 0x11
BAD_PROTOCOL, WRONG_LENGTH, NODE_REJECTED = 4, 3, 5
DIGITAL, FULL, PURGE, STEERING = (0, 18), 7, 8, 20
ZERO_MODES = (1, 2, 10, 12)
CLOSED_MODES = (3, 4, 9, 22)
MODES = frozenset((*DIGITAL, FULL, PURGE, STEERING, *ZERO_MODES, *CLOSED_MODES))
ALARMS = ("error", "warning", "minimum", "maximum", "batch", "response", "master", "hardware")
"""Names of the bits of Alarm info, from bit 0."""
_DLE, _STX, _ETX = 0x10, b"\x10\x02", b"\x10\x03"
_IDENTITY = {"type": "DEPC", "model": "P-602CV", "serial": "M6212345A", "firmware": "V1.12"}
_FOREIGN = {"type": "DMFC", "model": "F-201CV", "serial": "M1111111A", "firmware": "V1.08"}
_TYPE_BITS = {"B": 0x00, "I": 0x20, "L": 0x40, "F": 0x40, "S": 0x60}
_FORMATS = {"B": ">B", "I": ">H", "L": ">I", "F": ">f"}

Value = int | float | str


class _Refused(Exception):
    """The request ends with this status, at this byte of the data counted from 1."""

    def __init__(self, status: int, position: int) -> None:
        super().__init__(status, position)
        self.status, self.position = status, position


@dataclass(frozen=True)
class _Parameter:
    """How one parameter is read and written; None where it cannot be.  `write` returns False for a value it does not take."""

    kind: str
    read: Callable[[float], Value] | None = None
    write: Callable[[Any, float], bool] | None = None
    secured: bool = False


@dataclass(frozen=True)
class _Approach:
    """First-order settling towards a set point that ramps from `from_bar` to `to_bar` with `ramp_bar_s`."""

    start_s: float
    pressure_bar: float
    from_bar: float
    to_bar: float
    ramp_bar_s: float
    settling_s: float

    @property
    def _ramp_s(self) -> float:
        return abs(self.to_bar - self.from_bar) / self.ramp_bar_s

    def aim_bar(self, now: float) -> float:
        elapsed_s = max(now - self.start_s, 0.0)
        if elapsed_s >= self._ramp_s:
            return self.to_bar
        return self.from_bar + math.copysign(self.ramp_bar_s, self.to_bar - self.from_bar) * elapsed_s

    def at(self, now: float) -> float:
        """The lag behind the set point grows towards ramp x settling while it ramps and decays afterwards."""
        elapsed_s = max(now - self.start_s, 0.0)
        ramping_s = min(elapsed_s, self._ramp_s)
        lag_bar = self.from_bar - self.pressure_bar
        if ramping_s > 0:
            steady_bar = math.copysign(self.ramp_bar_s, self.to_bar - self.from_bar) * self.settling_s
            lag_bar = steady_bar + (lag_bar - steady_bar) * math.exp(-ramping_s / self.settling_s)
        return self.aim_bar(now) - lag_bar * math.exp(-(elapsed_s - ramping_s) / self.settling_s)


class ELPress:
    """A controller with this full scale, absolute pressure, at this node; it answers to node 128 as well."""

    def __init__(self, full_scale_bar: float, node: int) -> None:
        self.full_scale_bar = full_scale_bar
        self.node = node
        self._setpoint_bar = 0.0
        self._approach = _Approach(0.0, 0.0, 0.0, 0.0, math.inf, BLEEDING_S)
        self._slope = 0
        self._user_tag = "USERTAG"
        self._alarms: set[str] = set()
        self._stored: dict[tuple[int, int], float | int] = {(1, 5): 0.0, (1, 6): 1.0, (1, 7): 0.0, (1, 8): 0.0}
        self._stored |= {(114, 5): 128, (114, 17): 128, (114, 18): 128}
        self._parameters = self._table()
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        """Control mode 0 and locked; the set point survives."""
        self._identity = _IDENTITY
        self._mode = 0
        self._unlocked = False
        self._aim(now)

    def pressure_bar(self, now: float) -> float:
        """Absolute pressure at the outlet."""
        return self._approach.at(now)

    def split(self, received: bytearray) -> Iterable[bytes]:
        """Binary frames, ASCII frames, and lines that are neither."""
        while received:
            length = _frame_length(received)
            if length is None:
                return
            message = bytes(received[:length])
            del received[:length]
            yield message

    def answer(self, message: bytes, now: float) -> bytes:
        if message.startswith(_STX):
            return self._answer_binary(message, now)
        if message.startswith(b":"):
            return self._answer_ascii(message, now)
        return _ascii(bytes([BAD_PROTOCOL]))

    def state(self, now: float) -> dict[str, Any]:
        return {
            "pressure_bar": self.pressure_bar(now),
            "setpoint_bar": self._setpoint_bar,
            "control_mode": self._mode,
            "valve_fraction": self._valve(now),
            "alarms": sorted(self._alarms),
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        """`alarm` (cause: one of ALARMS, present: False takes it away), `wrong_identity`."""
        match kind:
            case "alarm":
                self._alarm(**parameters)
            case "wrong_identity":
                self._identity = _FOREIGN
            case _:
                raise unknown_fault(kind, "alarm", "wrong_identity")

    def _alarm(self, cause: str = "error", present: bool = True) -> None:
        if cause not in ALARMS:
            raise ValueError(f"The EL-PRESS has no alarm {cause!r}; it has {', '.join(ALARMS)}.")
        if present:
            self._alarms.add(cause)
        else:
            self._alarms.discard(cause)

    def _answer_binary(self, message: bytes, now: float) -> bytes:
        frame = message[2:-2].replace(b"\x10\x10", b"\x10")
        if len(frame) < 4 or frame[2] != len(frame) - 3:
            reply: bytes | None = bytes([WRONG_LENGTH])
        else:
            reply = self._process(frame[1], frame[3:], now)
        if reply is None:
            return b""
        head = bytes([*frame[:1], self.node, len(reply)])
        return _STX + (head + reply).replace(b"\x10", b"\x10\x10") + _ETX

    def _answer_ascii(self, message: bytes, now: float) -> bytes:
        try:
            frame = bytes.fromhex(message[1:-2].decode("ascii"))
        except ValueError:
            return _ascii(bytes([BAD_PROTOCOL]))
        if len(frame) < 3 or frame[0] != len(frame) - 1:
            return _ascii(bytes([WRONG_LENGTH]))
        reply = self._process(frame[1], frame[2:], now)
        if reply is None:
            return b""
        return _ascii(reply if len(reply) == 1 else bytes([self.node]) + reply)

    def _process(self, node: int, data: bytes, now: float) -> bytes | None:
        """The data field that answers this one; a single byte is a failure of the protocol, None silence."""
        if node not in (self.node, ANY_NODE):
            return bytes([NODE_REJECTED])
        try:
            match data[0]:
                case 1:
                    self._write(data, now)
                    return bytes([0, 0, len(data)])
                case 2 | 3:
                    self._write(data, now)
                    return None
                case 4:
                    return self._read(data, now)
            raise _Refused(COMMAND_ERROR, 1)
        except _Refused as refused:
            return None if data[0] in (2, 3) else bytes([0, refused.status, refused.position])

    def _write(self, data: bytes, now: float) -> None:
        at, more_processes = 1, True
        while more_processes:
            process = _byte(data, at)
            more_processes, more_parameters = process >= 0x80, True
            process_at, at = at, at + 1
            while more_parameters:
                code = _byte(data, at)
                more_parameters = code >= 0x80
                parameter = self._find(process & 0x7F, code, process_at, at)
                if parameter.write is None or (parameter.secured and not self._unlocked):
                    raise _Refused(READ_ONLY, at + 1)
                value, after = _decode(parameter.kind, data, at + 1)
                if not parameter.write(value, now):
                    raise _Refused(VALUE_ERROR, at + 2)
                at = after
        if at != len(data):
            raise _Refused(COMMAND_ERROR, at + 1)

    def _read(self, data: bytes, now: float) -> bytes:
        reply = bytearray([2])
        at, more_processes = 1, True
        while more_processes:
            process_tag = _byte(data, at)
            reply.append(process_tag)
            more_processes, more_parameters = process_tag >= 0x80, True
            at += 1
            while more_parameters:
                tag, process, code = _byte(data, at), _byte(data, at + 1), _byte(data, at + 2)
                more_parameters = tag >= 0x80
                parameter = self._find(process & 0x7F, code, at + 1, at + 2)
                if parameter.read is None:
                    raise _Refused(WRITE_ONLY, at + 3)
                at += 3
                reply.append(tag)
                value = parameter.read(now)
                if isinstance(value, str):
                    reply += _string(value, _byte(data, at))
                    at += 1
                else:
                    reply += struct.pack(_FORMATS[parameter.kind], value)
        if at != len(data):
            raise _Refused(COMMAND_ERROR, at + 1)
        return bytes(reply)

    def _find(self, process: int, code: int, process_at: int, code_at: int) -> _Parameter:
        if all(process != known for known, _ in self._parameters):
            raise _Refused(PROCESS_ERROR, process_at + 1)
        parameter = self._parameters.get((process, code & 0x1F))
        if parameter is None:
            raise _Refused(PARAMETER_ERROR, code_at + 1)
        if code & 0x60 != _TYPE_BITS[parameter.kind]:
            raise _Refused(TYPE_ERROR, code_at + 1)
        return parameter

    def _table(self) -> dict[tuple[int, int], _Parameter]:
        table = {
            (0, 0): _Parameter("S", lambda now: f"\x09SN{self._identity['serial']}", lambda value, now: value.isdigit()),
            (0, 1): _Parameter("B", lambda now: self.node),
            (0, 3): _Parameter("B", lambda now: 0),
            (0, 10): _Parameter("B", None, self._init_reset),
            (0, 18): _Parameter("B", lambda now: 1),
            (1, 0): _Parameter("I", self._raw_measure),
            (1, 1): _Parameter("I", lambda now: round(self._setpoint_bar / self.full_scale_bar * RAW_100), self._set_raw),
            (1, 2): _Parameter("I", lambda now: self._slope, self._set_slope),
            (1, 4): _Parameter("B", lambda now: self._mode, self._set_mode),
            (1, 13): _Parameter("F", lambda now: self.full_scale_bar),
            (1, 14): _Parameter("B", lambda now: 0),
            (1, 17): _Parameter("S", lambda now: "He"),
            (1, 20): _Parameter("B", lambda now: sum(1 << ALARMS.index(cause) for cause in self._alarms)),
            (1, 31): _Parameter("S", lambda now: "bar(a)"),
            (33, 0): _Parameter("F", self.pressure_bar),
            (33, 3): _Parameter("F", lambda now: self._setpoint_bar, self._set_bar),
            (33, 22): _Parameter("F", lambda now: 0.0),
            (113, 1): _Parameter("S", lambda now: self._identity["type"]),
            (113, 2): _Parameter("S", lambda now: self._identity["model"]),
            (113, 3): _Parameter("S", lambda now: self._identity["serial"]),
            (113, 5): _Parameter("S", lambda now: self._identity["firmware"]),
            (113, 6): _Parameter("S", lambda now: self._user_tag, self._set_user_tag, secured=True),
            (113, 12): _Parameter("B", lambda now: 9 if self._identity is _IDENTITY else 7),
            (114, 1): _Parameter("L", lambda now: round(self._valve(now) * VALVE_100)),
        }
        return table | {place: self._stored_parameter(place) for place in self._stored}

    def _stored_parameter(self, place: tuple[int, int]) -> _Parameter:
        def store(value: Any, now: float) -> bool:
            self._stored[place] = value
            return True

        return _Parameter("F" if place[0] == 1 else "B", lambda now: self._stored[place], store, secured=True)

    def _init_reset(self, value: int, now: float) -> bool:
        self._unlocked = value == UNLOCK
        return value in (UNLOCK, LOCK)

    def _set_user_tag(self, value: str, now: float) -> bool:
        self._user_tag = value
        return True

    def _raw_measure(self, now: float) -> int:
        return min(round(self.pressure_bar(now) / self.full_scale_bar * RAW_100), RAW_TOP)

    def _set_raw(self, value: int, now: float) -> bool:
        return value <= RAW_100 and self._set_bar(value / RAW_100 * self.full_scale_bar, now)

    def _set_bar(self, value: float, now: float) -> bool:
        if not 0.0 <= value <= self.full_scale_bar:
            return False
        self._setpoint_bar = value
        self._aim(now)
        return True

    def _set_slope(self, value: int, now: float) -> bool:
        if value > 30000:
            return False
        self._slope = value
        return True

    def _set_mode(self, value: int, now: float) -> bool:
        if value not in MODES:
            return False
        self._mode = value
        self._aim(now)
        return True

    def _aim(self, now: float) -> None:
        """Head for what the control mode makes of the set point; only the digital set point follows the slope."""
        target_bar = {FULL: 1.0, PURGE: PURGE_FRACTION}.get(self._mode, 0.0) * self.full_scale_bar
        ramp_bar_s = math.inf
        if self._mode in DIGITAL or self._mode == STEERING:
            target_bar = self._setpoint_bar
        if self._mode in DIGITAL and self._slope:
            ramp_bar_s = self.full_scale_bar / (0.1 * self._slope)
        settling_s = SETTLING_S if target_bar > 0 else BLEEDING_S
        from_bar = target_bar if math.isinf(ramp_bar_s) else self._approach.aim_bar(now)
        self._approach = _Approach(now, self.pressure_bar(now), from_bar, target_bar, ramp_bar_s, settling_s)

    def _valve(self, now: float) -> float:
        """Opening of the valve, 0-1; under control it grows with the set point (*assumed*)."""
        if self._mode == PURGE:
            return 1.0
        fraction = self._approach.aim_bar(now) / self.full_scale_bar
        return fraction if self._mode == STEERING else 0.6 * fraction


def _frame_length(received: bytearray) -> int | None:
    """Length of the message at the front; None while it is incomplete."""
    if received.startswith(_STX):
        at = 2
        while at + 1 < len(received):
            if received[at] != _DLE:
                at += 1
            elif received[at + 1] == _DLE:
                at += 2
            else:
                return at + 2 if received[at + 1] == _ETX[1] else at
        return None
    if received == b"\x10":
        return None
    if received.startswith(b":"):
        end = received.find(b"\r\n")
        return None if end < 0 else end + 2
    starts = [start for start in (received.find(_STX), received.find(b":")) if start > 0]
    end = received.find(b"\n")
    return min([*starts, *([end + 1] if end >= 0 else [])], default=None)


def _ascii(content: bytes) -> bytes:
    return b":" + bytes([len(content), *content]).hex().upper().encode("ascii") + b"\r\n"


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise _Refused(COMMAND_ERROR, len(data))
    return data[at]


def _string(text: str, length: int) -> bytes:
    """Length 0 asks for a zero-terminated string, any other for exactly so many characters, blank padded (MR p. 24)."""
    content = text.encode("latin-1")
    return bytes([0]) + content + b"\0" if length == 0 else bytes([length]) + content[:length].ljust(length)


def _decode(kind: str, data: bytes, at: int) -> tuple[Value, int]:
    """The value that starts at this byte and where the next thing starts."""
    if kind == "S":
        length = _byte(data, at)
        end = at + 1 + length if length else data.find(b"\0", at + 1)
        if end < 0 or end > len(data):
            raise _Refused(VALUE_ERROR, at + 1)
        return data[at + 1 : end].decode("latin-1").rstrip(), end if length else end + 1
    size = struct.calcsize(_FORMATS[kind])
    if at + size > len(data):
        raise _Refused(VALUE_ERROR, at + 1)
    value: Value = struct.unpack_from(_FORMATS[kind], data, at)[0]
    return value, at + size
