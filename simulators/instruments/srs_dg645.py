"""Simulated SRS DG645.  Page numbers are those of the *DG645 User Manual* Rev 1.1; *assumed* where it is silent."""

import math
import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.instruments.dg645_delays import OUTPUTS, Delays, IllegalDelayError, IllegalLinkError
from simulators.instruments.dg645_settings import INDEXED, INDEXES, REGISTERS, SINGLE, STEPS, factory, limits, ports
from simulators.instruments.dg645_triggers import UNCOUNTED, Triggers
from simulators.instruments.instrument import lines, unknown_fault

INPUT_BUFFER, LONGEST_PARAMETER = 255, 25
ILLEGAL_VALUE, ILLEGAL_MODE, ILLEGAL_DELAY, ILLEGAL_LINK, RECALL_FAILED, NOT_ALLOWED = 10, 11, 12, 13, 14, 15
ILLEGAL_COMMAND, UNDEFINED, ILLEGAL_QUERY, ILLEGAL_SET, TOO_MANY, MISSING, TOO_LONG, BAD_FLOAT = (
    110,
    111,
    112,
    113,
    115,
    116,
    117,
    118,
)
QUEUE = 20
OPC, EXE, CME, PON = 1 << 0, 1 << 4, 1 << 5, 1 << 7
TRIGGERED, TOO_FAST, END_OF_DELAY, ABORTED = 1 << 0, 1 << 1, 1 << 2, 1 << 5
INSB, BUSY, ESB, MSS = 1 << 0, 1 << 1, 1 << 5, 1 << 6
INTERNAL, EXTERNAL, ARMED_SOURCES, SINGLE_SHOT, DEAD_TIME_S = 0, (1, 2), (3, 4), 5, 100e-9
SYNTAX = re.compile(r"(\*[A-Z]{3}|[A-Z]{4})(?![A-Z])(\?)?\s*(.*)")


class CommandError(Exception):
    """A refused command, with its number."""

    def __init__(self, number: int) -> None:
        super().__init__(str(number))
        self.number = number


class DG645:
    """Delay generator; T0s it has fired are told afterwards from its history of starts and stops.

    `reference_Hz(now)` is the rate of edges at its trigger input; they come at whole multiples of their period (*assumed*).
    The counters of the outputs' prescalers begin at 0 with each stretch of triggers (*assumed*).
    """

    def __init__(self, reference_Hz: Callable[[float], float] = lambda now: 0.0) -> None:
        self._reference_Hz, self._edges_Hz = reference_Hz, 0.0
        self._serial = "004025"
        self._model = "DG645"
        self._locked_out = False
        self._triggers = Triggers()
        self._saved: dict[int, Any] = {}
        self._saved_at_panel: Any = None
        self._ports = ports()
        self._end = b"\r\n"
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._events, self._instrument_events, self._looked_s = PON, 0, now
        self._registers = {name: one.default for name, one in REGISTERS.items()}
        self._errors: deque[int] = deque()
        self._reset(now)
        if self._saved_at_panel is not None:
            self._restore(self._saved_at_panel, now)

    def _reset(self, now: float) -> None:
        self._values, self._indexed = factory()
        self._display = (11, 2)
        self._delays = Delays()
        self._retrigger(now)

    def fired(self, since: float, until: float, output: str = "T0") -> NDArray[np.float64]:
        """Laboratory times of the T0s in (since, until] at which an output gives its pulse.

        In burst mode each trigger gives the cycles of one burst.
        """
        if not self._values["BURM"]:
            return self._passed(*self._triggers.within(since, until), output)
        delay_s, period_s = self._values["BURD"], self._values["BURP"]
        cycles = np.arange(int(self._values["BURC"]))
        first, number = self._triggers.within(since - delay_s - len(cycles) * period_s, until)
        times = (first[:, np.newaxis] + delay_s + cycles * period_s).ravel()
        numbers = np.where(number[:, np.newaxis] == UNCOUNTED, UNCOUNTED, number[:, np.newaxis] * len(cycles) + cycles).ravel()
        inside = (times > since) & (times <= until)
        return np.sort(self._passed(times[inside], numbers[inside], output))

    def rate_Hz(self, now: float) -> float:
        """Rate of T0 right now, 0 while no triggers come."""
        return self._triggers.rate_Hz(now)

    def edges(self) -> dict[str, tuple[float, float]]:
        """Leading edge after T0 and width, in s, of every output."""
        return self._delays.edges(self._hold_off_s())

    def split(self, received: bytearray) -> Iterable[bytes]:
        if len(received) > INPUT_BUFFER and not any(byte in b";\r\n" for byte in received[:INPUT_BUFFER]):
            received.clear()
            self._fail(171)
            return []
        return lines(received, b";\r\n")

    def answer(self, message: bytes, now: float) -> bytes:
        text = message.decode("latin-1").strip().upper()
        if not text:
            return b""
        try:
            reply = self._execute(text, now)
        except CommandError as error:
            self._fail(error.number)
            return b""
        except IllegalLinkError:
            self._fail(ILLEGAL_LINK)
            return b""
        except IllegalDelayError:
            self._fail(ILLEGAL_DELAY)
            return b""
        return b"" if reply is None else reply.encode("latin-1") + self._end

    def state(self, now: float) -> dict[str, Any]:
        return {
            "trigger_source": int(self._values["TSRC"]),
            "running": self._triggers.running,
            "rate_Hz": self.rate_Hz(now),
            "edges_s": {name: list(edge) for name, edge in self.edges().items()},
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        match kind:
            case "wrong_identity":
                self._model = "DG535"
            case "front_panel":
                self._values["TSRC"] = float(parameters.get("trigger_source", INTERNAL))
                self._retrigger(now)
            case "locked_by_another":
                self._locked_out = not parameters.get("cleared", False)
            case "saved_at_panel":
                self._saved_at_panel = self._snapshot()
            case _:
                raise unknown_fault(kind, "wrong_identity", "front_panel", "locked_by_another", "saved_at_panel")

    def _passed(self, times: NDArray[np.float64], number: NDArray[np.int64], output: str) -> NDArray[np.float64]:
        """Those that an output's prescaler lets through: its counter is at the phase (p. 25); single shots pass."""
        if output == "T0" or not self._values["ADVT"]:
            return times
        index = 1 + list(OUTPUTS).index(output)
        divisor, phase = self._indexed["PRES", index], self._indexed["PHAS", index]
        passed: NDArray[np.float64] = times[(number == UNCOUNTED) | (number % divisor == phase)]
        return passed

    def _execute(self, text: str, now: float) -> str | None:
        match = SYNTAX.fullmatch(text)
        if match is None:
            raise CommandError(ILLEGAL_COMMAND)
        name, query, rest = match[1], match[2] is not None, match[3]
        parameters = [part.strip() for part in rest.split(",")] if rest else []
        if any(len(part) > LONGEST_PARAMETER for part in parameters):
            raise CommandError(TOO_LONG)
        if self._locked_out and not query:
            raise CommandError(NOT_ALLOWED)
        if name in REGISTERS:
            return self._register(name, query, parameters)
        if name in SINGLE:
            return self._single(name, query, parameters, now)
        if name in INDEXED:
            return self._of_index(name, query, parameters, now)
        if query:
            return self._ask(name, parameters, now)
        self._do(name, parameters, now)
        return None

    def _ask(self, name: str, parameters: list[str], now: float) -> str:
        if name in ("DLAY", "LINK"):
            channel = _whole(parameters, 0, 1, range(10))
            if name == "LINK":
                return str(self._delays.links.get(channel, 0))
            return (
                "0,+0.000000000000" if channel < 2 else f"{self._delays.links[channel]},{self._delays.after_s[channel]:+.12f}"
            )
        if parameters:
            raise CommandError(TOO_MANY)
        match name:
            case "*IDN":
                return f"Stanford Research Systems,{self._model},s/n{self._serial},ver1.00.00E"
            case "*OPC" | "LOCK" | "UNLK":
                return "1"
            case "*ESR":
                events, self._events = self._events, 0
                return str(events)
            case "*STB":
                return str(self._status_byte(now))
            case "*TST":
                self._reset(now)
                return "0"
            case "*CAL" | "TIMB":
                return "0"
            case "LERR":
                return str(self._errors.popleft() if self._errors else 0)
            case "INSR":
                self._watch(now)
                events, self._instrument_events = self._instrument_events, 0
                return str(events)
            case "DISP":
                return f"{self._display[0]},{self._display[1]}"
            case "EMAC":
                return "00.19.b3.02.00.01"
        raise CommandError(ILLEGAL_QUERY if name in SETS else UNDEFINED)

    def _do(self, name: str, parameters: list[str], now: float) -> None:
        if name in SETS:
            SETS[name](self, parameters, now)
        elif name in STEPS:
            self._step(name, parameters, now)
        elif name in QUERIES:
            raise CommandError(ILLEGAL_SET)
        else:
            raise CommandError(UNDEFINED)

    def _register(self, name: str, query: bool, parameters: list[str]) -> str | None:
        if query:
            if parameters:
                raise CommandError(ILLEGAL_QUERY)
            return str(int(self._registers[name]))
        self._registers[name] = _within(_number(parameters, 0, 1), REGISTERS[name].low, REGISTERS[name].high)
        return None

    def _single(self, name: str, query: bool, parameters: list[str], now: float) -> str | None:
        one = SINGLE[name]
        if query:
            return one.form.format(self._values[name])
        value = _number(parameters, 0, 1)
        if one.clips and value > 0:
            value = max(one.low, min(one.high, value))
        self._set_single(name, _within(value, one.low, one.high), now)
        return None

    def _set_single(self, name: str, value: float, now: float) -> None:
        self._values[name] = value
        if name in ("TSRC", "TRAT", "ADVT", "HOLD"):
            self._retrigger(now)

    def _of_index(self, name: str, query: bool, parameters: list[str], now: float) -> str | None:
        index = _whole(parameters, 0, 1 if query else 2, INDEXES[name])
        values = self._indexed if (name, index) in self._indexed else self._ports
        if query:
            return INDEXED[name].form.format(values[name, index])
        self._set_indexed(values, name, index, _number(parameters, 1, 2))
        if name in ("PRES", "PHAS"):
            self._retrigger(now)
        return None

    def _set_indexed(self, values: dict[tuple[str, int], float], name: str, index: int, value: float) -> None:
        """Amplitude and offset together stay below 6 V (p. viii), a phase below its divisor (p. 52)."""
        value = _within(value, *limits(name, index))
        after = {**values, (name, index): value}
        if name in ("LAMP", "LOFF") and after["LAMP", index] + abs(after["LOFF", index]) >= 6.0:
            raise CommandError(ILLEGAL_VALUE)
        if name == "PHAS" and value >= after["PRES", index]:
            raise CommandError(ILLEGAL_VALUE)
        values[name, index] = value

    def _step(self, name: str, parameters: list[str], now: float) -> None:
        what, size = STEPS[name]
        if what in SINGLE:
            step = self._values[size] * _sign(_number(parameters, 0, 1))
            self._set_single(what, _within(self._values[what] + step, SINGLE[what].low, SINGLE[what].high), now)
            return
        index = _whole(parameters, 0, 2, INDEXES[size])
        step = self._indexed[size, index] * _sign(_number(parameters, 1, 2))
        if what == "DLAY":
            self._delays.move(index, self._delays.links[index], self._delays.after_s[index] + step)
        else:
            self._set_indexed(self._indexed, what, index, self._indexed[what, index] + step)

    def _delay(self, parameters: list[str], now: float) -> None:
        channel, reference = _whole(parameters, 0, 3, range(10)), _whole(parameters, 1, 3, range(10))
        self._delays.move(channel, reference, _number(parameters, 2, 3))
        if self._cycle_runs(now):
            self._instrument_events |= ABORTED

    def _link(self, parameters: list[str], now: float) -> None:
        self._delays.link(_whole(parameters, 0, 2, range(10)), _whole(parameters, 1, 2, range(10)))

    def _retrigger(self, now: float) -> None:
        """A change of what triggers ends the stretch of triggers; on the internal source a new one begins a period later.

        A trigger that comes during a cycle or the hold-off is ignored (p. vii, 25), so a rate that is too high gives every
        second one, or fewer.
        """
        self._triggers.end(now)
        if int(self._values["TSRC"]) == INTERNAL:
            rate = self._edges_Hz = self._values["TRAT"]
            self._triggers.begin(now + 1 / rate, rate / self._ignored_each(rate))
        elif int(self._values["TSRC"]) in EXTERNAL and (edges_Hz := self._reference_Hz(now)) > 0:
            rate = self._edges_Hz = edges_Hz / (self._indexed["PRES", 0] if self._values["ADVT"] else 1)
            self._triggers.begin(math.ceil(now * edges_Hz + 1e-9) / edges_Hz, rate / self._ignored_each(rate))

    def _ignored_each(self, rate_Hz: float) -> int:
        return max(1, int(np.ceil((max(self._hold_off_s(), self._delays.longest_s()) + DEAD_TIME_S) * rate_Hz - 1e-9)))

    def _hold_off_s(self) -> float:
        """Acts with advanced triggering only (p. 52)."""
        return self._values["HOLD"] if self._values["ADVT"] else 0.0

    def _cycle_runs(self, now: float) -> bool:
        return len(self._triggers.within(now - self._delays.longest_s(), now)[0]) > 0

    def _watch(self, now: float) -> None:
        """Latch what happened since the last look."""
        if len(self._triggers.within(self._looked_s, now)[0]):
            self._instrument_events |= TRIGGERED | END_OF_DELAY | (TOO_FAST if self._ignored_each(self._edges_Hz) > 1 else 0)
        self._looked_s = now

    def _status_byte(self, now: float) -> int:
        self._watch(now)
        byte = INSB if self._instrument_events & int(self._registers["INSE"]) else 0
        byte |= BUSY if self._cycle_runs(now) else 0
        byte |= ESB if self._events & int(self._registers["*ESE"]) else 0
        return byte | (MSS if byte & int(self._registers["*SRE"]) else 0)

    def _clear(self, now: float) -> None:
        self._errors.clear()
        self._events = self._instrument_events = 0
        self._looked_s = now

    def _trigger(self, now: float) -> None:
        source = int(self._values["TSRC"])
        if source == SINGLE_SHOT:
            self._triggers.single(now)
        elif source not in ARMED_SOURCES:
            raise CommandError(ILLEGAL_MODE)

    def _snapshot(self) -> Any:
        return dict(self._values), dict(self._indexed), self._delays.copy()

    def _restore(self, saved: Any, now: float) -> None:
        values, indexed, delays = saved
        self._values, self._indexed, self._delays = dict(values), dict(indexed), delays.copy()
        self._retrigger(now)

    def _save(self, place: int) -> None:
        self._saved[place] = self._snapshot()

    def _recall(self, place: int, now: float) -> None:
        """Place 0 holds the factory settings; an empty place fails (assumed)."""
        if place and place not in self._saved:
            raise CommandError(RECALL_FAILED)
        self._reset(now)
        if place:
            self._restore(self._saved[place], now)

    def _show(self, page: int, channel: int) -> None:
        self._display = (page, channel)

    def _complete(self) -> None:
        self._events |= OPC

    def _terminate(self, parameters: list[str]) -> None:
        self._end = bytes(_whole([part], 0, 1, range(256)) for part in parameters[:3])

    def _fail(self, number: int) -> None:
        self._events |= EXE if number < 30 else CME
        if len(self._errors) < QUEUE:
            self._errors.append(number)
        else:
            self._errors[-1] = 254


SETS: dict[str, Callable[[DG645, list[str], float], None]] = {
    "*RST": lambda unit, parameters, now: unit._reset(now),
    "*CLS": lambda unit, parameters, now: unit._clear(now),
    "*TRG": lambda unit, parameters, now: unit._trigger(now),
    "*OPC": lambda unit, parameters, now: unit._complete(),
    "*SAV": lambda unit, parameters, now: unit._save(_whole(parameters, 0, 1, range(1, 10))),
    "*RCL": lambda unit, parameters, now: unit._recall(_whole(parameters, 0, 1, range(10)), now),
    "DLAY": lambda unit, parameters, now: unit._delay(parameters, now),
    "LINK": lambda unit, parameters, now: unit._link(parameters, now),
    "DISP": lambda unit, parameters, now: unit._show(_whole(parameters, 0, 2, range(15)), _whole(parameters, 1, 2, range(10))),
    "XTRM": lambda unit, parameters, now: unit._terminate(parameters),
}
SILENT = ("*WAI", "REMT", "IFRS")
"""Nothing that shows on the wire."""
SETS |= dict.fromkeys(SILENT, lambda unit, parameters, now: None)
QUERIES = ("*IDN", "*ESR", "*STB", "*TST", "*CAL", "LERR", "INSR", "TIMB", "EMAC", "LOCK", "UNLK")
"""What cannot be set."""


def _number(parameters: list[str], place: int, count: int) -> float:
    if len(parameters) < count:
        raise CommandError(MISSING)
    if len(parameters) > count:
        raise CommandError(TOO_MANY)
    try:
        return float(parameters[place])
    except ValueError:
        raise CommandError(BAD_FLOAT) from None


def _whole(parameters: list[str], place: int, count: int, allowed: range) -> int:
    value = _number(parameters, place, count)
    if value not in allowed:
        raise CommandError(ILLEGAL_VALUE)
    return int(value)


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise CommandError(ILLEGAL_VALUE)
    return value


def _sign(up: float) -> int:
    return 1 if up else -1
