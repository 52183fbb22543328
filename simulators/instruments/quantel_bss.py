"""Simulated Quantel / Big Sky BSS supply.  Section numbers are those of the protocol sheet; *assumed* where it is silent."""

from collections.abc import Callable, Iterable
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault

FIELD = 15
WATER_FLOW_S = 2.0
LAMP_REGISTER = ("water flow", "", "water level", "lamp connector", "aux connector", "external interlock", "cover open", "")
TEXTS = {
    "water flow": "water flow",
    "water level": "water level",
    "lamp connector": "lamp connector",
    "aux connector": "aux connector",
    "external interlock": "I/O connector",
    "cover open": "switch cabinet",
}
"""What `A` answers instead of firing (section 4.2)."""
NUMBERS: dict[str, tuple[int, int, int, str]] = {
    "V": (1000, 500, 1800, "voltage  {:04d} V"),
    "VMO": (1000, 500, 1800, "Voltage m{:04d} V"),
    "F": (1000, 100, 9999, "freq.  {0:05.2f} Hz"),
    "LPM": (0, 0, 1, "LP synch :  {}  "),
    "QSM": (0, 0, 2, "QS mode :   {}  "),
    "QSF": (1, 1, 99, "cycle rate F/{:02d}"),
    "QSP": (1, 1, 999, "burst QS    {:03d}"),
    "W": (225, 100, 500, "delay    {:03d} uS"),
    "WMN": (100, 100, 999, "dly QS m {:03d} uS"),
    "WMX": (500, 100, 999, "dly QS M {:03d} uS"),
    "QSW": (0, 0, 999, "QS wait :   {:03d}"),
    "QOF": (0, 0, 1, "QS at run     {}"),
    "ROF": (0, 0, 1, "shutt. at run {}"),
    "ENE": (212, 70, 230, "energy    {0:04.1f}J"),
    "CAP": (293, 270, 330, "capacity {0:04.1f}uF"),
    "D": (0, 0, 999, "dis charg {0:04.1f}S"),
    "E": (0, 0, 999, "ena charg {0:04.1f}S"),
}
"""Power-up value, lowest, highest, template (section 3); values with one or two decimals are sent as integers."""
TENTHS = {"ENE": 10, "CAP": 10, "D": 10, "E": 10, "F": 100}
INTERNAL_RUN, EXTERNAL_RUN, EXTERNAL_WAIT = 2, 6, 4


class BigSkyBSS:
    """Flash lamp and Q-switch; `triggered(since, until)` counts the outside triggers in an interval of laboratory time."""

    def __init__(self, triggered: Callable[[float, float], int]) -> None:
        self._triggered = triggered
        self._model = "SPECTRA-SY 3.68"
        self._serial = "062"
        self._faults: set[str] = set()
        self._lamp_shots_before = 123_456
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        self._values = {name: default for name, (default, *_) in NUMBERS.items()}
        self._pump_since: float | None = None
        self._lamp_since: float | None = None
        self._q_switch, self._shutter, self._echo = False, False, True
        self._registers = {"IF1": "00 00 00 00", "IF2": "00 00 00 00", "IQ": "00 00 00 00"}
        self._first_read = True

    def armed(self, now: float) -> bool:
        """Whether an outside trigger makes light: lamp and Q-switch running on outside triggers, shutter open."""
        lamp = self._lamp_since is not None and self._values["LPM"] == 1
        return bool(lamp and self._q_switch and self._values["QSM"] == 2 and self._shutter and not self._interlocks(now))

    def lamp_voltage_V(self, now: float) -> float:
        return float(self._values["V"])

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\n")

    def answer(self, message: bytes, now: float) -> bytes:
        self._trip(now)
        text = message.decode("latin-1").rstrip("\r").upper()
        if text.startswith(">"):
            text = text[1:]
        elif text.startswith("$"):
            if text[1:4] != self._serial:
                return b""
            text = text[4:]
        field = self._execute(text, now)
        if field is None or not (self._echo or text == "ECH1"):
            return b""
        return b"\r\n" + f"{field:<{FIELD}}"[:FIELD].encode("latin-1")

    def state(self, now: float) -> dict[str, Any]:
        self._trip(now)
        return {
            "armed": self.armed(now),
            "lamp": self._lamp_since is not None,
            "q_switch": self._q_switch,
            "shutter_open": self._shutter,
            "lamp_voltage_V": self.lamp_voltage_V(now),
            "interlocks": sorted(self._interlocks(now)),
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        match kind:
            case "wrong_identity":
                self._model = "ULTRA      2.00"
            case "interlock":
                cause = str(parameters.get("cause", "external interlock"))
                if cause not in TEXTS:
                    raise unknown_fault(cause, *TEXTS)
                self._faults.add(cause)
            case "interlock_cause_gone":
                self._faults.clear()
            case _:
                raise unknown_fault(kind, "wrong_identity", "interlock", "interlock_cause_gone")
        self._trip(now)

    def _interlocks(self, now: float) -> set[str]:
        flowing = self._pump_since is not None and now - self._pump_since >= WATER_FLOW_S
        return self._faults | (set() if flowing else {"water flow"})

    def _trip(self, now: float) -> None:
        if self._lamp_since is not None and self._interlocks(now):
            self._stop(now)

    def _stop(self, now: float) -> None:
        self._lamp_shots_before = self._lamp_shots(now)
        self._lamp_since, self._q_switch, self._shutter = None, False, False

    def _lamp_shots(self, now: float) -> int:
        return self._lamp_shots_before + self._since_lamp(now)

    def _since_lamp(self, now: float) -> int:
        """Lamp shots since the lamp was started."""
        if self._lamp_since is None:
            return 0
        if self._values["LPM"] == 1:
            return self._triggered(self._lamp_since, now)
        return int((now - self._lamp_since) * self._values["F"] / 100)

    def _execute(self, text: str, now: float) -> str | None:
        fixed = self._fixed(text, now)
        if fixed is not None:
            return fixed
        name = text.rstrip("0123456789")
        number = text[len(name) :]
        if name in NUMBERS:
            return self._number(name, number)
        if name in ("P", "R", "ECH") and number in ("", "0", "1"):
            return self._switch(name, number, now)
        return None

    def _fixed(self, text: str, now: float) -> str | None:
        """Commands without a number (sections 3.1 and 4)."""
        match text:
            case "":
                return self._state_text()
            case "X":
                return self._model
            case "SN":
                return f"s/number    {self._serial}"
            case "DAT":
                return "20/12/02"
            case "T":
                return "ct time 7040:23"
            case "CG":
                return "temp. CG 39 d"
            case "CGF":
                return "temp. CG 102 F"
            case "C":
                return f"ct LP {self._lamp_shots(now):09d}"
            case "WOR":
                return self._works(now)
            case "IF" | "IF1" | "IF2" | "IQ":
                return self._register("IF1" if text == "IF" else text, now)
            case "A":
                return self._start(now)
            case "S":
                self._stop(now)
                return self._state_text()
            case "PQ":
                return self._start_q_switch(now)
            case "SQ":
                self._q_switch = False
                return self._state_text()
            case "SAV1":
                return "Save config.  1"
        return None

    def _number(self, name: str, number: str) -> str:
        """Read or write; a value out of range leaves the old one, which the echo shows (assumed)."""
        _, low, high, template = NUMBERS[name]
        if number and low <= int(number) <= high:
            self._values[name] = int(number)
        value = self._values[name]
        return template.format(value / TENTHS[name] if name in TENTHS else value)

    def _switch(self, name: str, number: str, now: float) -> str:
        if name == "P":
            if number == "1" and self._pump_since is None:
                self._pump_since = now
            elif number == "0":
                self._pump_since = None
            return f"CG pump       {int(self._pump_since is not None)}"
        if name == "R":
            self._shutter = number == "1" if number else self._shutter
            return "shutter opened" if self._shutter else "shutter closed"
        self._echo = number != "0"
        return "echo on"

    def _start(self, now: float) -> str:
        for cause in TEXTS:
            if cause in self._interlocks(now):
                return TEXTS[cause]
        if self._lamp_since is None:
            self._lamp_since = now
        return self._state_text()

    def _start_q_switch(self, now: float) -> str:
        if not self._shutter:
            return "shutter closed"
        if self._lamp_since is None:
            return "interlock QS"
        if self._since_lamp(now) < self._values["QSW"]:
            return "wait for QS"
        self._q_switch = True
        return self._state_text()

    def _state_text(self) -> str:
        outside_q_switch = "e" if self._values["QSM"] == 2 else " "
        if self._lamp_since is None:
            return f"standby      {outside_q_switch} "
        lamp = "ext " if self._values["LPM"] else "auto"
        return f"fire {lamp}  {'qs' if self._q_switch else '  '}{outside_q_switch} "

    def _works(self, now: float) -> str:
        running = EXTERNAL_RUN if self._values["LPM"] else INTERNAL_RUN
        lamp = running if self._lamp_since is not None else 0
        waiting = EXTERNAL_WAIT if self._values["QSM"] == 2 else INTERNAL_RUN
        return f"I {int(bool(self._faults))} F {lamp} S 0 Q {waiting if self._q_switch else 0}"

    def _register(self, name: str, now: float) -> str:
        """The sample taken at the read before; this read takes the next one (section 5)."""
        shown = self._registers[name]
        digits = [str(int(bool(cause) and cause in self._interlocks(now))) for cause in LAMP_REGISTER]
        if name == "IQ":
            inhibited = self._lamp_since is not None and self._since_lamp(now) < self._values["QSW"]
            digits = [str(int(inhibited)), *"00000", str(int(not self._shutter)), "0"]
        elif name == "IF2":
            digits = list("00000000")
        self._registers[name] = " ".join("".join(digits[place : place + 2]) for place in range(0, 8, 2))
        label = "IQS" if name == "IQ" else "IF1" if self._first_read else "IF."
        self._first_read = False
        return f"{label} {shown}"
