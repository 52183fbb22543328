"""A run in several files is one run: read, verified and reduced together, with every tag where it belongs."""

from pathlib import Path

import numpy as np

from daq.analysis.follow import follow
from daq.analysis.published import Reduced
from daq.record.blocks import ShotBlock
from daq.record.layout import BadShot, FiredSource
from daq.record.messages import Armed, Fired, NewStep, Tagged
from daq.record.parts import CONTINUED, Parts
from daq.record.series import Series, next_path, part_path
from daq.record.verify import verify, verify_plan
from tests.daq.reduce.test_reduction import SAMPLES, SHOTS, run_of_three_sizes

BURSTS = 5
TRACES = np.random.default_rng(7).normal(0.0, 3.0, (SHOTS, 1, SAMPLES)).round().astype(np.int16)


def run(path: Path, limit_bytes: float) -> Path:
    """One step, as the engine tells it: a burst is armed after the last one is received, and before that is recorded."""
    with Parts(run_of_three_sizes(path), limit_bytes) as recorder:
        recorder.tell(NewStep(0, 0.0, 2.4, 2.4, 25.0, 6.0, 432.0, shots=BURSTS * SHOTS - 1))
        recorder.arm(Armed(0, 0, 0, SHOTS, 0.0))
        planned = 0
        for burst in range(BURSTS):
            lost = (4,) if burst == 1 else ()
            kept = np.setdiff1d(np.arange(SHOTS), lost)
            first = burst * SHOTS
            numbers = tuple(first + shot for shot in lost)
            recorder.tell(Fired(burst, SHOTS, int(FiredSource.TIME_TAGS), numbers, (1,) * len(lost)))
            traces = recorder.room((len(kept), 1, SAMPLES))
            traces[:] = np.roll(TRACES[kept], burst, axis=2)
            if burst + 1 < BURSTS:
                recorder.arm(Armed(burst + 1, 0, first + SHOTS, SHOTS, burst + 1.0))
            recorder.record(ShotBlock(0, burst, kept + first, kept * 0.05, traces, planned))
            planned += len(kept)
            # The last shot of the burst before, and the first of this one.
            recorder.tell(Tagged(int(BadShot.OFF_SET_POINT), max(0, first - 1), first))
        finished = recorder.finish("complete", "done")
        assert (finished.recorded, finished.lost) == (BURSTS * SHOTS - 1, 1) == (recorder.recorded, 1)
        return recorder.path


def numbers_in_the_plan(series: Series) -> list[tuple[int, int]]:
    return [(int(one.planned[shot]), int(one.bad[shot])) for one in series.parts for shot in one.recorded]


def test_whatever_the_size_the_run_is_the_same(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole.h5", 1e9)
    assert whole.name == "whole.h5"
    # Every burst in a file of its own; the first file holds none.
    newest = run(tmp_path / "run.h5", 1.0)
    with Series(whole) as one, Series(newest) as many:
        assert len(one.parts) == 1
        assert len(many.parts) == BURSTS + 1
        assert [part.status for part in many.parts] == [*[CONTINUED] * (len(many.parts) - 1), "complete"]
        assert newest == part_path(tmp_path / "run.h5", len(many.parts))
        for part in (*one.parts, *many.parts):
            assert verify(part).complete, verify(part).faults
        assert not verify_plan(many).faults
        assert verify_plan(many).recorded == BURSTS * SHOTS - 1
        assert numbers_in_the_plan(many) == numbers_in_the_plan(one)
        assert all(part.steps[0].field_set_T == 2.4 for part in many.parts)
        assert many.parts[1].planned_done == int(many.parts[1].planned[many.parts[1].recorded[0]])
    last = [list(follow(path))[-2] for path in (whole, tmp_path / "run.h5", newest)]
    assert all(isinstance(one, Reduced) for one in last)
    spectra = [one.spectra for one in last if isinstance(one, Reduced)]
    assert spectra[0] == spectra[1] == spectra[2]


def test_a_part_is_followed_by_the_next(tmp_path: Path) -> None:
    assert next_path(tmp_path / "run.h5") == tmp_path / "run-part-2.h5"
    assert next_path(tmp_path / "run-part-9.h5") == tmp_path / "run-part-10.h5"
    assert next_path(tmp_path / "some-part-x.h5") == tmp_path / "some-part-x-part-2.h5"
