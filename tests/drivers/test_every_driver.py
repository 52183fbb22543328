"""What holds for every quantity of every driver on a wire, however its replies arrive and whatever became of them."""

import importlib
import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.driver import Driver
from drivers.errors import DriverError
from drivers.links import Link
from drivers.quantity import Quantity, Value
from drivers.registry import DRIVERS, driver_class
from tests.drivers.commands import Read, Script
from tests.drivers.script import LATE, Exchange, ScriptedTransport

OPTIONS: dict[str, dict[str, object]] = {
    "alicat_pc": {"full_scale_bar": 10.0},
    "bronkhorst_elpress": {"full_scale_bar": 6.0, "node": 3},
    "coherent_compexpro": {"energy_mJ": 150},
    "coherent_energymax": {"wavelength_nm": 193},
    "danfysik_8500": {"rated_current_A": 250.0, "read_back_A_per_count": 0.01},
    "gentec_maestro": {"wavelength_nm": 532},
    "newport_esp301": {"axes": 3},
    "ophir_ea1": {"wavelength_nm": 532},
    "quantel_bss": {"lamp_voltage_V": 1150},
    "spectraphysics_quantaray": {"oscillator_percent": 60},
}
SAME_BYTES = {"cryomech_cpa_rtu": "cryomech_cpa"}
"""Drivers whose quantities are those of another one; their own framing has tests of its own."""
ENQUIRY = b"\x05"
"""What fetches the answer of a gauge controller ends no line."""
ON_WIRES = [name for name in DRIVERS if driver_class(name).on_a_wire and name not in SAME_BYTES]


class OffTheScript(ScriptedTransport):
    """Once something else is sent than the script has, the line is gone."""

    def send(self, data: bytes) -> None:
        try:
            super().send(data)
        except AssertionError:
            raise ConnectionError(None, "off the script") from None


def table(driver: str) -> Read:
    """The byte script of each quantity that is asked for, from the driver's own tests."""
    found: Read = importlib.import_module(f"tests.drivers.test_{driver}").READ
    return {name: row for name, row in found.items() if row[0]}


def read(driver: str, name: str, script: Script) -> Value | DriverError:
    """The value, or the driver's own error; any other exception is a fault."""
    kind = driver_class(driver)
    wire = OffTheScript(script)
    link = Link("unit", wire, kind.framing, kind.probe, timeout_s=0.5, quiet_s=0.0, clock=wire.clock)
    unit = kind("unit", link, pause=lambda seconds: None, **OPTIONS.get(driver, {}))
    try:
        return unit.read(name)
    except DriverError as error:
        return error


def with_replies(script: Script, change: Callable[[bytes], bytes | Sequence[bytes | None]]) -> list[Exchange]:
    return [(sent, change(whole(reply)) if whole(reply) else b"") for sent, reply in script]


def whole(reply: bytes | Sequence[bytes | None]) -> bytes:
    return reply if isinstance(reply, bytes) else b"".join(piece for piece in reply if piece is not None)


def believable(quantity: Quantity, value: Value) -> bool:
    if isinstance(value, str):
        return not quantity.choices or value in quantity.choices
    inside = (quantity.low is None or value >= quantity.low) and (quantity.high is None or value <= quantity.high)
    return inside and (not quantity.choices or value in quantity.choices)


@pytest.mark.parametrize("driver", ON_WIRES)
def test_a_line_ends_as_the_instrument_wants_it(driver: str) -> None:
    kind: type[Driver] = driver_class(driver)
    if kind.probe is not None and kind.command_end and not kind.probe.message.endswith(ENQUIRY):
        assert kind.probe.message.endswith(kind.command_end)


@pytest.mark.parametrize("driver", ON_WIRES)
def test_replies_may_come_byte_by_byte(driver: str) -> None:
    for name, (script, value) in table(driver).items():
        found = read(driver, name, with_replies(script, lambda reply: [bytes((byte,)) for byte in reply]))
        assert found == value, name


@pytest.mark.parametrize("driver", ON_WIRES)
@pytest.mark.parametrize("left", ["nothing", "half", "late"])
def test_a_reply_that_is_missing_or_late_is_an_error(driver: str, left: str) -> None:
    change: dict[str, Callable[[bytes], bytes | Sequence[bytes | None]]] = {
        "nothing": lambda reply: b"",
        "half": lambda reply: reply[: len(reply) // 2],
        "late": lambda reply: [LATE, reply],
    }
    for name, (script, _) in table(driver).items():
        found = read(driver, name, with_replies(script, change[left]))
        assert isinstance(found, DriverError), (name, found)


@pytest.mark.parametrize("driver", ON_WIRES)
def test_two_replies_at_once_are_never_taken_for_another_value(driver: str) -> None:
    for name, (script, value) in table(driver).items():
        found = read(driver, name, with_replies(script, lambda reply: reply + reply))
        assert found == value or isinstance(found, DriverError), name


@pytest.mark.parametrize("driver", ON_WIRES)
@settings(max_examples=80)
@given(data=st.data())
def test_a_spoiled_reply_is_an_error_or_a_value_within_limits(driver: str, data: st.DataObject) -> None:
    rows = table(driver)
    name = data.draw(st.sampled_from(sorted(rows)))
    script = list(rows[name][0])
    answered = [place for place, (_, reply) in enumerate(script) if whole(reply)]
    place = data.draw(st.sampled_from(answered))
    sent, reply = script[place]
    script[place] = (sent, data.draw(spoiled(whole(reply))))
    found = read(driver, name, script)
    declared = next(one for one in driver_class(driver).declared if one.name == name)
    assert isinstance(found, DriverError) or believable(declared, found), (name, script[place], found)


def spoiled(reply: bytes) -> st.SearchStrategy[bytes]:
    """Other bytes in its place, in part of it, or numbers that are far too large."""
    places = st.integers(0, len(reply))
    replaced = st.tuples(places, places, st.binary(max_size=4)).map(
        lambda edit: reply[: min(edit[:2])] + edit[2] + reply[max(edit[:2]) :]
    )
    enlarged = st.sampled_from([b"9" * 9, b"-" + b"9" * 9, b"1e99", b"nan", b"inf", b"", b"0x10", b"1_0", "٣".encode()]).map(
        lambda number: re.sub(rb"[+-]?\d+(\.\d+)?", number, reply)
    )
    return st.one_of(replaced, enlarged, st.binary(max_size=len(reply) + 4))
