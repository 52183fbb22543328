"""A run and the runs that it continues, oldest first: one plan in several files."""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType

from daq.record.layout import EventKind
from daq.record.run_file import RunFile, RunFileError

PART = "-part-"
CONTINUED = "continued"
"""The status of a file whose run went on in another."""
GOING_ON = "going on in "
"""What the log of such a file says, with the other's name."""


def part_path(first: Path, number: int) -> Path:
    """Where the part of a run with this number is put, from 2 on, beside the first."""
    return first.with_name(f"{first.stem}{PART}{number}{first.suffix}")


def next_path(path: Path) -> Path:
    """Where a run goes on when this file has reached its size."""
    first, mark, number = path.stem.rpartition(PART)
    if mark and number.isdigit():
        return part_path(path.with_stem(first), int(number) + 1)
    return part_path(path, 2)


def last_path(path: Path) -> Path:
    """The last of the files beside this one in which its run goes on; itself if there is none."""
    while (following := next_path(path)).exists():
        path = following
    return path


class Series:
    """The open files of one plan.  `path` is the newest; each names the one before it, which lies beside it."""

    def __init__(self, path: Path) -> None:
        self._open = ExitStack()
        parts: list[RunFile] = []
        seen: set[str] = set()
        try:
            while True:
                part = self._open.enter_context(RunFile(path))
                if parts and part.run_id != parts[0].continues_id:
                    raise RunFileError(f"{parts[0].path} continues another run than {path}; put the right file there")
                if part.run_id in seen:
                    raise RunFileError(
                        f"{path} is damaged (it continues itself); `clusterbeam recover` saves what can be saved"
                    )
                seen.add(part.run_id)
                parts.insert(0, part)
                if not part.continues_file:
                    break
                before = path.with_name(part.continues_file)
                if not before.exists():
                    raise RunFileError(f"{path} continues {part.continues_file}, which does not lie beside it; put it there")
                path = before
        except BaseException:
            self._open.close()
            raise
        self.parts = tuple(parts)

    def __enter__(self) -> "Series":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    @property
    def last(self) -> RunFile:
        """The newest part."""
        return self.parts[-1]

    @property
    def lacking(self) -> str:
        """What is to be said when the newest part is not the end of its run: it went on in a file that was not given."""
        last = self.last
        said = [entry.text for entry in last.log() if entry.kind is EventKind.EVENT and entry.text.startswith(GOING_ON)]
        if not said and last.status != CONTINUED:
            return ""
        following = said[-1].removeprefix(GOING_ON) if said else next_path(last.path).name
        return f"the run goes on in {following}, which is left out; give the newest file"


def newest(files: Iterable[Path]) -> list[Path]:
    """Of files of runs those that no other of them goes on from, each once.  One that cannot be read is among them."""
    given = {path.resolve(): path for path in reversed(list(files))}
    before = cache(_before)
    continued: set[Path] = set()
    for place in given:
        older: set[Path] = set()
        one = before(place)
        while one is not None and one not in older:
            older.add(one)
            one = before(one)
        # What continues itself would leave itself out, and nobody would hear of it.
        if place not in older:
            continued |= older
    return [path for place, path in reversed(given.items()) if place not in continued]


def _before(path: Path) -> Path | None:
    try:
        with RunFile(path) as run:
            return path.with_name(run.continues_file).resolve() if run.continues_file else None
    except RunFileError:
        return None
