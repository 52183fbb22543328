"""A file that is no whole run gets one clear sentence and exit status 1 from every command that reads one."""

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from daq.cli.program import main
from daq.record.journal import MAGIC
from daq.record.messages import Happened
from daq.record.recorder import Recorder
from tests.daq.record.test_recording import SHOTS, header, take

READERS = [("verify",), ("analyse",), ("log",), ("run", "--resume")]


@pytest.fixture
def clusterbeam(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The program in this process: exit status, what it printed, what it complained of."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["clusterbeam", *(str(argument) for argument in arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """A small complete run."""
    path = tmp_path / "run.h5"
    with Recorder(header(path)) as recorder:
        first = take(recorder, 0, 0)
        take(recorder, 1, first)
        recorder.tell(Happened(61.0, "recording into run.h5"))
        recorder.tell(Happened(125.0, "the rod squeaks", kind=1))
        recorder.finish("complete", "done")
    return path


def truncated(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: 2 * len(content) // 3])


def beheaded(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[:64] = b"\0" * 64
    path.write_bytes(content)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def of_text(path: Path) -> None:
    path.write_text("shots, moments\n" * 100)


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["image"] = [1, 2, 3]


def newer(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["schema_version"] = 99


def gone(path: Path) -> None:
    path.unlink()


DAMAGES = [truncated, beheaded, emptied, of_text, foreign, newer, gone]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_one_sentence(
    run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]], command: tuple[str, ...], damage: Callable[[Path], None]
) -> None:
    damage(run_file)
    status, _, said = clusterbeam(*command, run_file)
    assert status == 1
    assert said.startswith("clusterbeam: ")
    assert str(run_file) in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("damage", [emptied, of_text, foreign, gone], ids=lambda damage: damage.__name__)
def test_nothing_can_be_recovered_from_what_was_no_run(
    run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]], damage: Callable[[Path], None]
) -> None:
    damage(run_file)
    status, _, said = clusterbeam("recover", run_file)
    assert (status, said.count("\n")) == (1, 1)
    assert str(run_file) in said
    assert not list(run_file.parent.glob("*-recovered.h5"))


def test_a_flipped_bit_is_found_by_whoever_reads_the_trace(
    run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]]
) -> None:
    with h5py.File(run_file, "r") as file:
        chunk = file["entry/traces/counts"].id.get_chunk_info(3)
    content = bytearray(run_file.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x10
    run_file.write_bytes(content)
    status, _, said = clusterbeam("verify", run_file)
    assert status == 1
    assert "shot 3 " in said or "shots 0 to 7" in said
    status, printed, _ = clusterbeam("recover", run_file)
    assert status == 1
    assert f"{2 * SHOTS - 1} shots kept, 1 lost; 1 of these were recorded, between shots 3 and 3, and are damaged" in printed


def test_a_truncated_file_is_recovered_beside_it_or_in_its_place(
    run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]]
) -> None:
    truncated(run_file)
    left = run_file.read_bytes()
    status, printed, _ = clusterbeam("recover", run_file)
    assert status == 0
    assert "run-recovered.h5: " in printed
    assert "the end of the run is not in the file" in printed
    assert run_file.read_bytes() == left
    status, _, said = clusterbeam("recover", run_file)
    assert status == 1
    assert "exists" in said
    status, printed, _ = clusterbeam("recover", run_file, "--output", run_file.with_name("other.h5"), "--replace")
    assert status == 0
    status, printed, _ = clusterbeam("verify", run_file)
    assert status == 0
    assert "recorded" in printed


def test_nothing_is_replaced_by_less_than_it_may_hold(run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]]) -> None:
    content = bytearray(run_file.read_bytes())
    pages = [place for place in range(len(content)) if content.startswith(MAGIC, place)]
    content[pages[len(pages) // 2] + 100] ^= 0x10
    run_file.write_bytes(content)
    status, printed, said = clusterbeam("recover", run_file, "--replace")
    assert status == 1
    assert "a part of the journal is missing" in printed
    assert f"{run_file} is kept" in said
    assert run_file.read_bytes() == bytes(content)


def test_the_log_tells_events_and_notes(run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]]) -> None:
    status, printed, _ = clusterbeam("log", run_file)
    assert status == 0
    assert printed.splitlines()[1:] == ["     0:00:00  recording into run.h5", "     0:01:04  note: the rod squeaks"]
