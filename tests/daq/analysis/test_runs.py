"""Run files that hold too little say so."""

from pathlib import Path

import pytest

from daq.analysis.runs import analyse_run
from daq.record.messages import NewStep
from daq.record.recorder import Recorder
from daq.record.run_file import RunFileError
from daq.record.series import Series
from tests.daq.record.test_recording import header, take


def test_a_run_whose_traces_are_too_short_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        recorder.tell(NewStep(0, 0.0, 2.4, 2.39, 25.0, 6.0, 432.0))
        take(recorder, 0, 0)
        recorder.finish("complete", "done")
    with Series(path) as run, pytest.raises(RunFileError, match="cannot be analysed: none of the sizes of V"):
        analyse_run(run)
