"""Following a run file: a running one is reduced and published until it is closed, a finished one is replayed.

    python -P -m daq.analysis.follow FILE

is a process of its own beside a run, which it cannot hold up: it reads the file, lags if it must, and catches up.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from daq.analysis.live import SHOW_S, Live
from daq.face.reduced import Published
from daq.face.stream import put
from daq.record.run_file import RunFile, RunFileError
from daq.record.series import Series, next_path
from daq.reduce.reduction import Reduction

Sleep = Callable[[float], None]
Pace = Callable[[float, int], None]
"""Called before each burst with the laboratory time at which it was armed, and the shots looked at before it; may wait."""


def at_speed(speed: float, sleep: Sleep = time.sleep) -> Pace:
    """Bursts at `speed` times the rate at which they were armed; as they can be read for 0."""
    last_s, due = math.inf, time.monotonic()

    def wait(armed_s: float, shots: int) -> None:
        nonlocal last_s, due
        if speed:
            # A run that was continued began its time anew.
            due += max(0.0, armed_s - last_s) / speed
            last_s = armed_s
            sleep(max(0.0, due - time.monotonic()))

    return wait


def follow(
    path: Path, pace: Pace | None = None, sleep: Sleep = time.sleep, wanted: Callable[[int], bool] = lambda shots: False
) -> Iterator[Published]:
    """Messages of a run, what it continues and what continues it: at display rate, and where they are `wanted` after so many
    shots; then the final ones, the moments last.

    Bursts come at their `pace`, or as they can be read.  `RunFileError`.
    """
    with Series(path) as series:
        try:
            reduction, run_id = Reduction(series.last), series.parts[0].run_id
        except ValueError as error:
            raise RunFileError(f"{path} cannot be reduced: {error}") from None
        paths = [part.path for part in series.parts]
    live, newest = Live(run_id), path
    for part in _looks(paths, sleep):
        newest = part.path
        for shots in reduction.update(part, _paced(part, reduction, pace)):
            yield from live.meanwhile(part, reduction, shots, at_once=wanted(shots))
    with RunFile(newest) as run:
        yield from live.at_the_end(run, reduction)


def _looks(paths: list[Path], sleep: Sleep) -> Iterator[RunFile]:
    """Each file again and again until it is closed, oldest first, and those that the run goes on in meanwhile."""
    newest, waiting = paths[-1], list(paths)
    while waiting:
        for path in list(waiting):
            with RunFile(path) as run:
                yield run
                if run.status != "running":
                    waiting.remove(path)
        following = next_path(newest)
        if following.exists() and _stands(following, being_made=bool(waiting)):
            newest = following
            waiting.append(newest)
        elif waiting:
            sleep(SHOW_S)


def _stands(path: Path, being_made: bool) -> bool:
    """Whether a file can be read; one that is being made may not yet."""
    try:
        with RunFile(path):
            return True
    except RunFileError:
        if not being_made:
            raise
        return False


def _paced(run: RunFile, reduction: Reduction, pace: Pace | None) -> Callable[[int], None]:
    armed_s = run.bursts["armed_at"]
    return lambda burst: None if pace is None else pace(float(armed_s[burst]), reduction.shots)


def main() -> None:
    try:
        for message in follow(Path(sys.argv[1])):
            put(sys.stdout.buffer, message)
    except BrokenPipeError:
        # Nobody listens any more; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except RunFileError as error:
        sys.exit(f"clusterbeam reducer: {error}")


if __name__ == "__main__":
    main()
