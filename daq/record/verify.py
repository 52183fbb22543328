"""Proof that a run file is complete: every fired shot is recorded or lost with a cause, and every record reads back."""

from dataclasses import dataclass, field

import numpy as np

from daq.record.layout import CAUSES, Cause, ShotState
from daq.record.run_file import RunFile, RunFileError


@dataclass
class Report:
    """What was found.  `faults` empty means: fired = recorded + lost, and all recorded shots were read back intact."""

    fired: int = 0
    recorded: int = 0
    lost: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    status: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return not self.faults


def verify(run: RunFile) -> Report:
    """Check structure, ledger and checksums of an open run file."""
    report = count_shots(run)
    _check_numbers(run, report)
    _check_bursts(run, report)
    _check_traces(run, report)
    return report


def count_shots(run: RunFile) -> Report:
    """The ledger of an open run file, without reading its traces."""
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
    """Bursts follow each other without gap or overlap, and each one's counts agree with its shots."""
    bursts = run.bursts
    for burst, (first, fired, recorded, lost) in enumerate(
        zip(bursts["first_shot"], bursts["fired"], bursts["recorded"], bursts["lost"], strict=True)
    ):
        if fired < 0:
            continue
        states = run.states[first : first + fired]
        counted = (np.count_nonzero(states == int(ShotState.RECORDED)), np.count_nonzero(states == int(ShotState.LOST)))
        if counted != (recorded, lost) or recorded + lost != fired:
            report.faults.append(f"burst {burst}: {fired} fired, {recorded} recorded, {lost} lost, but the shots say {counted}")
        if burst + 1 < len(bursts["first_shot"]) and bursts["first_shot"][burst + 1] != first + fired:
            report.faults.append(f"burst {burst + 1} does not start where burst {burst} ended")


def _check_traces(run: RunFile, report: Report) -> None:
    """Read every recorded trace; HDF5 checks the checksum that was written with it."""
    written = run.traces.id.get_num_chunks()
    if written < report.recorded:
        report.faults.append(f"{report.recorded} shots are recorded, but only {written} traces are in the file")
    try:
        for _ in run.blocks():
            pass
    except RunFileError as error:
        report.faults.append(str(error))
