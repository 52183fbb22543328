"""Calibrations as guided procedures: what to prepare, the plan to run, and the run file that it is made from."""

from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QFontDatabase
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QListWidget, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from config.laboratory import SHIPPED
from gui.beside import Beside, listed
from gui.dialogs import choose_file
from gui.look import bold, say
from gui.procedures import PROCEDURES, Procedure
from gui.sentence import Sentence
from gui.words import Grade

RUNS, FILES = "Run files (*.h5)", "Calibrations (*.toml)"


class CalibrateView(QWidget):
    """`plan` is told the plan that the operator wants to run."""

    plan = pyqtSignal(Path)

    def __init__(self) -> None:
        super().__init__()
        self.run_file: Path | None = None
        self.beside = Beside(self._evaluated, self)
        self.kinds, self.text, self.told = QListWidget(), QLabel(), QLabel()
        self.chosen = Sentence("no run file chosen", elide=Qt.TextElideMode.ElideMiddle)
        self.kinds.setObjectName("calibrations")
        self.kinds.setAccessibleName("calibrations")
        self.kinds.addItems([one.name for one in PROCEDURES])
        self.kinds.setMaximumWidth(200)
        self.text.setWordWrap(True)
        self.told.setWordWrap(True)
        self.report = QPlainTextEdit()
        self.report.setObjectName("report")
        self.report.setReadOnly(True)
        self.report.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.report.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._arrange()
        self.kinds.currentRowChanged.connect(self._show)
        self.kinds.setCurrentRow(0)

    def _arrange(self) -> None:
        steps = QGridLayout()
        plan, choose = QPushButton("2  Take its &plan to Run"), QPushButton("3  Choose the r&un file…")
        self.evaluate, self.keep = QPushButton("4  &Evaluate"), QPushButton("5  &Keep as a new version…")
        prepare = QLabel("1  Prepare")
        bold(prepare)
        for row, (left, right) in enumerate(
            ((prepare, self.text), (plan, None), (choose, self.chosen), (self.evaluate, self.told), (self.keep, None))
        ):
            steps.addWidget(left, row, 0)
            if right is not None:
                steps.addWidget(right, row, 1)
        steps.setColumnStretch(1, 1)
        plan.setObjectName("plan of the calibration")
        self.evaluate.setObjectName("evaluate")
        self.keep.setObjectName("keep")
        self.keep.setToolTip("the calibration file gets the next version; the version before stays beside it")
        plan.clicked.connect(lambda: self.plan.emit(SHIPPED / "plans" / f"{self._procedure().plan}.toml"))
        choose.clicked.connect(self._choose_run)
        self.evaluate.clicked.connect(lambda: self._evaluate(""))
        self.keep.clicked.connect(self._keep)
        right_side = QVBoxLayout()
        right_side.addLayout(steps)
        right_side.addWidget(self.report, 1)
        layout = QHBoxLayout(self)
        layout.addWidget(self.kinds)
        layout.addLayout(right_side, 1)
        self._allow()

    def choose(self, path: Path) -> None:
        """The run file that the calibration is to be made from."""
        self.run_file = path
        self.chosen.setText(str(path))
        self._allow()

    def recolour(self) -> None:
        """Another palette."""
        say(self.told, self.told.text())

    def _procedure(self) -> Procedure:
        return PROCEDURES[max(0, self.kinds.currentRow())]

    def _show(self, row: int) -> None:
        one = PROCEDURES[row]
        self.text.setText("\n".join((*one.before, f"It gives {one.gives}.")))
        self.report.clear()
        say(self.told, "")

    def _choose_run(self) -> None:
        start = self.run_file.parent if self.run_file else Path.cwd()
        choose_file(self, "Choose a run file", start, RUNS, lambda path: self.choose(Path(path)))

    def _keep(self) -> None:
        start = self.run_file.parent if self.run_file else Path.cwd()
        choose_file(self, "The calibration file", start, FILES, self._evaluate, new=True)

    def _evaluate(self, into: str) -> None:
        command = ["calibrate", self._procedure().kind, str(self.run_file), *(["--into", into] if into else [])]
        if self.beside.run(*command):
            self.report.setPlainText("")
            say(self.told, f"{listed(command)} …")
            self._allow()

    def _evaluated(self, text: str, good: bool) -> None:
        self.report.setPlainText(text)
        grade = Grade.GOOD if good else Grade.BAD
        say(self.told, f"{grade.value} {'done' if good else text.splitlines()[-1] if text else 'it failed'}", grade)
        self._allow()

    def _allow(self) -> None:
        for button in (self.evaluate, self.keep):
            button.setEnabled(self.run_file is not None and not self.beside.busy)
