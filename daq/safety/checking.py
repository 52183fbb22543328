"""The interlocks of a laboratory, held against what its instruments declare; touches no instrument."""

from config.interlocks import Interlock
from config.interlocks_in_force import check_quantities
from config.laboratory import Laboratory
from drivers.registry import unconnected


def checked_interlocks(laboratory: Laboratory) -> dict[str, Interlock]:
    """All that are in force; `ConfigurationError` with every quantity that no instrument has."""
    interlocks = laboratory.interlocks_in_force()
    check_quantities(interlocks, {name: _declared(laboratory, name) for name in laboratory.taking_part()})
    return interlocks


def _declared(laboratory: Laboratory, name: str) -> dict[str, type]:
    """The kind of each quantity that can be read."""
    quantities = unconnected(name, laboratory.instruments[name]).quantities.values()
    return {quantity.name: quantity.kind for quantity in quantities if quantity.access != "write"}
