"""Proof that a run file is complete: every fired shot is recorded or lost with a cause, and every record reads back."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from config.model import check_model
from daq.plan.plan import Plan
from daq.record.layout import BAD_SHOTS, CAUSES, Cause, ShotState
from daq.record.opening import RunFileError, called_damage
from daq.record.retold import differences
from daq.record.run_file import RunFile
from daq.record.series import Series


@dataclass
class Report:
    """What was found.  `faults` empty means: fired = recorded + lost, and all recorded shots were read back intact."""

    fired: int = 0
    recorded: int = 0
    lost: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    bad: dict[str, int] = field(default_factory=dict)
    """Recorded, but not to be used, by reason; a shot may have several."""
    status: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return not self.faults


def verify(run: RunFile) -> Report:
    """Check structure, ledger, tables and checksums of an open run file.  `RunFileError` if it is too damaged for that."""
    report = count_shots(run)
    with called_damage(run.path):
        _check_numbers(run, report)
        _check_bursts(run, report)
        _check_journal(run, report)
        _check_traces(run, report)
    return report


def sum_up(reports: list[Report]) -> Report:
    """The ledgers of several files as one."""
    total = Report(status=reports[-1].status)
    for report in reports:
        total.fired, total.recorded, total.lost = (
            total.fired + report.fired,
            total.recorded + report.recorded,
            total.lost + report.lost,
        )
        for mine, others in ((total.causes, report.causes), (total.bad, report.bad)):
            for reason, count in others.items():
                mine[reason] = mine.get(reason, 0) + count
        total.faults += report.faults
    return total


@dataclass
class PlanReport:
    """What became of the shots of a plan, over all files that it took."""

    planned: int | None = None
    """None where the plan ends when it knows enough."""
    recorded: int = 0
    skipped: int = 0
    missing: int = 0
    faults: list[str] = field(default_factory=list)


def verify_plan(series: Series) -> PlanReport:
    """Check that no shot of the plan is recorded twice, that none is missing if the plan was completed, and no file either.

    `RunFileError` for a file that is damaged.
    """
    with called_damage(series.last.path):
        return _verify_plan(series)


def _verify_plan(series: Series) -> PlanReport:
    recorded = np.sort(np.concatenate([part.planned[part.recorded] for part in series.parts]))
    report = PlanReport(recorded=len(recorded))
    if np.any(recorded < 0):
        report.faults.append("a recorded shot has no number in the plan")
    twice = int(np.count_nonzero(np.diff(recorded) == 0))
    if twice:
        report.faults.append(f"{twice} shots of the plan are recorded twice")
    expected, skipped = _expected(series)
    report.skipped = skipped
    report.planned = _planned(series)
    report.missing = int(np.count_nonzero(~np.isin(expected, recorded)))
    complete = series.last.status == "complete"
    if complete and report.missing:
        report.faults.append(f"the plan was completed, but {report.missing} of its shots are not recorded")
    if complete and report.planned is not None and len(expected) + skipped != report.planned:
        report.faults.append(f"the plan has {report.planned} shots, its steps only {len(expected) + skipped}")
    if report.planned is not None:
        report.missing = report.planned - report.recorded - report.skipped
    if series.lacking:
        report.faults.append(series.lacking)
    return report


def _expected(series: Series) -> tuple[NDArray[np.int64], int]:
    """Numbers in the plan of all shots of the steps that were begun, and how many belong to steps that were skipped."""
    wanted, skipped = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for part in series.parts:
        columns = part.step_columns
        for first, shots, left_out in zip(columns["planned_first"], columns["shots"], columns["skipped"], strict=False):
            (skipped if left_out else wanted).append(np.arange(first, first + shots))
    # A step that was interrupted stands in both files, in the second with what was left of it.
    numbers, without = np.unique(np.concatenate(wanted)), np.unique(np.concatenate(skipped))
    return np.setdiff1d(numbers, without), len(without)


def _planned(series: Series) -> int | None:
    if not series.last.plan:
        return None
    plan = check_model(series.last.plan, Plan, "plan")
    return None if plan.open_ended else plan.shots


def count_shots(run: RunFile) -> Report:
    """The ledger of an open run file, without reading its traces.  `RunFileError` for one that is damaged."""
    with called_damage(run.path):
        return _count_shots(run)


def _count_shots(run: RunFile) -> Report:
    report = Report(status=run.status)
    fired = _fired(run)
    states = run.states[:fired]
    armed_left = int(np.count_nonzero(states == int(ShotState.ARMED)))
    unacknowledged = int(np.count_nonzero(states[run.committed :] == int(ShotState.RECORDED)))
    report.fired = fired
    report.recorded = len(run.recorded)
    # Armed shots without a record, and records that were never acknowledged, are what a killed process leaves behind.
    report.lost = int(np.count_nonzero(states == int(ShotState.LOST))) + armed_left + unacknowledged
    report.causes = _causes(run, fired)
    tagged = run.bad[run.recorded]
    counts = {text: int(np.count_nonzero(tagged & bit.value)) for bit, text in BAD_SHOTS.items()}
    report.bad = {text: count for text, count in counts.items() if count}
    if armed_left + unacknowledged:
        killed = CAUSES[Cause.PROCESS_KILLED]
        report.causes[killed] = report.causes.get(killed, 0) + armed_left + unacknowledged
    return report


def _fired(run: RunFile) -> int:
    """Shots fired in all: the end of the last burst, as armed if the run was killed in it."""
    bursts = run.bursts
    if len(bursts["first_shot"]) == 0:
        return 0
    last = -1
    fired = bursts["fired"][last] if bursts["fired"][last] >= 0 else bursts["armed"][last]
    return int(bursts["first_shot"][last] + fired)


def _causes(run: RunFile, fired: int) -> dict[str, int]:
    lost = run.causes[:fired][run.states[:fired] == int(ShotState.LOST)]
    kinds, counts = np.unique(lost, return_counts=True)
    return {CAUSES[Cause(int(kind))]: int(count) for kind, count in zip(kinds, counts, strict=True)}


def _check_numbers(run: RunFile, report: Report) -> None:
    fired = report.fired
    if report.recorded + report.lost != fired:
        report.faults.append(f"fired {fired} shots, but {report.recorded} recorded + {report.lost} lost")
    if len(run.states) < fired:
        report.faults.append(f"the shot table ends at {len(run.states)}, the last burst at {fired}")
    lost = run.states[:fired] == int(ShotState.LOST)
    if np.any(run.causes[:fired][lost] == int(Cause.NONE)):
        report.faults.append("a lost shot has no cause")
    if np.any(run.states[fired:] == int(ShotState.RECORDED)):
        report.faults.append("a shot is recorded beyond the last burst")


def _check_bursts(run: RunFile, report: Report) -> None:
    """Bursts follow each other without gap or overlap, and each one's counts, number and step are those of its shots."""
    bursts = run.bursts
    names = ("first_shot", "fired", "recorded", "lost", "step")
    for burst, (first, fired, recorded, lost, step) in enumerate(zip(*(bursts[name].tolist() for name in names), strict=True)):
        if fired < 0 or (run.status == "running" and first + fired > run.committed):
            continue
        shots = slice(first, first + fired)
        states = run.states[shots]
        counted = (np.count_nonzero(states == int(ShotState.RECORDED)), np.count_nonzero(states == int(ShotState.LOST)))
        if counted != (recorded, lost) or recorded + lost != fired:
            says = f"{counted[0]} recorded, {counted[1]} lost"
            report.faults.append(f"burst {burst}: {fired} fired, {recorded} recorded, {lost} lost, but its shots say {says}")
        if np.any(run.shot_bursts[shots] != burst) or np.any(run.shot_steps[shots] != step):
            report.faults.append(f"burst {burst} has shots that name another burst, or another step than {step}")
        if burst + 1 < len(bursts["first_shot"]) and bursts["first_shot"][burst + 1] != first + fired:
            report.faults.append(f"burst {burst + 1} does not start where burst {burst} ended")


def _check_journal(run: RunFile, report: Report) -> None:
    """All tables, texts and settings are what the writer was told.  Of a running file the tables come later."""
    if run.status != "running" and (unlike := differences(run.file)):
        advice = "`clusterbeam recover` makes a file of what the journal tells"
        report.faults.append(f"it is not what its journal tells: {', '.join(unlike)}; {advice}")


def _check_traces(run: RunFile, report: Report) -> None:
    """Read every recorded trace, and compare its checksum with that of what was received."""
    written = run.traces.id.get_num_chunks()
    if written < report.recorded:
        report.faults.append(f"{report.recorded} shots are recorded, but only {written} traces are in the file")
    for numbers in run.groups():
        try:
            run.block(numbers)
        except RunFileError as error:
            report.faults.append(str(error).removeprefix(f"{run.path}: "))
