"""Traces come back as they were recorded, or with one sentence; what else lies in their memory never shows."""

from itertools import count
from pathlib import Path

import h5py
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daq.record import unpacking
from daq.record.checksums import checksums
from daq.record.layout import COMPRESSIONS, TRACES, FiredSource
from daq.record.messages import Armed, Finish, Fired, Recorded
from daq.record.run_file import RunFile, RunFileError
from daq.record.run_writer import RunWriter
from tests.daq.record.test_recording import header

SHOTS, SAMPLES = 12, 5000
SENT = np.random.default_rng(4).normal(0, 30, (SHOTS, 1, SAMPLES)).astype(np.int16)
"""More than one block of the filter's."""
often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
subsets = st.sets(st.integers(0, SHOTS - 1), min_size=1).map(lambda chosen: np.array(sorted(chosen)))


@pytest.fixture(params=COMPRESSIONS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A run of one burst."""
    path = tmp_path / "run.h5"
    file = RunWriter(msgspec.structs.replace(header(path), samples=SAMPLES, compression=request.param))
    numbers = np.arange(SHOTS)
    file.tell(Armed(0, 0, 0, SHOTS, 0.0))
    file.tell(Fired(0, SHOTS, int(FiredSource.TIME_TAGS), (), ()))
    file.record(Recorded(0, 0, 0, numbers.tobytes(), (numbers * 0.05).tobytes(), 0, checksums(SENT).tobytes()), SENT)
    file.finish(Finish("complete", "done", ""))
    return path


@often
@given(numbers=subsets, junk=st.integers(-(2**15), 2**15 - 1))
def test_any_shots_of_a_burst_are_read_into_used_memory(path: Path, numbers: np.ndarray, junk: int) -> None:
    room = np.full((SHOTS + 1, 1, SAMPLES), junk, np.int16)
    with RunFile(path) as run:
        block = run.checked(numbers, room)
        np.testing.assert_array_equal(run.block(numbers).traces, SENT[numbers])
    np.testing.assert_array_equal(block.traces, SENT[numbers])
    assert np.shares_memory(block.traces, room)
    assert (room[len(numbers) :] == junk).all()


def test_without_the_filters_library_hdf5_reads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "library", lambda: None)
    with RunFile(path) as run:
        np.testing.assert_array_equal(run.block(np.arange(SHOTS)).traces, SENT)


@often
@given(
    numbers=subsets,
    shot=st.integers(0, SHOTS - 1),
    places=st.sets(st.floats(0, 1, exclude_max=True), min_size=1),
    data=st.data(),
)
def test_a_damaged_trace_is_refused_or_harmless_but_never_another_one(
    path: Path, numbers: np.ndarray, shot: int, places: set[float], data: st.DataObject
) -> None:
    """Above all it does not end the process, as HDF5's filter would at wrong lengths."""
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file[TRACES].id.get_chunk_info(shot)
    for place in places:
        content[chunk.byte_offset + int(place * chunk.size)] = data.draw(st.integers(0, 255))
    damaged = path.with_name(f"damaged-{next(copies)}.h5")
    damaged.write_bytes(content)
    with RunFile(damaged) as run:
        traces, refused = read_or_refused(run, numbers)
    assert (traces == SENT[numbers]).all() if not refused else shot in numbers
    assert not refused or refused.startswith(f"{damaged}: the traces of shot")
    damaged.unlink()


copies = count()


def read_or_refused(run: RunFile, numbers: np.ndarray) -> tuple[np.ndarray, str]:
    """The traces, or the sentence in place of them."""
    try:
        return run.block(numbers).traces, ""
    except RunFileError as error:
        return np.empty(0), str(error)


@pytest.mark.parametrize("path", ["bitshuffle-lz4"], indirect=True)
@pytest.mark.parametrize("place", [*range(16), 4096])
@pytest.mark.parametrize("value", [0, 1, 127, 255])
def test_wrong_lengths_in_a_chunk_end_nothing(path: Path, place: int, value: int) -> None:
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file[TRACES].id.get_chunk_info(3)
    content[chunk.byte_offset + place] = value
    path.write_bytes(content)
    with RunFile(path) as run:
        traces, refused = read_or_refused(run, np.arange(SHOTS))
    assert (traces == SENT).all() if not refused else "shot 3" in refused or "shots 0 to 11" in refused


@pytest.mark.parametrize("path", ["bitshuffle-lz4"], indirect=True)
@pytest.mark.parametrize("shot", [0, 3])
@pytest.mark.parametrize("value", [0, 1, 16, 255])
def test_a_damaged_head_does_not_make_the_others_seem_damaged(path: Path, shot: int, value: int) -> None:
    """Their frames are looked at together."""
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file[TRACES].id.get_chunk_info(shot)
    content[chunk.byte_offset + 10] = value
    damaged = path.with_name("damaged.h5")
    damaged.write_bytes(content)
    others = np.delete(np.arange(SHOTS), shot)
    with RunFile(damaged) as run:
        _, refused = read_or_refused(run, np.arange(SHOTS))
        traces, _ = read_or_refused(run, others)
    assert refused.startswith(f"{damaged}: the traces of shot {shot} are damaged")
    assert (traces == SENT[others]).all()
