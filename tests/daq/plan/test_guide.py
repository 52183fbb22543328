"""The plan that the guide prints is a plan that a laboratory can do."""

import re
import tomllib
from pathlib import Path

from config.laboratory import SHIPPED, read_laboratory
from config.model import check_model
from daq.plan.checking import plan_faults
from daq.plan.plan import Plan

GUIDE = (Path(__file__).parents[3] / "docs" / "plans.md").read_text()


def test_the_plan_of_the_guide_can_be_done() -> None:
    (printed,) = re.findall(r"^```toml$(.+?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    laboratory, calibrations = read_laboratory(SHIPPED / "every-instrument.toml")
    assert plan_faults(check_model(tomllib.loads(printed), Plan, "guide"), laboratory, calibrations) == []


def test_the_guide_names_every_shipped_plan() -> None:
    assert all(f"`{path.stem}`" in GUIDE for path in (SHIPPED / "plans").glob("*.toml"))
