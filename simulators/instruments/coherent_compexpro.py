"""Simulated Coherent COMPexPro excimer laser (ArF, 193 nm).  Sources are the letters of its protocol sheet (L, D, E, F).

Commands and replies end with CR; `NAME=VALUE` sets without any reply, `NAME?` answers with the bare value.

| command | is | source |
| --- | --- | --- |
| `OPMODE=ON`, `OFF`, `SKIP`, `NEW FILL` | start (4.1 s delay), stop, skip the warm-up (480 s), exchange the gas | L, D |
| `OPMODE=PURGE RESERVOIR` and the like | other gas handling, in OFF (`compexpro_gas`) | L, D, E |
| `OPMODE=HI`, `PGR` | halogen injection (`ON:34`, 60 s) and partial gas replacement: fresher gas | L, D |
| `OPMODE=LL OFF` | no stop by low light | D |
| `OPMODE=CAPACITY RESET` | `CAP.SET` per cent are left | D |
| `OPMODE=ENERGY CAL`, `CONT` | calibration, which waits for `EGY=`; confirms a step of FLUSHING | L, D, E |
| `OPMODE?` | state, with code: `OFF:21` warm-up, `OFF,WAIT` starting, `ON:0`, `OFF:1` interlock, `OFF:31` ... | L, D, E |
| `MODE` | `HV`, `EGY PGR`, `EGY NGR` | L, D |
| `HV` | charging voltage (kV), settable in MODE=HV only | L, D |
| `EGY`, `EGY SET` | preset energy (mJ); `EGY?` while ON: last pulse, 0 before the next one | L, D |
| `REPRATE` | internal rate (Hz), in ON and OFF | L, D |
| `TRIGGER` | `INT`, `EXT` | D, E, F |
| `COUNTS` | external triggers to accept, then stop; set in OFF | L, D |
| `COUNTER`, `TOTALCOUNTER?` | user counter (`=RESET` in OFF), lifetime counter | D |
| `FILTER` | pulses averaged: 0, 1, 2, 4, 8, 16 | D |
| `FILTER CONTAMINATION` | per cent, `=RESET` | L, E |
| `MENU`, `GASMODE` | gas menu 1-6 or `RESET`, `PREMIX` or `SINGLE GASES`; set in OFF | L, D, F |
| `BUFFER`, `HALOGEN`, `INERT`, `RARE` | partial pressures (mbar) of the next fill | D, F |
| `PRESSURE?`, `RESERVOIR TEMP?` | mbar, deg C | D, E |
| `TEMP CONTROL`, `TEMP?`, `ROOMTEMP` | of the tube; of the fluorine source, which it has not | L, E, D |
| `LEAKRATE?`, `ACCU?`, `CAP.LEFT?` | mbar in 2 min, accumulator (none), per cent of the source | D |
| `EGY RANGE`, `COD` | per cent; charge on demand, answered with its delay | D |
| `INTERLOCK?` | comma list or `NONE` | D |
| `TIMEOUT` | watchdog on the serial line, `ON` or `OFF` | D, F |
| `PULSE DIFF?` | external triggers minus pulses measured | D, F |
| `POWER STABILIZATION ACHIEVED?` | `YES`, `NO` | D, E |
| `TYPE OF LASER?`, `VERSION?` | identity | D, E, F |

*Assumed*: unknown names and refused values stay silent and without effect; any case;
limits 18.0-27.0 kV, 50-300 mJ, 1-100 Hz; pulse energy proportional to HV - 14 kV, 200 mJ at 25 kV with fresh gas, which ages by
1/e in 5 million pulses, half of which an injection gives back; a stop code stays until its cause has gone and `OPMODE=OFF`
arrives, and refuses ON meanwhile; any message restarts the watchdog; other menus than 1 and 2 are empty.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulators.instruments.compexpro_gas import FLUSHING, NEW_FILL, PROCEDURES, GasHandling
from simulators.instruments.instrument import unknown_fault
from simulators.instruments.misfires import Misfires

WARM_UP_S = 480.0
"""L: thyratron, 8 minutes."""
START_DELAY_S = 4.1
"""L, D: power supply and gas fan."""
LOW_LIGHT_S = 10.0
"""L: with 30 % of the pulses missing that long the laser stops."""
INJECTION_S = 60.0
MENUS = {1: "193 ArF", 2: "248 KrF"}
HV_kV, EGY_mJ, REPRATE_Hz = (18.0, 27.0), (50, 300), (1, 100)
THRESHOLD_kV, REFERENCE_kV, REFERENCE_mJ, GAS_LIFE_PULSES = 14.0, 25.0, 200.0, 5e6
DEFAULT_mJ = 150
INTERLOCK, PRESET_TOO_HIGH, NEW_FILL_NEEDED, WARMING, LOW_LIGHT, SERIAL_TIMEOUT, INJECTING, ON_DEMAND = (
    1,
    2,
    8,
    21,
    26,
    31,
    34,
    36,
)
_IDENTITY, _FOREIGN = ("COMPexPro 110", "V4.82"), ("LPX 220", "V2.10")


@dataclass
class _Settings:
    """What the operator set, with its values after power-up."""

    mode: str = "HV"
    hv_kV: float = 22.0
    preset_mJ: int = DEFAULT_mJ
    rate_Hz: int = 10
    trigger: str = "INT"
    counts: int = 0
    filter: int = 0
    menu: int = 1
    gas_mode: str = "SINGLE GASES"
    watchdog: bool = False
    low_light_stop: bool = True
    energy_range: int = 100
    tube_heated: bool = True
    on_demand: bool = False
    room: str = "LOW"
    capacity: int = 100


class COMPexPro:
    """`triggered(since, until)` counts the external triggers in (since, until]; `warm` starts with the warm-up over.

    `timeout_s` is the length of the serial watchdog (*assumed*, no source tells it); `code` appends `:0` to ON and OFF.
    """

    def __init__(
        self, triggered: Callable[[float, float], int], warm: bool, *, timeout_s: float = 10.0, code: bool = True
    ) -> None:
        self._triggered = triggered
        self.misfires = Misfires()
        self._timeout_s = timeout_s
        self._code = code
        self._interlocks: list[str] = []
        self._counter, self._total, self._gas_pulses = 0, 1_234_567, 0
        self._contamination, self._capacity_left = 12, 87
        self._partial_mbar = {"BUFFER": 3200, "HALOGEN": 100, "INERT": 20, "RARE": 80}
        self._gas_handling = GasHandling()
        self.power_up(0.0)
        if warm:
            self._warm_s = 0.0

    def power_up(self, now: float) -> None:
        """OFF and cold with the power-up settings; gas and counters stay."""
        self._identity = _IDENTITY
        self._settings = _Settings()
        self._warm_s = now + WARM_UP_S
        self._lasing_s, self._injected_s = math.inf, -math.inf
        self._gas_handling.abandon()
        self._stop_code = INTERLOCK if self._interlocks else 0
        self._dark_s: float | None = None
        self._advanced_s = self._heard_s = now
        self._phase, self._counted, self._pulse_difference = 0.0, 0, 0
        self._last_pulse_mJ = 0.0

    def energy_mJ(self, now: float) -> float:
        """Energy of the pulse that an external trigger gives now; 0 when it gives none."""
        self._advance(now)
        return self._pulse_mJ() if self._is_on(now) and self._settings.trigger == "EXT" else 0.0

    def split(self, received: bytearray) -> Iterable[bytes]:
        while (end := received.find(b"\r")) >= 0:
            message = bytes(received[:end])
            del received[: end + 1]
            yield message

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        self._heard_s = max(self._heard_s, now)
        words = message.decode("latin-1").upper()
        if words.endswith("?"):
            reply = self._reply(words[:-1], now)
            return b"" if reply is None else reply.encode("latin-1") + b"\r"
        name, _, value = words.partition("=")
        self._set(name, value, now)
        return b""

    def state(self, now: float) -> dict[str, Any]:
        energy_mJ = self.energy_mJ(now)
        return {
            "energy_mJ": energy_mJ,
            "opmode": self._opmode(now),
            "mode": self._settings.mode,
            "hv_kV": self._voltage_kV(),
            "trigger": self._settings.trigger,
            "rate_Hz": self._settings.rate_Hz,
            "watchdog": self._settings.watchdog,
            "pulses": self._total,
            "gas": self._gas(),
            "interlocks": list(self._interlocks),
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        """`interlock` (cause, present: False takes it away), `low_light` (present), `misfire` (seconds), `wrong_identity`."""
        self._advance(now)
        match kind:
            case "misfire":
                self.misfires.begin(now, **parameters)
            case "interlock":
                self._interlock(**parameters)
            case "low_light":
                self._dark_s = now if parameters.get("present", True) else None
            case "wrong_identity":
                self._identity = _FOREIGN
            case _:
                raise unknown_fault(kind, "interlock", "low_light", "misfire", "wrong_identity")

    def _interlock(self, cause: str = "WATER FLOW", present: bool = True) -> None:
        if not present:
            self._interlocks = [other for other in self._interlocks if other != cause]
        elif cause not in self._interlocks:
            self._interlocks.append(cause)
            self._stop(INTERLOCK)

    def _stop(self, code: int = 0) -> None:
        self._lasing_s = math.inf
        self._stop_code = code

    def _advance(self, now: float) -> None:
        """Fire the pulses up to `now` and let the watchdog, low light and the gas exchange act; the past changes nothing."""
        if now <= self._advanced_s:
            return
        since, self._advanced_s = self._advanced_s, now
        stops = {}
        if self._settings.watchdog:
            stops[SERIAL_TIMEOUT] = self._heard_s + self._timeout_s
        if self._dark_s is not None and self._settings.low_light_stop and math.isfinite(self._lasing_s):
            stops[LOW_LIGHT] = max(self._dark_s, self._lasing_s) + LOW_LIGHT_S
        code = min(stops, key=stops.__getitem__, default=0)
        end = min(now, stops.get(code, math.inf))
        self._fire(max(since, self._lasing_s), end)
        if code and end < now and self._stop_code != code:
            self._stop(code)
        if self._gas_handling.advance(now) == NEW_FILL:
            self._gas_pulses = 0

    def _fire(self, since: float, until: float) -> None:
        if until <= since:
            return
        settings = self._settings
        if settings.trigger == "EXT":
            pulses = self._triggered(since, until) - self.misfires.ignored(self._triggered, since, until)
        else:
            self._phase += (until - since) * settings.rate_Hz
            pulses = math.floor(self._phase)
            self._phase -= pulses
        if settings.trigger == "EXT" and settings.counts and self._counted + pulses >= settings.counts:
            pulses = settings.counts - self._counted
            settings.counts = 0
            self._stop()
        self._counted += pulses
        self._counter += pulses
        self._total += pulses
        self._gas_pulses += pulses
        if pulses and self._dark_s is None:
            self._last_pulse_mJ = self._pulse_mJ()
        elif settings.trigger == "EXT":
            self._pulse_difference += pulses

    def _is_on(self, now: float) -> bool:
        return now >= self._lasing_s

    def _is_off(self, now: float) -> bool:
        """OFF in the sense of the commands that work only there: neither lasing, starting nor handling gas."""
        return math.isinf(self._lasing_s) and not self._gas_handling.state()

    def _gas(self) -> float:
        """Efficiency of the gas, 1 just after a fill."""
        return math.exp(-self._gas_pulses / GAS_LIFE_PULSES)

    def _needed_kV(self, gas: float) -> float:
        return THRESHOLD_kV + (REFERENCE_kV - THRESHOLD_kV) * self._settings.preset_mJ / (REFERENCE_mJ * gas)

    def _voltage_kV(self) -> float:
        """The charging voltage: the set one, or what the constant-energy modes need, within the limits of the menu."""
        if self._settings.mode == "HV":
            return self._settings.hv_kV
        return min(max(self._needed_kV(self._gas()), HV_kV[0]), HV_kV[1])

    def _pulse_mJ(self) -> float:
        if self._dark_s is not None:
            return 0.0
        if self._settings.mode != "HV" and not self._warning():
            return float(self._settings.preset_mJ)
        return REFERENCE_mJ * self._gas() * (self._voltage_kV() - THRESHOLD_kV) / (REFERENCE_kV - THRESHOLD_kV)

    def _warning(self) -> int:
        """Code while ON: the voltage that the preset energy needs is above the limit, for good or for lack of fresh gas."""
        if self._settings.mode == "HV" or self._needed_kV(self._gas()) <= HV_kV[1]:
            return 0
        return PRESET_TOO_HIGH if self._needed_kV(1.0) > HV_kV[1] else NEW_FILL_NEEDED

    def _remark(self, now: float) -> int:
        if now < self._injected_s + INJECTION_S:
            return INJECTING
        return ON_DEMAND if self._settings.on_demand else 0

    def _opmode(self, now: float) -> str:
        if handling := self._gas_handling.state():
            return handling
        if self._is_on(now):
            return self._coded("ON", self._warning() or self._remark(now))
        if math.isfinite(self._lasing_s):
            return "OFF,WAIT"
        return self._coded("OFF", self._stop_code or (WARMING if now < self._warm_s else 0))

    def _coded(self, state: str, code: int) -> str:
        return f"{state}:{code}" if code or self._code else state

    def _reply(self, name: str, now: float) -> str | None:
        """The value of a query; None where the laser stays silent."""
        settings = self._settings
        match name:
            case "OPMODE":
                return self._opmode(now)
            case "EGY":
                return str(self._take_last_pulse() if self._is_on(now) else settings.preset_mJ)
            case "POWER STABILIZATION ACHIEVED":
                steady = self._is_on(now) and self._warning() == 0 and self._dark_s is None
                return "YES" if steady else "NO"
        values = {
            "MODE": settings.mode,
            "HV": f"{self._voltage_kV():.1f}",
            "EGY SET": str(settings.preset_mJ),
            "REPRATE": str(settings.rate_Hz),
            "TRIGGER": settings.trigger,
            "COUNTS": str(settings.counts),
            "COUNTER": str(self._counter),
            "TOTALCOUNTER": str(self._total),
            "FILTER": str(settings.filter),
            "FILTER CONTAMINATION": str(self._contamination),
            "MENU": f"{settings.menu} {MENUS[settings.menu]}",
            "GASMODE": settings.gas_mode,
            "RESERVOIR TEMP": "32" if settings.tube_heated else "24",
            "PRESSURE": f"{self._gas_handling.tube_mbar:.0f}",
            "EGY RANGE": str(settings.energy_range),
            "TEMP CONTROL": "ON" if settings.tube_heated else "OFF",
            "TEMP": "0",
            "LEAKRATE": "1",
            "ACCU": "0",
            "CAP.LEFT": str(self._capacity_left),
            "COD": "0150" if settings.on_demand else "0",
            "ROOMTEMP": settings.room,
            **{gas: str(mbar) for gas, mbar in self._partial_mbar.items()},
            "INTERLOCK": ",".join(self._interlocks) or "NONE",
            "TIMEOUT": "ON" if settings.watchdog else "OFF",
            "PULSE DIFF": str(self._pulse_difference),
            "TYPE OF LASER": self._identity[0],
            "VERSION": self._identity[1],
        }
        return values.get(name)

    def _take_last_pulse(self) -> int:
        energy_mJ, self._last_pulse_mJ = self._last_pulse_mJ, 0.0
        return round(energy_mJ)

    def _set(self, name: str, value: str, now: float) -> None:
        """Take a value where the present mode allows it; everything else is ignored, as the laser does."""
        settings = self._settings
        off = self._is_off(now)
        match name, value:
            case "OPMODE", _:
                self._operate(value, now)
            case "EGY", _ if self._gas_handling.state() == "ENERGY CAL CONT" and _integer(value, 1, 9999) is not None:
                self._gas_handling.go_on(now)
            case "MODE", "HV" | "EGY PGR" | "EGY NGR":
                settings.mode = value
            case "HV", _ if settings.mode == "HV" and re.fullmatch(r"\d\d(\.\d)?", value):
                if HV_kV[0] <= float(value) <= HV_kV[1]:
                    settings.hv_kV = float(value)
            case (("EGY" | "EGY SET"), _) if not self._gas_handling.state():
                preset = _integer(value, 0, EGY_mJ[1])
                if preset == 0 or (preset is not None and preset >= EGY_mJ[0]):
                    settings.preset_mJ = preset or DEFAULT_mJ
            case "REPRATE", _ if not self._gas_handling.state():
                rate_Hz = _integer(value, *REPRATE_Hz)
                settings.rate_Hz = settings.rate_Hz if rate_Hz is None else rate_Hz
            case "TRIGGER", "INT" | "EXT":
                settings.trigger = value
            case "COUNTS", _ if off:
                counts = _integer(value, 0, 65535)
                settings.counts = settings.counts if counts is None else counts
            case "COUNTER", "RESET" if off:
                self._counter = 0
            case "FILTER", "0" | "1" | "2" | "4" | "8" | "16":
                settings.filter = int(value)
            case "FILTER CONTAMINATION", "RESET":
                self._contamination = 0
            case "MENU", "1" | "2" | "RESET" if off:
                settings.menu = 2 if value == "2" else 1
            case "GASMODE", "PREMIX" | "SINGLE GASES" if off:
                settings.gas_mode = value
            case "TIMEOUT", "ON" | "OFF":
                settings.watchdog = value == "ON"
            case "EGY RANGE", _ if _integer(value, 1, 100) is not None:
                settings.energy_range = int(value)
            case (("BUFFER" | "HALOGEN" | "INERT" | "RARE"), _) if off and _integer(value, 0, 6000) is not None:
                self._partial_mbar[name] = int(value)
            case "TEMP CONTROL", "ON" | "OFF":
                settings.tube_heated = value == "ON"
            case "COD", "ON" | "OFF":
                settings.on_demand = value == "ON"
            case "ROOMTEMP", "HIGH" | "LOW":
                settings.room = value
            case "CAP.SET", _ if _integer(value, 0, 120) is not None:
                settings.capacity = int(value)

    def _operate(self, value: str, now: float) -> None:
        match value:
            case "OFF":
                self._stop(INTERLOCK if self._interlocks else 0)
            case "SKIP":
                self._warm_s = min(self._warm_s, now)
            case "ON" if self._is_ready(now):
                self._lasing_s = now + START_DELAY_S
                self._phase, self._counted, self._pulse_difference, self._last_pulse_mJ = 0.0, 0, 0, 0.0
            case "HI" if self._is_on(now):
                self._injected_s = now
                self._gas_pulses //= 2
            case "PGR":
                self._gas_pulses //= 2
            case "LL OFF":
                self._settings.low_light_stop = False
            case "CAPACITY RESET":
                self._capacity_left = self._settings.capacity
            case "CONT" if self._gas_handling.state().startswith(FLUSHING):
                self._gas_handling.go_on(now)
            case _ if value in PROCEDURES and self._is_ready(now):
                self._gas_handling.start(value, now)

    def _is_ready(self, now: float) -> bool:
        return self._is_off(now) and now >= self._warm_s and not self._stop_code


def _integer(text: str, low: int, high: int) -> int | None:
    """The whole number in `text` when it lies within the limits."""
    return int(text) if re.fullmatch(r"\d{1,5}", text) and low <= int(text) <= high else None
