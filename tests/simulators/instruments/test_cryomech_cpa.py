"""The simulated CPA compressor: both framings, every register, states from start to lock-out, alarms in both encodings."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.cryomech_cpa import CONDITIONS, CryomechCPA, crc
from tests.simulators.instruments.talk import talk

READ_53 = bytes.fromhex("09 99 00 00 00 06 01 04 00 01 00 35")
START = bytes.fromhex("09 99 00 00 00 06 01 06 00 01 00 01")
STOP = bytes.fromhex("09 99 00 00 00 06 01 06 00 01 FF FF")


def tcp(body: bytes, unit: int = 1, transaction: int = 0x0999) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(body) + 1, unit) + body


def rtu(body: bytes, unit: int = 16) -> bytes:
    return bytes([unit]) + body + crc(bytes([unit]) + body)


def words(compressor: CryomechCPA, first: int, count: int, now: float = 0.0) -> list[int]:
    reply = talk(compressor, tcp(struct.pack(">BHH", 4, first, count)), now)
    assert reply[:9] == tcp(bytes([4, 2 * count]) + bytes(2 * count))[:9]
    return list(struct.unpack(f">{count}H", reply[9:]))


def number(compressor: CryomechCPA, address: int, now: float = 0.0) -> float:
    low, high = words(compressor, address, 2, now)
    value: float = struct.unpack(">f", struct.pack(">HH", high, low))[0]
    return value


def status(compressor: CryomechCPA, now: float) -> tuple[int, int]:
    state, energised = words(compressor, 1, 2, now)
    return state, energised


@pytest.fixture
def running() -> CryomechCPA:
    return CryomechCPA()


@pytest.fixture
def stopped() -> CryomechCPA:
    return CryomechCPA(warm=False)


def test_captured_frame(stopped: CryomechCPA) -> None:
    reply = talk(stopped, READ_53)
    assert len(reply) == 115
    assert reply[:25] == bytes.fromhex("09 99 00 00 00 6D 01 04 6A 00 00 00 00 00 00 80 00 00 00 80 00 41 06 42 83")


FLOATS_OFF = {
    3: 0.0,
    5: 0.0,
    7: 65.63,
    9: 65.49,
    11: 66.21,
    13: 66.95,
    15: 219.18,
    17: 219.18,
    19: 218.94,
    21: 218.94,
    23: -0.24,
    25: 0.22,
    27: 10613.5,
}
FLOATS_ON = {7: 65.63, 9: 84.2, 11: 104.9, 13: 148.3, 15: 84.6, 17: 84.6, 19: 291.4, 21: 291.4, 23: 206.8, 25: 21.7}
TENTHS = {40: 7, 41: 9, 42: 11, 43: 13, 44: 15, 45: 17, 46: 19, 47: 21, 48: 23, 49: 25}


@pytest.mark.parametrize(("address", "value"), list(FLOATS_OFF.items()))
def test_floats_when_off(stopped: CryomechCPA, address: int, value: float) -> None:
    assert number(stopped, address) == pytest.approx(value, abs=0.006)


@pytest.mark.parametrize(("address", "value"), list(FLOATS_ON.items()))
def test_floats_when_running(running: CryomechCPA, address: int, value: float) -> None:
    assert number(running, address) == pytest.approx(value, abs=0.006)


@pytest.mark.parametrize(("address", "source"), list(TENTHS.items()))
def test_tenths(running: CryomechCPA, stopped: CryomechCPA, address: int, source: int) -> None:
    assert words(running, address, 1) == [round(FLOATS_ON[source] * 10)]
    assert words(stopped, address, 1) == [round(FLOATS_OFF[source] * 10) & 0xFFFF]


@pytest.mark.parametrize(
    ("address", "value"),
    [(1, 0), (2, 0), (29, 0), (30, 0), (31, 10556), (32, 0x0418), (33, 0x0301), (34, 0x0475), (35, 0x1400)]
    + [(address, 0) for address in (36, 37, 38, 39, 52, 53, 54, 55)]
    + [(50, 106135 & 0xFFFF), (51, 106135 >> 16)],
)
def test_whole_registers(stopped: CryomechCPA, address: int, value: int) -> None:
    assert words(stopped, address, 1) == [value]


def test_start_and_stop(stopped: CryomechCPA) -> None:
    assert talk(stopped, START, 10.0) == START
    assert status(stopped, 10.0) == (2, 1)
    assert not stopped.running(19.0)
    assert status(stopped, 20.0) == (3, 1)
    assert stopped.running(20.0)
    assert talk(stopped, START, 21.0) == START  # changes nothing
    assert status(stopped, 21.0) == (3, 1)
    assert 85 < number(stopped, 15, 22.0) < 219
    assert number(stopped, 13, 3610.0) == pytest.approx(148.3, abs=0.01)
    assert talk(stopped, STOP, 3610.0) == STOP
    assert status(stopped, 3610.0) == (5, 0)
    assert not stopped.running(3610.0)
    talk(stopped, START, 3615.0)  # too early
    assert status(stopped, 3619.9) == (5, 0)
    assert status(stopped, 3620.0) == (0, 0)
    assert words(stopped, 50, 2, 3620.0) == [106145 & 0xFFFF, 1]
    assert number(stopped, 27, 3620.0) == pytest.approx(10614.5, abs=0.001)
    talk(stopped, STOP, 3621.0)
    assert status(stopped, 3621.0) == (0, 0)


@pytest.mark.parametrize("value", [b"\xff\xff", b"\x00\xff"])
def test_write_multiple_and_both_stop_values(running: CryomechCPA, value: bytes) -> None:
    assert talk(running, tcp(b"\x10\x00\x01\x00\x01\x02" + value)) == tcp(b"\x10\x00\x01\x00\x01")
    assert status(running, 0.0) == (5, 0)
    assert talk(running, tcp(b"\x06\x00\x01" + value), 1.0) == tcp(b"\x06\x00\x01" + value)
    assert talk(running, tcp(b"\x10\x00\x01\x00\x01\x02\x00\x01"), 10.0) == tcp(b"\x10\x00\x01\x00\x01")
    assert status(running, 10.0) == (2, 1)


@pytest.mark.parametrize(
    ("request_hex", "reply_hex"),
    [
        ("03 0001 0001", "83 01"),
        ("01 0001 0001", "81 01"),
        ("2B 0E 01 00", "AB 01"),
        ("04 0000 0001", "84 02"),
        ("04 0001 0038", "84 02"),
        ("04 0038 0001", "84 02"),
        ("04 0001 0000", "84 03"),
        ("04 0001 007E", "84 03"),
        ("04 0001", "84 03"),
        ("06 0000 0001", "86 02"),
        ("06 0002 0001", "86 02"),
        ("06 0001 0002", "86 03"),
        ("06 0001", "86 03"),
        ("10 0002 0001 02 0001", "90 02"),
        ("10 0001 0002 04 0001 0001", "90 02"),
        ("10 0001 0001 02 0007", "90 03"),
        ("10 0001 0001 04 0001 0001", "90 03"),
        ("10 0001 0000 00", "90 03"),
        ("10 0001 0001 02 00", "90 03"),
    ],
)
def test_exceptions(stopped: CryomechCPA, request_hex: str, reply_hex: str) -> None:
    assert talk(stopped, tcp(bytes.fromhex(request_hex))) == tcp(bytes.fromhex(reply_hex))
    assert status(stopped, 0.0) == (0, 0)


def test_tcp_framing(stopped: CryomechCPA) -> None:
    assert talk(stopped, tcp(b"\x04\x00\x1f\x00\x01", transaction=1) + tcp(b"\x04\x00\x20\x00\x01", transaction=2)) == (
        tcp(b"\x04\x02\x29\x3c", transaction=1) + tcp(b"\x04\x02\x04\x18", transaction=2)
    )
    assert talk(stopped, tcp(b"\x04\x00\x01\x00\x01", unit=2)) == b""
    received = bytearray(START[:9])
    assert list(stopped.split(received)) == []
    received += START[9:] + b"\x00"
    assert list(stopped.split(received)) == [START]
    assert received == b"\x00"
    assert talk(stopped, b"GET / HTTP/1.1\r\n\r\n" + START) == b""
    assert status(stopped, 0.0) == (0, 0)


def test_rtu_frames_of_the_sheet() -> None:
    compressor = CryomechCPA(warm=False, rtu=True)
    start, stop = bytes.fromhex("10 06 00 01 00 01 1A 8B"), bytes.fromhex("10 06 00 01 FF FF DA FB")
    assert talk(compressor, start) == start
    assert compressor.running(10.0)
    assert talk(compressor, stop, 10.0) == stop
    reply = talk(compressor, bytes.fromhex("10 04 00 01 00 35 62 9C"), 20.0)
    assert len(reply) == 111
    assert reply[:7] == bytes.fromhex("10 04 6A 00 00 00 00")
    assert reply[-2:] == crc(reply[:-2])
    multiple = rtu(b"\x10\x00\x01\x00\x01\x02\x00\x01")
    assert talk(compressor, multiple, 20.0) == rtu(b"\x10\x00\x01\x00\x01")
    assert talk(compressor, rtu(b"\x03\x00\x01\x00\x01"), 20.0) == rtu(b"\x83\x01")


def test_rtu_framing() -> None:
    compressor = CryomechCPA(warm=False, rtu=True)
    serial, other = rtu(b"\x04\x00\x1f\x00\x01"), rtu(b"\x04\x00\x1f\x00\x01", unit=1)
    reply = rtu(b"\x04\x02\x29\x3c")
    assert talk(compressor, serial + serial) == reply + reply
    assert talk(compressor, other + serial) == reply
    assert talk(compressor, serial[:-1] + b"\x00") == b""
    assert talk(compressor, START) == b""
    received = bytearray(serial[:5])
    assert list(compressor.split(received)) == []
    received += serial[5:]
    assert list(compressor.split(received)) == [serial]
    assert received == b""
    received += b"\x10\x10\x00\x01\x00\x01"
    assert list(compressor.split(received)) == []


@pytest.mark.parametrize(("bit", "name"), list(enumerate(CONDITIONS)))
def test_conditions_in_both_encodings(running: CryomechCPA, bit: int, name: str) -> None:
    running.fault("warning", 0.0, name=name)
    assert number(running, 3) == -float(1 << bit)
    assert words(running, 52, 4) == [(1 << bit) & 0xFFFF, (1 << bit) >> 16, 0, 0]
    assert running.running(0.0)
    running.fault("warning", 0.0, name=name, cleared=True)
    assert words(running, 3, 2) == [0, 0x8000]
    running.fault("alarm", 0.0, name=name)
    assert number(running, 5) == -float(1 << bit)
    assert words(running, 52, 4) == [0, 0, (1 << bit) & 0xFFFF, (1 << bit) >> 16]
    assert not running.running(0.0)
    power = name in ("three_phase_error", "power_supply_error", "inverter_error", "inverter_comm_loss")
    assert status(running, 0.0) == (9 if power else 7, 0)


def test_conditions_of_the_sheet(running: CryomechCPA) -> None:
    places = {
        "coolant_in_high": 0,
        "helium_high": 6,
        "low_pressure_low": 9,
        "three_phase_error": 15,
        "cold_head_motor_stall": 19,
    }
    places |= {"oil_sensor": 23, "motor_current_high": 27, "inverter_error": 28, "inverter_comm_loss": 30}
    assert {name: CONDITIONS.index(name) for name in places} == places
    assert len(CONDITIONS) == 31
    running.fault("warning", 0.0, name="helium_high")
    assert words(running, 3, 2) == [0x0000, 0xC280]
    running.fault("warning", 0.0, name="inverter_comm_loss")  # a float has no room for both
    assert number(running, 3) == -float(1 << 30)
    assert words(running, 52, 2) == [0x0040, 0x4000]


def test_recovery(running: CryomechCPA) -> None:
    running.fault("alarm", 1.0, name="coolant_in_high")
    assert number(running, 7, 301.0) == pytest.approx(105.0, abs=0.5)
    assert talk(running, START, 301.0) == START
    assert status(running, 301.0) == (7, 0)
    running.fault("alarm", 302.0, name="coolant_in_high", cleared=True)
    assert status(running, 302.0) == (15, 0)
    assert words(running, 5, 2, 302.0) == [0, 0x8000]
    talk(running, START, 303.0)
    assert status(running, 303.0) == (2, 1)
    assert running.running(313.0)


@pytest.mark.parametrize(
    ("name", "address", "reading"),
    [("coolant_out_high", 9, 130.0), ("oil_high", 11, 140.0), ("helium_high", 13, 200.0), ("static_pressure_low", 15, 120.0)],
)
def test_the_cause_shows_in_the_readings(running: CryomechCPA, name: str, address: int, reading: float) -> None:
    running.fault("warning", 0.0, name=name)
    assert number(running, address, 3600.0) == pytest.approx(reading, abs=0.1)


def test_hot_helium_is_cooled_first(running: CryomechCPA) -> None:
    running.fault("alarm", 1.0, name="helium_high")
    running.fault("alarm", 2.0, name="helium_high", present=False)
    assert status(running, 2.0) == (8, 0)
    talk(running, START, 100.0)
    assert status(running, 121.9) == (8, 0)
    assert status(running, 122.0) == (15, 0)


def test_third_alarm_within_an_hour_locks_out(running: CryomechCPA) -> None:
    for now in (0.0, 3601.0, 3700.0):
        running.fault("alarm", now, name="oil_high")
        assert status(running, now)[0] == 7
        running.fault("alarm", now, name="oil_high", cleared=True)
    running.fault("alarm", 3800.0, name="oil_high")
    running.fault("alarm", 3801.0, name="oil_high", cleared=True)
    talk(running, START, 3802.0)
    running.power_up(3803.0)
    assert status(running, 3803.0) == (6, 0)
    running.fault("lock_out", 3804.0, cleared=True)
    assert status(running, 3804.0) == (0, 0)


def test_lock_out_stops(running: CryomechCPA) -> None:
    running.fault("lock_out", 0.0)
    assert status(running, 0.0) == (6, 0)
    assert not running.running(0.0)


def test_power_cycle(running: CryomechCPA) -> None:
    running.power_up(3600.0)
    assert status(running, 3600.0) == (0, 0)
    assert number(running, 27, 3600.0) == pytest.approx(10614.5, abs=0.001)
    running.fault("alarm", 3601.0, name="three_phase_error")
    running.power_up(3602.0)
    assert status(running, 3602.0) == (9, 0)


def test_units_at_the_panel(stopped: CryomechCPA) -> None:
    stopped.fault("units", 0.0, pressure=1, temperature=2)
    assert words(stopped, 29, 2) == [1, 2]
    assert number(stopped, 15) == pytest.approx(15.112, abs=0.001)
    assert number(stopped, 7) == pytest.approx(291.83, abs=0.01)
    stopped.fault("units", 0.0, pressure=2, temperature=1)
    assert number(stopped, 15) == pytest.approx(1511.2, abs=0.1)
    assert number(stopped, 7) == pytest.approx(18.68, abs=0.01)


def test_state_and_faults(running: CryomechCPA) -> None:
    running.fault("warning", 0.0, name="oil_low")
    state = running.state(0.0)
    assert (state["state"], state["energised"], state["warnings"], state["alarms"]) == ("running", True, ["oil_low"], [])
    assert (state["hours_h"], state["low_psi"]) == (10613.5, 84.6)
    running.fault("wrong_identity", 0.0)
    high, low = divmod(words(running, 32, 1)[0], 256)
    assert (high > 5, low > 24) == (True, True)
    with pytest.raises(ValueError, match="lock_out"):
        running.fault("stall", 0.0)
    with pytest.raises(ValueError, match="helium_high"):
        running.fault("alarm", 0.0, name="smoke")


@given(st.lists(st.binary(max_size=24), max_size=6), st.booleans())
def test_any_bytes(pieces: list[bytes], serial: bool) -> None:
    compressor = CryomechCPA(rtu=serial)
    for position, piece in enumerate(pieces):
        talk(compressor, piece, float(position))
        talk(compressor, rtu(piece) if serial else tcp(piece), float(position))
        compressor.answer(piece, float(position))
