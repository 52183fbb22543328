"""`clusterbeam replay`: recorded shots through the pipeline of a live run."""

from pathlib import Path
from typing import Annotated

import typer

from daq.analysis.follow import at_speed, follow
from daq.analysis.results import Results
from daq.cli.analyse import print_moments, titled
from daq.cli.console import err, print_json
from daq.cli.lacking import say_lacking
from daq.face.reduced import Moments, Published, Reduced
from daq.record.run_file import RunFileError
from daq.record.series import Series, last_path


def replay(
    file: Annotated[Path, typer.Argument(help="A run file; what it continues is replayed first.")],
    speed: Annotated[float, typer.Option(help="Times the rate at which it was recorded.", min=0.001)] = 1.0,
    as_fast_as_possible: Annotated[bool, typer.Option("--as-fast-as-possible", help="Do not wait between the bursts.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the moments as one JSON document.")] = False,
) -> None:
    """Replay a run: its blocks, as they were recorded, go through the same reduction as those of a live run, with the same
    result to the last bit.  A run that is still going on is followed to its end."""
    last: Published | None = None
    for last in follow(file, None if as_fast_as_possible else at_speed(speed)):
        if isinstance(last, Reduced):
            err.print(f"{last.shots} shots, {len(last.spectra)} fields, {len(last.profiles)} profiles", soft_wrap=True)
    assert isinstance(last, Moments)
    with Series(last_path(file)) as series:
        say_lacking(series)
    if last.reason:
        raise RunFileError(last.reason)
    if json:
        print_json({"run_file": str(file), "points": last.points})
        return
    for point in last.points:
        print_moments(Results.of(point), titled(file.name, point["conditions"]))
