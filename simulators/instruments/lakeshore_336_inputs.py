"""Inputs of the simulated Lake Shore 336, sensors and standard curves; how parameters are read and numbers written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from simulators.world.cold_head import ROOM_K

CELSIUS_K = 273.15
DIODE, PLATINUM, NEGATIVE, THERMOCOUPLE, CAPACITANCE = 1, 2, 3, 4, 5
KELVIN, CELSIUS, SENSOR = 1, 2, 3
HIGHEST_SET_K = 400.0
INVALID, UNDER, OVER, UNITS_ZERO, UNITS_OVER = 1, 16, 32, 64, 128
LONGEST_NAME = 15
LETTERS = ("A", "B", "C", "D")
SENSOR_FAULTS = {"sensor_open": UNITS_OVER, "sensor_short": UNITS_ZERO, "too_cold": UNDER, "too_warm": OVER}
_KELVINS = (0.0, 4.2, 10.0, 20.0, 25.0, 77.0, 300.0, 500.0)
_SENSORS = {
    DIODE: (1.65, 1.578, 1.42, 1.198, 1.1, 1.0205, 0.5597, 0.1),
    PLATINUM: (1.8, 1.9, 2.0, 2.3, 2.8, 20.2, 110.4, 185.0),
    NEGATIVE: (9000.0, 4920.0, 1780.0, 940.0, 780.0, 312.0, 57.0, 36.0),
    THERMOCOUPLE: (-6.458, -6.456, -6.45, -6.42, -6.4, -5.83, 1.08, 9.2),
    CAPACITANCE: (5.0, 5.1, 5.2, 5.4, 5.5, 6.5, 11.0, 15.0),
}
"""Volt, ohm, ohm, millivolt, nanofarad at `_KELVINS` (assumed)."""
_OHMS = (10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5)
RANGES = {
    0: (np.inf,),
    DIODE: (2.5, 10.0),
    PLATINUM: _OHMS,
    NEGATIVE: _OHMS,
    THERMOCOUPLE: (np.inf,),
    CAPACITANCE: (np.inf, np.inf),
}
"""Full scale of each range of a sensor type (LS; that of the last two assumed)."""
CURVES = {DIODE: range(1, 6), PLATINUM: range(6, 8), NEGATIVE: range(8, 12), THERMOCOUPLE: range(12, 21), CAPACITANCE: range(0)}
"""Standard curves of each sensor type (assumed); user curves, 21 to 59, suit every type."""
_NAMES = {1: "DT-470", 2: "DT-670", 3: "DT-500-D", 4: "DT-500-E1", 6: "PT-100", 7: "PT-1000", 8: "RX-102A-AA", 9: "RX-202A-AA"}
_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)


def number(value: float) -> str:
    """Sign and up to seven characters, as in `+4.2113` and `+293.150`."""
    size = abs(value)
    return f"{value:+.{4 if size < 99.99995 else 3 if size < 999.9995 else 2}f}"


def written(values: Sequence[float]) -> str:
    """Whole numbers as they are, others as `number`."""
    return ",".join(str(value) if isinstance(value, int) else number(value) for value in values)


def gains(pid: Sequence[float]) -> str:
    """P, I and D as in `+0150.0,+0005.0,+000.0`."""
    p, i, d = pid
    return f"{p:+07.1f},{i:+07.1f},{d:+06.1f}"


def curve_header(number: int) -> str:
    """Name, serial number, format, limit and coefficient, with the widths of M336."""
    name, serial = (
        (f"User {number}", "") if number > CURVES[THERMOCOUPLE][-1] else (_NAMES.get(number, f"Standard {number}"), "STANDARD")
    )
    form, coefficient = (4, 1) if number in CURVES[NEGATIVE] else (2, 2 if number in CURVES[PLATINUM] else 1)
    return f"{name:15},{serial:10},{form},+500.000,{coefficient}"


class Parameters:
    """Takes the parameters of one command in turn; `ValueError` for what is missing, left over or not allowed."""

    def __init__(self, text: str) -> None:
        self._left = [part.strip() for part in text.split(",")] if text.strip() else []

    def text(self) -> str:
        if not self._left:
            raise ValueError("a parameter is missing")
        return self._left.pop(0)

    def whole(self, low: int, high: int, keep: int | None = None) -> int:
        """Where there is something to keep, an empty parameter keeps it; so for the others."""
        text = self.text() or ("" if keep is None else str(keep))
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    def real(self, low: float, high: float) -> float:
        text = self.text()
        if not _REAL.fullmatch(text) or not low <= float(text) <= high:
            raise ValueError(text)
        return float(text)

    def input(self, keep: str = "") -> str:
        text = self.text().upper() or keep
        if text not in LETTERS:
            raise ValueError(text)
        return text

    def inputs(self) -> Sequence[str]:
        """One input, or with 0 all of them."""
        if self._left[:1] == ["0"]:
            self.text()
            return LETTERS
        return [self.input()]

    def rest(self, *bounds: tuple[float, float], keep: Sequence[float] = ()) -> list[float]:
        """All that is left: whole numbers between whole bounds.  What is empty keeps its value if there is one to keep."""
        values: list[float] = []
        for place, (low, high) in enumerate(bounds):
            if keep and self._left[:1] == [""]:
                self.text()
                values.append(keep[place])
            elif isinstance(low, int) and isinstance(high, int):
                values.append(self.whole(low, high))
            else:
                values.append(self.real(low, high))
        self.end()
        return values

    def last(self, low: int, high: int, keep: int | None = None) -> int:
        value = self.whole(low, high, keep)
        self.end()
        return value

    def name(self) -> str:
        """All that is left, with or without quotation marks."""
        if not self._left:
            raise ValueError("a name is missing")
        text = ",".join(self._left).strip('"')
        if not (text.isascii() and text.isprintable()):
            raise ValueError(text)
        self._left = []
        return text[:LONGEST_NAME]

    def end(self) -> None:
        if self._left:
            raise ValueError(self._left)


@dataclass
class Input:
    """A sensor input: what is at the sensor, and how it is read."""

    name: str
    temperature_K: float = ROOM_K
    kind: list[int] = field(default_factory=lambda: [DIODE, 1, 0, 0, KELVIN])
    """Sensor type, autorange, range, compensation, preferred units."""
    curve: int = 2
    filter: list[float] = field(default_factory=lambda: [0, 8, 10])
    """On, points, percentage of the full scale at which the filter starts anew."""
    limit_K: float = 0.0
    alarm: list[float] = field(default_factory=lambda: [0, HIGHEST_SET_K, 0.0, 0.0, 0, 0, 1])
    """On, high, low, deadband, latching, audible, visible."""
    high: bool = False
    low: bool = False
    fault: int = 0
    read_K: float = ROOM_K
    """The last reading, filtered."""

    @property
    def status(self) -> int:
        bits = self.fault | (0 if self.kind[0] and self.curve else INVALID)
        sensor, automatic, chosen, *_ = self.kind
        if not automatic and sensor and self._converted(self.read_K, SENSOR) > RANGES[sensor][chosen]:
            bits |= UNITS_OVER
        return bits

    @property
    def preferred(self) -> int:
        """Preferred units; what has no sensor can only be in kelvin."""
        return self.kind[4] if self.kind[0] else KELVIN

    def reading(self, units: int) -> float:
        """0 for what is not valid (assumed)."""
        valid = not self.status or (units == SENSOR and self.kind[0] and self.status == INVALID)
        return self._converted(self.read_K, units) if valid else 0.0

    def shown(self, kelvin: float) -> float:
        """A temperature in the preferred units."""
        return self._converted(kelvin, self.preferred)

    def set_K(self, value: float) -> float:
        """The temperature of a set point that is given in the preferred units."""
        if self.preferred == SENSOR:
            value = self._kelvin(value)
        elif self.preferred == CELSIUS:
            value += CELSIUS_K
        if not 0 <= value <= HIGHEST_SET_K:
            raise ValueError(value)
        return value

    def set_kind(self, kind: list[int]) -> None:
        """Another sensor type takes the curve away (assumed)."""
        if kind[2] >= len(RANGES[kind[0]]):
            raise ValueError(kind)
        if kind[0] != self.kind[0]:
            self.curve = 0
        self.kind = kind

    def set_curve(self, number: int) -> None:
        """What does not fit the sensor type leaves 0 (LS)."""
        fits = self.kind[0] and (number > CURVES[THERMOCOUPLE][-1] or number in CURVES[self.kind[0]])
        self.curve = number if fits else 0

    def read(self) -> None:
        """One reading."""
        on, points, percent = self.filter
        away_K = self.temperature_K - self.read_K
        if on and abs(away_K) <= percent / 100 * HIGHEST_SET_K:
            self.read_K += away_K * 2 / (points + 1)
        else:
            self.read_K = self.temperature_K

    @property
    def too_hot(self) -> bool:
        return self.limit_K > 0 and self.read_K > self.limit_K and not self.status

    def watch(self) -> None:
        """High and low alarm of a valid reading, with deadband; a latching one stays until ALMRST."""
        if not self.alarm[0]:
            self.high = self.low = False
            return
        if self.status:
            return
        value = self.shown(self.read_K)
        _, high, low, deadband, latching, *_ = self.alarm
        self.high = value > high or (self.high and (bool(latching) or value > high - deadband))
        self.low = value < low or (self.low and (bool(latching) or value < low + deadband))

    def _converted(self, kelvin: float, units: int) -> float:
        if units == KELVIN:
            return kelvin
        return kelvin - CELSIUS_K if units == CELSIUS else float(np.interp(kelvin, _KELVINS, _SENSORS[self.kind[0]]))

    def _kelvin(self, value: float) -> float:
        pairs = sorted(zip(_SENSORS[self.kind[0]], _KELVINS, strict=True))
        values, kelvins = [one for one, _ in pairs], [one for _, one in pairs]
        if not values[0] <= value <= values[-1]:
            raise ValueError(value)
        return float(np.interp(value, values, kelvins))
