"""A plan held against a laboratory, with every fault it has, before an instrument is touched."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from config.calibration import Calibrations
from config.errors import ConfigurationError
from config.laboratory import SHIPPED, Laboratory
from config.model import check_model, mended, read_toml, value_fault
from daq.conversions.magnet import current_for_field
from daq.plan.acquisition_faults import acquisition_faults
from daq.plan.plan import CONDITIONS, DELAYS, LIMITED, Plan, SetPoint, plan_file
from daq.plan.quantities import Quantities, Settable, known_quantities, settable
from daq.plan.timing import ShotSettings, ShotTiming, TimingFaults, compile_timing
from drivers.errors import LimitError

SET_BY: Mapping[str, tuple[str, str]] = {
    "source_temperature_K": ("cold head", "set_temperature_K"),
    "helium_pressure_bar": ("pressure controller", "set_pressure_bar"),
}
"""Role and quantity behind the conditions that an instrument takes as they are."""
BY_TIMING = ("velocity_m_s", *DELAYS)
CAPTURE = ("rate_Hz", "sample_rate_Hz", "duration_us")
PARTS: Mapping[str, tuple[str, ...]] = {"conditions": CONDITIONS, "interleave": ("field_T",), "acquisition": CAPTURE}
"""What is in doubt with a whole section of a plan."""


def read_checked_plan(path: Path, laboratory: Laboratory, calibrations: Calibrations) -> Plan:
    """Read a plan that this laboratory can do; `ConfigurationError` with all faults of plan and laboratory together."""
    path = plan_file(path)
    return checked_plan(read_toml(path), str(path), laboratory, calibrations)


def checked_plan(table: Mapping[str, Any], where: str, laboratory: Laboratory, calibrations: Calibrations) -> Plan:
    """The same for a plan whose table comes from `where`."""
    faults: list[str] = []
    replaced: Collection[str] = ()
    try:
        plan: Plan | None = check_model(table, Plan, where)
    except ConfigurationError as error:
        faults.extend(error.faults)
        plan, replaced = mended(table, Plan, read_toml(SHIPPED / "plans" / "vanadium-25K.toml"))
    if plan is not None:
        faults.extend(fault for fault in plan_faults(plan, laboratory, calibrations, replaced) if fault not in faults)
    if faults or plan is None:
        raise ConfigurationError.of(where, faults)
    return plan


def check_plan(plan: Plan, laboratory: Laboratory, calibrations: Calibrations) -> None:
    """`ConfigurationError` with all reasons why this laboratory cannot do the plan."""
    faults = plan_faults(plan, laboratory, calibrations)
    if faults:
        raise ConfigurationError.of(f"plan {plan.title!r}", faults)


def plan_faults(plan: Plan, laboratory: Laboratory, calibrations: Calibrations, replaced: Collection[str] = ()) -> list[str]:
    """All reasons why this laboratory cannot do the plan, each a sentence; none if it can.

    `replaced` are keys whose values are not the plan's own: nothing is said of what depends on them, nor on a value that is
    impossible in any laboratory.
    """
    quantities = known_quantities(laboratory)
    impossible = {name: list(_value_faults(plan, name)) for name in plan.names() if name in LIMITED}
    doubtful = {one for name in replaced for one in (name, *PARTS.get(name, ()))}
    doubtful.update(name for name, faults in impossible.items() if faults)
    checks: tuple[tuple[tuple[str, ...], Iterator[str]], ...] = (
        (("field_T",), _field_faults(plan, laboratory, calibrations)),
        *(((name,), _condition_faults(plan, laboratory, quantities, name)) for name in SET_BY),
        ((), _quantity_faults(plan, laboratory, quantities)),
        (("set", "scan", *plan.settle), _settling_faults(plan, laboratory, quantities)),
        ((*BY_TIMING, "rate_Hz"), _timing_faults(plan, laboratory, calibrations)),
        (("element", "sizes", "interleave", *CAPTURE), acquisition_faults(plan, laboratory, calibrations.mass)),
    )
    return [
        *(fault for faults in impossible.values() for fault in faults),
        *(fault for needed, faults in checks if doubtful.isdisjoint(needed) for fault in faults),
    ]


def _value_faults(plan: Plan, name: str) -> Iterator[str]:
    """Of a condition or delay, in the conditions, a scan or set alike."""
    for value in plan.values_of(name):
        fault = value_fault(name, value, LIMITED[name])
        if fault is not None:
            yield fault


def magnet_current(name: str, laboratory: Laboratory, quantities: Quantities) -> bool:
    """Whether a name is the magnet's current, which a plan sets instead of the field for a hysteresis loop."""
    if name in CONDITIONS or name in DELAYS:
        return False
    return settable(name, quantities).name == f"{laboratory.named('magnet supply')}.set_current_A"


def _field_faults(plan: Plan, laboratory: Laboratory, calibrations: Calibrations) -> Iterator[str]:
    for field_T in dict.fromkeys(float(value) for value in plan.values_of("field_T")):
        if abs(field_T) > laboratory.magnet.highest_field_T:
            highest = laboratory.magnet.highest_field_T
            yield f"field_T = {field_T:g} T is above the {highest:g} T that the magnet of {laboratory.name!r} allows"
            continue
        try:
            current_for_field(field_T, calibrations.field)
        except ValueError as error:
            yield str(error)


def _condition_faults(plan: Plan, laboratory: Laboratory, quantities: Quantities, name: str) -> Iterator[str]:
    role, quantity = SET_BY[name]
    instrument = laboratory.named(role)  # type: ignore[arg-type]
    yield from _limit_faults(plan, name, Settable(instrument, quantities[instrument][quantity], None))


def _quantity_faults(plan: Plan, laboratory: Laboratory, quantities: Quantities) -> Iterator[str]:
    """Of what is set by name: whether it exists, and whether it takes these values."""
    taken = {f"{laboratory.named(role)}.{quantity}": name for name, (role, quantity) in SET_BY.items()}  # type: ignore[arg-type]
    for name in plan.names():
        if name in CONDITIONS or name in DELAYS:
            continue
        if "." not in name:
            nearest = difflib.get_close_matches(name, [*CONDITIONS, *DELAYS], n=1, cutoff=0.5)
            hint = f"did you mean {nearest[0]!r}?" if nearest else "a quantity is written instrument.quantity"
            yield f"there is no quantity {name!r} to set, {hint}"
            continue
        try:
            found = settable(name, quantities)
        except ConfigurationError as error:
            yield str(error)
            continue
        if found.name in taken:
            yield f"{name} is what a plan calls {taken[found.name]}; set it by that name"
            continue
        yield from _limit_faults(plan, name, found)


def _limit_faults(plan: Plan, name: str, found: Settable) -> Iterator[str]:
    for value in dict.fromkeys(plan.values_of(name)):
        try:
            found.command.check(found.instrument, value)
        except LimitError as error:
            yield error.what.replace(found.command.name, name, 1)


def _settling_faults(plan: Plan, laboratory: Laboratory, quantities: Quantities) -> Iterator[str]:
    names = plan.names()
    for name in plan.settle:
        if name in BY_TIMING:
            yield f"settle names {name!r}, which has no read-back to wait for; leave it out"
        elif name not in names:
            nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            yield f"settle names {name!r}, which this plan does not set{hint}"
    for name in names:
        if name in CONDITIONS or name in DELAYS or plan.settling(name) is not None:
            continue
        try:
            settles = settable(name, quantities).settles
        except ConfigurationError:
            continue
        if settles:
            yield f'{name} takes time to be reached; give [settle."{name}"] with within, hold_s and at_most_s'


def _timing_faults(plan: Plan, laboratory: Laboratory, calibrations: Calibrations) -> Iterator[str]:
    found: dict[str, None] = {}
    for settings in _extreme_shots(plan):
        try:
            compile_timing(laboratory, calibrations.velocity, settings)
        except TimingFaults as error:
            where = f" (at {settings.velocity_m_s:g} m/s)" if len(set(plan.values_of("velocity_m_s"))) > 1 else ""
            found |= dict.fromkeys(f"{fault}{where}" for fault in error.faults)
        except ValueError as error:
            found[str(error)] = None
    yield from found


def _extreme_shots(plan: Plan) -> Iterator[ShotSettings]:
    """Shots with the least and the greatest of everything that decides their time line: between them nothing is worse."""
    names = [name for name in BY_TIMING if name in plan.names()]
    ends: list[list[float]] = []
    for name in names:
        values = [float(value) for value in plan.values_of(name)]
        ends.append(sorted({min(values), max(values)}))
    for chosen in product(*ends):
        yield shot_settings(plan, dict(zip(names, chosen, strict=True)))


def shot_settings(plan: Plan, set_points: Mapping[str, SetPoint]) -> ShotSettings:
    """What these set points ask of a shot's time line."""
    chosen = {name: float(set_points[name]) for name in DELAYS if name in set_points}
    return ShotSettings(velocity_m_s=float(set_points["velocity_m_s"]), rate_Hz=plan.acquisition.rate_Hz, **chosen)


def timing_of(plan: Plan, set_points: Mapping[str, SetPoint], laboratory: Laboratory, calibrations: Calibrations) -> ShotTiming:
    """The time line of a shot at these set points."""
    return compile_timing(laboratory, calibrations.velocity, shot_settings(plan, set_points))
