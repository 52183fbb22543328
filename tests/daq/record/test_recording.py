"""What is handed to the recorder is in the file, whatever happens to the processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.laboratory import read_laboratory
from daq.record.blocks import ShotBlock
from daq.record.layout import Cause, FiredSource, ShotState
from daq.record.messages import Armed, Channel, Create, Fired, Happened, Logged, NewStep
from daq.record.parts import Parts
from daq.record.recorder import Recorder, RecordingError
from daq.record.recover import recover
from daq.record.run_file import RunFile, RunFileError
from daq.record.verify import verify

SHOTS, SAMPLES = 8, 500
TRACES = np.random.default_rng(5).integers(-2000, 2000, (SHOTS, 1, SAMPLES), dtype=np.int16)


def header(path: Path, slots: int = 3) -> Create:
    laboratory, calibrations = read_laboratory()
    return Create(
        path=str(path),
        title="a test",
        element="V",
        sizes=(2, 5),
        started="2026-01-01T00:00:00+00:00",
        plan_json="{}",
        laboratory_json=laboratory.model_dump_json(),
        calibrations_json=calibrations.model_dump_json(),
        versions_json="{}",
        identities_json="{}",
        rate_Hz=20.0,
        channels=1,
        samples=SAMPLES,
        start_s=0.0,
        interval_s=2e-9,
        scale_V=(1e-6,),
        offset_V=(0.1,),
        highest_code=(8190,),
        slots=slots,
        slot_bytes=TRACES.nbytes,
        log=(Channel("magnet.current_A", "A"),),
    )


def take(recorder: Recorder | Parts, burst: int, first: int, missing: tuple[int, ...] = ()) -> int:
    """A burst of all shots but the missing ones; the number of the next shot."""
    recorder.arm(Armed(burst, 0, first, SHOTS, float(burst)))
    kept = np.array([shot for shot in range(SHOTS) if shot not in missing])
    recorder.record(ShotBlock(0, burst, kept + first, kept * 0.05, TRACES[kept], first))
    lost = tuple(first + shot for shot in missing)
    causes = (int(Cause.DIGITIZER_MISSED),) * len(lost)
    recorder.tell(Fired(burst, SHOTS, int(FiredSource.TIME_TAGS), lost, causes))
    return first + SHOTS


@contextmanager
def published(path: Path, shots: int) -> Iterator[RunFile]:
    """A running file, once so many shots of it are shown."""
    deadline = time.monotonic() + 20
    while True:
        with RunFile(path) as run:
            if run.committed >= shots:
                yield run
                return
        assert time.monotonic() < deadline


def test_a_complete_run_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        recorder.tell(NewStep(0, 1.5, 2.4, 2.39, 25.1, 6.0, 432.0, shots=16))
        take(recorder, 1 - 1, 0)
        take(recorder, 1, SHOTS, missing=(0, 3, 4))
        recorder.tell(Logged(0, 2.0, 199.5))
        recorder.tell(Happened(2.5, "a note with µ"))
        finished = recorder.finish("complete", "done")
    assert (finished.recorded, finished.lost) == (2 * SHOTS - 3, 3)
    with RunFile(path) as run:
        report = verify(run)
        assert report.complete
        assert (report.fired, report.recorded, report.lost) == (16, 13, 3)
        assert report.causes == {"the digitizer missed the trigger": 3}
        assert (run.steps[0].field_T, run.steps[0].started_s) == (2.39, 1.5)
        assert run.axis.highest_code == (8190,)
        assert run.events() == [(2.5, "a note with µ")]
        blocks = list(run.blocks())
    assert [block.numbers.tolist() for block in blocks] == [list(range(8)), [9, 10, 13, 14, 15]]
    np.testing.assert_array_equal(blocks[1].traces, TRACES[[1, 2, 5, 6, 7]])
    np.testing.assert_allclose(blocks[1].time_tags_s, [0.05, 0.1, 0.25, 0.3, 0.35])


def test_the_file_is_plain_hdf5_with_a_sensible_default_plot(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        take(recorder, 0, 0)
        recorder.finish("complete", "done")
    with h5py.File(path, "r") as file:
        spectrum = file[file.attrs["default"]][file["entry"].attrs["default"]]
        assert spectrum.attrs["NX_class"] == "NXdata"
        np.testing.assert_allclose(spectrum[spectrum.attrs["signal"]][()], TRACES[:, 0].mean(axis=0), rtol=1e-5)
        assert spectrum["time"].attrs["units"] == "us"
    assert path.stat().st_mode & 0o200


def test_blocks_are_recorded_where_they_were_received(tmp_path: Path) -> None:
    """More of them than the ring has slots, and all are still looked at when the last is written."""
    path, kept = tmp_path / "run.h5", []
    with Recorder(header(path)) as recorder:
        for burst in range(7):
            traces = recorder.room(TRACES.shape)
            traces[:] = TRACES + burst
            numbers = np.arange(burst * SHOTS, (burst + 1) * SHOTS)
            recorder.arm(Armed(burst, 0, burst * SHOTS, SHOTS, float(burst)))
            recorder.tell(Fired(burst, SHOTS, int(FiredSource.TIME_TAGS), (), ()))
            recorder.record(ShotBlock(0, burst, numbers, np.arange(SHOTS) * 0.05, traces, burst * SHOTS))
            kept.append(traces[:, 0])
        recorder.finish("complete", "done")
    with RunFile(path) as run:
        assert verify(run).complete, verify(run).faults
        for burst, block in enumerate(run.blocks()):
            np.testing.assert_array_equal(block.traces, TRACES + burst)
            np.testing.assert_array_equal(kept[burst], TRACES[:, 0] + burst)


@pytest.mark.parametrize("received", [True, False], ids=["received in the ring", "copied"])
def test_a_full_ring_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, received: bool) -> None:
    """The writer stands still until the recorder says that it is behind."""
    path, behind = tmp_path / "run.h5", []

    def when_behind(is_behind: bool) -> None:
        behind.append(is_behind)
        os.kill(recorder.writer_pid, signal.SIGCONT)

    with Recorder(header(path, slots=3), when_behind) as recorder:
        recorder.arm(Armed(0, 0, 0, 4 * SHOTS, 0.0))
        recorder.tell(Fired(0, 4 * SHOTS, int(FiredSource.TIME_TAGS), (), ()))
        behind.clear()
        monkeypatch.setattr("daq.record.recorder.SLOW_S", 0.01)
        os.kill(recorder.writer_pid, signal.SIGSTOP)
        for first in range(0, 4 * SHOTS, SHOTS):
            traces = recorder.room(TRACES.shape) if received else np.empty_like(TRACES)
            traces[:] = TRACES
            assert behind == ([True, False] if received and first == 3 * SHOTS else [])
            numbers = np.arange(first, first + SHOTS)
            recorder.record(ShotBlock(0, 0, numbers, numbers * 0.05, traces, first))
        assert behind == [True, False]
        recorder.finish("complete", "done")
    with RunFile(path) as run:
        report = verify(run)
    assert (report.complete, report.recorded) == (True, 4 * SHOTS)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(missing=st.lists(st.sets(st.integers(0, SHOTS - 1), max_size=SHOTS - 1), min_size=1, max_size=4))
def test_any_pattern_of_lost_shots_is_accounted_for(tmp_path: Path, missing: list[set[int]]) -> None:
    path = tmp_path / f"run-{os.urandom(4).hex()}.h5"
    with Recorder(header(path)) as recorder:
        first = 0
        for burst, shots in enumerate(missing):
            first = take(recorder, burst, first, tuple(sorted(shots)))
        recorder.finish("complete", "done")
    with RunFile(path) as run:
        report = verify(run)
        assert report.complete, report.faults
        assert report.lost == sum(len(shots) for shots in missing)
        np.testing.assert_array_equal(np.flatnonzero(run.states == ShotState.RECORDED), run.recorded)


def test_a_running_file_can_be_followed_and_not_be_truncated(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path, slots=1)) as recorder:
        take(recorder, 0, 0)
        recorder.arm(Armed(1, 0, SHOTS, SHOTS, 1.0))
        recorder.settle()
        assert not path.stat().st_mode & 0o222
        with published(path, SHOTS) as run:
            assert run.status == "running"
            assert len(run.recorded) == SHOTS == run.committed
            report = verify(run)
        # The armed burst counts as fired and lost until its shots are recorded.
        assert (report.fired, report.recorded, report.lost) == (2 * SHOTS, SHOTS, SHOTS)
        assert recorder.committed == SHOTS


def test_an_early_end_leaves_numbers_that_were_never_fired(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        recorder.arm(Armed(0, 0, 0, SHOTS, 0.0))
        recorder.record(ShotBlock(0, 0, np.arange(3), np.arange(3) * 0.05, TRACES[:3]))
        recorder.tell(Fired(0, 3, int(FiredSource.TIME_TAGS), (), ()))
        take(recorder, 1, 3)
        recorder.finish("stopped", "by the operator")
    with RunFile(path) as run:
        report = verify(run)
    assert report.complete, report.faults
    assert (report.fired, report.recorded, report.lost) == (3 + SHOTS, 3 + SHOTS, 0)


ENGINE = """
    import os, signal, sys
    from pathlib import Path
    from tests.daq.record.test_recording import header, take
    from daq.record.messages import Armed
    from daq.record.recorder import Recorder
    recorder = Recorder(header(Path(sys.argv[1])))
    first = take(recorder, 0, 0)
    recorder.arm(Armed(1, 0, first, 8, 1.0))
    recorder.settle()
    print(recorder.committed, recorder._process.pid, flush=True)
    os.kill({victim}, signal.SIGKILL)
    sys.stdin.read()
"""


@pytest.mark.parametrize("victim", ["os.getpid()", "recorder._process.pid"])
def test_what_was_acknowledged_survives_sigkill(tmp_path: Path, victim: str) -> None:
    path = tmp_path / "run.h5"
    program = textwrap.dedent(ENGINE.format(victim=victim))
    root = Path(__file__).parents[3]
    engine = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, text=True
    )
    with engine:
        assert engine.stdout is not None
        committed, writer = (int(word) for word in engine.stdout.readline().split())
        engine.communicate()
    _wait_until_gone(writer)
    recover(path, tmp_path / "recovered.h5")
    with RunFile(tmp_path / "recovered.h5") as run:
        report = verify(run)
        assert committed == SHOTS == report.recorded
        assert report.complete, report.faults
        assert report.lost == SHOTS
        assert report.causes == {"process killed": SHOTS}
        np.testing.assert_array_equal(next(run.blocks()).traces, TRACES)


LEAVING = """
    import os, signal, sys
    from pathlib import Path
    from tests.daq.record.test_recording import SHOTS, TRACES, header
    from daq.record.blocks import ShotBlock
    from daq.record.messages import Armed
    from daq.record.recorder import Recorder
    import numpy as np
    recorder = Recorder(header(Path(sys.argv[1])))
    recorder.arm(Armed(0, 0, 0, 3 * SHOTS, 0.0))
    os.kill(recorder.writer_pid, signal.SIGSTOP)
    for first in range(0, 3 * SHOTS, SHOTS):
        numbers = np.arange(first, first + SHOTS)
        recorder.record(ShotBlock(0, 0, numbers, numbers * 0.05, TRACES, first))
    print(recorder.writer_pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a pipe can be set on Linux only")
def test_a_writer_that_stands_still_can_be_told_much_without_waiting(tmp_path: Path) -> None:
    """Four times what fits a usual pipe: else who tells of readings would hold everybody up until the writer goes on."""
    with Recorder(header(tmp_path / "run.h5")) as recorder:
        os.kill(recorder.writer_pid, signal.SIGSTOP)
        for number in range(1000):
            recorder.tell(Happened(float(number), "x" * 256))
        os.kill(recorder.writer_pid, signal.SIGCONT)
        recorder.finish("complete", "done")
    with RunFile(tmp_path / "run.h5") as run:
        assert len([text for _, text in run.events() if text.startswith("x")]) == 1000


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of Windows block")
def test_a_writer_that_never_goes_on_fails_whoever_tells_it_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell_without_end() -> None:
        with Recorder(header(tmp_path / "run.h5")) as recorder:
            monkeypatch.setattr("daq.record.recorder.ANSWER_S", 0.3)
            os.kill(recorder.writer_pid, signal.SIGSTOP)
            while True:
                recorder.tell(Happened(1.0, "x" * 100_000))

    with pytest.raises(RecordingError, match="does not answer; is the disk hanging"):
        tell_without_end()


def test_what_a_dead_engine_has_handed_over_is_still_written(tmp_path: Path) -> None:
    """Nobody hears the writer's acknowledgements any more; that must not keep it from finishing."""
    path = tmp_path / "run.h5"
    command = [sys.executable, "-c", textwrap.dedent(LEAVING), str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[3], text=True
    ) as engine:
        assert engine.stdout is not None
        assert engine.stderr is not None
        writer = int(engine.stdout.readline())
        engine.wait()
        os.kill(writer, signal.SIGCONT)
        _wait_until_gone(writer)
        said = engine.stderr.read()
    with RunFile(path) as run:
        report = verify(run)
        assert (run.status, report.recorded, report.lost) == ("aborted", 3 * SHOTS, 0)
        assert report.complete, report.faults
    assert "the engine has died" in said
    assert said.count("\n") == 1


def _wait_until_gone(process: int) -> None:
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    with os.fdopen(descriptor) as handle:
        import select

        assert select.select([handle], [], [], 20)[0], "the writer is still there"


def test_a_dead_writer_is_an_error_at_the_next_block(tmp_path: Path) -> None:
    told: list[str] = []

    def run() -> None:
        with Recorder(header(tmp_path / "run.h5"), broken=told.append) as recorder:
            os.kill(recorder.writer_pid, signal.SIGKILL)
            first = 0
            for burst in range(4):
                first = take(recorder, burst, first)

    with pytest.raises(RecordingError, match="the writer has died"):
        run()
    assert told == [f"the writer of {tmp_path / 'run.h5'} has died"]


def test_a_file_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(b"precious")
    with pytest.raises(RecordingError, match="cannot write"):
        Recorder(header(path))
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("damage", ["empty", "text", "foreign", "truncated", "newer", "missing"])
def test_files_that_are_no_runs_get_a_sentence(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        take(recorder, 0, 0)
        recorder.finish("complete", "done")
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("not a run")
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:2000])
    elif damage == "missing":
        path.unlink()
    else:
        with h5py.File(path, "r+" if damage == "newer" else "w") as file:
            file.attrs["schema_version"] = 99
    with pytest.raises(RunFileError) as error:
        RunFile(path)
    assert str(path) in str(error.value)


def test_a_flipped_bit_in_a_trace_is_found(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        take(recorder, 0, 0)
        recorder.finish("complete", "done")
    with h5py.File(path, "r") as file:
        chunk = file["entry/traces/counts"].id.get_chunk_info(3)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x10
    path.write_bytes(content)
    with RunFile(path) as run:
        report = verify(run)
    assert not report.complete
    assert "damaged" in report.faults[0]
