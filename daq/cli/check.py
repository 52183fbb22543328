"""`clusterbeam check`: is every instrument there, and is it what the configuration says?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from daq.cli.console import err, out, print_json
from daq.laboratory import Health
from daq.laboratory import check as check_instruments


def check(
    config: Annotated[Path | None, typer.Option(help="Laboratory to check.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Connect to every instrument of a laboratory: identity, state, answer time."""
    found = check_instruments(config)
    if json:
        print_json({health.name: _document(health) for health in found})
    else:
        out.print(_table(found))
        for health in found:
            if health.error:
                err.print(f"clusterbeam: {health.name}: {health.error}", soft_wrap=True, markup=False)
    if any(health.error for health in found):
        raise typer.Exit(1)


def _document(health: Health) -> dict[str, Any]:
    document = asdict(health)
    document["ok"] = not health.error
    return document


def _table(found: list[Health]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for column in ("", "instrument", "role", "identity", "state"):
        table.add_column(column)
    for health in found:
        if health.identity is None or health.status is None:
            table.add_row("[red]✗[/]", health.name, health.role, "", "")
            continue
        who = health.identity
        identity = " ".join(part for part in (who.maker, who.model, who.serial, who.firmware) if part)
        state = "; ".join((health.status.state, *health.status.warnings))
        mark = "[green]✓[/]" if health.status.ok else "[yellow]![/]"
        table.add_row(mark, health.name, health.role, identity, state)
    return table
