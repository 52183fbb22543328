"""The operator's window: it shows what a feed tells and asks for what is pressed, and decides nothing."""

import traceback
from pathlib import Path
from types import TracebackType
from typing import get_args

from PyQt6.QtCore import QEvent, QTimer
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import QLabel, QMainWindow, QTabWidget, QVBoxLayout, QWidget

from config.laboratory import SHIPPED
from daq.face.commands import EmergencyStop, GiveControl, TakeControl
from daq.face.state import AnyPart, ControlPart, RunPart
from gui.asking import Asking
from gui.beam_view import BeamView
from gui.dialogs import StopKey, ask, choose_plan
from gui.feed import Feed, Model
from gui.header import Header
from gui.look import say
from gui.machine_view import MachineView
from gui.run_view import RunView
from gui.safety_view import SafetyView
from gui.words import Grade

BEAT_MS = 50
STOP = "EMERGENCY STOP"
EVERYTHING, NOTHING = frozenset[type](get_args(AnyPart)), frozenset[type]()
TABS = ("&Run", "&Beam", "&Machine", "Sa&fety")


class Window(QMainWindow):
    """Of one feed.  With `may_end` the operator can have the service ended too when it closes: then `end_service` is true."""

    def __init__(self, feed: Feed, may_end: bool = False) -> None:
        super().__init__()
        self._feed, self._may_end, self._closing = feed, may_end, False
        self.end_service = False
        self._anew, self._good = NOTHING, True
        self.model = Model()
        self.asking = Asking(feed, self._told)
        self.key = StopKey(self.emergency_stop)
        self.header = Header(feed.live)
        self.run, self.beam = RunView(self.asking), BeamView()
        self.machine, self.safety = MachineView(), SafetyView(self.asking)
        self.tabs, self.told = QTabWidget(), QLabel()
        self._build()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.beat)
        self._timer.start(BEAT_MS)
        self.beat()

    def _build(self) -> None:
        for name, view in zip(TABS, (self.run, self.beam, self.machine, self.safety), strict=True):
            self.tabs.addTab(view, name)
        if not self._feed.live:
            self.tabs.setCurrentWidget(self.beam)
        self.told.setObjectName("told")
        self.told.setWordWrap(True)
        self.told.setMargin(4)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.addWidget(self.header)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.told)
        self.setCentralWidget(inside)
        self.resize(1280, 800)
        self.header.stop.connect(self.emergency_stop)
        self.header.control.connect(self._control)
        self.run.browse.connect(self._browse)
        if self._feed.live:
            self.key.works_in(self)

    def beat(self) -> None:
        """Take what has changed, some twenty times a second; nothing here waits."""
        changed = self._feed.update(self.model) | self._anew
        self._anew = NOTHING
        self.asking.collect()
        run = self.model.one(RunPart) or RunPart("", "")
        title = " — ".join(filter(None, (self.model.laboratory, run.title, run.state, "clusterbeam")))
        if title != self.windowTitle():
            self.setWindowTitle(title)
        self.header.heard(self.model)
        say(self.told, self.told.text(), Grade.IDLE if self._good else Grade.BAD)
        # Safety first: a defect of another view must not keep it from being shown.
        for view in (self.safety, self.machine, self.run, self.beam):
            view.heard(self.model, changed)

    def emergency_stop(self) -> None:
        """Ask for it at once, without a question."""
        self.asking(EmergencyStop(), STOP)

    def stumbled(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Say that the window itself has a defect, and go on."""
        traceback.print_exception(kind, error, trace)
        self._told(f"a defect of this window, which goes on: {kind.__name__}: {error}", False)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        assert event is not None
        if self._closing or self.model.trouble or not self._feed.live:
            self._timer.stop()
            event.accept()
            return
        event.ignore()
        answers = {"Close the window": self.leave}
        if self._may_end:
            answers["End the service as well"] = self._close_all
        ask(self, self.key, "The service, and a run that goes on, do not need this window.", answers)

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
        choose_plan(self, self.key, SHIPPED / "plans", lambda path: self.run.choose(Path(path)))

    def _control(self) -> None:
        holder = (self.model.one(ControlPart) or ControlPart()).holder
        if not holder:
            self.asking(TakeControl(), "take control")
        elif holder == self.model.me:
            self.asking(GiveControl(), "give control")
        else:
            take = {"Take it": lambda: self.asking(TakeControl(force=True), f"take control from {holder}")}
            ask(self, self.key, f"{holder} has control.  Take it all the same?  It is logged with both names.", take)
