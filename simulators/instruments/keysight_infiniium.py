"""Simulated Keysight Infiniium S-Series with segmented memory, on the raw SCPI socket.

Section numbers are those of the protocol sheet; *assumed* where it names no source.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.instruments.infiniium_settings import (
    BAD_DATA,
    CONFLICT,
    MEMORY_POINTS,
    MISSING,
    OUT_OF_RANGE,
    UNDEFINED,
    ScpiError,
    number,
    settings,
    switch,
)
from simulators.instruments.instrument import Answer, lines, unknown_fault
from simulators.instruments.scpi import Message, spellings, units
from simulators.world.conditions import Capture

ARMING_S = 1e-3
"""From `:SINGle` to ready for a trigger (assumed)."""
MOST_SEGMENTS = 65_536
FULL_CODES = 65_536
DIVISIONS = 8
RATES_HZ = [mantissa * 10.0**decade for decade in range(1, 11) for mantissa in (1, 2, 2.5, 4, 5)] + [2e10]
"""Legal sample rates (assumed); a request is rounded to the next faster one (section 3)."""
TEXTS = {0: "No error", -113: "Undefined header", -109: "Missing parameter", -222: "Data out of range", -104: "Data type error"}
QUEUE = 30
CANNED = 64

Triggers = Callable[[float, float], NDArray[np.float64]]
Work = Callable[[], NDArray[np.int16]]
Captured = Callable[[NDArray[np.float64], Capture], Work]
"""Fixes the conditions of the shots at once, and gives the work that makes their traces int16[shots, samples]."""


@dataclass
class Acquisition:
    """One arming: when, for how many segments, and what came; `times` is final once `done`."""

    armed_s: float
    wanted: int
    skip: int = 0
    double: bool = False
    stopped_s: float | None = None
    times: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    done: bool = False
    read: dict[int, NDArray[np.int16]] = field(default_factory=dict)


class Infiniium:
    """Oscilloscope that captures triggers while it is armed.

    `triggers(since, until)` are laboratory times of its trigger input; `capture(times, settings)` the codes of these shots.
    With `canned` the traces are a fixed ring instead, for measurements of the wire.
    """

    def __init__(self, triggers: Triggers, capture: Captured, canned: bool = False) -> None:
        self._triggers, self._capture_shots = triggers, capture
        self._canned = canned
        self._ring = np.empty((0, 0), dtype=np.int16)
        self._model = "DSOS254A"
        self._missed = 0
        self._doubled = False
        self._settings = settings()
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._errors: deque[int] = deque()
        self._acquisition: Acquisition | None = None
        self._latch = {"ADER": False, "PDER": False, "AER": False, "TER": False}
        self._reset()

    def _reset(self) -> None:
        self._values: dict[str, Any] = {name: default for name, (_, default, _) in self._settings.items()}
        self._values |= {"segments": 2, "rate": 1e9}
        self._channels: dict[int, dict[str, float]] = {
            n: {"SCALE": 0.05, "OFFSET": 0.0, "DISPLAY": n == 1} for n in range(1, 5)
        }
        self._levels: dict[str, float] = {}
        self._index = 1

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\n")

    def answer(self, message: bytes, now: float) -> Answer:
        self._progress(now)
        replies: list[str] = []
        for unit in units(message.decode("latin-1").strip("\r\n")):
            try:
                if unit.query and DATA.fullmatch(unit.header):
                    return self._data(unit)
                reply = self._execute(unit, now)
            except ScpiError as error:
                if len(self._errors) < QUEUE:
                    self._errors.append(error.number)
                continue
            if reply is not None:
                replies.append(f"{self._header(unit.header)}{reply}")
        return (";".join(replies) + "\n").encode() if replies else b""

    def state(self, now: float) -> dict[str, Any]:
        self._progress(now)
        acquisition = self._acquisition
        return {
            "run_state": self._run_state(),
            "segments_wanted": acquisition.wanted if acquisition else 0,
            "segments_captured": len(acquisition.times) if acquisition else 0,
            "errors": list(self._errors),
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        match kind:
            case "wrong_identity":
                self._model = "DSOX91604A-CLONE"
            case "missed_trigger":
                self._missed += int(parameters.get("count", 1))
            case "double_trigger":
                self._doubled = True
            case _:
                raise unknown_fault(kind, "wrong_identity", "missed_trigger", "double_trigger")

    def _progress(self, now: float) -> None:
        """Let the triggers in that have come until `now`."""
        one = self._acquisition
        if one is None or one.done:
            return
        if self._missed and not one.skip:
            one.skip, self._missed = self._missed, 0
        if self._doubled:
            one.double, self._doubled = True, False
        until = now if one.stopped_s is None else min(now, one.stopped_s)
        times = self._triggers(one.armed_s, until)
        if one.skip and len(times) > 1:
            times = np.delete(times, range(1, 1 + one.skip))
        if one.double and len(times) > 2:
            times = np.insert(times, 2, times[1] + (times[2] - times[1]) / 3)
        one.times = times[: one.wanted]
        self._latch["TER"] = self._latch["TER"] or len(one.times) > 0
        if len(one.times) == one.wanted:
            one.done = True
            self._latch["ADER"] = self._latch["PDER"] = True

    def _header(self, header: str) -> str:
        """What stands in front of an answer until `:SYSTem:HEADer OFF` was sent (section 2); never for common queries."""
        return f"{header} " if self._values["header"] and not header.startswith("*") else ""

    def _run_state(self) -> str:
        armed = self._acquisition is not None and not self._acquisition.done
        return "SING" if armed else "STOP"

    def _execute(self, unit: Message, now: float) -> str | None:
        for pattern, action in COMMANDS:
            match = pattern.fullmatch(unit.header)
            if match is not None:
                return action(self, unit, now, *(int(number) for number in match.groups() if number))
        for name, (pattern, _, kind) in self._settings.items():
            if pattern.fullmatch(unit.header):
                return self._setting(name, kind, unit)
        raise ScpiError(UNDEFINED)

    def _setting(self, name: str, kind: Any, unit: Message) -> str | None:
        if unit.query:
            value = self._values[name]
            return f"{value:.5E}" if isinstance(value, float) else str(value)
        if not unit.arguments:
            raise ScpiError(MISSING)
        self._values[name] = kind(unit.arguments[0])
        return None

    def _single(self, unit: Message, now: float) -> None:
        if self._values["mode"] != "SEGM":
            raise ScpiError(CONFLICT)
        wanted = int(self._values["segments"])
        self._acquisition = Acquisition(now + ARMING_S, wanted)
        self._latch["AER"] = True
        self._index = 1

    def _stop(self, unit: Message, now: float) -> None:
        one = self._acquisition
        if one is not None and not one.done:
            one.stopped_s, one.done = now, True

    def _latched(self, name: str) -> str:
        value, self._latch[name] = self._latch[name], False
        return str(int(value))

    def _error(self, unit: Message, now: float) -> str:
        number = self._errors.popleft() if self._errors else 0
        if unit.arguments and unit.arguments[0].upper().startswith("STR"):
            return f'{number},"{TEXTS.get(number, "Error")}"'
        return str(number)

    def _clear(self, unit: Message, now: float) -> None:
        self._errors.clear()
        self._latch = dict.fromkeys(self._latch, False)

    def _channel(self, unit: Message, name: str, channel: int) -> str | None:
        if channel not in self._channels:
            raise ScpiError(UNDEFINED)
        if unit.query:
            return f"{self._channels[channel].get(name, 0):.5E}"
        if not unit.arguments:
            raise ScpiError(MISSING)
        if name in ("SCALE", "OFFSET"):
            value = number(unit.arguments[0])
            if name == "SCALE" and not 1e-3 <= value <= 1.0:
                raise ScpiError(OUT_OF_RANGE)
            self._channels[channel][name] = value
        elif name == "DISPLAY":
            self._channels[channel][name] = switch(unit.arguments[0])
        elif unit.arguments[0].upper() not in ("DC", "DC50", "DCFIFTY", "AC", "LFR1", "LFR2"):
            raise ScpiError(BAD_DATA)
        return None

    def _level(self, unit: Message, now: float) -> str | None:
        if unit.query:
            return f"{self._levels.get(unit.arguments[0].upper() if unit.arguments else '', 0.0):.2E}"
        if len(unit.arguments) != 2:
            raise ScpiError(MISSING)
        self._levels[unit.arguments[0].upper()] = number(unit.arguments[1])
        return None

    def _segments(self, unit: Message, now: float) -> str | None:
        if unit.query:
            return str(self._values["segments"])
        count = int(number(unit.arguments[0])) if unit.arguments else 0
        if not 1 <= count <= min(MOST_SEGMENTS, MEMORY_POINTS // int(self._values["points"])):
            raise ScpiError(OUT_OF_RANGE)
        self._values["segments"] = count
        return None

    def _rate(self, unit: Message, now: float) -> str | None:
        if unit.query:
            return f"{self._values['rate']:.5E}"
        wanted = number(unit.arguments[0])
        faster = [rate for rate in RATES_HZ if rate >= wanted * (1 - 1e-9)]
        if not faster:
            raise ScpiError(OUT_OF_RANGE)
        self._values["rate"] = min(faster)
        return None

    def _segment_index(self, unit: Message, now: float) -> str | None:
        if unit.query:
            return str(self._index)
        index = int(number(unit.arguments[0])) if unit.arguments else 0
        if self._acquisition is None or not 1 <= index <= len(self._acquisition.times):
            raise ScpiError(OUT_OF_RANGE)
        self._index = index
        return None

    def _tag(self, unit: Message, now: float) -> str:
        one = self._acquisition
        if one is None or not len(one.times):
            return "0.0E+00"
        return f"{one.times[self._index - 1] - one.times[0]:.9E}"

    def _captured(self) -> int:
        return len(self._acquisition.times) if self._acquisition is not None else 0

    def _source(self) -> int:
        return int(str(self._values["source"])[4:])

    def _capture(self) -> Capture:
        channel = self._channels[self._source()]
        return Capture(
            channel=self._source(),
            samples=int(self._values["points"]),
            interval_s=1 / float(self._values["rate"]),
            start_s=float(self._values["position"]),
            volts_per_code=channel["SCALE"] * DIVISIONS / FULL_CODES,
            offset_V=channel["OFFSET"],
        )

    def _preamble(self, unit: Message, now: float) -> str:
        capture, word = self._capture(), 2 if self._values["format"] == "WORD" else 1
        scale = capture.volts_per_code * (1 if word == 2 else 256)
        fields = [
            word, 1, capture.samples if self._captured() else 0, 1,
            f"{capture.interval_s:.9E}", f"{capture.start_s:.9E}", 0,
            f"{scale:.9E}", f"{capture.offset_V:.9E}", 0, 2,
            f"{self._values['range']:.6E}", f"{capture.start_s:.6E}",
            f"{self._channels[capture.channel]['SCALE'] * DIVISIONS:.3E}", f"{capture.offset_V:.3E}",
            '"23 NOV 2026"', '"12:00:00:00"', f'"{self._model}:MY00000001"', 2, 100, 2, 1, "2.5E+09", 0, self._captured(),
        ]  # fmt: skip
        return ",".join(str(one) for one in fields)

    def _data(self, unit: Message) -> Answer:
        if self._captured() == 0:
            return b"#10\n"
        assert self._acquisition is not None
        acquisition, capture = self._acquisition, self._capture()
        if capture.channel in acquisition.read:
            return self._block(acquisition.read[capture.channel], unit.arguments)
        work = self._canned_traces(acquisition, capture) if self._canned else self._capture_shots(acquisition.times, capture)

        def first_read() -> memoryview:
            acquisition.read[capture.channel] = work()
            return self._block(acquisition.read[capture.channel], unit.arguments)

        return first_read

    def _block(self, codes: NDArray[np.int16], arguments: tuple[str, ...]) -> memoryview:
        """Header, data and line feed in one piece of memory (section 6)."""
        if not self._values["all"]:
            codes = codes[self._index - 1 : self._index]
        start = int(arguments[0]) - 1 if arguments else 0
        codes = codes[:, start : start + int(arguments[1])] if len(arguments) > 1 else codes[:, start:]
        if self._values["format"] == "BYTE":
            data: NDArray[Any] = (codes >> 8).astype(np.int8)
        else:
            data = codes.astype("<i2" if self._values["order"] == "LSBF" else ">i2", copy=False)
        size = str(data.nbytes)
        header = self._header(":WAV:DATA") + (f"#{len(size)}{size}" if not self._values["streaming"] else "#0")
        reply = np.empty(len(header) + data.nbytes + 1, dtype=np.uint8)
        reply[: len(header)] = np.frombuffer(header.encode(), dtype=np.uint8)
        reply[len(header) : -1].reshape(data.shape[0], -1)[:] = (
            np.ascontiguousarray(data).view(np.uint8).reshape(data.shape[0], -1)
        )
        reply[-1] = ord("\n")
        return reply.data

    def _canned_traces(self, one: Acquisition, capture: Capture) -> Work:
        if self._ring.shape[1] != capture.samples:
            self._ring = np.random.default_rng(1).normal(-24_000, 3, (CANNED, capture.samples)).astype(np.int16)
        return lambda: self._ring[np.arange(len(one.times)) % CANNED]


DATA = spellings(":WAVeform:DATA")
Action = Callable[..., str | None]
TABLE: dict[str, Action] = {
    "*IDN": lambda self, unit, now: f"KEYSIGHT TECHNOLOGIES,{self._model},MY00000001,06.40.00901",
    "*RST": lambda self, unit, now: self._reset(),
    "*CLS": lambda self, unit, now: self._clear(unit, now),
    "*OPC": lambda self, unit, now: "1" if unit.query else None,
    "*ESR": lambda self, unit, now: "0",
    ":SYSTem:ERRor": lambda self, unit, now: self._error(unit, now),
    ":SINGle": lambda self, unit, now: self._single(unit, now),
    ":STOP": lambda self, unit, now: self._stop(unit, now),
    ":ADER": lambda self, unit, now: self._latched("ADER"),
    ":PDER": lambda self, unit, now: self._latched("PDER"),
    ":AER": lambda self, unit, now: self._latched("AER"),
    ":TER": lambda self, unit, now: self._latched("TER"),
    ":RSTate": lambda self, unit, now: self._run_state(),
    ":CHANnel<n>:SCALe": lambda self, unit, now, n: self._channel(unit, "SCALE", n),
    ":CHANnel<n>:OFFSet": lambda self, unit, now, n: self._channel(unit, "OFFSET", n),
    ":CHANnel<n>:DISPlay": lambda self, unit, now, n: self._channel(unit, "DISPLAY", n),
    ":CHANnel<n>:INPut": lambda self, unit, now, n: self._channel(unit, "INPUT", n),
    ":TRIGger:LEVel": lambda self, unit, now: self._level(unit, now),
    ":ACQuire:SRATe[:ANALog]": lambda self, unit, now: self._rate(unit, now),
    ":ACQuire:SEGMented:COUNt": lambda self, unit, now: self._segments(unit, now),
    ":ACQuire:SEGMented:INDex": lambda self, unit, now: self._segment_index(unit, now),
    ":WAVeform:SEGMented:COUNt": lambda self, unit, now: str(self._captured()),
    ":WAVeform:SEGMented:TTAG": lambda self, unit, now: self._tag(unit, now),
    ":WAVeform:PREamble": lambda self, unit, now: self._preamble(unit, now),
    ":WAVeform:POINts": lambda self, unit, now: str(int(self._values["points"]) if self._captured() else 0),
}
"""What is not a plain setting."""
COMMANDS = [(spellings(header), action) for header, action in TABLE.items()]
