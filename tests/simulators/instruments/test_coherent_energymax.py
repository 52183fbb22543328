"""The simulated EnergyMax: value and OK, records in the chosen order, sequence numbers, flags."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.coherent_energymax import SHORT_FORMS, EnergyMax
from tests.simulators.instruments.talk import talk


def ten_hertz(since: float, until: float) -> int:
    return math.floor(until * 10 + 1e-6) - math.floor(since * 10 + 1e-6)


class Laser:
    """Pulses at 10 Hz."""

    energy_J = 1.234e-3

    def energy(self, now: float) -> float:
        return self.energy_J


def ask(sensor: EnergyMax, text: str, now: float = 0.0) -> str:
    """The lines of the reply, joined by a bar."""
    reply = talk(sensor, text.encode("latin-1") + b"\r\n", now).decode()
    assert reply == "" or reply.endswith("\r\n")
    return reply.removesuffix("\r\n").replace("\r\n", "|")


@pytest.fixture
def laser() -> Laser:
    return Laser()


@pytest.fixture
def sensor(laser: Laser) -> EnergyMax:
    """Externally triggered, all items."""
    sensor = EnergyMax(ten_hertz, laser.energy)
    assert ask(sensor, "CONFIGURE:ITEMSELECT PULS,PER,FLAG,SEQ\rTRIGGER:SOURCE EXTERNAL") == "OK|OK"
    return sensor


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("SYSTEM:INFORMATION:MODEL?", '"EM-USB J-10MB-HE"|OK'),
        ("SYSTEM:INFORMATION:SNUMBER?", '"0344D22R"|OK'),
        ("CONFIGURE:WAVELENGTH?", "1064|OK"),
        ("CONFIGURE:WAVELENGTH? MINIMUM", "190|OK"),
        ("CONFIGURE:WAVELENGTH? MAXIMUM", "12000|OK"),
        ("CONFIGURE:WAVELENGTH 532\rCONFIGURE:WAVELENGTH?", "OK|532|OK"),
        ("CONFIGURE:MEASURE:TYPE?", "J|OK"),
        ("CONFIGURE:MEASURE:TYPE W\rCONFIGURE:MEASURE:TYPE?", "OK|W|OK"),
        ("CONFIGURE:MEASURE:TYPE W\rCONFIGURE:MEASURE:TYPE DEFAULT\rCONFIGURE:MEASURE:TYPE?", "OK|OK|J|OK"),
        ("CONFIGURE:ITEMSELECT?", "PULS,PER,FLAG,SEQ|OK"),
        ("CONFIGURE:ITEMSELECT SEQ, PULS\rCONFIGURE:ITEMSELECT?\rREAD?", "OK|SEQ,PULS|OK|0,0.000E+00|OK"),
        ("READ?", "0.000E+00,0,0,0|OK"),
        ("TRIGGER:SOURCE?", "EXTERNAL|OK"),
        ("TRIGGER:SOURCE INTERNAL\rTRIGGER:SOURCE?", "OK|INTERNAL|OK"),
        ("TRIGGER:SOURCE DEFAULT\rTRIGGER:SOURCE?", "OK|INTERNAL|OK"),
        ("TRIGGER:SLOPE?", "POSITIVE|OK"),
        ("TRIGGER:SLOPE NEGATIVE\rTRIGGER:SLOPE?", "OK|NEGATIVE|OK"),
        ("TRIGGER:SLOPE NEGATIVE\rTRIGGER:SLOPE POSITIVE\rTRIGGER:SLOPE?", "OK|OK|POSITIVE|OK"),
        ("TRIGGER:SLOPE NEGATIVE\rTRIGGER:SLOPE DEFAULT\rTRIGGER:SLOPE?", "OK|OK|POSITIVE|OK"),
        ("TRIGGER:DELAY?", "0|OK"),
        ("TRIGGER:DELAY 1000\rTRIGGER:DELAY?", "OK|1000|OK"),
        ("CONFIGURE:RANGE:SELECT?", "2.000E-02|OK"),
        ("CONFIGURE:RANGE:SELECT MIN\rCONFIGURE:RANGE:SELECT?", "OK|2.000E-03|OK"),
        ("CONFIGURE:RANGE:SELECT MIN\rCONFIGURE:RANGE:SELECT MAX\rCONFIGURE:RANGE:SELECT?", "OK|OK|2.000E-02|OK"),
        ("syst:inf:mod?", '"EM-USB J-10MB-HE"|OK'),
        ("SYST:INF:SNUM?", '"0344D22R"|OK'),
        ("CONF:WAV? MIN\rCONF:WAV? MAX", "190|OK|12000|OK"),
        ("CONF:MEAS:TYPE?\rCONF:ITEM?\rCONF:RANG:SEL?", "J|OK|PULS,PER,FLAG,SEQ|OK|2.000E-02|OK"),
        ("TRIG:SOUR INT\rTRIG:SOUR?\rTRIG:SOUR EXT\rTRIG:SOUR?", "OK|INTERNAL|OK|OK|EXTERNAL|OK"),
        ("TRIG:SLOP NEG\rTRIG:SLOP?\rTRIG:SLOP POS\rTRIG:SLOP?", "OK|NEGATIVE|OK|OK|POSITIVE|OK"),
        ("TRIG:SOUR DEF\rTRIG:DEL 7\rTRIG:DEL?", "OK|OK|7|OK"),
        ("CONF:RANG:SEL MINIMUM\rCONF:RANG:SEL?\rCONF:RANG:SEL MAXIMUM\rCONF:RANG:SEL?", "OK|2.000E-03|OK|OK|2.000E-02|OK"),
    ],
)
def test_commands(sensor: EnergyMax, sent: str, received: str) -> None:
    assert ask(sensor, sent) == received


def test_short_forms_are_all_tried() -> None:
    assert len(SHORT_FORMS) == 21


@pytest.mark.parametrize(
    "sent",
    [
        "*IDN?",
        "READ",
        "READ??",
        "SYSTEM:INFORMATION:MODEL",
        "SYSTEM:INFORMATION?",
        "TRIGGER:SOURCES?",
        ":READ?",
        "?",
        "READ?;READ?",
    ],
)
def test_unknown(sensor: EnergyMax, sent: str) -> None:
    assert ask(sensor, sent) == "ERR100"


@pytest.mark.parametrize(
    "sent",
    [
        "CONFIGURE:WAVELENGTH",
        "CONFIGURE:WAVELENGTH 189",
        "CONFIGURE:WAVELENGTH 12001",
        "CONFIGURE:WAVELENGTH 532.5",
        "CONFIGURE:WAVELENGTH \xb2",
        "CONFIGURE:WAVELENGTH? DEFAULT",
        "CONFIGURE:MEASURE:TYPE X",
        "CONFIGURE:ITEMSELECT",
        "CONFIGURE:ITEMSELECT PULS,PULS",
        "CONFIGURE:ITEMSELECT PULS,",
        "CONFIGURE:ITEMSELECT ENERGY",
        "CONFIGURE:RANGE:SELECT DEFAULT",
        "CONFIGURE:RANGE:SELECT",
        "TRIGGER:SOURCE BUS",
        "TRIGGER:SOURCE",
        "TRIGGER:SLOPE POSITIVE,NEGATIVE",
        "TRIGGER:DELAY 1001",
        "TRIGGER:DELAY -1",
        "READ? 1",
    ],
)
def test_wrong_parameter(sensor: EnergyMax, sent: str) -> None:
    before = sensor.state(0.0)
    assert ask(sensor, sent) == "ERR101"
    assert sensor.state(0.0) == before


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_terminators(sensor: EnergyMax, end: bytes) -> None:
    assert talk(sensor, b"TRIGGER:DELAY 5" + end + b"TRIGGER:DELAY?" + end) == b"OK\r\n5\r\nOK\r\n"
    received = bytearray(b"REA")
    assert list(sensor.split(received)) == []
    received += b"D?" + end
    assert [message for message in sensor.split(received) if message] == [b"READ?"]
    received += b"x" * 300
    assert list(sensor.split(received)) == []
    assert received == b""


def test_records(sensor: EnergyMax, laser: Laser) -> None:
    assert ask(sensor, "READ?", 0.1) == "1.234E-03,0,0,1|OK"
    laser.energy_J = 5e-3
    assert ask(sensor, "READ?\rREAD?", 0.25) == "5.000E-03,100000,0,2|OK|5.000E-03,100000,0,2|OK"
    assert ask(sensor, "READ?", 1.0) == "5.000E-03,100000,0,10|OK"
    ask(sensor, "CONFIGURE:ITEMSELECT SEQ,PULS\rCONFIGURE:MEASURE:TYPE W", 1.0)
    assert ask(sensor, "READ?", 1.0) == "10,5.000E-02|OK"
    ask(sensor, "TRIGGER:SOURCE EXTERNAL", 1.0)
    assert ask(sensor, "READ?", 1.1) == "1,0.000E+00|OK"


def test_trigger_source(sensor: EnergyMax, laser: Laser) -> None:
    laser.energy_J = 0.0
    assert ask(sensor, "READ?", 0.2) == "0.000E+00,100000,0,2|OK"
    ask(sensor, "TRIGGER:SOURCE INTERNAL", 0.2)
    assert ask(sensor, "READ?", 0.4) == "0.000E+00,0,0,0|OK"
    laser.energy_J = 12e-6
    assert ask(sensor, "READ?", 0.6) == "1.200E-05,100000,0,2|OK"


def test_peak_clip(sensor: EnergyMax, laser: Laser) -> None:
    laser.energy_J = 3e-3
    ask(sensor, "CONFIGURE:RANGE:SELECT MIN")
    assert ask(sensor, "READ?", 0.1) == "2.000E-03,0,P,1|OK"
    ask(sensor, "CONFIGURE:RANGE:SELECT MAX", 0.1)
    assert ask(sensor, "READ?", 0.2) == "3.000E-03,100000,0,2|OK"
    sensor.fault("over_range", 0.2)
    assert ask(sensor, "READ?", 0.3) == "2.000E-02,100000,P,3|OK"
    sensor.fault("over_range", 0.3, cleared=True)
    assert ask(sensor, "READ?", 0.4) == "3.000E-03,100000,0,4|OK"


def test_missed_pulses(sensor: EnergyMax, laser: Laser) -> None:
    ask(sensor, "READ?", 0.1)
    sensor.fault("missed_pulse", 0.1, count=2)
    laser.energy_J = 2e-3
    assert ask(sensor, "READ?", 0.3) == "1.234E-03,100000,0,3|OK"
    assert ask(sensor, "READ?", 0.4) == "2.000E-03,100000,M,4|OK"
    assert ask(sensor, "READ?", 0.5) == "2.000E-03,100000,0,5|OK"


def test_other_flags(sensor: EnergyMax) -> None:
    sensor.fault("baseline_clip", 0.0)
    sensor.fault("dirty_batch", 0.0)
    assert ask(sensor, "READ?", 0.1) == "1.234E-03,0,BD,1|OK"
    sensor.fault("baseline_clip", 0.1, present=False)
    assert ask(sensor, "READ?", 0.2) == "1.234E-03,100000,D,2|OK"


def test_nothing_unasked(sensor: EnergyMax) -> None:
    assert sensor.speak(0.35) == b""
    assert sensor.state(0.35) == {
        "energy_J": 1.234e-3,
        "period_us": 100000,
        "flags": "0",
        "sequence": 3,
        "items": ["PULS", "PER", "FLAG", "SEQ"],
        "trigger_source": "external",
        "trigger_slope": "positive",
        "trigger_delay_us": 0,
        "full_scale_J": 20e-3,
        "wavelength_nm": 1064,
    }


def test_power_cycle(sensor: EnergyMax) -> None:
    ask(sensor, "CONFIGURE:WAVELENGTH 532\rTRIGGER:DELAY 9\rCONFIGURE:RANGE:SELECT MIN", 0.3)
    sensor.power_up(0.35)
    assert ask(sensor, "CONFIGURE:WAVELENGTH?\rTRIGGER:DELAY?\rTRIGGER:SOURCE?", 0.35) == "1064|OK|0|OK|INTERNAL|OK"
    assert ask(sensor, "CONFIGURE:ITEMSELECT?\rREAD?", 0.4) == "PULS|OK|1.234E-03|OK"
    assert sensor.state(0.4)["sequence"] == 1


def test_identity_and_unknown_fault(sensor: EnergyMax) -> None:
    sensor.fault("wrong_identity", 0.0)
    assert ask(sensor, "SYSTEM:INFORMATION:MODEL?\rSYSTEM:INFORMATION:SNUMBER?") == '"PM-USB UV/VIS"|OK|"0512E22R"|OK'
    with pytest.raises(ValueError, match="missed_pulse"):
        sensor.fault("stall", 0.0)


@given(st.lists(st.binary(max_size=16), max_size=6))
def test_any_bytes(pieces: list[bytes]) -> None:
    sensor = EnergyMax(ten_hertz, lambda now: 1e-3)
    for position, piece in enumerate(pieces):
        talk(sensor, piece + b"\n", float(position))
        talk(sensor, b"TRIG:DEL " + piece + b"\n", float(position))
