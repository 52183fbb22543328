"""The interlocks of a laboratory: those that ship with the program, as it has changed them, and its own."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from config.errors import ConfigurationError
from config.interlocks import TESTS, Comparison, Interlock, InterlockTable
from config.model import check_model, read_toml

ROLE = re.compile(r"<(?P<role>[^<>]+)>")
TELLS: Mapping[str, type] = {"live": bool, "fit": bool, "status": str, "complaints": str}
"""What is known of every instrument besides its quantities: whether it answers, whether it calls itself fit for a run, its
state in a word, and what it complains of, in words."""
SUPPLIED: Mapping[str, Mapping[str, type]] = {"disk": {"free_MB": float}}
"""Quantities that come from no instrument: what is free where runs are written."""

KINDS: Mapping[type, str] = {bool: "on or off", int: "a whole number", float: "a number", str: "a text"}


@cache
def shipped() -> Mapping[str, InterlockTable]:
    """The interlocks that ship with the program, written for roles."""
    path = Path(__file__).with_name("interlocks.toml")
    return {name: check_model(table, InterlockTable, f"{path}: {name}") for name, table in read_toml(path).items()}


def in_force(own: Mapping[str, InterlockTable], roles: Mapping[str, str]) -> dict[str, Interlock]:
    """The complete interlocks of a laboratory whose instruments have these `roles`, by name, shipped ones first.

    A shipped one does not apply where nobody has its role.  Of one that applies to several instruments with the same role there
    is one for each, with the instrument in brackets behind its name.  `ConfigurationError` with all faults.
    """
    found: dict[str, Interlock] = {}
    faults: list[str] = []
    for name in (*shipped(), *(name for name in own if name not in shipped())):
        try:
            table = _table(name, own.get(name))
            if table.get("enabled", True):
                found |= _for_instruments(name, table, roles, name in shipped())
        except ConfigurationError as error:
            faults += [f"interlocks.{name}: {fault}" for fault in error.faults]
    if faults:
        raise ConfigurationError("; ".join(faults), faults)
    return found


def check_quantities(interlocks: Mapping[str, Interlock], declared: Mapping[str, Mapping[str, type]]) -> None:
    """Hold interlocks against what the instruments declare: the kind of each quantity, by instrument and name.

    `ConfigurationError` with every quantity that is not there, or is not of a kind that can be compared as it is.
    """
    known = {name: {**quantities, **TELLS} for name, quantities in declared.items()} | dict(SUPPLIED)
    faults = [
        f"interlocks.{name}: {fault}" for name, interlock in interlocks.items() for fault in _quantity_faults(interlock, known)
    ]
    if faults:
        raise ConfigurationError.of("the interlocks do not fit the instruments", faults)


def _table(name: str, own: InterlockTable | None) -> dict[str, Any]:
    """A shipped interlock with what a laboratory changes in it, or one of its own."""
    default, changes = shipped().get(name), _given(own)
    if default is None:
        if "quantity" not in changes:
            hint = _hint(name, shipped())
            raise ConfigurationError(f"it needs a quantity, since no interlock of that name ships with the program{hint}")
        return changes
    table = _given(default)
    if any(test in changes for test in TESTS):
        table = {key: value for key, value in table.items() if key not in (*TESTS, "rate_over_s")}
    if "action" in changes or "latching" in changes:
        table = {key: value for key, value in table.items() if not key.startswith("resume_")}
    return table | changes


def _hint(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _given(table: InterlockTable | None) -> dict[str, Any]:
    return table.model_dump(exclude_none=True) if table else {}


def _for_instruments(name: str, table: dict[str, Any], roles: Mapping[str, str], ships: bool) -> dict[str, Interlock]:
    """The interlock once for every choice of instruments for the roles that it names."""
    named = dict.fromkeys(role for key in _named(table) for role in ROLE.findall(key))
    having = {role: [instrument for instrument, its in roles.items() if its == role] for role in named}
    for role, instruments in having.items():
        if not instruments and not ships:
            raise ConfigurationError(f"no instrument that takes part in runs has the role {role!r}")
    found = {}
    for chosen in product(*having.values()):
        choice = dict(zip(having, chosen, strict=True))
        several = [instrument for role, instrument in choice.items() if len(having[role]) > 1]
        label = f"{name} ({', '.join(several)})" if several else name
        found[label] = check_model(_with_names(table, choice), Interlock, label)
    return found


def _named(table: dict[str, Any]) -> Iterator[str]:
    yield from (table[key] for key in ("quantity", "minus") if key in table)
    if "while" in table:
        yield table["while"]["quantity"]


def _with_names(table: dict[str, Any], choice: Mapping[str, str]) -> dict[str, Any]:
    """The table with instruments in place of their roles."""

    def instrument(name: str) -> str:
        return ROLE.sub(lambda found: choice[found["role"]], name)

    filled = table | {key: instrument(table[key]) for key in ("quantity", "minus") if key in table}
    if "while" in table:
        filled["while"] = table["while"] | {"quantity": instrument(table["while"]["quantity"])}
    return filled


def _quantity_faults(interlock: Interlock, known: Mapping[str, Mapping[str, type]]) -> Iterator[str]:
    judged: list[tuple[str, Comparison]] = [(interlock.quantity, interlock)]
    judged += [(interlock.minus, interlock)] if interlock.minus else []
    judged += [(interlock.while_.quantity, interlock.while_)] if interlock.while_ else []
    for name, comparison in judged:
        instrument, _, quantity = name.partition(".")
        if instrument not in known:
            yield f"there is no instrument {instrument!r} that takes part in runs{_hint(instrument, known)}"
        elif quantity not in known[instrument]:
            yield f"{instrument} has no quantity {quantity!r}{_hint(quantity, known[instrument])}"
        else:
            yield from _kind_faults(name, known[instrument][quantity], comparison)


def _kind_faults(name: str, kind: type, comparison: Comparison) -> Iterator[str]:
    """Whether a quantity of this kind can be compared in this way."""
    word = comparison.equals if comparison.equals is not None else comparison.not_equals
    for test in comparison.tests():
        if test == "stale_s":
            continue
        if test == "contains":
            right = kind is str
        elif word is not None:
            right = kind is type(word)
        else:
            right = kind in (int, float)
        if not right:
            yield f"{name} is {KINDS[kind]}, which {test}{'' if word is None else f' = {word!r}'} does not go with"
