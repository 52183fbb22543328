"""`clusterbeam analyse`: moments from recorded runs."""

import csv as csv_format
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.progress import Progress
from rich.table import Table

from daq.analysis import HEADINGS, Results, moments_figure, table
from daq.cli.console import err, out, print_json
from daq.laboratory import analyse_run
from daq.record.run_file import RunFile
from daq.record.verify import Report, count_shots
from daq.reduce import Profiles


def analyse(
    files: Annotated[list[Path], typer.Argument(help="Run files.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the clusters as comma-separated values.")] = False,
    figure: Annotated[Path | None, typer.Option(help="Draw the figure into this PNG, PDF or SVG file.")] = None,
) -> None:
    """Magnetic moments of all clusters of a run, with their errors."""
    documents = []
    for path in files:
        results, profiles, shots = analyse_file(path)
        documents.append(document(path, results, shots))
        if figure is not None:
            target = figure if len(files) == 1 else figure.with_stem(f"{figure.stem}-{path.stem}")
            draw(results, profiles, path, target)
        if csv:
            print_csv(results)
        elif not json:
            print_moments(results, path.name)
    if json:
        print_json(documents[0] if len(documents) == 1 else {"runs": documents})


def analyse_file(path: Path) -> tuple[Results, Profiles, Report]:
    """Reduce and analyse one run file, with a progress bar on stderr."""
    with RunFile(path) as run, Progress(console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task(f"reducing {path.name}", total=len(run.recorded))
        results, profiles = analyse_run(run, lambda shots: bar.update(task, completed=shots))
        return results, profiles, count_shots(run)


def document(path: Path, results: Results, shots: Report) -> dict[str, Any]:
    """The JSON document of one run."""
    counts = {"fired": shots.fired, "recorded": shots.recorded, "lost": shots.lost}
    return {"run_file": str(path), **results.document(), "shots": counts}


def draw(results: Results, profiles: Profiles, run_file: Path, target: Path) -> None:
    """The figure in the style of the paper's, named after its run."""
    moments_figure(results, profiles, run_file.stem).savefig(target)


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
    for cluster in results.clusters:
        if cluster.note:
            out.print(f"  {results.element}{cluster.size}: {cluster.note}", soft_wrap=True, markup=False)


def print_csv(results: Results) -> None:
    """The clusters of the JSON document as CSV."""
    clusters = results.document()["clusters"]
    writer = csv_format.DictWriter(sys.stdout, fieldnames=list(clusters[0]) if clusters else [])
    writer.writeheader()
    writer.writerows(clusters)
