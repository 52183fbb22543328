"""`clusterbeam run`: acquire plans, headless."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from daq.cli.console import err, out, print_json, run_progress
from daq.cli.notified import warn_unnotified
from daq.engine.forecast import check_output, check_room
from daq.engine.state import MEANING, TRANSITIONS, Ending, Summary
from daq.laboratory import RUNS, Laboratory
from daq.plan.plan import Plan


def run(
    plans: Annotated[list[Path] | None, typer.Argument(help="Plans to run, one after the other.")] = None,
    config: Annotated[Path | None, typer.Option(help="Laboratory to run them on.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Directory for the run files; if not given, runs, or with --resume that of the file.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the plan of this interrupted run file, in a new file.")
    ] = None,
    note: Annotated[list[str] | None, typer.Option(help="What to write into the run's log; may be given again.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end of each run.")] = False,
    explain_states: Annotated[bool, typer.Option("--explain-states", help="Print the states of a run instead.")] = False,
) -> None:
    """Acquire plans into run files.  Ctrl-C ends the run in the safe state, with a complete file; Ctrl-Z pauses it, and lets
    it go on again.

    Laboratory and plans are read and checked before the first one starts, and run as they were then.  A run that does not
    complete ends the queue: what stopped it stands in the way of the next one too.
    """
    if explain_states:
        print_states()
        return
    if (resume is None) == (not plans):
        raise typer.BadParameter("give plans, or --resume and a run file")
    if resume is not None:
        _tell(take_up(resume, config, output, note or ()), json)
        return
    laboratory, waiting = Laboratory(config), list(plans or [])
    queue, directory = [laboratory.plan(path) for path in waiting], output or RUNS
    check_output(directory)
    warn_unnotified(laboratory.configuration)
    _check_room(laboratory, queue, directory)
    try:
        for plan in queue:
            waiting.pop(0)
            _tell(acquire(Laboratory(like=laboratory), plan, directory, note or ()), json)
    finally:
        if waiting:
            err.print(f"clusterbeam: not started: {', '.join(map(str, waiting))}", soft_wrap=True)


def _check_room(laboratory: Laboratory, queue: Sequence[Plan], directory: Path) -> None:
    """For all runs of a queue together, so that not the last one finds the disk full of those before."""
    needed_bytes = sum(laboratory.review(plan).forecast.disk_bytes for plan in queue)
    what = "the run needs" if len(queue) == 1 else "the runs need"
    check_room(directory, needed_bytes, laboratory.configuration.recording.keep_free_MB, what)


def print_states() -> None:
    """The states of a run and what leads from one to the other."""
    states = Table(title="States", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("state", "what it means"):
        states.add_column(heading)
    for state, meaning in MEANING.items():
        states.add_row(state, meaning)
    out.print(states)
    transitions = Table(title="What leads from one to the other", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("from", "to", "when"):
        transitions.add_column(heading)
    for (before, after), when in TRANSITIONS.items():
        transitions.add_row(before, after, when)
    out.print(transitions)


def _tell(summary: Summary, json: bool) -> None:
    """How a run ended, on stdout; exit status 1 unless it is complete and everything is at rest."""
    if json:
        print_json(as_document(summary))
    elif summary.path is not None:
        counts = f"{summary.fired} shots fired = {summary.recorded} recorded + {summary.lost} lost"
        out.print(f"{summary.path}: {counts}", soft_wrap=True)
    if summary.ending is not Ending.COMPLETE or summary.unsafe:
        raise typer.Exit(1)


def as_document(summary: Summary) -> dict[str, Any]:
    """How a run ended, as JSON types."""
    return {
        "run_file": str(summary.path) if summary.path else None,
        "ending": summary.ending,
        "reason": summary.reason,
        "shots": {"fired": summary.fired, "recorded": summary.recorded, "lost": summary.lost},
    }


def acquire(laboratory: Laboratory, plan: Plan, output: Path, notes: Sequence[str] = ()) -> Summary:
    """Run a plan on a laboratory that is not open yet, with progress on stderr; how it ended is said there too."""
    for note in notes:
        laboratory.note(note)
    with run_progress(laboratory.configuration.clock.speed) as watch, laboratory:
        return _ended_as(laboratory.run(plan, output, watch))


def take_up(file: Path, config: Path | None, output: Path | None, notes: Sequence[str] = ()) -> Summary:
    """Go on with an interrupted run in the same way."""
    laboratory = Laboratory(config)
    laboratory.check_resumable(file)
    if output is not None:
        check_output(output)
    warn_unnotified(laboratory.configuration)
    for note in notes:
        laboratory.note(note)
    with run_progress(laboratory.configuration.clock.speed) as watch, laboratory:
        return _ended_as(laboratory.resume(file, output, watch))


def _ended_as(summary: Summary) -> Summary:
    if summary.ending is not Ending.COMPLETE:
        err.print(f"clusterbeam: the run has {_ended(summary.ending)}: {summary.reason}", soft_wrap=True)
    for sentence in summary.unsafe:
        err.print(f"clusterbeam: NOT CONFIRMED SAFE: {sentence}", soft_wrap=True)
    return summary


def _ended(ending: Ending) -> str:
    return "been stopped" if ending is Ending.STOPPED else "failed"
