"""The laboratory's log: lines of text that outlive the program, in files that follow each other when they are full."""

import sys
from datetime import UTC, datetime
from logging import INFO, LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType


class RollingLog:
    """`NAME.log` in a directory that is made if need be, and `NAME.log.1`, the one before, to `NAME.log.FILES`.

    May be called from any thread, but one process only may write it.  `OSError` if it cannot be opened; later nothing is
    raised: `trouble` says why the last line could not be written, and is empty when it could.
    """

    def __init__(self, directory: Path, name: str, file_MB: float, files: int) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handler = _Handler(directory / f"{_safe(name)}.log", file_MB, files)

    @property
    def path(self) -> Path:
        return Path(self._handler.baseFilename)

    @property
    def trouble(self) -> str:
        return self._handler.trouble

    def write(self, text: str, at: float) -> None:
        """Append a line; `at` is in seconds since 1970 (UTC)."""
        time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._handler.trouble = ""
        self._handler.handle(LogRecord("", INFO, "", 0, f"{time} {_one_line(text)}", None, None))

    def close(self) -> None:
        self._handler.close()

    def __enter__(self) -> "RollingLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Handler(RotatingFileHandler):
    """Remembers what went wrong in place of printing it."""

    def __init__(self, path: Path, file_MB: float, files: int) -> None:
        super().__init__(path, maxBytes=round(file_MB * 1e6), backupCount=files, encoding="utf-8", errors="backslashreplace")
        self.trouble = ""
        self._is_closed = False

    def emit(self, record: LogRecord) -> None:
        # Opened again it would stay open: somebody may have something to say when everybody else has gone.
        if not self._is_closed:
            super().emit(record)

    def close(self) -> None:
        self._is_closed = True
        super().close()

    def handleError(self, record: LogRecord) -> None:
        self.trouble = f"{self.baseFilename} cannot be written: {sys.exc_info()[1]}"


def _one_line(text: str) -> str:
    """What came from elsewhere must not look like lines of ours."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _safe(name: str) -> str:
    """A laboratory's name as part of a file's."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name) or "laboratory"
