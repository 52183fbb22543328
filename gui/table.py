"""A table of rows with names, shown again and again without losing what the operator has chosen in it."""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from PyQt6.QtCore import QEvent
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QPushButton, QTableWidget, QTableWidgetItem

from gui.look import colour
from gui.words import Grade

ROOM = 7
"""Between the lines, in pixels."""


class Row(NamedTuple):
    """`name` tells which row it is, whatever its cells say."""

    name: str
    cells: tuple[str, ...]
    grade: Grade = Grade.IDLE
    tip: str = ""


class Table(QTableWidget):
    """Read only; one row can be chosen.  The last column takes the room that is left."""

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(name)
        self._buttons: tuple[QPushButton, ...] = ()
        self.set_columns(columns)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        header, numbers = self.horizontalHeader(), self.verticalHeader()
        assert header is not None
        assert numbers is not None
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        numbers.hide()
        numbers.setDefaultSectionSize(self.fontMetrics().height() + ROOM)
        self.itemSelectionChanged.connect(self._allow)

    def acted_on_by(self, *buttons: QPushButton) -> None:
        """These can be pressed while a row is chosen; the first row of an empty table is chosen when it comes alone."""
        self._buttons = buttons
        self._allow()

    def set_columns(self, columns: Sequence[str]) -> None:
        """Other columns, and no rows."""
        self._names: list[str] = []
        self._rows: Sequence[Row] = ()
        self.setRowCount(0)
        self.setColumnCount(len(columns))
        self.setHorizontalHeaderLabels(columns)

    def csv(self) -> str:
        """The headings and rows as they are seen."""
        rows = io.StringIO()
        writer = csv.writer(rows)
        columns = range(self.columnCount())
        headings = (self.horizontalHeaderItem(column) for column in columns)
        writer.writerow([heading.text() if heading else "" for heading in headings])
        for row in range(self.rowCount()):
            items = (self.item(row, column) for column in columns)
            writer.writerow([item.text() if item else "" for item in items])
        return rows.getvalue()

    def show_rows(self, rows: Sequence[Row]) -> None:
        """These rows; the chosen one stays chosen by its name, and when it goes none is: no other is acted on in its place."""
        chosen = self.chosen()
        if self._buttons and not self._names and len(rows) == 1:
            chosen = rows[0].name
        if len(rows) != self.rowCount():
            self.setRowCount(len(rows))
        self._names, self._rows = [row.name for row in rows], rows
        for number, row in enumerate(rows):
            for column, text in enumerate(row.cells):
                self._put(number, column, text, row)
        if chosen != self.chosen():
            self.selectRow(self._names.index(chosen)) if chosen in self._names else self.clear_choice()

    def changeEvent(self, e: QEvent | None) -> None:
        """Another palette: rows that nobody shows again have to be read, too."""
        super().changeEvent(e)
        if e is not None and e.type() == QEvent.Type.PaletteChange:
            self.show_rows(self._rows)

    def chosen(self) -> str:
        """The name of the chosen row, "" if none is."""
        rows = {item.row() for item in self.selectedItems()}
        return self._names[min(rows)] if rows and min(rows) < len(self._names) else ""

    def clear_choice(self) -> None:
        self.setCurrentItem(None)
        self.clearSelection()

    def _allow(self) -> None:
        for button in self._buttons:
            button.setEnabled(bool(self.chosen()))

    def _put(self, number: int, column: int, text: str, row: Row) -> None:
        item = self.item(number, column)
        if item is None:
            item = QTableWidgetItem()
            self.setItem(number, column, item)
        if item.text() != text:
            item.setText(text)
        if item.toolTip() != row.tip:
            item.setToolTip(row.tip)
        item.setForeground(colour(row.grade if column == 0 else Grade.IDLE))
