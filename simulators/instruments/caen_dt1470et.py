"""Simulated CAEN DT1470ET, four channels of 8 kV.

*Assumed*: every load is 100 Mohm; a VSET above MAXV is refused with VAL:ERR; ON of a disabled channel is taken without effect;
with KILL, and at the channel's switch, the output falls at once; VMON dances by two digits; errors are looked for in the order
format, board parameter, channel, value, local; a set voltage of a channel that is off is only remembered.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault

LOAD_MOHM = 100.0
ON, UP, DOWN, OVC, UNV, MAXV, TRIP, DIS, KILLED, ILK = 0, 1, 2, 3, 5, 6, 7, 10, 11, 12
CHANNELS = 4
FIXED = {
    "VMIN": "0000.0",
    "VMAX": "8000.0",
    "VDEC": "1",
    "IMIN": "0000.00",
    "IMAX": "3000.00",
    "ISDEC": "2",
    "IMDEC": "2",
    "MVMIN": "0000",
    "MVMAX": "8100",
    "MVDEC": "0",
    "RUPMIN": "001",
    "RUPMAX": "500",
    "RUPDEC": "0",
    "RDWMIN": "001",
    "RDWMAX": "500",
    "RDWDEC": "0",
    "TRIPMIN": "0000.0",
    "TRIPMAX": "1000.0",
    "TRIPDEC": "1",
}
"""Limits and decimals of a channel's settings."""
SETTINGS = {
    "VSET": (0.0, 8000.0, "06.1f"),
    "ISET": (0.0, 3000.0, "07.2f"),
    "MAXV": (0.0, 8100.0, "04.0f"),
    "RUP": (1.0, 500.0, "03.0f"),
    "RDW": (1.0, 500.0, "03.0f"),
    "TRIP": (0.0, 1000.0, "06.1f"),
}
WORDS = {"PDWN": ("RAMP", "KILL"), "IMRANGE": ("HIGH", "LOW")}


class _Error(Exception):
    """The field that is wrong."""


@dataclass
class _Channel:
    settings: dict[str, float] = field(
        default_factory=lambda: {"VSET": 0.0, "ISET": 100.0, "MAXV": 8000.0, "RUP": 50.0, "RDW": 50.0, "TRIP": 10.0}
    )
    words: dict[str, str] = field(default_factory=lambda: {"PDWN": "RAMP", "IMRANGE": "HIGH"})
    on: bool = False
    latched: int = 0
    disabled: bool = False
    collapsed: bool = False
    voltage_V: float = 0.0
    at_s: float = 0.0
    over_s: float = 0.0

    def target_V(self) -> float:
        return min(self.settings["VSET"], self.settings["MAXV"]) if self.on and not self.collapsed else 0.0

    def advance(self, now: float) -> None:
        """Ramp on to `now`, and trip when the current stays at its limit for too long."""
        passed, self.at_s = max(now - self.at_s, 0.0), max(now, self.at_s)
        target = self.target_V()
        highest = self.settings["ISET"] * LOAD_MOHM
        if self.on and target > highest and self.voltage_V >= highest - 1e-9:
            self.over_s += passed
            if self.settings["TRIP"] < 1000 and self.over_s > self.settings["TRIP"]:
                self.on, self.latched = False, self.latched | 1 << TRIP
                target = 0.0
        else:
            self.over_s = 0.0
        goal = min(target, highest) if self.on else 0.0
        step = passed * self.settings["RUP" if goal > self.voltage_V else "RDW"]
        change = max(-step, min(step, goal - self.voltage_V))
        self.voltage_V += change

    def word(self) -> int:
        target = self.target_V()
        word = self.latched | self.on << ON | self.disabled << DIS
        if self.on and self.collapsed and self.settings["VSET"] > 0:
            return word | 1 << UNV
        if (
            self.on
            and target > self.settings["ISET"] * LOAD_MOHM
            and self.voltage_V >= self.settings["ISET"] * LOAD_MOHM - 1e-9
        ):
            return word | 1 << OVC | 1 << UNV
        if self.voltage_V < target - 1e-9:
            word |= 1 << UP
        if self.voltage_V > target + 1e-9:
            word |= 1 << DOWN
        return word | (self.on and self.settings["VSET"] > self.settings["MAXV"]) << MAXV


class CaenDT1470ET:
    """`board` is its address; another address is not answered."""

    def __init__(self, board: int = 0, seed: int = 0) -> None:
        self._board, self._random = board, random.Random(seed)
        self._name = "DT1470ET"
        self._channels = [_Channel() for _ in range(CHANNELS)]
        self._local = self._interlock = False
        self._interlock_mode, self._alarm = "OPEN", 0

    def power_up(self, now: float) -> None:
        """All off; settings are kept."""
        for channel in self._channels:
            channel.on, channel.latched, channel.collapsed, channel.voltage_V, channel.at_s = False, 0, False, 0.0, now
        self._alarm = 0

    def voltage_V(self, channel: int, now: float) -> float:
        """Magnitude at the output."""
        self._channels[channel].advance(now)
        return self._channels[channel].voltage_V

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\n")

    def answer(self, message: bytes, now: float) -> bytes:
        text = message.strip(b"\r\n ").decode("latin-1")
        if not text:
            return b""
        found = re.match(r"\$BD:(\d{1,2})[,:](.*)", text)
        if found is None:
            return f"#BD:{self._board:02d},CMD:ERR\r\n".encode()
        if int(found[1]) != self._board:
            return b""
        for channel in self._channels:
            channel.advance(now)
        try:
            reply = self._obey(dict(_pair(part) for part in found[2].split(",")))
        except _Error as error:
            return f"#BD:{self._board:02d},{error}:ERR\r\n".encode()
        return f"#BD:{self._board:02d},CMD:OK{f',VAL:{reply}' if reply is not None else ''}\r\n".encode()

    def state(self, now: float) -> dict[str, Any]:
        return {
            "voltages_V": [self.voltage_V(channel, now) for channel in range(CHANNELS)],
            "set_voltages_V": [channel.settings["VSET"] for channel in self._channels],
            "on": [channel.on for channel in self._channels],
            "local": self._local,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        channel, present = int(parameters.get("channel", 0)), bool(parameters.get("present", True))
        one = self._channels[channel]
        one.advance(now)
        match kind:
            case "wrong_identity":
                self._name = "SY5527"
            case "front_panel":
                self._local = present
            case "interlock":
                self._interlock = present
                for each in self._channels:
                    each.on, each.latched = each.on and not present, each.latched | 1 << ILK
            case "trip":
                one.on, one.latched = False, one.latched | 1 << TRIP
                self._alarm |= 1 << channel
            case "collapse":
                one.collapsed = present
            case "switch":
                one.disabled = present
                if present:
                    one.on, one.voltage_V = False, 0.0
            case "kill":
                one.on, one.latched, one.voltage_V = False, one.latched | 1 << KILLED, 0.0
            case _:
                raise unknown_fault(kind, "wrong_identity", "front_panel", "interlock", "trip", "collapse", "switch", "kill")

    def _obey(self, fields: dict[str, str]) -> str | None:
        kind, name = fields.get("CMD"), fields.get("PAR", "")
        if kind not in ("MON", "SET"):
            raise _Error("CMD")
        if name.startswith("BD"):
            if kind == "MON":
                return self._monitor_board(name)
            self._set_board(name, fields.get("VAL", ""))
            return None
        if not re.fullmatch(r"[0-4]", fields.get("CH", "")):
            raise _Error("CH")
        number = int(fields["CH"])
        chosen = self._channels if number == CHANNELS else [self._channels[number]]
        if kind == "MON":
            return ";".join(self._monitor(channel, name) for channel in chosen)
        if self._local:
            raise _Error("LOC")
        for channel in chosen:
            self._set(channel, name, fields.get("VAL", ""))
        return None

    def _monitor_board(self, name: str) -> str:
        match name:
            case "BDNAME":
                return self._name
            case "BDNCH":
                return str(CHANNELS)
            case "BDFREL":
                return "1.08"
            case "BDSNUM":
                return "33997"
            case "BDCTR":
                return "LOCAL" if self._local else "REMOTE"
            case "BDTERM":
                return "OFF"
            case "BDILK":
                return "YES" if self._interlock else "NO"
            case "BDILKM":
                return self._interlock_mode
            case "BDALARM":
                return f"{self._alarm:05d}"
        raise _Error("PAR")

    def _set_board(self, name: str, value: str) -> None:
        if name not in ("BDILKM", "BDCLR"):
            raise _Error("PAR")
        if self._local:
            raise _Error("LOC")
        if name == "BDCLR":
            self._alarm = 0
            for channel in self._channels:
                channel.latched = 1 << ILK if self._interlock else 0
        elif value in ("OPEN", "CLOSED"):
            self._interlock_mode = value
        else:
            raise _Error("VAL")

    def _monitor(self, channel: _Channel, name: str) -> str:
        if name in FIXED:
            return FIXED[name]
        if name in SETTINGS:
            return format(channel.settings[name], SETTINGS[name][2])
        if name in WORDS:
            return channel.words[name]
        match name:
            case "VMON":
                dance_V = self._random.randint(-2, 2) / 10 if channel.voltage_V >= 1 else 0.0
                return f"{channel.voltage_V + dance_V:06.1f}"
            case "IMON":
                return f"{channel.voltage_V / LOAD_MOHM:07.2f}"
            case "POL":
                return "-"
            case "STAT":
                return f"{channel.word():05d}"
        raise _Error("PAR")

    def _set(self, channel: _Channel, name: str, value: str) -> None:
        if name in SETTINGS:
            low, high, _ = SETTINGS[name]
            if not re.fullmatch(r"\d{1,5}(\.\d*)?", value) or not low <= float(value) <= high:
                raise _Error("VAL")
            if name == "VSET" and float(value) > channel.settings["MAXV"]:
                raise _Error("VAL")
            channel.settings[name] = float(value)
        elif name in WORDS:
            if value not in WORDS[name]:
                raise _Error("VAL")
            channel.words[name] = value
        elif name == "ON":
            channel.on = channel.on or not (channel.latched or channel.disabled)
        elif name == "OFF":
            channel.on, channel.collapsed = False, False
            if channel.words["PDWN"] == "KILL":
                channel.voltage_V = 0.0
        else:
            raise _Error("PAR")


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition(":")
    return name.strip(), value.strip()
