"""`clusterbeam safe`: every instrument to its safe state, now."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from daq.cli.console import out
from daq.visit import make_laboratory_safe


def safe(config: Annotated[Path | None, typer.Option(help="Laboratory to make safe.")] = None) -> None:
    """Bring every instrument that answers to its safe state, triggers first."""
    outcomes = make_laboratory_safe(config)
    for outcome in outcomes:
        mark = ("✓", "green") if outcome.confirmed else ("✗", "red")
        out.print(Text.assemble(mark, f" {outcome.instrument} ({outcome.role}): {outcome.detail}"))
    if not all(outcome.confirmed for outcome in outcomes):
        raise typer.Exit(1)
