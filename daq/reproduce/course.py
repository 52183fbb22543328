"""Going through the parts: a run that is there is used, another is taken; what fails is said, and the rest goes on."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from config.calibration import Calibrations
from config.laboratory import read_laboratory
from config.writing import write_toml
from daq.analysis.calibrate import MAKERS, Made
from daq.analysis.parallel import executor
from daq.analysis.runs import analyse_run
from daq.plan.plan import Plan
from daq.record.run_file import RunFileError
from daq.record.series import Series
from daq.reproduce.found import Calibrated, Found, Measured
from daq.reproduce.parts import Part

Take = Callable[[Part, Path, Path, Path], Path]
"""Takes a part by its plan's file, with a file of calibrations, into a directory; the run file."""
Say = Callable[[str], None]
SAME = 1e-9
"""Calibrations that differ by less, relative, are the same: fits end a last bit apart on other machines."""


class Stopped(Exception):
    """Somebody has stopped a run, and with it everything."""


def go_through(parts: Sequence[Part], directory: Path, take: Take, say: Say, *, quick: bool = False) -> Found:
    """Take, or find again in `directory`, all these parts in their order, each with the calibrations made before it.

    Only `Stopped` ends it early.
    """
    found = Found(read_laboratory()[1])
    for name in ("plans", "runs"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    for part in parts:
        try:
            _go(part, found, directory, take, say, quick)
        except Stopped:
            raise
        except Exception as error:  # whatever goes wrong with one part, the others are worth having
            found.failures[part.name] = sentence(error)
            say(f"{part.title}: FAILED: {found.failures[part.name]}")
    return found


def sentence(error: Exception) -> str:
    """What went wrong, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _go(part: Part, found: Found, directory: Path, take: Take, say: Say, quick: bool) -> None:
    plan_file, calibrations_file = directory / "plans" / f"{part.name}.toml", directory / "calibrations.toml"
    plan = part.write_plan(plan_file, quick=quick)
    _write(calibrations_file, found.calibrations)
    runs = directory / "runs" / part.name
    path = complete_run(runs, plan, found.calibrations)
    if path is None:
        say(f"{part.title}: {plan.shots} shots")
        path = take(part, plan_file, calibrations_file, runs)
    else:
        say(f"{part.title}: {path.name} is there")
    with Series(path) as series:
        if part.makes is None:
            found.measured[part.name] = _measured(part, series)
        else:
            _calibrate(part, series, found)
    _write(calibrations_file, found.calibrations)


def _write(path: Path, calibrations: Calibrations) -> None:
    write_toml(path, calibrations.model_dump(exclude_none=True), "Calibrations in force, the newest made here.")


def complete_run(directory: Path, plan: Plan, calibrations: Calibrations) -> Path | None:
    """The newest complete run of this plan, taken with these calibrations."""
    for path in sorted(directory.glob("*.h5"), reverse=True):
        try:
            with Series(path) as series:
                last = series.last
                same = Plan.model_validate(last.plan) == plan and _same(
                    last.calibrations.model_dump(), calibrations.model_dump()
                )
                if last.status == "complete" and same:
                    return path
        except RunFileError:
            continue
    return None


def _measured(part: Part, series: Series) -> Measured:
    with executor(sum(len(one.recorded) for one in series.parts)) as pool:
        points = analyse_run(series, pool=pool)
    if len(points) != 1:
        raise ValueError(f"{series.last.path.name} has {len(points)} points; a part of a reproduction has one")
    return Measured(part, series.last.path.stem, _shots(points[0].profiles), points[0].results)


def _calibrate(part: Part, series: Series, found: Found) -> None:
    assert part.makes is not None
    made = MAKERS[part.makes]([series])
    name = series.last.path.stem
    kept = _why_not(made)
    if not kept:
        version = str(int(found.calibrations.version) + 1)
        found.calibrations = made.applied(found.calibrations).model_copy(
            update={"version": version, "made": f"{part.makes} from {name}"}
        )
    found.calibrated[part.name] = Calibrated(part, name, _recorded(series), made, kept)


def _why_not(made: Made) -> str:
    """A calibration none of whose numbers is better known than before is not put in force."""
    compared = [(row.estimate.error, row.old.uncertainty) for row in made.rows if row.old is not None]
    if not compared or any(new <= old for new, old in compared):
        return ""
    return "known better before, so what was known stays in force"


def _shots(profiles: Any) -> dict[float, int]:
    return {field_T: profiles.shots(field_T) for field_T in profiles.fields_T}


def _recorded(series: Series) -> dict[float, int]:
    shots: dict[float, int] = {}
    for part in series.parts:
        for step in part.shot_steps[part.recorded].tolist():
            field_T = part.steps[step].field_set_T
            shots[field_T] = shots.get(field_T, 0) + 1
    return shots


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=SAME)
    return bool(one == other)
