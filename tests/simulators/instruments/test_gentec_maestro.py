"""The simulated MAESTRO: commands without terminators, readings pulse by pulse, ranges, streams."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.gentec_maestro import GentecMaestro
from tests.simulators.instruments.talk import talk

NEVER = b"3.402819e+38\r\n"
NEW, NOT_NEW = b"New Data Available\r\n", b"New Data Not Available\r\n"


def ten_hertz(since: float, until: float) -> int:
    return math.floor(until * 10 + 1e-6) - math.floor(since * 10 + 1e-6)


class Laser:
    """Pulses at 10 Hz."""

    energy_J = 0.15

    def energy(self, now: float) -> float:
        return self.energy_J


@pytest.fixture
def laser() -> Laser:
    return Laser()


@pytest.fixture
def meter(laser: Laser) -> GentecMaestro:
    """Without autoscale, on the 300 mJ range."""
    meter = GentecMaestro(ten_hertz, laser.energy)
    assert talk(meter, b"*SAS0") == b""
    return meter


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b"*VER", b"MAESTRO Version 1.00.18\r\n"),
        (b"*ver\r\n", b"MAESTRO Version 1.00.18\r\n"),
        (b"*CVU", NEVER),
        (b"*NVU", NOT_NEW),
        (b"*CAU", b""),
        (b"*CSU", b""),
        (b"*GCR", b"Range: 23\r\n"),
        (b"*SCS25*GCR", b"Range: 25\r\n"),
        (b"*SCS27*SSU*GCR", b"Range: 27\r\n"),
        (b"*SCS21*SCS28*SCSxx*GCR", b"Range: 23\r\n"),
        (b"*SSU*SSU*GCR", b"Range: 25\r\n"),
        (b"*SSD*GCR*SSD*GCR", b"Range: 22\r\nRange: 22\r\n"),
        (b"*GAS", b"AutoScale: 0\r\n"),
        (b"*SAS1*GAS*SAS2*GAS*SAS0*GAS", b"AutoScale: 1\r\nAutoScale: 1\r\nAutoScale: 0\r\n"),
        (b"*SAS1*SCS24*GAS", b"AutoScale: 0\r\n"),
        (
            b"*DVS",
            b"[22] : 100.0 m\r\n[23] : 300.0 m\r\n[24] : 1.0\r\n[25] : 3.0\r\n[26] : 10.0\r\n[27] : 30.0\r\n",
        ),
        (b"*GTL", b"Trigger Level: 2.0\r\n"),
        (b"*STL15.4*GTL*STL0.20*GTL", b"Trigger Level: 15.4\r\nTrigger Level: 0.2\r\n"),
        (b"*STL0.05*STLabcd*STL100.*GTL", b"Trigger Level: 2.0\r\n"),
        (b"*TLA 15\r*GTL", b"ACK\r\nTrigger Level: 15.0\r\n"),
        (b"*TLA 7.5%*GTL", b"ACK\r\nTrigger Level: 7.5\r\n"),
        (b"*TLA 101\r*TLA\r*GTL", b"Trigger Level: 2.0\r\n"),
        (b"*GWL", b"PWC: 1064\r\n"),
        (b"*PWC00532*GWL", b"PWC: 532\r\n"),
        (b"*PWC00100*PWC99999*PWC-0532*GWL", b"PWC: 1064\r\n"),
        (b"*GUM", b"User Multiplier: 1\r\n"),
        (b"*MUL00002.50*GUM", b"User Multiplier: 2.5\r\n"),
        (b"*MULnan     *GUM", b"User Multiplier: 1\r\n"),
        (b"*MUL   1e300*GUM*OFF   1e300*GUO", b"User Multiplier: 1\r\nUser Offset: 0\r\n"),
        (b"*PWC\xb2\xb2\xb2\xb2\xb2*GWL", b"PWC: 1064\r\n"),
        (b"*GUO", b"User Offset: 0\r\n"),
        (b"*OFF0.001500*GUO*OFF1.500e-3*GUO", b"User Offset: 0.0015\r\nUser Offset: 0.0015\r\n"),
        (b"*SOU*GZO*COU*GZO", b"Zero: 1\r\nZero: 0\r\n"),
        (b"*ANO1", b"ACK\r\n"),
        (b"*ANO2", b""),
        (b"*SCA1", b"ACK\r\n"),
        (b"*ESU1", b"ACK\r\n"),
        (b"*VSU", b"0\t0\t0\t0\t0\t0\r\n"),
        (b"*GRR", b"0.00\r\n"),
        (b"*GMD", b"Mode: 1\r\n"),
        (b"*DBU1*GMD", b"ACK\r\nMode: 6\r\n"),
        (b"*KPA", b"ACK\r\n"),
        (b"*SDS", b"The detector settings have been saved in the memory of the monitor.\r\n"),
        (b"*LDS", b"Done!\r\n"),
        (b"*XYZ*KPA", b"ACK\r\n"),
    ],
)
def test_commands(meter: GentecMaestro, sent: bytes, received: bytes) -> None:
    assert talk(meter, sent) == received


@pytest.mark.parametrize("end", [b"", b"\r", b"\n", b"\r\n"])
def test_terminators_do_not_matter(meter: GentecMaestro, end: bytes) -> None:
    received = bytearray(b"*PWC00532" + end + b"*GWL" + end)
    assert list(meter.split(received)) == [b"*PWC00532", b"*GWL"]
    assert received == b""


def test_cut_short_and_in_pieces(meter: GentecMaestro) -> None:
    assert talk(meter, b"*PWC532\r\n*GWL") == b"PWC: 1064\r\n"
    assert talk(meter, b"*STL2*GTL") == b"Trigger Level: 2.0\r\n"
    assert talk(meter, b"* VER*KP\r*GAS") == b"AutoScale: 0\r\n"
    received = bytearray(b"noise*SC")
    assert list(meter.split(received)) == []
    received += b"S2"
    assert list(meter.split(received)) == []
    received += b"4*TLA 1"
    assert list(meter.split(received)) == [b"*SCS24"]
    received += b"2"
    assert list(meter.split(received)) == []
    received += b"\r"
    assert list(meter.split(received)) == [b"*TLA 12"]


def test_a_value_is_new_once_and_repeated(meter: GentecMaestro, laser: Laser) -> None:
    assert talk(meter, b"*NVU*CVU", 0.05) == NOT_NEW + NEVER
    assert talk(meter, b"*NVU*CVU*NVU*CVU", 0.1) == NEW + b"0.15\r\n" + NOT_NEW + b"0.15\r\n"
    laser.energy_J = 0.0500095
    assert talk(meter, b"*CVU", 0.2) == b"0.0500095\r\n"
    assert talk(meter, b"*GRR", 2.0) == b"10.00\r\n"


def test_stream_of_each_pulse(meter: GentecMaestro) -> None:
    assert meter.speak(0.15) == b""
    talk(meter, b"*CAU", 0.15)
    assert meter.speak(0.19) == b""
    assert meter.speak(0.2) == b"0.15\r\n"
    assert meter.speak(0.25) == b""
    assert meter.speak(0.5) == b"0.15\r\n" * 3
    assert talk(meter, b"*GAS", 0.6) == b"0.15\r\nAutoScale: 0\r\n"
    assert talk(meter, b"*CSU", 0.7) == b"0.15\r\n"
    assert meter.speak(2.0) == b""


def test_trigger_level_and_range(meter: GentecMaestro, laser: Laser) -> None:
    laser.energy_J = 0.006
    assert talk(meter, b"*NVU", 1.0) == NOT_NEW
    assert talk(meter, b"*STL0.10*NVU", 1.0) == NOT_NEW
    assert talk(meter, b"*NVU*CVU", 2.0) == NEW + b"0.006\r\n"
    laser.energy_J = 0.31
    assert talk(meter, b"*NVU*CVU", 3.0) == NEW + NEVER
    assert talk(meter, b"*SSU", 3.0) == b""
    assert talk(meter, b"*CVU", 4.0) == b"0.31\r\n"


def test_autoscale_loses_pulses(meter: GentecMaestro, laser: Laser) -> None:
    talk(meter, b"*SAS1*CAU")
    laser.energy_J = 2.0
    assert meter.speak(0.2) == b""
    assert meter.speak(0.3) == b"2\r\n"
    assert talk(meter, b"*GCR", 0.3) == b"Range: 25\r\n"
    laser.energy_J = 0.1
    assert meter.speak(0.5) == b"0.1\r\n"
    assert talk(meter, b"*GCR", 0.5) == b"Range: 24\r\n"


def test_multiplier_offset_and_zero(meter: GentecMaestro, laser: Laser) -> None:
    assert talk(meter, b"*MUL00000002*OFF000.0100*CVU", 0.0) == NEVER
    assert talk(meter, b"*CVU", 0.1) == b"0.31\r\n"
    talk(meter, b"*MUL00000001*OFF00000000", 0.1)
    talk(meter, b"*CVU", 0.2)
    talk(meter, b"*SOU", 0.2)
    laser.energy_J = 0.2
    assert talk(meter, b"*CVU", 0.3) == b"0.05\r\n"
    talk(meter, b"*COU", 0.3)
    assert talk(meter, b"*CVU", 0.4) == b"0.2\r\n"


def test_statistics(meter: GentecMaestro, laser: Laser) -> None:
    talk(meter, b"*ESU1", 0.0)
    meter.speak(0.1)
    laser.energy_J = 0.25
    assert talk(meter, b"*VSU", 0.2) == b"0.25\t0.25\t0.15\t0.2\t0.05\t2\r\n"
    assert talk(meter, b"*ESU0*VSU", 0.2) == b"ACK\r\n0\t0\t0\t0\t0\t0\r\n"


def test_status_structure(meter: GentecMaestro) -> None:
    lines = talk(meter, b"*STL15.0*ST2").decode().split("\r\n")
    assert lines[0] == ":000000003"
    assert lines[-2:] == [":100000000", ""]
    assert [line[:6] for line in lines[:-2]] == [f":0{address:04X}" for address in range(0x3A)]
    words = [int(line[6:], 16) for line in lines[:-2]]
    data = struct.pack(f"<{len(words)}H", *words)
    assert words[2:4] == [1, 0]
    assert struct.unpack_from("<3f", data, 8) == pytest.approx((30.0, 0.1, 0.3))
    assert struct.unpack_from("<4f", data, 20) == (20000.0, 193.0, 20000.0, 193.0)
    assert data[2 * 0x16 : 2 * 0x28].rstrip(b"\0") == b"QE25LP-S-MB"
    assert data[2 * 0x28 : 2 * 0x2E].rstrip(b"\0") == b"201377"
    assert struct.unpack_from("<f3I2f", data, 2 * 0x2E) == pytest.approx((0.15, 0, 0, 0, 1.0, 0.0))
    assert talk(meter, b"*STS").decode().split("\r\n") == [*lines[:0x2E], ":100000000", ""]


def test_saved_settings(meter: GentecMaestro) -> None:
    talk(meter, b"*SCS25*PWC00532*SDS*SCS26*PWC00355*CAU")
    meter.power_up(1.0)
    assert talk(meter, b"*GCR*GWL*CVU", 1.0) == b"Range: 25\r\nPWC: 532\r\n" + NEVER
    assert meter.speak(2.0) == b""
    assert talk(meter, b"*SSU*LDS*GCR", 2.0) == b"Done!\r\nRange: 25\r\n"


def test_binary_stream(meter: GentecMaestro, laser: Laser) -> None:
    meter.fault("binary_stream", 0.0)
    laser.energy_J = 8246 / 16382 * 0.3
    assert meter.speak(0.1) == b"\x40\xb6"
    laser.energy_J = 0.4
    assert meter.speak(0.2) == b"\x7f\xfe"
    meter.fault("binary_stream", 0.2, present=False)
    assert meter.speak(1.0) == b""


def test_faults(meter: GentecMaestro) -> None:
    meter.fault("wrong_identity", 0.0)
    assert talk(meter, b"*VER") == b"INTEGRA Version 2.00.08\r\n"
    talk(meter, b"*CAU")
    meter.fault("head_unplugged", 0.1)
    assert talk(meter, b"*GMD*CVU*GRR", 1.0) == b"0.15\r\nMode: 7\r\n0.15\r\n0.00\r\n"
    assert meter.speak(2.0) == b""
    meter.fault("head_unplugged", 2.0, present=False)
    assert meter.speak(2.1) == b"0.15\r\n"
    meter.fault("over_range", 2.1)
    assert meter.speak(2.2) == NEVER
    meter.fault("over_range", 2.2, cleared=True)
    assert meter.speak(2.3) == b"0.15\r\n"
    with pytest.raises(ValueError, match="head_unplugged"):
        meter.fault("stall", 3.0)


def test_state(meter: GentecMaestro) -> None:
    assert meter.state(0.0)["energy_J"] is None
    talk(meter, b"*ANO1*CAU", 0.0)
    assert meter.state(0.1) == {
        "energy_J": 0.15,
        "new": True,
        "streaming": True,
        "range": 23,
        "full_scale_J": pytest.approx(0.3),
        "autoscale": False,
        "trigger_percent": 2.0,
        "wavelength_nm": 1064,
        "analogue_output": True,
        "head_plugged": True,
    }


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_any_bytes(pieces: list[bytes]) -> None:
    meter = GentecMaestro(ten_hertz, lambda now: 0.1)
    for position, piece in enumerate(pieces):
        talk(meter, piece, float(position))
        talk(meter, b"*" + piece + b"\r", float(position))
        meter.answer(piece, float(position))


@given(st.sampled_from(["SCS", "SAS", "STL", "PWC", "MUL", "OFF", "ANO", "SCA", "ESU", "DBU", "TLA "]), st.binary(max_size=9))
def test_any_argument(name: str, argument: bytes) -> None:
    meter = GentecMaestro(ten_hertz, lambda now: 0.1)
    talk(meter, b"*" + name.encode() + argument + b"\r*ST2*VSU*GUM*GUO", 1.0)
    talk(meter, b"*CVU", 2.0)
