"""`clusterbeam verify`: proves a run file complete."""

from pathlib import Path
from typing import Annotated

import typer

from daq.cli.console import err, out
from daq.record.run_file import RunFile
from daq.record.verify import Report
from daq.record.verify import verify as verify_run


def verify(files: Annotated[list[Path], typer.Argument(help="Run files.")]) -> None:
    """Check that every fired shot is recorded or declared lost, and that every record reads back intact."""
    complete = True
    for path in files:
        with RunFile(path) as run:
            report = verify_run(run)
        counts = f"{report.fired} fired = {report.recorded} recorded + {report.lost} lost"
        out.print(f"{path}: {counts}{_why(report)}", soft_wrap=True)
        for fault in report.faults:
            err.print(f"clusterbeam: {path}: {fault}", soft_wrap=True, markup=False)
        complete = complete and report.complete
    if not complete:
        raise typer.Exit(1)


def _why(report: Report) -> str:
    causes = ", ".join(f"{count} because {cause}" for cause, count in report.causes.items())
    return f" ({causes})" if causes else ""
