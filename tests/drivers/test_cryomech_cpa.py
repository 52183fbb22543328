"""Cryomech CPA on the wire: registers in one reply, over TCP with transaction numbers and over RTU with checksums."""

import struct

import pytest

from drivers.cryomech_cpa import STATES, WEIGHTS, CryomechCPA, CryomechCPASerial
from drivers.errors import DriverError, GarbledReply, LinkTimeout, Refused, WrongInstrument
from tests.drivers.commands import Done, Read, Written, names_complete
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted

PSI, BAR, KILOPASCAL = 0, 1, 2
FAHRENHEIT, CELSIUS, KELVIN = 0, 1, 2


def single(value: float) -> list[int]:
    """Low word at the lower address."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return [low, high]


def registers(
    state: int = 3, energised: int = 1, pressure: int = PSI, temperature: int = FAHRENHEIT, **more: float
) -> list[int]:
    """The 53 input registers of a 2.x unit."""
    block = [state, energised, *single(more.get("warnings", -0.0)), *single(more.get("alarms", -0.0))]
    for name, value in (("coolant_in", 65.627), ("coolant_out", 70.0), ("oil", 80.0), ("helium", 90.0), ("low", 100.0)):
        block += single(more.get(name, value))
    for value in (101.0, 300.0, 301.0, 200.0, 9.5, 10613.5):
        block += single(value)
    return [*block, pressure, temperature, 10556, 0x0418, 0x029A, 0x0475, *[0] * 19]


def request(number: int, payload: str) -> bytes:
    data = bytes.fromhex(payload)
    return struct.pack(">HHHB", number, 0, len(data) + 1, 1) + data


def reply(number: int, data: bytes) -> bytes:
    return struct.pack(">HHHB", number, 0, len(data) + 1, 1) + data


def answered(number: int, block: list[int]) -> Exchange:
    data = b"\x04" + bytes((2 * len(block),)) + struct.pack(f">{len(block)}H", *block)
    return (request(number, f"04 0001 {len(block):04x}"), reply(number, data))


ALL = [answered(1, registers())]
READ: Read = {
    "state": (ALL, 3),
    "running": (ALL, True),
    "coolant_in_C": (ALL, pytest.approx((65.627 - 32) / 1.8, abs=1e-4)),
    "coolant_out_C": (ALL, pytest.approx((70 - 32) / 1.8)),
    "oil_C": (ALL, pytest.approx((80 - 32) / 1.8)),
    "helium_C": (ALL, pytest.approx((90 - 32) / 1.8)),
    "low_pressure_bar": (ALL, pytest.approx(6.89475729)),
    "low_pressure_average_bar": (ALL, pytest.approx(6.96370486)),
    "high_pressure_bar": (ALL, pytest.approx(20.68427187)),
    "high_pressure_average_bar": (ALL, pytest.approx(20.75321944)),
    "delta_pressure_average_bar": (ALL, pytest.approx(13.78951458)),
    "motor_current_A": (ALL, 9.5),
    "hours": (ALL, 10613.5),
    "warnings": (ALL, 0),
    "alarms": (ALL, 0),
    "panel_serial_number": (ALL, 10556),
}
WRITTEN: Written = {}
DONE: Done = {}
CAPTURED = bytes.fromhex("0000 0000 0000 8000 0000 8000 4106 4283 fc6a 4282")
"""The beginning of a reply captured from a unit that stands still."""


def identifying(model: int = 0x0418, software: int = 0x029A) -> list[Exchange]:
    block = [model, software, 0x0475, 0]
    return [(request(1, "04 0020 0004"), reply(1, b"\x04\x08" + struct.pack(">4H", *block)))]


def made(script: list[Exchange], **options: object) -> tuple[CryomechCPA, ScriptedTransport]:
    return scripted(CryomechCPA, script, **options)


def test_every_command_has_its_bytes() -> None:
    names_complete(CryomechCPA, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    script, value = READ[name]
    unit, wire = made(list(script))
    assert unit.read(name) == value
    assert wire.finished()


def test_a_reply_captured_from_a_unit() -> None:
    block = [*struct.unpack(">10H", CAPTURED), *registers()[10:]]
    unit, _ = made([answered(1, block), answered(2, block)])
    status = unit.status()
    assert (status.state, status.ok, status.warnings) == ("ready to start", True, ())
    assert unit.read("coolant_in_C") == pytest.approx((65.627 - 32) / 1.8, abs=1e-3)


@pytest.mark.parametrize(("unit", "bar"), [(PSI, 6.89475729), (BAR, 100.0), (KILOPASCAL, 1.0)])
def test_pressures_in_any_unit(unit: int, bar: float) -> None:
    low = 50.0 if unit == BAR else 100.0
    cpa, _ = made([answered(1, registers(pressure=unit, low=low))])
    assert cpa.read("low_pressure_bar") == pytest.approx(bar * low / 100)


@pytest.mark.parametrize(("unit", "celsius"), [(FAHRENHEIT, 10.0), (CELSIUS, 50.0), (KELVIN, -223.15)])
def test_temperatures_in_any_unit(unit: int, celsius: float) -> None:
    given = 300.0 if unit == KELVIN else 50.0
    cpa, _ = made([answered(1, registers(temperature=unit, helium=given))])
    assert cpa.read("helium_C") == pytest.approx(celsius + (250 if unit == KELVIN else 0))


@pytest.mark.parametrize(("pressure", "temperature", "name"), [(3, 0, "low_pressure_bar"), (0, 3, "helium_C")])
def test_an_unknown_unit_is_garbled(pressure: int, temperature: int, name: str) -> None:
    cpa, _ = made([answered(1, registers(pressure=pressure, temperature=temperature))])
    with pytest.raises(GarbledReply, match="which does not exist"):
        cpa.read(name)


def test_identity_of_both_firmwares() -> None:
    cpa, wire = made([*identifying(), answered(2, registers())])
    found = cpa.identify()
    assert (found.model, found.serial, found.firmware) == ("CPA1114", "10556", "2.154")
    assert wire.finished()
    block = [*registers(), 0, 0]
    block[51:55] = [0x0001, 0x4000, 0x8000, 0x0000]
    cpa, wire = made([*identifying(software=0x0301), answered(2, block), answered(3, block), answered(4, block)])
    assert cpa.identify().firmware == "3.1"
    assert cpa.read("warnings") == 1 << 30 | 1
    assert cpa.read("alarms") == 1 << 15
    assert wire.finished()


@pytest.mark.parametrize("model", [0x0618, 0x0400, 0x0419])
def test_another_model(model: int) -> None:
    cpa, _ = made(identifying(model=model))
    with pytest.raises(WrongInstrument, match="model register"):
        cpa.identify()


@pytest.mark.parametrize("code", STATES)
def test_states(code: int) -> None:
    cpa, _ = made([answered(1, registers(state=code))])
    status = cpa.status()
    assert (status.state, status.ok) == (STATES[code], code not in (6, 7, 9))


@pytest.mark.parametrize("bit", range(len(WEIGHTS)))
def test_warnings_and_alarms_are_negative_sums(bit: int) -> None:
    cpa, _ = made([answered(1, registers(warnings=-float(1 << bit)))])
    status = cpa.status()
    assert (status.ok, status.warnings) == (True, (WEIGHTS[bit],))
    cpa, _ = made([answered(1, registers(state=7, alarms=-float(1 << bit)))])
    status = cpa.status()
    assert (status.ok, status.warnings) == (False, (f"alarm: {WEIGHTS[bit]}",))


def test_switching_is_echoed_and_waited_for() -> None:
    on = [answered(1, registers(0, 0)), (request(2, "06 0001 0001"), reply(2, bytes.fromhex("06 0001 0001")))]
    cpa, wire = made([*on, answered(3, registers(2, 0)), answered(4, registers(3, 1))])
    cpa.switch_on()
    assert wire.finished()
    off = [(request(1, "06 0001 ffff"), reply(1, bytes.fromhex("06 0001 ffff")))]
    cpa, wire = made([*off, answered(2, registers(5, 1)), answered(3, registers(0, 0))])
    cpa.switch_off()
    assert wire.finished()
    cpa, wire = made([answered(1, registers(6, 0))])
    with pytest.raises(Refused, match="cannot be started: locked out after errors"):
        cpa.switch_on()
    assert wire.finished()


def test_it_is_left_alone_by_plans_and_by_the_safe_order() -> None:
    cpa, _ = made([])
    cpa.prepare()
    assert cpa.make_safe().confirmed


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (reply(1, b"\x84\x02"), Refused, "Modbus exception 2"),
        (reply(1, b"\x06\x00\x01\x00\x01"), GarbledReply, "function 6"),
        (reply(1, b"\x04\x02\x00\x03"), GarbledReply, "1 registers came instead of 53"),
        (b"\x00\x01\x00\x07\x00\x05\x01\x04\x02\x00\x03", GarbledReply, "not a Modbus/TCP header"),
        (b"\x00\x01\x00\x00\x00\x02\x01\x04", GarbledReply, "frame of 8 bytes"),
        (b"\x00\x01\x00\x00\xff\xff\x01\x04", GarbledReply, "frame of 65541 bytes"),
        (b"\x00\x01\x00\x00\x00\x05\x02\x04\x02\x00\x03", GarbledReply, "registers 1 to 53"),
        (answered(1, registers())[1][:50], LinkTimeout, "no reply in time"),
        (b"", LinkTimeout, "nothing came"),
    ],
)
def test_ugly_replies(data: bytes, error: type[DriverError], said: str) -> None:
    cpa, _ = made([(request(1, "04 0001 0035"), data)])
    with pytest.raises(error, match=said):
        cpa.read("state")


@pytest.mark.parametrize(
    ("block", "quantity"),
    [
        (registers(helium=float("nan")), "helium_C"),
        (registers(helium=1e6), "helium_C"),
        (registers(low=1e9), "low_pressure_bar"),
        (registers(state=99), "state"),
    ],
)
def test_an_impossible_value_is_garbled(block: list[int], quantity: str) -> None:
    cpa, _ = made([answered(1, block)])
    with pytest.raises(GarbledReply):
        cpa.read(quantity)
    cpa, _ = made([answered(1, registers(state=4))])
    with pytest.raises(GarbledReply, match="its state came as 4"):
        cpa.status()


def test_a_late_reply_to_an_older_request_is_thrown_away() -> None:
    old = answered(1, registers(state=7))
    cpa, wire = made([(old[0], [LATE, old[1]]), answered(2, registers(state=3))])
    with pytest.raises(LinkTimeout):
        cpa.read("state")
    assert cpa.read("state") == 3
    assert wire.finished()
    cpa, wire = made([(old[0], answered(9, registers())[1] + old[1])])
    assert cpa.read("state") == 7
    cpa, _ = made([(old[0], answered(9, registers())[1])])
    with pytest.raises(GarbledReply, match="a reply to another request came"):
        cpa.read("state")


def test_rtu_has_a_checksum_and_another_address() -> None:
    block = struct.pack(">53H", *registers())
    framed = b"\x10\x04\x6a" + block
    good = framed + checksum(framed)
    unit, wire = scripted(CryomechCPASerial, [(bytes.fromhex("10 04 00 01 00 35 62 9c"), [good[:40], good[40:]])])
    assert unit.read("state") == 3
    assert wire.finished()
    for bad in (framed + b"\0\0", b"\x10\x03\x02\0\x03\0\0"):
        unit, _ = scripted(CryomechCPASerial, [(bytes.fromhex("10 04 00 01 00 35 62 9c"), bad)])
        with pytest.raises(GarbledReply):
            unit.read("state")
    stopped = bytes.fromhex("10 06 00 01 ff ff da fb")
    standing = b"\x10\x04\x6a" + struct.pack(">53H", *registers(0, 0))
    unit, wire = scripted(
        CryomechCPASerial,
        [(stopped, stopped), (bytes.fromhex("10 04 00 01 00 35 62 9c"), standing + checksum(standing))],
    )
    unit.switch_off()
    assert wire.finished()
    refused = b"\x10\x84\x02"
    unit, _ = scripted(CryomechCPASerial, [(bytes.fromhex("10 04 00 01 00 35 62 9c"), refused + checksum(refused))])
    with pytest.raises(Refused, match="Modbus exception 2"):
        unit.read("state")


def test_after_silence_rtu_asks_for_as_many_registers_as_nothing_else() -> None:
    four = b"\x10\x04\x08" + struct.pack(">4H", 0x0418, 0x029A, 0, 0)
    framed = b"\x10\x04\x6a" + struct.pack(">53H", *registers())
    asked = bytes.fromhex("10 04 00 01 00 35 62 9c")
    script: list[Exchange] = [
        (asked, [LATE, framed + checksum(framed)]),
        (bytes.fromhex("10 04 00 20 00 04 f3 42"), four + checksum(four)),
        (asked, framed + checksum(framed)),
    ]
    unit, wire = scripted(CryomechCPASerial, script)
    with pytest.raises(LinkTimeout):
        unit.read("state")
    assert unit.read("state") == 3
    assert wire.finished()


def checksum(data: bytes) -> bytes:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")
