"""Simulated Coherent COMPexPro.  Section numbers are those of the protocol sheet; *assumed* where it names no source."""

from collections.abc import Callable, Iterable
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault

WARM_UP_S, START_S = 480.0, 4.1
WATCHDOG_S = 10.0
"""Length of the serial time-out (not documented, assumed)."""
HIGHEST_KV, LOWEST_KV = 27.0, 18.0
LIMITS = {"HV": (18.0, 27.0), "EGY": (50, 510), "EGY SET": (50, 510), "REPRATE": (1, 50), "COUNTS": (0, 65535)}
MODES = ("HV", "EGY PGR", "EGY NGR")
SHOTS_PER_FILL = 2_000_000
"""Pulses after which a fill needs the highest voltage (assumed)."""


class COMPexPro:
    """Excimer laser; `triggered(since, until)` counts the outside triggers in an interval of laboratory time."""

    def __init__(self, triggered: Callable[[float, float], int], warm: bool = True, watchdog_s: float = WATCHDOG_S) -> None:
        self._triggered = triggered
        self._watchdog_s = watchdog_s
        self._type = "COMPexPro 102"
        self._interlock = ""
        self._shots_before, self._fill_shots = 1_234_567, 100_000
        self.power_up(0.0)
        if warm:
            self._warm_s = 0.0

    def power_up(self, now: float) -> None:
        self._warm_s = now + WARM_UP_S
        self._on_s: float | None = None
        self._code = 0
        self._texts = {"TRIGGER": "INT", "MODE": "HV", "TIMEOUT": "OFF", "GASMODE": "PREMIX", "COD": "0"}
        self._numbers: dict[str, float] = {"HV": 22.0, "EGY SET": 100, "REPRATE": 10, "COUNTS": 0, "FILTER": 0}
        self._heard_s = now
        self._energy_read_at = -1

    def energy_mJ(self, now: float) -> float:
        """Pulse energy on outside triggers; 0 while the laser does not fire on them."""
        self._watch(now)
        return self._pulse_mJ() if self._firing(now) and self._texts["TRIGGER"] == "EXT" else 0.0

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\r")

    def answer(self, message: bytes, now: float) -> bytes:
        self._watch(now)
        self._heard_s = now
        text = message.decode("latin-1").strip().upper()
        if text.endswith("?"):
            reply = self._query(text[:-1], now)
            return b"" if reply is None else reply.encode() + b"\r"
        name, separator, value = text.partition("=")
        if separator:
            self._set(name, value, now)
        return b""

    def state(self, now: float) -> dict[str, Any]:
        self._watch(now)
        return {
            "mode": self._mode(now),
            "firing": self._firing(now),
            "energy_mJ": self.energy_mJ(now),
            "trigger": self._texts["TRIGGER"],
            "shots": self._shots(now),
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        match kind:
            case "wrong_identity":
                self._type = "LPX 200"
            case "interlock":
                self._interlock = str(parameters.get("cause", "COVER"))
                self._switch_off(now, 1)
            case "interlock_cause_gone":
                self._interlock, self._code = "", 0
            case "low_light":
                self._switch_off(now, 26)
            case _:
                raise unknown_fault(kind, "wrong_identity", "interlock", "interlock_cause_gone", "low_light")

    def _watch(self, now: float) -> None:
        if self._texts["TIMEOUT"] == "ON" and self._on_s is not None and now - self._heard_s > self._watchdog_s:
            self._switch_off(now, 31)

    def _firing(self, now: float) -> bool:
        return self._on_s is not None and now >= self._on_s

    def _switch_off(self, now: float, code: int) -> None:
        self._shots_before = self._shots(now)
        self._on_s, self._code = None, code

    def _shots(self, now: float) -> int:
        if self._on_s is None or now < self._on_s:
            return self._shots_before
        if self._texts["TRIGGER"] == "EXT":
            return self._shots_before + self._triggered(self._on_s, now)
        return self._shots_before + int((now - self._on_s) * self._numbers["REPRATE"])

    def _pulse_mJ(self) -> float:
        """The preset in the constant-energy modes; in HV mode rising with the voltage and falling with the gas's age."""
        if self._texts["MODE"] != "HV":
            return self._numbers["EGY SET"]
        return 20.0 * (self._numbers["HV"] - 15.0) * (1 - 0.5 * self._fill_shots / SHOTS_PER_FILL)

    def _voltage_kV(self) -> float:
        if self._texts["MODE"] == "HV":
            return self._numbers["HV"]
        needed = 15.0 + self._numbers["EGY SET"] / (20.0 * (1 - 0.5 * self._fill_shots / SHOTS_PER_FILL))
        return min(HIGHEST_KV, max(LOWEST_KV, needed))

    def _mode(self, now: float) -> str:
        if self._on_s is not None:
            return "ON:0" if now >= self._on_s else "OFF,WAIT"
        if self._code == 0 and now < self._warm_s:
            return "OFF:21"
        return f"OFF:{self._code}"

    def _query(self, name: str, now: float) -> str | None:
        fixed = {
            "TYPE OF LASER": self._type,
            "VERSION": "v4.82",
            "MENU": "1 193 ArF",
            "PRESSURE": "3400",
            "RESERVOIR TEMP": "32.5",
            "TEMP": "0",
            "INTERLOCK": self._interlock or "NONE",
            "POWER STABILIZATION ACHIEVED": "YES" if self._firing(now) else "NO",
            "PULSE DIFF": "0",
            "COUNTER": str(self._shots(now) - 1_234_567),
            "FILTER CONTAMINATION": "12",
        }
        if name in fixed:
            return fixed[name]
        if name in self._texts:
            return self._texts[name]
        match name:
            case "OPMODE":
                return self._mode(now)
            case "HV":
                return f"{self._voltage_kV():.1f}"
            case "EGY":
                return self._energy(now)
            case "TOTALCOUNTER":
                return str(self._shots(now))
        if name in self._numbers:
            return f"{self._numbers[name]:.0f}"
        return None

    def _energy(self, now: float) -> str:
        """While ON the last pulse, and 0 if asked again before the next (section 5)."""
        if not self._firing(now):
            return f"{self._numbers['EGY SET']:.0f}"
        shots = self._shots(now)
        if shots == self._energy_read_at:
            return "0"
        self._energy_read_at = shots
        return f"{self._pulse_mJ():.0f}"

    def _set(self, name: str, value: str, now: float) -> None:
        """Settings are silent; what the present mode does not allow is ignored (section 2)."""
        match name:
            case "OPMODE":
                self._operate(value, now)
            case "TRIGGER" if value in ("INT", "EXT"):
                self._shots_before, self._on_s = self._shots(now), self._on_s and max(self._on_s, now)
                self._texts["TRIGGER"] = value
            case "MODE" if value in MODES and self._on_s is None:
                self._texts["MODE"] = value
            case "TIMEOUT" if value in ("ON", "OFF"):
                self._texts["TIMEOUT"] = value
                self._code = 0 if value == "OFF" and self._code == 31 else self._code
            case "EGY":
                self._number("EGY SET", value)
            case "COUNTS" if self._on_s is not None:
                return
            case _ if name in LIMITS:
                self._number(name, value)

    def _number(self, name: str, value: str) -> None:
        low, high = LIMITS[name]
        try:
            number = float(value)
        except ValueError:
            return
        if low <= number <= high:
            self._numbers[name] = number

    def _operate(self, value: str, now: float) -> None:
        match value:
            case "ON" if self._on_s is None and self._code in (0, 21, 26) and now >= self._warm_s and not self._interlock:
                self._on_s, self._code = now + START_S, 0
            case "OFF":
                self._switch_off(now, 1 if self._interlock else 0)
            case "SKIP":
                self._warm_s = now
            case "NEW FILL" if self._on_s is None:
                self._fill_shots = 0
