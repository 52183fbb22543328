"""What has been taken is not taken again: only the newest file of an interrupted plan can be gone on with."""

from pathlib import Path

import h5py
import msgspec
import pytest

from config.errors import ConfigurationError
from daq.engine.resume import interrupted
from daq.plan.plan import read_plan
from daq.record.journal import MAGIC
from daq.record.messages import Create, NewStep
from daq.record.parts import Parts
from daq.record.recorder import Recorder
from daq.record.series import part_path
from tests.daq.record.test_recording import SHOTS, header, take

PLAN = read_plan(Path("vanadium-25K")).model_dump_json()
FIRST, SECOND = "1" * 32, "2" * 32


def begun(path: Path, run_id: str, continues_file: str = "", continues_id: str = "") -> Create:
    return msgspec.structs.replace(
        header(path), plan_json=PLAN, run_id=run_id, continues_file=continues_file, continues_id=continues_id
    )


def stopped(create: Create) -> Path:
    """A run of one burst that the operator stopped."""
    with Recorder(create) as recorder:
        recorder.tell(NewStep(0, 0.0, 0.0, 0.0, 25.0, 6.0, 432.0, shots=100))
        take(recorder, 0, 0)
        recorder.finish("stopped", "by the operator")
        return recorder.path


def test_a_stopped_run_is_gone_on_with_after_what_it_holds(tmp_path: Path) -> None:
    path = stopped(begun(tmp_path / "a.h5", FIRST))
    stopped(begun(tmp_path / "another-run.h5", SECOND))
    _, before = interrupted(path)
    assert (before.run_id, before.planned_done) == (FIRST, SHOTS)


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "truncated"])
def test_a_run_that_was_resumed_once_is_not_resumed_twice(tmp_path: Path, cut: bool) -> None:
    path = stopped(begun(tmp_path / "a.h5", FIRST))
    newer = stopped(begun(tmp_path / "b.h5", SECOND, path.name, FIRST))
    if cut:
        content = newer.read_bytes()
        newer.write_bytes(content[: content.rfind(MAGIC)])
    with pytest.raises(ConfigurationError, match=r"a\.h5 goes on in b\.h5; give the newest file"):
        interrupted(path)


@pytest.mark.parametrize("beside", [True, False], ids=["beside it", "elsewhere"])
@pytest.mark.parametrize("status", ["continued", "aborted"])
def test_a_run_that_went_on_in_the_next_file_is_gone_on_with_from_there(tmp_path: Path, status: str, beside: bool) -> None:
    path = tmp_path / "run.h5"
    with Parts(begun(path, FIRST), 1.0) as parts:
        parts.tell(NewStep(0, 0.0, 0.0, 0.0, 25.0, 6.0, 432.0, shots=100))
        take(parts, 0, 0)
        parts.finish("complete", "done")
    if not beside:
        part_path(path, 2).unlink()
    with h5py.File(path, "r+") as file:
        file["entry/status"][()] = status.encode()
    with pytest.raises(ConfigurationError, match=r"goes on in run-part-2\.h5.*; give the newest file"):
        interrupted(path)
