"""`clusterbeam reproduce`: the paper's table and figures from an empty directory, on a simulated laboratory."""

import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.errors import ConfigurationError
from config.laboratory import InstrumentConfiguration, read_laboratory
from config.laboratory import Laboratory as LaboratoryConfiguration
from config.writing import write_toml
from daq.cli.console import err, out
from daq.cli.run import acquire
from daq.cli.simulate import simulation_options
from daq.cli.simulation import SimulationError, simulated_laboratory, simulated_truth
from daq.engine.forecast import check_output
from daq.engine.state import Ending
from daq.laboratory import Laboratory
from daq.reproduce.course import Stopped, go_through
from daq.reproduce.parts import PARTS, Part
from daq.reproduce.report import report
from daq.reproduce.truth import held_against

SPEED = 40.0
"""Laboratory seconds per second; what waits for settling and ramps becomes short, shots are what the simulation can draw."""
SEEDS_APART = 1000
"""Each part has dice of its own, so that no two runs see the same ions."""


def reproduce(
    directory: Annotated[Path, typer.Argument(help="Where everything goes; runs that are there are not taken again.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 1,
    truth: Annotated[Path | None, typer.Option(help="TOML file that replaces what the simulated machine carries.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A small part of the shots, to see that it works.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this part; may be given again.")] = None,
) -> None:
    """Reproduce the paper on a simulated laboratory: calibrate, take all runs, write table, figures and a page that compares.

    What fails is said and the rest goes on; exit status 1 then.  The same command goes on where it was interrupted.
    """
    parts = _chosen(only or [])
    options = simulation_options(None, None, truth, seed, None)
    true = simulated_truth(options)
    check_output(directory)
    _keep_to(directory / "settings.json", {"seed": seed, "truth": true})

    def take(part: Part, plan: Path, calibrations: Path, into: Path) -> Path:
        return _take(part, plan, calibrations, into, truth, SEEDS_APART * seed + PARTS.index(part))

    try:
        found = go_through(parts, directory, take, lambda text: err.print(text, soft_wrap=True), quick=quick)
    except Stopped as error:
        err.print(f"clusterbeam: {error}; the same command goes on", soft_wrap=True)
        raise typer.Exit(1) from None
    insertion_s = read_laboratory()[0].timing.lines["ionisation"].insertion_delay_s
    about = {"seed": seed, "quick": quick, "made": datetime.now(UTC).date().isoformat()}
    said = (
        f"Taken on a simulated laboratory (seed {seed}{', quick' if quick else ''}), {about['made']}. Its beam carries what "
        "the paper found, so agreement says that calibrations, runs and analysis bring it back, not that clusters were asked "
        "again."
    )
    page = report(found, held_against(found, true, insertion_s), directory, about, said)
    for name, why in found.failures.items():
        err.print(f"clusterbeam: {name} failed: {why}", soft_wrap=True)
    out.print(f"{page}", soft_wrap=True)
    if found.failures:
        raise typer.Exit(1)


def _chosen(only: Sequence[str]) -> list[Part]:
    names = [part.name for part in PARTS]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise ConfigurationError(f"there is no part {', '.join(map(repr, unknown))}; there are {', '.join(names)}")
    return [part for part in PARTS if not only or part.name in only]


def _keep_to(path: Path, settings: dict[str, object]) -> None:
    """A directory belongs to one seed and one truth."""
    if path.exists():
        try:
            begun = json.loads(path.read_bytes())
        except (OSError, ValueError):
            raise ConfigurationError(
                f"{path} cannot be read, so that this cannot be gone on with; give another directory"
            ) from None
        if begun != settings:
            raise ConfigurationError(
                f"{path.parent} was begun with another seed or truth; give those again, or another directory"
            )
        return
    path.write_text(json.dumps(settings), "utf-8")


def _take(part: Part, plan: Path, calibrations: Path, into: Path, truth: Path | None, seed: int) -> Path:
    """One run on a simulated laboratory that is set up for it."""
    with tempfile.TemporaryDirectory(prefix="clusterbeam-") as scratch:
        config, real = Path(scratch) / "base.toml", Path(scratch) / "laboratory.toml"
        table = _laboratory(calibrations).model_dump(exclude_none=True)
        write_toml(config, table, "The laboratory in which the paper is reproduced.")
        mounted = ["--rod", part.setup.rod, "--focus", part.setup.focus, "--nozzle", part.setup.nozzle]
        with simulated_laboratory([*simulation_options(config, real, truth, seed, SPEED), *mounted]):
            note = f"rod {part.setup.rod}, {part.setup.focus} focus, {part.setup.nozzle} nozzle"
            laboratory = Laboratory(real)
            summary = acquire(laboratory, laboratory.plan(plan), into, [note])
    if summary.ending is Ending.STOPPED:
        raise Stopped(f"{part.title} was stopped: {summary.reason}")
    if summary.path is None or summary.ending is not Ending.COMPLETE:
        raise SimulationError(f"the run has failed: {summary.reason}")
    return summary.path


def _laboratory(calibrations: Path) -> LaboratoryConfiguration:
    """The one that ships with the program and a stage for the ionising focus, which the calibrations need."""
    shipped, _ = read_laboratory()
    stage = InstrumentConfiguration(
        role="stage", driver="newport_esp301", address="TCPIP::127.0.0.1::5040::SOCKET", options={"axes": 1}
    )
    instruments = {**shipped.instruments, "stage": stage}
    # Its temperature controller takes seconds to tell all it knows.
    instruments["cold_head"] = instruments["cold_head"].model_copy(update={"snapshot": "polled"})
    return shipped.model_copy(update={"calibrations": str(calibrations.resolve()), "instruments": instruments})
