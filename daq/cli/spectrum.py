"""`clusterbeam spectrum`: the peaks of a run's mean spectrum at zero field, named."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.progress import Progress
from rich.table import Table

from daq.analysis import columns
from daq.analysis.contamination import Contamination, contaminations
from daq.analysis.parallel import executor
from daq.analysis.runs import reduce_run
from daq.analysis.spectrum import MassSpectrum, mass_spectrum
from daq.analysis.spectrum_figure import spectrum_figure
from daq.cli.console import err, one_format, out, print_json
from daq.cli.drawing import check_figure, save_figure
from daq.cli.lacking import say_lacking
from daq.record.run_file import RunFileError
from daq.record.series import Series


def spectrum(
    file: Annotated[Path, typer.Argument(help="Run file.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print all peaks as comma-separated values.")] = False,
    figure: Annotated[Path | None, typer.Option(help="Draw the spectrum into this PNG, PDF or SVG file.")] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes that reduce; 0: one per core for many shots.")] = 0,
) -> None:
    """Clusters, their hydrides and oxides, doubly charged ones and isotopologues in a run, and what they contaminate."""
    one_format(json, csv)
    if figure is not None:
        check_figure(figure)
    labelled, others = labelled_spectrum(file, jobs)
    if figure is not None:
        save_figure(spectrum_figure(labelled, file.stem), figure)
    if json:
        said = [one.sentence for one in others if one.significant]
        print_json({"run_file": str(file), "element": labelled.element, "peaks": labelled.document(), "contaminations": said})
    elif csv:
        columns.write(sys.stdout, labelled.document())
    else:
        out.print(_table(labelled, file.name))
        for one in others:
            if one.significant:
                out.print(f"  {one.cluster}: {one.sentence}", soft_wrap=True, markup=False)


def labelled_spectrum(file: Path, jobs: int = 0) -> tuple[MassSpectrum, tuple[Contamination, ...]]:
    """The spectrum of a run with what it continues, and what is in its clusters' windows; `RunFileError` if it shows none."""
    with Series(file) as series, Progress(console=err, disable=not err.is_terminal, transient=True) as bar:
        say_lacking(series)
        total, calibrations = sum(len(part.recorded) for part in series.parts), series.last.calibrations
        task = bar.add_task(f"reducing {file.name}", total=total)
        try:
            with executor(total, jobs) as pool:
                profiles = reduce_run(series, lambda shots: bar.update(task, completed=shots), pool)
            found = mass_spectrum(profiles, calibrations)
        except ValueError as error:
            raise RunFileError(f"{file} shows no clusters: {error}") from None
        # The spectrum is that of all points; what a time means in µB is told at the velocity of the first.
        zero_T = min(profiles.fields_T, key=abs)
        first = min(sums.step.point for sums in profiles.steps if sums.shots and sums.step.field_set_T == zero_T)
        velocity_m_s = profiles.at_point(first).velocity_m_s(zero_T)
        return found, contaminations(found, velocity_m_s, calibrations.deflection.field_T, calibrations)


def _table(labelled: MassSpectrum, name: str) -> Table:
    shown = Table(title=f"Peaks at zero field in {name}", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("peak", "m/z / u", "flight time / µs", "area", "of its cluster's", "stat.", "syst."):
        shown.add_column(heading, justify="left" if heading == "peak" else "right")
    for line in labelled.lines:
        if not line.significant or line.kind == "isotopologue":
            continue
        numbers = f"{line.mass_u:.3f}", f"{1e6 * line.time_s:.4f}", f"{line.area.value:.1f} ± {line.area.error:.1f}"
        share = [""] * 3
        if line.kind != "bare":
            share = [f"{line.share.value:.2%}", f"{line.share.statistical:.2%}", f"{line.share.systematic:.2%}"]
        shown.add_row(line.name, *numbers, *share)
    return shown
