"""`clusterbeam run`: acquire a plan, headless."""

from pathlib import Path
from typing import Annotated

import typer

from daq.cli.console import err, out, print_json, run_progress
from daq.engine.state import Ending, Summary
from daq.laboratory import Laboratory
from daq.plan.plan import Plan, read_plan


def run(
    plan: Annotated[Path, typer.Argument(help="Plan to run.")],
    config: Annotated[Path | None, typer.Option(help="Laboratory to run it on.")] = None,
    output: Annotated[Path, typer.Option(help="Directory for the run file.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end.")] = False,
) -> None:
    """Acquire a plan into a run file.  Ctrl-C ends the run in the safe state, with a complete file."""
    summary = acquire(read_plan(plan), config, output)
    if json:
        print_json(
            {
                "run_file": str(summary.path) if summary.path else None,
                "ending": summary.ending,
                "reason": summary.reason,
                "shots": {"fired": summary.fired, "recorded": summary.recorded, "lost": summary.lost},
            }
        )
    elif summary.path is not None:
        counts = f"{summary.fired} shots fired = {summary.recorded} recorded + {summary.lost} lost"
        out.print(f"{summary.path}: {counts}", soft_wrap=True)
    if summary.ending is not Ending.COMPLETE or summary.unsafe:
        raise typer.Exit(1)


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
