"""`clusterbeam talk`: a prompt for raw commands to one instrument, with history and wire log."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Annotated, TextIO

import typer

from config.errors import ConfigurationError
from daq.cli.console import err, out
from daq.engine.conversation import wire_line
from daq.visit import talk_to
from drivers.errors import DriverError

HISTORY = 1000


def talk(
    name: Annotated[str, typer.Argument(help="Instrument of the configuration.")],
    config: Annotated[Path | None, typer.Option(help="Laboratory of the instrument.")] = None,
    log: Annotated[Path | None, typer.Option(help="File to which the wire log is appended.")] = None,
    allow_unsafe: Annotated[bool, typer.Option("--allow-unsafe", help="Also to lasers, high voltage and magnet.")] = False,
) -> None:
    """Send raw commands to one instrument and see its replies, until `quit` or the end of input (Ctrl-D)."""
    with ExitStack() as context:
        file = context.enter_context(_opened(log)) if log is not None else None
        conversation = context.enter_context(talk_to(config, name, lambda way, data: _log(file, way, data), allow_unsafe))
        if sys.stdin.isatty():
            context.callback(_remember, _history())
        for line in _lines(f"{name}> "):
            try:
                for reply in conversation.say(line):
                    out.print(repr(reply)[2:-1], markup=False, soft_wrap=True)
            except (ConfigurationError, DriverError) as error:
                err.print(f"clusterbeam: {error}", markup=False, soft_wrap=True)


def _lines(prompt: str) -> Iterator[str]:
    while True:
        try:
            line = input(prompt if sys.stdin.isatty() else "")
        except EOFError:
            return
        if line.strip() == "quit":
            return
        if line.strip():
            yield line


def _opened(log: Path) -> TextIO:
    try:
        return log.open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--log {log} cannot be written ({error.strerror}); choose another file") from None


def _log(file: TextIO | None, way: str, data: bytes) -> None:
    line = wire_line(way, data)
    err.print(line, style="dim", markup=False, soft_wrap=True)
    if file is not None:
        file.write(line + "\n")
        file.flush()


def _history() -> ModuleType | None:
    """The line editor with the lines of earlier talks; None where Python has none (Windows edits lines by itself)."""
    try:
        import readline
    except ImportError:
        return None
    readline.set_history_length(HISTORY)
    path = _history_file()
    if path.is_file():
        readline.read_history_file(path)
    return readline


def _remember(readline: ModuleType | None) -> None:
    if readline is not None:
        _history_file().parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(_history_file())


def _history_file() -> Path:
    return Path(typer.get_app_dir("clusterbeam")) / "talk-history"
