"""A run reduced while it grows has the bits of the same run reduced afterwards, also when shots turn out to be bad later."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from daq.record.blocks import ShotBlock
from daq.record.layout import BadShot, FiredSource
from daq.record.messages import Armed, Create, Fired, NewStep, Tagged
from daq.record.recorder import Recorder
from daq.record.run_file import RunFile, RunFileError
from daq.reduce import reduction as reducing
from daq.reduce.reduction import Reduction
from tests.daq.record.test_recording import header, published
from tests.daq.reduce.sums import bits

SHOTS, SAMPLES = 12, 8000


def run_of_three_sizes(path: Path) -> Create:
    """20 to 36 µs: V3 to V5."""
    return msgspec.structs.replace(
        header(path), samples=SAMPLES, start_s=20e-6, interval_s=2e-9, sizes=(3, 5), slot_bytes=2 * SHOTS * SAMPLES
    )


def take(recorder: Recorder, burst: int, traces: np.ndarray) -> None:
    """A burst; every third step is background."""
    first, step = burst * SHOTS, burst // 2
    if burst % 2 == 0:
        recorder.tell(NewStep(step, 0.0, 2.4 * (step % 2), 2.4 * (step % 2), 25.0, 6.0, 432.0, background=int(step == 2)))
    recorder.arm(Armed(burst, step, first, SHOTS, float(burst)))
    recorder.record(ShotBlock(step, burst, np.arange(first, first + SHOTS), np.arange(SHOTS) * 0.05, traces, first))
    recorder.tell(Fired(burst, SHOTS, int(FiredSource.TIME_TAGS), (), ()))


@pytest.mark.parametrize("seed", [1, 2])
def test_late_bad_shots_are_taken_out_to_the_last_bit(tmp_path: Path, seed: int) -> None:
    path, dice = tmp_path / "run.h5", np.random.default_rng(seed)
    traces = dice.normal(0.0, 3.0, (SHOTS, 1, SAMPLES)).round().astype(np.int16)
    traces += (dice.random(traces.shape) < 0.01).astype(np.int16) * 200
    with Recorder(run_of_three_sizes(path)) as recorder:
        take(recorder, 0, traces)
        with published(path, SHOTS) as run:
            reduction = Reduction(run)
            seen = list(reduction.update(run))
        for burst in range(1, 7):
            take(recorder, burst, traces[dice.permutation(SHOTS)])
            bad = np.flatnonzero(dice.random((burst + 1) * SHOTS) < 0.2)
            recorder.tell(Tagged(int(BadShot.DARK), numbers=bad.tobytes()))
            with published(path, (burst + 1) * SHOTS) as run:
                seen += reduction.update(run)
        # A whole step turns out to be bad, the one with field that was taken first.
        recorder.tell(Tagged(int(BadShot.OFF_SET_POINT), 2 * SHOTS, 4 * SHOTS - 1))
        recorder.finish("complete", "done")
    with RunFile(path) as run:
        list(reduction.update(run))
        fresh = Reduction(run)
        list(fresh.update(run))
        good = int((run.bad[run.recorded] == 0).sum())
    assert bits(reduction.profiles()) == bits(fresh.profiles())
    assert [sums.step.index for sums in reduction.profiles().steps] == [0, 3]
    assert max(seen) >= good == reduction.shots


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A run of four bursts, each of other traces."""
    path, dice = tmp_path / "run.h5", np.random.default_rng(3)
    with Recorder(run_of_three_sizes(path)) as recorder:
        for burst in range(4):
            take(recorder, burst, dice.normal(0.0, 3.0, (SHOTS, 1, SAMPLES)).round().astype(np.int16))
        recorder.finish("complete", "done")
    return path


@pytest.mark.parametrize("shots", [1, 5, SHOTS])
def test_memory_that_is_used_again_leaves_no_trace(path: Path, monkeypatch: pytest.MonkeyPatch, shots: int) -> None:
    with RunFile(path) as run:
        whole = Reduction(run)
        list(whole.update(run))
        monkeypatch.setattr(reducing, "ROOM_BYTES", shots * run.room(1).nbytes)
        pieces = Reduction(run)
        assert list(pieces.update(run)) == [SHOTS, 2 * SHOTS, 3 * SHOTS, 4 * SHOTS]
    assert bits(whole.profiles()) == bits(pieces.profiles())


def test_a_damaged_trace_is_never_reduced(path: Path) -> None:
    with RunFile(path) as run:
        chunk = run.traces.id.get_chunk_info(2 * SHOTS + 1)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(content)
    with RunFile(path) as run:
        reduction = Reduction(run)
        with pytest.raises(RunFileError, match=r"the traces of shot.* are damaged"):
            list(reduction.update(run))
        assert reduction.shots == 2 * SHOTS
