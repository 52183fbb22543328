"""Waiting until a quantity has settled: a criterion, not a sleep."""

from collections.abc import Callable
from threading import Event

from daq.engine.clock import Clock
from daq.plan.plan import Settle

POLL_S = 0.5
"""Period of readings while settling, laboratory time."""
GRACE_S = 2.0
"""Wall time on top of every limit: exchanges take their time however fast the laboratory's clock runs."""


class SettlingError(Exception):
    """A quantity did not reach its set point in time."""


def settle(name: str, read: Callable[[], float], target: float, criterion: Settle, clock: Clock, interrupt: Event) -> float:
    """Wait until `read()` has stayed within the criterion of `target`; its last value.  Returns early when interrupted."""
    started = clock.now()
    inside_since: float | None = None
    while True:
        value = read()
        now = clock.now()
        if abs(value - target) > criterion.within:
            inside_since = None
        elif inside_since is None:
            inside_since = now
        if inside_since is not None and now - inside_since >= criterion.hold_s:
            return value
        if now - started > criterion.at_most_s + GRACE_S * clock.speed:
            raise SettlingError(
                f"{name} did not settle within {criterion.within:g} of {target:g} in {criterion.at_most_s:g} s; "
                f"it is at {value:g}"
            )
        if clock.wait(POLL_S, interrupt):
            return value
