"""`clusterbeam verify`: proves a run file complete."""

from pathlib import Path
from typing import Annotated

import typer

from daq.cli.console import err, out
from daq.record.run_file import RunFileError
from daq.record.series import Series, newest
from daq.record.verify import PlanReport, Report, verify_plan
from daq.record.verify import verify as verify_run


def verify(files: Annotated[list[Path], typer.Argument(help="Run files; what they continue is verified with them.")]) -> None:
    """Check that every fired shot is recorded or declared lost, that every record reads back intact, and that no shot of the
    plan is missing or recorded twice."""
    looked_at: set[Path] = set()
    whole = [_look_at(path, looked_at) for path in newest(files)]
    if not all(whole):
        raise typer.Exit(1)


def _look_at(path: Path, looked_at: set[Path]) -> bool:
    """Print what is found of a run in all its files; whether nothing is wrong with it."""
    try:
        with Series(path) as series:
            new = [part for part in series.parts if part.path not in looked_at]
            looked_at |= {part.path for part in new}
            whole = True
            for part in new:
                report = verify_run(part)
                counts = f"{report.fired} fired = {report.recorded} recorded + {report.lost} lost"
                out.print(f"{part.path}: {counts}{_why(report)}", soft_wrap=True, markup=False)
                whole = _complain(part.path, report.faults) and whole
            plan = verify_plan(series)
            out.print(_of_the_plan(plan), soft_wrap=True, markup=False)
            return _complain(path, plan.faults) and whole
    except RunFileError as error:
        err.print(f"clusterbeam: {error}", soft_wrap=True, markup=False)
        return False


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
