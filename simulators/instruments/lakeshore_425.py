"""Simulated Lake Shore 425 gaussmeter.  Source tags are those of the protocol sheet; *assumed* where it names none."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from simulators.instruments.instrument import lines, unknown_fault

UNITS_PER_TESLA = {1: 1e4, 2: 1.0, 3: 1e4, 4: 1e4 / 0.0125663706}
"""Gauss, tesla, oersted, ampere per metre (P65)."""
NO_PROBE, OVERLOAD, NEW_READING, ZERO_DONE = 1, 2, 4, 128
ZEROING_S = 5.0
RELATIVE_NOISE, NOISE_T = 5e-5, 1e-5
"""Of a reading (assumed)."""


class LakeShore425:
    """Hall probe that reads `field_T(now)`."""

    def __init__(self, field_T: Callable[[float], float], seed: int) -> None:
        self._field_T = field_T
        self._random = np.random.default_rng([seed, 425])
        self._model = "MODEL425"
        self._faults = 0
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._unit, self._range, self._auto, self._mode = 1, 4, 1, "1,0,1"
        self._zero_T, self._zeroed_s = 0.0, -1.0
        self._highest_T = 0.0

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\n")

    def answer(self, message: bytes, now: float) -> bytes:
        parts = [self._one(text.strip(), now) for text in message.decode("latin-1").split(";")]
        replies = [part for part in parts if part]
        return (";".join(replies) + "\r\n").encode() if replies else b""

    def state(self, now: float) -> dict[str, Any]:
        return {"field_T": self._field_T(now), "unit": self._unit, "mode": self._mode}

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        match kind:
            case "wrong_identity":
                self._model = "MODEL475"
            case "no_probe":
                self._faults |= NO_PROBE
            case "overload":
                self._faults |= OVERLOAD
            case _:
                raise unknown_fault(kind, "wrong_identity", "no_probe", "overload")

    def _one(self, text: str, now: float) -> str:
        """One command; what it does not know it ignores in silence (family behaviour, assumed)."""
        name, _, rest = text.partition(" ")
        match name.upper():
            case "*IDN?":
                return f"LSCI,{self._model},4250022,1.0"
            case "*RST":
                self.power_up(now)
            case "RDGFIELD?":
                return self._number(self._reading_T(now))
            case "RDGMX?":
                return self._number(self._highest_T)
            case "UNIT?":
                return str(self._unit)
            case "UNIT" if rest in ("1", "2", "3", "4"):
                self._unit = int(rest)
            case "RANGE?":
                return str(self._range)
            case "RANGE" if rest in ("1", "2", "3", "4"):
                self._range = int(rest)
            case "AUTO":
                self._auto = int(rest) if rest in ("0", "1") else 1
            case "RDGMODE?":
                return self._mode
            case "RDGMODE":
                self._mode = rest
            case "ZCLEAR":
                self._zero_T = 0.0
            case "ZPROBE":
                self._zero_T, self._zeroed_s = self._field_T(now), now + ZEROING_S
            case "OPST?":
                done = ZERO_DONE if 0 <= self._zeroed_s <= now else 0
                return f"{self._faults | NEW_READING | done:03d}"
            case "TYPE?":
                return "40"
        return ""

    def _reading_T(self, now: float) -> float:
        field = self._field_T(now) - self._zero_T
        noise = self._random.standard_normal() * (NOISE_T + RELATIVE_NOISE * abs(field))
        self._highest_T = max(self._highest_T, abs(field))
        return float(field + noise)

    def _number(self, field_T: float) -> str:
        """±nnn.nnnE±nn in the current unit (P64)."""
        value = field_T * UNITS_PER_TESLA[self._unit]
        exponent = 0
        while abs(value) >= 1000:
            value, exponent = value / 1000, exponent + 3
        while 0 < abs(value) < 1 and exponent > -6:
            value, exponent = value * 1000, exponent - 3
        return f"{value:+08.3f}E{exponent:+03d}"
