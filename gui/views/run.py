"""The run: a plan is chosen, checked and queued; what goes on, what waits, and what was said about it."""

from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QProgressBar,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from daq.face.commands import Answer, CheckPlan, Note, Pause, QueuePlan, ReleaseQueue, Resume, Stop, Unqueue
from daq.face.preview import Preview
from daq.face.reduced import ShotTimes
from daq.face.state import LogPart, QueuePart, RunPart
from gui.asking import Asking
from gui.feed import Kinds, Model
from gui.look import bold, say
from gui.plots.time_line import TimeLinePlot
from gui.sentence import Sentence
from gui.table import Row, Table
from gui.words import Grade, duration, run_grade


class RunView(QWidget):
    """`browse` is told when the operator wants to choose a plan from a file, `rest` when an interrupted run is to be chosen."""

    browse, rest = pyqtSignal(), pyqtSignal()

    def __init__(self, asking: Asking) -> None:
        super().__init__()
        self._ask, self._toml, self._name = asking, "", ""
        self._lines: tuple[str, ...] = ()
        self._verdict = Grade.IDLE
        layout = QVBoxLayout(self)
        layout.addLayout(self._plan_row())
        layout.addLayout(self._run_rows())
        below = QHBoxLayout()
        self.details = QTabWidget()
        self.steps, self.shot, queue = Table("steps of the plan", ()), TimeLinePlot(), QWidget()
        queue.setLayout(self._queue_column())
        for name, widget in (("Queue", queue), ("Steps of the plan", self.steps), ("A shot", self.shot)):
            self.details.addTab(widget, name)
        below.addWidget(self.details, 1)
        below.addLayout(self._log_column(), 1)
        layout.addLayout(below, 1)

    def _plan_row(self) -> QGridLayout:
        self.plan, self.checked = Sentence("no plan chosen", elide=Qt.TextElideMode.ElideMiddle), QLabel()
        self.plan.setObjectName("plan")
        self.checked.setObjectName("checked")
        self.checked.setWordWrap(True)
        browse = _button("Choose a &plan…", "browse", "a plan's TOML file")
        browse.clicked.connect(self.browse)
        self.queue = _button("&Queue it", "queue", "run it when those before it have ended; at once if there are none")
        self.queue.setEnabled(False)
        self.queue.clicked.connect(self._queue)
        rest = _button("&Do the rest of a run…", "rest", "queue what is left of the plan of a run that was stopped or failed")
        rest.clicked.connect(self.rest)
        grid = QGridLayout()
        grid.addWidget(browse, 0, 0)
        grid.addWidget(self.plan, 0, 1)
        grid.addWidget(self.queue, 0, 2)
        grid.addWidget(self.checked, 1, 1)
        grid.addWidget(rest, 1, 2)
        grid.setColumnStretch(1, 1)
        return grid

    def _run_rows(self) -> QGridLayout:
        self.title, self.state, self.counts = Sentence(), Sentence(lines=3), QLabel()
        self.file = Sentence(elide=Qt.TextElideMode.ElideMiddle)
        self.counts.setObjectName("counts")
        self.counts.setWordWrap(True)
        self.counts.setToolTip("shots by the run's ledger: every fired shot is recorded, or lost with a cause")
        bold(self.title, 1.2)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("shots recorded")
        pause = _button("Pa&use", "pause", "stop the triggers after reading the partial burst; nothing fires")
        resume = _button("R&esume", "resume", "go on after a pause")
        stop = _button("&Stop", "stop", "end the run in the safe state, with a complete file; the queue is held")
        pause.clicked.connect(lambda: self._ask(Pause(), "pause"))
        resume.clicked.connect(lambda: self._ask(Resume(), "resume"))
        stop.clicked.connect(lambda: self._ask(Stop(), "stop"))
        grid = QGridLayout()
        grid.addWidget(self.title, 0, 0)
        grid.addWidget(self.state, 1, 0)
        grid.addWidget(self.progress, 2, 0)
        grid.addWidget(self.counts, 3, 0)
        grid.addWidget(self.file, 4, 0)
        for row, button in enumerate((pause, resume, stop)):
            grid.addWidget(button, row, 1)
        grid.setColumnStretch(0, 1)
        return grid

    def _queue_column(self) -> QVBoxLayout:
        self.held = QLabel()
        self.held.setWordWrap(True)
        self.waiting = Table("waiting plans", ("ticket", "plan", "shots", "takes", "by"))
        remove = _button("Rem&ove", "remove", "take the chosen plan out of the queue")
        release = _button("Let t&he queue go on", "release", "after a run that was stopped or failed")
        self.waiting.acted_on_by(remove)
        remove.clicked.connect(self._remove)
        release.clicked.connect(lambda: self._ask(ReleaseQueue(), "let the queue go on"))
        buttons = QHBoxLayout()
        buttons.addWidget(remove)
        buttons.addWidget(release)
        buttons.addStretch()
        return _column("", self.held, self.waiting, buttons)

    def _log_column(self) -> QVBoxLayout:
        self.log = QListWidget()
        self.log.setObjectName("log")
        self.log.setAccessibleName("log of the laboratory")
        self.note = QLineEdit()
        self.note.setObjectName("note")
        self.note.setPlaceholderText("a note for the run's log, then Enter")
        self.note.returnPressed.connect(self._write)
        return _column("Log and notes", self.log, self.note)

    def only_show(self) -> None:
        """There is nobody to ask."""
        for button in self.findChildren(QPushButton):
            button.hide()
        self.note.hide()
        self.plan.hide()
        self.checked.hide()
        self.details.setCurrentWidget(self.shot)

    def choose(self, path: Path) -> None:
        """Show a plan and have it checked."""
        self.queue.setEnabled(False)
        self.plan.setText(str(path))
        try:
            self._toml, self._name = path.read_text(), path.name
        except (OSError, UnicodeDecodeError) as error:
            self._say_checked(Grade.BAD, f"{Grade.BAD.value} {path} cannot be read: {error}")
            return
        self._say_checked(Grade.IDLE, "is being checked …")
        toml = self._toml
        self._ask(CheckPlan(toml), f"check {path.name}", lambda answer: self._heard_of_check(toml, answer))

    def heard(self, model: Model, changed: Kinds) -> None:
        """What has changed; the verdict on a plan at each beat, since the palette may have."""
        say(self.checked, self.checked.text(), self._verdict)
        run = model.one(RunPart)
        if run is not None and RunPart in changed:
            self._show_run(run, model)
        queue = model.one(QueuePart)
        if queue is not None and QueuePart in changed:
            self._show_queue(queue, model)
        times = model.one(ShotTimes)
        if times is not None and ShotTimes in changed:
            self.shot.programme(times.events)
        elif self.shot.recolour():
            self.shot.draw()
        log = model.one(LogPart)
        if log is not None and LogPart in changed:
            self._show_log(log.lines)

    def _heard_of_check(self, toml: str, answer: Answer) -> None:
        if toml == self._toml:
            grade = Grade.GOOD if answer.ok else Grade.BAD
            self._say_checked(grade, f"{grade.value} {answer.text}")
            self.queue.setEnabled(answer.ok)
            if answer.preview is not None:
                self._show_preview(answer.preview)

    def _say_checked(self, grade: Grade, text: str) -> None:
        self._verdict = grade
        say(self.checked, text, grade)

    def _show_preview(self, shown: Preview) -> None:
        """What was checked: its steps, and the time line of its shots."""
        self.steps.set_columns(shown.headings)
        rows = [Row(row[0], row) for row in shown.steps]
        more = [Row("…", ("…", *("" for _ in shown.headings[1:])))] if shown.more_steps else []
        self.steps.show_rows([*rows, *more])
        self.shot.plan(shown.events)
        self.details.setCurrentWidget(self.steps)

    def _show_run(self, run: RunPart, model: Model) -> None:
        say(self.title, run.title or "no run yet")
        grade = model.graded(run_grade(run))
        say(self.state, f"{grade.value} {run.state}: {run.doing}", grade)
        self.progress.setMaximum(max(run.shots, 1))
        self.progress.setValue(run.recorded)
        left = f"; about {duration(run.left_s / run.speed)} left" if run.left_s else ""
        lost = f"{run.lost:,} lost" if run.lost else "none lost"
        way = run.fired - run.recorded - run.lost
        under_way = f", {way:,} being read" if way > 0 else ""
        say(self.counts, f"{run.fired:,} of {run.shots:,} shots fired: {run.recorded:,} recorded, {lost}{under_way}{left}")
        say(self.file, run.run_file)

    def _show_queue(self, queue: QueuePart, model: Model) -> None:
        grade = model.graded(Grade.WARNING if queue.held else Grade.IDLE)
        say(self.held, f"{grade.value} held: {queue.held}" if queue.held else f"{grade.value} not held", grade)
        rows = [
            Row(str(one.ticket), (str(one.ticket), one.title, f"{one.shots:,}", duration(one.duration_s), one.by), tip=one.name)
            for one in queue.waiting
        ]
        self.waiting.show_rows(rows)

    def _show_log(self, lines: tuple[str, ...]) -> None:
        """Its newest lines; those that are shown already stay as they are."""
        known = len(self._lines) if lines[: len(self._lines)] == self._lines else 0
        if not known:
            self.log.clear()
        self.log.addItems(lines[known:])
        self._lines = lines
        self.log.scrollToBottom()

    def _queue(self) -> None:
        self._ask(QueuePlan(self._toml, self._name), f"queue {self._name}")

    def _remove(self) -> None:
        self._ask(Unqueue(int(self.waiting.chosen())), f"remove ticket {self.waiting.chosen()}")

    def _write(self) -> None:
        text = self.note.text().strip()
        if text:
            self._ask(Note(text), "note", lambda answer: self._written(text, answer))

    def _written(self, text: str, answer: Answer) -> None:
        if answer.ok and self.note.text().strip() == text:
            self.note.clear()


def _button(text: str, name: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    return button


def _column(title: str, *things: QWidget | QHBoxLayout) -> QVBoxLayout:
    column = QVBoxLayout()
    if title:
        heading = QLabel(title)
        bold(heading)
        column.addWidget(heading)
    for thing in things:
        column.addLayout(thing) if isinstance(thing, QHBoxLayout) else column.addWidget(thing)
    return column
