"""Simulated Keysight Infiniium S-Series with segmented memory, on the raw SCPI socket.

Section numbers are those of the protocol sheet; *assumed* where it names no source.  `:DIGitize` starts an acquisition as
`:SINGle` does, but does not hold up the commands after it; free runs (`:RUN` outside segmented mode) capture nothing.
*Assumed* too: only the trigger input has pulses; segments cannot be averaged (-221); a channel that is not shown has no points.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.instruments.infiniium_record import DIVISIONS, finer, interpolated, sampled, sees_pulses, taken
from simulators.instruments.infiniium_settings import (
    BAD_DATA,
    CHANNEL_SETTINGS,
    CHANNEL_SPELLINGS,
    CONFLICT,
    MEMORY_POINTS,
    MISSING,
    OUT_OF_RANGE,
    SETTINGS,
    SPELLINGS,
    UNDEFINED,
    ScpiError,
    number,
    shown,
)
from simulators.instruments.instrument import Answer, lines, unknown_fault
from simulators.instruments.scpi import Message, spellings, units
from simulators.world.conditions import Capture

ARMING_S = 1e-3
"""From `:SINGle` to ready for a trigger (assumed)."""
MOST_SEGMENTS = 65_536
TIME_DIVISIONS = 10
CHANNELS = (1, 2, 3, 4)
LEVEL_SOURCES = ("CHAN1", "CHAN2", "CHAN3", "CHAN4", "AUX", "LINE")
REFERENCE = {"LEFT": 0, "CENT": 50, "RIGH": 100}
"""Where on the screen the time reference lies, in percent."""
RATES_HZ = [mantissa * 10.0**decade for decade in range(1, 11) for mantissa in (1, 2, 2.5, 4, 5)] + [2e10]
"""Legal sample rates (assumed); a request is rounded to the next faster one (section 3)."""
TEXTS = {
    0: "No error",
    -113: "Undefined header",
    -109: "Missing parameter",
    -222: "Data out of range",
    -104: "Data type error",
    -221: "Settings conflict",
}
QUEUE = 30
OPERATION_COMPLETE, COMMAND_ERROR, POWER_ON = 1, 32, 128
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
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._errors: deque[int] = deque()
        self._forced: list[float] = []
        self._free = False
        self._acquisition: Acquisition | None = None
        self._latch = {"ADER": False, "PDER": False, "AER": False, "TER": False}
        self._events = POWER_ON
        self._reset()

    def _reset(self) -> None:
        self._values: dict[str, Any] = {header: default for header, (default, _) in SETTINGS.items()}
        self._segments, self._rate_Hz, self._range_s, self._index = 2, 1e9, 1e-6, 1
        self._channels = {n: {header: default for header, (default, _) in CHANNEL_SETTINGS.items()} for n in CHANNELS}
        self._channels[1][":CHANnel<n>:DISPlay"] = 1
        self._levels: dict[str, float] = {}

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
                self._events |= COMMAND_ERROR
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
        forced = [time for time in self._forced if one.armed_s < time <= until]
        seen = self._triggers(one.armed_s, until) if sees_pulses(self._values, self._levels) else np.empty(0)
        record = self._sampled()
        busy_s = max(float(self._values[":TRIGger:HOLDoff"]), record.samples * record.interval_s)
        times = taken(np.sort(np.concatenate([seen, forced])), busy_s)
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
        return f"{header} " if self._values[":SYSTem:HEADer"] and not header.startswith("*") else ""

    def _run_state(self) -> str:
        armed = self._acquisition is not None and not self._acquisition.done
        return "SING" if armed else "RUN" if self._free else "STOP"

    def _execute(self, unit: Message, now: float) -> str | None:
        for pattern, action in COMMANDS:
            match = pattern.fullmatch(unit.header)
            if match is not None:
                return action(self, unit, now, *(int(number) for number in match.groups() if number))
        for pattern, header in SPELLINGS.items():
            if pattern.fullmatch(unit.header):
                return _setting(self._values, header, SETTINGS[header][1], unit)
        for pattern, header in CHANNEL_SPELLINGS.items():
            if match := pattern.fullmatch(unit.header):
                if int(match[1]) not in CHANNELS:
                    raise ScpiError(UNDEFINED)
                return _setting(self._channels[int(match[1])], header, CHANNEL_SETTINGS[header][1], unit)
        raise ScpiError(UNDEFINED)

    def _single(self, unit: Message, now: float) -> None:
        if self._values[":ACQuire:MODE"] != "SEGM" or self._values[":ACQuire:AVERage"]:
            raise ScpiError(CONFLICT)
        self._acquisition = Acquisition(now + ARMING_S, self._segments)
        self._latch["AER"] = True
        self._index = 1

    def _run(self, unit: Message, now: float) -> None:
        """In segmented mode a run is one acquisition (assumed)."""
        if self._values[":ACQuire:MODE"] == "SEGM":
            self._single(unit, now)
        self._free = self._values[":ACQuire:MODE"] != "SEGM"

    def _force(self, unit: Message, now: float) -> None:
        """A trigger by command; it counts like any other."""
        if self._acquisition is not None and not self._acquisition.done:
            self._forced.append(now)
            self._progress(now)

    def _stop(self, unit: Message, now: float) -> None:
        self._free = False
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
        self._events = 0
        self._latch = dict.fromkeys(self._latch, False)

    def _level(self, unit: Message, now: float) -> str | None:
        source = (unit.arguments[0] if unit.arguments else "").upper().replace("CHANNEL", "CHAN")
        if source not in LEVEL_SOURCES:
            raise ScpiError(BAD_DATA if source else MISSING)
        if unit.query:
            return f"{self._levels.get(source, 0.0):.2E}"
        if len(unit.arguments) != 2:
            raise ScpiError(MISSING)
        self._levels[source] = number(unit.arguments[1])
        return None

    def _segment_count(self, unit: Message, now: float) -> str | None:
        if unit.query:
            return str(self._segments)
        count = int(_argument(unit))
        if not 1 <= count <= min(MOST_SEGMENTS, MEMORY_POINTS // int(self._values[":ACQuire:POINts[:ANALog]"])):
            raise ScpiError(OUT_OF_RANGE)
        self._segments = count
        return None

    def _rate(self, unit: Message, now: float) -> str | None:
        if unit.query:
            return shown(self._rate_Hz)
        wanted = RATES_HZ[-1] if unit.arguments[:1] in (("MAX",), ("AUTO",)) else _argument(unit)
        faster = [rate for rate in RATES_HZ if rate >= wanted * (1 - 1e-9)]
        if not faster:
            raise ScpiError(OUT_OF_RANGE)
        self._rate_Hz = min(faster)
        return None

    def _reference(self, unit: Message) -> str | None:
        """A side of the screen, which is also a percentage of it."""
        header = ":TIMebase:REFerence"
        reply = _setting(self._values, header, SETTINGS[header][1], unit)
        if not unit.query:
            self._values[f"{header}:PERCent"] = REFERENCE[self._values[header]]
        return reply

    def _range(self, unit: Message, divisions: int) -> str | None:
        """Full screen, or one division of it."""
        if unit.query:
            return shown(self._range_s / divisions)
        value = _argument(unit) * divisions
        if not 5e-12 <= value <= 200.0:
            raise ScpiError(OUT_OF_RANGE)
        self._range_s = value
        return None

    def _full_scale(self, unit: Message, channel: int) -> str | None:
        values = self._channels.get(channel)
        if values is None:
            raise ScpiError(UNDEFINED)
        if unit.query:
            return shown(values[":CHANnel<n>:SCALe"] * DIVISIONS)
        scale = Message(unit.header, False, (str(_argument(unit) / DIVISIONS),))
        return _setting(values, ":CHANnel<n>:SCALe", CHANNEL_SETTINGS[":CHANnel<n>:SCALe"][1], scale)

    def _status_byte(self) -> str:
        """Event summary bit only (IEEE 488.2)."""
        return str(32 if self._events & int(self._values["*ESE"]) else 0)

    def _event_status(self) -> str:
        events, self._events = self._events, 0
        return str(events)

    def _complete(self, unit: Message) -> str | None:
        if unit.query:
            return "1"
        self._events |= OPERATION_COMPLETE
        return None

    def _armed_state(self) -> str:
        one = self._acquisition
        if one is None or one.done:
            return "ADONE"
        return "ATRIG" if len(one.times) else "ARM"

    def _waveform(self, name: str) -> str:
        """One number of the preamble."""
        capture = self._capture()
        return {
            "POINTS": str(self._points(capture)),
            "XINC": f"{capture.interval_s:.9E}",
            "XOR": f"{capture.start_s:.9E}",
            "YINC": f"{capture.volts_per_code:.9E}",
            "YOR": f"{capture.offset_V:.9E}",
        }[name]

    def _segment_index(self, unit: Message, now: float) -> str | None:
        if unit.query:
            return str(self._index)
        index = int(_argument(unit))
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
        return int(str(self._values[":WAVeform:SOURce"])[4:])

    def _sampled(self) -> Capture:
        number = self._source()
        return sampled(self._values, number, self._channels[number], self._range_s, self._rate_Hz)

    def _capture(self) -> Capture:
        """A record as it is read."""
        return finer(self._sampled()) if self._values[":ACQuire:INTerpolate"] else self._sampled()

    def _points(self, capture: Capture) -> int:
        shown = self._channels[capture.channel][":CHANnel<n>:DISPlay"]
        return capture.samples if self._captured() and shown else 0

    def _preamble(self, unit: Message, now: float) -> str:
        capture, word = self._capture(), 2 if self._values[":WAVeform:FORMat"] == "WORD" else 1
        scale = capture.volts_per_code * (1 if word == 2 else 256)
        fields = [
            word, 6 if self._values[":ACQuire:INTerpolate"] else 1, self._points(capture), 1,
            f"{capture.interval_s:.9E}", f"{capture.start_s:.9E}", 0,
            f"{scale:.9E}", f"{capture.offset_V:.9E}", 0, 2,
            f"{self._range_s:.6E}", f"{capture.start_s:.6E}",
            f"{self._channels[capture.channel][':CHANnel<n>:SCALe'] * DIVISIONS:.3E}", f"{capture.offset_V:.3E}",
            '"23 NOV 2026"', '"12:00:00:00"', f'"{self._model}:MY00000001"', 2, 100, 2, 1, "2.5E+09", 0, self._captured(),
        ]  # fmt: skip
        return ",".join(str(one) for one in fields)

    def _data(self, unit: Message) -> Answer:
        acquisition, capture = self._acquisition, self._sampled()
        if acquisition is None or not self._points(capture):
            return b"#10\n"
        if capture.channel in acquisition.read:
            return self._block(acquisition.read[capture.channel], unit.arguments)
        work = self._canned_traces(acquisition, capture) if self._canned else self._capture_shots(acquisition.times, capture)

        def first_read() -> memoryview:
            acquisition.read[capture.channel] = work()
            return self._block(acquisition.read[capture.channel], unit.arguments)

        return first_read

    def _block(self, codes: NDArray[np.int16], arguments: tuple[str, ...]) -> memoryview:
        """Header, data and line feed in one piece of memory (section 6)."""
        if self._values[":ACQuire:INTerpolate"]:
            codes = interpolated(codes)
        if not self._values[":WAVeform:SEGMented:ALL"]:
            codes = codes[self._index - 1 : self._index]
        start = int(arguments[0]) - 1 if arguments else 0
        codes = codes[:, start : start + int(arguments[1])] if len(arguments) > 1 else codes[:, start:]
        if self._values[":WAVeform:FORMat"] == "BYTE":
            data: NDArray[Any] = (codes >> 8).astype(np.int8)
        else:
            data = codes.astype("<i2" if self._values[":WAVeform:BYTeorder"] == "LSBF" else ">i2", copy=False)
        size = str(data.nbytes)
        header = self._header(":WAV:DATA") + (f"#{len(size)}{size}" if not self._values[":WAVeform:STReaming"] else "#0")
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
    "*OPC": lambda self, unit, now: self._complete(unit),
    "*ESR": lambda self, unit, now: self._event_status(),
    "*STB": lambda self, unit, now: self._status_byte(),
    "*TRG": lambda self, unit, now: self._force(unit, now),
    ":SYSTem:ERRor": lambda self, unit, now: self._error(unit, now),
    ":RUN": lambda self, unit, now: self._run(unit, now),
    ":SINGle": lambda self, unit, now: self._single(unit, now),
    ":DIGitize": lambda self, unit, now: self._single(unit, now),
    ":STOP": lambda self, unit, now: self._stop(unit, now),
    ":ADER": lambda self, unit, now: self._latched("ADER"),
    ":PDER": lambda self, unit, now: self._latched("PDER"),
    ":AER": lambda self, unit, now: self._latched("AER"),
    ":TER": lambda self, unit, now: self._latched("TER"),
    ":OPER": lambda self, unit, now: "0",
    ":RSTate": lambda self, unit, now: self._run_state(),
    ":ASTate": lambda self, unit, now: self._armed_state(),
    ":CHANnel<n>:RANGe": lambda self, unit, now, n: self._full_scale(unit, n),
    ":TIMebase:RANGe": lambda self, unit, now: self._range(unit, 1),
    ":TIMebase:SCALe": lambda self, unit, now: self._range(unit, TIME_DIVISIONS),
    ":TIMebase:REFerence": lambda self, unit, now: self._reference(unit),
    ":TRIGger:LEVel": lambda self, unit, now: self._level(unit, now),
    ":ACQuire:SRATe[:ANALog]": lambda self, unit, now: self._rate(unit, now),
    ":ACQuire:SEGMented:COUNt": lambda self, unit, now: self._segment_count(unit, now),
    ":ACQuire:SEGMented:INDex": lambda self, unit, now: self._segment_index(unit, now),
    ":ACQuire:POINts:TESTLIMITS": lambda self, unit, now: f"1,<numeric>16:{MEMORY_POINTS}",
    ":ACQuire:SRATe:TESTLIMITS": lambda self, unit, now: "1,<numeric>1.00000E+01:2.00000E+10",
    ":ACQuire:BANDwidth:TESTLIMITS": lambda self, unit, now: "1,<numeric>1.00000E+06:2.50000E+09",
    ":WAVeform:SEGMented:COUNt": lambda self, unit, now: str(self._captured()),
    ":WAVeform:SEGMented:TTAG": lambda self, unit, now: self._tag(unit, now),
    ":WAVeform:PREamble": lambda self, unit, now: self._preamble(unit, now),
    ":WAVeform:TYPE": lambda self, unit, now: "RAW",
    ":WAVeform:POINts": lambda self, unit, now: self._waveform("POINTS"),
    ":WAVeform:XINCrement": lambda self, unit, now: self._waveform("XINC"),
    ":WAVeform:XORigin": lambda self, unit, now: self._waveform("XOR"),
    ":WAVeform:YINCrement": lambda self, unit, now: self._waveform("YINC"),
    ":WAVeform:YORigin": lambda self, unit, now: self._waveform("YOR"),
}
"""What is not a plain setting."""
COMMANDS = [(spellings(header), action) for header, action in TABLE.items()]


def _argument(unit: Message) -> float:
    if not unit.arguments:
        raise ScpiError(MISSING)
    return number(unit.arguments[0])


def _setting(values: dict[str, Any], header: str, kind: Callable[[str], Any], unit: Message) -> str | None:
    if unit.query:
        return shown(values[header])
    if not unit.arguments:
        raise ScpiError(MISSING)
    values[header] = kind(unit.arguments[0])
    return None
