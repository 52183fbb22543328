"""Opening a run file, and what is said where that cannot be done, or where what stands in it makes no sense."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (registers the compression filters)

from config.errors import ConfigurationError
from daq.record.protection import is_being_written

SENSELESS = (AttributeError, LookupError, MemoryError, OSError, OverflowError, RuntimeError, TypeError, ValueError)
"""What reading stumbles over where something else stands than was written."""


class RunFileError(Exception):
    """The file is not a run file that this version can read."""


def open_file(path: Path) -> h5py.File:
    """As HDF5 sees it.  `RunFileError` if it cannot."""
    refuse_no_file(path)
    try:
        return _closed_or_running(path)
    except OSError as error:
        raise RunFileError(
            f"{path} cannot be opened as an HDF5 file ({error}); if it was a run file, `clusterbeam recover` may save it"
        ) from None


def _closed_or_running(path: Path) -> h5py.File:
    """A file that was closed is opened as such: HDF5 then sees whether its end is missing.

    One whose writer is at work, or was killed, opens only as one that may grow; of that HDF5 believes that what is missing
    is still to come, and waits for it for ever.
    """
    # Traces are read once and whole: a cache of unpacked ones would only push other things out of the processor's.
    options = {"libver": "latest", "rdcc_nbytes": 0}
    try:
        return h5py.File(path, "r", **options)
    except OSError as error:
        if "already open" not in str(error) and not is_being_written(path):
            raise
    return h5py.File(path, "r", swmr=True, **options)


@contextmanager
def called_damage(path: Path) -> Iterator[None]:
    """What HDF5, or a number or text that should have been another, stumbles over is damage, said in one sentence."""
    try:
        yield
    except SENSELESS as error:
        reason = " ".join(str(error).split())
        if isinstance(error, ConfigurationError) and len(error.faults) > 1:
            reason = f"{error.faults[0]}, and {len(error.faults) - 1} more faults"
        raise RunFileError(f"{path} is damaged ({reason}); `clusterbeam recover` saves what can be saved") from None


def refuse_no_file(path: Path) -> None:
    """`RunFileError` when there is nothing at the path, or something that is no file."""
    if not path.exists():
        raise RunFileError(f"there is no file {path}; give the path of a run file")
    if not path.is_file():
        raise RunFileError(f"{path} is a directory, or no ordinary file; give the path of a run file")


def refuse_running(path: Path) -> None:
    """`RunFileError` when the writer of this file is still at work."""
    if path.is_file() and is_being_written(path):
        raise RunFileError(f"{path} is still being written; wait until its run has ended")
