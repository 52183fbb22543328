"""`clusterbeam analyse`: moments from recorded runs."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.progress import Progress
from rich.table import Table

from config.errors import ConfigurationError
from daq.analysis import columns
from daq.analysis.figure import moments_figure
from daq.analysis.parallel import executor
from daq.analysis.results import Results
from daq.analysis.runs import PointResults, analyse_run
from daq.analysis.table import HEADINGS, described, notes, table
from daq.cli.console import err, one_format, out, print_json
from daq.cli.drawing import check_figure, save_figure
from daq.cli.lacking import say_lacking
from daq.plan.plan import SetPoint
from daq.record.series import Series
from daq.record.verify import Report, count_shots, sum_up
from daq.reduce import Profiles


def analyse(
    files: Annotated[list[Path], typer.Argument(help="Run files.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the clusters as comma-separated values.")] = False,
    figure: Annotated[Path | None, typer.Option(help="Draw the figure into this PNG, PDF or SVG file.")] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes that reduce; 0: one per core for many shots.")] = 0,
    scheduler: Annotated[str, typer.Option(help="Reduce on the dask cluster whose scheduler is at this host:port.")] = "",
) -> None:
    """Magnetic moments of all clusters of a run, with their errors."""
    one_format(json, csv)
    if figure is not None:
        check_figure(figure)
        _check_names(files)
    documents, rows = [], []
    for path in files:
        found, shots = analyse_file(path, jobs, scheduler)
        documents.append(document(path, found, shots))
        rows += [({"run_file": str(path), "point": one.point, **one.conditions}, one.results) for one in found]
        for place, point in enumerate(found):
            several = len(files) * len(found) > 1
            if figure is not None:
                target = figure.with_stem(f"{figure.stem}-{path.stem}-{place}") if several else figure
                draw(point.results, point.profiles, path, target)
            if not json and not csv:
                print_moments(point.results, titled(path.name, point.conditions))
    if json:
        print_json(documents[0] if len(documents) == 1 else {"runs": documents})
    elif csv:
        columns.write(sys.stdout, columns.rows(rows))


def _check_names(files: list[Path]) -> None:
    """`ConfigurationError` when the figures of two files would have one name."""
    named: dict[str, Path] = {}
    for path in files:
        other = named.setdefault(path.stem, path)
        if other is not path:
            raise ConfigurationError(
                f"--figure: the figures of {other} and {path} would have the same name; draw those of one of them at a time"
            )


def analyse_file(path: Path, jobs: int = 0, scheduler: str = "") -> tuple[list[PointResults], Report]:
    """Reduce and analyse a run with what it continues, with a progress bar on stderr."""
    with Series(path) as series, Progress(console=err, disable=not err.is_terminal, transient=True) as bar:
        say_lacking(series)
        total = sum(len(part.recorded) for part in series.parts)
        task = bar.add_task(f"reducing {path.name}", total=total)
        with executor(total, jobs, scheduler) as pool:
            found = analyse_run(series, lambda shots: bar.update(task, completed=shots), pool)
        return found, sum_up([count_shots(part) for part in series.parts])


def document(path: Path, found: list[PointResults], shots: Report) -> dict[str, Any]:
    """The JSON document of one run; the moments of a plan with several points stand under `points`."""
    counts = {"fired": shots.fired, "recorded": shots.recorded, "lost": shots.lost}
    if len(found) == 1:
        return {"run_file": str(path), **found[0].results.document(), "shots": counts}
    return {"run_file": str(path), "points": [point.document() for point in found], "shots": counts}


def titled(name: str, conditions: Mapping[str, SetPoint]) -> str:
    """A run file's name, with the conditions of one point of several."""
    return ", ".join(filter(None, (name, described(conditions))))


def draw(results: Results, profiles: Profiles, run_file: Path, target: Path) -> None:
    """The figure in the style of the paper's, named after its run."""
    save_figure(moments_figure(results, profiles, run_file.stem), target)


def moments_table(results: Results, title: str) -> Table:
    """The moments beside the paper's."""
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in HEADINGS:
        shown.add_column(heading, justify="left" if heading in ("cluster", "behaviour") else "right")
    for row in table(results):
        shown.add_row(*row)
    return shown


def print_moments(results: Results, title: str) -> None:
    """The table, and below it what is to be said of single clusters."""
    out.print(moments_table(results, title))
    for names, note in notes(results):
        out.print(f"  {names}: {note}", soft_wrap=True, markup=False)
