"""Simulated Gentec-EO MAESTRO with a pyro-electric joulemeter head.

*Assumed* where the sheet is silent or marks it unconfirmed:
- labels as `PWC: 1064`; commands that the sheet shows with ACK answer it, other settings are silent; what is unknown, cut
  short or out of range has no effect and no answer; characters outside commands are skipped;
- the value of `*TLA` ends at the first character that cannot be part of it, all others have their fixed length;
- the head knows ranges 22 to 27 and 193 to 20000 nm; scale as the two-step series of the sheet;
- a pulse below the trigger level is not seen; one above the range reads 3.402819e+38 (16382 in the binary stream);
- autoscale: a pulse above the range or below 5 % of it changes the range by one and gives no reading; on at first use;
  choosing a range ends it;
- zero offset takes the last reading if it is younger than 1 s, else 0;
- `*STS` ends with the serial number; addresses in `*STS` and `*ST2` but for those of the sheet; numbers there are floats;
- `*SDS` saves what `*LDS` and a power cycle bring back; texts of `*SDS` and `*VSU`; `*ESU1` runs, `*ESU0` stops;
- a head that is unplugged gives no readings: the old value is repeated.
"""

import math
import statistics
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from simulators.instruments.instrument import unknown_fault

ARGUMENT_LENGTHS = {
    "SCS": 2,
    "SAS": 1,
    "STL": 4,
    "PWC": 5,
    "MUL": 8,
    "OFF": 8,
    "ANO": 1,
    "SCA": 1,
    "ESU": 1,
    "DBU": 1,
}
"""Characters that follow the name; the other commands have none."""
LONGEST_VALUE = 8
LARGEST = 1e30
"""Multiplier and offset."""
LOWEST_RANGE, HIGHEST_RANGE = 22, 27
SHORTEST_NM, LONGEST_NM = 193, 20000
NO_VALUE = 3.402819e38
OUT_OF_RANGE = 16382
AUTOSCALE_DOWN = 0.05
FRESH_S = 1.0
ACK = ["ACK"]
HEAD_MODEL, HEAD_SERIAL = "QE25LP-S-MB", "201377"


@dataclass(frozen=True)
class Settings:
    """What `*SDS` saves."""

    range: int = 23
    autoscale: bool = True
    trigger_percent: float = 2.0
    wavelength_nm: int = 1064
    multiplier: float = 1.0
    offset_J: float = 0.0


def full_scale_J(index: int) -> float:
    """Range 24 is 1 J, two ranges are a factor of ten."""
    return (3.0 if index % 2 else 1.0) * 10.0 ** ((index - 24) // 2)


class GentecMaestro:
    """Meter of the pulses that `pulses(since, until)` counts, each with `energy_J(now)`."""

    def __init__(self, pulses: Callable[[float, float], int], energy_J: Callable[[float], float]) -> None:
        self._pulses = pulses
        self._energy_J = energy_J
        self._version = "MAESTRO Version 1.00.18"
        self._saved = Settings()
        self._plugged, self._over_range, self._binary = True, False, False
        self._now = 0.0
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._now = max(self._now, now)
        self._set = self._saved
        self._zero_J: float | None = None
        self._value_J, self._new, self._read_s = NO_VALUE, False, -math.inf
        self._dbm, self._analogue, self._streaming = False, False, False
        self._statistics: list[float] | None = None
        self._unsent = b""

    def split(self, received: bytearray) -> Iterable[bytes]:
        messages: list[bytes] = []
        while (start := received.find(b"*")) >= 0:
            del received[:start]
            end, complete = self._end(received)
            if end == len(received) and not complete:
                return messages
            if complete:
                messages.append(bytes(received[:end]))
            del received[:end]
        received.clear()
        return messages

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        text = message.decode("latin-1")
        replies = self._obey(text[1:4].upper(), text[4:])
        return self.speak(now) + "".join(reply + "\r\n" for reply in replies).encode()

    def speak(self, now: float) -> bytes:
        """Readings sent without being asked."""
        self._advance(now)
        unsent, self._unsent = self._unsent, b""
        return unsent

    def state(self, now: float) -> dict[str, Any]:
        self._advance(now)
        return {
            "energy_J": None if self._value_J == NO_VALUE else self._value_J,
            "new": self._new,
            "streaming": self._streaming,
            "range": self._set.range,
            "full_scale_J": full_scale_J(self._set.range),
            "autoscale": self._set.autoscale,
            "trigger_percent": self._set.trigger_percent,
            "wavelength_nm": self._set.wavelength_nm,
            "analogue_output": self._analogue,
            "head_plugged": self._plugged,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        self._advance(now)
        present = bool(parameters.get("present", True)) and not parameters.get("cleared", False)
        match kind:
            case "wrong_identity":
                self._version = "INTEGRA Version 2.00.08"
            case "head_unplugged":
                self._plugged = not present
            case "over_range":
                self._over_range = present
            case "binary_stream":
                self._binary = present
            case _:
                raise unknown_fault(kind, "wrong_identity", "head_unplugged", "over_range", "binary_stream")

    def _end(self, received: bytearray) -> tuple[int, bool]:
        """Where the command at the front ends, and whether it is complete."""
        name = received[1:4].decode("latin-1").upper()
        length = 4 + ARGUMENT_LENGTHS.get(name, 0)
        if name == "TLA":
            for position in range(4, len(received)):
                if received[position] == ord("%"):
                    return position + 1, True
                if received[position] not in b" .0123456789" or position > 4 + LONGEST_VALUE:
                    return position, True
            return len(received), False
        for position in range(1, min(length, len(received))):
            if received[position] in b"*\r\n":
                return position, False
        return min(length, len(received)), len(received) >= length

    def _obey(self, name: str, argument: str) -> list[str]:
        """The lines of the reply."""
        settings = self._set
        match name:
            case "VER":
                return [self._version]
            case "CVU":
                self._new = False
                return [self._text(self._value_J)]
            case "NVU":
                return ["New Data Available" if self._new else "New Data Not Available"]
            case "CAU":
                self._streaming = True
            case "CSU":
                self._streaming = False
            case "GCR":
                return [f"Range: {settings.range}"]
            case "SCS" if argument.isdecimal():
                self._choose(int(argument))
            case "SSU":
                self._choose(settings.range + 1)
            case "SSD":
                self._choose(settings.range - 1)
            case "SAS" if argument in ("0", "1"):
                self._set = replace(settings, autoscale=argument == "1")
            case "GAS":
                return [f"AutoScale: {settings.autoscale:d}"]
            case "DVS":
                return [self._range_line(index) for index in range(LOWEST_RANGE, HIGHEST_RANGE + 1)]
            case "STL" if 0.1 <= self._number(argument) <= 99.9:
                self._set = replace(settings, trigger_percent=self._number(argument))
            case "GTL":
                return [f"Trigger Level: {settings.trigger_percent}"]
            case "TLA" if 1 <= self._number(argument.strip(" %")) <= 100:
                self._set = replace(settings, trigger_percent=self._number(argument.strip(" %")))
                return ACK
            case "PWC" if argument.isdecimal() and SHORTEST_NM <= int(argument) <= LONGEST_NM:
                self._set = replace(settings, wavelength_nm=int(argument))
            case "GWL":
                return [f"PWC: {settings.wavelength_nm}"]
            case "MUL" if abs(self._number(argument)) <= LARGEST:
                self._set = replace(settings, multiplier=self._number(argument))
            case "GUM":
                return [f"User Multiplier: {settings.multiplier:g}"]
            case "OFF" if abs(self._number(argument)) <= LARGEST:
                self._set = replace(settings, offset_J=self._number(argument))
            case "GUO":
                return [f"User Offset: {settings.offset_J:g}"]
            case "SOU":
                fresh = self._value_J != NO_VALUE and self._now - self._read_s <= FRESH_S
                self._zero_J = (self._zero_J or 0.0) + self._value_J if fresh else 0.0
            case "COU":
                self._zero_J = None
            case "GZO":
                return [f"Zero: {self._zero_J is not None:d}"]
            case "ANO" if argument in ("0", "1"):
                self._analogue = argument == "1"
                return ACK
            case "SCA" if argument in ("0", "1"):
                return ACK
            case "ESU" if argument in ("0", "1"):
                self._statistics = [] if argument == "1" else None
                return ACK
            case "VSU":
                return [self._statistics_line()]
            case "GRR":
                rate = self._pulses(max(0.0, self._now - 1.0), self._now) if self._plugged else 0
                return [f"{rate:.2f}"]
            case "GMD":
                return [f"Mode: {self._mode()}"]
            case "KPA":
                return ACK
            case "STS":
                return self._structure(0x2E)
            case "ST2":
                return self._structure(0x3A)
            case "SDS":
                self._saved = settings
                return ["The detector settings have been saved in the memory of the monitor."]
            case "LDS":
                self._set = self._saved
                return ["Done!"]
            case "DBU" if argument in ("0", "1"):
                self._dbm = argument == "1"
                return ACK
        return []

    def _advance(self, now: float) -> None:
        since, self._now = self._now, max(self._now, now)
        if not self._plugged or self._now == since:
            return
        count = self._pulses(since, self._now)
        for pulse in range(count):
            self._measure(since + (self._now - since) * (pulse + 1) / count)

    def _measure(self, at: float) -> None:
        energy_J, scale_J = self._energy_J(at), full_scale_J(self._set.range)
        over = self._over_range or energy_J > scale_J
        if energy_J <= self._set.trigger_percent / 100 * scale_J and not over:
            return
        if self._set.autoscale:
            index = self._set.range + (1 if over else -1 if energy_J < AUTOSCALE_DOWN * scale_J else 0)
            if index != self._set.range and LOWEST_RANGE <= index <= HIGHEST_RANGE:
                self._set = replace(self._set, range=index)
                return
        value_J = energy_J * self._set.multiplier + self._set.offset_J - (self._zero_J or 0.0)
        self._value_J, self._new, self._read_s = NO_VALUE if over else value_J, True, at
        if self._statistics is not None and not over:
            self._statistics.append(value_J)
        if self._binary:
            code = OUT_OF_RANGE if over else min(OUT_OF_RANGE - 1, max(0, round(value_J / scale_J * OUT_OF_RANGE)))
            self._unsent += bytes([code >> 7, code & 0x7F | 0x80])
        elif self._streaming:
            self._unsent += f"{self._text(self._value_J)}\r\n".encode()

    def _choose(self, index: int) -> None:
        if LOWEST_RANGE <= index <= HIGHEST_RANGE:
            self._set = replace(self._set, range=index, autoscale=False)

    def _mode(self) -> int:
        return 7 if not self._plugged else 6 if self._dbm else 1

    def _structure(self, end: int) -> list[str]:
        """Lines of validity, address and value, each 16 bits of the status structure up to an address."""
        settings, scale_J = self._set, full_scale_J(self._set.range)
        wavelengths = [float(nm) for nm in (LONGEST_NM, SHORTEST_NM, LONGEST_NM, SHORTEST_NM)]
        scales = [full_scale_J(HIGHEST_RANGE), full_scale_J(LOWEST_RANGE), scale_J]
        content = struct.pack("<II3f4f2I", 3, self._mode(), *scales, *wavelengths, 0, 0)
        content += struct.pack("<36s12s", HEAD_MODEL.encode(), HEAD_SERIAL.encode())
        content += struct.pack("<f3I2f", settings.trigger_percent / 100, settings.autoscale, 0, self._zero_J is not None,
                               settings.multiplier, settings.offset_J)  # fmt: skip
        words = struct.unpack(f"<{len(content) // 2}H", content)
        return [f":0{address:04X}{word:04X}" for address, word in enumerate(words[:end])] + [":100000000"]

    def _statistics_line(self) -> str:
        values = self._statistics or [0.0]
        numbers = [values[-1], max(values), min(values), statistics.fmean(values), statistics.pstdev(values)]
        return "\t".join([*(self._text(number) for number in numbers), str(len(self._statistics or []))])

    @staticmethod
    def _range_line(index: int) -> str:
        scale_J = full_scale_J(index)
        return f"[{index}] : {scale_J * 1000:.1f} m" if scale_J < 1 else f"[{index}] : {scale_J:.1f}"

    @staticmethod
    def _number(text: str) -> float:
        """NaN for what is not a number."""
        if not text.isascii() or "_" in text:
            return math.nan
        try:
            return float(text)
        except ValueError:
            return math.nan

    @staticmethod
    def _text(value: float) -> str:
        return "3.402819e+38" if value == NO_VALUE else f"{value:.6g}"
