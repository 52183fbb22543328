"""Whatever is altered in a finished run file, verification finds it: above all which step and field a shot belongs to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import msgspec
import numpy as np
import pytest

from daq.record.layout import BURST_COLUMNS, SHOT_COLUMNS, STEP_COLUMNS, BadShot
from daq.record.messages import Channel, EventTiming, Happened, Logged, Measured, NewStep, Snapshot, Tagged
from daq.record.recorder import Recorder
from daq.record.recover import recover
from daq.record.run_file import RunFile, RunFileError
from daq.record.verify import verify
from tests.daq.record.test_recording import SHOTS, header, published, take


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A complete run with a lost shot, bad ones, and something in every table."""
    path = tmp_path_factory.mktemp("whole") / "run.h5"
    create = msgspec.structs.replace(
        header(path),
        set_points=(Channel("stage.position_mm", "mm"),),
        events=("q_switch",),
        snapshot=(Channel("magnet.current_A", "A"),),
        highest_code=(32000,),
    )
    with Recorder(create) as recorder:
        recorder.tell(Snapshot("start", 1.0, ("199.5",)))
        recorder.tell(
            NewStep(
                0, 1.5, 2.4, 2.39, 25.1, 6.0, 432.0,
                shots=3 * SHOTS - 1, set_points={"stage.position_mm": (1.0, 1.1)}, timing={"q_switch": EventTiming(1e-4, 9e-5)},
            )
        )  # fmt: skip
        for burst in range(3):
            take(recorder, burst, burst * SHOTS, missing=(2,) if burst == 1 else ())
        recorder.tell(Measured(np.arange(3).tobytes(), np.full(3, 1e-8).tobytes()))
        recorder.tell(Tagged(int(BadShot.DARK), 4, 5))
        recorder.tell(Logged(0, 2.0, 199.5))
        recorder.tell(Happened(2.5, "the rod squeaks", kind=1))
        recorder.finish("complete", "done")
    return path.read_bytes()


@pytest.fixture
def run_file(whole: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "run.h5"
    path.write_bytes(whole)
    return path


def faults(path: Path) -> list[str]:
    """What is wrong with a file that may be refused altogether."""
    try:
        with RunFile(path) as run:
            return verify(run).faults
    except RunFileError as error:
        return [str(error)]


def another(value: Any) -> Any:
    """A value of the same type, and not the same."""
    if isinstance(value, bytes):
        return b"another"
    return 17.25 if isinstance(value, float | np.floating) else value + 1


def test_a_run_with_everything_is_complete(run_file: Path) -> None:
    assert faults(run_file) == []


COLUMNS = [
    *(f"shots/{name}" for name in SHOT_COLUMNS),
    *(f"bursts/{name}" for name in BURST_COLUMNS),
    *(f"steps/{name}" for name in STEP_COLUMNS),
    *(f"steps/set_points/stage.position_mm/{name}" for name in ("set", "read_back")),
    *(f"steps/timing/q_switch/{name}" for name in ("planned", "programmed")),
    *(f"housekeeping/magnet.current_A/{name}" for name in ("time", "value")),
    *(f"events/{name}" for name in ("time", "text", "kind")),
    *(f"snapshots/{name}" for name in ("start", "end", "quantity")),
    "sizes",
]


@pytest.mark.parametrize("name", COLUMNS)
def test_an_altered_column_is_a_fault(run_file: Path, name: str) -> None:
    with h5py.File(run_file, "r+") as file:
        column = file["entry"][name]
        column[0] = another(column[0])
    found = faults(run_file)
    assert any(f"entry/{name}" in fault or str(run_file) in fault for fault in found), found


@pytest.mark.parametrize("name", ["title", "element", "status", "end_reason", "start_time", "continues_id", "planned_done"])
def test_an_altered_text_is_a_fault(run_file: Path, name: str) -> None:
    with h5py.File(run_file, "r+") as file:
        file["entry"][name][()] = another(file["entry"][name][()])
    assert any(f"entry/{name}" in fault for fault in faults(run_file))


@pytest.mark.parametrize("name", ["start_s", "interval_s", "scale_V", "offset_V", "highest_code"])
def test_an_altered_scale_is_a_fault(run_file: Path, name: str) -> None:
    with h5py.File(run_file, "r+") as file:
        file["entry/traces/counts"].attrs[name] = 2 * file["entry/traces/counts"].attrs[name] + 1e-9
    assert any(f"{name} of entry/traces/counts" in fault for fault in faults(run_file))


def swapped_steps(shots: h5py.Group) -> None:
    shots["step"][:SHOTS] = 1


def swapped_bursts(shots: h5py.Group) -> None:
    shots["burst"][:SHOTS], shots["burst"][SHOTS : 2 * SHOTS] = 1, 0


def fewer(shots: h5py.Group) -> None:
    shots["committed"][()] = 2 * SHOTS


def more(shots: h5py.Group) -> None:
    shots["committed"][()] = 10**15


@pytest.mark.parametrize("alter", [swapped_steps, swapped_bursts, fewer, more], ids=lambda alter: alter.__name__)
def test_the_shots_of_a_run_are_those_of_its_journal_again_after_recovery(
    run_file: Path, tmp_path: Path, alter: Callable[[h5py.Group], None]
) -> None:
    with h5py.File(run_file, "r+") as file:
        alter(file["entry/shots"])
    assert faults(run_file)
    recover(run_file, tmp_path / "recovered.h5")
    assert faults(tmp_path / "recovered.h5") == []


def test_a_file_without_its_journal_proves_nothing(run_file: Path) -> None:
    with h5py.File(run_file, "r+") as file:
        file["entry/journal"].resize(1, axis=0)
    assert any("its journal" in fault for fault in faults(run_file))


def test_the_ledger_of_a_running_file_is_checked_without_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        take(recorder, 0, 0)
        with published(path, SHOTS) as run:
            assert run.status == "running"
            assert verify(run).complete
        recorder.finish("complete", "done")
