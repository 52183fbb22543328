"""What goes wrong inside an instrument is told by its driver: by a named error, or in its status."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.laboratory import Laboratory, read_laboratory
from drivers.driver import Driver
from drivers.errors import DriverError, LinkTimeout, Refused, WrongInstrument
from drivers.newport_esp301 import ESP301
from drivers.registry import connect
from drivers.roles import Status
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import simulation

EVERY = Path(__file__).parents[1] / "config" / "every-instrument.toml"
NAMES = list(read_laboratory(EVERY)[0].instruments)
NO_IDENTITY = {"spare_compressor"}
"""The F-70's protocol names no maker and no model."""
BOOT_S = 10.0


class Controlled(Remote):
    """The laboratory, and its control socket."""

    def __init__(self, laboratory: Laboratory) -> None:
        super().__init__(laboratory.control)
        self.instruments = laboratory.instruments

    def cure(self, name: str, kind: str) -> None:
        """Take away what lasts; instruments say it in one of two words, or have nothing that lasts."""
        self.ask(do="fault", instrument=name, kind=kind, present=False, cleared=True)

    def fresh(self, name: str) -> Driver:
        """The instrument as it is after a power cycle."""
        self.fault(name, "reboot")
        self(do="clock", advance=BOOT_S)
        unit: Driver = connect(name, self.instruments[name])
        try:
            unit.identify()
            unit.prepare()
            if isinstance(unit, ESP301):
                for axis in (1, 2):
                    unit.home(axis)
        except DriverError:
            unit.close()
            raise
        return unit


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Controlled]:
    with (
        simulation(tmp_path, "--config", EVERY, "--speed", 1) as found,
        Controlled(read_laboratory(found.config)[0]) as control,
    ):
        yield control


@pytest.mark.timeout(120)
def test_another_instrument_at_the_address_is_not_taken_for_ours(laboratory: Controlled) -> None:
    for name in NAMES:
        if name in NO_IDENTITY:
            continue
        laboratory.fault(name, "wrong_identity")
        unit: Driver = connect(name, laboratory.instruments[name])
        try:
            # A line that must be cleared first is cleared with a probe, which another instrument answers otherwise.
            with pytest.raises((WrongInstrument, LinkTimeout), match=f"^{name}: .*(answers|came)$"):
                unit.identify()
        finally:
            unit.close()


@pytest.mark.timeout(120)
def test_after_a_power_cycle_everybody_is_prepared_again_and_made_safe(laboratory: Controlled) -> None:
    for name in NAMES:
        unit = laboratory.fresh(name)
        try:
            laboratory.fault(name, "reboot")
            laboratory(do="clock", advance=BOOT_S)
            unit.identify()
            unit.prepare()
            assert unit.make_safe().confirmed, name
        finally:
            unit.close()


HIGH_VOLTAGES = ("high_voltage", "spare_high_voltage")


def with_voltage(laboratory: Controlled, name: str) -> Driver:
    """A supply with 2000 V on channel 1."""
    unit = laboratory.fresh(name)
    unit.write("ch1_ramp_up_V_s" if "ch1_on" in unit.quantities else "ch1_ramp_V_s", 250)
    unit.write("ch1_set_voltage_V", 2000)
    if "ch1_on" in unit.quantities:
        unit.write("ch1_on", True)
    laboratory(do="clock", advance=30.0)
    assert unit.status() == Status("on", True)
    return unit


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["trip", "switch", "reboot"])
def test_a_high_voltage_that_is_gone_stays_told(laboratory: Controlled, kind: str) -> None:
    """Also when the wire was lost with it, and the driver is another one."""
    for name in ("high_voltage", "spare_high_voltage"):
        before = with_voltage(laboratory, name)
        laboratory.fault(name, kind, **({} if kind == "reboot" else {"channel": 1}))
        assert not any(before.status().ok for _ in range(3))
        before.close()
        unit: Driver = connect(name, laboratory.instruments[name])
        try:
            unit.inherit(before)
            unit.identify()
            unit.prepare()
            assert not unit.status().ok
            assert unit.make_safe().confirmed
        finally:
            unit.close()


def test_slow_speech_is_not_taken_for_its_end(laboratory: Controlled) -> None:
    """With the longest pauses that can be set a line that is in doubt still lines up."""
    unit = laboratory.fresh("spare_high_voltage")
    try:
        unit.write("break_time_ms", 20)
        laboratory.fault("spare_high_voltage", "half_reply")
        with pytest.raises(DriverError):
            unit.read("ch1_voltage_V")
        assert unit.read("ch1_set_voltage_V") == 0
        assert unit.read("break_time_ms") == 20
    finally:
        unit.close()


def is_not_ok(unit: Driver) -> bool:
    return not unit.status().ok


def warns(unit: Driver) -> bool:
    return bool(unit.status().warnings)


def refuses(quantity: str) -> Callable[[Driver], bool]:
    def write_what_it_is(unit: Driver) -> bool:
        try:
            unit.write(quantity, unit.read(quantity))
        except Refused:
            return True
        return False

    return write_what_it_is


TOLD: dict[tuple[str, str], Callable[[Driver], bool]] = {
    ("delay_generator", "front_panel"): lambda unit: unit.status().state == "running",
    ("delay_generator", "locked_by_another"): refuses("threshold_V"),
    ("ablation_laser", "interlock"): is_not_ok,
    ("ionisation_laser", "interlock"): is_not_ok,
    ("magnet", "interlock"): is_not_ok,
    ("hall_probe", "no_probe"): is_not_ok,
    ("hall_probe", "overload"): is_not_ok,
    ("hall_probe", "invalid_probe"): is_not_ok,
    ("hall_probe", "calibration_error"): is_not_ok,
    ("helium", "alarm"): warns,
    ("cold_head", "sensor_open"): is_not_ok,
    ("cold_head", "sensor_short"): is_not_ok,
    ("cold_head", "too_cold"): is_not_ok,
    ("cold_head", "too_warm"): is_not_ok,
    ("chopper", "head_disconnected"): is_not_ok,
    ("compressor", "warning"): warns,
    ("compressor", "alarm"): is_not_ok,
    ("compressor", "lock_out"): is_not_ok,
    ("high_voltage", "front_panel"): is_not_ok,
    ("high_voltage", "interlock"): is_not_ok,
    ("high_voltage", "trip"): is_not_ok,
    ("high_voltage", "kill"): is_not_ok,
    ("stage", "hardware_limit"): is_not_ok,
    ("stage", "emergency_stop"): is_not_ok,
    ("stage", "motor_off"): is_not_ok,
    ("vacuum", "sensor_error"): warns,
    ("vacuum", "sensor_missing"): warns,
    ("energy_meter", "head_unplugged"): is_not_ok,
    ("spare_ablation_laser", "interlock"): is_not_ok,
    ("spare_ablation_laser", "low_water"): is_not_ok,
    ("spare_ablation_laser", "panel"): is_not_ok,
    ("spare_helium", "overpressure"): is_not_ok,
    ("spare_high_voltage", "front_panel"): is_not_ok,
    ("spare_high_voltage", "trip"): is_not_ok,
    ("spare_high_voltage", "inhibit"): is_not_ok,
    ("spare_compressor", "alarm"): is_not_ok,
}


@pytest.mark.timeout(180)
def test_what_goes_wrong_inside_is_told(laboratory: Controlled) -> None:
    silent = []
    for (name, kind), told in TOLD.items():
        unit = laboratory.fresh(name)
        try:
            laboratory.fault(name, kind)
            try:
                if not told(unit):
                    silent.append((name, kind, unit.status()))
            except DriverError as error:
                silent.append((name, kind, error))
        finally:
            unit.close()
            laboratory.cure(name, kind)
    assert not silent
