"""`clusterbeam check`: is every instrument there, and is it what the configuration says?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from config.laboratory import read_laboratory
from daq.cli.console import out, print_json
from daq.laboratory import Health
from daq.laboratory import check as check_instruments


def check(
    config: Annotated[Path | None, typer.Option(help="Laboratory to check.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Connect to every instrument of a laboratory: identity, state, answer time."""
    laboratory, _ = read_laboratory(config)
    found = check_instruments(laboratory)
    if json:
        print_json({health.name: _document(health) for health in found})
    else:
        out.print(_table(laboratory.name, found))
    if any(health.error for health in found):
        raise typer.Exit(1)


def _document(health: Health) -> dict[str, Any]:
    document = asdict(health)
    document["ok"] = not health.error
    return document


def _table(title: str, found: list[Health]) -> Table:
    table = Table(title=f"Laboratory {title!r}", title_justify="left")
    for column in ("", "instrument", "role", "identity", "state", "answered in"):
        table.add_column(column, overflow="fold")
    for health in found:
        if health.error or health.identity is None or health.status is None:
            table.add_row("[red]✗[/]", health.name, health.role, "", f"[red]{health.error}[/]", "")
            continue
        who = health.identity
        identity = " ".join(part for part in (who.maker, who.model, who.serial, who.firmware) if part)
        state = "; ".join((health.status.state, *health.status.warnings))
        table.add_row("[green]✓[/]", health.name, health.role, identity, state, f"{health.answer_s * 1e3:.0f} ms")
    return table
