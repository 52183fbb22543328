"""Simulated Pfeiffer TPG 362 with two full-range gauges.

*Assumed*: a write is acted on at once and its ENQ answers the value in force; RES and RST details; PNR is refused (36x);
numbers outside their range give the error word 0010, commands that do not exist 0001; gauge values update at once.
"""

from collections.abc import Callable, Iterable
from typing import Any

from simulators.instruments.instrument import unknown_fault

ACK, NAK, ENQ, ETX = b"\x06\r\n", b"\x15\r\n", 0x05, 0x03
UNIT_PER_MBAR = (1.0, 0.750061683, 100.0, 750.061683, 1.0, 1.0)
INTERVAL_S = (0.1, 1.0, 60.0)
OK, SENSOR_ERROR, OFF, NO_SENSOR = 0, 3, 4, 5
SYNTAX, PARAMETER = 1, 10


class _Bad(Exception):
    """Refused, with the digit of the error word."""


class TPG362:
    """`pressures_mbar(now)` gives both chambers."""

    def __init__(self, pressures_mbar: Callable[[float], tuple[float, float]]) -> None:
        self._pressures_mbar = pressures_mbar
        self._model = "TPG 362"
        self._gauges = [OK, OK]
        self._unit, self._digits, self._shown, self._language, self._watchdog = 0, 2, 0, 0, 0
        self._filters, self._factors, self._degas = [1, 1], [1.0, 1.0], [0, 0]
        self._relays = [[0, 1e-9, 9e-7] for _ in range(4)]
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        """Sends a line each second until somebody speaks; settings are kept."""
        self._error, self._pending = 0, ""
        self._interval_s: float | None = INTERVAL_S[1]
        self._spoken_s = now

    def split(self, received: bytearray) -> Iterable[bytes]:
        """ENQ and ETX stand alone, everything else ends with CR; an LF behind it is ignored."""
        messages = []
        while received:
            if received[0] in (ENQ, ETX):
                messages.append(bytes(received[:1]))
                del received[:1]
                continue
            if received[0] == 0x0A:
                del received[:1]
                continue
            ends = [place for place in (received.find(b"\r"), received.find(bytes((ETX,)))) if place >= 0]
            if not ends:
                break
            end = min(ends)
            if received[end] == 0x0D:
                messages.append(bytes(received[: end + 1]))
                del received[: end + 1]
            else:
                del received[:end]
        return messages

    def answer(self, message: bytes, now: float) -> bytes:
        self._interval_s = None
        if message == bytes((ETX,)):
            self._pending = ""
            return b""
        if message == bytes((ENQ,)):
            return (self._data(now) + "\r\n").encode()
        text = message.rstrip(b"\r\n").decode("latin-1").replace(" ", "").upper()
        word, *parameters = text.split(",")
        try:
            self._set(word, parameters)
            self._pending = word
        except (_Bad, ValueError, IndexError) as error:
            self._error = error.args[0] if isinstance(error, _Bad) else PARAMETER
            self._pending = ""
            return NAK
        return ACK

    def speak(self, now: float) -> bytes:
        """Continuous mode: a line of both gauges at its interval."""
        if self._interval_s is None or now - self._spoken_s < self._interval_s:
            return b""
        self._spoken_s = now
        return f"{self._gauge(0, now)},{self._gauge(1, now)}\r\n".encode()

    def state(self, now: float) -> dict[str, Any]:
        return {"pressures_mbar": list(self._pressures_mbar(now)), "gauges": list(self._gauges), "unit": self._unit}

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        channel, cleared = int(parameters.get("channel", 1)), bool(parameters.get("cleared", False))
        match kind:
            case "wrong_identity":
                self._model = "TPG 366"
            case "sensor_error":
                self._gauges[channel - 1] = OK if cleared else SENSOR_ERROR
            case "sensor_missing":
                self._gauges[channel - 1] = OK if cleared else NO_SENSOR
            case _:
                raise unknown_fault(kind, "wrong_identity", "sensor_error", "sensor_missing")

    def _set(self, word: str, values: list[str]) -> None:
        """Take the parameters of a mnemonic, if it has any and may have them."""
        match word:
            case "UNI" if values:
                self._unit = _among(values, 0, 5)
            case "DCD" if values:
                self._digits = _among(values, 2, 3)
            case "SCT" if values:
                self._shown = _among(values, 0, 1)
            case "LNG" if values:
                self._language = _among(values, 0, 2)
            case "WDT" if values:
                self._watchdog = _among(values, 0, 1)
            case "COM":
                self._interval_s = INTERVAL_S[_among(values, 0, 2) if values else 1]
            case "RES" if values:
                _among(values, 1, 1)
            case "SEN" if values:
                for place, code in enumerate(_both(values, 0, 2)):
                    if code:
                        self._gauges[place] = OFF if code == 1 else OK
            case "FIL" if values:
                self._filters = _both(values, 0, 2)
            case "DGS" if values:
                self._degas = _both(values, 0, 1)
            case "CAL" if values:
                factors = [float(value) for value in values]
                if len(factors) != 2 or not all(0.1 <= factor <= 10 for factor in factors):
                    raise _Bad(PARAMETER)
                self._factors = factors
            case "SP1" | "SP2" | "SP3" | "SP4" if values:
                channel, low, high = int(values[0]), float(values[1]), float(values[2])
                if channel not in (0, 1) or not 0 <= low <= high or len(values) != 3:
                    raise _Bad(PARAMETER)
                self._relays[int(word[2]) - 1] = [channel, low, high]
            case _ if word not in READABLE or values:
                raise _Bad(SYNTAX if word not in READABLE else PARAMETER)

    def _data(self, now: float) -> str:
        """What ENQ fetches: fresh data of the last mnemonic, or the error word."""
        match self._pending:
            case "PR1" | "PR2":
                return self._gauge(int(self._pending[2]) - 1, now)
            case "PRX" | "COM":
                return f"{self._gauge(0, now)},{self._gauge(1, now)}"
            case "UNI":
                return str(self._unit)
            case "SEN":
                return ",".join("1" if gauge == OFF else "2" for gauge in self._gauges)
            case "TID":
                return ",".join(
                    "noSEn" if gauge == NO_SENSOR else name for gauge, name in zip(self._gauges, HEADS, strict=True)
                )
            case "RES":
                return "9" if SENSOR_ERROR in self._gauges else "0"
            case "SP1" | "SP2" | "SP3" | "SP4":
                channel, low, high = self._relays[int(self._pending[2]) - 1]
                return f"{channel},{low:.4E},{high:.4E}"
            case "SPS":
                pressures = self._pressures_mbar(now)
                return ",".join(str(int(pressures[int(channel)] < low)) for channel, low, _ in self._relays)
            case "FIL":
                return ",".join(map(str, self._filters))
            case "CAL":
                return ",".join(f"{factor:.3f}" for factor in self._factors)
            case "DGS":
                return ",".join(map(str, self._degas))
            case "DCD":
                return str(self._digits)
            case "SCT":
                return str(self._shown)
            case "LNG":
                return str(self._language)
            case "WDT":
                return str(self._watchdog)
            case "AYT":
                return f"{self._model},PTG28290,44990000,010100,010100"
            case "ETH":
                return "0,192.168.1.10,255.255.255.0,192.168.1.1"
            case "MAC":
                return "00:1A:2B:3C:4D:5E"
        # ERR, and ENQ after a refusal or without a question
        word, self._error = self._error, 0
        return f"{word:04d}"

    def _gauge(self, place: int, now: float) -> str:
        value = self._pressures_mbar(now)[place] * self._factors[place] * UNIT_PER_MBAR[self._unit]
        return f"{self._gauges[place]},{2e-2 if self._gauges[place] == NO_SENSOR else value:+.4E}"


HEADS = ("PKR", "IKR9")
READABLE = {
    *("PR1", "PR2", "PRX", "UNI", "SEN", "TID", "ERR", "RES", "SP1", "SP2", "SP3", "SP4", "SPS", "FIL", "CAL", "DGS"),
    *("DCD", "SCT", "LNG", "WDT", "AYT", "ETH", "MAC"),
}


def _among(values: list[str], low: int, high: int) -> int:
    if len(values) != 1 or not low <= int(values[0]) <= high:
        raise _Bad(PARAMETER)
    return int(values[0])


def _both(values: list[str], low: int, high: int) -> list[int]:
    if len(values) != 2 or not all(low <= int(value) <= high for value in values):
        raise _Bad(PARAMETER)
    return [int(value) for value in values]
