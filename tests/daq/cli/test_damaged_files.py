"""A file that is no whole run gets one clear sentence and exit status 1 from every command that reads one."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from daq.cli.program import main
from daq.record.journal import CHECK, HEAD, MAGIC
from daq.record.messages import Happened
from daq.record.recorder import Recorder
from daq.record.series import Series
from tests.daq.record.test_parts import run as run_in_parts
from tests.daq.record.test_recording import SHOTS, header, take
from tests.daq.reduce.test_reduction import SAMPLES, run_of_three_sizes
from tests.daq.reduce.test_reduction import SHOTS as BURST
from tests.daq.reduce.test_reduction import take as take_burst

READERS = [("verify",), ("analyse",), ("log",), ("replay", "--as-fast-as-possible"), ("run", "--resume")]


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
    """The last page of its journal is missing, and all that lies behind it."""
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(MAGIC)])


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


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def with_a_version_of_text(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["schema_version"] = "3"


def with_other_calibrations(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["entry/configuration/calibrations_json"][()] = "{}"


def with_rows_too_few(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["entry/shots/state"]
        file["entry/shots/state"] = np.ones(SHOTS, np.uint8)


def continuing_itself(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["entry/continues_file"][()] = path.name


DAMAGES = [
    truncated,
    beheaded,
    emptied,
    of_text,
    foreign,
    newer,
    gone,
    a_directory,
    with_a_version_of_text,
    with_other_calibrations,
    with_rows_too_few,
    continuing_itself,
]
if hasattr(os, "mkfifo"):
    DAMAGES.append(a_fifo)


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
    assert len(said) < 400


def with_a_cause_that_is_none(file: h5py.File) -> None:
    file["entry/shots/state"][1], file["entry/shots/cause"][1] = 2, 77


def with_a_plan_of_another_shape(file: h5py.File) -> None:
    file["entry/configuration/plan_json"][()] = '{"title": 3, "shots": []}'


def with_a_step_beyond_its_end(file: h5py.File) -> None:
    file["entry/bursts/first_shot"][1] = 10**9


@pytest.mark.parametrize("edit", [with_a_cause_that_is_none, with_a_plan_of_another_shape, with_a_step_beyond_its_end])
def test_numbers_and_texts_that_make_no_sense_are_damage(
    run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]], edit: Callable[[h5py.File], None]
) -> None:
    with h5py.File(run_file, "r+") as file:
        edit(file)
    status, _, said = clusterbeam("verify", run_file)
    assert status == 1
    assert all(line.startswith(f"clusterbeam: {run_file}") for line in said.splitlines())
    assert "`clusterbeam recover`" in said


@pytest.mark.parametrize("command", ["verify", "log"])
def test_one_file_that_cannot_be_read_does_not_keep_the_others_from_being_looked_at(
    run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]], command: str
) -> None:
    other, missing = run_file.with_name("other.h5"), run_file.with_name("missing.h5")
    other.write_bytes(run_file.read_bytes())
    status, printed, said = clusterbeam(command, run_file, missing, other, run_file)
    assert status == 1
    assert said == f"clusterbeam: there is no file {missing}; give the path of a run file\n"
    heads = [f"{path.name}, started" if command == "log" else f"{path}: {2 * SHOTS} fired" for path in (run_file, other)]
    assert [printed.count(head) for head in heads] == [1, 1]


def test_the_parts_of_a_run_are_told_once_in_whatever_order_they_are_given(
    tmp_path: Path, clusterbeam: Callable[..., tuple[int, str, str]]
) -> None:
    newest = run_in_parts(tmp_path / "run.h5", 1.0)
    parts = sorted(tmp_path.glob("*.h5"))
    assert len(parts) > 3
    status, printed, said = clusterbeam("verify", *parts)
    assert (status, said) == (0, "")
    assert [printed.count(f"{part}: ") for part in parts] == [1] * len(parts)
    assert printed.count("of the plan") == 1
    status, printed, _ = clusterbeam("log", *parts)
    assert status == 0
    assert [printed.count(f"{part.name}, started") for part in parts] == [1] * len(parts)
    status, printed, said = clusterbeam("verify", parts[0], newest)
    assert (status, said, printed.count("of the plan")) == (0, "", 1)
    newest.unlink()
    status, printed, said = clusterbeam("verify", *tmp_path.glob("*.h5"))
    assert status == 1
    assert f"the run goes on in {newest.name}" in said


@pytest.mark.parametrize("command", [("analyse",), ("replay", "--as-fast-as-possible")], ids=lambda command: command[0])
def test_moments_of_a_run_whose_end_is_not_there_come_with_a_word(
    tmp_path: Path, clusterbeam: Callable[..., tuple[int, str, str]], command: tuple[str, ...]
) -> None:
    newest = run_in_parts(tmp_path / "run.h5", 1.0)
    with Series(newest) as series:
        before = series.parts[-2].path
    assert "goes on in" not in clusterbeam(*command, newest)[2]
    newest.unlink()
    assert f"clusterbeam: {before}: the run goes on in {newest.name}, which is left out" in clusterbeam(*command, before)[2]


def test_names_are_printed_as_they_are(run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]]) -> None:
    odd = run_file.with_name("run[bold][")
    odd.mkdir()
    path = run_file.rename(odd / "run [red].h5")
    assert f"{path}: 16 fired" in clusterbeam("verify", path)[1]
    assert "run [red].h5, started" in clusterbeam("log", path)[1]
    assert f"{odd / 'run [red]-recovered.h5'}: " in clusterbeam("recover", path)[1]


def test_a_file_is_not_replaced_from_another_disk(run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]]) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == run_file.stat().st_dev:
        pytest.skip("there is one disk only")
    target = elsewhere / f"clusterbeam-{os.getpid()}.h5"
    left = run_file.read_bytes()
    status, _, said = clusterbeam("recover", run_file, "--output", target, "--replace")
    assert (status, said.count("\n")) == (1, 1)
    assert "another disk" in said
    assert not target.exists()
    assert run_file.read_bytes() == left


@pytest.mark.parametrize("damage", [emptied, of_text, foreign, gone, a_directory], ids=lambda damage: damage.__name__)
def test_nothing_can_be_recovered_from_what_was_no_run(
    run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]], damage: Callable[[Path], None]
) -> None:
    damage(run_file)
    status, _, said = clusterbeam("recover", run_file)
    assert (status, said.count("\n")) == (1, 1)
    assert str(run_file) in said
    assert not list(run_file.parent.glob("*-recovered.h5"))


@pytest.mark.parametrize("command", ["analyse", "replay"])
def test_a_run_without_a_cluster_in_its_traces_is_said(
    run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]], command: str
) -> None:
    status, _, said = clusterbeam(command, run_file)
    assert (status, said.count("\n")) == (1, 1)
    assert "none of the sizes of V given arrives inside the trace" in said


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
    assert said.endswith("run-recovered.h5 exists; choose another file with --output\n")
    status, printed, _ = clusterbeam("recover", run_file, "--output", run_file.with_name("other.h5"), "--replace")
    assert status == 0
    status, printed, said = clusterbeam("verify", run_file)
    assert status == 0
    assert "recorded" in printed


def test_nothing_is_replaced_by_less_than_it_may_hold(run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]]) -> None:
    content = bytearray(run_file.read_bytes())
    pages = [place for place in range(len(content)) if content.startswith(MAGIC, place)]
    content[pages[len(pages) // 2] + HEAD.size + CHECK.size] ^= 0x10
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


LOOKING = [("verify",), ("log",), ("analyse",), ("replay", "--as-fast-as-possible")]


@pytest.fixture(scope="module")
def of_three_sizes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A run that can be analysed."""
    path = tmp_path_factory.mktemp("whole") / "run.h5"
    dice = np.random.default_rng(8)
    with Recorder(run_of_three_sizes(path)) as recorder:
        for burst in range(4):
            take_burst(recorder, burst, dice.normal(0.0, 3.0, (BURST, 1, SAMPLES)).round().astype(np.int16))
        recorder.tell(Happened(2.5, "a note"))
        recorder.finish("complete", "done")
    return path.read_bytes()


@pytest.mark.parametrize("command", [one for one in LOOKING if one[0] != "log"], ids=lambda command: command[0])
def test_a_flipped_bit_of_a_trace_is_one_sentence_for_each_command_that_reads_it(
    of_three_sizes: bytes, tmp_path: Path, clusterbeam: Callable[..., tuple[int, str, str]], command: tuple[str, ...]
) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(of_three_sizes)
    assert clusterbeam(*command, path)[0] == 0
    flipped = bytearray(of_three_sizes)
    with h5py.File(path, "r") as file:
        chunk = file["entry/traces/counts"].id.get_chunk_info(3)
    flipped[chunk.byte_offset + chunk.size // 2] ^= 0x10
    path.write_bytes(flipped)
    status, _, said = clusterbeam(*command, path)
    assert status == 1
    sentences = [line for line in said.splitlines() if line.startswith("clusterbeam: ")]
    assert len(sentences) == 1
    assert str(path) in sentences[0]
    assert "damaged" in sentences[0]


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_bit_anywhere_is_told_or_does_no_harm(
    of_three_sizes: bytes, tmp_path: Path, clusterbeam: Callable[..., tuple[int, str, str]], seed: int
) -> None:
    path, dice = tmp_path / "run.h5", np.random.default_rng(seed)
    flipped = bytearray(of_three_sizes)
    # The head of the file is all metadata.
    flipped[dice.integers(60_000 if seed % 2 else len(flipped))] ^= 1 << int(dice.integers(8))
    path.write_bytes(flipped)
    for command in LOOKING:
        status, _, said = clusterbeam(*command, path)
        assert status in (0, 1)
        assert status == 0 or str(path) in said
