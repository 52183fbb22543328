"""A recorded run is replayed at the pace of then, faster or slower, or as fast as it can be read."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from daq.analysis.beside import reducing
from daq.analysis.follow import at_speed, follow
from daq.analysis.live import Live
from daq.face.reduced import Moments, Published, Reduced
from daq.record.recorder import Recorder
from daq.record.run_file import RunFile, RunFileError
from daq.reduce.reduction import Reduction
from tests.daq.reduce.test_reduction import SAMPLES, SHOTS, run_of_three_sizes, take

BURSTS = 4


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """Bursts of noise, armed a second after each other."""
    path, dice = tmp_path / "run.h5", np.random.default_rng(3)
    with Recorder(run_of_three_sizes(path)) as recorder:
        for burst in range(BURSTS):
            take(recorder, burst, dice.normal(0.0, 3.0, (SHOTS, 1, SAMPLES)).round().astype(np.int16))
        recorder.finish("complete", "done")
    return path


def test_bursts_come_when_they_came_then(run_file: Path) -> None:
    waited: list[float] = []
    messages = list(follow(run_file, at_speed(0.1, waited.append)))
    np.testing.assert_allclose(waited, 10.0 * np.arange(BURSTS), atol=5.0)
    assert messages[-2:] == list(follow(run_file))[-2:]
    last, moments = messages[-2:]
    assert isinstance(last, Reduced)
    assert last.shots == BURSTS * SHOTS
    assert [(one.field_T, one.shots) for one in last.spectra] == [(0.0, 2 * SHOTS), (2.4, 2 * SHOTS)]
    assert isinstance(moments, Moments)


def test_without_a_listener_or_a_file_the_reducer_ends(run_file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def deaf(message: Published) -> None:
        raise LookupError("no screen")

    heard: list[Published] = []
    with reducing(run_file, deaf):
        pass
    assert capfd.readouterr().err == "clusterbeam: the live view gave up: LookupError: no screen\n"
    with reducing(run_file.with_name("other.h5"), heard.append):
        pass
    assert heard == []
    assert "there is no file" in capfd.readouterr().err
    with pytest.raises(RunFileError, match="there is no file"):
        list(follow(run_file.with_name("other.h5")))


def test_a_file_that_a_run_has_just_gone_on_in_has_no_trace_to_show_yet(run_file: Path, tmp_path: Path) -> None:
    create = msgspec.structs.replace(run_of_three_sizes(tmp_path / "next.h5"), run_id="ab" * 16)
    with Recorder(create) as recorder:
        recorder.finish("complete", "done")
    with RunFile(run_file) as first, RunFile(tmp_path / "next.h5") as following:
        reduction = Reduction(first)
        shots = [list(reduction.update(part))[-1] for part in (first, following)]
        shown = [Live(first.run_id).meanwhile(part, reduction, shots[-1], at_once=True) for part in (first, following)]
    assert shots == [BURSTS * SHOTS] * 2
    assert [[type(message).__name__ for message in one] for one in shown] == [["Trace", "ShotTimes", "Reduced"], ["Reduced"]]
