"""Simulated SRS SR542 chopper controller.  Source tags are those of the protocol sheet; *assumed* where it names none.

*Assumed* too: VCO and line inputs carry 0 V and 50 Hz; sum and difference frequencies are those of the two tracks; an empty
place gives its error like any value out of range; `BACK` returns to what was last saved or recalled, or to power-up.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault
from simulators.instruments.lock_history import LockHistory

RUN_UP_HZ_S = 20.0
"""How fast the slots' frequency rises and falls (assumed)."""
PHASE_LOCK_S = 1.5
"""From frequency lock, or from a change of phase, to phase lock (assumed; the vendor waits up to 30 s)."""
MOTOR, EXTERNAL_LOCK, FREQUENCY_LOCK, PHASE_LOCK = 1, 2, 4, 8
UNKNOWN_MNEMONIC, NO_QUERY, NO_SET, MISSING, BAD_FLOAT, BAD_INTEGER, TOKEN_RANGE, UNKNOWN_TOKEN = 22, 23, 24, 25, 29, 30, 32, 33
OUT_OF_RANGE = 104
COMPLETE, EXECUTION, COMMAND, PANEL, POWER_ON = 1 << 0, 1 << 4, 1 << 5, 1 << 6, 1 << 7
EVENT_SUMMARY, MASTER_SUMMARY, CHOPPER_SUMMARY = 1 << 5, 1 << 6, 1 << 7
INTERNAL, LINE, EXTERNAL = 0, 2, 3
LINE_Hz = 50.0
TOKENS: dict[str, tuple[str, ...]] = {
    "TOKN": ("OFF", "ON"),
    "SRCE": ("INT", "VCO", "LINE", "EXT"),
    "EDGE": ("RISE", "FALL", "SINE"),
    "CTRL": ("SHAFT", "INNER", "OUTER"),
    "RELP": ("OFF", "ON"),
    "ALRM": ("OFF", "ON"),
    "KCLK": ("OFF", "ON"),
    "DISP": ("OUTER", "INNER", "SHAFT", "SOURCE", "INTERNAL", "PHASE", "MULT", "DIV", "VCO"),
    "MOTR": ("OFF", "ON"),
    "TERM": ("NONE", "CR", "LF", "CRLF", "LFCR"),
}
TERMINATORS = (b"", b"\r", b"\n", b"\r\n", b"\n\r")
FLOATS = {"IFRQ": (0.0, 20000.0), "PHAS": (-360.0, 360.0), "VCOS": (0.0, 20000.0)}
INTEGERS = {
    "MULT": (1, 1000),
    "DIVR": (1, 1000),
    "CHPT": (0, 255),
    "CHNT": (0, 255),
    "CHEN": (0, 255),
    "*ESE": (0, 255),
    "*SRE": (0, 255),
}
REGISTERS = ("CHPT", "CHNT", "CHEN", "*ESE", "*SRE")
"""Also set bit by bit: `CHNT 3, 1`."""
PLACES = range(1, 10)
SLOTS = (5, 6)
SYNTAX = re.compile(r"(\*?[A-Z]{3,4})(\?)?\s*(.*)")


class CommandError(Exception):
    """A refused command with its LERR number."""

    def __init__(self, number: int) -> None:
        super().__init__(str(number))
        self.number = number


class SR542:
    """Chopper that follows `reference_Hz(now)`, its own frequency or the mains, each times MULT / DIVR."""

    def __init__(self, reference_Hz: Callable[[float], float], warm: bool = True) -> None:
        self._reference_Hz = reference_Hz
        self._model = "SR542"
        self._kept: dict[int, dict[str, float]] = {}
        self._at_s = 0.0
        self._frequency_Hz = 0.0
        self._lock = LockHistory()
        self.power_up(0.0)
        if warm:
            self._values["MOTR"], self._frequency_Hz = 1, float(self._values["IFRQ"])

    def power_up(self, now: float) -> None:
        self._values: dict[str, float] = dict.fromkeys((*TOKENS, *INTEGERS), 0)
        self._values |= {"TERM": 3, "CTRL": 2, "MULT": 1, "DIVR": 1, "IFRQ": 100.0, "PHAS": 0.0, "VCOS": 1000.0}
        self._events, self._latched, self._error = POWER_ON, 0, 0
        self._locked_since_s: float | None = None
        self._disturbed_until_s = 0.0
        self._condition = 0
        self._before = dict(self._values)

    def opening(self, now: float) -> tuple[float, float, bool]:
        """Frequency of the slots in Hz, phase of their openings in degrees after the reference, and whether locked."""
        self._advance(now)
        return self._frequency_Hz, float(self._values["PHAS"]), self._lock.at(now)

    def reference_out_Hz(self, now: float) -> float:
        """Edges at the reference output: while it turns at its own frequency, and is there."""
        self._advance(now)
        return self._frequency_Hz if self._values["SRCE"] == INTERNAL and self._condition & FREQUENCY_LOCK else 0.0

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\r\n;", longest=256)

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        text = message.decode("latin-1").strip().upper()
        if not text:
            return b""
        try:
            reply = self._execute(text, now)
        except CommandError as error:
            self._error = error.number
            self._events |= COMMAND if error.number < 40 else EXECUTION
            return b""
        return b"" if reply is None else reply.encode() + TERMINATORS[int(self._values["TERM"])]

    def state(self, now: float) -> dict[str, Any]:
        frequency, phase, locked = self.opening(now)
        return {"frequency_Hz": frequency, "phase_deg": phase, "locked": locked, "motor": bool(self._values["MOTR"])}

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        match kind:
            case "wrong_identity":
                self._model = "SR540"
            case "lose_lock":
                self._disturbed_until_s = now + float(parameters.get("seconds", 2.0))
                self._advance(now)
            case "front_panel":
                self._advance(now)
                self._values["MOTR"] = 0
                self._events |= PANEL
            case "head_disconnected":
                self._latched |= 1 << 6
                self._values["MOTR"] = 0
            case _:
                raise unknown_fault(kind, "wrong_identity", "lose_lock", "front_panel", "head_disconnected")

    def _target_Hz(self, now: float) -> float:
        if not self._values["MOTR"]:
            return 0.0
        return self._source_Hz(now) * self._values["MULT"] / self._values["DIVR"]

    def _source_Hz(self, now: float) -> float:
        sources = {INTERNAL: float(self._values["IFRQ"]), LINE: LINE_Hz, EXTERNAL: self._reference_Hz(now)}
        return sources.get(int(self._values["SRCE"]), 0.0)

    def _advance(self, now: float) -> None:
        """Let the wheel turn on to `now`, and latch what changed; asking about the past changes nothing."""
        if now < self._at_s:
            return
        target, elapsed = self._target_Hz(now), max(0.0, now - self._at_s)
        self._at_s = max(now, self._at_s)
        step = RUN_UP_HZ_S * elapsed
        self._frequency_Hz += max(-step, min(step, target - self._frequency_Hz))
        at_speed = target > 0 and abs(self._frequency_Hz - target) < 0.01 and now >= self._disturbed_until_s
        if not at_speed:
            self._locked_since_s = None
        elif self._locked_since_s is None:
            self._locked_since_s = now
        condition = MOTOR if self._values["MOTR"] else 0
        if self._values["SRCE"] == EXTERNAL and self._reference_Hz(now) > 0:
            condition |= EXTERNAL_LOCK
        if self._locked_since_s is not None:
            condition |= FREQUENCY_LOCK | (PHASE_LOCK if now - self._locked_since_s >= PHASE_LOCK_S else 0)
        risen, fallen = condition & ~self._condition, self._condition & ~condition
        self._latched |= (risen & int(self._values["CHPT"])) | (fallen & int(self._values["CHNT"]))
        self._condition = condition
        self._lock.note(self._at_s, bool(condition & PHASE_LOCK))

    def _execute(self, text: str, now: float) -> str | None:
        match = SYNTAX.fullmatch(text)
        if match is None:
            raise CommandError(21)
        name, query = match[1], match[2] is not None
        parameters = [part.strip() for part in match[3].split(",")] if match[3] else []
        if query:
            return self._query(name, parameters, now)
        self._set(name, parameters, now)
        return None

    def _query(self, name: str, parameters: list[str], now: float) -> str:
        if name in TOKENS:
            return TOKENS[name][int(self._values[name])] if self._values["TOKN"] else str(int(self._values[name]))
        if name in FLOATS:
            return f"{self._values[name]:.2f}"
        if name in REGISTERS:
            return _bit(int(self._values[name]), parameters)
        if name in INTEGERS:
            return str(int(self._values[name]))
        match name:
            case "*IDN":
                return f"Stanford_Research_Systems,{self._model},s/n00001005,v1.0.5"
            case "*OPC":
                return "1"
            case "*ESR":
                events, self._events = self._events, 0
                return str(events)
            case "*STB":
                return str(self._status_byte())
            case "CHCR":
                return _bit(self._condition, parameters)
            case "CHEV":
                reply = _bit(self._latched, parameters)
                self._latched &= ~(1 << _place(parameters[0], 8)) if parameters else 0
                return reply
            case "MFRQ":
                return f"{self._measured_Hz(parameters, now):.3f}"
            case "SLOT":
                return ", ".join(str(slots) for slots in SLOTS) if not parameters else str(SLOTS[_place(parameters[0], 2)])
            case "LERR":
                error, self._error = self._error, 0
                return str(error)
        raise CommandError(NO_QUERY if name in ACTIONS else UNKNOWN_MNEMONIC)

    def _set(self, name: str, parameters: list[str], now: float) -> None:
        if name in ACTIONS:
            ACTIONS[name](self, parameters, now)
            return
        if not parameters and (name in TOKENS or name in FLOATS or name in INTEGERS):
            raise CommandError(MISSING)
        if name in TOKENS:
            self._values[name] = _token(TOKENS[name], parameters[0])
        elif name in FLOATS:
            self._values[name] = _within(_number(parameters[0]), *FLOATS[name])
        elif name in INTEGERS:
            self._values[name] = self._whole(name, parameters)
        else:
            raise CommandError(NO_SET if name in ("*IDN", "CHCR", "CHEV", "MFRQ", "LERR", "SLOT") else UNKNOWN_MNEMONIC)
        if name in ("PHAS", "SRCE", "MULT", "DIVR", "CTRL"):
            self._locked_since_s = None
        self._advance(now)

    def _whole(self, name: str, parameters: list[str]) -> float:
        if not parameters[-1].lstrip("-").isdecimal():
            raise CommandError(BAD_INTEGER)
        value = int(parameters[-1])
        if name in REGISTERS and len(parameters) == 2:
            bit = 1 << _place(parameters[0], 8)
            value = int(self._values[name]) | bit if value else int(self._values[name]) & ~bit
        return _within(value, *INTEGERS[name])

    def _status_byte(self) -> int:
        byte = EVENT_SUMMARY if self._events & int(self._values["*ESE"]) else 0
        byte |= CHOPPER_SUMMARY if self._latched & int(self._values["CHEN"]) else 0
        return byte | (MASTER_SUMMARY if byte & int(self._values["*SRE"]) else 0)

    def _clear(self) -> None:
        self._events = self._latched = self._error = 0

    def _reset(self, now: float) -> None:
        self.power_up(now)
        self._events = 0

    def _complete(self) -> None:
        self._events |= COMPLETE

    def _jump(self, now: float) -> None:
        """At once to the internal frequency, where the wheel otherwise runs up."""
        self._values["SRCE"] = INTERNAL
        self._frequency_Hz = self._target_Hz(now)

    def _save(self, parameters: list[str]) -> None:
        self._kept[self._memory(parameters)] = self._before = dict(self._values)

    def _recall(self, parameters: list[str]) -> None:
        place = self._memory(parameters)
        if place not in self._kept:
            raise CommandError(OUT_OF_RANGE)
        self._before = self._kept[place]
        self._revert()

    def _revert(self) -> None:
        self._values = dict(self._before)
        self._locked_since_s = None

    def _memory(self, parameters: list[str]) -> int:
        if not parameters:
            raise CommandError(MISSING)
        return _place(parameters[0], PLACES.stop, PLACES.start)

    def _measured_Hz(self, parameters: list[str], now: float) -> float:
        names = ("OUTER", "INNER", "SHAFT", "SRCE", "SUM", "DIFF", "TARGET")
        which = parameters[0] if parameters else "0"
        place = names.index(which) if which in names else int(which) if which.isdecimal() else -1
        if not 0 <= place < len(names):
            raise CommandError(UNKNOWN_TOKEN)
        shaft = self._frequency_Hz / SLOTS[1]
        inner = shaft * SLOTS[0]
        sums = (self._frequency_Hz + inner, self._frequency_Hz - inner)
        return (self._frequency_Hz, inner, shaft, self._reference_Hz(now), *sums, self._target_Hz(now))[place]


ACTIONS: dict[str, Callable[[SR542, list[str], float], None]] = {
    "*CLS": lambda unit, parameters, now: unit._clear(),
    "*RST": lambda unit, parameters, now: unit._reset(now),
    "*OPC": lambda unit, parameters, now: unit._complete(),
    "COPC": lambda unit, parameters, now: None,
    "JINT": lambda unit, parameters, now: unit._jump(now),
    "*SAV": lambda unit, parameters, now: unit._save(parameters),
    "*RCL": lambda unit, parameters, now: unit._recall(parameters),
    "BACK": lambda unit, parameters, now: unit._revert(),
}


def _bit(value: int, parameters: list[str]) -> str:
    return str(value) if not parameters else str(value >> _place(parameters[0], 8) & 1)


def _place(text: str, stop: int, start: int = 0) -> int:
    """A bit, a track or a memory."""
    if not text.isdecimal():
        raise CommandError(BAD_INTEGER)
    return int(_within(int(text), start, stop - 1))


def _token(words: tuple[str, ...], text: str) -> int:
    if text in words:
        return words.index(text)
    if not text.isdecimal():
        raise CommandError(UNKNOWN_TOKEN)
    if int(text) >= len(words):
        raise CommandError(TOKEN_RANGE)
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CommandError(BAD_FLOAT) from None


def _within(value: float, low: float, high: float) -> float:
    """Out of range is an execution error; its number is not documented (assumed)."""
    if not low <= value <= high:
        raise CommandError(OUT_OF_RANGE)
    return value
