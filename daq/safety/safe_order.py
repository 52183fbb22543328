"""The safe order, written once: triggers first, then everything that can hurt or break, in parallel.

A dead instrument never stops the others: each gets its own thread, and each result says whether read-back confirms it.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import cast

from config.laboratory import Laboratory, Role
from drivers.errors import DriverError, LinkClosed
from drivers.roles import Instrument, Laser, MagnetSupply, PressureController, SafeResult

ORDER: tuple[tuple[Role, ...], ...] = (
    ("delay generator",),
    (
        "ablation laser",
        "ionisation laser",
        "high voltage",
        "magnet supply",
        "pressure controller",
        "cold head",
        "digitizer",
        "stage",
    ),
)
"""Groups one after the other; roles of a group at once.  Probe, chopper, gauge, meter and compressor are left as they are."""
HEAD_START_S = 0.4
"""Longest that one group waits for the one before (wall time): a dead delay generator must not keep the lasers on."""


@dataclass(frozen=True)
class Outcome:
    """How one instrument ended up."""

    instrument: str
    role: Role
    confirmed: bool
    detail: str


Reach = Callable[[], Instrument]
Reopened = Callable[[str, Instrument], Instrument]
"""Opens the wire of an instrument anew, of which the one given had the old; raises `DriverError`."""
Act = Callable[[Role, Instrument], SafeResult]
NamedAct = Callable[[str, Role, Instrument], SafeResult]
Tell = Callable[[Outcome], None]
NOBODY: Tell = lambda outcome: None  # noqa: E731


def make_safe(
    laboratory: Laboratory, instruments: Mapping[str, Instrument], tell: Tell = NOBODY, reopened: Reopened | None = None
) -> list[Outcome]:
    """Bring every instrument to its safe state; `tell` gets each outcome as it comes, from several threads.  Never raises; what
    failed stands in the outcomes.  A wire that is broken is opened once more with `reopened`."""
    return reach_and_make_safe(laboratory, _reached(instruments), tell, reopened)


def reach_and_make_safe(
    laboratory: Laboratory, reach: Mapping[str, Reach], tell: Tell = NOBODY, reopened: Reopened | None = None
) -> list[Outcome]:
    """The same for instruments that have to be reached first, each in its own thread; `reach` raises `DriverError`."""
    outcomes = _in_order(laboratory, reach, ORDER, _try(_make_safe, reopened), tell)
    # Only when nothing can fire any more is there time to wait for the ramp.
    falls = {outcome.instrument for outcome in outcomes if outcome.role == "magnet supply" and outcome.confirmed}
    left = {name: one for name, one in reach.items() if name in falls}
    ramped = _in_order(laboratory, left, (("magnet supply",),), _try(_stand_by, reopened), tell)
    return [outcome for outcome in outcomes if outcome.instrument not in {after.instrument for after in ramped}] + ramped


def stand_by(
    laboratory: Laboratory, instruments: Mapping[str, Instrument], tell: Tell = NOBODY, reopened: Reopened | None = None
) -> list[Outcome]:
    """The state after a plan has ended: nothing fires, no field, valve closed; cold head and chopper go on."""
    return _in_order(laboratory, _reached(instruments), ORDER, _try(_stand_by, reopened), tell)


def _reached(instruments: Mapping[str, Instrument]) -> dict[str, Reach]:
    return {name: partial(instruments.__getitem__, name) for name in instruments}


def _try(act: Act, reopened: Reopened | None) -> NamedAct:
    """`act`, and once more on a new wire where the old one is broken: an instrument that fires is still there then."""

    def acted(name: str, role: Role, instrument: Instrument) -> SafeResult:
        try:
            return act(role, instrument)
        except LinkClosed:
            if reopened is None:
                raise
            return act(role, reopened(name, instrument))

    return acted


def _make_safe(role: Role, instrument: Instrument) -> SafeResult:
    return instrument.make_safe()


def _stand_by(role: Role, instrument: Instrument) -> SafeResult:
    if role == "magnet supply":
        cast(MagnetSupply, instrument).ramp_to_zero_and_off()
        return SafeResult(True, "ramped to zero and off")
    if role in ("ablation laser", "ionisation laser"):
        cast(Laser, instrument).stop()
        return SafeResult(True, "stopped")
    if role == "pressure controller":
        cast(PressureController, instrument).close_valve()
        return SafeResult(True, "valve closed")
    if role in ("cold head", "high voltage"):
        return SafeResult(True, "kept")
    return instrument.make_safe()


def _in_order(
    laboratory: Laboratory,
    reach: Mapping[str, Reach],
    order: tuple[tuple[Role, ...], ...],
    act: NamedAct,
    tell: Tell = NOBODY,
) -> list[Outcome]:
    roles = {name: laboratory.instruments[name].role for name in reach}
    groups = [[(role, name) for role in group for name in reach if roles[name] == role] for group in order]
    begun: list[Future[Outcome]] = []
    with ThreadPoolExecutor(max(1, sum(map(len, groups))), thread_name_prefix="safe") as pool:
        for group in groups:
            wait(begun, HEAD_START_S)
            begun += [pool.submit(_outcome, role, name, reach[name], act, tell) for role, name in group]
        return [one.result() for one in begun]


def _outcome(role: Role, name: str, reach: Reach, act: NamedAct, tell: Tell) -> Outcome:
    try:
        result = act(name, role, reach())
        outcome = Outcome(name, role, result.confirmed, result.detail)
    except DriverError as error:
        outcome = Outcome(name, role, False, error.what)
    except Exception as error:  # a fault of ours must not keep the others from their safe state either
        outcome = Outcome(name, role, False, f"{type(error).__name__}: {error}")
    tell(outcome)
    return outcome
