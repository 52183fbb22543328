"""`clusterbeam serve`: the engine as a service for windows, scripts and other computers."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Annotated

import typer

from daq.cli.console import out
from daq.cli.notified import warn_unnotified
from daq.control_room import ControlRoom
from daq.engine.forecast import check_output
from daq.laboratory import RUNS, Laboratory
from daq.service.server import Server
from daq.signals import ENDING


def serve(
    config: Annotated[Path | None, typer.Option(help="Laboratory to attend to.")] = None,
    output: Annotated[Path, typer.Option(help="Directory for the run files.")] = RUNS,
    bind: Annotated[
        str, typer.Option(help="Also listen for other computers, e.g. tcp://0.0.0.0:5599; their keys have to be allowed.")
    ] = "",
) -> None:
    """Open a laboratory and let windows and scripts use it, until Ctrl-C or SIGTERM; a run then ends in the safe state."""
    check_output(output)
    with (
        _until_ended() as ended,
        Laboratory(config) as laboratory,
        ControlRoom(laboratory, output) as room,
        Server(room, room.log, bind=bind) as server,
    ):
        out.print(f"{laboratory.configuration.name} is served; clients find it by {server.where}", soft_wrap=True)
        warn_unnotified(laboratory.configuration)
        ended.wait()


@contextmanager
def _until_ended() -> Iterator[Event]:
    """An event that is set by whatever ends a program."""
    ended = Event()

    def note(number: int, frame: FrameType | None) -> None:
        ended.set()

    before = {getattr(signal, name): signal.signal(getattr(signal, name), note) for name in ENDING if hasattr(signal, name)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
