"""`clusterbeam run`: acquire plans, headless."""

from pathlib import Path
from typing import Annotated, Any

import typer

from daq.cli.console import err, out, print_json, run_progress
from daq.engine.state import Ending, Summary
from daq.laboratory import Laboratory
from daq.plan.plan import Plan, read_plan


def run(
    plans: Annotated[list[Path], typer.Argument(help="Plans to run, one after the other.")],
    config: Annotated[Path | None, typer.Option(help="Laboratory to run them on.")] = None,
    output: Annotated[Path, typer.Option(help="Directory for the run files.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end of each run.")] = False,
) -> None:
    """Acquire plans into run files.  Ctrl-C ends the run in the safe state, with a complete file.

    All plans are checked before the first one starts.  A run that does not complete ends the queue: what stopped it stands in
    the way of the next one too.
    """
    queue = [read_plan(path) for path in plans]
    for plan in queue:
        Laboratory(config).review(plan)
    for place, plan in enumerate(queue, 1):
        summary = acquire(plan, config, output)
        if json:
            print_json(as_document(summary))
        elif summary.path is not None:
            counts = f"{summary.fired} shots fired = {summary.recorded} recorded + {summary.lost} lost"
            out.print(f"{summary.path}: {counts}", soft_wrap=True)
        if summary.ending is not Ending.COMPLETE or summary.unsafe:
            if waiting := [str(path) for path in plans[place:]]:
                err.print(f"clusterbeam: not started: {', '.join(waiting)}", soft_wrap=True, markup=False)
            raise typer.Exit(1)


def as_document(summary: Summary) -> dict[str, Any]:
    """How a run ended, as JSON types."""
    return {
        "run_file": str(summary.path) if summary.path else None,
        "ending": summary.ending,
        "reason": summary.reason,
        "shots": {"fired": summary.fired, "recorded": summary.recorded, "lost": summary.lost},
    }


def acquire(plan: Plan, config: Path | None, output: Path) -> Summary:
    """Run a plan with progress on stderr; how it ended is said there too."""
    laboratory = Laboratory(config)
    laboratory.review(plan)
    with run_progress(laboratory.configuration.clock.speed) as watch, laboratory:
        summary = laboratory.run(plan, output, watch)
    if summary.ending is not Ending.COMPLETE:
        err.print(f"clusterbeam: the run has {_ended(summary.ending)}: {summary.reason}", soft_wrap=True, markup=False)
    for sentence in summary.unsafe:
        err.print(f"clusterbeam: NOT CONFIRMED SAFE: {sentence}", soft_wrap=True, markup=False)
    return summary


def _ended(ending: Ending) -> str:
    return "been stopped" if ending is Ending.STOPPED else "failed"
