"""`clusterbeam`: its commands, and the exit status of failures: 1 the run or check failed, 2 wrong usage or configuration.

A command is imported when it is called: the safe order does not wait for what draws figures.
"""

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = (
    "demo",
    "simulate",
    "check",
    "talk",
    "plan",
    "run",
    "safe",
    "calibrate",
    "analyse",
    "spectrum",
    "relaxation",
    "reproduce",
    "verify",
    "recover",
    "log",
    "replay",
    "serve",
    "gui",
)
"""Each is a function in a module of `daq.cli`, both of this name."""
INTERRUPTED = 130
"""Exit status that shells know for Ctrl-C."""


class Commands(TyperGroup):
    """The commands by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name)(getattr(import_module(f"daq.cli.{cmd_name}"), cmd_name))
        return typer.main.get_command(alone)


program = typer.Typer(
    name="clusterbeam", cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@program.callback()
def clusterbeam() -> None:
    """Control, recording and analysis of magnetic-deflection experiments on gas-phase atomic clusters."""


def main() -> None:
    """Entry point of the program."""
    try:
        program()
    except KeyboardInterrupt:
        # A command that has begun ends in its own way; this came while it was imported.
        sys.exit(INTERRUPTED)
    except Exception as error:
        from daq.cli.failures import status_of

        if (status := status_of(error)) is None:
            raise
        from daq.cli.console import err

        err.print(f"clusterbeam: {error}", soft_wrap=True, markup=False)
        sys.exit(status)
