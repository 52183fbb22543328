"""The simulated iseg supply: echo, ramps, a status that forgets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.iseg_nhq import IsegNHQ
from tests.simulators.instruments.talk import talk


def test_the_iseg_echoes_and_ramps_when_told() -> None:
    unit = IsegNHQ()
    assert talk(unit, b"U1\r\n") == b"U1\r\n-0000\r\n"
    assert talk(unit, b"V1=20\r\nD1=50\r\n") == b"V1=20\r\n\r\nD1=50\r\n\r\n"
    assert unit.voltage_V(1, 10.0) == 0.0
    assert talk(unit, b"G1\r\n", 10.0) == b"G1\r\nS1=L2H\r\n"
    assert talk(unit, b"U1\r\n", 11.25) == b"U1\r\n-0025\r\n"
    assert talk(unit, b"S1\r\n", 13.0) == b"S1\r\nS1=ON \r\n"
    assert talk(unit, b"D2=9999\r\nD2\r\n") == b"D2=9999\r\n? UMAX@=5600\r\nD2\r\n5600\r\n"
    assert talk(unit, b"\r\nX9\r\nU3\r\n") == b"\r\n????\r\nX9\r\n?WCN\r\nU3\r\n?WCN\r\n"


def test_reading_the_isegs_status_releases_a_trip() -> None:
    unit = IsegNHQ()
    talk(unit, b"D1=50\r\nA1=8\r\nG1\r\n")
    unit.fault("trip", 100.0, channel=1)
    assert talk(unit, b"S1\r\n", 101.0) == b"S1\r\nS1=TRP\r\n"
    assert unit.voltage_V(1, 200.0) == 50.0


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="wrong_identity"):
        IsegNHQ().fault("nonsense", 0.0)


@given(data=st.binary(max_size=60))
def test_no_bytes_upset_it(data: bytes) -> None:
    talk(IsegNHQ(), data + b"\r\n")
