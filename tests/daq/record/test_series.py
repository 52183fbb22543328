"""The files of one run: what is missing at their end, and what cannot be."""

from pathlib import Path

import h5py
import pytest

from daq.record.run_file import RunFileError
from daq.record.series import Series, part_path
from daq.record.verify import verify_plan
from tests.daq.record.test_parts import run


def test_a_run_whose_last_file_is_not_there_says_so(tmp_path: Path) -> None:
    newest = run(tmp_path / "run.h5", 1.0)
    with Series(newest) as series:
        assert series.lacking == ""
        before = series.parts[-2].path
    newest.unlink()
    with Series(before) as series:
        assert f"the run goes on in {newest.name}" in series.lacking
        assert series.lacking in verify_plan(series).faults


@pytest.mark.parametrize("status", ["continued", "aborted"])
def test_so_does_one_that_was_killed_in_its_last_file(tmp_path: Path, status: str) -> None:
    run(tmp_path / "run.h5", 1.0)
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file["entry/status"][()] = status.encode()
    with Series(tmp_path / "run.h5") as series:
        assert part_path(tmp_path / "run.h5", 2).name in series.lacking


def test_a_file_that_continues_itself_is_damaged(tmp_path: Path) -> None:
    newest = run(tmp_path / "run.h5", 1.0)
    with h5py.File(newest, "r+") as file:
        for text, own in (("continues_file", newest.name), ("continues_id", file["entry/run_id"].asstr()[()])):
            file[f"entry/{text}"][()] = own
    with pytest.raises(RunFileError, match="continues itself"):
        Series(newest)
