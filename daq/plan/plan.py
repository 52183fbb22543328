"""What to measure, as frozen data: read from TOML, checked, never changed by the run.

A plan is a list of *points* (set points of the machine), at each of which field-on and field-off shots alternate in short
*groups*.  Scans make the points: several `[[scan]]` tables span a grid, the first the slowest; the quantities of one table
advance together.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Discriminator, Field, Tag, TypeAdapter, model_validator
from pydantic.fields import FieldInfo

from config.laboratory import SHIPPED, Timing
from config.model import Model, check_model, read_toml
from config.writing import write_toml

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Size = Annotated[int, Field(ge=1, le=100_000)]
"""Atoms of a cluster."""
SetPoint = float | int | bool | str
Background = Literal["chopper closed", "ablation blocked"]

CONDITIONS = ("source_temperature_K", "helium_pressure_bar", "velocity_m_s", "field_T")
"""What every point of every plan has."""
DELAYS = ("lamp_to_ablation_s", "valve_to_ablation_s", "source_residence_s")
"""Times of a shot that a plan may set instead of the laboratory."""
MOST_VALUES = 1_000_000
"""Of one range."""


class Conditions(Model):
    """Set points that hold during the whole run, unless a scan sets them."""

    source_temperature_K: Annotated[float, Field(ge=4, le=325)]
    helium_pressure_bar: Annotated[float, Field(gt=0, le=20)]
    velocity_m_s: Annotated[float, Field(ge=50, le=5000)]
    field_T: float = 0.0


def _limits(field: FieldInfo) -> TypeAdapter[Any]:
    kind: Any = Annotated[field.annotation, field]
    return TypeAdapter(kind, config=Model.model_config)


LIMITED: Mapping[str, TypeAdapter[Any]] = {
    **{name: _limits(Conditions.model_fields[name]) for name in CONDITIONS},
    **{name: _limits(Timing.model_fields[name]) for name in DELAYS},
}
"""What a value of each of these has to be, wherever it is written."""


class Range(Model):
    """Evenly spaced values from `first` to `last`, both included: so many (`count`) or so far apart (`step`)."""

    first: float
    last: float
    count: Annotated[int, Field(ge=2, le=MOST_VALUES)] | None = None
    step: float | None = None

    @model_validator(mode="after")
    def _one_spacing(self) -> Self:
        if (self.count is None) == (self.step is None):
            raise ValueError("a range has either a count or a step; give one of them")
        if self.step is not None:
            steps = (self.last - self.first) / self.step if self.step else 0.0
            if steps >= MOST_VALUES:
                raise ValueError(f"step = {self.step:g} makes more than {MOST_VALUES:,} values; take longer steps")
            if not steps > 0.5 or abs(steps - round(steps)) > 1e-6:
                raise ValueError(f"step = {self.step:g} does not lead from {self.first:g} to {self.last:g} in whole steps")
        return self

    def __len__(self) -> int:
        return self.count or round((self.last - self.first) / (self.step or 1.0)) + 1

    def __getitem__(self, index: int) -> float:
        steps = len(self) - 1
        return (self.first * (steps - index) + self.last * index) / steps


def _kind_of_values(given: object) -> str:
    return "range" if isinstance(given, dict | Range) else "list"


Values = Annotated[
    Annotated[list[SetPoint], Field(min_length=1), Tag("list")] | Annotated[Range, Tag("range")], Discriminator(_kind_of_values)
]


class Scan(Model):
    """Quantities that advance together (a zip), each with a list or a range of equally many values."""

    values: Annotated[dict[str, Values], Field(min_length=1)]
    shuffle_seed: int | None = None
    """Take the values in random order, a new one in every pass; the same seed gives the same orders."""
    back_and_forth: bool = False
    """Every second pass backwards, so that an inner scan never jumps."""

    @model_validator(mode="after")
    def _equally_long(self) -> Self:
        lengths = {name: len(values) for name, values in self.values.items()}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise ValueError(f"quantities of one scan advance together and need equally many values, but {shown}")
        if self.back_and_forth and self.shuffle_seed is not None:
            raise ValueError("a scan is either shuffled or goes back_and_forth; leave one of them out")
        return self

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))


class Interleave(Model):
    """Groups of shots at one point.  Fields are taken in turn: ABBA cancels a linear drift, ABAB does not."""

    field_T: Annotated[list[float], Field(min_length=1)] | None = None
    """Left out, the field is that of the conditions or of a scan."""
    order: Literal["ABBA", "ABAB"] = "ABBA"
    shots_per_group: Count
    cycles: Count = 1
    """How often the whole order is run through; one cycle of ABBA with two fields is four groups.  With a target standard
    error: at most."""


class BackgroundShots(Model):
    """Shots without the beam, for what else the detector sees."""

    kinds: Annotated[list[Background], Field(min_length=1)]
    shots: Count
    every_cycles: Count = 1
    """One group of each kind before every so-manieth cycle of a point."""


class Stop(Model):
    """When a run has enough, though its cycles are not used up.

    `shots` and `time_s` (laboratory time) end the whole run.  With `standard_error_uB` a point is done when the statistical
    standard errors of the moments of all named `clusters` are below it; if shots or time are limited as well, what is left
    after `least_cycles` everywhere is shared between the points so that the largest error becomes as small as possible.
    """

    shots: Count | None = None
    time_s: Positive | None = None
    standard_error_uB: Positive | None = None
    clusters: list[Size] = []
    least_cycles: Count = 1

    @model_validator(mode="after")
    def _error_of_something(self) -> Self:
        if (self.standard_error_uB is None) != (not self.clusters):
            raise ValueError("standard_error_uB and clusters belong together: name the sizes whose error is wanted")
        return self


class Acquisition(Model):
    """How shots are captured."""

    rate_Hz: Annotated[float, Field(ge=1e-3, le=1e6)] = 20.0
    shots_per_burst: Annotated[int, Field(ge=1, le=10_000)] = 100
    sample_rate_Hz: Annotated[float, Field(gt=0, le=1e12)] = 5e8
    duration_us: Annotated[float, Field(gt=0, le=1e9)] = 200.0

    @property
    def samples(self) -> int:
        """Samples per trace."""
        return round(self.duration_us * 1e-6 * self.sample_rate_Hz)


class Settle(Model):
    """When a quantity counts as settled: within ± `within` of its set point for `hold_s`; after `at_most_s` the step fails.

    Laboratory time.  `within` is in the quantity's own unit.
    """

    within: Positive
    hold_s: NotNegative = 0.0
    at_most_s: Positive


SETTLE: Mapping[str, Settle] = {
    "source_temperature_K": Settle(within=0.3, hold_s=10.0, at_most_s=1800.0),
    "helium_pressure_bar": Settle(within=0.05, hold_s=5.0, at_most_s=120.0),
    "field_T": Settle(within=0.03, hold_s=1.0, at_most_s=120.0),
}
"""Criteria where a plan gives none; of other quantities with a read-back it must."""


def _on_one_line(title: str) -> str:
    """It stands in terminals, attributes of files and names of files."""
    if not title.isprintable():
        raise ValueError("a title is one line without control characters; leave them out")
    return title


class Plan(Model):
    """One run: an element, its sizes of interest, the points to measure at, and how shots alternate there."""

    title: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_on_one_line)]
    element: Literal["V", "Nb", "Ta", "Al"]
    sizes: tuple[Size, Size] = Field(strict=False)
    """First and last size to analyse."""
    conditions: Conditions
    set: dict[str, SetPoint] = {}
    """Further set points that hold during the whole run: `instrument.quantity`, or a delay of the shot."""
    scan: list[Scan] = []
    repeat: Count = 1
    """How often all points are gone through."""
    interleave: Interleave
    background: BackgroundShots | None = None
    stop: Stop = Stop()
    acquisition: Acquisition = Acquisition()
    settle: dict[str, Settle] = {}

    @model_validator(mode="after")
    def _one_voice(self) -> Self:
        if self.sizes[0] > self.sizes[1]:
            raise ValueError(f"sizes = {list(self.sizes)}: the first size must not be larger than the last")
        setters = [(name, "[set]") for name in self.set] + [(name, "[[scan]]") for one in self.scan for name in one.values]
        if self.interleave.field_T is not None:
            setters.append(("field_T", "[interleave]"))
        names = [name for name, _ in setters]
        for name in sorted({name for name in names if names.count(name) > 1}):
            places = " and ".join(place for one, place in setters if one == name)
            raise ValueError(f"{name} is set in {places}; one of them must go")
        outside = [size for size in self.stop.clusters if not self.sizes[0] <= size <= self.sizes[1]]
        if outside:
            raise ValueError(f"stop.clusters names {outside}, which lie outside sizes = {list(self.sizes)}")
        if self.stop.clusters and len(set(self.interleave.field_T or [])) < 2:
            raise ValueError("a standard error needs two fields; give interleave.field_T two values")
        return self

    def settling(self, name: str) -> Settle | None:
        """The criterion for a quantity; None where it needs none."""
        return self.settle.get(name, SETTLE.get(name))

    def names(self) -> tuple[str, ...]:
        """All quantities that any point sets, the conditions first."""
        scanned = [name for one in self.scan for name in one.values]
        return tuple(dict.fromkeys([*CONDITIONS, *self.set, *scanned]))

    def values_of(self, name: str) -> Iterator[SetPoint]:
        """All values that a quantity takes; of a range its ends."""
        if name == "field_T" and self.interleave.field_T is not None:
            yield from self.interleave.field_T
            return
        for one in self.scan:
            if name in one.values:
                values = one.values[name]
                yield from (values.first, values.last) if isinstance(values, Range) else values
                return
        yield self.set[name] if name in self.set else getattr(self.conditions, name)

    @property
    def open_ended(self) -> bool:
        """Whether the run decides how many shots it takes."""
        return self.stop.standard_error_uB is not None or self.stop.time_s is not None

    @property
    def points(self) -> int:
        """How many different points the scans span."""
        number = 1
        for one in self.scan:
            number *= len(one)
        return number

    @property
    def longest_burst(self) -> int:
        """Shots of the longest burst that the groups are taken in."""
        longest_group = max(self.interleave.shots_per_group, self.background.shots if self.background is not None else 0)
        return min(self.acquisition.shots_per_burst, longest_group)

    @property
    def shots(self) -> int:
        """All shots of the plan, at most."""
        cycles, groups = self.interleave.cycles, len(field_order(self.interleave))
        per_point = cycles * groups * self.interleave.shots_per_group
        if self.background is not None:
            times = -(-cycles // self.background.every_cycles)
            per_point += times * len(self.background.kinds) * self.background.shots
        everything = self.repeat * self.points * per_point
        return min(everything, self.stop.shots or everything)


def field_order(interleave: Interleave) -> list[float | None]:
    """The fields of one cycle: A B … then mirrored for ABBA; None is the field of the point."""
    once: list[float | None] = list(interleave.field_T) if interleave.field_T is not None else [None]
    if len(once) == 1:
        return once
    return once + once[::-1] if interleave.order == "ABBA" else once + once


def plan_file(path: Path) -> Path:
    """The path itself, or that of a plan that ships with the program if it is the bare name of one."""
    shipped = SHIPPED / "plans" / f"{path.name.removesuffix('.toml')}.toml"
    return shipped if not path.exists() and path.parent == Path() and shipped.is_file() else path


def read_plan(path: Path) -> Plan:
    """Read a plan; the bare name of a plan that ships with the program works as well."""
    path = plan_file(path)
    return check_model(read_toml(path), Plan, str(path))


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan as TOML that reads back equal; what was left to its default stays out."""
    write_toml(path, json.loads(plan.model_dump_json(exclude_unset=True)), plan.title)


BACKGROUNDS: tuple[Background, ...] = get_args(Background)
