"""Simulated Quantel / Big Sky BSS supply of the ablation laser.  Sources are the letters of its protocol sheet (B, C, V, X).

A command is `[>|$062]MNEMONIC[number]` and ends with CR LF or LF, in any case; a reply is CR LF and exactly 15 characters.
Without a number a command reads, with one it writes and shows the value now in force.

| command | is | source |
| --- | --- | --- |
| (empty) | text of the present state | Bm |
| `X` `SN` `DAT` `T` | model, serial number, revision date, operating time | B* |
| `CG` `CGF` `IHG` | cooling water (deg C, deg F), harmonic generator test | Bm, B* |
| `P` `R` `ROF` `QOF` | pump; shutter; open the shutter at run; Q-switch at run | Bm, B* |
| `V` `VMO` `VA` `VI` `ENE` `CAP` | lamp voltage, its average, capacitor voltages, lamp energy (J x 10), capacitor | Bm, X |
| `LPM` `F` `QSM` `QSF` `QSP` | lamp trigger, rate (Hz x 100), Q-switch mode, cycle rate, burst | Bm |
| `W` `WMN` `WMX` `QSW` | Q-switch delay (us) and its limits, lamp shots to wait | Bm, B* |
| `C` `UC` `CQ` `UCQ` `SUC` | counters | Bm |
| `D` `E` | idle-fire and enable-fire interval (s x 10) | B* |
| `A` `S` `M` `PQ` `OQ` `SQ` | run, stop, simmer, Q-switch run, one pulse, Q-switch stop | Bm |
| `WOR` `IF` `IF1` `IF2` `IQ` | status; interlock registers, one reading late | B* |
| `ECH` `SAV1` | replies on or off, store the configuration | B*, Bm |

*Assumed*: an unknown command stays silent and a value out of range leaves the echo as it was; so does a trigger mode sent while
the lamp fires; interlocks are live and stop lamp and Q-switch and close the shutter; water does not flow with the pump off and
for 2 s after `P1` (C: about 2 s); `S` closes the shutter (X); closing the shutter stops the Q-switch; `PQ` without lamp answers
`interlock QS`; `V` and `VMO` are one register; VA and VI show it while the lamp fires, else 0; of several interlocks
the first in the register is told.  `QOF`, `QSF`, `QSP`, `D` and `E` are kept and shown but change nothing; `CAP` is fixed.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulators.instruments.instrument import unknown_fault
from simulators.instruments.misfires import Misfires

FLOW_DELAY_S = 2.0
"""C: about; from `P1` until the water flows."""
SERIAL_NUMBER = "062"
LAMP_V = (500, 1400)
"""Factory limits of the lamp voltage, *assumed* (X limits its own units so)."""
CAPACITOR_uF = 29.3
_COMMAND = re.compile(rf"(?:>|\${SERIAL_NUMBER})?(?:([A-Z]+)(\d*))?")
_MODEL, _FOREIGN = "SPECTRA-SY 3.68", "CFR 200    2.10"
_OPERATED_MIN = 7040 * 60 + 23
_WATER_C = 39


@dataclass(frozen=True)
class _Interlock:
    """Bit of an eight-digit register, 0 = a, and the text that `A` or `PQ` answers."""

    register: str
    bit: int
    text: str


_LAMP_INTERLOCKS = {
    "water flow": _Interlock("IF1", 0, "water flow"),
    "water level": _Interlock("IF1", 2, "water level"),
    "lamp connector": _Interlock("IF1", 3, "lamp connector"),
    "aux connector": _Interlock("IF1", 4, "aux connector"),
    "external interlock": _Interlock("IF1", 5, "I/O connector"),
    "cover open": _Interlock("IF1", 6, "switch cabinet"),
    "water too cold": _Interlock("IF2", 5, "tp CG < 20 d"),
}


@dataclass(frozen=True)
class _Register:
    """A number kept by the supply: default, limits, 15-character template of its reply and the scale of the number in it."""

    default: int
    low: int
    high: int
    template: str
    scale: int = 1

    def shown(self, value: int) -> str:
        return self.template.format(value / self.scale if self.scale > 1 else value)


_REGISTERS = {
    "P": _Register(0, 0, 1, "CG pump       {}"),
    "ROF": _Register(0, 0, 1, "shutt. at run {}"),
    "QOF": _Register(0, 0, 1, "QS at run     {}"),
    "V": _Register(900, *LAMP_V, "voltage  {:04d} V"),
    "VMO": _Register(900, *LAMP_V, "Voltage m{:04d} V"),
    "LPM": _Register(0, 0, 1, "LP synch :  {}  "),
    "F": _Register(1000, 100, 9999, "freq.  {:05.2f} Hz", 100),
    "D": _Register(0, 0, 999, "dis charg {:04.1f}S", 10),
    "E": _Register(0, 0, 999, "ena charg {:04.1f}S", 10),
    "QSM": _Register(0, 0, 2, "QS mode :   {}  "),
    "QSF": _Register(1, 1, 99, "cycle rate F/{:02d}"),
    "QSP": _Register(1, 1, 999, "burst QS    {:03d}"),
    "W": _Register(140, 100, 999, "delay    {:03d} uS"),
    "WMN": _Register(100, 100, 999, "dly QS m {:03d} uS"),
    "WMX": _Register(500, 100, 999, "dly QS M {:03d} uS"),
    "QSW": _Register(0, 0, 999, "QS wait :   {:03d}"),
}
_COUNTERS = {"C": "ct LP {:09d}", "CQ": "ct QS {:09d}", "UC": "cu LP {:09d}", "UCQ": "cu QS {:09d}"}


class BigSkyBSS:
    """`triggered(since, until)` counts the lamp triggers that arrived at the external input in (since, until]."""

    def __init__(self, triggered: Callable[[float, float], int]) -> None:
        self._triggered = triggered
        self.misfires = Misfires()
        self._present: set[str] = set()
        self._saved = {name: register.default for name, register in _REGISTERS.items()}
        self._counts = {"C": 1_234_567, "CQ": 345_678, "UC": 0, "UCQ": 0}
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        """Standby with the stored configuration, pump off, shutter closed, replies on; the counters stay."""
        self._model = _MODEL
        self._registers = self._saved | {"P": 0}
        self._lamp = "standby"
        self._q_switch, self._shutter, self._echo = False, False, True
        self._flow_s = math.inf
        self._powered_s = self._counted_s = now
        self._shots_since_start, self._phase = 0, 0.0
        self._samples: dict[str, set[int]] = {"IF1": set(), "IF2": set(), "IQS": set()}
        self._if_label = "IF1"

    def armed(self, now: float) -> bool:
        """Each external trigger gives light: lamp running on it, Q-switch running, shutter open."""
        self._advance(now)
        return self._fires and self._registers["LPM"] == 1 and self._q_switch and self._shutter

    def lamp_voltage_V(self, now: float) -> float:
        """The voltage to which the capacitor is charged for each shot."""
        self._advance(now)
        return float(self._registers["V"])

    def split(self, received: bytearray) -> Iterable[bytes]:
        while (end := received.find(b"\n")) >= 0:
            message = bytes(received[:end]).removesuffix(b"\r")
            del received[: end + 1]
            yield message

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        command = _COMMAND.fullmatch(message.decode("latin-1").upper())
        if command is None:
            return b""
        name, digits = command[1] or "", command[2] or ""
        text = self._execute(name, int(digits) if digits else None, now)
        return f"\r\n{text:<15}".encode("latin-1") if text is not None and self._echo else b""

    def state(self, now: float) -> dict[str, Any]:
        armed = self.armed(now)
        return {
            "armed": armed,
            "lamp": self._lamp,
            "q_switch": self._q_switch,
            "shutter_open": self._shutter,
            "lamp_voltage_V": self._registers["V"],
            "rate_Hz": self._registers["F"] / 100,
            "delay_us": self._registers["W"],
            "external_lamp": self._registers["LPM"] == 1,
            "pump": self._registers["P"] == 1,
            "lamp_shots": self._counts["C"],
            "interlocks": self._interlocks(now),
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        """`interlock` (cause: see the table, present: False takes the cause away), `misfire` (seconds), `wrong_identity`."""
        match kind:
            case "misfire":
                self.misfires.begin(now, **parameters)
            case "interlock":
                self._advance(now)
                self._trip(**parameters)
            case "wrong_identity":
                self._model = _FOREIGN
            case _:
                raise unknown_fault(kind, "interlock", "misfire", "wrong_identity")

    def _trip(self, cause: str = "water flow", present: bool = True) -> None:
        if cause not in _LAMP_INTERLOCKS:
            raise ValueError(f"The BSS supply has no interlock {cause!r}; it has {', '.join(_LAMP_INTERLOCKS)}.")
        if present:
            self._present.add(cause)
            self._stop()
        else:
            self._present.discard(cause)

    @property
    def _fires(self) -> bool:
        return self._lamp == "fire"

    def _advance(self, now: float) -> None:
        """Count the lamp shots up to `now`; asking about the past changes nothing."""
        if now <= self._counted_s:
            return
        since, self._counted_s = self._counted_s, now
        if not self._fires:
            return
        if self._registers["LPM"]:
            self._count(self._triggered(since, now) - self.misfires.ignored(self._triggered, since, now))
        else:
            self._phase += (now - since) * self._registers["F"] / 100
            shots = math.floor(self._phase)
            self._phase -= shots
            self._count(shots)

    def _count(self, shots: int) -> None:
        self._shots_since_start += shots
        for counter in ("C", "UC", "CQ", "UCQ") if self._q_switch else ("C", "UC"):
            self._counts[counter] += shots

    def _execute(self, name: str, number: int | None, now: float) -> str | None:
        """The reply text; None where the supply stays silent."""
        if name in _REGISTERS:
            return self._register(name, number, now)
        if name in _COUNTERS:
            if number == 0 and name.startswith("U"):
                self._counts[name] = 0
            return _COUNTERS[name].format(self._counts[name])
        match name, number:
            case "IF", None | 1:
                label, self._if_label = self._if_label, "IF."
                return self._late(label, "IF1", now)
            case "IF", 2:
                return self._late("IF2", "IF2", now)
            case "IQ", None:
                return self._late("IQS", "IQS", now)
            case "ECH", _:
                self._echo = self._echo if number not in (0, 1) else number == 1
                return "echo on"
            case "SAV", 1:
                self._saved = dict(self._registers)
                return "Save config.  1"
            case "R", _:
                return self._move_shutter(number)
            case "ENE", _:
                return self._energy(number)
            case _, None:
                return self._action(name, now) or self._reading(name, now)
        return None

    def _reading(self, name: str, now: float) -> str | None:
        operated_min = _OPERATED_MIN + int((self._counted_s - self._powered_s) / 60)
        charged_V = self._registers["V"] if self._fires else 0
        readings = {
            "X": self._model,
            "SN": f"s/number    {SERIAL_NUMBER}",
            "DAT": "20/12/02",
            "T": f"ct time {operated_min // 60:04d}:{operated_min % 60:02d}",
            "CG": f"temp. CG {_WATER_C:02d} d",
            "CGF": f"temp. CG {round(_WATER_C * 1.8 + 32):03d} F",
            "IHG": "IHG           0",
            "CAP": f"capacity {CAPACITOR_uF:04.1f}uF",
            "VA": f"voltage ac{charged_V:04d}V",
            "VI": f"voltage it{charged_V:04d}V",
            "SUC": "user ct saved",
            "WOR": self._status(now),
        }
        return readings.get(name)

    def _action(self, name: str, now: float) -> str | None:
        match name:
            case "":
                return self._state_text()
            case "A":
                return self._start_lamp(now)
            case "S":
                self._stop()
                return self._state_text()
            case "M":
                self._stop()
                self._lamp = "simmer"
                return self._state_text()
            case "PQ":
                return self._start_q_switch(now)
            case "OQ":
                text = self._start_q_switch(now)
                if self._q_switch:
                    self._q_switch = False
                    self._counts["CQ"] += 1
                    self._counts["UCQ"] += 1
                return text
            case "SQ":
                self._q_switch = False
                return self._state_text()
        return None

    def _register(self, name: str, number: int | None, now: float) -> str:
        register = _REGISTERS[name]
        if number is not None and register.low <= number <= register.high and self._allows(name, number):
            self._registers[name] = number
            if name in ("V", "VMO"):
                self._registers["V"] = self._registers["VMO"] = number
            if name == "P":
                self._pump(number == 1, now)
        return register.shown(self._registers[name])

    def _allows(self, name: str, number: int) -> bool:
        registers = self._registers
        match name:
            case "LPM" | "QSM":
                return not self._fires
            case "W":
                return registers["WMN"] <= number <= registers["WMX"]
            case "WMN":
                return number <= registers["W"]
            case "WMX":
                return number >= registers["W"]
        return True

    def _pump(self, on: bool, now: float) -> None:
        if not on:
            self._flow_s = math.inf
            self._stop()
        elif math.isinf(self._flow_s):
            self._flow_s = now + FLOW_DELAY_S

    def _move_shutter(self, number: int | None) -> str:
        if number in (0, 1):
            self._shutter = number == 1
            self._q_switch = self._q_switch and self._shutter
        return "shutter opened" if self._shutter else "shutter closed"

    def _energy(self, number: int | None) -> str:
        """Lamp energy C V^2 / 2; writing it (7.0-23.0 J) sets the voltage (Bm)."""
        if number is not None and 70 <= number <= 230:
            voltage_V = round(math.sqrt(2 * number / 10 / (CAPACITOR_uF * 1e-6)))
            if LAMP_V[0] <= voltage_V <= LAMP_V[1]:
                self._registers["V"] = self._registers["VMO"] = voltage_V
        energy_J = CAPACITOR_uF * 1e-6 * self._registers["V"] ** 2 / 2
        return f"energy    {energy_J:04.1f}J"

    def _start_lamp(self, now: float) -> str:
        if interlocks := self._interlocks(now):
            return _LAMP_INTERLOCKS[interlocks[0]].text
        if not self._fires:
            self._lamp, self._shots_since_start, self._phase = "fire", 0, 0.0
            self._shutter = self._shutter or self._registers["ROF"] == 1
        return self._state_text()

    def _start_q_switch(self, now: float) -> str:
        if not self._fires:
            return "interlock QS"
        if self._inhibited:
            return "wait for QS"
        if not self._shutter:
            return "shutter closed"
        self._q_switch = True
        return self._state_text()

    def _stop(self) -> None:
        self._lamp, self._q_switch, self._shutter = "standby", False, False

    @property
    def _inhibited(self) -> bool:
        return self._fires and self._shots_since_start < self._registers["QSW"]

    def _interlocks(self, now: float) -> list[str]:
        dry = now < self._flow_s
        return [cause for cause in _LAMP_INTERLOCKS if cause in self._present or (cause == "water flow" and dry)]

    def _late(self, label: str, register: str, now: float) -> str:
        """The sample of the reading before; this reading takes the next one (B*)."""
        shown, self._samples[register] = self._samples[register], self._bits(register, now)
        digits = "".join("1" if bit in shown else "0" for bit in range(8))
        return label + "".join(f" {digits[pair : pair + 2]}" for pair in (0, 2, 4, 6))

    def _bits(self, register: str, now: float) -> set[int]:
        interlocks = self._interlocks(now)
        if register == "IQS":
            causes = {0: self._inhibited, 1: "water too cold" in interlocks, 6: not self._shutter}
            return {bit for bit, present in causes.items() if present}
        return {_LAMP_INTERLOCKS[cause].bit for cause in interlocks if _LAMP_INTERLOCKS[cause].register == register}

    def _status(self, now: float) -> str:
        """With QSM2 the Q field stays 4 after `PQ`: the supply only waits for outside triggers (B*)."""
        lamp = 4 * self._registers["LPM"] + 2 * self._fires
        q_switch = 4 if self._registers["QSM"] == 2 else 2 * self._q_switch
        return f"I {int(bool(self._interlocks(now)))} F {lamp} S {int(self._lamp == 'simmer')} Q {q_switch}"

    def _state_text(self) -> str:
        lamp = self._lamp if not self._fires else "fire ext" if self._registers["LPM"] else "fire auto"
        return f"{lamp:<11}{'qs' if self._q_switch else '':2}{'e' if self._registers['QSM'] == 2 else ''}"
