"""`python -m drivers.catalogue`: what every driver declares, as the text of `docs/instruments.md`."""

import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from drivers.driver import Driver
from drivers.quantity import Action, Quantity
from drivers.registry import DRIVERS, NOT_OPTIONS, driver_class

HEAD = """# Instruments

Generated from the drivers by `make docs`; a test holds this page to them.  Every quantity with the text that asks for it and
the text that sets it, unit, limits of the model, and the section or page that says so: of the instrument's protocol sheet in
`docs/protocols/`, which names the manuals and programs behind it, or of the manual itself.  Rows with `…` stand for one row
per channel, axis, input or output.  Limits of one unit can be narrower: they come from its configuration or
from the unit itself.  *Polled* quantities are logged while a run goes on.
"""
CHANNEL = re.compile(r"(ch|axis|output|channel|gauge|relay|save_|recall_)(\d+)|(?<![a-z])([a-h]|ab|cd|ef|gh|t0)(?=_)")
"""The part of a name that tells channels apart."""
Declared = TypeVar("Declared", Quantity, Action)


def catalogue() -> str:
    """The whole page."""
    return HEAD + "".join(f"\n{_driver(name, driver_class(name))}" for name in sorted(DRIVERS))


def _driver(name: str, driver: type[Driver]) -> str:
    module = inspect.getdoc(inspect.getmodule(driver)) or ""
    lines = [f"## {name}", "", module, ""]
    lines += [f"Role *{driver.role}*.  {_wire(driver)}{_options(driver)}", ""]
    if driver.declared:
        lines += ["| quantity | asked | set | unit | limits | source | about |", "| --- | --- | --- | --- | --- | --- | --- |"]
        lines += [_quantity(first, last) for first, last in _channels(driver.declared)]
        lines += [""]
    if driver.actions:
        lines += ["| action | command | source | about |", "| --- | --- | --- | --- |"]
        lines += [_action(first, last) for first, last in _channels(driver.actions)]
        lines += [""]
    return "\n".join(lines)


def _wire(driver: type[Driver]) -> str:
    if not driver.on_a_wire:
        return "Through the maker's library."
    if driver.bare_socket:
        return "TCP, by a bare socket."
    serial = driver.serial
    handshake = ", RTS/CTS" if serial.rts_cts else ""
    return f"Serial line: {serial.baud} baud, {serial.data_bits} {serial.parity} {serial.stop_bits}{handshake}; or TCP."


def _options(driver: type[Driver]) -> str:
    """What the configuration may say of a unit."""
    parameters = inspect.signature(driver).parameters.values()
    told = [
        f"`{one.name}`" + ("" if one.default is inspect.Parameter.empty else f" = {one.default}")
        for one in parameters
        if one.name not in NOT_OPTIONS
    ]
    return f"  Options: {', '.join(told)}." if told else ""


def _channels(declared: Iterable[Declared]) -> Iterator[tuple[Declared, Declared]]:
    """Neighbours that differ only in their channel, as the first and the last of them."""
    order: dict[str, list[Declared]] = {}
    for one in declared:
        order.setdefault(_without_channel(one), []).append(one)
    for group in order.values():
        yield group[0], group[-1]


def _without_channel(one: Quantity | Action) -> str:
    name = CHANNEL.sub(lambda found: f"{found[1] or ''}#", one.name)
    if isinstance(one, Action):
        return name
    limits = "" if one.access == "write" else one.limits()
    return f"{name} {one.unit} {limits} {one.source} {one.about if '#' not in name else ''}"


def _quantity(first: Quantity, last: Quantity) -> str:
    unit = first.unit or ("on/off" if first.kind is bool else "")
    about = "; ".join(text for text in (first.about, "polled" if first.polled else "") if text)
    cells = (_names(first, last), _code(first.query), _code(first.command), unit, _limits(first), first.source, about)
    return _row(cells)


def _action(first: Action, last: Action) -> str:
    return _row((_names(first, last), _code(first.command), first.source, first.about))


def _row(cells: Iterable[str]) -> str:
    texts = (cell.replace("|", "\\|") for cell in cells)
    return "|" + "|".join(f" {text} " if text else " " for text in texts) + "|"


def _names(first: Quantity | Action, last: Quantity | Action) -> str:
    return f"`{first.name}`" if first is last else f"`{first.name}` … `{last.name}`"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _limits(quantity: Quantity) -> str:
    choices = quantity.choices or (tuple(quantity.words.values()) if quantity.words and quantity.kind is str else ())
    if choices:
        return ", ".join(str(choice) for choice in choices)
    if quantity.low is None and quantity.high is None:
        return ""
    return replace(quantity, unit="").limits()


if __name__ == "__main__":
    print(catalogue(), end="")
