"""Simulated Danfysik System 8500 magnet power supply.  Sources are the tags of its protocol sheet (PM, KAM, INFN, ...).

| command | does | source |
| --- | --- | --- |
| `WA v`, `DA 0,v`, `DA 0 v` | set point, 0-999999 ppm of the rated current; silent | INFN, PM, ISIS |
| `RA`; `DA 0` | set point, six digits; with the channel in front | INFN; PM, FRIB |
| `AD 0` to `AD 9` | current (%), field (T*100), voltage (%), three supplies (V*10), temperature, transistor (V), current | |
| | (counts), panel; bare integers, the current's without sign; with `E` the last value before an error | INFN, PM, D8K |
| `PO`, `PO +`, `PO -`, `PO+`, `PO-` | polarity switch | INFN, D8K |
| `N`, `F`, `RS` | main contactor on, off (clears interlocks whose cause has gone), reset interlocks | INFN |
| `GOFF` | off when the current has run down | INFN |
| `RAMPSET t`, `RAMPSET C`, `R x`, `RAMP R`, `RAMP S` | table of set points (`danfysik_ramps`) | PM |
| `CSS`, `SLOW`, `FAST`, `WSA`, `MULT`, `SYNC`, `TS`, `STOP`, `S2` | stacks of ramps | PM |
| `R1`-`R3`, `W1`-`W3 v` | slew-rate ports, 0-255; the third in mA/s, 0 for the built-in one (assumed) | KAM, ISIS |
| `MAX`, `CLOCK`, `BAUD n` | highest set point, clock, line speed (stays as it is here) | INFN, KAM |
| `S1`, `S1H` | 24 status characters, the same as six hex digits | PM, ISIS, KAM |
| `REM`, `LOC`, `LOCK`, `UNLOCK`, `RLOCK` | who is in command | INFN, KAM |
| `CMD`, `CMDSTATE` | `REM`/`LOC`; `REMOTE`/`LOCAL`/`LOCK` | INFN |
| `ADR`, `ADR n`, `LALL` | address, select a unit, all listen and none answers | INFN |
| `ASW`, `NASW` | settings answer `OK`, or nothing | INFN, KAM |
| `ERRT`, `ERRC`, `NERR` | refusals with text, with a number, bell only | INFN, PM |
| `ID`, `PRINT`, `VER` | four, two, three lines of identification | KAM |

Commands end with CR, replies with LF CR (older firmware, ISIS).  SYN (0x16, INFN) throws away what came before it.
*Assumed*: the supply is not ready for 2 s after `N` and after a polarity change; a set point sent while it is off or not ready
stays without effect and the set point at 0; the polarity switch is refused above 0.5 % of the rated current; with the contactor
open the current runs down at the slew rate; the load takes the rated voltage at rated current; capitals only; a negative set
point is refused; every refusal but a syntax error reads `ILLEGAL COMMAND`; the numbers after `ERRC`; the words of the
identification; remote control after power-up; `RAMP S` answers `STOPPED`; the clock's form; ramps need the supply ready, and
any new set point stops them; `E` stands in front of all `AD` from an interlock until it is reset.  The ramps of the SYS8X00
generation (`RR`, `WR`, `RAR`, `WAR`) are unknown to it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulators.instruments.danfysik_ramps import FAST_S, SLOW_S, STACKS, Ramps
from simulators.instruments.instrument import unknown_fault

NOT_READY_S = 2.0
"""*Assumed*: after `N` and after a polarity change."""
POLARITY_FRACTION = 0.005
"""*Assumed*: the polarity switch moves only below this fraction of the rated current."""
PPM = 1_000_000
CAUSES = {
    "spare interlock": 7, "transistor fault": 8, "DC over-current": 10, "DC overload": 11, "regulation module": 12,
    "pre-regulator": 13, "phase failure": 14, "supply water flow": 15, "earth leakage": 16, "thermal breaker": 17,
    "supply over-temperature": 18, "panic button": 19, "magnet water flow": 20, "magnet over-temperature": 21,
}  # fmt: skip
"""Status character of each interlock."""
POWER_OFF, NORMAL, REVERSED, SUM_INTERLOCK, NOT_READY = 0, 1, 2, 9, 22
SYNTAX, ILLEGAL, ALREADY = "SYNTAX ERROR", "ILLEGAL COMMAND", "COMMAND ALREADY ACTIVE"
_ERROR_NUMBER = {SYNTAX: 1, ILLEGAL: 2, ALREADY: 3}
_IDENTITY = ("DANFYSIK SYSTEM 8500", "MAGNET POWER SUPPLY", "SOFTWARE SCS 110", "SERIAL 8500042")
_FOREIGN = ("DANFYSIK SYSTEM 9100", "MAGNET POWER SUPPLY", "SOFTWARE SCS 200", "SERIAL 9100007")
_LINES = {"ID": 4, "PRINT": 2, "VER": 3}
_RATES = ("150", "300", "600", "1200", "2400", "4800", "9600", "19200")
_RATED_FIELD_T = 2.4
_RATED_FULL = 120
"""Per cent on the panel's instrument at rated current (D8K)."""
_SYN = b"\x16"


class _Refused(Exception):
    """The command is answered with `?`, BEL and this text."""


@dataclass(frozen=True)
class _Ramp:
    """The current runs from `start_A` at `start_s` to `end_A` with the slew rate."""

    start_s: float
    start_A: float
    end_A: float

    def current_A(self, now: float, slew_A_s: float) -> float:
        travelled = slew_A_s * max(now - self.start_s, 0.0)
        way = self.end_A - self.start_A
        return self.end_A if abs(way) <= travelled else self.start_A + (travelled if way > 0 else -travelled)


FOREIGN_STATUS = "!.........!.!!!!........!.!...!."
"""Status of an 8800: 32 characters with other meanings (INFN, a live reply)."""


class Danfysik8500:
    """A supply with polarity switch and 16-bit read-back; `address` is its number on a multi-drop line."""

    def __init__(self, rated_current_A: float, slew_A_s: float, read_back_A_per_count: float, *, address: int = 0) -> None:
        self.rated_current_A = rated_current_A
        self.slew_A_s = slew_A_s
        self.read_back_A_per_count = read_back_A_per_count
        self.address = address
        self._present: set[str] = set()
        self._polarity = 1
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        """Off, set point 0, remote, text errors; the polarity switch stays where it stands."""
        self._lines = _IDENTITY
        self._on = False
        self._setpoint_ppm = 0
        self._ramp = _Ramp(now, 0.0, 0.0)
        self._ready_s = now
        self._latched = set(self._present)
        self._before_error: dict[str, str] = dict.fromkeys("0123456789", "0")
        self._remote, self._lock = True, ""
        self._selected, self._answering = True, True
        self._acknowledge = False
        self._errors = "ERRT"
        self._ramps = Ramps()
        self._ports = {"1": 0, "2": 0, "3": 0}
        self._going_off = False

    def current_A(self, now: float) -> float:
        """Output current, negative when the polarity is reversed."""
        self._advance(now)
        return self._polarity * self._magnitude_A(now)

    def split(self, received: bytearray) -> Iterable[bytes]:
        while (end := received.find(b"\r")) >= 0:
            message = bytes(received[:end])
            del received[: end + 1]
            yield message

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        words = message.rpartition(_SYN)[2].decode("latin-1").strip()
        if not words:
            return b""
        if not self._selected and not re.fullmatch(r"ADR +\d{1,3}", words):
            return b""
        try:
            lines = self._act(words, now)
        except _Refused as refusal:
            lines = [self._refusal(str(refusal))]
        return b"".join(line.encode("latin-1") + b"\n\r" for line in lines) if self._answering else b""

    def state(self, now: float) -> dict[str, Any]:
        return {
            "current_A": self.current_A(now),
            "setpoint_A": self._setpoint_ppm / PPM * self.rated_current_A,
            "on": self._on,
            "ready": self._is_ready(now),
            "polarity": "+" if self._polarity > 0 else "-",
            "remote": self._remote,
            "lock": self._lock,
            "interlocks": sorted(self._latched),
            "causes_present": sorted(self._present),
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        """`interlock` (cause: one of CAUSES, present: False takes it away), `front_panel_local` (lock), `wrong_identity`."""
        match kind:
            case "interlock":
                self._interlock(now, **parameters)
            case "front_panel_local":
                self._take_at_panel(**parameters)
            case "wrong_identity":
                self._lines = _FOREIGN
            case _:
                raise unknown_fault(kind, "interlock", "front_panel_local", "wrong_identity")

    def _interlock(self, now: float, cause: str = "magnet water flow", present: bool = True) -> None:
        if cause not in CAUSES:
            raise ValueError(f"The Danfysik 8500 has no interlock {cause!r}; it has {', '.join(CAUSES)}.")
        if present:
            if not self._latched:
                self._before_error = {channel: self._measured(channel, now) for channel in "0123456789"}
            self._present.add(cause)
            self._latched.add(cause)
            self._switch_off(now)
        else:
            self._present.discard(cause)

    def _take_at_panel(self, lock: bool = False) -> None:
        if self._lock != "remote":
            self._remote, self._lock = False, "local" if lock else ""

    def _advance(self, now: float) -> None:
        """Let the ramps go on to `now`, and a soft switch-off come to its end."""
        for when_s, ppm in self._ramps.due(now):
            self._setpoint_ppm = ppm
            self._run_to(ppm / PPM * self.rated_current_A, when_s)
        if self._going_off and self._magnitude_A(now) == 0.0:
            self._switch_off(now)

    def _act(self, words: str, now: float) -> list[str]:
        name, separator, argument = words.partition(" ")
        if words in ("PO+", "PO-"):
            name, separator, argument = "PO", " ", words[2]
        argument = argument.strip()
        if separator and argument:
            setting = self._settings().get(name)
            if name == "AD":
                return [self._measured(argument, now)]
            if name == "ADR":
                return self._select(argument)
            if name == "DA" and argument == "0":
                return [f"0 {self._setpoint_ppm:06d}"]
            if setting is None:
                raise _Refused(SYNTAX)
            self._need_remote()
            try:
                setting(argument, now)
            except ValueError as error:
                raise _Refused(SYNTAX) from error
            if (name, argument) == ("RAMP", "S"):
                return ["STOPPED"]
            return ["OK"] if self._acknowledge else []
        if (query := self._reply(name, now)) is not None:
            return query
        action = self._actions().get(name)
        if action is None:
            raise _Refused(SYNTAX)
        action(now)
        return []

    def _reply(self, name: str, now: float) -> list[str] | None:
        """Lines answering a query without argument; None when it is not one."""
        match name:
            case "RA":
                return [f"{self._setpoint_ppm:06d}"]
            case "PO":
                return ["+" if self._polarity > 0 else "-"]
            case "S1" if self._lines is _FOREIGN:
                return [FOREIGN_STATUS]
            case "S1":
                return ["".join("!" if place in self._status(now) else "." for place in range(24))]
            case "S1H":
                return [f"{sum(1 << (23 - place) for place in self._status(now)):06X}"]
            case "CMD":
                return ["REM" if self._remote else "LOC"]
            case "CMDSTATE":
                return ["LOCK" if self._lock == "local" else "REMOTE" if self._remote else "LOCAL"]
            case "ADR":
                return [f"{self.address:03d}"]
            case "R1" | "R2" | "R3":
                return [str(self._ports[name[1]])]
            case "S2":
                return [self._ramps.status()]
            case "MAX":
                return [f"{PPM - 1}"]
            case "CLOCK":
                return ["23-11-2026 12:00:00"]
            case "ID" | "PRINT" | "VER":
                return list(self._lines[: _LINES[name]])
        return None

    def _settings(self) -> dict[str, Callable[[str, float], None]]:
        ramps = self._ramps
        return {
            "WA": self._set,
            "DA": self._set_channel,
            "PO": self._set_polarity,
            "W1": lambda argument, now: self._set_port("1", argument, 255),
            "W2": lambda argument, now: self._set_port("2", argument, 255),
            "W3": lambda argument, now: self._set_port("3", argument, 1550),
            "BAUD": lambda argument, now: _one_of(argument, _RATES),
            "RAMPSET": lambda argument, now: ramps.set_table(argument),
            "R": lambda argument, now: ramps.add_step(argument),
            "RAMP": self._ramp_table,
            "CSS": lambda argument, now: ramps.clear(*_wholes(argument, 1)),
            "SLOW": lambda argument, now: ramps.pace(_wholes(argument, 1)[0], SLOW_S),
            "FAST": lambda argument, now: ramps.pace(_wholes(argument, 1)[0], FAST_S),
            "WSA": lambda argument, now: ramps.add_ramp(*_wholes(argument, 4)),
            "MULT": lambda argument, now: ramps.repeat(*_wholes(argument, 2)),
            "SYNC": lambda argument, now: ramps.put_off(*_wholes(argument, 2)),
            "TS": self._run_stack,
        }

    def _actions(self) -> dict[str, Callable[[float], None]]:
        return {
            "GOFF": self._go_off, "STOP": lambda now: self._ramps.stop(),
            "N": self._switch_on, "F": self._off_and_reset, "RS": self._reset,
            "REM": self._go_remote, "LOC": self._go_local, "LOCK": self._lock_local, "RLOCK": self._lock_remote,
            "UNLOCK": self._unlock, "LALL": self._all_listen,
            "ASW": lambda now: self._acknowledged(True), "NASW": lambda now: self._acknowledged(False),
            "ERRT": lambda now: self._errors_as("ERRT"), "ERRC": lambda now: self._errors_as("ERRC"),
            "NERR": lambda now: self._errors_as("NERR"),
        }  # fmt: skip

    def _set(self, argument: str, now: float) -> None:
        if not re.fullmatch(r"\d{1,6}", argument):
            raise _Refused(SYNTAX)
        if self._is_ready(now):
            self._ramps.stop()
            self._setpoint_ppm = int(argument)
            self._run_to(int(argument) / PPM * self.rated_current_A, now)

    def _set_port(self, port: str, argument: str, highest: int) -> None:
        (value,) = _wholes(argument, 1, highest)
        self._ports[port] = value

    def _ramp_table(self, argument: str, now: float) -> None:
        _one_of(argument, ("R", "S"))
        if argument == "S":
            self._ramps.stop()
        elif not self._is_ready(now):
            raise _Refused(ILLEGAL)
        else:
            self._ramps.run_table(now)

    def _run_stack(self, argument: str, now: float) -> None:
        (number,) = _wholes(argument, 1)
        if not self._is_ready(now):
            raise _Refused(ILLEGAL)
        self._ramps.run_stack(number, now)

    def _go_off(self, now: float) -> None:
        self._need_remote()
        self._ramps.stop()
        self._setpoint_ppm, self._going_off = 0, True
        self._run_to(0.0, now)

    def _set_channel(self, argument: str, now: float) -> None:
        channel = re.fullmatch(r"0[, ]\s*(\d{1,6})", argument)
        if channel is None:
            raise _Refused(SYNTAX)
        self._set(channel[1], now)

    def _set_polarity(self, argument: str, now: float) -> None:
        if argument not in ("+", "-"):
            raise _Refused(SYNTAX)
        polarity = 1 if argument == "+" else -1
        if polarity == self._polarity:
            return
        if self._setpoint_ppm > POLARITY_FRACTION * PPM or self._magnitude_A(now) > POLARITY_FRACTION * self.rated_current_A:
            raise _Refused(ILLEGAL)
        self._polarity = polarity
        self._setpoint_ppm = 0
        self._ramp = _Ramp(now, 0.0, 0.0)
        self._ready_s = now + NOT_READY_S

    def _switch_on(self, now: float) -> None:
        self._need_remote()
        if self._latched or not self._answering:
            raise _Refused(ILLEGAL)
        if not self._on:
            self._on = True
            self._ready_s = now + NOT_READY_S

    def _switch_off(self, now: float) -> None:
        self._on = self._going_off = False
        self._ramps.stop()
        self._setpoint_ppm = 0
        self._run_to(0.0, now)

    def _off_and_reset(self, now: float) -> None:
        self._need_remote()
        self._switch_off(now)
        self._latched &= self._present

    def _reset(self, now: float) -> None:
        self._need_remote()
        self._latched &= self._present

    def _go_remote(self, now: float) -> None:
        if self._lock == "local":
            raise _Refused(ILLEGAL)
        self._remote = True

    def _go_local(self, now: float) -> None:
        self._remote, self._lock = False, self._lock if self._lock == "local" else ""

    def _lock_local(self, now: float) -> None:
        self._remote, self._lock = False, "local"

    def _lock_remote(self, now: float) -> None:
        self._need_remote()
        if self._lock == "remote":
            raise _Refused(ALREADY)
        self._lock = "remote"

    def _unlock(self, now: float) -> None:
        self._lock = ""

    def _all_listen(self, now: float) -> None:
        self._answering = False

    def _select(self, argument: str) -> list[str]:
        if not re.fullmatch(r"\d{1,3}", argument):
            raise _Refused(SYNTAX)
        self._selected, self._answering = int(argument) == self.address, True
        return []

    def _acknowledged(self, on: bool) -> None:
        self._acknowledge = on

    def _errors_as(self, form: str) -> None:
        self._errors = form

    def _measured(self, channel: str, now: float) -> str:
        if self._latched and channel in self._before_error:
            return f"E{self._before_error[channel]}"
        part = self._magnitude_A(now) / self.rated_current_A
        match channel:
            case "0" | "2":
                return str(round(part * 100))
            case "1":
                return str(round(part * _RATED_FIELD_T * 100))
            case "3":
                return "150"
            case "4":
                return "-150"
            case "5":
                return "50"
            case "6":
                return str(round(part**2 * 100))
            case "7":
                return "8" if self._on else "0"
            case "8":
                return str(round(self._magnitude_A(now) / self.read_back_A_per_count))
            case "9":
                return str(round(part * _RATED_FULL))
        raise _Refused(ILLEGAL)

    def _status(self, now: float) -> set[int]:
        places = {CAUSES[cause] for cause in self._latched}
        places.add(NORMAL if self._polarity > 0 else REVERSED)
        if self._latched:
            places.add(SUM_INTERLOCK)
        if not self._on:
            places.add(POWER_OFF)
        if not self._is_ready(now):
            places.add(NOT_READY)
        return places

    def _is_ready(self, now: float) -> bool:
        return self._on and now >= self._ready_s

    def _need_remote(self) -> None:
        if not self._remote:
            raise _Refused(ILLEGAL)

    def _refusal(self, text: str) -> str:
        detail = {"ERRT": f" {text}", "ERRC": f" {_ERROR_NUMBER[text]}", "NERR": ""}[self._errors]
        return f"?\a{detail}"

    def _magnitude_A(self, now: float) -> float:
        slew_A_s = self._ports["3"] * 1e-3 or self.slew_A_s
        return self._ramp.current_A(now, slew_A_s)

    def _run_to(self, end_A: float, now: float) -> None:
        self._ramp = _Ramp(now, self._magnitude_A(now), end_A)


def _wholes(argument: str, count: int, highest: int = STACKS - 1) -> list[int]:
    """Whole numbers between commas, the first of them limited; `ValueError` otherwise."""
    parts = [part.strip() for part in argument.split(",")]
    if len(parts) != count or not all(re.fullmatch(r"\d{1,6}", part) for part in parts) or int(parts[0]) > highest:
        raise ValueError(argument)
    return [int(part) for part in parts]


def _one_of(argument: str, words: tuple[str, ...]) -> None:
    if argument not in words:
        raise ValueError(argument)
