"""`clusterbeam log`: what happened in a run."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from daq.cli.console import err, out
from daq.record.layout import EVENT_KINDS
from daq.record.run_file import RunFile, RunFileError
from daq.record.series import Series, newest


def log(files: Annotated[list[Path], typer.Argument(help="Run files; what they continue is told first.")]) -> None:
    """Print the log of a run: its steps, what the instruments did, how it ended, and the operator's notes.

    Times are laboratory time since the first line of each file.
    """
    told: set[Path] = set()
    read = [_tell(file, told) for file in newest(files)]
    if not all(read):
        raise typer.Exit(1)


def _tell(file: Path, told: set[Path]) -> bool:
    """Print the logs of a run's files but those that were told; whether they could be read."""
    try:
        with Series(file) as series:
            for part in series.parts:
                if part.path not in told:
                    _print(part)
                told.add(part.path)
        return True
    except RunFileError as error:
        err.print(f"clusterbeam: {error}", soft_wrap=True, markup=False)
        return False


def _print(part: RunFile) -> None:
    entries = part.log()
    out.print(f"{part.path.name}, started {part.started}: {part.title}", soft_wrap=True, markup=False)
    for entry in entries:
        after = timedelta(seconds=round(entry.time_s - entries[0].time_s))
        said = f"{EVENT_KINDS[entry.kind]}: " if EVENT_KINDS[entry.kind] else ""
        out.print(f"  {after!s:>10}  {said}{entry.text}", soft_wrap=True, markup=False)
