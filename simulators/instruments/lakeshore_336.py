"""Simulated Lake Shore 336: input A reads the cold head, output 1 heats it.  Source tags are those of the protocol sheet."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault
from simulators.world.cold_head import BASE_K, COOLING_W_PER_K, ROOM_K, ColdHead

HIGHEST_W = {0: 0.0, 1: 1.0, 2: 10.0, 3: 100.0}
"""Heater ranges of output 1 (100 W output; steps assumed)."""
CONTROL_S = 0.1
EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 16, 32, 128
CLOSED_LOOP = 1
INPUT_TYPE = "1,1,0,0"
"""INTYPE of input A: diode, autorange; its set points are in kelvin."""
SYNTAX = re.compile(r":?(\*?[A-Z]+)(\?)?\s*(.*)")
OPEN_SENSOR = 128


class LakeShore336:
    """Temperature controller with one loop; other inputs read room temperature."""

    def __init__(self, cold_head: ColdHead) -> None:
        self._head = cold_head
        self._model = "MODEL336"
        self._sensor_status, self._heater_status = 0, 0
        self._control_s = 0.0
        self._settings: dict[str, list[str]] = {}
        self.power_up(0.0)
        self._range = 3
        self._integral_W = self._steady_W()

    def power_up(self, now: float) -> None:
        """Outputs come back only when OUTMODE says so; here they do not."""
        self._set_K, self._target_K, self._range = 25.0, 25.0, 0
        self._ramp_on, self._ramp_K_min = False, 0.0
        self._pid = (4.0, 0.4, 0.0)
        self._mode = [CLOSED_LOOP, 1, 0]
        self._limit_K = 0.0
        self._integral_W = 0.0
        self._events = POWER_ON

    def temperature_K(self, now: float) -> float:
        """True temperature of the source; runs the control loop up to `now`."""
        while self._control_s + CONTROL_S <= now:
            self._control_s += CONTROL_S
            self._control(self._head.advance(self._control_s))
        return self._head.temperature_K

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\n")

    def answer(self, message: bytes, now: float) -> bytes:
        self.temperature_K(now)
        replies = []
        for text in message.decode("latin-1").split(";"):
            match = SYNTAX.fullmatch(text.strip().upper())
            if match is None:
                self._events |= COMMAND_ERROR if text.strip() else 0
                continue
            parameters = [part.strip() for part in match[3].split(",")] if match[3] else []
            try:
                reply = self._query(match[1], parameters, now) if match[2] else self._command(match[1], parameters)
            except (ValueError, IndexError):
                self._events |= EXECUTION_ERROR
                continue
            if reply:
                replies.append(reply)
        return (";".join(replies) + "\r\n").encode() if replies else b""

    def state(self, now: float) -> dict[str, Any]:
        return {
            "temperature_K": self.temperature_K(now),
            "set_temperature_K": self._target_K,
            "heater_W": self._head.heater_W,
            "range": self._range,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        match kind:
            case "wrong_identity":
                self._model = "MODEL335"
            case "sensor_open":
                self._sensor_status = OPEN_SENSOR
            case "heater_open":
                self._heater_status, self._range = 1, 0
            case "warm":
                self._head.temperature_K = float(parameters.get("temperature_K", ROOM_K))
            case _:
                raise unknown_fault(kind, "wrong_identity", "sensor_open", "heater_open", "warm")

    def _control(self, temperature_K: float) -> None:
        if self._limit_K and temperature_K > self._limit_K:
            self._range = 0
        if self._ramp_on and self._ramp_K_min:
            step = self._ramp_K_min / 60 * CONTROL_S
            self._set_K += max(-step, min(step, self._target_K - self._set_K))
        else:
            self._set_K = self._target_K
        highest_W = HIGHEST_W[self._range]
        if self._mode[0] != CLOSED_LOOP or highest_W == 0 or self._sensor_status:
            self._head.heater_W = self._integral_W = 0.0
            return
        error = self._set_K - temperature_K
        proportional, integral, _ = self._pid
        power_W = proportional * error + self._integral_W + integral * error * CONTROL_S
        self._head.heater_W = min(highest_W, max(0.0, power_W))
        if self._head.heater_W == power_W:
            self._integral_W += integral * error * CONTROL_S

    def _steady_W(self) -> float:
        """The heater's power at the warm start, where the loop has regulated for long."""
        return COOLING_W_PER_K * (self._head.temperature_K - BASE_K) if self._head.temperature_K < 30 else 0.0

    def _query(self, name: str, parameters: list[str], now: float) -> str:
        queries: dict[str, Callable[[], str]] = {
            "*IDN": lambda: f"LSCI,{self._model},LSA165V/#######,2.7",
            "*ESR": self._event_status,
            "*OPC": lambda: "1",
            "*STB": lambda: "0",
            "KRDG": lambda: ",".join(f"{value:+.4f}" for value in self._kelvin(parameters)),
            "CRDG": lambda: ",".join(f"{value - 273.15:+.3f}" for value in self._kelvin(parameters)),
            "RDGST": lambda: f"{self._sensor_status if _input(parameters) == 'A' else 0:03d}",
            "SETP": lambda: f"{self._target_K if _output(parameters) == 1 else 0.0:+.4f}",
            "RAMP": lambda: f"{int(self._ramp_on)},{self._ramp_K_min:+.1f}",
            "RAMPST": lambda: str(int(self._ramp_on and self._set_K != self._target_K)),
            "RANGE": lambda: str(self._range if _output(parameters) == 1 else 0),
            "PID": lambda: ",".join(f"{value:+07.1f}" for value in self._pid),
            "OUTMODE": lambda: ",".join(str(value) for value in self._mode),
            "HTR": self._heater_percent,
            "HTRST": self._heater_fault,
            "TLIMIT": lambda: f"{self._limit_K:.1f}",
            "INNAME": lambda: "Cold head",
            "INTYPE": lambda: f"{INPUT_TYPE if _input(parameters) == 'A' else '0,0,0,0'},1",
        }
        if name not in queries:
            self._events |= COMMAND_ERROR
            return ""
        return queries[name]()

    def _command(self, name: str, parameters: list[str]) -> str:
        match name:
            case "*CLS":
                self._events = 0
            case "*RST":
                self.power_up(self._control_s)
            case "SETP":
                value = float(parameters[1])
                if not 0 <= value <= 400:
                    raise ValueError(parameters[1])
                if _output(parameters) == 1:
                    self._target_K = value
            case "RAMP":
                self._ramp_on, self._ramp_K_min = parameters[1] == "1", float(parameters[2])
            case "RANGE":
                value = int(parameters[1])
                if value not in HIGHEST_W:
                    raise ValueError(parameters[1])
                if _output(parameters) == 1:
                    self._range = value
            case "PID":
                self._pid = (float(parameters[1]), float(parameters[2]) / 10, float(parameters[3]))
            case "OUTMODE":
                if _output(parameters) == 1:
                    self._mode = [int(value) for value in parameters[1:4]]
            case "TLIMIT":
                self._limit_K = float(parameters[1])
            case _:
                self._events |= COMMAND_ERROR
        return ""

    def _kelvin(self, parameters: list[str]) -> list[float]:
        """One input, or with 0 all of them."""
        inputs = list("ABCD") if parameters == ["0"] else [_input(parameters)]
        return [self._head.temperature_K if one == "A" else ROOM_K for one in inputs]

    def _heater_percent(self) -> str:
        highest_W = HIGHEST_W[self._range]
        return f"{100 * self._head.heater_W / highest_W if highest_W else 0.0:+06.1f}"

    def _heater_fault(self) -> str:
        status, self._heater_status = self._heater_status, 0
        return str(status)

    def _event_status(self) -> str:
        events, self._events = self._events, 0
        return str(events)


def _input(parameters: list[str]) -> str:
    if not parameters or parameters[0] not in "ABCD":
        raise ValueError(parameters)
    return parameters[0]


def _output(parameters: list[str]) -> int:
    output = int(parameters[0])
    if output not in (1, 2, 3, 4):
        raise ValueError(parameters[0])
    return output
