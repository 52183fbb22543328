"""Simulated Thorlabs MC2000B optical chopper controller.  Source tags are those of the protocol sheet.

*Assumed*, where the sheet is silent or unconfirmed: lower case only, no blanks; the wording of a refusal; 10 slots or the
number in the blade's name, and 2 to 100 turns per second; the slots of the second track; harmonics 1 to 15 and only for an
external reference; phase 0 to 360 degrees; on-cycle 1 to 99 % and only for the MC1F10A; brightness 1 to 10; another blade
brings the frequency into its range and a choice it does not have back to 0; a line over 64 bytes is lost, with its echo; a
power cycle forgets the settings and leaves the wheel off (MC1F10, internal 100 Hz, sync output: target).  The wheel follows
its target with a time constant of 1.5 s and counts as locked 1 s after it came within 0.1 %; a change of phase, blade,
reference or harmonics takes this second again.  It follows a reference beyond the blade's range only as far as the range goes.
While the lock is disturbed it turns 5 % too slow; a stalled wheel stands still and `enable` stays 1.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import exp, log
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault
from simulators.instruments.lock_history import LockHistory

LINE = 64
TIME_CONSTANT_S, LOCK_S, TOLERANCE, DISTURBED = 1.5, 1.0, 1e-3, 0.95
TURNS_HZ = (2, 100)
PROMPT = "> "
UNDEFINED, INVALID = "Command error CMD_NOT_DEFINED", "Command error CMD_ARG_INVALID"


@dataclass(frozen=True)
class Blade:
    """Slots of the outer and the inner track; what `ref` and `output` may be set to."""

    name: str
    outer: int
    inner: int = 0
    references: int = 2
    outputs: int = 2


BLADES = (
    Blade("MC1F2", 2, 2, 4, 3), Blade("MC1F10", 10), Blade("MC1F15", 15), Blade("MC1F30", 30), Blade("MC1F60", 60),
    Blade("MC1F100", 100), Blade("MC1F10HP", 10, 10, 4, 3), Blade("MC1F2P10", 10, 2, 4, 3), Blade("MC1F6P10", 10, 6),
    Blade("MC1F10A", 10), Blade("MC2F330", 30, 3, 2, 5), Blade("MC2F47", 7, 4, 2, 5), Blade("MC2F57B", 7, 5, 2, 5),
    Blade("MC2F860", 60, 8, 2, 5), Blade("MC2F5360", 60, 53, 2, 5),
)  # fmt: skip
"""By number; 0, 6 and 7 choose between two tracks (section Commands)."""
ADJUSTABLE = "MC1F10A"
COMMANDS: dict[str, tuple[int, int, int] | None] = {
    "id": None,
    "freq": (100, 1, 10000),
    "refoutfreq": None,
    "input": None,
    "blade": (1, 0, 14),
    "nharmonic": (1, 1, 15),
    "dharmonic": (1, 1, 15),
    "phase": (0, 0, 360),
    "enable": (0, 0, 1),
    "ref": (0, 0, 3),
    "output": (0, 0, 4),
    "oncycle": (50, 1, 99),
    "intensity": (5, 1, 10),
}
"""Default, lowest and highest value; none for what can only be asked."""


class MC2000B:
    """Chopper that follows its own frequency, or `reference_Hz(now)` times nharmonic / dharmonic."""

    def __init__(self, reference_Hz: Callable[[float], float], warm: bool = True) -> None:
        self._reference_Hz = reference_Hz
        self._model = "MC2000B"
        self._at_s, self._frequency_Hz = 0.0, 0.0
        self._settled_s: float | None
        self._stalled = False
        self._lock = LockHistory()
        self.power_up(0.0)
        if warm:
            self._values["enable"], self._frequency_Hz, self._settled_s = 1, float(self._values["freq"]), -LOCK_S

    def power_up(self, now: float) -> None:
        if now > 0:
            self._advance(now)
        self._values = {name: limits[0] for name, limits in COMMANDS.items() if limits}
        self._settled_s = None
        self._disturbed_until_s = 0.0

    def opening(self, now: float) -> tuple[float, float, bool]:
        """Frequency of the slots in Hz, phase of their openings in degrees after the reference, and whether locked."""
        self._advance(now)
        return self._frequency_Hz, float(self._values["phase"]), self._lock.at(now)

    def reference_out_Hz(self, now: float) -> float:
        """Edges at the reference output: while it turns at its own frequency, and is there."""
        self._advance(now)
        own = self._values["enable"] and not self._choice()[0] and self._settled_s is not None
        return float(self._values["freq"]) if own else 0.0

    def split(self, received: bytearray) -> Iterable[bytes]:
        return [message for message in lines(received, b"\r", longest=LINE) if len(message) <= LINE]

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        text = message.decode("latin-1")
        reply = self._execute(text, now) if text else ""
        return f"{text}\r{reply}{PROMPT}".encode("latin-1")

    def state(self, now: float) -> dict[str, Any]:
        frequency, phase, locked = self.opening(now)
        return {
            "frequency_Hz": frequency,
            "phase_deg": phase,
            "locked": locked,
            "target_Hz": self._target_Hz(now),
            "enabled": bool(self._values["enable"]),
            "blade": self._blade.name,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        self._advance(now)
        match kind:
            case "wrong_identity":
                self._model = "MC1000A"
            case "lose_lock":
                self._disturbed_until_s = now + float(parameters.get("seconds", 2.0))
                self._settled_s = None
            case "stall":
                self._stalled = bool(parameters.get("present", not parameters.get("cleared", False)))
            case "front_panel":
                self._values["enable"] = 0
            case _:
                raise unknown_fault(kind, "wrong_identity", "lose_lock", "stall", "front_panel")
        self._advance(now)

    def _execute(self, text: str, now: float) -> str:
        """What comes between echo and prompt."""
        if text == "?":
            return "".join(f"{name}?\r" if limits is None else f"{name}=\r{name}?\r" for name, limits in COMMANDS.items())
        match = re.fullmatch(r"([a-z]+)(\?|=)(.*)", text, re.DOTALL)
        if match is None or match[1] not in COMMANDS:
            return f"{UNDEFINED}\r"
        name, limits = match[1], COMMANDS[match[1]]
        if match[2] == "?":
            return f"{UNDEFINED}\r" if match[3] else f"{self._ask(name, now)}\r"
        if limits is None:
            return f"{UNDEFINED}\r"
        if not re.fullmatch("[0-9]{1,5}", match[3]) or not self._allowed(name, int(match[3]), *limits[1:]):
            return f"{INVALID}\r"
        self._set(name, int(match[3]))
        self._advance(now)
        return ""

    def _ask(self, name: str, now: float) -> str:
        if name in self._values:
            return str(self._values[name])
        if name == "id":
            return f"THORLABS {self._model} REV 1.6"
        return str(round(self._reference_Hz(now) if name == "input" else self._synchronous_Hz(now)))

    def _allowed(self, name: str, value: int, low: int, high: int) -> bool:
        if name == "freq":
            low, high = self._range_Hz()
        elif name == "ref":
            high = self._blade.references - 1
        elif name == "output":
            high = self._blade.outputs - 1
        return low <= value <= high and (name != "oncycle" or self._blade.name == ADJUSTABLE)

    def _set(self, name: str, value: int) -> None:
        changed, self._values[name] = self._values[name] != value, value
        if name == "blade":
            self._values["ref"] *= self._values["ref"] < self._blade.references
            self._values["output"] *= self._values["output"] < self._blade.outputs
        if name in ("blade", "ref"):
            low, high = self._range_Hz()
            self._values["freq"] = max(low, min(high, self._values["freq"]))
        if changed and name in ("phase", "blade", "ref", "nharmonic", "dharmonic"):
            self._settled_s = None

    @property
    def _blade(self) -> Blade:
        return BLADES[self._values["blade"]]

    def _choice(self) -> tuple[bool, int]:
        """External reference, and the slots that follow it."""
        if self._blade.references == 2:
            return self._values["ref"] == 1, self._blade.outer
        return self._values["ref"] >= 2, self._blade.inner if self._values["ref"] % 2 else self._blade.outer

    def _range_Hz(self) -> tuple[int, int]:
        slots = self._choice()[1]
        return TURNS_HZ[0] * slots, TURNS_HZ[1] * slots

    def _target_Hz(self, now: float) -> float:
        """Where the slots' frequency should be."""
        if not self._values["enable"]:
            return 0.0
        if not self._choice()[0]:
            return float(self._values["freq"])
        return max(0.0, self._reference_Hz(now)) * self._values["nharmonic"] / self._values["dharmonic"]

    def _synchronous_Hz(self, now: float) -> float:
        """What the sync output gives."""
        turns_Hz = self._frequency_Hz / self._choice()[1]
        outer_Hz, inner_Hz = turns_Hz * self._blade.outer, turns_Hz * self._blade.inner
        return (self._target_Hz(now), outer_Hz, inner_Hz, outer_Hz + inner_Hz, outer_Hz - inner_Hz)[self._values["output"]]

    def _advance(self, now: float) -> None:
        """Let the wheel turn on to `now`; asking about the past changes nothing."""
        if now < self._at_s:
            return
        if self._at_s < self._disturbed_until_s <= now:
            self._turn(self._disturbed_until_s, DISTURBED)
        self._turn(now, DISTURBED if now < self._disturbed_until_s else 1.0)
        self._lock.note(now, self._settled_s is not None and now >= self._settled_s + LOCK_S)

    def _turn(self, until_s: float, share: float) -> None:
        wanted = self._target_Hz(until_s)
        low, high = self._range_Hz()
        target = max(low, min(high, wanted)) * share if wanted > 0 else 0.0
        since_s, self._at_s = self._at_s, until_s
        if self._stalled:
            self._frequency_Hz, self._settled_s = 0.0, None
            return
        away = self._frequency_Hz - target
        self._frequency_Hz = target + away * exp(-(until_s - since_s) / TIME_CONSTANT_S)
        tolerance = TOLERANCE * wanted
        if wanted <= 0 or abs(self._frequency_Hz - wanted) > tolerance:
            self._settled_s = None
        elif self._settled_s is None:
            self._settled_s = since_s + TIME_CONSTANT_S * log(max(1.0, abs(away) / tolerance))
