"""How the window says things: durations, numbers, times; and the mark (a shape and a grade) of each state.  No Qt."""

import math
import time
from enum import Enum

from daq.face.state import AlarmPart, InstrumentPart, RunPart, Value

UNSURE = "NOT CONFIRMED"
"""As the service says it of an instrument after an emergency stop."""


class Grade(Enum):
    """How good a state is; each has a shape, so that no colour has to be seen."""

    GOOD = "●"
    IDLE = "○"
    WARNING = "▲"
    BAD = "■"
    OLD = "◌"


def duration(seconds: float) -> str:
    """As a person says it: `0.4 s`, `40 s`, `12 min`, `3 h 05 min`."""
    if not math.isfinite(seconds):
        return "ever"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def clock(at: float) -> str:
    """Local time of day of a time in UTC seconds."""
    return time.strftime("%H:%M:%S", time.localtime(at)) if at else "never"


def value(found: Value) -> str:
    """A reading: five figures are enough to look at."""
    if isinstance(found, bool):
        return "on" if found else "off"
    return f"{found:.5g}" if isinstance(found, float) else str(found)


def spoken(name: str) -> str:
    """A name for people."""
    return name.replace("_", " ")


def quantity(name: str, unit: str) -> str:
    """A quantity without the unit in its name, which stands beside its value."""
    return spoken(name.removesuffix("_percent" if unit == "%" else f"_{unit.removeprefix('°')}"))


def run_grade(run: RunPart) -> Grade:
    return {"fault": Grade.BAD, "paused": Grade.WARNING, "idle": Grade.IDLE, "replay": Grade.IDLE}.get(run.state, Grade.GOOD)


def instrument_state(part: InstrumentPart) -> tuple[Grade, str]:
    """One instrument in a word or two."""
    if not part.live:
        return Grade.BAD, "does not answer"
    if part.warnings or not part.fit:
        return Grade.WARNING, f"{part.state}, not fit for a run" if not part.fit else part.state
    return Grade.GOOD, part.state


def interlock_grade(state: str) -> Grade:
    marks = {"ok": Grade.GOOD, "resting": Grade.IDLE, "unknown": Grade.OLD, "pending": Grade.WARNING, "waiting": Grade.WARNING}
    return marks.get(state, Grade.BAD)


def alarm_state(part: AlarmPart, now: float) -> tuple[Grade, str]:
    if part.shelved_until > now:
        return Grade.OLD, f"shelved until {clock(part.shelved_until)}"
    if not part.active:
        return Grade.WARNING, "cause gone, not acknowledged"
    return (Grade.WARNING, f"seen by {part.acknowledged}") if part.acknowledged else (Grade.BAD, "new")
