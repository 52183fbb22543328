"""What is always in sight: which laboratory, what it does, whether it is heard, who has control, the emergency stop."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from daq.face.state import ControlPart, EmergencyPart, RunPart
from gui.dialogs import STOP_KEY
from gui.feed import Model
from gui.look import bold, on_danger, say
from gui.sentence import Sentence
from gui.words import UNSURE, Grade, clock, duration, run_grade


class Header(QWidget):
    """Shows; what is pressed is told by `control`, for whoever holds it by now, and `stop`."""

    control = pyqtSignal()
    stop = pyqtSignal()

    def __init__(self, live: bool) -> None:
        super().__init__()
        self._live, self._active = live, False
        self.failed_stop = ""
        """Why an emergency stop is not certain: shown until another one succeeds, or is reset."""
        self.laboratory, self.run, self.alarms, self.holder = Sentence(), Sentence(lines=2), Sentence(), Sentence()
        self.take = QPushButton("&Take control")
        self.take.setObjectName("control")
        self.take.clicked.connect(self.control)
        self.emergency = QPushButton(f"EMERGENCY STOP\n{STOP_KEY.toString()}")
        self.emergency.setObjectName("emergency stop")
        self.emergency.setToolTip(
            f"everything to its safe state at once, triggers first; key {STOP_KEY.toString()}, asks nothing"
        )
        self.emergency.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.emergency.setMinimumWidth(190)
        self.emergency.clicked.connect(self.stop)
        on_danger(self.emergency, QPalette.ColorRole.Button, QPalette.ColorRole.ButtonText)
        self.banner = QLabel()
        self.banner.setObjectName("banner")
        self.banner.setWordWrap(True)
        self.banner.setMargin(6)
        self.banner.setAutoFillBackground(True)
        on_danger(self.banner, QPalette.ColorRole.Window, QPalette.ColorRole.WindowText)
        for widget, larger in ((self.laboratory, 1.4), (self.emergency, 1.1), (self.banner, 1.2)):
            bold(widget, larger)
        for widget in (self.take, self.emergency, self.holder):
            widget.setVisible(live)
        self._arrange()

    def _arrange(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 6, 6, 0)
        grid.addWidget(self.laboratory, 0, 0)
        grid.addWidget(self.run, 1, 0)
        grid.addWidget(self.alarms, 0, 1)
        grid.addWidget(self.holder, 1, 1)
        grid.addWidget(self.take, 0, 2, 2, 1)
        grid.addWidget(self.emergency, 0, 3, 2, 1)
        grid.addWidget(self.banner, 2, 0, 1, 4)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)

    def heard(self, model: Model) -> None:
        say(self.laboratory, model.called or "no laboratory yet", Grade.WARNING if model.simulated else Grade.IDLE)
        run = model.one(RunPart) or RunPart("idle", "nothing is known yet")
        grade = model.graded(run_grade(run))
        say(self.run, f"{grade.value} {run.state}: {run.doing}", grade)
        self._show_alarms(model)
        self._show_control(model)
        emergency = model.one(EmergencyPart) or EmergencyPart(False)
        if self._active and not emergency.active:
            self.failed_stop = ""
        self._active = emergency.active
        banner = "\n".join(filter(None, (self.failed_stop, self._banner(model, emergency))))
        self.banner.setText(banner)
        self.banner.setVisible(bool(banner))

    def _show_alarms(self, model: Model) -> None:
        new = model.new_alarms()
        told = f"{Grade.BAD.value} {len(new)} new alarm{'s' * (len(new) > 1)}" if new else "no new alarms"
        say(self.alarms, told, model.graded(Grade.BAD if new else Grade.IDLE))
        self.alarms.setToolTip("\n".join(one.text for one in new))

    def _show_control(self, model: Model) -> None:
        holder = (model.one(ControlPart) or ControlPart()).holder
        mine = bool(holder) and holder == model.me
        say(self.holder, "you have control" if mine else f"control: {holder or 'nobody'}")
        self.holder.setToolTip(f"{self.holder.text()}; this window is {model.me or 'not connected'}")
        wanted = "&Give control" if mine else "&Take control"
        if self.take.text() != wanted:
            self.take.setText(wanted)

    def _banner(self, model: Model, emergency: EmergencyPart) -> str:
        if model.trouble and not self._live:
            return f"{model.laboratory} cannot be shown any further: {model.trouble}"
        if model.trouble:
            return f"NOT HEARD FOR {duration(model.age_s)}; what is shown is old.  {model.trouble}"
        if emergency.active:
            unsure = any(UNSURE in line for line in emergency.outcomes)
            how = "goes on" if not emergency.done else "not everywhere confirmed" if unsure else "everything is safe"
            return f"EMERGENCY STOP by {emergency.by} at {clock(emergency.at)}: {how}; see Safety"
        return ""
