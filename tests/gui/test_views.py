"""What each view shows of what it is told, and what can be taken out of it."""

import csv
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PyQt6.QtCore import QObject, Qt
from PyQt6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from daq.face.commands import Answer
from daq.face.preview import PlannedEvent, Preview
from daq.face.reduced import Moments
from gui.curves import Curves, Yield
from gui.feed import Feed, ServiceFeed
from gui.plots.plot import Plot
from gui.preferences import Preferences
from gui.procedures import PROCEDURES
from gui.window import Window
from tests.daq.analysis.scan import scanned_run
from tests.gui.fake import FakeClient, magnet, moments, reduced, running, shot_times, trace

Open = Callable[[Feed], Window]
Until = Callable[[Callable[[], object]], None]
EVENTS = (PlannedEvent("q_switch", 1e-3, 1e-5, 1e-9, "AB"), PlannedEvent("ionisation", 6e-3, 1e-5, 1e-9, "CD"))
PREVIEW = Preview(
    title="P",
    element="V",
    sizes=(2, 33),
    shots=100,
    points=1,
    headings=("step", "field / T"),
    steps=(("0", "0"), ("1", "2.4")),
    more_steps=True,
    period_s=0.05,
    events=EVENTS,
    duration_s=60.0,
    disk_bytes=10**6,
    duty=0.8,
    readout_s=0.5,
    at_most=False,
)


def press(qtbot: QtBot, where: QWidget, name: str) -> None:
    button = where.findChild(QPushButton, name)
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_checked_plan_shows_its_steps_and_its_shot(opened: Open, tmp_path: Path) -> None:
    client, plan = FakeClient(running()), tmp_path / "p.toml"
    plan.write_text("title = 'P'")
    window = opened(ServiceFeed(client))
    window.run.choose(plan)
    client.asked[-1][1].set_result(Answer(True, "P: 100 shots", 60.0, PREVIEW))
    window.beat()
    rows = list(csv.reader(window.run.steps.csv().splitlines()))
    assert rows == [["step", "field / T"], ["0", "0"], ["1", "2.4"], ["…", ""]]
    assert window.run.details.currentWidget() is window.run.steps
    client.put(shot_times())
    window.beat()
    programmed = [line.split(",")[1:] for line in window.run.shot.csv().splitlines()[1:]]
    assert programmed == [["1", "-0"], ["6.0000001", "-2"]]


def test_the_profile_stands_over_the_projection_with_its_fit_and_moment(opened: Open) -> None:
    client = FakeClient(running(), reduced(), moments())
    window = opened(ServiceFeed(client))
    window.beam.cluster.setValue(13)
    profile = window.beam.profile
    assert profile.plotItem.titleLabel.text == "V13: superparamagnetic, 2.60 ± 0.30 µB"
    assert "projection" in profile.csv().splitlines()[0]
    curves = Counter(row[0] for row in csv.reader(profile.csv().splitlines()[1:]))
    assert curves == {"0 T, 100 shots": 11, "2.4 T, 100 shots": 11, "2": 41, "3": 41}
    window.beam.cluster.setValue(12)
    assert profile.plotItem.titleLabel.text == "V12: non-magnetic, below 0.40 µB"


def test_plots_are_copied_as_text_and_as_picture(opened: Open, qtbot: QtBot) -> None:
    window = opened(ServiceFeed(FakeClient(running(), reduced())))
    window.tabs.setCurrentWidget(window.beam)
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    window.beam.spectrum.setFocus()
    qtbot.keyClick(window.beam.spectrum, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    rows = list(csv.reader(clipboard.text().splitlines()))
    assert rows[0] == ["curve", "flight time / µs", "mean signal / codes"]
    assert {row[0] for row in rows[1:]} == {"0 T", "2.4 T"}
    assert len(rows) == 2001
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window.beam.spectrum, Qt.Key.Key_C, both)
    assert clipboard.pixmap().width() == window.beam.spectrum.width()


def test_single_shots_and_the_yield(opened: Open) -> None:
    client = FakeClient(running(), reduced(shots=100), trace())
    window = opened(ServiceFeed(client))
    window.tabs.setCurrentWidget(window.signal)
    window.beat()
    assert window.signal.trace.plotItem.titleLabel.text == "shot 7"
    for shots in (200, 300):
        client.put(reduced(shots=shots))
        client.put(trace(shot=shots))
        window.beat()
    rows = [line.split(",") for line in window.signal.ions.csv().splitlines()[1:]]
    assert len(rows) == 3
    assert [float(row[2]) for row in rows] == pytest.approx([1.0, 1.0, 1.0])
    assert window.signal.trace.plotItem.titleLabel.text == "shot 300"


def test_the_yield_is_that_of_the_shots_since_the_last_look() -> None:
    found = Yield()
    for shots, height in ((100, 1.0), (200, 1.5), (200, 1.5)):
        message = reduced(shots=shots)
        found.hear(message, Scaled(Curves(message), height))
    shots, signal = found.curve()
    assert signal[1] / signal[0] == pytest.approx(2.0)
    assert len(shots) == 2
    found.hear(reduced("another", shots=50), Curves(reduced("another", shots=50)))
    assert len(found.curve()[0]) == 1


class Scaled(Curves):
    """The same profiles, larger."""

    def __init__(self, of: Curves, height: float) -> None:
        self._total = of.total()[0] * height, of.total()[1]

    def total(self) -> tuple[float, int]:
        return self._total


def test_results_are_a_table_and_files(opened: Open, qtbot: QtBot, tmp_path: Path, until: Until) -> None:
    client = FakeClient(running(), reduced(), moments())
    window = opened(ServiceFeed(client))
    window.tabs.setCurrentWidget(window.results)
    press(qtbot, window.results, "copy results")
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    rows = list(csv.reader(clipboard.text().splitlines()))
    assert [row[:3] for row in rows[1:]] == [["V12", "non-magnetic", "0.00"], ["V13", "superparamagnetic", "2.60 ± 0.30"]]
    window.results.save(str(tmp_path / "results.json"))
    assert json.loads((tmp_path / "results.json").read_text())["points"][0]["clusters"][1]["moment_uB"] == 2.6
    window.results.save(str(tmp_path / "absent" / "results.json"))
    assert window.results.told.text().startswith("■")
    window.results.draw(str(tmp_path / "figure.png"))
    until(lambda: not window.results.beside.busy)
    assert "there is no file run.h5" in window.results.told.text()
    client.put(Moments("run1", (), "no ions"))
    window.beat()
    assert window.results.table.rowCount() == 0
    assert window.results.what.text() == "no ions"


def test_moments_are_kept_under_the_name_of_their_own_run_only(opened: Open, tmp_path: Path) -> None:
    client = FakeClient(running(), reduced(), moments())
    window = opened(ServiceFeed(client))
    assert window.results.table.rowCount() == 2
    client.put(msgspec.structs.replace(running(), run_file="next.h5"))
    window.beat()
    assert window.results.table.rowCount() == 0
    assert window.results.what.text() == "no moments of this run yet"
    assert not any(button.isEnabled() for button in window.results.findChildren(QPushButton))
    client.put(moments("run2"))
    window.beat()
    window.results.save(str(tmp_path / "results.json"))
    assert json.loads((tmp_path / "results.json").read_text())["run_file"] == "next.h5"


def test_a_figure_is_not_told_as_another_one(opened: Open, tmp_path: Path, until: Until) -> None:
    window = opened(ServiceFeed(FakeClient(running(), reduced(), moments())))
    results = window.results
    results.draw(str(tmp_path / "first.png"))
    results.draw(str(tmp_path / "second.png"))
    assert results.told.text() == (
        f"■ {tmp_path / 'second.png'} is not drawn: another figure is being drawn in {tmp_path / 'first.png'}, wait for it"
    )
    until(lambda: not results.beside.busy)


def test_figures_of_several_points_are_told_as_many(opened: Open, tmp_path: Path, until: Until) -> None:
    run, figure = scanned_run(tmp_path / "run.h5", shots=4), tmp_path / "figure.png"
    window = opened(ServiceFeed(FakeClient(msgspec.structs.replace(running(), run_file=str(run)), reduced(), of_points(2))))
    window.results.draw(str(figure))
    until(lambda: not window.results.beside.busy)
    assert window.results.told.text().endswith(f"drawn in 2 files named after {figure}, one for each point")
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["figure-run-0.png", "figure-run-1.png"]


def test_a_point_that_comes_leaves_the_chosen_one(opened: Open) -> None:
    client = FakeClient(running(), reduced(), of_points(2))
    window = opened(ServiceFeed(client))
    window.results.points.setCurrentIndex(1)
    window.beam.points.setCurrentIndex(1)
    client.put(of_points(3))
    window.beat()
    assert window.results.points.count() == 3
    assert (window.results.points.currentText(), window.beam.points.currentText()) == ("point 2: 1 T", "point 2: 1 T")


def of_points(number: int) -> Moments:
    """At so many points of a scan of the field."""
    found = moments()
    points = tuple({**found.points[0], "point": point, "field_T": float(point)} for point in range(number))
    return msgspec.structs.replace(found, points=points)


def test_calibrations_are_procedures(opened: Open, qtbot: QtBot, tmp_path: Path, until: Until) -> None:
    window = opened(ServiceFeed(FakeClient(running())))
    window.tabs.setCurrentWidget(window.calibrate)
    view = window.calibrate
    view.kinds.setCurrentRow(4)
    assert "aluminium rod" in view.text.text()
    assert not view.evaluate.isEnabled()
    view.choose(tmp_path / "none.h5")
    press(qtbot, view, "evaluate")
    assert not view.evaluate.isEnabled()
    until(view.evaluate.isEnabled)
    assert "there is no file" in view.told.text()
    assert view.told.text().startswith("■")
    press(qtbot, view, "plan of the calibration")
    assert window.tabs.currentWidget() is window.run
    assert window.run.plan.text().endswith("aluminium-calibration.toml")
    assert all(Path(window.run.plan.text()).with_name(f"{one.plan}.toml").is_file() for one in PROCEDURES)


def test_large_numbers_and_back(opened: Open, qtbot: QtBot) -> None:
    window = opened(ServiceFeed(FakeClient(running())))
    qtbot.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    window.beat()
    assert window.pages.currentWidget() is window.large
    assert window.large.values["shots"].text() == "200 of 1,000  20%"
    assert window.large.values["source"].text() == "—"
    assert window.large.values["shots"].font().pixelSize() > 30
    qtbot.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert window.pages.currentWidget() is window.tabs


def test_the_next_window_is_as_the_last_one_was(opened: Open, qapp: QApplication) -> None:
    palette = qapp.palette()
    first = opened(ServiceFeed(FakeClient(running())))
    first.tabs.setCurrentWidget(first.safety)
    first.preferences.set_theme("dark")
    first.leave()
    try:
        second = opened(ServiceFeed(FakeClient(running())))
        assert second.tabs.currentWidget() is second.safety
        assert Preferences().theme == "dark"
    finally:
        qapp.setPalette(palette)


def test_marks_of_the_axis_count_from_the_middle_of_the_beam() -> None:
    curves = Curves(reduced())
    assert curves.middle_uB(13) == pytest.approx(0.0, abs=1e-9)
    assert curves.middle_uB(99) == 0.0
    curve = curves.at(13, 0.0)
    assert curve is not None
    assert curve.projection_uB is not None
    assert math.isclose(float(np.ptp(curve.projection_uB)), 5.0)


def test_nothing_piles_up_while_a_run_goes_on(opened: Open) -> None:
    """Hours of messages leave as many objects and drawn items as the first ones."""
    client = FakeClient(running(), magnet(), reduced(), trace(), moments(), shot_times())
    window = opened(ServiceFeed(client))

    def counted(messages: int) -> tuple[int, int]:
        for number in range(messages):
            client.put(reduced(shots=100 + 10 * number))
            client.put(trace(shot=number))
            client.put(moments())
            client.put(magnet(float(number)))
            window.tabs.setCurrentIndex(number % window.tabs.count())
            window.beat()
        plots = window.findChildren(Plot)
        return len(window.findChildren(QObject)), sum(len(plot.scene().items()) for plot in plots)

    assert counted(30) == counted(60)
