"""A run and the runs that it continues, oldest first: one plan in several files."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from daq.record.run_file import RunFile, RunFileError

PART = "-part-"


def part_path(first: Path, number: int) -> Path:
    """Where the part of a run with this number is put, from 2 on, beside the first."""
    return first.with_name(f"{first.stem}{PART}{number}{first.suffix}")


def next_path(path: Path) -> Path:
    """Where a run goes on when this file has reached its size."""
    first, mark, number = path.stem.rpartition(PART)
    if mark and number.isdigit():
        return part_path(path.with_stem(first), int(number) + 1)
    return part_path(path, 2)


class Series:
    """The open files of one plan.  `path` is the newest; each names the one before it, which lies beside it."""

    def __init__(self, path: Path) -> None:
        self._open = ExitStack()
        parts: list[RunFile] = []
        try:
            while True:
                part = self._open.enter_context(RunFile(path))
                if parts and part.run_id != parts[0].continues_id:
                    raise RunFileError(f"{parts[0].path} continues another run than {path}; put the right file there")
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
