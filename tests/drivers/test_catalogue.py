"""The page of instruments is what the drivers declare."""

from pathlib import Path

from drivers.catalogue import catalogue
from drivers.registry import DRIVERS

PAGE = Path(__file__).parents[2] / "docs" / "instruments.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == catalogue(), "run `make docs`"


def test_every_driver_is_on_it() -> None:
    text = catalogue()
    assert all(f"## {driver}\n" in text for driver in DRIVERS)
