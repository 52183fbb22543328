"""`clusterbeam plan`: what a plan would do, before any instrument is touched."""

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from daq.cli.console import duration, out, print_json
from daq.cli.drawing import check_figure, save_figure
from daq.engine.preview import preview
from daq.face.preview import Preview
from daq.laboratory import Laboratory
from daq.plan.plan import Plan


def plan(
    plan: Annotated[Path | None, typer.Argument(help="Plan to look at.")] = None,
    config: Annotated[Path | None, typer.Option(help="Laboratory that would run it.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the time line of a shot into this PNG, PDF or SVG file.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of plans instead.")] = False,
) -> None:
    """Check a plan, list its steps, show the time line of a shot, estimate duration, disk space and read-out losses."""
    if schema:
        print_json(Plan.model_json_schema())
        return
    if plan is None:
        raise typer.BadParameter("a plan is needed, or --schema")
    if figure is not None:
        check_figure(figure)
    laboratory = Laboratory(config)
    wanted = laboratory.plan(plan)
    shown = preview(laboratory.review(wanted))
    sizes = f": {shown.element}{shown.sizes[0]} to {shown.element}{shown.sizes[1]}"
    out.print(Text.assemble((shown.title, "bold"), sizes), soft_wrap=True)
    out.print(_steps(shown))
    out.print(_time_line(shown))
    for sentence in _sentences(wanted, shown, laboratory.configuration.clock.speed):
        out.print(sentence, soft_wrap=True)
    if figure is not None:
        save_figure(laboratory.time_line_figure(wanted), figure)
        out.print(f"The time line of a shot is drawn in {figure}.", soft_wrap=True)


def _steps(shown: Preview) -> Table:
    """The first steps, with the set points in which they differ."""
    title = f"The first {len(shown.steps)} steps" if shown.more_steps else "Steps"
    listed = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in shown.headings:
        listed.add_column(heading, justify="right" if heading else "left")
    for row in shown.steps:
        listed.add_row(*row)
    return listed


def _time_line(shown: Preview) -> Table:
    line = Table(title=f"A shot, every {1e3 * shown.period_s:g} ms", title_justify="left", box=SIMPLE_HEAD)
    for column in ("after T0 / ms", "event", "output", "jitter / ns"):
        line.add_column(column, justify="left" if column == "event" else "right")
    for event in shown.events:
        line.add_row(f"{event.time_s * 1e3:.4f}", event.name.replace("_", " "), event.output, f"{event.jitter_s * 1e9:g}")
    return line


def _sentences(plan: Plan, expected: Preview, speed: float) -> list[str]:
    took = duration(expected.duration_s)
    if speed != 1:
        took += f" of laboratory time, {duration(expected.duration_s / speed)} on the clock"
    at_most = "At most " if plan.open_ended else ""
    shots = f"{at_most}{plan.shots:,} shots at {_counted(plan.points, 'point')} in about {took}; "
    sentences = [f"{shots}about {expected.disk_bytes / 1e6:,.0f} MB on disk."]
    if plan.stop.standard_error_uB is not None:
        clusters = ", ".join(f"{plan.element}{size}" for size in plan.stop.clusters)
        sentences.append(f"A point is done when the moment of {clusters} is known to {plan.stop.standard_error_uB:g} µB.")
    if plan.stop.time_s is not None:
        sentences.append(f"No step begins after {duration(plan.stop.time_s)}.")
    readout = f"Reading out a burst takes {expected.readout_s * 1e3:.0f} ms"
    return [*sentences, f"{readout}; {expected.duty:.1%} of the shots fired in a step are recorded."]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
