"""Quantities by name, `instrument.quantity`: which command sets one, and which reading shows that it was reached."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from config.errors import ConfigurationError
from config.laboratory import Laboratory
from drivers.quantity import Quantity
from drivers.registry import unconnected

Quantities = Mapping[str, Mapping[str, Quantity]]
"""By instrument and name."""
SET = "set_"
"""What the name of a set point has more than that of its read-back: `set_current_A`, `axis1_set_position_mm`."""


@dataclass(frozen=True)
class Settable:
    """A quantity that can be set; `read_back` is None where the instrument does not tell it."""

    instrument: str
    command: Quantity
    read_back: Quantity | None

    @property
    def name(self) -> str:
        return f"{self.instrument}.{self.command.name}"

    @property
    def settles(self) -> bool:
        """Whether the read-back is a reading of its own, which follows the set point in time."""
        return self.read_back is not None and self.read_back.name != self.command.name


def known_quantities(laboratory: Laboratory) -> Quantities:
    """The quantities of all instruments that take part in runs, from the configuration alone."""
    return {name: unconnected(name, configured).quantities for name, configured in laboratory.taking_part().items()}


def settable(name: str, quantities: Quantities) -> Settable:
    """The quantity called `name`, be it by its set point (`stage.axis1_set_position_mm`) or by its read-back
    (`stage.axis1_position_mm`).  `ConfigurationError` with the nearest known name if there is none that can be set."""
    instrument, _, quantity = name.partition(".")
    known = quantities.get(instrument, {})
    for command in (known.get(quantity), *_setters(quantity, known)):
        if command is not None and command.access != "read":
            return Settable(instrument, command, _read_back(command, known))
    if quantity in known:
        raise ConfigurationError(f"{name} can only be read")
    everything = list(_settable_names(quantities))
    nearest = difflib.get_close_matches(name, everything, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"the instruments are {', '.join(quantities)}"
    raise ConfigurationError(f"there is no quantity {name!r} to set, {hint}")


def readable(name: str, quantities: Quantities) -> tuple[str, Quantity]:
    """Instrument and quantity of a name that can be read; `ConfigurationError` with the nearest known name otherwise."""
    instrument, _, quantity = name.partition(".")
    found = quantities.get(instrument, {}).get(quantity)
    if found is not None and found.access != "write":
        return instrument, found
    names = [f"{one}.{q.name}" for one, known in quantities.items() for q in known.values() if q.access != "write"]
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"the instruments are {', '.join(quantities)}"
    raise ConfigurationError(f"there is no quantity {name!r} to read, {hint}")


def _setters(read_back: str, known: Mapping[str, Quantity]) -> list[Quantity]:
    return [one for one in known.values() if SET in one.name and one.name.replace(SET, "", 1) == read_back]


def _read_back(command: Quantity, known: Mapping[str, Quantity]) -> Quantity | None:
    reading = known.get(command.name.replace(SET, "", 1))
    if reading is not None and reading.access != "write":
        return reading
    return command if command.access != "write" else None


def _settable_names(quantities: Quantities) -> Iterator[str]:
    for instrument, known in quantities.items():
        for quantity in known.values():
            if quantity.access != "read":
                yield f"{instrument}.{quantity.name}"
                if SET in quantity.name:
                    yield f"{instrument}.{quantity.name.replace(SET, '', 1)}"
