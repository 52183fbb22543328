"""A queue of plans: what was checked is what runs, and what does not run is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigurationError
from daq.cli import run as command
from daq.engine.forecast import OutputError
from daq.engine.state import Ending, Summary
from daq.laboratory import Laboratory
from daq.plan.plan import Plan
from tests.daq.cli.conftest import SMALL

Acquired = list[tuple[Laboratory, Plan]]


@pytest.fixture
def queue(tmp_path: Path) -> list[Path]:
    """Three plans with titles of their own."""
    paths = [tmp_path / f"{name}.toml" for name in ("first", "second", "third")]
    for path in paths:
        path.write_text(SMALL.replace("Vanadium", path.stem))
    return paths


def ended(ending: Ending, path: Path) -> Summary:
    return Summary(path, ending, "", fired=1, recorded=1, lost=0)


def acquiring(monkeypatch: pytest.MonkeyPatch, during: Callable[[], Ending], output: Path) -> Acquired:
    """Instead of a run: what happens meanwhile and how it ends; the laboratories and plans that were to be run."""
    acquired: Acquired = []

    def acquire(laboratory: Laboratory, plan: Plan, directory: Path, notes: Any) -> Summary:
        acquired.append((laboratory, plan))
        return ended(during(), directory / f"{len(acquired)}.h5")

    monkeypatch.setattr(command, "acquire", acquire)
    return acquired


def test_what_was_checked_is_run_though_its_file_has_changed_or_gone(
    monkeypatch: pytest.MonkeyPatch, queue: list[Path], tmp_path: Path
) -> None:
    expected = [Laboratory().plan(path) for path in queue]

    def meanwhile() -> Ending:
        queue[1].write_text(SMALL.replace("shots_per_group = 80", "shots_per_group = 800"))
        queue[2].unlink(missing_ok=True)
        return Ending.COMPLETE

    acquired = acquiring(monkeypatch, meanwhile, tmp_path)
    command.run(queue, output=tmp_path / "runs")
    assert [plan for _, plan in acquired] == expected
    assert len({id(laboratory) for laboratory, _ in acquired}) == 3
    assert len({id(laboratory.configuration) for laboratory, _ in acquired}) == 1


def test_whatever_ends_a_queue_what_was_not_started_is_named(
    monkeypatch: pytest.MonkeyPatch, queue: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> Ending:
        raise OutputError("the disk is full")

    acquiring(monkeypatch, fails, tmp_path)
    with pytest.raises(OutputError):
        command.run(queue, output=tmp_path / "runs")
    assert capsys.readouterr().err == f"clusterbeam: not started: {queue[1]}, {queue[2]}\n"


def test_room_for_the_whole_queue_is_seen_to_before_the_first_run(
    monkeypatch: pytest.MonkeyPatch, queue: list[Path], tmp_path: Path
) -> None:
    queue[1].write_text(SMALL.replace("shots_per_group = 80", "shots_per_group = 1000000000"))
    acquired = acquiring(monkeypatch, lambda: Ending.COMPLETE, tmp_path)
    with pytest.raises(OutputError, match="MB free, the runs need about"):
        command.run(queue, output=tmp_path / "runs")
    assert not acquired


def test_a_path_is_printed_as_it_is(
    monkeypatch: pytest.MonkeyPatch, queue: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    acquired = acquiring(monkeypatch, lambda: Ending.COMPLETE, tmp_path)
    output = tmp_path / "out[" / "x]"
    command.run(queue, output=output)
    assert len(acquired) == 3
    assert f"{output / '1.h5'}: 1 shots fired" in capsys.readouterr().out


def test_an_output_that_is_a_file_is_refused_before_anything_is_opened(
    monkeypatch: pytest.MonkeyPatch, queue: list[Path], tmp_path: Path
) -> None:
    acquired = acquiring(monkeypatch, lambda: Ending.COMPLETE, tmp_path)
    with pytest.raises(ConfigurationError, match=r"cannot write into .*first\.toml \(File exists\)"):
        command.run(queue, output=queue[0])
    assert not acquired
