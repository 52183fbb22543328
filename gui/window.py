"""The operator's window: it shows what a feed tells and asks for what is pressed, and decides nothing."""

from pathlib import Path
from types import TracebackType
from typing import get_args

from PyQt6.QtCore import QEvent, QTimer
from PyQt6.QtGui import QAction, QActionGroup, QCloseEvent, QKeySequence
from PyQt6.QtWidgets import QLabel, QMainWindow, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from config.laboratory import SHIPPED
from daq.face.commands import Answer, EmergencyStop, GiveControl, QueueRest, TakeControl
from daq.face.state import AnyPart, ControlPart, RunPart
from gui.asking import Asking
from gui.defects import report
from gui.dialogs import StopKey, ask, choose_file
from gui.feed import Feed, Model
from gui.header import Header
from gui.look import say
from gui.preferences import THEMES, Preferences
from gui.scrubber import Scrubber
from gui.views.beam import BeamView
from gui.views.calibrate import CalibrateView
from gui.views.large import LargeView
from gui.views.machine import MachineView
from gui.views.results import ResultsView
from gui.views.run import RunView
from gui.views.safety import SafetyView
from gui.views.signal import SignalView
from gui.words import Grade

BEAT_MS = 25
"""Forty looks a second at what has changed."""
STOP = "EMERGENCY STOP"
PLANS, RUNS = "Plans (*.toml)", "Run files (*.h5)"
EVERYTHING, NOTHING = frozenset[type](get_args(AnyPart)), frozenset[type]()


class Window(QMainWindow):
    """Of one feed.  With `may_end` the operator can have the service ended too when it closes: then `end_service` is true."""

    def __init__(self, feed: Feed, may_end: bool = False) -> None:
        super().__init__()
        self._feed, self._may_end, self._closing = feed, may_end, False
        self.end_service = False
        self._anew, self._good = NOTHING, True
        self.model, self.preferences = Model(), Preferences()
        self.asking = Asking(feed, self._told)
        self.key = StopKey(self.emergency_stop, self)
        self.header = Header(feed.live)
        self.scrubber = Scrubber(feed.replayed) if feed.replayed is not None else None
        self.run, self.beam, self.signal = RunView(self.asking), BeamView(), SignalView()
        self.machine, self.safety = MachineView(self.asking), SafetyView(self.asking)
        self.calibrate, self.results, self.large = CalibrateView(), ResultsView(), LargeView()
        self.tabs, self.pages, self.told = QTabWidget(), QStackedWidget(), QLabel()
        self._build()
        self.timer = QTimer(self)
        self.timer.timeout.connect(self.beat)
        self.timer.start(BEAT_MS)
        self.beat()

    def _build(self) -> None:
        views: dict[str, QWidget] = {
            "&Run": self.run,
            "&Beam": self.beam,
            "Sig&nal": self.signal,
            "&Machine": self.machine,
            "Sa&fety": self.safety,
            "&Calibrate": self.calibrate,
            "Resu&lts": self.results,
        }
        for name, view in views.items():
            self.tabs.addTab(view, name)
        self.told.setObjectName("told")
        self.told.setWordWrap(True)
        self.told.setMinimumWidth(1)
        self.told.setMargin(4)
        self.pages.addWidget(self.tabs)
        self.pages.addWidget(self.large)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(4, 0, 4, 0)
        for widget in filter(None, (self.header, self.scrubber, self.pages, self.told)):
            layout.addWidget(widget, 1 if widget is self.pages else 0)
        self.setCentralWidget(inside)
        self.resize(1280, 800)
        self.tabs.setCurrentIndex(self.preferences.restore(self, self.machine))
        if not self._feed.live:
            self.tabs.setCurrentWidget(self.beam)
            self.run.only_show()
        self._make_menu()
        self.header.stop.connect(self.emergency_stop)
        self.header.control.connect(self._control)
        self.run.browse.connect(self._browse)
        self.run.rest.connect(self._rest)
        self.calibrate.plan.connect(self._take_plan)
        self.key.work(self._feed.live)

    def _make_menu(self) -> None:
        bar = self.menuBar()
        menu = bar.addMenu("&View") if bar is not None else None
        assert menu is not None
        themes = QActionGroup(self)
        for theme in THEMES:
            action = _switch(f"{theme.capitalize()} colours", self)
            action.setChecked(theme == self.preferences.theme)
            action.triggered.connect(lambda checked, theme=theme: self.preferences.set_theme(theme))
            themes.addAction(action)
            menu.addAction(action)
        menu.addSeparator()
        self.large_numbers = _switch("&Large numbers", self, "Ctrl+L")
        self.large_numbers.toggled.connect(lambda large: self.pages.setCurrentWidget(self.large if large else self.tabs))
        self.full_screen = full = _switch("Full &screen", self, "F11")
        full.setChecked(self.isFullScreen())
        full.toggled.connect(lambda on: self.showFullScreen() if on else self.showNormal())
        menu.addActions([self.large_numbers, full])

    def beat(self) -> None:
        """Take what has changed, some forty times a second; nothing here waits."""
        heard = not self.model.trouble
        changed = self._feed.update(self.model) | self._anew
        if heard is bool(self.model.trouble):
            # What is not heard any more is not shown as it was.
            changed = EVERYTHING
        if self._anew:
            self.calibrate.recolour()
        self._anew = NOTHING
        self.asking.collect()
        run = self.model.one(RunPart) or RunPart("", "")
        title = " — ".join(filter(None, (self.model.called, run.title, run.state, "clusterbeam")))
        if title != self.windowTitle():
            self.setWindowTitle(title)
        self.header.heard(self.model)
        if self.scrubber is not None:
            self.scrubber.beat()
        say(self.told, self.told.text(), Grade.IDLE if self._good else Grade.BAD)
        # Safety first: a defect of another view must not keep it from being shown.
        for view in (self.safety, self.machine, self.run, self.beam, self.signal, self.results, self.large):
            view.heard(self.model, changed)

    def emergency_stop(self) -> None:
        """Ask for it at once, without a question."""
        self.asking(EmergencyStop(), STOP, self._stopped, no="is not confirmed everywhere")

    def _stopped(self, answer: Answer) -> None:
        self.header.failed_stop = "" if answer.ok else f"{STOP} NOT CONFIRMED: {answer.text}; use the button on the wall"

    def stumbled(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Say that the window itself has a defect, where it is written down and where the run's file is, and go on."""
        run = self.model.one(RunPart) or RunPart("", "")
        self._told(report(error, run.run_file), False)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        assert event is not None
        if self._closing or self.model.trouble or not self._feed.live:
            self.timer.stop()
            self.key.work(False)
            for view in (self.calibrate, self.results):
                view.beside.end()
            self.preferences.keep(self, self.machine, self.tabs.currentIndex())
            event.accept()
            return
        event.ignore()
        answers = {"Close the window": self.leave}
        if self._may_end:
            answers["End the service as well"] = self._close_all
        ask(self, "The service, and a run that goes on, do not need this window.", answers)

    def changeEvent(self, event: QEvent | None) -> None:
        """Another palette: everything is shown anew."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._anew = EVERYTHING

    def leave(self) -> None:
        """Close without a question."""
        self._closing = True
        self.close()

    def _close_all(self) -> None:
        self.end_service = True
        self.leave()

    def _told(self, text: str, good: bool) -> None:
        self._good = good
        say(self.told, text if good else f"{Grade.BAD.value} {text}", Grade.IDLE if good else Grade.BAD)

    def _browse(self) -> None:
        choose_file(self, "Choose a plan", SHIPPED / "plans", PLANS, lambda path: self.run.choose(Path(path)))

    def _rest(self) -> None:
        def chosen(path: str) -> None:
            self.asking(QueueRest(path), f"queue the rest of {Path(path).name}")

        run = self.model.one(RunPart) or RunPart("", "")
        choose_file(self, "Choose the file of an interrupted run", Path(run.run_file).parent.absolute(), RUNS, chosen)

    def _take_plan(self, path: Path) -> None:
        self.run.choose(path)
        self.tabs.setCurrentWidget(self.run)

    def _control(self) -> None:
        holder = (self.model.one(ControlPart) or ControlPart()).holder
        if not holder:
            self.asking(TakeControl(), "take control")
        elif holder == self.model.me:
            self.asking(GiveControl(), "give control")
        else:
            take = {"Take it": lambda: self.asking(TakeControl(force=True), f"take control from {holder}")}
            ask(self, f"{holder} has control.  Take it all the same?  It is logged with both names.", take)


def _switch(text: str, parent: QWidget, key: str = "") -> QAction:
    action = QAction(text, parent)
    action.setCheckable(True)
    if key:
        action.setShortcut(QKeySequence(key))
    return action
