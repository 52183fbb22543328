"""Following a run file: a running one is reduced and published until it is closed, a finished one is replayed.

    python -P -m daq.analysis.follow FILE

is a process of its own beside a run, which it cannot hold up: it reads the file, lags if it must, and catches up.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from daq.analysis.published import moments, put, reduced
from daq.analysis.runs import measured
from daq.face.reduced import Moments, Published
from daq.record.run_file import RunFile, RunFileError
from daq.record.series import Series, next_path
from daq.reduce.reduction import Reduction

SHOW_S = 0.25
"""Between two messages, and between two looks at a running file."""
Sleep = Callable[[float], None]


def follow(path: Path, speed: float = 0.0, sleep: Sleep = time.sleep) -> Iterator[Published]:
    """Messages of a run, what it continues and what continues it: sums at display rate, the final ones, and the moments.

    Bursts come at `speed` times the rate at which they were armed, or as they can be read for 0.  `RunFileError`.
    """
    with Series(path) as series:
        try:
            reduction, run_id = Reduction(series.last), series.parts[0].run_id
        except ValueError as error:
            raise RunFileError(f"{path} cannot be reduced: {error}") from None
        paths = [part.path for part in series.parts]
    shown = time.monotonic()
    newest = path
    for part in _looks(paths, sleep):
        newest = part.path
        for shots in reduction.update(part, _paced(part, speed, sleep)):
            if time.monotonic() - shown >= SHOW_S:
                yield reduced(run_id, shots, reduction.profiles())
                shown = time.monotonic()
    profiles = reduction.profiles()
    yield reduced(run_id, reduction.shots, profiles)
    with RunFile(newest) as run:
        try:
            yield moments(run_id, measured(run, profiles))
        except RunFileError as error:
            yield Moments(run_id, (), str(error))


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


def _paced(run: RunFile, speed: float, sleep: Sleep) -> Callable[[int], None]:
    """Waits for a burst as long as the machine did, divided by `speed`."""
    armed_s, began = run.bursts["armed_at"], time.monotonic()

    def wait(burst: int) -> None:
        if speed:
            due = began + (armed_s[burst] - armed_s[0]) / speed
            sleep(max(0.0, due - time.monotonic()))

    return wait


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
