"""`clusterbeam log`: what happened in a run."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from daq.cli.console import out
from daq.record.layout import EVENT_KINDS
from daq.record.run_file import RunFile
from daq.record.series import Series


def log(files: Annotated[list[Path], typer.Argument(help="Run files; what they continue is told first.")]) -> None:
    """Print the log of a run: its steps, what the instruments did, how it ended, and the operator's notes.

    Times are laboratory time since the first line of each file.
    """
    for file in files:
        with Series(file) as series:
            for part in series.parts:
                _print(part)


def _print(part: RunFile) -> None:
    entries = part.log()
    out.print(f"{part.path.name}, started {part.started}: {part.title}", soft_wrap=True, markup=False)
    for entry in entries:
        after = timedelta(seconds=round(entry.time_s - entries[0].time_s))
        said = f"{EVENT_KINDS[entry.kind]}: " if EVENT_KINDS[entry.kind] else ""
        out.print(f"  {after!s:>10}  {said}{entry.text}", soft_wrap=True, markup=False)
