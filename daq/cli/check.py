"""`clusterbeam check`: is every instrument there, and is it what the configuration says?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from daq.cli.console import err, out, print_json
from daq.cli.notified import warn_unnotified
from daq.engine.health import Health
from daq.laboratory import read_checked
from daq.visit import check as check_instruments


def check(
    config: Annotated[Path | None, typer.Option(help="Laboratory to check.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Connect to every instrument of a laboratory: identity, firmware, state, age of the answer, warnings."""
    warn_unnotified(read_checked(config)[0])
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
    """Plain facts first; `ok` is whether it answers as what the configuration says, `fit` whether a run may use it."""
    status, identity = health.status, health.identity
    return {
        "name": health.name,
        "role": health.role,
        "driver": health.driver,
        "spare": health.spare,
        "identity": None if identity is None else asdict(identity),
        "firmware": "" if identity is None else identity.firmware,
        "state": "" if status is None else status.state,
        "warnings": [] if status is None else list(status.warnings),
        "fit": status is not None and status.ok,
        "answer_s": round(health.answer_s, 3),
        "age_s": None if health.error else round(health.age_s(), 3),
        "ok": not health.error,
        "error": health.error,
    }


def _table(found: list[Health]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for column in ("", "instrument", "role", "driver", "identity", "firmware", "state", "age", "warnings"):
        table.add_column(column, no_wrap=column in ("", "age"))
    for health in found:
        name = f"{health.name} (spare)" if health.spare else health.name
        if health.identity is None or health.status is None:
            table.add_row(Text("✗", "red"), name, health.role, health.driver, "", "", "", "", health.error)
            continue
        who = health.identity
        identity = " ".join(part for part in (who.maker, who.model, who.serial) if part)
        mark = Text("✓", "green") if health.status.ok else Text("!", "yellow")
        age = f"{health.age_s():.1f} s"
        told = (who.firmware, health.status.state, age, "; ".join(health.status.warnings))
        table.add_row(mark, name, health.role, health.driver, identity, *told)
    return table
