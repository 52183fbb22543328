"""Going on with an interrupted plan: what earlier files hold, and whether the laboratory is still the one of then."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from config.calibration import Calibrations
from config.errors import ConfigurationError
from config.laboratory import Laboratory
from config.model import check_model
from daq.engine.followers import Follower
from daq.plan.expansion import Taken
from daq.plan.plan import Plan
from daq.record.journal import beginning
from daq.record.opening import called_damage, refuse_running
from daq.record.run_file import RunFile
from daq.record.series import Series
from daq.record.verify import verify_plan

SAME = ("timing", "mcp", "photodiode", "magnet")
"""Sections of a laboratory that decide what a shot means."""


@dataclass(frozen=True)
class Before:
    """What earlier files hold of a plan.  `taken` are the decisions that they stand for, `points` the shots per point."""

    file: str
    run_id: str
    planned_done: int
    taken: Taken
    points: Mapping[int, int]
    identities: Mapping[str, Mapping[str, str]]
    feed: Callable[[Follower], None]
    """Hands every good block of the earlier files to a follower, oldest first."""


def interrupted(path: Path) -> tuple[Plan, Before]:
    """The plan of an interrupted run and what has been taken of it.

    `ConfigurationError` if there is nothing to resume, or another file goes on with it, `RunFileError` for a file that
    cannot be read or is still being written.
    """
    refuse_running(path)
    with Series(path) as series:
        last = series.last
        _refuse_continued(series)
        if last.status == "complete":
            raise ConfigurationError(f"{path} holds a complete run; there is nothing to resume")
        found = verify_plan(series)
        if found.faults:
            raise ConfigurationError.of(f"{path} cannot be resumed", found.faults)
        plan = check_model(last.plan, Plan, f"the plan in {path}")
        recorded = [part.planned[part.recorded] for part in series.parts]
        done = max([part.planned_done for part in series.parts] + [int(one.max()) + 1 for one in recorded if len(one)])
        before = Before(
            path.name, last.run_id, max(done, _skipped_to(series, done)), _taken(series), _points(series), last.identities,
            lambda follower: _feed(path, follower),
        )  # fmt: skip
    return plan, before


def _refuse_continued(series: Series) -> None:
    """Whoever went on from an older file would take the shots of the newer ones again."""
    path, run_id = series.last.path, series.last.run_id
    if series.lacking:
        raise ConfigurationError(f"{path} cannot be resumed: {series.lacking}")
    for other in sorted(path.parent.glob("*.h5")):
        with suppress(OSError):
            begun = beginning(other) if other.is_file() else None
            if begun is not None and begun.continues_file and begun.continues_id == run_id:
                raise ConfigurationError(f"{path} goes on in {other.name}; give the newest file")


def check_laboratory(path: Path, laboratory: Laboratory, calibrations: Calibrations) -> None:
    """`ConfigurationError` with everything in which the laboratory differs from the one that a run was taken in."""
    with RunFile(path) as run:
        recorded, recorded_calibrations = run.laboratory, run.calibrations
    with called_damage(path):
        known = recorded["instruments"]
    now = laboratory.model_dump(mode="json")
    faults = [f"[{name}] has changed since; put it back" for name in SAME if recorded.get(name) != now.get(name)]
    for name, instrument in now["instruments"].items():
        before = known.get(name)
        if before is None:
            faults.append(f"instrument {name!r} is new; mark it as spare")
        else:
            parts = [part for part in ("role", "driver", "options", "spare") if before[part] != instrument[part]]
            faults += [f"{part} of instrument {name!r} is {instrument[part]!r}, it was {before[part]!r}" for part in parts]
    faults += [f"instrument {name!r} is missing" for name in known if name not in now["instruments"]]
    if recorded_calibrations != calibrations:
        faults.append(f"the calibrations are {calibrations.version!r}, they were {recorded_calibrations.version!r}")
    if faults:
        raise ConfigurationError.of(f"the laboratory is not as it was when {path.name} was taken", faults)


def identity_faults(before: Before, identities: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Instruments that are others than those of the interrupted run."""
    return [
        f"{name} is {_words(identities[name])}, it was {_words(known)}"
        for name, known in before.identities.items()
        if name in identities and dict(identities[name]) != dict(known)
    ]


def _words(identity: Mapping[str, str]) -> str:
    return " ".join(identity[part] for part in ("maker", "model", "serial") if identity.get(part))


def _taken(series: Series) -> dict[tuple[int, int, int], int]:
    taken: dict[tuple[int, int, int], int] = {}
    for part in series.parts:
        columns = part.step_columns
        for row in range(len(part.steps)):
            if not columns["background"][row]:
                place = tuple(int(columns[name][row]) for name in ("round", "point", "cycle"))
                # The last step of a plan may be cut by its limit of shots; the others of its cycle tell the decision.
                taken[place] = max(taken.get(place, 0), int(columns["shots"][row]))  # type: ignore[index, arg-type]
    return taken


def _points(series: Series) -> dict[int, int]:
    shots: dict[int, int] = {}
    for part in series.parts:
        rows = part.shot_steps[part.recorded]
        for row in set(rows.tolist()):
            step = part.steps[row]
            if not step.background:
                shots[step.point] = shots.get(step.point, 0) + int((rows == row).sum())
    return shots


def _skipped_to(series: Series, done: int) -> int:
    """Steps that were skipped right after what is recorded stay skipped."""
    columns = series.last.step_columns
    ends = [
        int(first + shots)
        for first, shots, skipped in zip(columns["planned_first"], columns["shots"], columns["skipped"], strict=False)
        if skipped and first <= done
    ]
    return max(ends, default=done)


def _feed(path: Path, follower: Follower) -> None:
    """Steps of earlier files get negative numbers, so that they are not taken for those of the run that goes on."""
    row = -1
    with Series(path) as series:
        for part in series.parts:
            numbers = {step.index: row - step.index for step in part.steps}
            for block in part.blocks(good=True):
                number = numbers[block.step]
                follower(replace(part.steps[block.step], index=number), replace(block, step=number))
            row -= len(part.steps)
