"""Simulated Ophir EA-1 Ethernet adapter with a pyro-electric head PE25-C.

*Assumed* where the sheet is silent or marks it unconfirmed:
- CR ends a command, LF is a blank; an empty line has no answer; text after `?`;
- the reply to `$CS 2` is `*`, a line of the stream is `1.500E-01` or `OVER`, ended LF CR; modes 3 and 4 are refused;
- `$WN`: 3 s without readings, no automatic range; `$AR` gives index, lowest index, number of ranges, names;
- `$AW` counts favourite wavelengths from 1, 0 is another one; `$WW` takes the text of a favourite;
- `$MA`, `$FQ`, `$DQ`, `$BR` answer their list also when they set; `$BC` and `$BR` exist as on the Vega;
- `$ER` is 0 while zeroing or settling; before the first pulse `$SE` is 0;
- a pulse above the range reads OVER, one below the user threshold is not seen; diffuser and filter do not change readings;
- zeroing fails if a pulse comes meanwhile, and everything but `$ZQ` and `$HP` is refused until it ends;
- without a head all commands about it are refused;
- `$RE` restarts; dropping the connection is not the instrument's to do here.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault

RANGES_J = {"10.0J": 10.0, "2.00J": 2.0, "200mJ": 0.2, "20.0mJ": 0.02, "2.00mJ": 0.002, "200uJ": 0.0002}
WAVELENGTHS_NM = (193, 248, 355, 532, 755, 1064)
SHORTEST_NM, LONGEST_NM = 150, 12000
LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 106, 2500
ZEROING_S, SETTLING_S, RATE_WINDOW_S = 25.0, 3.0, 1.0
LONGEST_INPUT = 256
HEAD_COMMANDS = ("ZE", "EF", "SE", "ER", "SP", "SF", "SI", "WN", "RN", "AR", "AW", "WL", "WW", "HI", "UT", "FQ", "DQ", "HC")
WHILE_ZEROING = ("ZQ", "HP")

MAINS = ("50Hz", "60Hz")
PLACES = ("OUT", "IN")
BAUD_RATES = ("9600", "19200", "38400", "300", "1200", "4800")


class RefusedError(Exception):
    """A command answered by `?` and a text."""


@dataclass(frozen=True)
class HeadSettings:
    """What `$HC S` saves."""

    range: int = 2
    wavelength_nm: int = 1064
    threshold: int = 300
    filter: int = 1
    diffuser: int = 1


class OphirEA1:
    """Meter of the pulses that `pulses(since, until)` counts, each with `energy_J(now)`."""

    def __init__(self, pulses: Callable[[float, float], int], energy_J: Callable[[float], float]) -> None:
        self._pulses = pulses
        self._energy_J = energy_J
        self._identity, self._version = "EA1 654321 EA-1", "EA1.12"
        self._plugged, self._over_range = True, False
        self._saved_head, self._saved_mains = HeadSettings(), 1
        self._now = 0.0
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._now = max(self._now, now)
        self._head, self._mains, self._baud = self._saved_head, self._saved_mains, 2
        self._value_J, self._over, self._new = 0.0, False, False
        self._zeroing_until_s, self._zeroing = 0.0, "NOT STARTED"
        self._settled_s = 0.0
        self._streaming = False
        self._unsent = b""

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\r", LONGEST_INPUT)

    def answer(self, message: bytes, now: float) -> bytes:
        text = message.decode("latin-1").strip(" \n\0")
        if not text:
            return b""
        unsent = self.speak(now)
        self._streaming = False
        try:
            reply = "*" + self._command(text)
        except RefusedError as refused:
            reply = f"?{refused}"
        return unsent + reply.encode() + b"\r\n"

    def speak(self, now: float) -> bytes:
        """Readings sent without being asked."""
        self._advance(now)
        unsent, self._unsent = self._unsent, b""
        return unsent

    def state(self, now: float) -> dict[str, Any]:
        self._advance(now)
        return {
            "energy_J": self._value_J,
            "over": self._over,
            "new": self._new,
            "streaming": self._streaming,
            "range": self._head.range,
            "full_scale_J": self._scale_J,
            "threshold": self._head.threshold,
            "wavelength_nm": self._head.wavelength_nm,
            "zeroing": self._zeroing.lower(),
            "head_plugged": self._plugged,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        self._advance(now)
        present = bool(parameters.get("present", True)) and not parameters.get("cleared", False)
        match kind:
            case "wrong_identity":
                self._identity, self._version = "VEGA 654321 VEGA", "VG2.30"
            case "head_unplugged":
                self._plugged = not present
            case "over_range":
                self._over_range = present
            case _:
                raise unknown_fault(kind, "wrong_identity", "head_unplugged", "over_range")

    def _command(self, text: str) -> str:
        """What follows the star."""
        name, rest = text[1:3].upper(), text[3:]
        if text[0] != "$":
            raise RefusedError("COMMANDS BEGIN WITH $")
        if self._zeroing == "IN PROGRESS" and name not in WHILE_ZEROING:
            raise RefusedError("ZEROING")
        if not self._plugged and name in HEAD_COMMANDS:
            raise RefusedError("NO HEAD")
        parameters = rest.split(" ") if name == "MA" else rest.split()
        return self._query(name) if parameters in ([], [""]) else self._set(name, parameters)

    def _query(self, name: str) -> str:
        """Commands without parameters."""
        head = self._head
        match name:
            case "HP":
                return ""
            case "VE":
                return self._version
            case "RE":
                self.power_up(self._now)
                return ""
            case "MA":
                return f" {self._mains} {' '.join(MAINS)}"
            case "IC":
                self._saved_mains = self._mains
                return ""
            case "ZE":
                self._zeroing, self._zeroing_until_s = "IN PROGRESS", self._now + ZEROING_S
                return ""
            case "ZQ":
                return f"ZEROING {self._zeroing}"
            case "EF":
                return f"{self._new:d}"
            case "SE":
                self._new = False
                return self._text(self._value_J)
            case "ER":
                return f"{self._now >= self._settled_s:d}"
            case "SP":
                return self._text(self._value_J * self._rate_Hz())
            case "SF":
                return f"{self._rate_Hz():.3E}"
            case "SI":
                return "J"
            case "RN":
                return str(head.range)
            case "AR":
                return f"{head.range} 0 {len(RANGES_J)} {' '.join(RANGES_J)}"
            case "AW":
                known = head.wavelength_nm in WAVELENGTHS_NM
                place = WAVELENGTHS_NM.index(head.wavelength_nm) + 1 if known else 0
                return f"CONTINUOUS {SHORTEST_NM} {LONGEST_NM} {place} {' '.join(map(str, WAVELENGTHS_NM))}"
            case "HI":
                return "PY 123456 PE25-C 80000003"
            case "II":
                return self._identity
            case "UT":
                return f"{head.threshold} {LOWEST_THRESHOLD} {HIGHEST_THRESHOLD}"
            case "FQ":
                return f"{head.filter} {' '.join(PLACES)}"
            case "DQ":
                return f"{head.diffuser} {' '.join(PLACES)}"
            case "BC":
                return "1"
            case "BR":
                return f"{self._baud} {' '.join(BAUD_RATES)}"
            case "WN" | "WL" | "WW" | "HC" | "CS":
                raise RefusedError("PARAMETER MISSING")
            case _:
                raise RefusedError("UNKNOWN COMMAND")

    def _set(self, name: str, parameters: list[str]) -> str:
        """Commands with a parameter."""
        if name == "MA":
            # one blank, no more and no less, in front of the parameter
            if parameters[0]:
                raise RefusedError("BAD PARAMETER")
            parameters = parameters[1:]
        if len(parameters) != 1:
            raise RefusedError("BAD PARAMETER")
        parameter, head = parameters[0].upper(), self._head
        match name:
            case "MA":
                self._mains = self._one_of(parameter, 1, len(MAINS))
                return self._query("MA")
            case "WN":
                self._head = replace(head, range=self._one_of(parameter, 0, len(RANGES_J) - 1))
                self._settled_s, self._new = self._now + SETTLING_S, False
            case "WL":
                self._head = replace(head, wavelength_nm=self._one_of(parameter, SHORTEST_NM, LONGEST_NM))
            case "WW":
                if parameter not in map(str, WAVELENGTHS_NM):
                    raise RefusedError("BAD PARAMETER")
                self._head = replace(head, wavelength_nm=int(parameter))
            case "UT":
                self._head = replace(head, threshold=self._one_of(parameter, LOWEST_THRESHOLD, HIGHEST_THRESHOLD))
            case "FQ":
                self._head = replace(head, filter=self._one_of(parameter, 1, len(PLACES)))
                return self._query("FQ")
            case "DQ":
                self._head = replace(head, diffuser=self._one_of(parameter, 1, len(PLACES)))
                return self._query("DQ")
            case "BR":
                self._baud = self._one_of(parameter, 1, len(BAUD_RATES))
                return self._query("BR")
            case "HC":
                if parameter != "S":
                    raise RefusedError("BAD PARAMETER")
                self._saved_head = head
            case "CS":
                self._streaming = self._one_of(parameter, 1, 2) == 2
            case _:
                self._query(name)
                raise RefusedError("TOO MANY PARAMETERS")
        return ""

    def _one_of(self, parameter: str, lowest: int, highest: int) -> int:
        if not parameter.isdecimal() or len(parameter) > 6 or not lowest <= int(parameter) <= highest:
            raise RefusedError("BAD PARAMETER")
        return int(parameter)

    @property
    def _scale_J(self) -> float:
        return list(RANGES_J.values())[self._head.range]

    def _rate_Hz(self) -> float:
        return self._pulses(max(0.0, self._now - RATE_WINDOW_S), self._now) / RATE_WINDOW_S if self._plugged else 0.0

    def _advance(self, now: float) -> None:
        since, self._now = self._now, max(self._now, now)
        count = self._pulses(since, self._now) if self._plugged and self._now > since else 0
        for pulse in range(count):
            self._measure(since + (self._now - since) * (pulse + 1) / count)
        if self._zeroing == "IN PROGRESS" and self._now >= self._zeroing_until_s:
            self._zeroing = "COMPLETED" if self._plugged else "FAILED"

    def _measure(self, at: float) -> None:
        energy_J = self._energy_J(at)
        over = self._over_range or energy_J > self._scale_J
        if energy_J <= self._head.threshold / 10000 * self._scale_J and not over:
            return
        if self._zeroing == "IN PROGRESS" and at < self._zeroing_until_s:
            self._zeroing = "FAILED"
            return
        if at < self._settled_s or math.isnan(energy_J):
            return
        self._value_J, self._over, self._new = energy_J, over, True
        if self._streaming:
            self._unsent += self._text(energy_J).encode() + b"\n\r"

    def _text(self, value: float) -> str:
        return "OVER" if self._over else f"{value:.3E}"
