"""Run files in the programs that laboratories look at HDF5 with: silx view, and h5grove, which serves H5Web."""

import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from daq.record.recorder import Recorder, RecordingError
from daq.record.recover import recover
from daq.record.run_file import RunFile
from tests.daq.record.test_recording import SAMPLES, SHOTS, TRACES, header, take

silx = pytest.importorskip("silx.io")
nxdata = pytest.importorskip("silx.io.nxdata")
content = pytest.importorskip("h5grove.content")


def recorded(path: Path, compression: str) -> Path:
    """Two bursts."""
    with Recorder(msgspec.structs.replace(header(path), compression=compression)) as recorder:
        take(recorder, 1, take(recorder, 0, 0))
        recorder.finish("complete", "done")
    return path


def killed(path: Path) -> None:
    """A run whose writer is killed after two bursts."""
    with Recorder(header(path)) as recorder:
        first = take(recorder, 1, take(recorder, 0, 0))
        recorder.settle()
        os.kill(recorder.writer_pid, signal.SIGKILL)
        for burst in range(2, 9):
            first = take(recorder, burst, first)


@pytest.fixture
def recovered(tmp_path: Path) -> Path:
    with pytest.raises(RecordingError, match="the writer has died"):
        killed(tmp_path / "killed.h5")
    recover(tmp_path / "killed.h5", tmp_path / "recovered.h5")
    return tmp_path / "recovered.h5"


@pytest.mark.parametrize("compression", ["bitshuffle-lz4", "gzip", "none"])
def test_silx_plots_the_mean_trace_unasked(tmp_path: Path, compression: str) -> None:
    shows_the_mean_trace(recorded(tmp_path / "run.h5", compression))


def test_silx_opens_what_was_recovered_from_a_killed_run(recovered: Path) -> None:
    with RunFile(recovered) as run:
        assert len(run.recorded) >= 2 * SHOTS
    shows_the_mean_trace(recovered)


def shows_the_mean_trace(path: Path) -> None:
    with silx.open(str(path)) as file:
        default = nxdata.get_default(file)
        assert default is not None
        assert default.is_valid
        assert default.is_curve
        assert (default.signal_name, default.axes_dataset_names) == ("MCP signal", ["time"])
        np.testing.assert_allclose(default.signal[()], TRACES[:, 0].mean(axis=0), rtol=1e-5)
        assert default.title == "Mean trace of all shots"
        traces = nxdata.NXdata(file["entry/traces"])
        assert traces.is_valid
        assert traces.signal.shape[1:] == (1, SAMPLES)
        np.testing.assert_array_equal(traces.signal[3], TRACES[3])


@pytest.mark.parametrize("compression", ["bitshuffle-lz4", "gzip", "none"])
def test_h5grove_serves_h5web(tmp_path: Path, compression: str) -> None:
    path = recorded(tmp_path / "run.h5", compression)

    def asked(place: str) -> Any:
        with content.get_content_from_file(str(path), place, lambda status, message: LookupError(message)) as found:
            return found.data() if isinstance(found, content.DatasetContent) else found.attributes()

    assert asked("/entry")["default"] == "spectrum"
    assert {"signal": "mean", "NX_class": "NXdata"}.items() <= asked("/entry/spectrum").items()
    np.testing.assert_allclose(asked("/entry/spectrum/mean"), TRACES[:, 0].mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(asked("/entry/traces/counts")[5], TRACES[5])
