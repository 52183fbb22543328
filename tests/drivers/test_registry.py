"""From the configuration to a driver: every driver fulfils its role, and what a user got wrong is said in a sentence."""

import inspect
import socket
from typing import get_args

import pytest

from config.errors import ConfigurationError
from config.laboratory import InstrumentConfiguration, Role, SerialFraming, read_laboratory
from drivers import roles
from drivers.driver import Driver
from drivers.errors import LimitError, LinkClosed
from drivers.links import SerialSettings
from drivers.registry import DRIVERS, check_options, connect, driver_class

PROTOCOLS: dict[Role, type] = {
    "delay generator": roles.DelayGenerator,
    "ablation laser": roles.Laser,
    "ionisation laser": roles.Laser,
    "magnet supply": roles.MagnetSupply,
    "field probe": roles.FieldProbe,
    "pressure controller": roles.PressureController,
    "cold head": roles.ColdHead,
    "chopper": roles.Chopper,
    "digitizer": roles.Digitizer,
    "high voltage": roles.HighVoltage,
    "compressor": roles.Compressor,
    "stage": roles.Stage,
    "vacuum gauge": roles.VacuumGauge,
    "pulse-energy meter": roles.PulseEnergyMeter,
}
SHIPPED = read_laboratory()[0].instruments


def configured(driver: str, address: str = "TCPIP::127.0.0.1::1::SOCKET", **options: object) -> InstrumentConfiguration:
    role = driver_class(driver).role if driver in DRIVERS else "cold head"
    return InstrumentConfiguration.model_validate({"role": role, "driver": driver, "address": address, "options": options})


def test_every_role_has_a_driver() -> None:
    assert {driver_class(driver).role for driver in DRIVERS} == set(PROTOCOLS) == set(get_args(Role))


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_driver_has_the_verbs_of_its_role_with_their_arguments(driver: str) -> None:
    found = driver_class(driver)
    protocol = PROTOCOLS[found.role]
    for verb, wanted in inspect.getmembers(protocol, inspect.isfunction):
        if verb.startswith("_"):
            continue
        assert list(inspect.signature(getattr(found, verb)).parameters) == list(inspect.signature(wanted).parameters), verb


@pytest.mark.parametrize("driver", DRIVERS)
def test_only_numbers_that_can_be_read_are_polled(driver: str) -> None:
    for quantity in driver_class(driver).declared:
        assert not quantity.polled or (quantity.access != "write" and quantity.kind is not str), quantity.name


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_number_has_limits_on_one_side_at_least_and_a_source(driver: str) -> None:
    for quantity in driver_class(driver).declared:
        assert quantity.source, quantity.name
        if quantity.kind is int and quantity.access == "read":
            assert quantity.low is not None, quantity.name


def test_the_shipped_options_fit_their_drivers() -> None:
    for name, instrument in SHIPPED.items():
        check_options(name, instrument)


@pytest.mark.parametrize(
    ("instrument", "said"),
    [
        (
            configured("lakeshore_337"),
            r"instrument 'unit': .* 'lakeshore_337' \(did you mean 'lakeshore_336'\?\); known are alicat_pc,",
        ),
        (configured("lakeshore_336", heater=3), "has no option 'heater'; it has heater_range"),
        (configured("lakeshore_425", x=1), "has no option 'x'; it has none"),
        (configured("lakeshore_336", heater_range="high"), "option heater_range = 'high' must be int"),
        (configured("lakeshore_336", heater_range=True), "option heater_range = True must be int"),
        (configured("lakeshore_336", heater_range=2.5), "option heater_range = 2.5 must be int"),
        (configured("lakeshore_336", pause=1), "has no option 'pause'"),
        (configured("danfysik_8500", rated_current_A=250), "needs the option read_back_A_per_count"),
        (
            configured("lakeshore_336").model_copy(update={"role": "chopper"}),
            "has the role 'chopper', but driver 'lakeshore_336' is for a cold head",
        ),
    ],
)
def test_what_the_user_got_wrong_is_said(instrument: InstrumentConfiguration, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        connect("unit", instrument)


def test_nobody_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(LinkClosed, match="unit: cannot connect"):
            connect("unit", configured("lakeshore_336", f"TCPIP::127.0.0.1::{unused.getsockname()[1]}::SOCKET"))


def test_an_instrument_opens_by_its_configuration_and_a_wrong_value_leaves_no_open_wire() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"TCPIP::127.0.0.1::{listener.getsockname()[1]}::SOCKET"
        unit: Driver = connect("unit", configured("lakeshore_336", address, heater_range=1))
        assert unit.quantities["set_temperature_K"].limits() == "4 to 325 K"
        unit.close()
        with pytest.raises(LimitError, match="heater_range = 7"):
            connect("unit", configured("lakeshore_336", address, heater_range=7))


def test_a_driver_says_how_long_its_line_has_to_be_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_s: dict[str, float] = {}

    def opened(name: str, *_: object, **others: float) -> None:
        quiet_s[name] = others["quiet_s"]
        raise LinkClosed(name, "enough seen")

    monkeypatch.setattr("drivers.registry.open_link", opened)
    for driver in ("lakeshore_336", "iseg_nhq"):
        with pytest.raises(LinkClosed):
            connect(driver, configured(driver, "ASRL1::INSTR"))
    assert quiet_s == {"lakeshore_336": 0.05, "iseg_nhq": pytest.approx(0.13)}


def test_a_line_may_be_set_otherwise_than_the_manual_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal server frames as it is set, whatever the instrument behind it wants."""
    seen = {}

    def opened(*_: object, serial: SerialSettings, **others: object) -> None:
        seen["serial"] = serial
        raise LinkClosed("unit", "enough seen")

    monkeypatch.setattr("drivers.registry.open_link", opened)
    one = configured("lakeshore_336", "ASRL1::INSTR")
    for framing, wanted in ((None, (57600, 7, "odd")), (SerialFraming(data_bits=8, parity="none"), (57600, 8, "none"))):
        with pytest.raises(LinkClosed):
            connect("unit", one.model_copy(update={"serial": framing}))
        assert (seen["serial"].baud, seen["serial"].data_bits, seen["serial"].parity) == wanted
