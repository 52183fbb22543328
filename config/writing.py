"""Writing a checked table back as TOML."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from config.errors import ConfigurationError


def write_toml(path: Path, table: Mapping[str, Any], remark: str) -> None:
    """Write `table` to `path` in one step: a reader sees the old file or the whole new one; else `ConfigurationError`."""
    text = f"# {remark}\n" + "\n".join(_lines(table, ())) + "\n"
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(text)
        os.replace(file.name, path)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path} ({error.strerror}); give a file in a directory of yours") from None


def _lines(table: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[str]:
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if place:
        yield ""
        yield f"[{'.'.join(_key(key) for key in place)}]"
    for key, value in table.items():
        if key not in tables:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        yield from _lines(value, (*place, key))


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    raise TypeError(f"{value!r} has no place in TOML")
