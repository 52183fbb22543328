"""Run files that hold too little say so, and the points of a run stand for themselves."""

import math
from pathlib import Path

import pytest

from daq.analysis import live
from daq.analysis.follow import follow
from daq.analysis.runs import analyse_run
from daq.face.reduced import Moments
from daq.record.messages import NewStep
from daq.record.recorder import Recorder
from daq.record.run_file import RunFileError
from daq.record.series import Series
from tests.daq.analysis.scan import VELOCITY_m_s, scanned_run
from tests.daq.record.test_recording import header, take

CONDITIONS = [{"source_temperature_K": T, "velocity_m_s": velocity} for T, velocity in VELOCITY_m_s.items()]


def test_a_run_whose_traces_are_too_short_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        recorder.tell(NewStep(0, 0.0, 2.4, 2.39, 25.0, 6.0, 432.0))
        take(recorder, 0, 0)
        recorder.finish("complete", "done")
    with Series(path) as run, pytest.raises(RunFileError, match="cannot be analysed: none of the sizes of V"):
        analyse_run(run)


def test_a_point_that_cannot_be_analysed_does_not_spoil_the_others(tmp_path: Path) -> None:
    path = scanned_run(tmp_path / "one.h5", too_warm=(1,))
    with Series(path) as run:
        sound, warm = analyse_run(run)
    assert [sound.conditions, warm.conditions] == CONDITIONS
    assert (sound.reason, sound.results.cluster(11).behaviour) == ("", "atomic-like")
    assert "differ in source temperature" in warm.reason
    assert {(cluster.size, cluster.behaviour, cluster.note) for cluster in warm.results.clusters} == {
        (size, "undecided", warm.reason) for size in (10, 11, 12)
    }


def test_it_does_not_spoil_what_is_shown_of_them_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOMENTS_S", 0.0)
    monkeypatch.setattr(live, "MOMENTS_SHARE", math.inf)
    path = scanned_run(tmp_path / "one.h5", too_warm=(1,))
    with Series(path) as run:
        documents = [point.document() for point in analyse_run(run)]
    *_, meanwhile, last = [one for one in follow(path, wanted=lambda shots: True) if isinstance(one, Moments)]
    assert (meanwhile.final, last.final, last.reason) == (False, True, "")
    assert list(meanwhile.points) == list(last.points) == documents


def test_a_run_without_a_sound_point_says_why(tmp_path: Path) -> None:
    path = scanned_run(tmp_path / "none.h5", too_warm=(0, 1), shots=4)
    with Series(path) as run, pytest.raises(RunFileError, match=r"cannot be analysed: .* differ in source temperature"):
        analyse_run(run)
