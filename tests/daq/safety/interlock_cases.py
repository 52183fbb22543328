"""Interlocks for tests: one on one quantity, and what happens to it as a list of lines."""

from typing import Any

from config.interlocks import Interlock
from config.model import check_model
from daq.safety.interlocks import Interlocks, Verdict

QUANTITY = "cold_head.temperature_K"
Step = tuple[float, object, str]
"""At this time this happens, and then the interlock stands so."""
NOTHING, ACKNOWLEDGED, RESUMED, LOST = "nothing", "acknowledged", "resumed", "lost"
PHASES = ("idle", "run", "shots")


def interlock(**keys: object) -> Interlock:
    table: dict[str, Any] = {"quantity": QUANTITY, "action": "warn", **keys}
    return check_model(table, Interlock, "interlock")


def interlocks(**keys: object) -> Interlocks:
    """One of the name `it`."""
    return Interlocks({"it": interlock(**keys)})


def state(found: Interlocks) -> str:
    return found.shown()[0].state


def happen(found: Interlocks, at_s: float, what: object) -> Verdict:
    """A reading, a phase of the engine, what somebody does, or nothing; then it is asked."""
    if what in PHASES:
        found.enter(what, at_s)  # type: ignore[arg-type]
    elif what == ACKNOWLEDGED:
        found.acknowledge("it", "Ada", at_s)
    elif what == RESUMED:
        found.resume("Ada", at_s)
    elif what == LOST:
        found.feed_status("cold_head", None, at_s)
    elif isinstance(what, tuple):
        found.feed(what[0], what[1], at_s)
    elif what != NOTHING:
        found.feed(QUANTITY, what, at_s)  # type: ignore[arg-type]
    return found.at(at_s)
