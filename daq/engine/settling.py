"""Waiting until quantities have settled: a criterion for each, not a sleep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from daq.engine.clock import Clock, Interrupted
from daq.plan.plan import Settle

SHORTEST_POLL_S, LONGEST_POLL_S = 0.01, 0.5
"""Period of readings, laboratory time: often at first, so that what is there at once costs nothing."""
POLL_SHARE = 0.02
"""Of the time waited so far."""
GRACE_S = 2.0
"""Wall time on top of every limit: exchanges take their time however fast the laboratory's clock runs."""


class SettlingError(Exception):
    """A quantity did not reach its set point in time."""


@dataclass(frozen=True)
class Target:
    """A quantity on its way: how it is read, where it should be, and when that counts."""

    name: str
    read: Callable[[], float]
    value: float
    criterion: Settle


def settle(targets: Sequence[Target], clock: Clock, interrupt: Event) -> list[float]:
    """Wait until all quantities are settled at the same time; their last values.

    Raises `SettlingError` for the first that takes too long, `Interrupted` when the run is interrupted.
    """
    started = clock.now()
    inside_since: list[float | None] = [None] * len(targets)
    while True:
        values = [target.read() for target in targets]
        now = clock.now()
        settled = True
        for index, (target, value) in enumerate(zip(targets, values, strict=True)):
            if abs(value - target.value) > target.criterion.within:
                inside_since[index] = None
            elif inside_since[index] is None:
                inside_since[index] = now
            since = inside_since[index]
            settled = settled and since is not None and now - since >= target.criterion.hold_s
        if settled:
            return values
        _check_patience(targets, values, inside_since, now - started, clock)
        poll_s = min(max(POLL_SHARE * (now - started), SHORTEST_POLL_S), LONGEST_POLL_S)
        if clock.wait(poll_s, interrupt):
            raise Interrupted


def _check_patience(
    targets: Sequence[Target], values: Sequence[float], inside_since: Sequence[float | None], waited_s: float, clock: Clock
) -> None:
    for target, value, since in zip(targets, values, inside_since, strict=True):
        criterion = target.criterion
        if since is None and waited_s > criterion.at_most_s + GRACE_S * clock.speed:
            raise SettlingError(
                f"{target.name} did not settle within {criterion.within:g} of {target.value:g} in {criterion.at_most_s:g} s; "
                f"it is at {value:g}"
            )
