"""`clusterbeam demo`: a simulated laboratory, a real plan on it, and the moments that come out."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from daq.cli.analyse import analyse_file, document, draw, print_moments
from daq.cli.console import err, out, print_json
from daq.cli.run import acquire
from daq.cli.simulate import simulation_options
from daq.cli.simulation import simulated_laboratory
from daq.engine.forecast import check_output
from daq.engine.state import Ending
from daq.laboratory import Laboratory

PLAN = Path("vanadium-25K")


def demo(
    truth: Annotated[Path | None, typer.Option(help="TOML file that replaces what the simulated beam carries.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 1,
    output: Annotated[Path, typer.Option(help="Directory for run file and figure.")] = Path("demo"),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document, last on stdout.")] = False,
) -> None:
    """Run vanadium at 25 K on a simulated laboratory and print the magnetic moments."""
    with tempfile.TemporaryDirectory(prefix="clusterbeam-") as scratch:
        config = Path(scratch) / "laboratory.toml"
        with simulated_laboratory(simulation_options(None, config, truth, seed, None)) as instruments:
            err.print(f"A simulated laboratory of {len(instruments)} instruments answers on this machine.")
            check_output(output)
            laboratory = Laboratory(config)
            summary = acquire(laboratory, laboratory.plan(PLAN), output)
    if summary.path is None or summary.ending is not Ending.COMPLETE:
        raise typer.Exit(1)
    (found,), shots = analyse_file(summary.path)
    figure = summary.path.with_suffix(".png")
    draw(found.results, found.profiles, summary.path, figure)
    if json:
        print_json(document(summary.path, [found], shots))
        return
    print_moments(found.results, "Magnetic moments of vanadium clusters at 25 K, beside the paper's")
    out.print(f"{shots.fired} shots fired = {shots.recorded} recorded + {shots.lost} lost")
    out.print(f"run file  {summary.path}", soft_wrap=True)
    out.print(f"figure    {figure}", soft_wrap=True)
