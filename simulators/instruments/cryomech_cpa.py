"""Simulated Cryomech CPA helium compressor, firmware 3.x, by Modbus/TCP (unit 1) or Modbus RTU (address 16).

*Assumed* where the sheet is silent or marks it unconfirmed:
- functions 04, 06 and 16 exist, others (reading back the holding register, too) are exception 1; addresses outside
  1 to 55 (holding: 1) are exception 2; counts outside 1 to 125, values that are neither start nor stop and requests of
  a wrong length are exception 3; another unit and a wrong checksum are met with silence;
- registers 36 to 39 read 0; tenths are rounded, negative ones appear as two's complement;
- RTU: the pause between frames is not seen here, so length follows from the function; a frame with a wrong checksum or
  an unknown function takes everything that came with it.  TCP: after a header that is not Modbus the input is lost;
- a write that cannot be obeyed now is echoed all the same; start is obeyed in states 0 and 15 only;
- 10 s starting, 10 s stopping; register 2 follows at once;
- an alarm stops the machine: state 9 if power-related, else 7; then 15 when all causes are gone, after hot helium with
  a cool-down (8) of 120 s before; the third alarm within an hour locks out (6), which a power cycle does not end;
- warnings and alarms are shown while their cause lasts; after a power cycle the machine is off.
"""

import math
import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from simulators.instruments.instrument import unknown_fault


class State(IntEnum):
    """Register 1."""

    READY = 0
    STARTING = 2
    RUNNING = 3
    STOPPING = 5
    LOCK_OUT = 6
    ERROR = 7
    COOL_DOWN = 8
    POWER_ERROR = 9
    RECOVERED = 15


class Function(IntEnum):
    """Modbus function codes the machine knows."""

    READ_INPUT = 4
    WRITE_SINGLE = 6
    WRITE_MULTIPLE = 16


class ModbusError(Exception):
    """A request answered by an exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


BAD_FUNCTION, BAD_ADDRESS, BAD_VALUE = 1, 2, 3
TCP_UNIT, RTU_UNIT = 1, 16
FIRST, LAST, COMMAND_REGISTER = 1, 55, 1
START, STOPS = 0x0001, (0xFFFF, 0x00FF)

# fmt: off
CONDITIONS = [
    "coolant_in_high", "coolant_in_low", "coolant_out_high", "coolant_out_low", "oil_high", "oil_low", "helium_high",
    "helium_low", "low_pressure_high", "low_pressure_low", "high_pressure_high", "high_pressure_low",
    "delta_pressure_high", "delta_pressure_low", "motor_current_low", "three_phase_error", "power_supply_error",
    "static_pressure_high", "static_pressure_low", "cold_head_motor_stall", "coolant_in_sensor", "coolant_out_sensor",
    "helium_sensor", "oil_sensor", "high_pressure_sensor", "low_pressure_sensor", "motor_current_sensor",
    "motor_current_high", "inverter_error", "driver_comm_loss", "inverter_comm_loss",
]
# fmt: on
"""Warnings and alarms; the place is the bit."""
POWER_RELATED = {"three_phase_error", "power_supply_error", "inverter_error", "inverter_comm_loss"}
START_S, STOP_S, COOL_DOWN_S = 10.0, 10.0, 120.0
LOCK_OUT_TRIPS, LOCK_OUT_WINDOW_S = 3, 3600.0

TEMPERATURES = ("coolant_in_F", "coolant_out_F", "oil_F", "helium_F")
PRESSURES = ("low_psi", "low_average_psi", "high_psi", "high_average_psi")
READINGS = {
    "coolant_in_F": (65.627, 65.627, 60.0),
    "coolant_out_F": (65.493, 84.2, 90.0),
    "oil_F": (66.21, 104.9, 240.0),
    "helium_F": (66.95, 148.3, 180.0),
    "low_psi": (219.18, 84.6, 6.0),
    "low_average_psi": (219.18, 84.6, 30.0),
    "high_psi": (218.94, 291.4, 6.0),
    "high_average_psi": (218.94, 291.4, 30.0),
    "current_A": (0.22, 21.7, 0.5),
}
"""When off (captured, helium at its static pressure) and when running, and the time constant in s (both assumed)."""
OFF_VALUES = {key: off for key, (off, _, _) in READINGS.items()}
ON_VALUES = {key: on for key, (_, on, _) in READINGS.items()}
CAUSES = {
    "coolant_in_high": {"coolant_in_F": 105.0},
    "coolant_out_high": {"coolant_out_F": 130.0},
    "oil_high": {"oil_F": 140.0},
    "helium_high": {"helium_F": 200.0},
    "static_pressure_low": dict.fromkeys(PRESSURES, 120.0),
}
"""What the sensors show while a cause lasts (assumed)."""
HOURS_AT_DELIVERY, PANEL_SERIAL = 10613.5, 10556
MODEL, OTHER_MODEL = 0x0418, 0x0763
"""CPA1114, and bytes that name no model."""
REVISION, REGISTER_34 = (3, 1, 20), 0x0475


def crc(frame: bytes | bytearray) -> bytes:
    """CRC-16/MODBUS, low byte first."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def float_words(value: float) -> tuple[int, int]:
    """IEEE-754 single, the low word at the lower address."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return low, high


def long_words(value: int) -> tuple[int, int]:
    return value & 0xFFFF, value >> 16 & 0xFFFF


def mask(conditions: Iterable[str]) -> int:
    return sum(1 << CONDITIONS.index(name) for name in conditions)


class CryomechCPA:
    """Compressor with its register map; runs from the start when `warm`."""

    def __init__(self, warm: bool = True, rtu: bool = False) -> None:
        self._rtu = rtu
        self._model = MODEL
        self._units = (0, 0)
        self._hours = HOURS_AT_DELIVERY
        self._values = dict(OFF_VALUES)
        self._warnings: set[str] = set()
        self._alarms: set[str] = set()
        self._now = 0.0
        self._state, self._ends_s = State.READY, math.inf
        self.power_up(0.0)
        if warm:
            self._state, self._values = State.RUNNING, dict(ON_VALUES)

    def power_up(self, now: float) -> None:
        self._advance(now)
        self._trips_s: list[float] = []
        self._cooling = False
        if self._state != State.LOCK_OUT:
            self._go(self._error_state() if self._alarms else State.READY)

    def split(self, received: bytearray) -> Iterable[bytes]:
        frames = []
        while length := self._rtu_length(received) if self._rtu else self._tcp_length(received):
            frames.append(bytes(received[:length]))
            del received[:length]
        return frames

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        if self._rtu:
            if len(message) < 4 or message[0] != RTU_UNIT or crc(message[:-2]) != message[-2:]:
                return b""
            reply = message[:1] + self._execute(message[1:-2])
            return reply + crc(reply)
        if len(message) < 8 or message[6] != TCP_UNIT:
            return b""
        body = self._execute(message[7:])
        return message[:4] + struct.pack(">HB", len(body) + 1, TCP_UNIT) + body

    def running(self, now: float) -> bool:
        self._advance(now)
        return self._state == State.RUNNING

    def state(self, now: float) -> dict[str, Any]:
        self._advance(now)
        return {
            "state": self._state.name.lower(),
            "energised": self._energised,
            "warnings": sorted(self._warnings),
            "alarms": sorted(self._alarms),
            "hours_h": self._hours,
            **self._values,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        self._advance(now)
        cleared = bool(parameters.get("cleared", False)) or not parameters.get("present", True)
        name = str(parameters.get("name", "coolant_in_high"))
        if name not in CONDITIONS:
            raise ValueError(f"no condition {name!r}; known are {', '.join(CONDITIONS)}")
        match kind:
            case "wrong_identity":
                self._model = OTHER_MODEL
            case "warning" if cleared:
                self._warnings.discard(name)
            case "warning":
                self._warnings.add(name)
            case "alarm" if cleared:
                self._recover(name)
            case "alarm":
                self._trip(name)
            case "lock_out":
                self._trips_s.clear()
                self._go(State.LOCK_OUT if not cleared else self._error_state() if self._alarms else State.READY)
            case "units":
                self._units = int(parameters.get("pressure", 1)), int(parameters.get("temperature", 1))
            case _:
                raise unknown_fault(kind, "wrong_identity", "warning", "alarm", "lock_out", "units")

    def _tcp_length(self, received: bytearray) -> int:
        """Of the first frame; 0 while it is not complete."""
        if len(received) < 6:
            return 0
        protocol, length = struct.unpack_from(">HH", received, 2)
        if protocol or not 2 <= length <= 254:
            received.clear()
            return 0
        return 6 + length if len(received) >= 6 + length else 0

    def _rtu_length(self, received: bytearray) -> int:
        length = 8
        if len(received) >= 2 and received[1] == Function.WRITE_MULTIPLE:
            length = 9 + received[6] if len(received) >= 7 else 9
        elif len(received) >= 4 and received[1] not in (Function.READ_INPUT, Function.WRITE_SINGLE, Function.WRITE_MULTIPLE):
            return len(received)
        if len(received) < length:
            return 0
        return length if crc(received[: length - 2]) == received[length - 2 : length] else len(received)

    def _execute(self, request: bytes) -> bytes:
        """A request and its reply from the function code on."""
        function, data = request[0], request[1:]
        try:
            match function:
                case Function.READ_INPUT:
                    return request[:1] + self._read(data)
                case Function.WRITE_SINGLE:
                    if len(data) != 4:
                        raise ModbusError(BAD_VALUE)
                    self._write(*struct.unpack(">HH", data))
                    return request
                case Function.WRITE_MULTIPLE:
                    if len(data) < 7 or data[4] != len(data) - 5 or data[4] != 2 * int.from_bytes(data[2:4], "big"):
                        raise ModbusError(BAD_VALUE)
                    if len(data) > 7:
                        raise ModbusError(BAD_ADDRESS)
                    address, _, _, value = struct.unpack(">HHBH", data)
                    self._write(address, value)
                    return request[:5]
                case _:
                    raise ModbusError(BAD_FUNCTION)
        except ModbusError as error:
            return bytes([function | 0x80, error.code])

    def _read(self, data: bytes) -> bytes:
        if len(data) != 4:
            raise ModbusError(BAD_VALUE)
        first, count = struct.unpack(">HH", data)
        if not 1 <= count <= 125:
            raise ModbusError(BAD_VALUE)
        if first < FIRST or first + count - 1 > LAST:
            raise ModbusError(BAD_ADDRESS)
        registers = self._registers()
        words = [registers.get(address, 0) for address in range(first, first + count)]
        return struct.pack(f">B{count}H", 2 * count, *words)

    def _write(self, address: int, value: int) -> None:
        if address != COMMAND_REGISTER:
            raise ModbusError(BAD_ADDRESS)
        if value == START:
            if self._state in (State.READY, State.RECOVERED):
                self._go(State.STARTING, START_S)
        elif value in STOPS:
            if self._energised:
                self._go(State.STOPPING, STOP_S)
        else:
            raise ModbusError(BAD_VALUE)

    def _registers(self) -> dict[int, int]:
        """Wire address to content."""
        temperatures = [self._temperature(self._values[key]) for key in TEMPERATURES]
        pressures = [self._pressure(self._values[key]) for key in PRESSURES]
        readings = [*temperatures, *pressures, pressures[3] - pressures[1], self._values["current_A"]]
        warnings, alarms = mask(self._warnings), mask(self._alarms)
        table = {
            1: int(self._state),
            2: int(self._energised),
            29: self._units[0],
            30: self._units[1],
            31: PANEL_SERIAL,
            32: self._model,
            33: REVISION[0] << 8 | REVISION[1],
            34: REGISTER_34,
            35: REVISION[2] << 8,
        }
        for place, value in enumerate([-float(warnings), -float(alarms), *readings, self._hours]):
            table[3 + 2 * place], table[4 + 2 * place] = float_words(value)
        for place, value in enumerate(readings):
            table[40 + place] = round(value * 10) & 0xFFFF
        for place, whole in enumerate([math.floor(self._hours * 10 + 1e-6), warnings, alarms]):
            table[50 + 2 * place], table[51 + 2 * place] = long_words(whole)
        return table

    def _temperature(self, value_F: float) -> float:
        celsius = (value_F - 32) / 1.8
        return {0: value_F, 1: celsius, 2: celsius + 273.15}[self._units[1]]

    def _pressure(self, value_psi: float) -> float:
        return value_psi * {0: 1.0, 1: 0.0689475729, 2: 6.89475729}[self._units[0]]

    @property
    def _energised(self) -> bool:
        return self._state in (State.STARTING, State.RUNNING)

    def _go(self, state: State, for_s: float = math.inf) -> None:
        self._state, self._ends_s = state, self._now + for_s

    def _error_state(self) -> State:
        return State.POWER_ERROR if self._alarms & POWER_RELATED else State.ERROR

    def _trip(self, name: str) -> None:
        if name in self._alarms:
            return
        self._alarms.add(name)
        self._cooling |= name == "helium_high"
        self._trips_s = [at for at in self._trips_s if at > self._now - LOCK_OUT_WINDOW_S] + [self._now]
        if self._state != State.LOCK_OUT:
            self._go(State.LOCK_OUT if len(self._trips_s) >= LOCK_OUT_TRIPS else self._error_state())

    def _recover(self, name: str) -> None:
        if name not in self._alarms:
            return
        self._alarms.remove(name)
        if self._state == State.LOCK_OUT:
            return
        if self._alarms:
            self._go(self._error_state())
        elif self._cooling:
            self._cooling = False
            self._go(State.COOL_DOWN, COOL_DOWN_S)
        else:
            self._go(State.RECOVERED)

    def _advance(self, now: float) -> None:
        """Let the readings follow the load, and timed states end."""
        elapsed_s = max(0.0, now - self._now)
        targets = dict(ON_VALUES if self._energised else OFF_VALUES)
        for name in self._warnings | self._alarms:
            targets |= CAUSES.get(name, {})
        for key, value in self._values.items():
            self._values[key] = value + (targets[key] - value) * -math.expm1(-elapsed_s / READINGS[key][2])
        if self._energised:
            self._hours += elapsed_s / 3600
        self._now = max(self._now, now)
        if self._ends_s <= self._now:
            ended = {State.STARTING: State.RUNNING, State.STOPPING: State.READY, State.COOL_DOWN: State.RECOVERED}
            self._go(ended[self._state])
