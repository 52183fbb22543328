"""The safe order, written once: triggers first, then everything that can hurt or break, in parallel.

A dead instrument never stops the others: each gets its own thread, and each result says whether read-back confirms it.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from config.laboratory import Laboratory, Role
from drivers.errors import DriverError
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


@dataclass(frozen=True)
class Outcome:
    """How one instrument ended up."""

    instrument: str
    role: Role
    confirmed: bool
    detail: str


def make_safe(laboratory: Laboratory, instruments: Mapping[str, Instrument]) -> list[Outcome]:
    """Bring every instrument to its safe state.  Never raises; what failed stands in the outcomes."""
    outcomes = _in_order(laboratory, instruments, ORDER, lambda role, instrument: instrument.make_safe())
    # Only when nothing can fire any more is there time to wait for the ramp.
    reachable = {outcome.instrument for outcome in outcomes if outcome.role != "magnet supply" or outcome.confirmed}
    left = {name: instrument for name, instrument in instruments.items() if name in reachable}
    ramped = _in_order(laboratory, left, (("magnet supply",),), _stand_by)
    return [outcome for outcome in outcomes if outcome.instrument not in {after.instrument for after in ramped}] + ramped


def stand_by(laboratory: Laboratory, instruments: Mapping[str, Instrument]) -> list[Outcome]:
    """The state after a plan has ended: nothing fires, no field, valve closed; cold head and chopper go on."""
    return _in_order(laboratory, instruments, ORDER, _stand_by)


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
    instruments: Mapping[str, Instrument],
    order: tuple[tuple[Role, ...], ...],
    act: Callable[[Role, Instrument], SafeResult],
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    roles = {name: laboratory.instruments[name].role for name in instruments}
    for group in order:
        names = [(role, name) for role in group for name in instruments if roles[name] == role]
        if not names:
            continue
        with ThreadPoolExecutor(len(names), thread_name_prefix="safe") as pool:
            outcomes += pool.map(lambda item: _outcome(item[0], item[1], instruments[item[1]], act), names)
    return outcomes


def _outcome(role: Role, name: str, instrument: Instrument, act: Callable[[Role, Instrument], SafeResult]) -> Outcome:
    try:
        result = act(role, instrument)
    except DriverError as error:
        return Outcome(name, role, False, error.what)
    return Outcome(name, role, result.confirmed, result.detail)
