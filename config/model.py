"""Typed, frozen models read from TOML; an unknown key is refused with the nearest known one."""

import difflib
import reprlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from config.errors import ConfigurationError


class Model(BaseModel):
    """Base of all configuration: frozen, no unknown keys, no NaN, numbers never made from text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


Found = TypeVar("Found", bound=BaseModel)
BYTE_ORDER_MARK = "\ufeff"
"""What some editors write before a text in UTF-8."""
SHOWN = 60
"""Characters of a wrong value that its sentence shows."""
_SHORT = reprlib.Repr()
_SHORT.maxstring = SHOWN


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file, or `ConfigurationError` saying why not."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} ({error.strerror}); give the path of an existing TOML file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not a text file; a TOML file in UTF-8 is needed") from None
    return parse_toml(text, str(path))


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The table in a text that comes from `where`, or `ConfigurationError`."""
    try:
        return tomllib.loads(text.removeprefix(BYTE_ORDER_MARK))
    except RecursionError:
        raise ConfigurationError(f"{where} cannot be read: its brackets are nested too deep") from None
    except ValueError as error:
        # A number of more digits than Python reads is no TOMLDecodeError.
        raise ConfigurationError(f"{where} is not valid TOML: {error}") from None


def read_model(path: Path, model: type[Found]) -> Found:
    """Read and check a TOML file as `model`."""
    return check_model(read_toml(path), model, str(path))


def check_model(table: Mapping[str, Any], model: type[Found], where: str) -> Found:
    """Check a table as `model`; all its faults go into one `ConfigurationError`."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise ConfigurationError.of(where, _sentences(model, table, error.errors())) from None


def value_fault(name: str, value: object, limits: TypeAdapter[Any]) -> str | None:
    """What is wrong with one value, as a sentence of a model's; None if nothing is."""
    try:
        limits.validate_python(value)
    except ValidationError as error:
        return _sentence(BaseModel, error.errors()[0] | {"loc": (name,)})
    return None


def mended(table: Mapping[str, Any], model: type[Found], pattern: Mapping[str, Any]) -> tuple[Found | None, frozenset[str]]:
    """The table as `model`, with whatever is wrong in it left out or as in `pattern`, so that the rest can be looked at too;
    and the keys of which this is so, each by its own name.

    None where that does not help.
    """
    replaced: set[str] = set()
    try:
        return model.model_validate(table), frozenset()
    except ValidationError as error:
        for fault in error.errors():
            table = _replaced(table, fault["loc"], pattern, replaced)
    try:
        return model.model_validate(table), frozenset(replaced)
    except ValidationError:
        return None, frozenset(replaced)


def _replaced(
    table: Mapping[str, Any], place: tuple[str | int, ...], pattern: Mapping[str, Any], replaced: set[str]
) -> Mapping[str, Any]:
    """The table with the pattern's value at a place, or without what is there; below a list, for the whole list."""
    if not place:
        return table
    key, below = str(place[0]), table.get(str(place[0]))
    if len(place) > 1 and isinstance(below, Mapping):
        return {**table, key: _replaced(below, place[1:], pattern.get(key, {}), replaced)}
    replaced.add(key)
    rest = {name: value for name, value in table.items() if name != key}
    return {**rest, key: pattern[key]} if key in pattern else rest


def _sentences(model: type[BaseModel], table: Mapping[str, Any], found: Sequence[Any]) -> list[str]:
    """A misspelt key is one fault, though it is both unknown and missing; so is a value that is none of several types."""
    faults: dict[tuple[str | int, ...], Any] = {}
    for fault in found:
        place = _written(table, fault)
        faults.setdefault(place, fault | {"loc": place})
    meant = {(*place[:-1], _nearest(model, place)) for place, fault in faults.items() if fault["type"] == "extra_forbidden"}
    return [_sentence(model, fault) for place, fault in faults.items() if fault["type"] != "missing" or place not in meant]


def _written(table: Mapping[str, Any], fault: Any) -> tuple[str | int, ...]:
    """Where a fault is in the file: without the names of types, which its location has as well where there are several."""
    place: list[str | int] = []
    here: Any = table
    for part in fault["loc"]:
        listed = isinstance(here, list | tuple) and isinstance(part, int) and part < len(here)
        if listed or (isinstance(here, Mapping) and part in here):
            place.append(part)
            here = here[part]
    absent = fault["loc"][-1:] if fault["type"] == "missing" else ()
    return *place, *absent


def _nearest(model: type[BaseModel], location: tuple[str | int, ...]) -> str | None:
    """The known key that an unknown one may have been meant for."""
    found = difflib.get_close_matches(str(location[-1]), _known_keys(model, location[:-1]), n=1, cutoff=0.5)
    return found[0] if found else None


def _sentence(model: type[BaseModel], fault: Any) -> str:
    location = fault["loc"]
    place = ".".join(str(part) for part in location)
    if fault["type"] == "extra_forbidden":
        nearest = _nearest(model, location)
        known = ", ".join(sorted(_known_keys(model, location[:-1])))
        hint = f"did you mean {nearest!r}?" if nearest else f"known here are {known}"
        return f"unknown key {place!r}, {hint}"
    if fault["type"] == "missing":
        return f"{place!r} is missing"
    message: str = fault["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"{place}{_shown(fault['input'])}: {message}" if place else message


def _shown(value: Any) -> str:
    """A wrong value beside its place; of a long one the beginning, of a large table nothing: the place says which it is."""
    try:
        text = _SHORT.repr(value)
    except ValueError:
        # A hexadecimal number of more digits than Python writes.
        return ""
    if len(text) <= SHOWN:
        return f" = {text}"
    return "" if isinstance(value, Mapping) else f" = {text[:SHOWN]}…"


def _known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys of the model at `path` below `model`; empty when the path leaves the declared models."""
    current: type[BaseModel] | None = model
    for part in path:
        if current is None or part not in _fields(current):
            if isinstance(part, int) or current is not None:
                continue
            return []
        current = _model_in(_fields(current)[str(part)].annotation)
    return list(_fields(current)) if current is not None else []


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the keys that are written."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
