"""Simulated Sumitomo F-70 helium compressor on its serial line.

*Assumed* where the sheet is silent or marks it unconfirmed:
- commands are upper case, and so is their checksum; whatever else comes, an empty line too, is answered `$???`;
- a command that is understood but cannot be obeyed now (start with an alarm latched, cold head run beside the running
  compressor, pause of a compressor that is off, any control in configuration 2) is acknowledged and has no effect;
- the serial line commands what the panel commands, so the states are local off and local on (as in the captured status);
  in configuration 2 they are remote off and remote on;
- cold head run lasts 30 min from the last `$CHR`; a pause, during which the compressor runs, ends by itself after 30 min;
- `$OFF` ends every state but a fault; no restart delay;
- temperatures follow the load in minutes, the return pressure in seconds; the solenoid is open while the compressor runs;
- after a power cycle the compressor is off and latched alarms are gone, unless their cause lasts.
"""

import math
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault


class State(IntEnum):
    """Bits 11-9 of the status word."""

    LOCAL_OFF = 0
    LOCAL_ON = 1
    REMOTE_OFF = 2
    REMOTE_ON = 3
    COLD_HEAD_RUN = 4
    COLD_HEAD_PAUSE = 5
    FAULT_OFF = 6
    OIL_FAULT_OFF = 7


ALARM_BITS = {
    "motor_temperature": 1,
    "phase_sequence": 2,
    "helium_temperature": 3,
    "water_temperature": 4,
    "water_flow": 5,
    "oil_level": 6,
    "pressure": 7,
}
SYSTEM_ON, SOLENOID_BIT, STATE_BIT, CONFIGURATION_BIT = 1, 8, 9, 15
COLD_HEAD_LIMIT_S = 1800.0
LONGEST_INPUT = 64
FIRMWARE, OTHER_FIRMWARE = "1.6", "1.2"
HOURS_AT_DELIVERY = 5842.1

OFF_VALUES = {"helium_C": 24.0, "water_out_C": 20.0, "water_in_C": 20.0, "return_psig": 235.0}
ON_VALUES = {"helium_C": 86.0, "water_out_C": 29.0, "water_in_C": 20.0, "return_psig": 79.0}
TIME_CONSTANT_S = {"helium_C": 240.0, "water_out_C": 90.0, "water_in_C": 60.0, "return_psig": 8.0}
"""All assumed, but discharge temperature and return pressure of a running unit, which are those of the captured replies."""
CAUSES: dict[str, dict[str, float]] = {
    "helium_temperature": {"helium_C": 112.0},
    "water_temperature": {"water_in_C": 48.0, "water_out_C": 48.0},
    "pressure": {"return_psig": 20.0},
}
"""What the sensors show while the cause of an alarm lasts (assumed)."""


def checksum(text: bytes) -> bytes:
    """CRC-16/MODBUS over everything before it, as four hex digits, high byte first."""
    value = 0xFFFF
    for byte in text:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return f"{value:04X}".encode()


class SumitomoF70:
    """Compressor with its readings, its states and its latched alarms; runs from the start when `warm`."""

    def __init__(self, warm: bool = True) -> None:
        self._firmware = FIRMWARE
        self._monitor_only = False
        self._hours = HOURS_AT_DELIVERY
        self._causes: set[str] = set()
        self._values = dict(OFF_VALUES)
        self._now = 0.0
        self._state, self._ends_s = State.LOCAL_OFF, math.inf
        self.power_up(0.0)
        if warm:
            self._go(State.LOCAL_ON)
            self._values = dict(ON_VALUES)

    def power_up(self, now: float) -> None:
        self._advance(now)
        self._go(State.LOCAL_OFF)
        self._latched: set[str] = set()
        for name in self._causes:
            self._trip(name)

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\r", LONGEST_INPUT)

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        command, crc = message[:-4], message[-4:]
        fields = None
        if len(message) == 8 and message[:1] == b"$" and checksum(command) == crc:
            fields = self._obey(command[1:].decode("latin-1"))
        if fields is None:
            command, fields = b"$???", []
        text = b",".join([command, *(field.encode() for field in fields)]) + b","
        return text + checksum(text) + b"\r"

    def running(self, now: float) -> bool:
        """The cold head is being cooled: compressor and cold head both run."""
        self._advance(now)
        return self._state in (State.LOCAL_ON, State.REMOTE_ON)

    def state(self, now: float) -> dict[str, Any]:
        self._advance(now)
        return {
            "state": self._state.name.lower(),
            "compressor_on": self._compressing,
            "alarms": sorted(self._latched),
            "configuration": 2 if self._monitor_only else 1,
            "hours_h": self._hours,
            **self._values,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        self._advance(now)
        cleared = bool(parameters.get("cleared", False)) or not parameters.get("present", True)
        match kind:
            case "wrong_identity":
                self._firmware = OTHER_FIRMWARE
            case "alarm":
                name = str(parameters.get("name", "water_flow"))
                if name not in ALARM_BITS:
                    raise ValueError(f"no alarm {name!r}; known are {', '.join(ALARM_BITS)}")
                if cleared:
                    self._causes.discard(name)
                else:
                    self._causes.add(name)
                    self._trip(name)
            case "monitor_only":
                self._monitor_only = not cleared
                if self._state < State.COLD_HEAD_RUN:
                    self._go(State.LOCAL_ON if self._compressing else State.LOCAL_OFF)
            case "front_panel":
                if not self._latched:
                    self._go(State.LOCAL_OFF)
            case _:
                raise unknown_fault(kind, "wrong_identity", "alarm", "monitor_only", "front_panel")

    def _obey(self, name: str) -> list[str] | None:
        """The fields of the reply; `None` for what is not a command."""
        values = self._values
        temperatures = [f"{round(values[key]):03d}" for key in ("helium_C", "water_out_C", "water_in_C")] + ["000"]
        pressures = [f"{round(values['return_psig']):03d}", "000"]
        match name:
            case "TEA":
                return temperatures
            case "TE1":
                return temperatures[0:1]
            case "TE2":
                return temperatures[1:2]
            case "TE3":
                return temperatures[2:3]
            case "TE4":
                return temperatures[3:4]
            case "PRA":
                return pressures
            case "PR1":
                return pressures[0:1]
            case "PR2":
                return pressures[1:2]
            case "STA":
                return [f"{self._status():04X}"]
            case "ID1":
                return [self._firmware, f"{self._hours:08.1f}", "000"]
            case "ON1":
                if self._may_control() and self._state != State.COLD_HEAD_PAUSE:
                    self._go(State.LOCAL_ON)
            case "OFF":
                if self._may_control():
                    self._go(State.LOCAL_OFF)
            case "RS1":
                self._reset()
            case "CHR":
                if self._may_control() and not self._compressing:
                    self._go(State.COLD_HEAD_RUN, COLD_HEAD_LIMIT_S)
            case "CHP":
                if self._may_control() and self._state == State.LOCAL_ON:
                    self._go(State.COLD_HEAD_PAUSE, COLD_HEAD_LIMIT_S)
            case "POF":
                if self._may_control() and self._state == State.COLD_HEAD_PAUSE:
                    self._go(State.LOCAL_ON)
            case _:
                return None
        return []

    @property
    def _compressing(self) -> bool:
        return self._state in (State.LOCAL_ON, State.REMOTE_ON, State.COLD_HEAD_PAUSE)

    def _may_control(self) -> bool:
        return not self._monitor_only and not self._latched

    def _status(self) -> int:
        word = int(self._state) << STATE_BIT | self._monitor_only << CONFIGURATION_BIT
        for name in self._latched:
            word |= 1 << ALARM_BITS[name]
        return word | (1 << SOLENOID_BIT | SYSTEM_ON if self._compressing else 0)

    def _go(self, state: State, for_s: float = math.inf) -> None:
        if self._monitor_only:
            state = {State.LOCAL_OFF: State.REMOTE_OFF, State.LOCAL_ON: State.REMOTE_ON}.get(state, state)
        self._state, self._ends_s = state, self._now + for_s

    def _trip(self, name: str) -> None:
        self._latched.add(name)
        self._go(State.OIL_FAULT_OFF if "oil_level" in self._latched else State.FAULT_OFF)

    def _reset(self) -> None:
        """Alarms whose cause lasts come back at once."""
        if not self._latched or self._monitor_only:
            return
        self._latched.clear()
        self._go(State.LOCAL_OFF)
        for name in self._causes:
            self._trip(name)

    def _advance(self, now: float) -> None:
        if self._now < now and self._state in (State.COLD_HEAD_RUN, State.COLD_HEAD_PAUSE) and self._ends_s <= now:
            self._relax(self._ends_s)
            self._go(State.LOCAL_ON if self._state == State.COLD_HEAD_PAUSE else State.LOCAL_OFF)
        self._relax(now)

    def _relax(self, now: float) -> None:
        """Let the readings follow the present state up to a time."""
        elapsed_s = max(0.0, now - self._now)
        targets = dict(ON_VALUES if self._compressing else OFF_VALUES)
        for name in self._causes:
            targets |= CAUSES.get(name, {})
        for key, value in self._values.items():
            self._values[key] = value + (targets[key] - value) * -math.expm1(-elapsed_s / TIME_CONSTANT_S[key])
        if self._compressing:
            self._hours += elapsed_s / 3600
        self._now = max(self._now, now)
