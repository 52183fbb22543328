"""Where commands print: results on stdout, progress and errors on stderr."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from daq.engine.state import Progress as RunProgress

PIPED_COLUMNS = 160
"""Width of tables that go into a file or a pipe."""


class _Told(Console):
    """Of progress: a run goes on, and to its end in order, when nobody reads it any more (`2>&1 | tee` and Ctrl-C)."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


def _console(kind: type[Console], *, stderr: bool) -> Console:
    console = kind(stderr=stderr, highlight=False)
    return console if console.is_terminal else kind(stderr=stderr, highlight=False, width=PIPED_COLUMNS)


out = _console(Console, stderr=False)
err = _console(_Told, stderr=True)


def print_json(document: Any) -> None:
    """One JSON document on one line of stdout, plain."""
    print(json.dumps(document, allow_nan=False), flush=True)


def one_format(json: bool, csv: bool) -> None:
    """Refuse both at once: stdout holds one document."""
    if json and csv:
        raise typer.BadParameter("give --json or --csv, not both")


@contextmanager
def run_progress(speed: float) -> Iterator[Callable[[RunProgress], None]]:
    """A bar of shots with what is being done and the time left; plain lines where stderr is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} shots"),
        TextColumn("{task.fields[lost]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("connecting", total=1, lost="", left="")
        said = ""

        def watch(progress: RunProgress) -> None:
            nonlocal said
            bar.update(
                task,
                description=progress.doing,
                completed=progress.recorded,
                total=progress.shots,
                lost=f"{progress.lost} lost" if progress.lost else "",
                left=f"about {duration(progress.left_s / speed)} left",
            )
            if not err.is_terminal and progress.doing != said:
                said = progress.doing
                left = duration(progress.left_s / speed)
                err.print(f"{progress.recorded}/{progress.shots} shots, about {left} left: {progress.doing}", soft_wrap=True)

        yield watch


def duration(seconds: float) -> str:
    """A duration as a person says it: `40 s`, `12 min`, `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
