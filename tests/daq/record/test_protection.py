"""A running file belongs to its writer: readers may follow it, other programs cannot harm it unnoticed."""

import errno
import fcntl
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from daq.record.messages import Armed
from daq.record.protection import Protection, is_being_written
from daq.record.recorder import Recorder, RecordingError
from daq.record.run_file import RunFile
from daq.record.verify import verify
from tests.daq.record.test_recording import SHOTS, header, published, take

NOBODY = 65534
MODES = ["r", "r+", "a", "w", "w-", "x"]
OPEN = """
    import os, sys, h5py
    path, mode, swmr = sys.argv[1], sys.argv[2], sys.argv[3] == "swmr"
    if os.geteuid() == 0:
        os.setuid({nobody})  # a superuser may do everything
    with h5py.File(path, mode, libver="latest", swmr=swmr) as file:
        print(len(file["entry/shots/state"]))
        if file.mode != "r":
            del file["entry"]
"""


def open_elsewhere(path: Path, mode: str, swmr: str) -> subprocess.CompletedProcess[str]:
    program = textwrap.dedent(OPEN.format(nobody=NOBODY))
    command = [sys.executable, "-c", program, str(path), mode, swmr]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def visible_to_all(path: Path) -> None:
    """Up to the directory of all temporary files, which is everybody's."""
    for parent in (path, *path.parents):
        if Path(tempfile.gettempdir()) in parent.parents:
            parent.chmod(0o755)


def test_no_h5py_mode_harms_a_running_file(tmp_path: Path) -> None:
    visible_to_all(tmp_path)
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        first = take(recorder, 0, 0)
        came = {}
        for number, (mode, swmr) in enumerate([*((mode, "plain") for mode in MODES), ("r", "swmr"), ("r+", "swmr")], 1):
            came[mode, swmr] = open_elsewhere(path, mode, swmr)
            first = take(recorder, number, first)
        recorder.finish("complete", "done")
    follower = came["r", "swmr"]
    assert follower.returncode == 0, follower.stderr
    assert int(follower.stdout) >= SHOTS
    assert not [key for key, one in came.items() if key[0] != "r" and one.returncode == 0]
    with RunFile(path) as run:
        report = verify(run)
    assert report.complete, report.faults
    assert report.recorded == first


def test_while_it_is_written_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        assert is_being_written(path)
        with RunFile(path):
            assert is_being_written(path)
        take(recorder, 0, 0)
        recorder.finish("complete", "done")
    assert not is_being_written(path)


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    other = path.with_name("other.h5")
    other.write_bytes(b"something else")
    other.replace(path)


def truncate(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)


def remove_the_directory(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


@pytest.mark.parametrize(
    ("harm", "said"),
    [(remove, "was removed"), (replace, "was replaced"), (truncate, "truncated"), (remove_the_directory, "was removed")],
)
def test_harm_by_a_superuser_fails_the_run_at_once(tmp_path: Path, harm: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "runs" / "run.h5"
    path.parent.mkdir()
    told: list[str] = []

    def run() -> None:
        with Recorder(header(path), broken=told.append) as recorder:
            first = take(recorder, 0, 0)
            recorder.arm(Armed(1, 0, first, SHOTS, 1.0))
            with published(path, first):
                pass
            harm(path)
            for burst in range(2, 5):
                first = take(recorder, burst, first)

    with pytest.raises(RecordingError, match=said) as error:
        run()
    assert told == [str(error.value)]


def test_no_object_is_made_after_the_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"

    def objects() -> set[str]:
        found: set[str] = set()
        with h5py.File(path, "r", libver="latest", swmr=True) as file:
            file.visit(lambda name: found.add(name))
        return found

    with Recorder(header(path)) as recorder:
        before = objects()
        take(recorder, 0, 0)
        recorder.finish("complete", "done")
    assert objects() == before


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_is_written_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(b"0123")

    def refuse(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(fcntl, "lockf", refuse)
    with path.open("r+b") as file:
        protection = Protection(path, file.fileno())
        protection.check()
        assert not is_being_written(path)
        protection.end()
