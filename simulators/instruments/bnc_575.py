"""Simulated Berkeley Nucleonics 575-8 pulse generator.  Section numbers are those of the protocol sheet.

*Assumed*, where the sheet is silent: option DT15 is fitted; nothing is connected to the trigger input, an external reference
of the chosen rate to the clock input, and the gate never inhibits; power-up, `*RST` and `*RCL 0` give 1 ms, NORM, stopped,
channels off, 10 ns wide; a started train has its first T0 one period later, a trigger gives its first T0 at once; on the
internal timer a single shot or a burst stops the unit at its end; a trigger while triggers are disabled or the unit is stopped
is `?8`; a channel waits and counts anew with each train of T0s; the period rule is checked when pulses start and for changes
while they run (`?8`); a ring of sync sources, a parameter too many, or one in a query is `?5`; replies have nine decimals,
eleven where 250 ps matter, voltages two; `*LBL?` answers in quotes; `:ICL:MOD`, `:RAT` and `:LEV` of the QC 9530 work next to
`:ICL`; the stored setups and the `:SYST:` and `:DISP:` settings survive a power cycle; a boot takes 3 s, in which nothing is
answered and a `*` command locks the unit up; the answers of `:INFO?`, `:NSID?`, `:UPD?`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import product
from math import floor, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.instruments.instrument import lines, unknown_fault

INPUT_BUFFER = 256
BOOT_S = 3.0
GUARD_S, RECOVERY_S = 75e-9, 200e-9
"""Period rule and dead time after a trigger (section 5)."""
LONGEST_S, STEP_S = 999.99999999975, 250e-12
NO_COLON, KEYWORD_MISSING, KEYWORD, MISSING, INVALID, QUERY_ONLY, NO_QUERY, STATE = range(1, 9)
CHANNELS = range(1, 9)
ENDLESS = 1 << 62
NAMES = ("T0", *(f"CH{letter}" for letter in "ABCDEFGH"))
CLOCKS_MHz = ("10", "11", "12", "14", "16", "20", "25", "33", "50", "100")
TIMING = ("PULSe:PERiod", "PULSe:MODe", "PULSe:BCOunter", "PULSe:PCOunter", "PULSe:OCOunter", "PULSe:TRIGger:MODe")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d{1,3})?")
T0, CHANNEL, BOTH, UNIT = "T0", "channel", "both", "unit"
Value = float | str


class Refused(Exception):
    """A refused command with its number."""

    def __init__(self, number: int) -> None:
        super().__init__(str(number))
        self.number = number


@dataclass(frozen=True)
class Train:
    """T0s every `period_s` from `first_s` until `last_s`; `on` fire and `off` are left out in turn, at most `limit` in all."""

    first_s: float
    period_s: float
    limit: float = inf
    on: int = 1
    off: int = 0
    last_s: float = inf

    def until(self, time_s: float) -> int:
        """How many periods have begun at this time."""
        time_s = min(float(time_s), self.end_s())
        if time_s < self.first_s:
            return 0
        if time_s == inf:
            return ENDLESS
        number = floor((time_s - self.first_s) / self.period_s)
        number += (self.first_s + (number + 1) * self.period_s <= time_s) - (self.first_s + number * self.period_s > time_s)
        return number + 1

    def fired(self, number: int) -> int:
        """T0s in that many periods."""
        return number // (self.on + self.off) * self.on + min(number % (self.on + self.off), self.on)

    def times(self, low: int, high: int) -> NDArray[np.float64]:
        numbers = np.arange(low, high)
        fired = numbers[numbers % (self.on + self.off) < self.on].astype(np.float64)
        return np.asarray(self.first_s + fired * self.period_s, dtype=np.float64)

    def end_s(self) -> float:
        return min(self.last_s, self.first_s + (self.limit - 1) * self.period_s)


@dataclass(frozen=True)
class Setting:
    """Something that can be set and asked."""

    scope: str
    default: Value
    low: float = 0
    high: float = 1
    step: float = 1
    words: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        if self.words:
            for word in self.words:
                if text in _forms(word):
                    return _short(word.partition("|")[0])
            raise Refused(INVALID)
        if self.high == 1 and text in ("ON", "OFF"):
            return float(text == "ON")
        if not NUMBER.fullmatch(text):
            raise Refused(INVALID)
        value = float(text)
        if not self.low - self.step / 100 <= value <= self.high + self.step / 100:
            raise Refused(INVALID)
        return round(value / self.step) * self.step

    def show(self, value: Value) -> str:
        if isinstance(value, str):
            return value
        if self.step >= 1:
            return str(round(value))
        if self.step > 1e-3:
            return f"{value:.2f}"
        return f"{value:.9f}" if round(value / STEP_S) % 4 == 0 else f"{value:.11f}"


@dataclass(frozen=True)
class Order:
    """Something to do or to read: of the unit, the parameter, the channel and the time."""

    act: Callable[["BNC575", str, int, float], str]
    parameter: bool = False
    scope: str = UNIT


class BNC575:
    """Eight channels behind one T0 timer; T0s it has fired are told afterwards from its history of trains."""

    def __init__(self) -> None:
        self._model = "575-8"
        self._history: list[Train] = []
        self._train: Train | None = None
        self._missed: list[tuple[float, int]] = []
        self._doubled: list[float] = []
        self._unit = {path: item.default for path, item in COMMANDS.items() if isinstance(item, Setting) and item.scope == UNIT}
        self._stored: dict[int, tuple[dict[tuple[str, int], Value], str]] = {}
        self._pll_locked = True
        self.power_up(0.0)
        self._booted_s = 0.0

    def power_up(self, now: float) -> None:
        self._end(now)
        self._locked_up = False
        self._booted_s = now + BOOT_S
        self._label = ""
        self._counted, self._counting_s = 0, now
        self._reset(now)
        if self._unit["SYSTem:AUTorun"]:
            self._run(True, now + BOOT_S)

    def _reset(self, now: float) -> None:
        self._run(False, now)
        self._selected = 1
        self._values: dict[tuple[str, int], Value] = {}
        for path, item in COMMANDS.items():
            if isinstance(item, Setting) and item.scope != UNIT:
                for number in range(9):
                    if (item.scope != T0) if number else (item.scope != CHANNEL):
                        self._values[path, number] = item.default
        for number in CHANNELS:
            self._values["PULSe:MUX", number] = float(1 << (number - 1))

    def fired(self, since: float, until: float, output: str = "T0") -> NDArray[np.float64]:
        """Laboratory times of the T0s in (since, until] at which an output gives its pulse."""
        found = []
        for train in self._trains():
            low = train.until(since)
            times = train.times(low, train.until(until))
            found.append(times[self._gives(output, train.fired(low) + np.arange(len(times)))])
        missed, extra = self._astray()
        times = np.concatenate([*found, [time for time in extra if since < time <= until]]).astype(np.float64)
        return np.sort(times[~np.isin(times, missed)])

    def rate_Hz(self, now: float) -> float:
        """Rate of T0 right now, 0 while no triggers come."""
        train = self._train
        going = train is not None and train.limit > 1 and train.first_s <= now <= train.end_s()
        return 1 / train.period_s if train is not None and going else 0.0

    def edges(self) -> dict[str, tuple[float, float]]:
        """Leading edge after T0 and width, in s, of every output that is switched on and driven by a timer."""
        found = {}
        for number in CHANNELS:
            mask = int(self._number("PULSe:MUX", number))
            timers = [(self._total_s(n), self._number("PULSe:WIDTh", n)) for n in CHANNELS if mask >> (n - 1) & 1]
            if timers and self._values["PULSe:STATe", number]:
                found["ABCDEFGH"[number - 1]] = min(timers)
        return found

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\n", longest=INPUT_BUFFER)

    def answer(self, message: bytes, now: float) -> bytes:
        sent = message.decode("latin-1").removesuffix("\r")
        if now < self._booted_s or self._locked_up:
            self._locked_up = self._locked_up or sent.startswith("*")
            return b""
        if not sent.strip():
            return b""
        echo = f"{sent}\r\n" if self._unit["SYSTem:COMMunicate:SERial:ECHo"] else ""
        try:
            reply = self._execute(sent.strip(), now)
        except Refused as refusal:
            reply = f"?{refusal.number}"
        return f"{echo}{reply}\r\n".encode("latin-1")

    def state(self, now: float) -> dict[str, Any]:
        return {
            "running": self._active(now),
            "rate_Hz": self.rate_Hz(now),
            "edges_s": {name: list(edge) for name, edge in self.edges().items()},
            "triggers_counted": self._count(now),
            "booting": now < self._booted_s,
            "locked_up": self._locked_up,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        match kind:
            case "wrong_identity":
                self._model = "745-4C"
            case "missed_trigger":
                self._missed.append((now, int(parameters.get("count", 1))))
            case "double_trigger":
                self._doubled.append(now)
            case "pll_unlocked":
                self._pll_locked = not parameters.get("present", True)
            case _:
                raise unknown_fault(kind, "wrong_identity", "missed_trigger", "double_trigger", "pll_unlocked")

    def _execute(self, text: str, now: float) -> str:
        if text[0] not in ":*":
            raise Refused(NO_COLON)
        if self._unit["SYSTem:CAPS"] and text != text.upper():
            raise Refused(KEYWORD)
        header, _, parameter = text.partition(" ")
        parameter, query = parameter.strip(), header.endswith("?")
        if parameter.endswith("?") and not query:
            header, parameter, query = f"{header}?", parameter.removesuffix("?").rstrip(), True
        path, suffix = _path(header.upper())
        item = COMMANDS[path]
        number = self._target(path, suffix, item.scope)
        if isinstance(item, Setting):
            if query and parameter:
                raise Refused(INVALID)
            return self._ask(path, number, item, now) if query else self._set(path, number, item, parameter.upper(), now)
        if query and not path.endswith("?"):
            raise Refused(NO_QUERY)
        if bool(parameter) != item.parameter:
            raise Refused(INVALID if parameter else MISSING)
        return item.act(self, parameter, number, now)

    def _target(self, path: str, suffix: str, scope: str) -> int:
        """The timer a command is for; a numbered one stays selected."""
        if not path.startswith("PULSe"):
            return 0
        number = int(suffix) if suffix else self._selected
        if number > 8 or scope == (CHANNEL if number == 0 else T0):
            raise Refused(KEYWORD)
        self._selected = number
        return number

    def _ask(self, path: str, number: int, item: Setting, now: float) -> str:
        if path == "PULSe:STATe" and number == 0:
            return str(int(self._active(now)))
        self._check_gate(path)
        reply = item.show(self._unit[path] if item.scope == UNIT else self._values[path, number])
        return reply + "?" if path == "PULSe:ICLock:MODe" and reply == "XPL" and not self._pll_locked else reply

    def _set(self, path: str, number: int, item: Setting, text: str, now: float) -> str:
        if not text:
            raise Refused(MISSING)
        value = item.parse(text)
        if item.scope == UNIT:
            self._unit[path] = value
            return "ok"
        self._check_gate(path)
        if path == "PULSe:STATe" and number == 0:
            if not (value and self._active(now)):
                self._run(bool(value), now)
            return "ok"
        active = self._active(now)
        if not active:
            self._end(now)
        if path == "PULSe:COUNter:STATe":
            self._counted, self._counting_s = self._count(now), now
        before, self._values[path, number] = self._values[path, number], value
        try:
            self._check(path, number, active)
        except Refused:
            self._values[path, number] = before
            raise
        self._follow(path)
        if active and number == 0 and path in TIMING:
            self._run(True, now)
        return "ok"

    def _check_gate(self, path: str) -> None:
        if path in ("PULSe:CGATe", "PULSe:CLOGic") and self._values["PULSe:GATe:MODe", 0] != "CHAN":
            raise Refused(STATE)

    def _check(self, path: str, number: int, active: bool) -> None:
        if path == "PULSe:SYNC":
            at, seen = number, set[int]()
            while at:
                if at in seen:
                    raise Refused(INVALID)
                seen.add(at)
                at = NAMES.index(str(self._values[path, at]))
        if active and not self._fits():
            raise Refused(STATE)

    def _fits(self) -> bool:
        """The period rule, for the channels that are on."""
        period_s = self._number("PULSe:PERiod", 0)
        return all(delay_s + width_s + GUARD_S < period_s for delay_s, width_s in self.edges().values())

    def _follow(self, path: str) -> None:
        """The two ways to choose the clock agree."""
        clock, mode, rate = ("PULSe:ICLock", 0), ("PULSe:ICLock:MODe", 0), ("PULSe:ICLock:RATe", 0)
        if path == clock[0]:
            external = self._values[clock] != "SYS"
            self._values[mode] = "XPL" if external else "SYS"
            self._values[rate] = str(self._values[clock]).removeprefix("EXT") if external else "10"
        elif path in (mode[0], rate[0]):
            self._values[clock] = f"EXT{self._values[rate]}" if self._values[mode] == "XPL" else "SYS"

    def _number(self, path: str, number: int) -> float:
        return float(self._values[path, number])

    def _total_s(self, number: int) -> float:
        total_s = 0.0
        while number:
            total_s += self._number("PULSe:DELay", number)
            number = NAMES.index(str(self._values["PULSe:SYNC", number]))
        return total_s

    def _gives(self, output: str, number: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a channel gives a pulse at these T0s of a train: it waits for some, then has a mode of its own."""
        channel = NAMES.index(f"CH{output}") if output != "T0" else 0
        if not channel:
            return np.ones(len(number), dtype=np.bool_)
        wait, burst, on, off = (int(self._number(f"PULSe:{name}unter", channel)) for name in ("WCO", "BCO", "PCO", "OCO"))
        after = number - wait
        most = {"SING": 1, "BURS": burst}.get(str(self._values["PULSe:CMODe", channel]), ENDLESS)
        shown = after % (on + off) < on if self._values["PULSe:CMODe", channel] == "DCYC" else after < most
        gives: NDArray[np.bool_] = (after >= 0) & shown
        return gives

    def _trains(self) -> list[Train]:
        return self._history if self._train is None else [*self._history, self._train]

    def _astray(self) -> tuple[list[float], list[float]]:
        """T0s left out by a fault, and those too many."""
        missed = {time for since, count in self._missed for time in self._next(since, count)[0]}
        following = (self._next(since, 1) for since in self._doubled)
        return sorted(missed), [times[0] + period_s / 3 for times, period_s in following if times]

    def _next(self, since: float, count: int) -> tuple[list[float], float]:
        """The first T0s after a time, and the period of the last of them."""
        times: list[float] = []
        period_s = 0.0
        for train in self._trains():
            low, wanted = train.until(since), count - len(times)
            enough = low + (wanted // train.on + 2) * (train.on + train.off)
            found = train.times(low, min(train.until(inf), enough))[:wanted].tolist()
            if found:
                times, period_s = times + found, train.period_s
        return times, period_s

    def _active(self, now: float) -> bool:
        """Armed or running; without triggers a single shot or a burst ends by itself."""
        waiting = self._values["PULSe:TRIGger:MODe", 0] != "DIS"
        return self._on and (waiting or (self._train is not None and now <= self._train.end_s()))

    def _end(self, now: float) -> None:
        self._on = False
        if self._train is not None:
            self._history.append(replace(self._train, last_s=min(now, self._train.last_s)))
        self._train = None

    def _run(self, on: bool, now: float) -> None:
        if on and not self._fits():
            raise Refused(STATE)
        self._end(now)
        self._on = on
        if on and self._values["PULSe:TRIGger:MODe", 0] == "DIS":
            self._begin(now + self._number("PULSe:PERiod", 0))

    def _begin(self, first_s: float) -> None:
        counts = {name: int(self._number(f"PULSe:{name}unter", 0)) for name in ("BCO", "PCO", "OCO")}
        train = Train(first_s, self._number("PULSe:PERiod", 0))
        match self._values["PULSe:MODe", 0]:
            case "SING":
                train = replace(train, limit=1)
            case "BURS":
                train = replace(train, limit=counts["BCO"])
            case "DCYC":
                train = replace(train, on=counts["PCO"], off=counts["OCO"])
        self._train = train

    def _trigger(self, gate: bool, now: float) -> str:
        mode = self._values["PULSe:TRIGger:MODe", 0]
        if not self._on or mode == "DIS" or (gate and mode != "DUAL"):
            raise Refused(STATE)
        longest_s = max((delay_s + width_s for delay_s, width_s in self.edges().values()), default=0.0)
        if self._train is None or now > self._train.end_s() + longest_s + RECOVERY_S:
            self._end(now)
            self._on = True
            self._begin(now)
        return "ok"

    def _count(self, now: float) -> int:
        if not self._values["PULSe:COUNter:STATe", 0]:
            return self._counted
        since = self._counting_s
        fired = sum(train.fired(train.until(now)) - train.fired(train.until(since)) for train in self._trains())
        missed, extra = self._astray()
        return self._counted + fired + sum(since < t <= now for t in extra) - sum(since < t <= now for t in missed)

    def _counter(self, parameter: str, clear: bool, now: float) -> str:
        if parameter.upper() not in ("TCNTS", "GCNTS"):
            raise Refused(INVALID)
        if not clear:
            return str(self._count(now)) if parameter.upper() == "TCNTS" else "0"
        if parameter.upper() == "TCNTS":
            self._counted, self._counting_s = 0, now
        return "ok"

    def _restart(self, now: float) -> str:
        self._reset(now)
        return "ok"

    def _store(self, parameter: str) -> str:
        self._stored[_whole(parameter, 1, 12)] = (dict(self._values), self._label)
        return "ok"

    def _recall(self, parameter: str, now: float) -> str:
        number = _whole(parameter, 0, 12)
        self._reset(now)
        values, self._label = self._stored.get(number, (self._values, ""))
        self._values = dict(values)
        return "ok"

    def _name(self, parameter: str) -> str:
        match = re.fullmatch(r'"([^"]{0,14})"', parameter)
        if match is None:
            raise Refused(INVALID)
        self._label = match[1]
        return "ok"

    def _select(self, number: int) -> str:
        self._selected = number
        return "ok"

    def _select_name(self, parameter: str) -> str:
        if parameter.upper() not in NAMES:
            raise Refused(INVALID)
        return self._select(NAMES.index(parameter.upper()))


def _forms(word: str) -> set[str]:
    """Short and full form of a keyword; alternatives stand behind a bar."""
    return {form for one in word.split("|") for form in (_short(one), one.upper())}


def _short(word: str) -> str:
    return "".join(letter for letter in word if not letter.islower())


def _whole(text: str, low: int, high: int) -> int:
    if not re.fullmatch(r"\d{1,3}", text) or not low <= int(text) <= high:
        raise Refused(INVALID)
    return int(text)


def _path(header: str) -> tuple[str, str]:
    """The command a header stands for, and the number of its timer."""
    keywords = header.removesuffix("?").removeprefix(":").split(":")
    if "" in keywords or keywords == ["*"]:
        raise Refused(KEYWORD_MISSING)
    suffix = keywords[0].removeprefix("PULSE").removeprefix("PULS") if header.startswith(":PULS") else ""
    if suffix:
        keywords[0] = keywords[0].removesuffix(suffix)
        if not re.fullmatch("[0-9]", suffix):
            raise Refused(KEYWORD)
    name = (":" if header.startswith(":") else "") + ":".join(keywords)
    query = header.endswith("?")
    for ending in ("?", "") if query else ("",):
        if name + ending in PATHS:
            return PATHS[name + ending], suffix
    if not query and f"{name}?" in PATHS:
        raise Refused(QUERY_ONLY)
    raise Refused(KEYWORD_MISSING if any(path.startswith(f"{name}:") for path in PATHS) else KEYWORD)


MODES = ("NORMal", "SINGle", "BURSt", "DCYCle")
COUNT = Setting(BOTH, 1, 1, 9999999)
LEVEL = Setting(T0, 2.5, 0.2, 15.0, 0.01)
COMMANDS: dict[str, Setting | Order] = {
    "*IDN?": Order(lambda unit, *_: f"BNC,{unit._model},31309,2.4.1-2.0.11"),
    "*RST": Order(lambda unit, text, number, now: unit._restart(now)),
    "*SAV": Order(lambda unit, text, *_: unit._store(text), parameter=True),
    "*RCL": Order(lambda unit, text, number, now: unit._recall(text, now), parameter=True),
    "*LBL": Order(lambda unit, text, *_: unit._name(text), parameter=True),
    "*LBL?": Order(lambda unit, *_: f'"{unit._label}"'),
    "*TRG": Order(lambda unit, text, number, now: unit._trigger(False, now)),
    "*ARM": Order(lambda unit, *_: "ok"),
    "*TTG": Order(lambda unit, text, number, now: unit._trigger(False, now)),
    "*GTG": Order(lambda unit, text, number, now: unit._trigger(True, now)),
    "INSTrument:CATalog?": Order(lambda *_: ",".join(NAMES)),
    "INSTrument:FULL?": Order(lambda *_: ", ".join(f"{name}, {n}" for n, name in enumerate(NAMES))),
    "INSTrument:NSELect": Order(lambda unit, text, *_: unit._select(_whole(text, 0, 8)), parameter=True),
    "INSTrument:NSELect?": Order(lambda unit, *_: str(unit._selected)),
    "INSTrument:SELect": Order(lambda unit, text, *_: unit._select_name(text), parameter=True),
    "INSTrument:SELect?": Order(lambda unit, *_: NAMES[unit._selected]),
    "INSTrument:STATe": Order(lambda unit, text, number, now: unit._execute(f":PULSE:STATE {text}", now), parameter=True),
    "INSTrument:STATe?": Order(lambda unit, text, number, now: unit._execute(":PULSE:STATE?", now)),
    "PULSe:STATe": Setting(BOTH, 0),
    "PULSe:PERiod": Setting(T0, 1e-3, 100e-9, 5000.0, 10e-9),
    "PULSe:MODe": Setting(T0, "NORM", words=MODES),
    "PULSe:BCOunter": COUNT,
    "PULSe:PCOunter": COUNT,
    "PULSe:OCOunter": COUNT,
    "PULSe:TRIGger:MODe": Setting(T0, "DIS", words=("DISabled", "TRIGgered", "DUAL")),
    "PULSe:TRIGger:EDGE|LOGic": Setting(T0, "RIS", words=("RISing", "FALLing")),
    "PULSe:TRIGger:LEVel": LEVEL,
    "PULSe:GATe:MODe": Setting(T0, "DIS", words=("DISabled", "PULSe", "OUTPut", "CHANnel")),
    "PULSe:GATe:LOGic": Setting(T0, "HIGH", words=("LOW", "HIGH")),
    "PULSe:GATe:LEVel": LEVEL,
    "PULSe:ICLock": Setting(T0, "SYS", words=("SYStem", *(f"EXT{clock}" for clock in CLOCKS_MHz))),
    "PULSe:ICLock:MODe": Setting(T0, "SYS", words=("SYStem", "XPL")),
    "PULSe:ICLock:RATe": Setting(T0, "10", words=CLOCKS_MHz),
    "PULSe:ICLock:LEVel": LEVEL,
    "PULSe:OCLock": Setting(T0, "T0", words=("T0", *CLOCKS_MHz)),
    "PULSe:COUNter:STATe": Setting(T0, 0),
    "PULSe:COUNter:CLear": Order(lambda unit, text, _, now: unit._counter(text, True, now), parameter=True, scope=T0),
    "PULSe:COUNter:COUNts?": Order(lambda unit, text, _, now: unit._counter(text, False, now), parameter=True, scope=T0),
    "PULSe:WIDTh": Setting(CHANNEL, 10e-9, 10e-9, LONGEST_S, STEP_S),
    "PULSe:DELay": Setting(CHANNEL, 0.0, -LONGEST_S, LONGEST_S, STEP_S),
    "PULSe:SYNC": Setting(CHANNEL, "T0", words=NAMES),
    "PULSe:POLarity": Setting(CHANNEL, "NORM", words=("NORMal", "COMPlement|INVerted")),
    "PULSe:MUX": Setting(CHANNEL, 0, 0, 255),
    "PULSe:OUTPut:MODe": Setting(CHANNEL, "TTL", words=("TTL", "ADJustable")),
    "PULSe:OUTPut:AMP|AMPLitude": Setting(CHANNEL, 4.0, 2.0, 20.0, 0.01),
    "PULSe:CMODe": Setting(CHANNEL, "NORM", words=MODES),
    "PULSe:WCOunter": Setting(CHANNEL, 0, 0, 9999999),
    "PULSe:CGATe": Setting(CHANNEL, "DIS", words=("DISabled", "PULSe", "OUTPut")),
    "PULSe:CLOGic": Setting(CHANNEL, "HIGH", words=("LOW", "HIGH")),
    "PULSe:CTRIGger": Setting(CHANNEL, "TRIG", words=("TRIGger", "GATE")),
    "SYSTem:STATe?": Order(lambda unit, text, number, now: str(int(unit._active(now)))),
    "SYSTem:KLOCk": Setting(UNIT, 0),
    "SYSTem:AUTorun": Setting(UNIT, 0),
    "SYSTem:CAPS": Setting(UNIT, 0),
    "SYSTem:BEEPer:STATe": Setting(UNIT, 0),
    "SYSTem:BEEPer:VOLume": Setting(UNIT, 50, 0, 100),
    "SYSTem:VERSion?": Order(lambda *_: "1999.0"),
    "SYSTem:SERNumber?": Order(lambda *_: "31309"),
    "SYSTem:INFOrmation?": Order(lambda *_: "2.4.1-2.0.11"),
    "SYSTem:NSID?": Order(lambda *_: "0"),
    "SYSTem:COMMunicate:SERial:BAUD": Setting(UNIT, "115200", words=("4800", "9600", "19200", "38400", "57600", "115200")),
    "SYSTem:COMMunicate:SERial:USB": Setting(UNIT, "38400", words=("4800", "9600", "19200", "38400")),
    "SYSTem:COMMunicate:SERial:ECHo": Setting(UNIT, 0),
    "SYSTem:COMMunicate:GPIB:ADDRess": Setting(UNIT, 1, 1, 15),
    "DISPlay:MODe": Setting(UNIT, 1),
    "DISPlay:UPDate?": Order(lambda *_: "0"),
    "DISPlay:BRIGhtness": Setting(UNIT, 4, 0, 4),
    "DISPlay:ENABle": Setting(UNIT, 1),
}
PATHS = {
    ("" if path[0] == "*" else ":") + ":".join(words) + ("?" if path[-1] == "?" else ""): path
    for path in COMMANDS
    for words in product(*(_forms(word) for word in path.removesuffix("?").split(":")))
}
"""Everything that may be sent, with its command."""
