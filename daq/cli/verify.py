"""`clusterbeam verify`: proves a run file complete."""

from pathlib import Path
from typing import Annotated

import typer

from daq.cli.console import err, out
from daq.record.series import Series
from daq.record.verify import PlanReport, Report, verify_plan
from daq.record.verify import verify as verify_run


def verify(files: Annotated[list[Path], typer.Argument(help="Run files; what they continue is verified with them.")]) -> None:
    """Check that every fired shot is recorded or declared lost, that every record reads back intact, and that no shot of the
    plan is missing or recorded twice."""
    complete = True
    looked_at: set[Path] = set()
    for path in files:
        with Series(path) as series:
            new = [part for part in series.parts if part.path not in looked_at]
            reports = [(part.path, verify_run(part)) for part in new]
            plan = verify_plan(series)
        looked_at |= {part for part, _ in reports}
        for part, report in reports:
            counts = f"{report.fired} fired = {report.recorded} recorded + {report.lost} lost"
            out.print(f"{part}: {counts}{_why(report)}", soft_wrap=True)
            complete = _complain(part, report.faults) and complete
        out.print(_of_the_plan(plan), soft_wrap=True)
        complete = _complain(path, plan.faults) and complete
    if not complete:
        raise typer.Exit(1)


def _complain(path: Path, faults: list[str]) -> bool:
    for fault in faults:
        err.print(f"clusterbeam: {path}: {fault}", soft_wrap=True, markup=False)
    return not faults


def _why(report: Report) -> str:
    causes = [f"{count} lost because {cause}" for cause, count in report.causes.items()]
    bad = [f"{count} bad because {reason}" for reason, count in report.bad.items()]
    return f" ({'; '.join(causes + bad)})" if causes or bad else ""


def _of_the_plan(plan: PlanReport) -> str:
    if plan.planned is None:
        return f"  of the plan, which ends when it knows enough: {plan.recorded} shots{'' if plan.faults else ', none twice'}"
    parts = [f"{plan.recorded} recorded once"]
    parts += [f"{plan.skipped} skipped"] if plan.skipped else []
    parts += [f"{plan.missing} to be taken"] if plan.missing else []
    return f"  of the plan's {plan.planned} shots: {', '.join(parts)}"
