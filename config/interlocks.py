"""Interlocks as they are written: conditions on quantities, and what follows when one holds.  Durations are laboratory time."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from config.model import Model

Action = Literal["warn", "refuse start", "pause", "safe"]
During = Literal["always", "run", "shots"]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


def _two_words(name: str) -> str:
    instrument, _, quantity = name.partition(".")
    if not instrument or not quantity:
        raise ValueError("a quantity is written instrument.quantity")
    return name


def _rising(limits: tuple[float, float]) -> tuple[float, float]:
    if not limits[0] < limits[1]:
        raise ValueError("the lower limit comes first")
    return limits


Name = Annotated[str, AfterValidator(_two_words)]
"""A quantity, `instrument.quantity`; `<role>.quantity` is that of every instrument with the role that takes part in runs."""

VALUE_TESTS = ("above", "below", "outside", "equals", "not_equals", "contains")
TESTS = (*VALUE_TESTS, "stale_s", "rate_above")
Checked = TypeVar("Checked", bound="Comparison")


class Comparison(Model):
    """What is asked of a value: one of these.  `contains` holds when a text contains any of the words."""

    above: float | None = None
    below: float | None = None
    outside: Annotated[tuple[float, float], Field(strict=False), AfterValidator(_rising)] | None = None
    equals: bool | int | str | None = None
    not_equals: bool | int | str | None = None
    contains: Annotated[list[str], Field(min_length=1)] | None = None

    def tests(self) -> tuple[str, ...]:
        """The names of what is asked."""
        return tuple(name for name in TESTS if getattr(self, name, None) is not None)


class While(Comparison):
    """The second clause of a condition, judged by the last reading however old it is."""

    quantity: Name

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        return _checked(self, _one_of(self, VALUE_TESTS))


class InterlockTable(Comparison):
    """An interlock as a laboratory writes it: what is left out is as in the shipped one of that name, or ordinary."""

    model_config = ConfigDict(serialize_by_alias=True)

    quantity: Name | None = None
    minus: Name | None = None
    """Judged is the difference of the two."""
    stale_s: Positive | None = None
    """Holds when there was no reading for so long."""
    rate_above: Positive | None = None
    """Holds when the value changes faster, up or down, per second over `rate_over_s`."""
    rate_over_s: Positive | None = None
    while_: While | None = Field(default=None, alias="while")
    during: During | None = None
    """When it counts: `run` is from the start of a run to its end, `shots` only while it takes shots, neither while a step is
    being reached nor in a pause."""
    hysteresis: NotNegative | None = None
    """So far back from its limit a value has to come to be good again."""
    delay_s: NotNegative | None = None
    """The condition has to hold so long."""
    action: Action | None = None
    latching: bool | None = None
    """Stays when its condition has gone, until somebody acknowledges it."""
    resume_after_s: Positive | None = None
    """A pause ends by itself when readings have been good for so long, `resume_times` in a run at most."""
    resume_times: Annotated[int, Field(ge=1)] | None = None
    text: str | None = None
    """For the operator: what is wrong and what to do."""
    enabled: bool | None = None


class Interlock(InterlockTable):
    """A complete interlock, for instruments by their names."""

    quantity: Name
    during: During = "always"
    hysteresis: NotNegative = 0.0
    delay_s: NotNegative = 0.0
    action: Action
    latching: bool = False
    resume_times: Annotated[int, Field(ge=1)] = 1
    text: str = ""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        return _checked(self, *self._faults())

    def _faults(self) -> Iterator[str]:
        yield _one_of(self, TESTS)
        if (self.rate_above is None) != (self.rate_over_s is None):
            yield "rate_above and rate_over_s go together"
        if self.minus is not None and self.tests()[:1] not in (("above",), ("below",), ("outside",), ("rate_above",)):
            yield "minus goes with above, below, outside and rate_above"
        if self.hysteresis:
            yield self._hysteresis_fault()
        if self.action == "refuse start" and (self.during != "always" or self.latching):
            yield "what refuses a start has to count always and cannot latch; leave during and latching out"
        if self.resume_after_s is not None and (self.action != "pause" or self.latching):
            yield "resume_after_s goes with action = 'pause' that is not latching"

    def _hysteresis_fault(self) -> str:
        if self.outside is not None:
            low, high = self.outside
            width = (high - low) / 2
            return "" if self.hysteresis < width else f"hysteresis = {self.hysteresis:g} has to be smaller than {width:g}"
        if self.rate_above is not None:
            return "" if self.hysteresis < self.rate_above else "hysteresis has to be smaller than rate_above"
        numbers = self.above is not None or self.below is not None
        return "" if numbers else "hysteresis goes with above, below, outside and rate_above"

    def quantities(self) -> tuple[str, ...]:
        """Every quantity that it needs to be fed."""
        names = (self.quantity, self.minus, self.while_.quantity if self.while_ else None)
        return tuple(name for name in names if name is not None)

    def condition(self) -> str:
        """The condition in words."""
        judged = self.quantity if self.minus is None else f"{self.quantity} − {self.minus}"
        words = f"{judged} {_words(self)}"
        if self.stale_s is not None:
            words = f"{judged} not read for {self.stale_s:g} s"
        if self.rate_above is not None:
            words = f"{judged} changing by more than {self.rate_above:g} per s over {self.rate_over_s:g} s"
        if self.while_ is not None:
            words += f" while {self.while_.quantity} {_words(self.while_)}"
        return words + (f", for {self.delay_s:g} s" if self.delay_s else "")


def _one_of(comparison: Comparison, allowed: tuple[str, ...]) -> str:
    """The fault in the number of tests; empty if there is one."""
    found = comparison.tests()
    listed = f"{', '.join(allowed[:-1])} and {allowed[-1]}"
    return "" if len(found) == 1 else f"it needs one of {listed}; it has {' and '.join(found) or 'none'}"


def _checked(checked: Checked, *faults: str) -> Checked:
    found = [fault for fault in faults if fault]
    if found:
        raise ValueError("; ".join(found))
    return checked


def _words(comparison: Comparison) -> str:
    """A test of a value in words; empty for others."""
    if comparison.above is not None:
        return f"above {comparison.above:g}"
    if comparison.below is not None:
        return f"below {comparison.below:g}"
    if comparison.outside is not None:
        return "outside {:g} to {:g}".format(*comparison.outside)
    if comparison.equals is not None:
        return f"is {_word(comparison.equals)}"
    if comparison.not_equals is not None:
        return f"is not {_word(comparison.not_equals)}"
    return f"says {' or '.join(map(repr, comparison.contains or ()))}"


def _word(value: bool | int | str) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else repr(value)
