"""Simulated Spectra-Physics Quanta-Ray Nd:YAG laser.  Section numbers are those of the protocol sheet.

*Assumed*, where the sheet is silent or unconfirmed: capitals only; a command that is unknown, out of range or not possible
now has no effect and no answer; the texts of `*IDN?`, `HELP` and of error messages; values without decimals, measured ones
with one; Q-switch delay and advance in ns, 0-999; 1-30 pulses/s on the lamps, 10 at `LAMP FIX`; `QSW?` answers the word set
last; of these words LONG, EXT and NORM choose the pulse, SING and REP whether pulses are let out, and FIR lets one out; `ECH`
options add up until a power cycle (prompt `>`); the simmer takes 10 s after `ON`; PFNs slew by 10 %/s and hold a charge only
with simmer; the counter counts lamp flashes; `*RST?` inhibits the lamps, chooses single shots and is silent.  An interlock
opens the contactor and is latched in bit 21 until `OFF` or `ON` with its cause gone; bit 24 tells what was last asked for;
low water is an interlock too; the laser answers while tripped.  While the panel has control, commands have no effect and
queries are answered.  History: the first line is the number of entries and the clock (P), codes are 300 + status bit, 301
watchdog, 302 misfire; it is kept until a power cycle and reading it clears status bit 2.  At power-up: off, lamps inhibited,
single shots, PFNs 0, watchdog off, panel connected and in remote; `warm` is the same with the laser on and simmer burning.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault
from simulators.instruments.misfires import Misfires

SIMMER_S, SLEW_PERCENT_S, AT_TARGET_PERCENT, RECENT_S = 10.0, 10.0, 0.5, 1.0
FIXED_HZ, RATES_HZ, LONGEST_WATCH_S, DELAYS_ns = 10.0, (1.0, 30.0), 110, (0, 999)
BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600)
EMISSION, LOGGED, QUESTIONABLE, CONTACTOR, OSCILLATOR, AMPLIFIER, AT_TARGET, FIRED = 0, 2, 3, 8, 9, 10, 11, 12
LOW_WATER, INTERLOCK_FAULT, PANEL_CONNECTED, REMOTE, CONTACTOR_WANTED = 20, 21, 22, 23, 24
RATE_RANGE, DI_WATER = 11, 12
INTERLOCKS = {
    "supply_15V": 13,
    "head_cover": 14,
    "interlock_open": 15,
    "panel_disconnected": 16,
    "supply_208V": 17,
    "CDRH_enable": 18,
    "laser_ID": 19,
    "low_water": LOW_WATER,
}
"""Status bits that keep the contactor open."""
WATCHDOG, MISFIRE, HISTORY = 301, 302, 16
PROMPTS, ECHO, MESSAGES, LINE_FEEDS, CR_LF, XON_XOFF = range(6)
NUMBER = re.compile(r"\d{1,6}(\.\d{0,3})?")
HELP = (
    "*IDN? HELP ON OFF LAMP FIX|EXT|VAR|INH LAMP VAR?",
    "QSW LONG|EXT|NORM|SING|FIR|REP QSW? QSW DEL QSW DEL? ADV QSW ADV?",
    "OPFN APFN READ:OPFN? READ:APFN? READ:OMON? READ:AMON? READ:QSWADV? READ:VAR?",
    "SHOT? *STB? STAT:QUES? READ:HIST? *RST?",
    "ECH WATC BAUD",
)


class Refused(Exception):
    """The command has no effect."""


@dataclass
class Pfn:
    """Pulse-forming network: what was set and what it is charged to, in % of full scale."""

    set_percent: float = 0.0
    percent: float = 0.0

    def slew(self, powered: bool, elapsed_s: float) -> None:
        step, wanted = SLEW_PERCENT_S * elapsed_s, self.set_percent if powered else 0.0
        self.percent += max(-step, min(step, wanted - self.percent))


class QuantaRay:
    """Laser that flashes on outside triggers, of which `count(since, until)` tells, or by itself."""

    def __init__(self, count: Callable[[float, float], int], warm: bool = True) -> None:
        self._count = count
        self._identity = "Spectra-Physics,Quanta-Ray PRO-250,0000,1.00"
        self._causes: set[str] = set()
        self._remote = True
        self._shots = 0.0
        self.misfires = Misfires()
        self.power_up(0.0)
        if warm:
            self._on = self._wanted = True
            self._simmer_s = 0.0

    def power_up(self, now: float) -> None:
        self._powered_s = self._at_s = self._heard_s = now
        self._on = self._wanted = self._latched = self._logged = False
        self._simmer_s, self._misfire_s, self._fired_s = inf, now, -inf
        self._oscillator, self._amplifier = Pfn(), Pfn()
        self._lamp, self._rate_Hz = "INH", FIXED_HZ
        self._pulse, self._release, self._switch = "NORM", "SING", "SING"
        self._delay_ns, self._advance_ns = 0, 0
        self._watch_s, self._baud = 0.0, 9600
        self._history: deque[tuple[int, float]] = deque(maxlen=HISTORY)
        self._options: set[int] = set()

    def armed(self, now: float) -> bool:
        """Whether an outside trigger gives a pulse of light."""
        self._run(now)
        return self._simmer() and self._lamp == "EXT" and self._release == "REP" and self._pulse != "LONG"

    def level_percent(self, now: float) -> float:
        """What the oscillator's PFN is charged to."""
        self._run(now)
        return self._oscillator.percent

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\r", longest=256)

    def answer(self, message: bytes, now: float) -> bytes:
        self._run(now)
        self._heard_s = now
        text = message.decode("latin-1").strip()
        end = "\r\n" if CR_LF in self._options else "\n"
        echo = message.decode("latin-1") + "\r" if ECHO in self._options else ""
        try:
            replies = self._execute(text, now) if text else []
        except Refused:
            replies = ["Error"] if MESSAGES in self._options else []
        said = "".join(f"{reply}{end}" for reply in replies)
        said += "\n" if LINE_FEEDS in self._options else ""
        said += ">" if PROMPTS in self._options else ""
        return (echo + said).encode("latin-1")

    def state(self, now: float) -> dict[str, Any]:
        self._run(now)
        return {
            "on": self._on,
            "simmer": self._simmer(),
            "armed": self.armed(now),
            "lamp": self._lamp,
            "q_switch": self._switch,
            "oscillator_percent": self._oscillator.percent,
            "amplifier_percent": self._amplifier.percent,
            "shots": int(self._shots),
            "watchdog_s": self._watch_s,
            "interlocks": sorted(self._causes),
            "interlock_latched": self._latched,
            "remote": self._remote,
            "baud": self._baud,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        self._run(now)
        lasting = bool(parameters.get("present", not parameters.get("cleared", False)))
        match kind:
            case "wrong_identity":
                self._identity = "Continuum,Surelite III,0000,1.00"
            case "interlock" if parameters.get("bit", "interlock_open") in INTERLOCKS:
                self._interlock(parameters.get("bit", "interlock_open"), lasting, now)
            case "interlock":
                raise ValueError(f"no interlock {parameters['bit']!r}; known are {', '.join(INTERLOCKS)}")
            case "low_water":
                self._interlock("low_water", lasting, now)
            case "panel":
                self._remote = not lasting
            case "misfire":
                seconds = float(parameters.get("seconds", 2.0))
                self._misfire_s = now + seconds
                self.misfires.begin(now, seconds)
                self._log(MISFIRE, now)
            case _:
                raise unknown_fault(kind, "wrong_identity", "interlock", "low_water", "panel", "misfire")

    def _execute(self, text: str, now: float) -> list[str]:
        *words, last = text.split()
        number = float(last) if NUMBER.fullmatch(last) else None
        command = " ".join(words if number is not None else [*words, last])
        if not command.endswith("?") and command != "HELP" and not self._remote:
            raise Refused
        if number is not None and command.endswith("?"):
            raise Refused
        match command:
            case "*IDN?":
                return [self._identity]
            case "HELP" if number is None:
                return list(HELP)
            case "ON" if number is None and not self._causes:
                if not self._on:
                    self._simmer_s = now + SIMMER_S
                self._on, self._wanted, self._latched = True, True, False
            case "OFF" if number is None:
                self._off()
                self._wanted, self._latched = False, bool(self._causes)
            case "LAMP FIX":
                self._light("FIX", FIXED_HZ if number is None else number)
            case "LAMP EXT":
                self._light("EXT", self._rate_Hz if number is None else number)
            case "LAMP VAR":
                self._light("VAR", self._rate_Hz if number is None else number)
            case "LAMP INH" if number is None:
                self._lamp = "INH"
            case "LAMP VAR?":
                return [f"{self._rate_Hz:g}"]
            case "QSW LONG" if number is None:
                self._pulse = self._switch = "LONG"
            case "QSW EXT" if number is None:
                self._pulse = self._switch = "EXT"
            case "QSW NORM" if number is None:
                self._pulse = self._switch = "NORM"
            case "QSW SING" if number is None:
                self._release = self._switch = "SING"
            case "QSW REP" if number is None:
                self._release = self._switch = "REP"
            case "QSW FIR" if number is None and self._release == "SING":
                return []
            case "QSW?":
                return [self._switch]
            case "QSW DEL":
                self._delay_ns = _whole(number, *DELAYS_ns)
            case "QSW DEL?":
                return [str(self._delay_ns)]
            case "ADV":
                self._advance_ns = _whole(number, *DELAYS_ns)
            case "QSW ADV?":
                return [str(self._advance_ns)]
            case "READ:QSWADV?":
                return [str(self._advance_ns)]
            case "OPFN":
                self._oscillator.set_percent = _within(number, 0, 100)
            case "APFN":
                self._amplifier.set_percent = _within(number, 0, 100)
            case "READ:OPFN?":
                return [f"{self._oscillator.set_percent:g}"]
            case "READ:APFN?":
                return [f"{self._amplifier.set_percent:g}"]
            case "READ:OMON?":
                return [f"{self._oscillator.percent:.1f}"]
            case "READ:AMON?":
                return [f"{self._amplifier.percent:.1f}"]
            case "READ:VAR?":
                return [f"{self._rate_Hz:g}"]
            case "SHOT?":
                return [str(int(self._shots))]
            case "*STB?":
                return [str(self._status(now))]
            case "STAT:QUES?":
                return [str(self._questionable(now))]
            case "READ:HIST?":
                self._logged = False
                entries = [(len(self._history), now - self._powered_s), *self._history, (0, 0.0)]
                return [f"{code} {int(clock_s)}" for code, clock_s in entries]
            case "*RST?":
                if self._remote:
                    self._lamp, self._release, self._switch = "INH", "SING", "SING"
            case "ECH":
                self._options.add(_whole(number, PROMPTS, XON_XOFF))
            case "WATC":
                self._watch_s = float(_whole(number, 0, LONGEST_WATCH_S))
            case "BAUD" if number in BAUD_RATES:
                self._baud = _whole(number, min(BAUD_RATES), max(BAUD_RATES))
            case _:
                raise Refused
        return []

    def _light(self, lamp: str, rate_Hz: float) -> None:
        self._rate_Hz = _within(rate_Hz, *RATES_HZ)
        self._lamp = lamp

    def _status(self, now: float) -> int:
        simmer = self._simmer()
        bits = {INTERLOCKS[cause] for cause in self._causes}
        conditions = {
            EMISSION: simmer and self._lamp != "INH",
            LOGGED: self._logged,
            QUESTIONABLE: self._questionable(now) != 0,
            CONTACTOR: self._on,
            OSCILLATOR: simmer,
            AMPLIFIER: simmer,
            AT_TARGET: simmer and abs(self._oscillator.percent - self._oscillator.set_percent) <= AT_TARGET_PERCENT,
            FIRED: now - self._fired_s < RECENT_S,
            INTERLOCK_FAULT: self._latched,
            PANEL_CONNECTED: "panel_disconnected" not in self._causes,
            REMOTE: self._remote,
            CONTACTOR_WANTED: self._wanted,
        }
        return sum(1 << bit for bit in bits | {bit for bit, present in conditions.items() if present})

    def _questionable(self, now: float) -> int:
        too_fast = self._flashing() and self._lamp == "EXT" and self._count(now - RECENT_S, now) > RATES_HZ[1] * RECENT_S
        return too_fast << RATE_RANGE | ("low_water" in self._causes) << DI_WATER

    def _interlock(self, cause: str, present: bool, now: float) -> None:
        if not present:
            self._causes.discard(cause)
        elif cause not in self._causes:
            self._causes.add(cause)
            self._latched = True
            self._off()
            self._log(300 + INTERLOCKS[cause], now)

    def _off(self) -> None:
        self._on, self._simmer_s = False, inf

    def _log(self, code: int, now: float) -> None:
        self._history.appendleft((code, now - self._powered_s))
        self._logged = True

    def _simmer(self) -> bool:
        return self._on and self._at_s >= self._simmer_s

    def _flashing(self) -> bool:
        """Whether the lamps flash when they are triggered."""
        return self._simmer() and self._lamp != "INH" and self._at_s >= self._misfire_s

    def _run(self, now: float) -> None:
        """Let the laser go on until now; the watchdog may switch it off on the way."""
        ends_s = self._heard_s + self._watch_s
        if self._watch_s and self._on and ends_s <= now:
            self._go(max(ends_s, self._at_s))
            self._off()
            self._wanted = False
            self._log(WATCHDOG, ends_s)
        self._go(now)

    def _go(self, until_s: float) -> None:
        for change_s in sorted((self._simmer_s, self._misfire_s)):
            if self._at_s < change_s < until_s:
                self._step(change_s)
        self._step(until_s)

    def _step(self, until_s: float) -> None:
        """A stretch in which nothing changes."""
        since_s, elapsed_s = self._at_s, max(0.0, until_s - self._at_s)
        if self._flashing() and elapsed_s > 0:
            if self._lamp != "EXT":
                self._shots += elapsed_s * self._rate_Hz
                self._fired_s = until_s
            else:
                self._shots += self._count(since_s, until_s)
                if self._count(max(since_s, until_s - RECENT_S), until_s):
                    self._fired_s = until_s
        for pfn in (self._oscillator, self._amplifier):
            pfn.slew(self._simmer(), elapsed_s)
        self._at_s = max(self._at_s, until_s)


def _within(number: float | None, low: float, high: float) -> float:
    if number is None or not low <= number <= high:
        raise Refused
    return number


def _whole(number: float | None, low: int, high: int) -> int:
    if number is None or number != int(number):
        raise Refused
    return int(_within(number, low, high))
