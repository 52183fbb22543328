"""`clusterbeam plan`: what a plan would do, before any instrument is touched."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from config.laboratory import read_laboratory
from daq.cli.console import duration, out, print_json
from daq.engine.review import review
from daq.plan.expansion import steps
from daq.plan.plan import Plan, read_plan


def plan(
    plan: Annotated[Path | None, typer.Argument(help="Plan to look at.")] = None,
    config: Annotated[Path | None, typer.Option(help="Laboratory that would run it.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of plans instead.")] = False,
) -> None:
    """Check a plan, list its steps, draw the time line of a shot, estimate duration and disk space."""
    if schema:
        print_json(Plan.model_json_schema())
        return
    if plan is None:
        raise typer.BadParameter("a plan is needed, or --schema")
    wanted = read_plan(plan)
    laboratory, calibrations = read_laboratory(config)
    reviewed = review(wanted, laboratory, calibrations)
    conditions, expected = wanted.conditions, reviewed.forecast
    out.print(
        f"[bold]{wanted.title}[/]: {wanted.element}{wanted.sizes[0]} to {wanted.element}{wanted.sizes[1]}, "
        f"{conditions.source_temperature_K:g} K, {conditions.helium_pressure_bar:g} bar, {conditions.velocity_m_s:g} m/s"
    )
    listed = Table(title="Steps", title_justify="left")
    for column in ("step", "field / T", "shots"):
        listed.add_column(column, justify="right")
    for step in steps(wanted):
        listed.add_row(str(step.index), f"{step.field_T:g}", str(step.shots))
    out.print(listed)
    line = Table(title=f"A shot, every {1e3 / reviewed.timing.rate_Hz:g} ms", title_justify="left")
    for column in ("after T0 / ms", "event", "output", "jitter / ns"):
        line.add_column(column, justify="right")
    for event in reviewed.timing.events:
        line.add_row(f"{event.time_s * 1e3:.4f}", event.name.replace("_", " "), event.output, f"{event.jitter_s * 1e9:g}")
    out.print(line)
    took = duration(expected.duration_s)
    if laboratory.clock.speed != 1:
        took += f" of laboratory time, {duration(expected.duration_s / laboratory.clock.speed)} on the clock"
    out.print(f"{wanted.shots} shots in about {took}; about {expected.disk_bytes / 1e6:.0f} MB on disk.")
