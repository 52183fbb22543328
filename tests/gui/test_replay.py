"""A recorded run in the window: held, gone on with, and seen as it was at another place."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QPushButton, QSlider
from pytestqt.qtbot import QtBot

from daq.face.reduced import Moments, Reduced
from daq.record.recorder import Recorder
from gui.feed import Feed, Model
from gui.replay import ReplayFeed
from gui.window import Window
from tests.daq.reduce.test_reduction import SAMPLES, SHOTS, run_of_three_sizes, take

Open = Callable[[Feed], Window]
Until = Callable[[Callable[[], object]], None]
BURSTS = 6


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """Bursts of noise, armed a second after each other."""
    path, dice = tmp_path / "run.h5", np.random.default_rng(3)
    with Recorder(run_of_three_sizes(path)) as recorder:
        for burst in range(BURSTS):
            take(recorder, burst, dice.normal(0.0, 3.0, (SHOTS, 1, SAMPLES)).round().astype(np.int16))
        recorder.finish("complete", "done")
    return path


@pytest.fixture
def replay(run_file: Path) -> Iterator[ReplayFeed]:
    with ReplayFeed(run_file, speed=0.0) as feed:
        yield feed


def finished(window: Window) -> bool:
    """Whether it shows the last moments of the run, which come after everything else."""
    moments = window.model.one(Moments)
    return moments is not None and moments.final


def test_it_is_held_and_goes_elsewhere(replay: ReplayFeed, opened: Open, qtbot: QtBot, until: Until) -> None:
    window = opened(replay)
    assert window.scrubber is not None
    told = window.scrubber.told
    until(lambda: finished(window) and told.text() == f"{BURSTS * SHOTS:,} of {BURSTS * SHOTS:,} shots")
    whole = window.model.one(Reduced)
    assert whole is not None
    hold, place = window.findChild(QPushButton, "hold"), window.findChild(QSlider, "scrubber")
    assert hold is not None
    assert place is not None
    qtbot.mouseClick(hold, Qt.MouseButton.LeftButton)
    place.setValue(2 * SHOTS)
    until(lambda: replay.shots == 2 * SHOTS and window.model.one(Moments) is None)
    until(lambda: place.value() == 2 * SHOTS)
    qtbot.mouseClick(hold, Qt.MouseButton.LeftButton)
    until(lambda: finished(window))
    assert window.model.one(Reduced) == whole
    assert not window.run.note.isVisible()


def test_it_ends_whatever_it_waits_for(run_file: Path) -> None:
    for held, speed in ((True, 1.0), (False, 0.001)):
        with ReplayFeed(run_file, speed=speed) as feed:
            feed.change(held=held)
            feed.update(Model())
