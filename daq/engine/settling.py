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
    quantity: str = ""
    """Whose read-back this is, where it is one."""


def settle(targets: Sequence[Target], clock: Clock, interrupt: Event) -> list[float]:
    """Wait until all quantities are settled at the same time; their last values.

    While one is outside its band the ones after it are not asked: a probe that takes long to answer is asked when the current
    is there.  Raises `SettlingError` for one that takes too long, `Interrupted` when the run is interrupted.
    """
    started = clock.now()
    inside_since: list[float | None] = [None] * len(targets)
    while True:
        values = []
        for index, target in enumerate(targets):
            value, now = target.read(), clock.now()
            values.append(value)
            if abs(value - target.value) > target.criterion.within:
                inside_since[index:] = [None] * (len(targets) - index)
                if now - started > target.criterion.at_most_s + GRACE_S * clock.speed:
                    raise _too_late(target, value)
                break
            inside_since[index] = now if inside_since[index] is None else inside_since[index]
        held = zip(targets, inside_since, strict=True)
        if all(since is not None and clock.now() - since >= target.criterion.hold_s for target, since in held):
            return values
        poll_s = min(max(POLL_SHARE * (clock.now() - started), SHORTEST_POLL_S), LONGEST_POLL_S)
        if clock.wait(poll_s, interrupt):
            raise Interrupted


def _too_late(target: Target, value: float) -> SettlingError:
    within, at_most_s = target.criterion.within, target.criterion.at_most_s
    return SettlingError(
        f"{target.name} did not settle within {within:g} of {target.value:g} in {at_most_s:g} s; it is at {value:g}"
    )
