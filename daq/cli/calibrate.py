"""`clusterbeam calibrate`: calibrations from recorded runs, into a versioned file."""

import shutil
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from config.calibration import Calibrations
from config.model import read_model
from config.writing import write_toml
from daq.analysis.calibrate import MAKERS, CannotCalibrate, Made, Row
from daq.cli.console import out
from daq.cli.lacking import say_lacking
from daq.record.run_file import RunFileError
from daq.record.series import Series


class Kind(StrEnum):
    """What can be calibrated."""

    MASS = "mass"
    FIELD = "field"
    CHOPPER = "chopper"
    POSITION = "position"
    GRADIENT = "gradient"


def calibrate(
    kind: Annotated[Kind, typer.Argument(help="What to calibrate.")],
    files: Annotated[list[Path], typer.Argument(help="Run files; several are used together.")],
    into: Annotated[Path | None, typer.Option(help="Calibration file to put the new version into.")] = None,
) -> None:
    """Make a calibration from recorded runs, beside the one the run was taken with."""
    with ExitStack() as stack:
        runs = [stack.enter_context(Series(path)) for path in files]
        for run in runs:
            say_lacking(run)
        base = read_model(into, Calibrations) if into is not None and into.exists() else runs[0].last.calibrations
        try:
            made = MAKERS[kind](runs)
        except CannotCalibrate as error:
            named = ", ".join(str(path) for path in files)
            raise RunFileError(f"{named} cannot give the {kind} calibration: {error}") from None
    print_calibration(made, f"{kind}, from {', '.join(path.name for path in files)}")
    for sentence in made.said_of(base):
        out.print(f"  {sentence}", soft_wrap=True, markup=False)
    if into is not None:
        out.print(f"version {write(made, base, into, f'{kind} from {files[-1].name}')} is in {into}", soft_wrap=True)


def print_calibration(made: Made, title: str) -> None:
    """What was measured beside the calibration in the run file, and what is to be said of it."""
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("", "measured", "stat.", "syst.", "in the run file", "unit", "differ by"):
        shown.add_column(heading, justify="left" if heading in ("", "unit") else "right")
    for row in made.rows:
        shown.add_row(*_cells(row))
    out.print(shown)
    for note in made.notes:
        out.print(f"  {note}", soft_wrap=True, markup=False)


def write(made: Made, base: Calibrations, into: Path, how: str) -> str:
    """Put what was measured into a file as its next version, which is returned; the version before stays beside it."""
    version = str(int(base.version) + 1) if base.version.isdecimal() else f"{base.version}.1"
    today = datetime.now(UTC).date().isoformat()
    calibrations = made.applied(base).model_copy(update={"version": version, "made": f"{today}, {how}"})
    if into.exists():
        shutil.copy2(into, into.with_stem(f"{into.stem}-version-{base.version}"))
    write_toml(into, calibrations.model_dump(exclude_none=True), f"Calibrations, made by clusterbeam calibrate: {how}.")
    return version


def _cells(row: Row) -> list[str]:
    found, old, scale = row.estimate, row.old, row.scale
    cells = [row.name, f"{scale * found.value:.7g}", f"{scale * found.statistical:.2g}", f"{scale * found.systematic:.2g}"]
    if old is None:
        return [*cells, "", row.unit, ""]
    both = (found.error**2 + old.uncertainty**2) ** 0.5
    differ = f"{(found.value - old.value) / both:+.1f} σ" if both > 0 else ""
    return [*cells, f"{scale * old.value:.7g} ± {scale * old.uncertainty:.2g}", row.unit, differ]
