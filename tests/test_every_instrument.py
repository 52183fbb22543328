"""Each wire-level driver once, against its simulator: who answers, every quantity, faults of the wire, raw words."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.laboratory import InstrumentConfiguration, read_laboratory
from drivers.driver import Driver
from drivers.errors import Refused
from drivers.keysight_infiniium import RATES_HZ as RATES_TO_ASK_FOR_HZ
from drivers.registry import DRIVERS, connect, driver_class
from simulators.instruments.keysight_infiniium import RATES_HZ
from tests.daq.cli.conftest import Simulation, command, simulation

ROOT = Path(__file__).parents[1]
EVERY = ROOT / "config" / "every-instrument.toml"
CONFIGURED = read_laboratory(EVERY)[0].instruments
NOT_NOW = {
    "digitizer": {"segment"},
    "energy_meter": {"energy_J"},
    "ionisation_laser": {"pulse_energy_mJ"},
    "spare_delay_generator": {f"{letter}_{what}" for letter in "abcdefgh" for what in ("gate", "gate_polarity")},
    "spare_chopper": {"open_percent"},
}
"""What an instrument that does nothing refuses: nothing captured, no pulse yet, no gate in use, another blade."""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulation(tmp_path_factory.mktemp("every"), "--config", EVERY, "--speed", 1) as found:
        yield found


def call(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), input=given, capture_output=True, text=True, timeout=60, check=False)


def configured(laboratory: Simulation, name: str) -> InstrumentConfiguration:
    return read_laboratory(laboratory.config)[0].instruments[name]


def test_it_has_every_driver_that_speaks_on_a_wire() -> None:
    assert sorted(one.driver for one in CONFIGURED.values()) == sorted(name for name in DRIVERS if driver_class(name).on_a_wire)


def test_the_simulated_digitizer_has_every_rate_that_a_plan_may_ask_for() -> None:
    assert set(RATES_TO_ASK_FOR_HZ) <= set(RATES_HZ)


def test_check_finds_everybody(laboratory: Simulation) -> None:
    result = call("check", "--config", laboratory.config, "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found) == set(CONFIGURED)
    for name, one in found.items():
        assert one["ok"], one
        assert one["name"] == name
        assert one["identity"]["model"]
        assert one["state"]
        assert 0 <= one["age_s"] < 30
    table = call("check", "--config", laboratory.config)
    assert table.returncode == 0
    assert "firmware" in table.stdout
    assert "✗" not in table.stdout


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
def test_the_serial_ones_answer_on_pseudo_terminals(tmp_path: Path) -> None:
    with simulation(tmp_path, "--config", EVERY, "--speed", 1, "--serial") as laboratory:
        found = json.loads(call("check", "--config", laboratory.config, "--json").stdout)
        serial = {name for name, one in laboratory.instruments.items() if one["address"].startswith("ASRL")}
    assert len(serial) == 20
    for one in found.values():
        assert one["ok"], one["error"]


@pytest.mark.parametrize("name", CONFIGURED)
def test_every_quantity_is_read_and_set_to_what_it_is(laboratory: Simulation, name: str) -> None:
    unit: Driver = connect(name, configured(laboratory, name))
    refused = set()
    try:
        unit.identify()
        unit.prepare()
        assert unit.status().state
        for quantity in unit.quantities.values():
            if quantity.access == "write":
                continue
            try:
                value = unit.read(quantity.name)
                if quantity.access == "read-write" and not quantity.name.endswith("_on"):
                    unit.write(quantity.name, value)
            except Refused:
                refused.add(quantity.name)
        assert unit.make_safe().confirmed
    finally:
        unit.close()
    assert refused == NOT_NOW.get(name, set())


@pytest.mark.timeout(180)
def test_random_faults_are_named_or_overcome() -> None:
    """The short version of the campaign in `benchmarks/faults.py`."""
    command = [sys.executable, "-P", str(ROOT / "benchmarks" / "faults.py"), "276"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "276 faults, 0 problems" in result.stdout


def test_raw_words(laboratory: Simulation, tmp_path: Path) -> None:
    log = tmp_path / "wire.log"
    result = call("talk", "hall_probe", "--config", laboratory.config, "--log", log, given="*IDN?\nUNIT?\nquit\n")
    assert result.returncode == 0, result.stderr
    assert "LSCI,MODEL425" in result.stdout
    assert "> b'*IDN?\\n'" in log.read_text()
    assert "< b'LSCI" in log.read_text()
    binary = call("talk", "vacuum", "--config", laboratory.config, given="hex 41 59 54 0d\n\\x05\nhex 4\n")
    assert "\\x06" in binary.stdout
    assert "hex 4' makes no bytes" in binary.stderr


@pytest.mark.parametrize("name", ["magnet", "ablation_laser", "ionisation_laser", "high_voltage"])
def test_raw_words_to_what_can_hurt_need_a_permission(laboratory: Simulation, name: str) -> None:
    refused = call("talk", name, "--config", laboratory.config, given="S1\n")
    assert refused.returncode == 2
    assert "--allow-unsafe" in refused.stderr
    if name == "magnet":
        allowed = call("talk", name, "--config", laboratory.config, "--allow-unsafe", given="S1H\n")
        assert allowed.returncode == 0
        assert allowed.stdout.strip()


def test_a_fault_file_is_played(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text(
        '[[fault]]\nat_s = 0.0\ninstrument = "high_voltage"\nkind = "trip"\nwith = { channel = 2 }\n'
        '[[fault]]\nat_s = 0.0\ninstrument = "magnet"\nkind = "wrong_identity"\n'
    )
    with simulation(tmp_path, "--config", EVERY, "--faults", faults, "--speed", 1) as laboratory:
        found = json.loads(call("check", "--config", laboratory.config, "--json").stdout)
    assert "channel 2: tripped" in found["high_voltage"]["warnings"]
    assert not found["magnet"]["ok"]
    faults.write_text('[[fault]]\nat_s = 1.0\ninstrument = "toaster"\nkind = "trip"\n')
    wrong = call("simulate", "--faults", faults)
    assert wrong.returncode == 2
    assert "no instrument 'toaster'" in wrong.stderr
