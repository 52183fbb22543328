"""What a simulated COMPexPro does to its gas, and its energy calibration: procedures of several states.

The states are those of the protocol sheet (section 4); how long each lasts, the pressures, and that FLUSHING waits twice for
`CONT` in the same state are *assumed*.
"""

import math
from dataclasses import dataclass

EVACUATED_mbar, FILLED_mbar, AIR_mbar = 30.0, 3400.0, 1000.0
INERT_FILL_mbar, FULLEST_mbar = 50.0, 3800.0
LINES = ("RARE", "HALOGEN", "BUFFER", "INERT")
NEW_FILL, MANUAL_FILL_INERT, FLUSHING, ENERGY_CAL = "NEW FILL", "MANUAL FILL INERT", "FLUSHING", "ENERGY CAL"


@dataclass(frozen=True)
class Phase:
    """One state, as `OPMODE?` tells it, how long it lasts, and the tube's pressure in it where it changes."""

    text: str
    length_s: float
    mbar: float | None = None


PROCEDURES: dict[str, tuple[Phase, ...]] = {
    "NEW FILL": (
        Phase("NEW FILL", 5.0),
        Phase("NEW FILL, EVAC", 115.0, EVACUATED_mbar),
        Phase("NEW FILL, WAIT", 60.0, EVACUATED_mbar),
        Phase("NEW FILL, FILL", 180.0, FILLED_mbar),
    ),
    "PURGE RESERVOIR": (Phase("PURGE RESERVOIR:3", 120.0, FILLED_mbar),),
    "PASSIVATION FILL": (Phase("PASSIVATION FILL:3", 300.0, FILLED_mbar),),
    "SAFETY FILL": (Phase("SAFETY FILL:3", 180.0, AIR_mbar),),
    "TRANSPORT FILL": (Phase("TRANSPORT FILL:3", 180.0, AIR_mbar),),
    "MANUAL FILL INERT": (Phase("MANUAL FILL INERT:3", 10.0),),
    "FLUSHING": (
        Phase("FLUSHING LEAKTEST:3", 60.0, EVACUATED_mbar),
        Phase("FLUSHING LEAKTEST CONT:30", math.inf),
        Phase("FLUSHING LEAKTEST:3", 60.0, AIR_mbar),
        Phase("FLUSHING LEAKTEST CONT:30", math.inf),
    ),
    "ENERGY CAL": (Phase("ENERGY CAL", 10.0), Phase("ENERGY CAL CONT", math.inf)),
    **{f"FLUSH {line} LINE": (Phase(f"FLUSH {line} LINE", 2.0),) for line in LINES},
    **{f"PURGE {line} LINE": (Phase(f"PURGE {line} LINE", 4.0),) for line in LINES},
}


class GasHandling:
    """One procedure at a time, which nothing interrupts; the pressure of the tube."""

    def __init__(self) -> None:
        self.tube_mbar = FILLED_mbar
        self._name = ""
        self._phase = 0
        self._since_s = 0.0

    def start(self, name: str, now: float) -> None:
        if name == MANUAL_FILL_INERT and self.tube_mbar >= FULLEST_mbar:
            return
        self._name, self._phase, self._since_s = name, 0, now
        self._enter()

    def abandon(self) -> None:
        """The mains failed."""
        self._name = ""

    def go_on(self, now: float) -> bool:
        """The operator confirms; whether a state waited for it."""
        if not self._name or math.isfinite(PROCEDURES[self._name][self._phase].length_s):
            return False
        self._next(now)
        return True

    def advance(self, now: float) -> str:
        """Name of the procedure that ended since the last call, if any."""
        name = self._name
        while self._name and now >= self._since_s + PROCEDURES[self._name][self._phase].length_s:
            self._next(self._since_s + PROCEDURES[self._name][self._phase].length_s)
        return "" if self._name else name

    def state(self) -> str:
        """What `OPMODE?` tells while something goes on, else nothing."""
        return PROCEDURES[self._name][self._phase].text if self._name else ""

    def _next(self, now: float) -> None:
        self._phase, self._since_s = self._phase + 1, now
        if self._phase < len(PROCEDURES[self._name]):
            self._enter()
            return
        if self._name == MANUAL_FILL_INERT:
            self.tube_mbar += INERT_FILL_mbar
        self._name = ""

    def _enter(self) -> None:
        mbar = PROCEDURES[self._name][self._phase].mbar
        self.tube_mbar = self.tube_mbar if mbar is None else mbar
