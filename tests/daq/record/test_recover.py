"""Damaged run files are made ordinary, and what is kept and what is lost is told exactly."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daq.record.journal import CHECK, HEAD, MAGIC, PAGE, Gap, Journal, read_messages
from daq.record.messages import Happened, NewStep
from daq.record.recorder import Recorder, RecordingError
from daq.record.recover import recover
from daq.record.run_file import RunFile, RunFileError
from daq.record.verify import verify
from tests.daq.record.test_recording import SHOTS, TRACES, header, take

BURSTS = 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run of several bursts, with a note at its end."""
    path = tmp_path_factory.mktemp("whole") / "run.h5"
    with Recorder(header(path)) as recorder:
        recorder.tell(NewStep(0, 1.5, 2.4, 2.39, 25.1, 6.0, 432.0, shots=BURSTS * SHOTS))
        first = 0
        for burst in range(BURSTS):
            first = take(recorder, burst, first, missing=(2,) if burst == 1 else ())
        recorder.tell(Happened(2.5, "the rod squeaks", kind=1))
        recorder.finish("complete", "done")
    return path


def read(path: Path) -> tuple[list[int], np.ndarray]:
    """Numbers and traces of all recorded shots of a file that verifies."""
    with RunFile(path) as run:
        report = verify(run)
        assert report.complete, report.faults
        blocks = list(run.blocks())
        return run.recorded.tolist(), np.concatenate([block.traces for block in blocks]) if blocks else TRACES[:0]


def test_a_whole_file_recovers_to_itself(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "again.h5"
    recovery = recover(whole, target)
    assert (recovery.kept, recovery.lost, recovery.damaged, recovery.status) == (BURSTS * SHOTS - 1, 1, [], "complete")
    numbers, traces = read(target)
    expected_numbers, expected = read(whole)
    assert numbers == expected_numbers
    np.testing.assert_array_equal(traces, expected)
    with h5py.File(whole) as before, h5py.File(target) as after:

        def compare(name: str, one: object) -> None:
            if isinstance(one, h5py.Dataset) and name != "entry/journal":
                np.testing.assert_array_equal(one[()], after[name][()], err_msg=name)

        before.visititems(compare)


@settings(max_examples=12)
@given(share=st.floats(0.0, 1.0))
def test_a_truncated_file_keeps_all_that_lies_before_its_end(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    directory = tmp_path_factory.mktemp("cut")
    cut, target = directory / "cut.h5", directory / "saved.h5"
    content = whole.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    with h5py.File(whole, "r") as file:
        counts = file["entry/traces/counts"].id
        ends = [counts.get_chunk_info(index) for index in range(counts.get_num_chunks())]
    there = sum(chunk.byte_offset + chunk.size <= cut.stat().st_size for chunk in ends)
    if not list(read_messages(cut.read_bytes())):
        assert there == 0
        with pytest.raises(RunFileError, match=str(cut)):
            recover(cut, target)
        assert not target.exists()
        return
    recovery = recover(cut, target)
    # A block's page of the journal follows its traces; only the last block may stand without it.
    assert there - SHOTS <= recovery.kept <= there
    numbers, traces = read(target)
    assert len(numbers) == recovery.kept
    np.testing.assert_array_equal(traces, TRACES[np.array(numbers, int) % SHOTS])
    assert cut.read_bytes() == content[: int(share * len(content))]


def test_a_flipped_bit_costs_its_shot_alone(whole: Path, tmp_path: Path) -> None:
    damaged, target = tmp_path / "flipped.h5", tmp_path / "saved.h5"
    with h5py.File(whole, "r") as file:
        chunk = file["entry/traces/counts"].id.get_chunk_info(3)
    content = bytearray(whole.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x10
    damaged.write_bytes(content)
    recovery = recover(damaged, target)
    assert recovery.damaged == [3]
    assert (recovery.kept, recovery.lost) == (BURSTS * SHOTS - 2, 2)
    with RunFile(target) as run:
        assert verify(run).causes == {"the digitizer missed the trigger": 1, "its trace was damaged in the file": 1}
        # Numbers in the plan are not moved up.
        assert [int(run.planned[number]) for number in (2, 4)] == [2, 4]


@pytest.mark.parametrize("content", [b"", b"not a run at all" * 1000, None])
def test_what_is_no_run_cannot_be_recovered(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "odd.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunFileError, match=str(path)):
        recover(path, tmp_path / "new.h5")
    assert not (tmp_path / "new.h5").exists()


def test_a_running_file_is_left_alone_and_a_killed_one_recovered(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"

    def run() -> None:
        with Recorder(header(path)) as recorder:
            first = take(recorder, 0, 0)
            first = take(recorder, 1, first)
            while recorder.recorded < 2 * SHOTS:
                first = take(recorder, first // SHOTS, first)
            with pytest.raises(RunFileError, match="still being written"):
                recover(path, tmp_path / "early.h5")
            os.kill(recorder._process.pid, signal.SIGKILL)
            take(recorder, first // SHOTS, first)
            take(recorder, first // SHOTS + 1, first + SHOTS)

    with pytest.raises(RecordingError, match="the writer has died"):
        run()
    recovery = recover(path, tmp_path / "saved.h5")
    assert recovery.kept >= 2 * SHOTS
    assert (recovery.damaged, recovery.status) == ([], "")
    numbers, _ = read(tmp_path / "saved.h5")
    assert numbers == list(range(recovery.kept))


def after_power_loss(synced: bytes, later: bytes, dice: np.random.Generator) -> bytes:
    """The last synchronised copy with a random half of the 4 KiB pages that were written since."""
    long = dice.random() < 0.5
    image = bytearray(synced.ljust(len(later), b"\0") if long else synced)
    for begin in range(0, len(image), 4096):
        if dice.random() < 0.5:
            image[begin : begin + 4096] = later[begin : min(begin + 4096, len(image))]
    return bytes(image)


def copies(path: Path) -> Iterator[tuple[bytes, int]]:
    """The file as it stands after each burst of a run, with the shots recorded so far."""
    with Recorder(header(path, slots=1)) as recorder:
        first = 0
        for burst in range(BURSTS):
            first = take(recorder, burst, first)
            # With one slot, the next block waits for the acknowledgement of the one before.
            yield path.read_bytes(), recorder.recorded
        recorder.finish("complete", "done")
    yield path.read_bytes(), BURSTS * SHOTS


def test_after_a_power_failure_everything_up_to_the_last_sync_is_there(tmp_path: Path) -> None:
    dice = np.random.default_rng(7)
    stages = list(copies(tmp_path / "run.h5"))
    for number, (synced, recorded) in enumerate(stages[:-1]):
        for later, _ in stages[number + 1 :: 2]:
            image, target = tmp_path / "image.h5", tmp_path / f"saved-{os.urandom(4).hex()}.h5"
            image.write_bytes(after_power_loss(synced, later, dice))
            recovery = recover(image, target)
            assert recovery.kept >= recorded
            assert not [shot for shot in recovery.damaged if shot < recorded]
            assert read(target)[0][:recorded] == list(range(recorded))


@given(texts=st.lists(st.integers(0, 3 * PAGE), min_size=1, max_size=12), flushes=st.data())
def test_the_journal_reads_back_what_was_added(texts: list[int], flushes: st.DataObject) -> None:
    journal, pages = Journal("00112233445566778899aabbccddeeff"), []
    told = [Happened(float(number), "x" * length) for number, length in enumerate(texts)]
    for message in told:
        journal.add(message)
        if flushes.draw(st.booleans()):
            pages += journal.take()
    pages += journal.take()
    assert list(read_messages(b"noise".join(pages))) == told
    left_out = flushes.draw(st.integers(0, len(pages) - 1))
    rest = list(read_messages(b"".join(pages[:left_out] + pages[left_out + 1 :])))
    kept = [message for message in rest if not isinstance(message, Gap)]
    # Up to the missing page everything is there, after it nothing; a missing end cannot be told from the end.
    assert kept == told[: len(kept)]
    assert len(kept) < len(told)
    assert any(isinstance(message, Gap) for message in rest) == (left_out < len(pages) - 1)


def test_after_a_damaged_page_of_the_journal_it_stops_and_says_so(whole: Path, tmp_path: Path) -> None:
    damaged, target = tmp_path / "flipped.h5", tmp_path / "saved.h5"
    content = bytearray(whole.read_bytes())
    pages = [place for place in range(len(content)) if content.startswith(MAGIC, place)]
    content[pages[len(pages) // 2] + HEAD.size + CHECK.size] ^= 0x10
    damaged.write_bytes(content)
    recovery = recover(damaged, target)
    assert recovery.gap
    numbers, _ = read(target)
    assert 0 < len(numbers) == recovery.kept < BURSTS * SHOTS - 1
