"""Simulated Alicat PC, single valve, in bar.

*Assumed*: frames have two digits after the point; a set point outside 0 to full scale is ignored, so the frame shows the
old one; register writes answer like reads; the pressure follows with a time constant of 0.5 s; `SR` answers rate, rate,
unit code, words.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault

TIME_CONSTANT_S = 0.5
FULL_COUNTS = 64000


class AlicatPC:
    """`full_scale_bar` is its capacity, `unit_id` its letter."""

    def __init__(self, full_scale_bar: float = 10.0, unit_id: str = "A") -> None:
        self._full_bar, self._id = full_scale_bar, unit_id
        self._registers = {21: 500, 22: 10, 23: 20, 85: 1, 91: 50, 122: 34}
        self._set_bar, self._ramp_bar_s, self._locked = 0.0, 0.0, False
        self._ramp_flags = "1 1 0 0"
        self._supply = True
        self._panel = self._over = False
        self._pressure_bar, self._at_s = 0.0, 0.0
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        """The valve is free, polling mode; set point, ramp and registers are kept."""
        self._hold: str | None = None
        self._streaming, self._streamed_s = False, now

    def pressure_bar(self, now: float) -> float:
        passed, self._at_s = max(now - self._at_s, 0.0), max(now, self._at_s)
        if self._hold == "held" or not self._supply:
            return self._pressure_bar
        target = 0.0 if self._hold == "closed" else self._set_bar
        wanted = (target - self._pressure_bar) * -math.expm1(-passed / TIME_CONSTANT_S)
        if self._ramp_bar_s:
            wanted = max(-self._ramp_bar_s * passed, min(self._ramp_bar_s * passed, wanted))
        self._pressure_bar += wanted
        return self._pressure_bar

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\r")

    def answer(self, message: bytes, now: float) -> bytes:
        text = message.strip(b"\n\0").decode("latin-1").upper()
        if text.startswith("@@=") and len(text) == 4 and text[3].isalpha():
            self._id, self._streaming = text[3], False
            return b""
        if not text.startswith(self._id):
            return b""
        self.pressure_bar(now)
        reply = self._obey(text[1:].removeprefix("$$"), now)
        return (reply + "\r").encode() if reply else b""

    def speak(self, now: float) -> bytes:
        if not self._streaming or now - self._streamed_s < self._registers[91] / 1000:
            return b""
        self._streamed_s = now
        return (self._frame(now) + "\r").encode()

    def state(self, now: float) -> dict[str, Any]:
        return {"pressure_bar": self.pressure_bar(now), "set_bar": self._set_bar, "hold": self._hold, "locked": self._locked}

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        present = bool(parameters.get("present", True))
        self.pressure_bar(now)
        match kind:
            case "wrong_identity":
                self._registers[122] = 37
            case "front_panel":
                self._panel = present
            case "overpressure":
                self._over = present
            case "supply_lost":
                self._supply = not present
            case _:
                raise unknown_fault(kind, "wrong_identity", "front_panel", "overpressure", "supply_lost")

    def _obey(self, text: str, now: float) -> str:
        match text:
            case "":
                return self._frame(now)
            case "HP" | "H":
                self._hold = "held"
            case "HC":
                self._hold = "closed"
            case "C":
                self._hold = None
            case "L":
                self._locked = True
            case "U":
                self._locked = False
            case "P" | "PC":
                return self._frame(now)
            case "LS":
                return f"{self._id} {self._pressure_bar:+07.2f} {self._set_bar:+07.2f} 00 bar"
            case "VE" | "??M9":
                return f"{self._id}   6v21.0-R22 Nov 30 2016,16:04:20"
            case "??M*":
                return f"{self._id} M01 ALICAT SCIENTIFIC\r{self._id} M04 PC-150PSIA"
            case "??D*":
                return f"{self._id} D01 001 ABS PRESSURE\r{self._id} D02 002 SETPOINT"
            case "SR":
                return f"{self._id} {self._ramp_bar_s:.4f} {self._ramp_bar_s:.4f} 4 bar/s"
            case "LSRC":
                return f"{self._id} {self._ramp_flags}"
            case "@=@":
                self._streaming, self._streamed_s = True, now
                return ""
            case _:
                return self._with_value(text, now)
        return self._frame(now)

    def _with_value(self, text: str, now: float) -> str:
        if found := re.fullmatch(r"S([+-]?\d+(?:\.\d*)?)", text):
            self._take(float(found[1]))
            return self._frame(now)
        if found := re.fullmatch(r"(\d{1,5})", text):
            self._take(self._full_bar * int(found[1]) / FULL_COUNTS)
            return self._frame(now)
        if found := re.fullmatch(r"SR (\d+(?:\.\d*)?) ([34567])", text):
            self._ramp_bar_s = float(found[1]) / {"3": 1e-3, "4": 1, "5": 60, "6": 3600, "7": 86400}[found[2]]
            return self._obey("SR", now)
        if found := re.fullmatch(r"LSRC ([01] [01] [01] [01])", text):
            self._ramp_flags = found[1]
            return self._obey("LSRC", now)
        if (found := re.fullmatch(r"(?:R|W)(\d{1,3})(?:=(\d{1,5}))?", text)) and int(found[1]) in self._registers:
            if found[2] is not None:
                self._registers[int(found[1])] = int(found[2])
            return f"{self._id}   {int(found[1]):03d} = {self._registers[int(found[1])]}"
        if found := re.fullmatch(r"@=([A-Z])", text):
            self._id = found[1]
            return self._frame(now)
        return "?"

    def _take(self, bar: float) -> None:
        if 0 <= bar <= 1.024 * self._full_bar and not self._panel:
            self._set_bar = bar

    def _frame(self, now: float) -> str:
        words = (("LCK", self._locked), ("HLD", self._hold is not None), ("POV", self._over))
        told = "".join(f" {word}" for word, on in words if on)
        return f"{self._id} {self.pressure_bar(now):+07.2f} {self._set_bar:+07.2f}{told}"
