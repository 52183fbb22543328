"""Typed, frozen models read from TOML; an unknown key is refused with the nearest known one."""

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from config.errors import ConfigurationError


class Model(BaseModel):
    """Base of all configuration: frozen, no unknown keys, no NaN, numbers never made from text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


Found = TypeVar("Found", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file, or `ConfigurationError` saying why not."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} ({error.strerror}); give the path of an existing TOML file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not a text file; a TOML file in UTF-8 is needed") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from None


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The table in a text that comes from `where`, or `ConfigurationError`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
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


def mended(table: Mapping[str, Any], model: type[Found], pattern: Mapping[str, Any]) -> Found | None:
    """The table as `model`, with whatever is wrong in it left out or as in `pattern`, so that the rest can be looked at too.

    None where that does not help.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        copy = json.loads(json.dumps(table, default=str))
        for fault in error.errors():
            _replace(copy, fault["loc"], pattern)
    try:
        return model.model_validate(copy)
    except ValidationError:
        return None


def _replace(table: dict[str, Any], place: tuple[str | int, ...], pattern: Mapping[str, Any]) -> None:
    """Put the pattern's value at a place, or drop what is there; below a list, the whole list."""
    for depth, key in enumerate(place):
        below = table.get(str(key))
        if depth == len(place) - 1 or not isinstance(below, dict):
            if key in pattern:
                table[str(key)] = pattern[str(key)]
            else:
                table.pop(str(key), None)
            return
        table, pattern = below, pattern.get(str(key), {})


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
        if (isinstance(here, Mapping) and part in here) or (isinstance(here, list | tuple) and isinstance(part, int)):
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
    if not place:
        return message
    return f"{place} = {fault['input']!r}: {message}"


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
