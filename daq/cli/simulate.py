"""`clusterbeam simulate`: a simulated laboratory on the wire until interrupted."""

import signal
import subprocess
from pathlib import Path
from typing import Annotated, Literal

import typer

from daq.cli.simulation import START


def simulate(
    config: Annotated[Path | None, typer.Option(help="Laboratory whose instruments are simulated.")] = None,
    write_config: Annotated[Path | None, typer.Option(help="Write the laboratory with its real addresses here.")] = None,
    truth: Annotated[Path | None, typer.Option(help="TOML file that replaces the truth, whole or in part.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 1,
    speed: Annotated[float | None, typer.Option(help="Laboratory seconds per second.")] = None,
    cold: Annotated[bool, typer.Option("--cold", help="Start with everything off, warm source, cold lasers.")] = False,
    serial: Annotated[bool, typer.Option("--serial", help="Serial instruments on pseudo-terminals.")] = False,
    faults: Annotated[Path | None, typer.Option(help="TOML file of faults and their times.")] = None,
    rod: Annotated[Literal["V", "Nb", "Ta", "Al"], typer.Option(help="Metal in the source.")] = "V",
    focus: Annotated[
        Literal["wide", "narrow"], typer.Option(help="Ionising light; narrow is on axis 1 of the stage.")
    ] = "wide",
    nozzle: Annotated[Literal["optimised", "other"], typer.Option(help="Nozzle of the source.")] = "optimised",
    transfer_MB_s: Annotated[float | None, typer.Option("--transfer-MB-s", help="How fast the digitizer's network is.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")] = False,
) -> None:
    """Run a simulated laboratory on the wire until interrupted."""
    options = simulation_options(config, write_config, truth, seed, speed)
    more = {"--faults": faults, "--rod": rod, "--focus": focus, "--nozzle": nozzle, "--transfer-MB-s": transfer_MB_s}
    options += [text for name, value in more.items() if value is not None for text in (name, str(value))]
    options += [flag for flag, wanted in (("--cold", cold), ("--serial", serial), ("--json", json)) if wanted]
    process = subprocess.Popen([*START, *options], stdin=subprocess.PIPE)
    # The terminal's Ctrl-C reaches the child as well, which ends in order; this process only waits for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
    raise typer.Exit(process.wait())


def simulation_options(
    config: Path | None, write_config: Path | None, truth: Path | None, seed: int, speed: float | None
) -> list[str]:
    """The options of the simulators' process."""
    given = {"--config": config, "--write-config": write_config, "--truth": truth, "--seed": seed, "--speed": speed}
    return [text for name, value in given.items() if value is not None for text in (name, str(value))]
