"""Simulated Coherent EnergyMax-USB J-10MB-HE, a pulse energy sensor with its meter in the plug.

*Assumed* where the sheet is silent or marks it unconfirmed (all of it is, against the vendor's text):
- CR or LF ends a command, an empty line has no answer; case does not matter, SCPI short forms are known;
- instead of OK (and of a value) `ERR100` for an unknown command, `ERR101` for a missing or wrong parameter;
- `READ?` without a new pulse repeats the last record, before the first pulse it is zeros;
- after power-up: J, PULS, 1064 nm, internal trigger on the positive slope without delay, the upper range;
- the lower range is 2 mJ; above the range the energy is clipped and has flag P;
- internal trigger: pulses below 12 uJ are not seen; external trigger: every one is;
- sequence numbers count triggers and begin anew at power-up and when the trigger source is set; the period is that
  between the last two triggers; flags that come together are written together;
- type W reads energy divided by period; slope and delay do not change readings.
"""

from collections.abc import Callable, Iterable
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault

MODEL, SERIAL = "EM-USB J-10MB-HE", "0344D22R"
OTHER_MODEL, OTHER_SERIAL = "PM-USB UV/VIS", "0512E22R"
SHORTEST_NM, LONGEST_NM = 190, 12000
RANGES_J = {"MIN": 2e-3, "MAX": 20e-3}
LOWEST_J = 12e-6
LONGEST_DELAY = 1000
LONGEST_INPUT = 256
TIME_STEP_S = 1e-7
ITEMS = ("PULS", "PER", "FLAG", "SEQ")

SHORT_FORMS = {
    "SYST": "SYSTEM",
    "INF": "INFORMATION",
    "MOD": "MODEL",
    "SNUM": "SNUMBER",
    "CONF": "CONFIGURE",
    "WAV": "WAVELENGTH",
    "MEAS": "MEASURE",
    "ITEM": "ITEMSELECT",
    "RANG": "RANGE",
    "SEL": "SELECT",
    "TRIG": "TRIGGER",
    "SOUR": "SOURCE",
    "SLOP": "SLOPE",
    "DEL": "DELAY",
    "INT": "INTERNAL",
    "EXT": "EXTERNAL",
    "POS": "POSITIVE",
    "NEG": "NEGATIVE",
    "DEF": "DEFAULT",
    "MINIMUM": "MIN",
    "MAXIMUM": "MAX",
}
"""To the spelling used here."""


class RefusedError(Exception):
    """A command answered by another line than OK."""


UNKNOWN, BAD_PARAMETER = "ERR100", "ERR101"


class EnergyMax:
    """Meter of the pulses that `pulses(since, until)` counts, each with `energy_J(now)`."""

    def __init__(self, pulses: Callable[[float, float], int], energy_J: Callable[[float], float]) -> None:
        self._pulses = pulses
        self._energy_J = energy_J
        self._model, self._serial = MODEL, SERIAL
        self._over_range = False
        self._lasting_flags: set[str] = set()
        self._now = 0.0
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._now = max(self._now, now)
        self._wavelength_nm, self._type, self._range = 1064, "J", "MAX"
        self._items: tuple[str, ...] = ("PULS",)
        self._source, self._slope, self._delay = "INTERNAL", "POSITIVE", 0
        self._to_miss = 0
        self._restart()

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\r\n", LONGEST_INPUT)

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        text = message.decode("latin-1").strip(" ")
        if not text:
            return b""
        try:
            value = self._command(text.upper())
        except RefusedError as refused:
            return f"{refused}\r\n".encode()
        return f"{value}\r\nOK\r\n".encode() if value else b"OK\r\n"

    def speak(self, now: float) -> bytes:
        """Nothing is sent unasked; the look at the pulses keeps their times apart."""
        self._advance(now)
        return b""

    def state(self, now: float) -> dict[str, Any]:
        self._advance(now)
        return {
            "energy_J": self._value_J,
            "period_us": self._period_us,
            "flags": self._flags,
            "sequence": self._sequence,
            "items": list(self._items),
            "trigger_source": self._source.lower(),
            "trigger_slope": self._slope.lower(),
            "trigger_delay_us": self._delay,
            "full_scale_J": RANGES_J[self._range],
            "wavelength_nm": self._wavelength_nm,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        self._advance(now)
        present = bool(parameters.get("present", True)) and not parameters.get("cleared", False)
        match kind:
            case "wrong_identity":
                self._model, self._serial = OTHER_MODEL, OTHER_SERIAL
            case "missed_pulse":
                self._to_miss += int(parameters.get("count", 1))
            case "over_range":
                self._over_range = present
            case "baseline_clip":
                self._set_lasting("B", present)
            case "dirty_batch":
                self._set_lasting("D", present)
            case _:
                raise unknown_fault(kind, "wrong_identity", "missed_pulse", "over_range", "baseline_clip", "dirty_batch")

    def _command(self, text: str) -> str:
        """The value line of a query, nothing for a setting."""
        header, _, rest = text.partition(" ")
        query = header.endswith("?")
        name = ":".join(SHORT_FORMS.get(word, word) for word in header.rstrip("?").split(":"))
        parameters = [SHORT_FORMS.get(word.strip(), word.strip()) for word in rest.split(",")] if rest.strip() else []
        if header.count("?") > query:
            raise RefusedError(UNKNOWN)
        return self._ask(name + "?", parameters) if query else self._set(name, parameters)

    def _ask(self, name: str, parameters: list[str]) -> str:
        if parameters and name != "CONFIGURE:WAVELENGTH?":
            raise RefusedError(BAD_PARAMETER)
        match name:
            case "SYSTEM:INFORMATION:MODEL?":
                return f'"{self._model}"'
            case "SYSTEM:INFORMATION:SNUMBER?":
                return f'"{self._serial}"'
            case "CONFIGURE:WAVELENGTH?":
                match parameters:
                    case []:
                        return str(self._wavelength_nm)
                    case ["MIN"]:
                        return str(SHORTEST_NM)
                    case ["MAX"]:
                        return str(LONGEST_NM)
                raise RefusedError(BAD_PARAMETER)
            case "CONFIGURE:MEASURE:TYPE?":
                return self._type
            case "CONFIGURE:ITEMSELECT?":
                return ",".join(self._items)
            case "CONFIGURE:RANGE:SELECT?":
                return f"{RANGES_J[self._range]:.3E}"
            case "TRIGGER:SOURCE?":
                return self._source
            case "TRIGGER:SLOPE?":
                return self._slope
            case "TRIGGER:DELAY?":
                return str(self._delay)
            case "READ?":
                return self._record()
        raise RefusedError(UNKNOWN)

    def _set(self, name: str, parameters: list[str]) -> str:
        match name:
            case "CONFIGURE:WAVELENGTH":
                self._wavelength_nm = self._whole(parameters, SHORTEST_NM, LONGEST_NM)
            case "CONFIGURE:MEASURE:TYPE":
                self._type = self._choice(parameters, "J", "W")
            case "CONFIGURE:ITEMSELECT":
                if not parameters or len(set(parameters)) < len(parameters) or not set(parameters) <= set(ITEMS):
                    raise RefusedError(BAD_PARAMETER)
                self._items = tuple(parameters)
            case "CONFIGURE:RANGE:SELECT":
                if parameters not in (["MIN"], ["MAX"]):
                    raise RefusedError(BAD_PARAMETER)
                self._range = parameters[0]
            case "TRIGGER:SOURCE":
                self._source = self._choice(parameters, "INTERNAL", "EXTERNAL")
                self._restart()
            case "TRIGGER:SLOPE":
                self._slope = self._choice(parameters, "POSITIVE", "NEGATIVE")
            case "TRIGGER:DELAY":
                self._delay = self._whole(parameters, 0, LONGEST_DELAY)
            case _:
                raise RefusedError(UNKNOWN)
        return ""

    def _choice(self, parameters: list[str], default: str, other: str) -> str:
        if len(parameters) != 1 or parameters[0] not in (default, other, "DEFAULT"):
            raise RefusedError(BAD_PARAMETER)
        return other if parameters[0] == other else default

    def _whole(self, parameters: list[str], lowest: int, highest: int) -> int:
        text = parameters[0] if len(parameters) == 1 else ""
        if not text.isdecimal() or len(text) > 6 or not lowest <= int(text) <= highest:
            raise RefusedError(BAD_PARAMETER)
        return int(text)

    def _record(self) -> str:
        value = self._value_J
        if self._type == "W":
            value = value / self._period_us * 1e6 if self._period_us else 0.0
        fields = {"PULS": f"{value:.3E}", "PER": str(self._period_us), "FLAG": self._flags, "SEQ": str(self._sequence)}
        return ",".join(fields[item] for item in self._items)

    def _restart(self) -> None:
        self._value_J, self._period_us, self._flags, self._sequence = 0.0, 0, "0", 0
        self._trigger_s: float | None = None
        self._missed = False

    def _set_lasting(self, flag: str, present: bool) -> None:
        self._lasting_flags = self._lasting_flags | {flag} if present else self._lasting_flags - {flag}

    def _advance(self, now: float) -> None:
        since, self._now = self._now, max(self._now, now)
        count = self._pulses(since, self._now) if self._now > since else 0
        previous_s = since
        for place in range(count):
            at = self._time_of(since, previous_s, place)
            previous_s = at
            self._trigger(at)

    def _time_of(self, since: float, earliest_s: float, place: int) -> float:
        """When this many pulses had already been and the next came, by halving the interval."""
        low, high = earliest_s, self._now
        while high - low > TIME_STEP_S:
            middle = (low + high) / 2
            if middle in (low, high):
                break
            low, high = (low, middle) if self._pulses(since, middle) > place else (middle, high)
        return high

    def _trigger(self, at: float) -> None:
        energy_J, scale_J = self._energy_J(at), RANGES_J[self._range]
        if self._source == "INTERNAL" and energy_J < LOWEST_J:
            return
        self._sequence += 1
        if self._trigger_s is not None:
            self._period_us = round((at - self._trigger_s) * 1e6)
        self._trigger_s = at
        if self._to_miss > 0:
            self._to_miss -= 1
            self._missed = True
            return
        over = self._over_range or energy_J > scale_J
        present = {"P": over, "B": "B" in self._lasting_flags, "M": self._missed, "D": "D" in self._lasting_flags}
        self._flags = "".join(flag for flag, is_present in present.items() if is_present) or "0"
        self._value_J = scale_J if over else energy_J
        self._missed = False
