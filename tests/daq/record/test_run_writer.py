"""Where each trace was put is known without a search that grows with the file."""

from pathlib import Path
from typing import Any, get_args

import h5py
import msgspec
import numpy as np
import pytest

from config.laboratory import Recording
from daq.record.checksums import checksums
from daq.record.filters import Filters
from daq.record.layout import COMPRESSIONS, TRACES, FiredSource
from daq.record.messages import Armed, Channel, Finish, Fired, Recorded
from daq.record.run_file import RunFile
from daq.record.run_writer import RunWriter
from daq.record.verify import verify
from tests.daq.record.test_recording import header

SHOTS, BURSTS = 25, 12


def test_a_laboratory_may_ask_for_every_compression_there_is() -> None:
    assert get_args(Recording.model_fields["compression"].annotation) == tuple(COMPRESSIONS)


@pytest.mark.parametrize("shape", [(1, 100), (1, 20_001), (2, 5000)])
def test_both_ways_to_pack_give_the_same_bytes(shape: tuple[int, int]) -> None:
    pytest.importorskip("bitshuffle")
    trace = np.random.default_rng(2).normal(0, 3, shape).astype(np.int16)
    with Filters("bitshuffle-lz4", shape) as filters:
        fast = filters.pack(trace)
        filters._fast = False
        assert fast == filters.pack(trace)
        np.testing.assert_array_equal(filters.unpack(*fast), trace)


def test_a_file_that_cannot_be_laid_out_is_not_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with pytest.raises(ValueError, match="NULL"):
        RunWriter(msgspec.structs.replace(header(path), title="a\0b"))
    assert not path.exists()


def test_a_file_that_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_text("of somebody else")
    with pytest.raises(OSError, match=r"run\.h5"):
        RunWriter(header(path))
    assert path.read_text() == "of somebody else"


def test_who_sees_the_end_of_a_run_sees_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "run.h5", []
    file = RunWriter(header(path))
    file.tell(Armed(0, 0, 0, SHOTS, 0.0))
    publish = file.publish

    def look() -> None:
        with h5py.File(path, "r", swmr=True, libver="latest", rdcc_nbytes=0) as run:
            seen.append((run["entry/status"][()].decode(), len(run["entry/shots/state"])))

    def watched() -> None:
        look()
        publish()
        look()

    monkeypatch.setattr(file, "publish", watched)
    file.finish(Finish("complete", "done", ""))
    look()
    assert seen == [("running", 0), ("running", SHOTS), ("complete", SHOTS)]


def test_counts_have_no_unit(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    log = (Channel("magnet.current_A", "A"), Channel("ablation_laser.lamp_shots", ""))
    RunWriter(msgspec.structs.replace(header(path), log=log)).finish(Finish("complete", "done", ""))
    with h5py.File(path, "r") as file:
        units = [dict(file[f"entry/housekeeping/{channel.name}/value"].attrs).get("units") for channel in log]
        assert units == ["A", None]
        assert file["entry/housekeeping/ablation_laser.lamp_shots/time"].attrs["units"] == "s"
    with RunFile(path) as run:
        assert verify(run).complete


class Counting:
    """A dataset, or its id, that counts how often HDF5 is asked to go through all chunks."""

    def __init__(self, inner: Any, searches: list[str]) -> None:
        self._inner, self._searches = inner, searches

    def __getattr__(self, name: str) -> Any:
        if name == "id":
            return Counting(self._inner.id, self._searches)
        if name.startswith("get_chunk_info"):
            self._searches.append(name)
        return getattr(self._inner, name)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("samples", [100, 1000, 20_000])
def test_places_are_known_without_a_search(tmp_path: Path, samples: int, compression: str) -> None:
    path = tmp_path / "run.h5"
    dice = np.random.default_rng(3)
    file = RunWriter(msgspec.structs.replace(header(path), samples=samples, compression=compression))
    searches: list[str] = []
    file._traces = Counting(file._traces, searches)
    sent = []
    for burst in range(BURSTS):
        first = burst * SHOTS
        numbers = np.arange(first, first + SHOTS)
        traces = dice.normal(0, 3, (SHOTS, 1, samples)).astype(np.int16)
        sent.append(traces)
        file.tell(Armed(burst, 0, first, SHOTS, 0.0))
        file.tell(Fired(burst, SHOTS, int(FiredSource.TIME_TAGS), (), ()))
        tags, sums = (numbers * 0.05).tobytes(), checksums(traces).tobytes()
        assert file.record(Recorded(burst, 0, 0, numbers.tobytes(), tags, first, sums), traces) == first + SHOTS
    file.finish(Finish("complete", "done", ""))
    # Now and then HDF5 puts a small chunk into a hole.
    assert len(searches) <= 0.02 * SHOTS * BURSTS
    with h5py.File(path, "r") as plain:
        np.testing.assert_array_equal(plain[TRACES][()], np.concatenate(sent))
    with RunFile(path) as run:
        assert verify(run).complete
