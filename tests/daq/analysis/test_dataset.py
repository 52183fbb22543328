"""A run as xarray sees it: labelled, with units, and read only where it is looked at."""

from collections.abc import Iterator
from pathlib import Path

import dask
import msgspec
import numpy as np
import pytest

from daq import open_run
from daq.record.recorder import Recorder
from daq.record.run_file import RunFile, RunFileError
from daq.record.series import Series
from tests.daq.reduce.test_reduction import SHOTS, run_of_three_sizes, take

TRACES = np.random.default_rng(4).integers(-2000, 2000, (SHOTS, 1, 8000), dtype=np.int16)


@pytest.fixture(autouse=True)
def no_threads_of_dask() -> Iterator[None]:
    """They would stay for ever."""
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """Two files, the second continues the first."""
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    run = run_of_three_sizes(first)
    for header in (run, msgspec.structs.replace(run, path=str(second), run_id="2" * 32, continues_file="first.h5",
                                                continues_id=run.run_id)):  # fmt: skip
        with Recorder(header) as recorder:
            for burst in range(3):
                take(recorder, burst, TRACES)
            recorder.finish("complete", "done")
    return second


def test_all_parts_are_one_dataset(run_file: Path) -> None:
    data = open_run(run_file)
    assert dict(data.sizes) == {"shot": 6 * SHOTS, "channel": 1, "time": 8000}
    assert data.attrs["files"] == ["first.h5", "second.h5"]
    assert (data["time"].attrs["units"], float(data["time"][0])) == ("s", 20e-6)
    assert sorted(set(data["field_set"].values.tolist())) == [0.0, 2.4]
    assert data["field_set"].attrs["units"] == "T"
    with Series(run_file) as series:
        expected = np.concatenate([block.traces for part in series.parts for block in part.blocks()])
    np.testing.assert_array_equal(data["counts"].values, expected)
    with_field = data.where(data["field_set"] > 0, drop=True)
    assert with_field.sizes["shot"] == 2 * SHOTS
    np.testing.assert_allclose(data["voltage"][5].values, TRACES[5] * 1e-6 + 0.1)


def test_traces_are_read_when_they_are_computed(run_file: Path) -> None:
    data = open_run(run_file)
    with RunFile(run_file) as run:
        place = run.traces.id.get_chunk_info(30).byte_offset
    content = bytearray(run_file.read_bytes())
    content[place + 200] ^= 1
    run_file.write_bytes(content)
    # Another burst of the same file is not touched.
    np.testing.assert_array_equal(data["counts"][-3 * SHOTS].values, TRACES[0])
    with pytest.raises(RunFileError, match="damaged"):
        data["counts"][-SHOTS].values  # noqa: B018
    with pytest.raises(RunFileError, match="there is no file"):
        open_run(run_file.with_name("other.h5"))
