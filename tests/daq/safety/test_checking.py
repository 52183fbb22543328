"""The interlocks that ship fit every instrument that a driver is for, and a simulated laboratory that is well."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from config.alarms import Alarms
from config.errors import ConfigurationError
from config.interlocks_in_force import TELLS, check_quantities, in_force, shipped
from config.laboratory import SHIPPED, Laboratory, read_laboratory
from config.model import check_model, read_toml
from daq.engine.instruments import Instruments
from daq.safety.checking import checked_interlocks
from daq.safety.interlocks import Interlocks
from drivers.registry import DRIVERS, driver_class, unconnected
from tests.daq.cli.conftest import simulation

EVERY = SHIPPED / "every-instrument.toml"


@pytest.mark.parametrize("path", [None, EVERY], ids=["simulated", "every instrument"])
def test_shipped_laboratories_have_what_shipped_interlocks_need(path: Path | None) -> None:
    assert checked_interlocks(read_laboratory(path)[0])


def test_so_has_each_second_driver_of_a_role() -> None:
    """With all spares taking part, there is one interlock for each of them."""
    instruments = read_laboratory(EVERY)[0].instruments
    declared = {
        name: {quantity.name: quantity.kind for quantity in unconnected(name, one).quantities.values()}
        for name, one in instruments.items()
    }
    found = in_force({}, {name: one.role for name, one in instruments.items()})
    assert {"chopper_unlocked (spare_chopper)", "compressor_off (serial_compressor)"} <= set(found)
    assert {name.partition(" (")[0] for name in found} == set(shipped())
    check_quantities(found, declared)


def test_no_driver_has_a_quantity_of_the_name_of_what_every_instrument_tells() -> None:
    for name in DRIVERS:
        assert not {quantity.name for quantity in driver_class(name).declared} & set(TELLS), name


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ("cold_head.temperature", "cold_head has no quantity 'temperature'; did you mean 'temperature_K'?"),
        (
            "spare_stage.axis1_position_mm",
            "there is no instrument 'spare_stage' that takes part in runs; did you mean 'stage'?",
        ),
    ],
)
def test_what_no_instrument_has_is_refused(quantity: str, said: str) -> None:
    own: dict[str, Any] = {"own": {"quantity": quantity, "above": 1.0, "action": "warn"}}
    laboratory = check_model(read_toml(EVERY) | {"interlocks": own}, Laboratory, "lab.toml")
    with pytest.raises(ConfigurationError) as error:
        checked_interlocks(laboratory)
    assert str(error.value) == f"the interlocks do not fit the instruments: interlocks.own: {said}"


def test_what_the_page_shows_can_be_written_so() -> None:
    page = (SHIPPED.parent / "docs" / "interlocks.md").read_text()
    blocks = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    table = tomllib.loads("\n".join(blocks))
    laboratory = check_model(read_toml(EVERY) | table, Laboratory, "lab.toml")
    found = checked_interlocks(laboratory)
    assert found["source_overheated"].above == 350.0
    assert found["field_without_water"].while_ is not None
    assert "chopper_unlocked" not in found
    assert laboratory.alarms == Alarms(notify=laboratory.alarms.notify)


def test_a_laboratory_that_is_well_is_left_alone(tmp_path: Path) -> None:
    """Everything that interlocks want to be fed, read from simulated instruments at rest; before a run and when it begins."""
    with simulation(tmp_path, "--config", EVERY, "--speed", 1) as found:
        laboratory, _ = read_laboratory(found.config)
        interlocks = Interlocks(checked_interlocks(laboratory))
        interlocks.feed("disk.free_MB", 50_000.0, 0.0)
        with Instruments(laboratory) as instruments:
            for at_s in (0.0, 100.0):
                for name, instrument in instruments.by_name.items():
                    interlocks.feed_status(name, instrument.status(), at_s)
                for quantity in interlocks.quantities:
                    name, _, its = quantity.partition(".")
                    if name in instruments.by_name and its not in TELLS:
                        interlocks.feed(quantity, instruments.by_name[name].read(its), at_s)
                verdict = interlocks.at(at_s)
                assert not verdict.holds
                assert not verdict.pauses
                assert {turn.state for turn in verdict.turns} <= {"ok", "unknown"}
                assert {one.state for one in interlocks.shown()} <= {"ok", "resting"}
                interlocks.enter("run", 50.0)
