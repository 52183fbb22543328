"""Simulated Lake Shore 425 gaussmeter.  Source tags are those of the protocol sheet; *assumed* where it names none.

*Assumed*: a wrong parameter or a number out of range is ignored in silence, like an unknown command; `RANGE n` ends
autorange, and with autorange the range is the smallest that holds the field; above its range the probe saturates and bit 1
of `OPST?` is set; in RMS mode a steady field reads as nothing but noise; set points and alarm limits are given and answered
in the present unit and keep their field when the unit changes; `RDGREL?` is the field less the set point of `RELSP` whether
or not `REL` is on; an alarm does not latch; an alarm inside its limits drives the relay whatever the relay's type; `DFLT`
and `*RST` end alike; the highest field is that of the moments at which the instrument was spoken to.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from simulators.instruments.instrument import lines, unknown_fault

UNITS_PER_TESLA = {1: 1e4, 2: 1.0, 3: 1e4, 4: 1e4 / 0.0125663706}
"""Gauss, tesla, oersted, ampere per metre (P65)."""
NO_PROBE, OVERLOAD, NEW_READING, ALARM, INVALID_PROBE, CALIBRATION, ZERO_DONE = 1, 2, 4, 8, 16, 64, 128
ZEROING_S = 5.0
RELATIVE_NOISE, NOISE_T = 5e-5, 1e-5
"""Of a reading (assumed)."""
FILTERED = 0.2
"""What the filter leaves of the noise (assumed)."""
RANGES_T = {1: 3.5e-3, 2: 35e-3, 3: 0.35, 4: 3.5}
"""Of a high-sensitivity probe (PM)."""
HIGHEST_T = 35.0
"""For set point and alarm limits: 350 kG (P60, P64)."""
MAGNITUDE, OUTSIDE, LOW, HIGH, FOLLOW_ALARM = 1, 1, 1, 2, 2
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d{1,3})?", re.ASCII)
LASTING = {"no_probe": NO_PROBE, "overload": OVERLOAD, "invalid_probe": INVALID_PROBE, "calibration_error": CALIBRATION}
"""Faults that stay until `present=False`, with their bit of `OPST?`."""


class LakeShore425:
    """Hall probe that reads `field_T(now)`."""

    def __init__(self, field_T: Callable[[float], float], seed: int) -> None:
        self._field_T = field_T
        self._random = np.random.default_rng([seed, 425])
        self._model = "MODEL425"
        self._faults = 0
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._unit, self._range, self._auto, self._mode = 1, 4, 1, [1, 0, 1]
        self._zero_T, self._zeroed_s = 0.0, -1.0
        self._highest_T = 0.0
        self._relative, self._relative_T = 0, 0.0
        self._alarm, self._limits_T = [0, 1, 1, 0, 0], (0.0, 0.0)
        self._relay = [0, 3]
        self._last = ""

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\n")

    def answer(self, message: bytes, now: float) -> bytes:
        self._highest_T = max(self._highest_T, abs(self._true_T(now) - self._zero_T))
        line = message.decode("latin-1").strip()
        texts = [self._last] if line == "?" else [text.strip() for text in line.split(";")]
        replies = []
        for text in texts:
            reply = self._one(text, now)
            if reply:
                replies.append(reply)
                self._last = text
        return (";".join(replies) + "\r\n").encode() if replies else b""

    def state(self, now: float) -> dict[str, Any]:
        return {
            "field_T": self._field_T(now),
            "unit": self._unit,
            "mode": self._written(self._mode),
            "zero_T": self._zero_T,
            "alarm": self._alarms(now),
            "relay": self._relay_on(now),
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        if kind == "wrong_identity":
            self._model = "MODEL475"
        elif kind not in LASTING:
            raise unknown_fault(kind, "wrong_identity", *LASTING)
        elif parameters.get("present", True):
            self._faults |= LASTING[kind]
        else:
            self._faults &= ~LASTING[kind]

    def _one(self, text: str, now: float) -> str:
        """One command; what it does not know it ignores in silence (family behaviour, assumed)."""
        name, _, rest = text.upper().partition(" ")
        words = [word.strip() for word in rest.split(",")]
        match name:
            case "*IDN?":
                return f"LSCI,{self._model},4250022,1.0"
            case "*RST":
                self.power_up(now)
            case "DFLT":
                self.power_up(now)
            case "RDGFIELD?":
                return self._number(self._reading_T(now))
            case "RDGMX?":
                return self._number(self._highest_T)
            case "RDGMNMX?":
                return f"{self._number(0.0)},{self._number(self._highest_T)}"
            case "RDGREL?":
                return self._number(self._reading_T(now) - self._relative_T)
            case "REL?":
                return str(self._relative)
            case "REL":
                self._relative = self._digits(words, "01", keep=[self._relative])[0]
            case "RELSP?":
                return self._number(self._relative_T)
            case "RELSP":
                self._relative_T = self._fields_T(words, (self._relative_T,))[0]
            case "UNIT?":
                return str(self._unit)
            case "UNIT":
                self._unit = self._digits(words, "1234", keep=[self._unit])[0]
            case "RANGE?":
                return str(self._present_range(now))
            case "RANGE":
                chosen = self._digits(words, "1234", keep=[])
                self._range, self._auto = (chosen[0], 0) if chosen else (self._range, self._auto)
            case "AUTO?":
                return str(self._auto)
            case "AUTO":
                self._auto = self._digits(["1"] if words == [""] else words, "01", keep=[self._auto])[0]
            case "RDGMODE?":
                return self._written(self._mode)
            case "RDGMODE":
                self._mode = self._digits(words, "12", "01", "12", keep=self._mode)
            case "ZCLEAR":
                self._zero_T = 0.0
            case "ZPROBE":
                self._zero_T, self._zeroed_s = self._field_T(now), now + ZEROING_S
            case "ALARM?":
                return self._alarm_settings()
            case "ALARM":
                self._set_alarm(words)
            case "RELAY?":
                return self._written(self._relay)
            case "RELAY":
                self._relay = self._digits(words, "012", "123", keep=self._relay)
            case "RELAYST?":
                return str(int(self._relay_on(now)))
            case "OPST?":
                return f"{self._status(now):03d}"
            case "TYPE?":
                return "40"
        return ""

    @staticmethod
    def _written(values: list[int]) -> str:
        return ",".join(str(value) for value in values)

    @staticmethod
    def _digits(words: list[str], *allowed: str, keep: list[int]) -> list[int]:
        """One digit for every parameter, or what was before when one is wrong."""
        good = len(words) == len(allowed) and all(len(a) == 1 and a in b for a, b in zip(words, allowed, strict=True))
        return [int(word) for word in words] if good else keep

    def _fields_T(self, words: list[str], keep: tuple[float, ...]) -> tuple[float, ...]:
        """Fields in the present unit, or what was before when one is wrong."""
        if len(words) != len(keep) or not all(NUMBER.fullmatch(word) for word in words):
            return keep
        values_T = tuple(float(word) / UNITS_PER_TESLA[self._unit] for word in words)
        return values_T if all(abs(value_T) <= HIGHEST_T * (1 + 1e-9) for value_T in values_T) else keep

    def _set_alarm(self, words: list[str]) -> None:
        digits = self._digits(words[:2] + words[4:], "01", "12", "12", "01", "01", keep=[])
        limits_T = self._fields_T(words[2:4], (np.nan, np.nan))
        if digits and not np.isnan(limits_T[0]):
            self._alarm, self._limits_T = digits, (limits_T[0], limits_T[1])

    def _alarm_settings(self) -> str:
        limits = ",".join(self._number(limit_T) for limit_T in self._limits_T)
        return f"{self._written(self._alarm[:2])},{limits},{self._written(self._alarm[2:])}"

    def _alarms(self, now: float) -> list[int]:
        """Which alarms are active: of LOW and HIGH those limits that are passed, both while inside when that is the alarm."""
        on, mode, side, _, _ = self._alarm
        field_T = self._true_T(now) - self._zero_T
        field_T = abs(field_T) if mode == MAGNITUDE else field_T
        passed = [one for one, out in ((LOW, field_T < self._limits_T[0]), (HIGH, field_T > self._limits_T[1])) if out]
        if not on:
            return []
        return passed if side == OUTSIDE else [] if passed else [LOW, HIGH]

    def _relay_on(self, now: float) -> bool:
        mode, kind = self._relay
        return bool(kind & sum(self._alarms(now))) if mode == FOLLOW_ALARM else bool(mode)

    def _status(self, now: float) -> int:
        done = ZERO_DONE if 0 <= self._zeroed_s <= now else 0
        over = OVERLOAD if abs(self._true_T(now)) > RANGES_T[self._present_range(now)] else 0
        return self._faults | NEW_READING | done | over | (ALARM if self._alarms(now) else 0)

    def _true_T(self, now: float) -> float:
        """What the probe feels, in the mode that is set."""
        return self._field_T(now) if self._mode[0] == 1 else 0.0

    def _present_range(self, now: float) -> int:
        if not self._auto:
            return self._range
        return next((n for n, full_T in RANGES_T.items() if abs(self._true_T(now)) <= full_T), 4)

    def _reading_T(self, now: float) -> float:
        full_T = RANGES_T[self._present_range(now)]
        field = min(full_T, max(-full_T, self._true_T(now))) - self._zero_T
        noise = self._random.standard_normal() * (NOISE_T + RELATIVE_NOISE * abs(field))
        return float(field + noise * (FILTERED if self._mode[1] else 1.0))

    def _number(self, field_T: float) -> str:
        """±nnn.nnnE±nn in the current unit (P64)."""
        value = field_T * UNITS_PER_TESLA[self._unit]
        exponent = 0
        while abs(value) >= 999.9995:
            value, exponent = value / 1000, exponent + 3
        while 0 < abs(value) < 1 and exponent > -6:
            value, exponent = value * 1000, exponent - 3
        return f"{value:+08.3f}E{exponent:+03d}"
