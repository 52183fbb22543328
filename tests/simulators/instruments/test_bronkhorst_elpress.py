"""The simulated pressure controller: both framings byte for byte, status codes, and how the pressure follows."""

import math

import pytest

from simulators.instruments.bronkhorst_elpress import ELPress


def talk(controller: ELPress, received: bytes, now: float = 0.0) -> bytes:
    return b"".join(controller.answer(message, now) for message in controller.split(bytearray(received)))


def binary(controller: ELPress, text: str, now: float = 0.0) -> str:
    return talk(controller, bytes.fromhex(text), now).hex(" ").upper()


@pytest.fixture
def controller() -> ELPress:
    return ELPress(full_scale_bar=6.0, node=3)


def test_binary_exchanges_of_the_sheet(controller: ELPress) -> None:
    exchanges = [
        ("10 02 02 03 05 01 01 21 3E 80 10 03", "10 02 02 03 03 00 00 05 10 03"),
        ("10 02 01 03 05 04 01 20 01 20 10 03", "10 02 01 03 05 02 01 20 3E 80 10 03"),
        ("10 02 04 03 07 01 21 43 40 90 00 00 10 03", "10 02 04 03 03 00 00 07 10 03"),
        ("10 02 06 03 05 04 01 4D 01 4D 10 03", "10 02 06 03 07 02 01 4D 40 C0 00 00 10 03"),
        ("10 02 08 03 04 01 01 04 00 10 03", "10 02 08 03 03 00 00 04 10 03"),
        ("10 02 0D 03 05 04 21 47 21 47 10 03", "10 02 0D 03 03 00 04 05 10 03"),
        ("10 02 02 03 07 01 21 43 40 40 13 A9 10 03", "10 02 02 03 03 00 00 07 10 03"),
        ("10 02 03 03 05 04 21 40 21 40 10 03", "10 02 03 03 07 02 21 40 40 40 13 A9 10 03"),
    ]
    for number, (sent, reply) in enumerate(exchanges):
        assert binary(controller, sent, 100.0 * number) == reply


def test_chained_read_doubles_the_length_byte(controller: ELPress) -> None:
    binary(controller, "10 02 02 03 07 01 21 43 40 40 00 00 10 03")
    asked = "10 02 0E 03 0C 04 A1 C0 21 40 43 21 43 01 20 01 20 10 03"
    expected = "10 02 0E 03 10 10 02 A1 C0 40 40 00 00 43 40 40 00 00 01 20 3E 80 10 03"
    assert binary(controller, asked, 100.0) == expected


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b":06030401210121\r\n", b":06030201210000\r\n"),
        (b":06030472417241\r\n", b":080302724100000000\r\n"),
        (b":1D0301800A4081C500000000C63F800000C7000000004800000000000A52\r\n", b":040300001C\r\n"),
        (b":0703047163716300\r\n", b":0F03027163004D363231323334354100\r\n"),
        (b":0703047161716106\r\n", b":0B0302716106444550432020\r\n"),
        (b":070304017F017F07\r\n", b":0C0302017F0762617228612920\r\n"),
    ],
)
def test_ascii_single_exchanges(controller: ELPress, sent: bytes, reply: bytes) -> None:
    assert talk(controller, sent) == reply


def test_ascii_session_of_the_sheet(controller: ELPress) -> None:
    assert talk(controller, b":06030101213E80\r\n") == b":0403000005\r\n"
    assert talk(controller, b":06030401210121\r\n:06030401210120\r\n", 60.0) == b":06030201213E80\r\n" * 2


def test_long_chained_answer_keeps_the_tags(controller: ELPress) -> None:
    reply = talk(controller, b":1A0304F1EC7163006D71660001AE0120CF014DF0017F077101710A\r\n")
    fields = bytes.fromhex(reply[1:-2].decode())
    assert fields[0] == len(fields) - 1
    assert fields[1:] == (
        b"\x03\x02\xf1\xec\0M6212345A\0\x6d\0USERTAG\0\x01\xae\0\0\xcf\x40\xc0\0\0\xf0\x07bar(a) \x71\x0aHe        "
    )


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ("04 22 40 22 40", "00 03 04"),  # process
        ("04 21 47 21 47", "00 04 05"),  # parameter
        ("04 01 00 01 00", "00 05 05"),  # type
        ("01 01 21 7D 01", "00 06 04"),  # 32001
        ("01 01 04 05", "00 06 04"),  # no such control mode
        ("01 01 20 00 00", "00 0D 03"),  # Measure is read-only
        ("01 01 45 00 00 00 00", "00 0D 03"),  # secured
        ("04 00 0A 00 0A", "00 11 05"),  # write-only
        ("07", "00 02 01"),  # command
        ("04 01", "00 02 02"),  # cut short
    ],
)
def test_status_codes(controller: ELPress, data: str, status: str) -> None:
    body = bytes.fromhex(data)
    reply = talk(controller, b"\x10\x02\x05\x03" + bytes([len(body)]) + body + b"\x10\x03")
    assert reply[5:-2].hex(" ").upper() == status


def test_nodes(controller: ELPress) -> None:
    assert binary(controller, "10 02 01 80 05 04 00 01 00 01 10 03") == "10 02 01 03 04 02 00 01 03 10 03"
    assert talk(controller, b":06040401210121\r\n") == b":0105\r\n"


def test_split_joined_and_garbage(controller: ELPress) -> None:
    frame = bytes.fromhex("10 02 10 10 03 05 04 01 20 01 20 10 03")
    received = bytearray()
    messages = []
    for byte in frame + b":0603":
        received.append(byte)
        messages += controller.split(received)
    assert messages == [frame]
    assert received == b":0603"
    assert controller.answer(frame, 0.0).startswith(b"\x10\x02\x10\x10\x03")
    assert talk(controller, b"*IDN?\r\n" + b":06030401210121\r\n") == b":0104\r\n:06030201210000\r\n"
    assert talk(controller, b":06zz\r\n:0703040121\r\n") == b":0104\r\n:0103\r\n"
    assert talk(controller, frame + frame).count(b"\x10\x02") == 2


def write_mode(controller: ELPress, mode: int, now: float) -> None:
    assert talk(controller, f":0503010104{mode:02X}\r\n".encode(), now) == b":0403000004\r\n"


def test_pressure_settles_and_bleeds_down(controller: ELPress) -> None:
    assert controller.pressure_bar(10.0) == 0.0
    talk(controller, b":06030101213E80\r\n", 10.0)
    assert controller.pressure_bar(11.5) == pytest.approx(3.0 * (1 - math.exp(-1)))
    assert controller.pressure_bar(9.0) == 0.0
    assert controller.pressure_bar(60.0) == pytest.approx(3.0)
    write_mode(controller, 3, 60.0)
    assert controller.pressure_bar(62.0) == pytest.approx(3.0 * math.exp(-1))
    write_mode(controller, 18, 100.0)
    assert controller.pressure_bar(150.0) == pytest.approx(3.0)
    write_mode(controller, 12, 150.0)
    assert controller.pressure_bar(200.0) == pytest.approx(0.0, abs=1e-6)
    write_mode(controller, 20, 200.0)
    assert talk(controller, b":06030472417241\r\n", 300.0) == b":080302724100800000\r\n"


def test_set_point_slope(controller: ELPress) -> None:
    talk(controller, b":06030101220064\r\n:06030101213E80\r\n")  # 10 s per 100 %
    assert controller.pressure_bar(5.0) == pytest.approx(3.0 - 0.9 * (1 - math.exp(-5 / 1.5)))
    assert controller.pressure_bar(4.999) == pytest.approx(controller.pressure_bar(5.001), abs=2e-3)
    assert controller.pressure_bar(60.0) == pytest.approx(3.0)


def test_power_cycle_keeps_the_set_point(controller: ELPress) -> None:
    talk(controller, b":06030101213E80\r\n")
    write_mode(controller, 3, 50.0)
    controller.power_up(100.0)
    assert controller.state(100.0)["control_mode"] == 0
    assert controller.pressure_bar(200.0) == pytest.approx(3.0)


def test_faults(controller: ELPress) -> None:
    controller.fault("alarm", 0.0, cause="hardware")
    controller.fault("alarm", 0.0)
    assert talk(controller, b":06030401140114\r\n") == b":050302011481\r\n"
    controller.fault("alarm", 0.0, cause="hardware", present=False)
    assert controller.state(0.0)["alarms"] == ["error"]
    controller.fault("wrong_identity", 0.0)
    assert b"44455043" not in talk(controller, b":0703047161716106\r\n")
    with pytest.raises(ValueError, match="alarm"):
        controller.fault("explodes", 0.0)
