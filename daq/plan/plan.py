"""What to measure, as frozen data: read from TOML, checked, never changed by the run."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.errors import ConfigurationError
from config.laboratory import SHIPPED, Laboratory
from config.model import Model, read_model

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Conditions(Model):
    """Set points that hold during the whole run."""

    source_temperature_K: Annotated[float, Field(ge=4, le=325)]
    helium_pressure_bar: Annotated[float, Field(gt=0, le=20)]
    velocity_m_s: Annotated[float, Field(ge=50, le=5000)]


class Interleave(Model):
    """Field values taken in turn, in short groups of shots: ABBA cancels a linear drift, ABAB does not."""

    field_T: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1)]
    order: Literal["ABBA", "ABAB"] = "ABBA"
    shots_per_group: Count
    cycles: Count
    """How often the whole order is run through; one cycle of ABBA with two fields is four groups."""


class Acquisition(Model):
    """How shots are captured."""

    rate_Hz: Positive = 20.0
    shots_per_burst: Annotated[int, Field(ge=1, le=10_000)] = 100
    sample_rate_Hz: Positive = 5e8
    duration_us: Positive = 200.0

    @property
    def samples(self) -> int:
        """Samples per trace."""
        return round(self.duration_us * 1e-6 * self.sample_rate_Hz)


class Settle(Model):
    """When a quantity counts as settled: within ± `within` of its set point for `hold_s`; after `at_most_s` the run fails.

    Laboratory time.  `within` is in the quantity's own unit.
    """

    within: Positive
    hold_s: Annotated[float, Field(ge=0)] = 0.0
    at_most_s: Positive


class Settling(Model):
    """Settling criteria of the quantities a plan sets."""

    source_temperature_K: Settle = Settle(within=0.3, hold_s=10.0, at_most_s=1800.0)
    helium_pressure_bar: Settle = Settle(within=0.05, hold_s=5.0, at_most_s=120.0)
    field_T: Settle = Settle(within=0.03, hold_s=1.0, at_most_s=120.0)


class Plan(Model):
    """One run: an element, its sizes of interest, the conditions, and how field-on and field-off shots alternate."""

    title: str
    element: Literal["V", "Nb", "Ta", "Al"]
    sizes: tuple[Count, Count] = Field(strict=False)
    """First and last size to analyse."""
    conditions: Conditions
    interleave: Interleave
    acquisition: Acquisition = Acquisition()
    settle: Settling = Settling()

    @model_validator(mode="after")
    def _sizes_rise(self) -> Self:
        if self.sizes[0] > self.sizes[1]:
            raise ValueError(f"sizes = {list(self.sizes)}: the first size must not be larger than the last")
        return self

    @property
    def shots(self) -> int:
        """All shots of the plan."""
        return self.interleave.shots_per_group * self.interleave.cycles * len(field_order(self.interleave))


def field_order(interleave: Interleave) -> list[float]:
    """The fields of one cycle: A B … then mirrored for ABBA."""
    once = list(interleave.field_T)
    if len(once) == 1:
        return once
    return once + once[::-1] if interleave.order == "ABBA" else once + once


def read_plan(path: Path) -> Plan:
    """Read a plan; the bare name of a plan that ships with the program works as well."""
    shipped = SHIPPED / "plans" / f"{path.name.removesuffix('.toml')}.toml"
    if not path.exists() and path.parent == Path() and shipped.is_file():
        path = shipped
    return read_model(path, Plan)


def check_against(plan: Plan, laboratory: Laboratory) -> None:
    """Refuse what this laboratory cannot do, all faults in one `ConfigurationError`, before an instrument is touched."""
    highest = laboratory.magnet.highest_field_T
    faults = [
        f"interleave.field_T = {field:g} T is above the {highest:g} T that the magnet of {laboratory.name!r} allows"
        for field in plan.interleave.field_T
        if abs(field) > highest
    ]
    if faults:
        raise ConfigurationError(f"plan {plan.title!r}: " + "; ".join(faults))
