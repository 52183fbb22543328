"""Simulated Danfysik System 8500 supply.  Source tags are those of the protocol sheet; *assumed* where it names none."""

import math
import re
from collections.abc import Iterable
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault

END = b"\n\r"
"""LF then CR, as older firmware sends (ISIS, FRIB, KAM)."""
READY_S = 2.0
"""From switching on or reversing to ready (assumed)."""
ZERO_SHARE = 0.005
"""Polarity is refused above this share of the rated current (assumed)."""
PPM = 1_000_000
INTERLOCKS = {
    "supply water flow": 15,
    "earth leakage": 16,
    "thermal breaker": 17,
    "supply over-temperature": 18,
    "panic button": 19,
    "magnet water flow": 20,
    "magnet over-temperature": 21,
}
"""Characters of S1."""
SYNTAX = re.compile(r"([A-Z]+\d?H?)(?:\s+(.*)|([+-]))?")
ERROR_WORDS = {1: "SYNTAX ERROR", 2: "ILLEGAL COMMAND", 3: "COMMAND ALREADY ACTIVE"}
SYNTAX_ERROR, ILLEGAL, ALREADY = 1, 2, 3


class CommandError(Exception):
    """A refused command."""

    def __init__(self, number: int) -> None:
        super().__init__(ERROR_WORDS[number])
        self.number = number


class Danfysik8500:
    """High-current supply with contactor, polarity switch, latched interlocks and a finite slew rate."""

    def __init__(self, rated_current_A: float, slew_A_s: float = 10.0, read_back_A_per_count: float = 0.01) -> None:
        self._rated_A, self._slew_A_s, self._per_count_A = rated_current_A, slew_A_s, read_back_A_per_count
        self._causes: set[str] = set()
        self._wrong = False
        self._at_s = 0.0
        self._magnitude_A = 0.0
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._on, self._remote, self._locked = False, True, False
        self._set_ppm, self._negative, self._ready_s = 0, False, now
        self._latched: set[str] = set()
        self._error_text = "NERR"
        self._address = 0
        self._selected = True

    def current_A(self, now: float) -> float:
        """The current through the magnet, with the sign of the polarity."""
        target = self._set_ppm * self._rated_A / PPM if self._on and now >= self._ready_s else 0.0
        step = self._slew_A_s * max(0.0, now - self._at_s)
        self._at_s = max(now, self._at_s)
        self._magnitude_A += max(-step, min(step, target - self._magnitude_A))
        return math.copysign(self._magnitude_A, -1.0 if self._negative else 1.0)

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\r")

    def answer(self, message: bytes, now: float) -> bytes:
        self.current_A(now)
        text = message.decode("latin-1").strip().upper()
        if not text or not (self._selected or text.startswith("ADR")):
            return b""
        try:
            reply = self._execute(text, now)
        except CommandError as error:
            return self._complaint(error.number)
        return b"" if reply is None else reply.encode() + END

    def state(self, now: float) -> dict[str, Any]:
        return {
            "current_A": self.current_A(now),
            "set_current_A": self._set_ppm * self._rated_A / PPM,
            "on": self._on,
            "interlocks": sorted(self._latched),
            "remote": self._remote,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        self.current_A(now)
        match kind:
            case "wrong_identity":
                self._wrong = True
            case "interlock":
                cause = str(parameters.get("cause", "magnet water flow"))
                if cause not in INTERLOCKS:
                    raise unknown_fault(cause, *INTERLOCKS)
                self._causes.add(cause)
                self._latched.add(cause)
                self._on, self._set_ppm = False, 0
            case "interlock_cause_gone":
                self._causes.clear()
            case "front_panel_local":
                self._remote = False
            case _:
                raise unknown_fault(kind, "wrong_identity", "interlock", "interlock_cause_gone", "front_panel_local")

    def _execute(self, text: str, now: float) -> str | None:
        match = SYNTAX.fullmatch(text)
        if match is None:
            raise CommandError(SYNTAX_ERROR)
        name, argument = match[1], (match[2] or match[3] or "").strip()
        if name in ("S1", "S1H", "RA", "AD", "CMD", "CMDSTATE", "PRINT", "ID", "VER") or (
            name in ("PO", "DA") and self._asks(name, argument)
        ):
            return self._query(name, argument, now)
        if name in ("ERRT", "ERRC", "NERR"):
            self._error_text = name
            return None
        if name in ("REM", "LOC", "LOCK", "UNLOCK", "RLOCK", "ASW", "NASW", "ADR"):
            return self._line(name, argument)
        if not self._remote:
            raise CommandError(ILLEGAL)
        self._act(name, argument, now)
        return None

    @staticmethod
    def _asks(name: str, argument: str) -> bool:
        return not argument if name == "PO" else "," not in argument and " " not in argument

    def _query(self, name: str, argument: str, now: float) -> str:
        match name:
            case "S1":
                return self._status(now)
            case "S1H":
                bits = self._status(now).replace("!", "1").replace(".", "0")
                return f"{int(bits, 2):06X}"
            case "RA":
                return f"{self._set_ppm:06d}"
            case "DA":
                return f"0 {self._set_ppm:06d}"
            case "CMD":
                return "REM" if self._remote else "LOC"
            case "CMDSTATE":
                return "LOCK" if self._locked else "REMOTE" if self._remote else "LOCAL"
            case "PO":
                return "-" if self._negative else "+"
            case "AD":
                return self._measured(argument)
        return "SYSTEM 8500"

    def _measured(self, channel: str) -> str:
        values = {
            "0": 100 * self._magnitude_A / self._rated_A,
            "2": 80 * self._magnitude_A / self._rated_A,
            "8": self._magnitude_A / self._per_count_A,
        }
        if channel not in values:
            raise CommandError(SYNTAX_ERROR)
        return str(round(values[channel]))

    def _line(self, name: str, argument: str) -> str | None:
        if name == "ADR":
            if not argument:
                return f"{self._address:03d}"
            self._selected = argument.isdecimal() and int(argument) == self._address
        elif name == "REM":
            self._remote = not self._locked
        elif name == "LOC":
            self._remote = False
        elif name == "UNLOCK":
            self._locked = False
        elif name == "LOCK":
            self._locked, self._remote = True, False
        return None

    def _act(self, name: str, argument: str, now: float) -> None:
        match name:
            case "WA" | "DA":
                value = argument.replace(",", " ").split()[-1] if argument else ""
                if not value.isdecimal() or int(value) >= PPM:
                    raise CommandError(SYNTAX_ERROR)
                if self._on:
                    self._set_ppm = int(value)
                elif int(value):
                    raise CommandError(ILLEGAL)
                else:
                    self._set_ppm = 0
            case "N":
                if self._latched:
                    raise CommandError(ILLEGAL)
                if not self._on:
                    self._on, self._ready_s = True, now + READY_S
            case "F":
                self._on, self._set_ppm = False, 0
                self._latched &= self._causes
            case "RS":
                self._latched &= self._causes
            case "PO":
                self._polarity(argument, now)
            case _:
                raise CommandError(SYNTAX_ERROR)

    def _polarity(self, argument: str, now: float) -> None:
        if argument not in ("+", "-"):
            raise CommandError(SYNTAX_ERROR)
        if (argument == "-") == self._negative:
            return
        if self._magnitude_A > ZERO_SHARE * self._rated_A or self._set_ppm:
            raise CommandError(ILLEGAL)
        self._negative, self._ready_s = argument == "-", now + READY_S

    def _status(self, now: float) -> str:
        if self._wrong:
            return "!" + "." * 31
        word = ["."] * 24
        word[0] = "." if self._on else "!"
        word[2 if self._negative else 1] = "!"
        for cause in self._latched:
            word[9] = word[INTERLOCKS[cause]] = "!"
        if not self._on or now < self._ready_s:
            word[22] = "!"
        return "".join(word)

    def _complaint(self, number: int) -> bytes:
        text = {"ERRT": f" {ERROR_WORDS[number]}", "ERRC": f" {number}", "NERR": ""}[self._error_text]
        return b"?\x07" + text.encode() + b"\r"
