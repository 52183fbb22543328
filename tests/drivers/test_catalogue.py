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


def test_every_driver_has_the_sheet_that_its_sources_name() -> None:
    of_a_family = {"cryomech_cpa_rtu": "cryomech_cpa"}
    for driver in DRIVERS:
        sheet = PAGE.parent / "protocols" / f"{of_a_family.get(driver, driver)}.md"
        assert "source" in sheet.read_text().lower(), driver
