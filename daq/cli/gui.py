"""`clusterbeam gui`: the operator's window, and a service for it if there is none."""

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Annotated, cast

import typer

from config.errors import ConfigurationError
from config.laboratory import read_laboratory
from config.places import state_directory
from daq.cli.console import err
from daq.cli.simulation import SimulationError
from daq.laboratory import RUNS
from daq.record.memory import own_session
from daq.service.errors import ServiceError
from daq.service.where import Where, read, where_is

PROGRAM = (sys.executable, "-P", "-m", "daq.cli")
WINDOW = (sys.executable, "-P", "-m", "gui")
END_SERVICE = 3
"""Exit status of a window whose operator wants the service ended as well."""
START_S, LOOK_S = 120.0, 0.1
Started = list["subprocess.Popen[bytes]"]
"""What goes on without the window, in the order in which it ends."""


def gui(
    where: Annotated[Path | None, typer.Option(help="File of a service, of this computer or another one.")] = None,
    config: Annotated[Path | None, typer.Option(help="Laboratory; a service is started if none runs.")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Start a simulated laboratory as well.")] = False,
    replay: Annotated[Path | None, typer.Option(help="Show a recorded run instead.")] = None,
    output: Annotated[Path, typer.Option(help="Directory for the run files of a service that is started.")] = RUNS,
) -> None:
    """Open the operator's window.  The service goes on when it is closed, unless the operator says otherwise."""
    if importlib.util.find_spec("PyQt6") is None:
        raise ConfigurationError("the window needs PyQt6 and pyqtgraph; pip install '.[gui]' where clusterbeam comes from")
    if (where is not None) + (replay is not None) + (config is not None or simulated) > 1:
        raise ConfigurationError("give one of --where, --replay, or a laboratory (--config, --simulated)")
    if replay is not None:
        raise typer.Exit(subprocess.call([*WINDOW, "--replay", str(replay)]))
    started: Started = []
    if where is None:
        where = _served(config, simulated, output, started)
    status = subprocess.call([*WINDOW, "--where", str(where), *(["--may-end"] if started else [])])
    if status == END_SERVICE:
        _end(started)
        return
    if started:
        ends = ", then ".join(f"`kill {process.pid}`" for process in started)
        err.print(f"the service goes on; `clusterbeam gui` opens another window, {ends} ends it", soft_wrap=True)
    raise typer.Exit(status)


def _served(config: Path | None, simulated: bool, output: Path, started: Started) -> Path:
    """Where the laboratory's service is, which is started if there is none."""
    laboratory = read_laboratory(config)[0]
    where = where_is(laboratory.name)
    try:
        found = read(where)
    except ServiceError:
        pass
    else:
        given = simulated or config is not None
        if given and found.simulated != (simulated or laboratory.control is not None):
            raise ServiceError(_another(found, simulated))
        return where
    try:
        if simulated:
            config = _simulate(config, started)
        _serve(config, output, where, started)
    except BaseException:
        _end(started)
        raise
    return where


def _another(found: Where, simulated: bool) -> str:
    """Why a service that runs is not the one that was asked for."""
    is_there, asked = ("a simulated", "the real") if found.simulated else ("the real", "a simulated")
    practise = "; or practise without --config, on the laboratory that ships with the program" if simulated else ""
    return (
        f"a service of {found.laboratory!r} runs already (process {found.pid} on {found.host}), on {is_there} machine, and "
        f"{asked} one is asked for; end it first (`kill {found.pid}`), or open a window of it with `--where`{practise}"
    )


def _simulate(config: Path | None, started: Started) -> Path:
    """A simulated laboratory that outlives this process; its configuration with its real addresses."""
    real, log = state_directory("simulated") / "laboratory.toml", state_directory("logs") / "simulated.log"
    options = [] if config is None else ["--config", str(config)]
    with log.open("wb") as complaints:
        command = [*PROGRAM, "simulate", "--json", "--write-config", str(real), *options]
        simulation = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, **own_session()
        )
    started.append(simulation)
    ready = cast(IO[bytes], simulation.stdout)
    if not ready.readline():
        raise SimulationError(f"the simulated laboratory did not start: {_last_line(log)}")
    ready.close()
    return real


def _serve(config: Path | None, output: Path, where: Path, started: Started) -> None:
    """A service that outlives this process."""
    log = state_directory("logs") / "service.log"
    options = [] if config is None else ["--config", str(config.absolute())]
    with log.open("wb") as said:
        command = [*PROGRAM, "serve", *options, "--output", str(output)]
        service = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **own_session())
    started.insert(0, service)
    late = time.monotonic() + START_S
    while service.poll() is None and time.monotonic() < late:
        try:
            read(where)
            return
        except ServiceError:
            time.sleep(LOOK_S)
    raise ServiceError(f"the service did not start: {_last_line(log)}")


def _end(started: Started) -> None:
    """The service first, which brings its laboratory to rest."""
    for process in started:
        process.terminate()
        process.wait()


def _last_line(log: Path) -> str:
    said = log.read_text(errors="replace").strip().splitlines()
    return said[-1].removeprefix("clusterbeam: ") if said else f"it said nothing in {log}"
