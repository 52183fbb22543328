"""Tables that are shown again and again: what is chosen stays what it is, or nothing is."""

import pytest
from PyQt6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from gui.table import Row, Table


@pytest.fixture
def table(qtbot: QtBot) -> tuple[Table, QPushButton]:
    """A table of names, and the button that acts on the chosen one."""
    shown, act = Table("names", ("name",)), QPushButton("act")
    qtbot.addWidget(shown)
    qtbot.addWidget(act)
    shown.acted_on_by(act)
    return shown, act


def show(table: Table, names: str) -> None:
    table.show_rows([Row(name, (name,)) for name in names])


def test_what_is_chosen_is_acted_on_wherever_it_stands(table: tuple[Table, QPushButton]) -> None:
    shown, act = table
    show(shown, "abc")
    assert not act.isEnabled()
    shown.selectRow(1)
    for names in ("abc", "xabc", "cb", "b"):
        show(shown, names)
        assert shown.chosen() == "b"
        assert act.isEnabled()


@pytest.mark.parametrize("left", ["ac", "a", "c", "acd", "xyz", ""])
def test_when_it_goes_no_other_is_acted_on_in_its_place(table: tuple[Table, QPushButton], left: str) -> None:
    shown, act = table
    show(shown, "abc")
    shown.selectRow(1)
    show(shown, left)
    assert shown.chosen() == ""
    assert not shown.selectedItems()
    assert not act.isEnabled()


def test_one_that_comes_alone_is_chosen(table: tuple[Table, QPushButton]) -> None:
    shown, act = table
    show(shown, "a")
    assert shown.chosen() == "a"
    assert act.isEnabled()
    show(shown, "ba")
    assert shown.chosen() == "a"
