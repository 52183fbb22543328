"""The simulated Infiniium: segmented acquisition, latches, blocks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.instruments.keysight_infiniium import Infiniium, Work
from simulators.world.conditions import Capture
from tests.simulators.instruments.talk import talk

SETUP = b""":SYSTem:HEADer OFF
:CHANnel1:DISPlay ON;INPut DC50;SCALe 0.05;OFFSet 0.15
:ACQ:MODE SEGM;INT OFF
:ACQuire:SRATe:ANALog 5E8
:ACQuire:POINts:ANALog 100
:ACQuire:SEGMented:COUNt 3
:WAVeform:SOURce CHANnel1;FORMat WORD;BYTeorder LSBFirst;STReaming OFF;SEGMented:ALL ON
"""


def triggers(since: float, until: float) -> NDArray[np.float64]:
    times = np.arange(0, 1000) * 0.05
    return times[(times > since) & (times <= until)]


def capture(times: NDArray[np.float64], settings: Capture) -> Work:
    codes = (np.rint(times * 20)[:, np.newaxis] + np.zeros(settings.samples)).astype(np.int16)
    return lambda: codes


@pytest.fixture
def scope() -> Infiniium:
    unit = Infiniium(triggers, capture)
    talk(unit, SETUP)
    assert talk(unit, b":SYSTem:ERRor?\n") == b"0\n"
    return unit


def block(reply: bytes) -> NDArray[np.int16]:
    digits = int(reply[1:2])
    size = int(reply[2 : 2 + digits])
    assert len(reply) == 2 + digits + size + 1
    assert reply.endswith(b"\n")
    return np.frombuffer(reply[2 + digits : -1], dtype="<i2").reshape(-1, 100)


def test_a_burst(scope: Infiniium) -> None:
    talk(scope, b":SINGle\n", now=1.0)
    assert talk(scope, b":ADER?;:RSTate?\n", now=1.12) == b"0;SING\n"
    assert talk(scope, b":ADER?\n", now=1.2) == b"1\n"
    assert talk(scope, b":ADER?\n", now=1.2) == b"0\n"
    assert talk(scope, b":WAVeform:SEGMented:COUNt?\n", now=1.2) == b"3\n"
    assert block(talk(scope, b":WAV:DATA?\n", now=1.2))[:, 0].tolist() == [21, 22, 23]
    tags = [talk(scope, b":ACQ:SEGM:IND %d;:WAVeform:SEGMented:TTAG?\n" % n, now=1.2) for n in (1, 2, 3)]
    assert [float(tag) for tag in tags] == pytest.approx([0.0, 0.05, 0.1])


def test_the_preamble_has_25_fields_and_the_segment_count(scope: Infiniium) -> None:
    talk(scope, b":SINGle\n", now=1.0)
    fields = talk(scope, b":WAVeform:PREamble?\n", now=2.0).decode().split(",")
    assert len(fields) == 25
    assert (fields[0], fields[2], fields[18], fields[24].strip()) == ("2", "100", "2", "3")
    assert float(fields[4]) == pytest.approx(2e-9)
    assert float(fields[7]) == pytest.approx(0.4 / 65536)
    assert float(fields[8]) == pytest.approx(0.15)


def test_stopping_keeps_what_came(scope: Infiniium) -> None:
    talk(scope, b":SINGle\n", now=1.0)
    talk(scope, b":STOP\n", now=1.12)
    assert talk(scope, b":ADER?;:WAV:SEGM:COUN?\n", now=9.0) == b"0;2\n"
    assert block(talk(scope, b":WAV:DATA?\n", now=9.0)).shape == (2, 100)


def test_a_missed_trigger_is_followed_by_the_next(scope: Infiniium) -> None:
    scope.fault("missed_trigger", 0.9)
    talk(scope, b":SINGle\n", now=1.0)
    assert talk(scope, b":ADER?\n", now=1.17) == b"0\n"
    assert talk(scope, b":ADER?\n", now=1.22) == b"1\n"
    assert block(talk(scope, b":WAV:DATA?\n", now=1.22))[:, 0].tolist() == [21, 23, 24]


def test_a_double_trigger_takes_the_place_of_a_shot(scope: Infiniium) -> None:
    scope.fault("double_trigger", 0.9)
    talk(scope, b":SINGle\n", now=1.0)
    talk(scope, b":ADER?\n", now=2.0)
    tags = [float(talk(scope, b":ACQ:SEGM:IND %d;:WAV:SEGM:TTAG?\n" % n, now=2.0)) for n in (1, 2, 3)]
    assert tags == pytest.approx([0.0, 0.05, 0.05 + 0.05 / 3])


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (b":NONSENSE 1", b"-113"),
        (b":ACQuire:SEGMented:COUNt 0", b"-222"),
        (b":ACQuire:SEGMented:COUNt", b"-222"),
        (b":CHANnel1:SCALe 50", b"-222"),
        (b":CHANnel7:SCALe 0.1", b"-113"),
        (b":WAVeform:FORMat SONG", b"-104"),
        (b":ACQuire:MODE RTIM;:SINGle", b"-221"),
    ],
)
def test_errors_are_queued(scope: Infiniium, command: bytes, error: bytes) -> None:
    assert talk(scope, command + b"\n") == b""
    assert talk(scope, b":SYST:ERR?\n") == error + b"\n"
    assert talk(scope, b":SYSTem:ERRor? STRing\n") == b'0,"No error"\n'


def test_messages_in_pieces_and_the_branch_rule(scope: Infiniium) -> None:
    received = bytearray(b":CHAN1:SCAL?;OFF")
    assert list(scope.split(received)) == []
    assert talk(scope, bytes(received) + b"S?\n") == b"5.00000E-02;1.50000E-01\n"
    assert talk(scope, b":acquire:points?\n") == b"100\n"


def test_answers_carry_their_header_until_it_is_switched_off() -> None:
    unit = Infiniium(triggers, capture)
    assert talk(unit, b":RSTate?\n") == b":RSTATE STOP\n"
    assert talk(unit, b"*IDN?\n").startswith(b"KEYSIGHT TECHNOLOGIES,")
    assert talk(unit, b":SYSTem:HEADer OFF\n:RSTate?\n") == b"STOP\n"
