"""The rolling log: one line a text, old files follow new ones, and a disk that refuses never raises."""

from pathlib import Path

import pytest

from daq.safety.rolling_log import RollingLog


def test_a_text_is_a_line_with_its_time(tmp_path: Path) -> None:
    with RollingLog(tmp_path / "made" / "here", "my laboratory", 1.0, 2) as log:
        log.write("the run began", 1_700_000_000.25)
        log.write("alarm\n2026-01-01T00:00:00.000Z nothing is wrong\x1b[2J µB", 1_700_000_001.0)
        assert log.path == tmp_path / "made" / "here" / "my-laboratory.log"
    assert log.path.read_text(encoding="utf-8").splitlines() == [
        "2023-11-14T22:13:20.250Z the run began",
        r"2023-11-14T22:13:21.000Z alarm\n2026-01-01T00:00:00.000Z nothing is wrong\x1b[2J µB",
    ]


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with RollingLog(tmp_path, "lab", 1.0, 2) as log:
            log.write(text, 0.0)
    assert log.path.read_text().count("\n") == 2


def test_full_files_make_room(tmp_path: Path) -> None:
    with RollingLog(tmp_path, "lab", 200e-6, 2) as log:
        for number in range(50):
            log.write(f"line {number}", 0.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lab.log", "lab.log.1", "lab.log.2"]
    text = "".join((tmp_path / name).read_text() for name in ("lab.log.2", "lab.log.1", "lab.log"))
    numbers = [int(line.rpartition(" ")[2]) for line in text.splitlines()]
    assert numbers == list(range(numbers[0], 50))
    assert all(path.stat().st_size <= 200 for path in tmp_path.iterdir())


def test_what_cannot_be_written_is_remembered_and_not_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, record: object) -> bool:
        raise OSError(28, "No space left on device")

    with RollingLog(tmp_path, "lab", 1.0, 2) as log:
        with monkeypatch.context() as patch:
            patch.setattr("logging.handlers.RotatingFileHandler.shouldRollover", full)
            log.write("lost", 0.0)
        assert log.trouble == f"{log.path} cannot be written: [Errno 28] No space left on device"
        log.write("kept", 0.0)
        assert log.trouble == ""
    assert log.path.read_text().endswith("Z kept\n")


def test_what_comes_when_it_is_closed_does_not_open_it_again(tmp_path: Path) -> None:
    with RollingLog(tmp_path, "lab", 1.0, 2) as log:
        log.write("kept", 0.0)
    log.write("late", 0.0)
    assert log.path.read_text().endswith("Z kept\n")
