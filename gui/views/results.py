"""Results: the moments as a table beside the paper's, and figures and files of them by one click."""

import json
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from daq.analysis.results import Results
from daq.analysis.table import HEADINGS, table
from daq.face.reduced import Moments
from daq.face.state import RunPart
from gui.beside import Beside, listed
from gui.dialogs import ask, choose_file
from gui.feed import Kinds, Model
from gui.look import say
from gui.points import Points
from gui.sentence import Sentence
from gui.table import Row, Table
from gui.words import Grade

PICTURES, JSON = "Figures (*.png *.pdf *.svg)", "JSON (*.json)"


class ResultsView(QWidget):
    """Of the run that is shown, and of no earlier one; numbers of one that goes on are not final."""

    def __init__(self) -> None:
        super().__init__()
        self._moments: Moments | None = None
        self._run_file = ""
        self._target = ""
        self.beside = Beside(lambda text, good: self._done(f"drawn in {self._target}" if good else text, good), self)
        self.table, self.points, self.what, self.told = Table("results", HEADINGS), Points(), Sentence(), QLabel()
        self.told.setWordWrap(True)
        self.points.currentIndexChanged.connect(self._show)
        copy, save, figure = (QPushButton(name) for name in ("Copy as C&SV", "Save as &JSON…", "&Draw the figure…"))
        copy.setToolTip("the table, into the clipboard")
        save.setToolTip("everything that is known of each cluster, as `clusterbeam analyse --json` gives it")
        figure.setToolTip("profiles and moments in the paper's style, by `clusterbeam analyse --figure`: PNG, PDF or SVG")
        self._buttons = copy, save, figure
        for button, name, act in (
            (copy, "copy", self._copy),
            (save, "save", lambda: self._ask_where("Save the results", JSON, self.save)),
            (figure, "figure", lambda: self._ask_where("Draw the figure", PICTURES, self.draw)),
        ):
            button.setObjectName(f"{name} results")
            button.clicked.connect(act)
        row = QHBoxLayout()
        for widget in (self.what, self.points, copy, save, figure):
            row.addWidget(widget, 1 if widget is self.what else 0)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.told)
        self._show()

    def heard(self, model: Model, changed: Kinds) -> None:
        run_file = (model.one(RunPart) or RunPart("", "")).run_file
        if Moments in changed:
            self._moments, self._run_file = model.one(Moments), run_file
        elif run_file != self._run_file:
            # The moments of an earlier run say nothing of this one.
            self._moments, self._run_file = None, run_file
        else:
            return
        self.points.show_points(self._moments)
        self._show()

    def save(self, path: str) -> None:
        """All points, as one JSON document."""
        points = self._moments.points if self._moments else ()
        try:
            Path(path).write_text(json.dumps({"run_file": self._run_file, "points": points}, indent=1))
        except OSError as error:
            self._done(f"{path} cannot be written: {error}", False)
        else:
            self._done(f"saved in {path}", True)

    def draw(self, path: str) -> None:
        """The figure of the run file; of each of its points, if it has several."""
        command = ["analyse", self._run_file, "--json", "--figure", path]
        if self.beside.run(*command):
            points = len(self._moments.points) if self._moments else 1
            self._target = path if points == 1 else f"{points} files named after {path}, one for each point"
            say(self.told, f"{listed(command)} …")
        else:
            self._done(f"{path} is not drawn: another figure is being drawn in {self._target}, wait for it", False)

    def _show(self) -> None:
        place = self.points.place()
        there = self._moments is not None and place < len(self._moments.points)
        for button in self._buttons:
            button.setEnabled(there)
        if self._moments is None or not there:
            self.table.show_rows([])
            reason = self._moments.reason if self._moments is not None else ""
            self.what.setText(reason or "no moments of this run yet")
            return
        results = Results.of(self._moments.points[place])
        rows = [Row(cells[0], cells, tip=cluster.note) for cells, cluster in zip(table(results), results.clusters, strict=True)]
        self.table.show_rows(rows)
        state = "" if self._moments.final else ", so far"
        self.what.setText(f"run {self._moments.run_id[:8]}, {self._moments.shots:,} shots{state}; moments with total errors")

    def _copy(self) -> None:
        clipboard = QApplication.clipboard()
        assert clipboard is not None
        clipboard.setText(self.table.csv())
        say(self.told, "the table is in the clipboard")

    def _ask_where(self, title: str, kinds: str, act: Callable[[str], None]) -> None:
        def chosen(path: str) -> None:
            if not Path(path).exists():
                act(path)
                return
            ask(self, f"{path} is there already.  Replace it?", {"Replace it": lambda: act(path)}, careful=True)

        choose_file(self, title, Path(self._run_file).parent, kinds, chosen, new=True)

    def _done(self, text: str, good: bool) -> None:
        grade, last = Grade.GOOD if good else Grade.BAD, text.splitlines()[-1] if text else "done"
        say(self.told, f"{grade.value} {last}", grade)
