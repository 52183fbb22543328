"""Simulated iseg NHQ 208L: two channels, 8 kV, 1 mA, whole volts, an echo for every byte.

*Assumed*: capitals only; V and other settings out of range are answered `????`; every load is 100 Mohm; under manual control
(`MAN`) settings are answered and have no effect on the output; G on a channel that is already there answers `ON `; the front
switch takes the voltage away at once, keeps the set point, and waits for G when it is on again; a reading dances by one volt.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulators.instruments.instrument import unknown_fault

NOMINAL_V, PERCENT, LOAD_MOHM = 8000, 70, 100.0
LIMITS = {"V": (2, 255), "L": (0, 9999), "A": (0, 15)}
INHIBITED, ERROR, SWITCHED_OFF, MANUAL = 32, 64, 8, 2


@dataclass
class _Channel:
    set_V: int = 0
    ramp_V_s: int = 2
    trip: int = 0
    autostart: int = 0
    target_V: int = 0
    voltage_V: float = 0.0
    at_s: float = 0.0
    latched: str = ""
    switched_off: bool = False

    def advance(self, now: float) -> None:
        step = self.ramp_V_s * max(now - self.at_s, 0.0)
        self.at_s = max(now, self.at_s)
        self.voltage_V += max(-step, min(step, self.target_V - self.voltage_V))

    def word(self, *, manual: bool) -> str:
        if manual:
            return "MAN"
        if self.switched_off:
            return "OFF"
        if self.latched:
            return self.latched
        if abs(self.voltage_V - self.target_V) < 0.5:
            return "ON "
        return "L2H" if self.voltage_V < self.target_V else "H2L"


class IsegNHQ:
    """`split` gives single bytes, since each is echoed by itself."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._channels = [_Channel(), _Channel()]
        self._identity = "481198;2.06;8000V;1000uA"
        self._break_ms = 3
        self._manual = self._spoil_echo = False
        self._line = bytearray()

    def power_up(self, now: float) -> None:
        """No voltage, set points forgotten unless saved; autostart and the front switches are kept."""
        self._channels = [
            _Channel(at_s=now, autostart=channel.autostart, switched_off=channel.switched_off) for channel in self._channels
        ]
        self._line.clear()

    def break_s(self) -> float:
        return self._break_ms * 1e-3

    def voltage_V(self, channel: int, now: float) -> float:
        """Magnitude at the output of channel 1 or 2."""
        one = self._channels[channel - 1]
        one.advance(now)
        return one.voltage_V

    def split(self, received: bytearray) -> Iterable[bytes]:
        messages = [bytes((byte,)) for byte in received]
        received.clear()
        return messages

    def answer(self, message: bytes, now: float) -> bytes:
        """The echo; behind that of LF the reply of the line that it ends."""
        echo, self._spoil_echo = (b"\x7f" if self._spoil_echo else message), False
        if message != b"\n":
            self._line += message
            if len(self._line) > 64:
                self._line.clear()
            return echo
        text = self._line.rstrip(b"\r").decode("latin-1")
        self._line.clear()
        for channel in self._channels:
            channel.advance(now)
        return echo + (self._obey(text) + "\r\n").encode("latin-1")

    def state(self, now: float) -> dict[str, Any]:
        return {
            "voltages_V": [self.voltage_V(channel, now) for channel in (1, 2)],
            "set_voltages_V": [channel.set_V for channel in self._channels],
            "manual": self._manual,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        one, present = self._channels[int(parameters.get("channel", 1)) - 1], bool(parameters.get("present", True))
        one.advance(now)
        match kind:
            case "wrong_identity":
                self._identity = "iseg;SHR;1"
            case "front_panel":
                self._manual = present
            case "trip":
                one.latched, one.target_V, one.voltage_V = "TRP", 0, 0.0
            case "inhibit":
                one.latched, one.target_V, one.voltage_V = ("INH" if present else ""), 0, 0.0
            case "switch":
                one.switched_off, one.target_V, one.voltage_V = present, 0, 0.0
            case "echo":
                self._spoil_echo = True
            case _:
                raise unknown_fault(kind, "wrong_identity", "front_panel", "trip", "inhibit", "switch", "echo")

    def _obey(self, text: str) -> str:
        if text == "#":
            return self._identity
        found = re.fullmatch(r"([A-Z])(\d?)(?:=(\d{1,5}(?:\.\d{1,2})?))?", text)
        if found is None:
            return "????"
        letter, number, value = found.groups()
        if letter == "W" and not number:
            return self._break(value)
        if number not in ("1", "2"):
            return "?WCN" if number else "????"
        channel = self._channels[int(number) - 1]
        return self._ask(letter, number, channel) if value is None else self._set(letter, channel, float(value))

    def _break(self, value: str | None) -> str:
        if value is None:
            return f"{self._break_ms:03d}"
        if not 2 <= float(value) <= 255:
            return "????"
        self._break_ms = int(float(value))
        return ""

    def _ask(self, letter: str, number: str, channel: _Channel) -> str:
        match letter:
            case "U":
                dance_V = self._random.choice((-1, 0, 1)) if channel.voltage_V >= 1 else 0
                return f"-{channel.voltage_V + dance_V:04.0f}"
            case "I":
                return f"{channel.voltage_V / LOAD_MOHM:04.0f}-6"
            case "M" | "N":
                return f"{PERCENT:03d}"
            case "D":
                return f"{channel.set_V:04d}"
            case "V":
                return f"{channel.ramp_V_s:03d}"
            case "L":
                return f"{channel.trip:04d}"
            case "A":
                return f"{channel.autostart:03d}"
            case "T":
                bits = (MANUAL if self._manual else 0) | (INHIBITED if channel.latched == "INH" else 0)
                bits |= SWITCHED_OFF if channel.switched_off else 0
                return f"{bits | (ERROR if channel.latched == 'TRP' else 0):03d}"
            case "G":
                if not self._manual and not channel.latched and not channel.switched_off:
                    channel.target_V = channel.set_V
                return f"S{number}={channel.word(manual=self._manual)}"
            case "S":
                word = channel.word(manual=self._manual)
                if channel.latched == "TRP":
                    # Reading releases the latch, and autostart brings the voltage back without being asked (sheet, 8).
                    channel.latched, channel.target_V = "", channel.set_V if channel.autostart & 8 else 0
                return f"S{number}={word}"
        return "????"

    def _set(self, letter: str, channel: _Channel, value: float) -> str:
        if letter == "D":
            highest_V = NOMINAL_V * PERCENT // 100
            channel.set_V = min(int(value), highest_V)
            return f"? UMAX@={highest_V}" if value > highest_V else ""
        if letter not in LIMITS or not LIMITS[letter][0] <= value <= LIMITS[letter][1]:
            return "????"
        match letter:
            case "V":
                channel.ramp_V_s = int(value)
            case "L":
                channel.trip = int(value)
            case "A":
                channel.autostart = int(value)
        return ""
