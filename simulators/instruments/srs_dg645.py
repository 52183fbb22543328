"""Simulated SRS DG645.  Page numbers are those of the *DG645 User Manual* Rev 1.1; *assumed* where it is silent."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.instruments.instrument import lines, unknown_fault

INPUT_BUFFER = 255
ILLEGAL_VALUE, ILLEGAL_MODE, ILLEGAL_DELAY, ILLEGAL_LINK = 10, 11, 12, 13
ILLEGAL_COMMAND, ILLEGAL_QUERY, ILLEGAL_SET, MISSING, TOO_MANY, BAD_FLOAT = 110, 112, 113, 116, 115, 118
QUEUE = 20
EXE, CME, PON = 1 << 4, 1 << 5, 1 << 7
INTERNAL, SINGLE, LONGEST_S, STEP_S = 0, 5, 1999.999999999995, 5e-12
OUTPUTS = {"T0": (0, 1), "AB": (2, 3), "CD": (4, 5), "EF": (6, 7), "GH": (8, 9)}
SYNTAX = re.compile(r"(\*?[A-Z]{3,4})(\?)?\s*(.*)")
RANGES: dict[str, tuple[float, float, float, str]] = {
    "TSRC": (5, 0, 6, "{:.0f}"),
    "TRAT": (1000.0, 100e-6, 10e6, "{:.6f}"),
    "TLVL": (1.0, -3.5, 3.5, "{:.2f}"),
    "INHB": (1, 0, 5, "{:.0f}"),
    "ADVT": (0, 0, 1, "{:.0f}"),
    "HOLD": (0.0, 0.0, 2000.0, "{:.12f}"),
    "BURM": (0, 0, 1, "{:.0f}"),
    "BURC": (5, 1, 2**32 - 1, "{:.0f}"),
    "BURP": (100e-6, 100e-9, 2000.0, "{:.12f}"),
    "BURD": (0.0, 0.0, 2000.0, "{:.12f}"),
    "BURT": (0, 0, 1, "{:.0f}"),
}
"""Default (p. 37), lowest, highest (p. 52-55), format of the reply (digits beyond DLAY's are assumed)."""
LEVELS: dict[str, tuple[float, float, float, str]] = {
    "LAMP": (2.5, 0.5, 5.0, "{:.2f}"),
    "LOFF": (0.0, -2.0, 2.0, "{:.2f}"),
    "LPOL": (1, 0, 1, "{:.0f}"),
}
"""The same, per output (p. 56-57)."""


class CommandError(Exception):
    """A refused command, with its number."""

    def __init__(self, number: int) -> None:
        super().__init__(str(number))
        self.number = number


class DG645:
    """Delay generator on its internal trigger; T0s it has fired are told afterwards from its history of starts and stops."""

    def __init__(self) -> None:
        self._serial = "004025"
        self._model = "DG645"
        self._bursts: list[tuple[float, float, float]] = []
        """Finished stretches of triggers: first T0, last possible T0, rate."""
        self._running: tuple[float, float] | None = None
        self._singles: list[float] = []
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._events = PON
        self._errors: deque[int] = deque()
        self._reset(now)

    def _reset(self, now: float) -> None:
        self._values = {name: default for name, (default, *_) in RANGES.items()}
        self._levels = {(name, b): default for name, (default, *_) in LEVELS.items() for b in range(5)}
        self._links = {2: 0, 3: 2, 4: 0, 5: 4, 6: 0, 7: 6, 8: 0, 9: 8}
        self._delays = {c: 0.0 if c % 2 == 0 else 10e-9 for c in range(2, 10)}
        self._retrigger(now)

    def fired(self, since: float, until: float) -> NDArray[np.float64]:
        """Laboratory times of the T0s in (since, until]."""
        stretches = list(self._bursts)
        if self._running is not None:
            stretches.append((self._running[0], until, self._running[1]))
        found = [np.array([time for time in self._singles if since < time <= until])]
        for first, last, rate in stretches:
            low = max(0, int(np.floor((since - first) * rate)) + 1) if since >= first else 0
            high = int(np.floor((min(last, until) - first) * rate + 1e-9))
            if high >= low and until >= first:
                found.append(first + np.arange(low, high + 1) / rate)
        times = np.concatenate(found)
        return np.sort(times[(times > since) & (times <= until)])

    def rate_Hz(self, now: float) -> float:
        """Rate of T0 right now, 0 while no triggers come."""
        return self._running[1] if self._running is not None and now >= self._running[0] else 0.0

    def edges(self) -> dict[str, tuple[float, float]]:
        """Leading edge after T0 and width, in s, of every output."""
        found = {name: (self._total(a), self._total(b) - self._total(a)) for name, (a, b) in OUTPUTS.items() if a}
        found["T0"] = (0.0, max(self._values["HOLD"], *(self._total(c) for c in self._delays)) + 25e-9)
        return found

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
        return b"" if reply is None else reply.encode("latin-1") + b"\r\n"

    def state(self, now: float) -> dict[str, Any]:
        return {
            "trigger_source": int(self._values["TSRC"]),
            "running": self._running is not None,
            "rate_Hz": self.rate_Hz(now),
            "edges_s": {name: list(edge) for name, edge in self.edges().items()},
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        if kind != "wrong_identity":
            raise unknown_fault(kind, "wrong_identity")
        self._model = "DG535"

    def _execute(self, text: str, now: float) -> str | None:
        match = SYNTAX.fullmatch(text)
        if match is None:
            raise CommandError(ILLEGAL_COMMAND)
        name, query, rest = match[1], match[2] is not None, match[3]
        parameters = [part.strip() for part in rest.split(",")] if rest else []
        if name in RANGES:
            return self._scalar(name, query, parameters, now)
        if name in LEVELS:
            return self._level(name, query, parameters)
        commands: dict[str, Callable[[bool, list[str], float], str | None]] = {
            "*IDN": self._identity,
            "*RST": lambda query, parameters, now: self._reset(now),
            "*CLS": self._clear,
            "*TRG": self._trigger,
            "*OPC": lambda query, parameters, now: "1" if query else None,
            "*ESR": self._event_status,
            "*STB": lambda query, parameters, now: str(32 if self._events else 0),
            "LERR": self._last_error,
            "INSR": lambda query, parameters, now: "0",
            "DLAY": self._delay,
            "LINK": self._link,
            "REMT": lambda query, parameters, now: None,
        }
        if name not in commands:
            raise CommandError(ILLEGAL_COMMAND)
        return commands[name](query, parameters, now)

    def _scalar(self, name: str, query: bool, parameters: list[str], now: float) -> str | None:
        _, low, high, form = RANGES[name]
        if query:
            return form.format(self._values[name])
        value = _number(parameters, 0, 1)
        if not low <= value <= high:
            raise CommandError(ILLEGAL_VALUE)
        self._values[name] = value
        if name in ("TSRC", "TRAT"):
            self._retrigger(now)
        return None

    def _level(self, name: str, query: bool, parameters: list[str]) -> str | None:
        _, low, high, form = LEVELS[name]
        output = int(_number(parameters, 0, 1 if query else 2))
        if output not in range(5):
            raise CommandError(ILLEGAL_VALUE)
        if query:
            return form.format(self._levels[name, output])
        value = _number(parameters, 1, 2)
        if not low <= value <= high:
            raise CommandError(ILLEGAL_VALUE)
        self._levels[name, output] = value
        return None

    def _delay(self, query: bool, parameters: list[str], now: float) -> str | None:
        channel = int(_number(parameters, 0, 1 if query else 3))
        if query:
            return "0,+0.000000000000" if channel == 0 else f"{self._links[channel]},{self._delays[channel]:+.12f}"
        reference, delay_s = int(_number(parameters, 1, 3)), _number(parameters, 2, 3)
        self._check_link(channel, reference)
        total = self._total(reference) + delay_s
        if not -STEP_S / 2 <= total <= LONGEST_S:
            raise CommandError(ILLEGAL_DELAY)
        self._links[channel], self._delays[channel] = reference, round(delay_s / STEP_S) * STEP_S
        return None

    def _link(self, query: bool, parameters: list[str], now: float) -> str | None:
        channel = int(_number(parameters, 0, 1 if query else 2))
        if query:
            return str(self._links.get(channel, 0))
        reference = int(_number(parameters, 1, 2))
        self._check_link(channel, reference)
        self._delays[channel] = self._total(channel) - self._total(reference)
        self._links[channel] = reference
        return None

    def _check_link(self, channel: int, reference: int) -> None:
        if channel not in self._links or (reference != 0 and reference not in self._links):
            raise CommandError(ILLEGAL_LINK)
        at = reference
        while at:
            if at == channel:
                raise CommandError(ILLEGAL_LINK)
            at = self._links[at]

    def _total(self, channel: int) -> float:
        total = 0.0
        while channel > 1:
            total += self._delays[channel]
            channel = self._links[channel]
        return total

    def _retrigger(self, now: float) -> None:
        """A change of source or rate ends the stretch of triggers; on the internal source a new one begins a period later."""
        if self._running is not None:
            self._bursts.append((self._running[0], now, self._running[1]))
        internal = int(self._values["TSRC"]) == INTERNAL
        rate = self._values["TRAT"]
        self._running = (now + 1 / rate, rate) if internal else None

    def _identity(self, query: bool, parameters: list[str], now: float) -> str:
        if not query:
            raise CommandError(ILLEGAL_SET)
        return f"Stanford Research Systems,{self._model},s/n{self._serial},ver1.00.00E"

    def _clear(self, query: bool, parameters: list[str], now: float) -> None:
        self._errors.clear()
        self._events = 0

    def _trigger(self, query: bool, parameters: list[str], now: float) -> None:
        if int(self._values["TSRC"]) != SINGLE:
            raise CommandError(ILLEGAL_MODE)
        self._singles.append(now)

    def _event_status(self, query: bool, parameters: list[str], now: float) -> str:
        if not query or parameters:
            raise CommandError(ILLEGAL_QUERY)
        events, self._events = self._events, 0
        return str(events)

    def _last_error(self, query: bool, parameters: list[str], now: float) -> str:
        if not query:
            raise CommandError(ILLEGAL_SET)
        return str(self._errors.popleft() if self._errors else 0)

    def _fail(self, number: int) -> None:
        self._events |= EXE if number < 30 else CME
        if len(self._errors) < QUEUE:
            self._errors.append(number)
        else:
            self._errors[-1] = 254


def _number(parameters: list[str], place: int, count: int) -> float:
    if len(parameters) < count:
        raise CommandError(MISSING)
    if len(parameters) > count:
        raise CommandError(TOO_MANY)
    try:
        return float(parameters[place])
    except ValueError:
        raise CommandError(BAD_FLOAT) from None
