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
    assert talk(unit, b"U1\r\n", 11.25) in (b"U1\r\n-0024\r\n", b"U1\r\n-0025\r\n", b"U1\r\n-0026\r\n")
    assert talk(unit, b"S1\r\n", 13.0) == b"S1\r\nS1=ON \r\n"
    assert talk(unit, b"D2=9999\r\nD2\r\n") == b"D2=9999\r\n? UMAX@=5600\r\nD2\r\n5600\r\n"
    assert talk(unit, b"\r\nX9\r\nU3\r\n") == b"\r\n????\r\nX9\r\n?WCN\r\nU3\r\n?WCN\r\n"


def test_reading_the_isegs_status_releases_a_trip() -> None:
    unit = IsegNHQ()
    talk(unit, b"D1=50\r\nA1=8\r\nG1\r\n")
    unit.fault("trip", 100.0, channel=1)
    assert talk(unit, b"S1\r\n", 101.0) == b"S1\r\nS1=TRP\r\n"
    assert unit.voltage_V(1, 200.0) == 50.0


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        (b"#", b"481198;2.06;8000V;1000uA"),
        (b"W", b"003"),
        (b"W=10\r\nW", b"010"),
        (b"W=1", b"????"),
        (b"U1", b"-0000"),
        (b"I1", b"0000-6"),
        (b"M1", b"070"),
        (b"N2", b"070"),
        (b"D1", b"0000"),
        (b"V1", b"002"),
        (b"V1=30\r\nV1", b"030"),
        (b"L2", b"0000"),
        (b"L2=100\r\nL2", b"0100"),
        (b"A1", b"000"),
        (b"A1=8\r\nA1", b"008"),
        (b"T1", b"000"),
        (b"S1", b"S1=ON "),
        (b"V1=1", b"????"),
        (b"L1=10000", b"????"),
        (b"A1=16", b"????"),
        (b"G2", b"S2=ON "),
        (b"Q1", b"????"),
        (b"Q1=1", b"????"),
        (b"U", b"????"),
    ],
)
def test_every_word(sent: bytes, back: bytes) -> None:
    """What the last word of these is answered with, behind its echo."""
    unit = IsegNHQ()
    *before, last = sent.split(b"\r\n")
    for word in before:
        assert talk(unit, word + b"\r\n") == word + b"\r\n\r\n"
    assert talk(unit, last + b"\r\n") == last + b"\r\n" + back + b"\r\n"


def test_the_current_follows_the_voltage() -> None:
    unit = IsegNHQ()
    talk(unit, b"V1=255\r\nD1=5000\r\nG1\r\n")
    assert talk(unit, b"I1\r\n", 60.0) == b"I1\r\n0050-6\r\n"


def test_the_status_tells_why_it_is_off() -> None:
    unit = IsegNHQ()
    unit.fault("inhibit", 1.0, channel=2)
    unit.fault("front_panel", 1.0)
    assert talk(unit, b"T2\r\nS2\r\n", 1.0) == b"T2\r\n034\r\nS2\r\nS2=MAN\r\n"
    unit.fault("trip", 1.0, channel=1)
    assert talk(unit, b"T1\r\n", 1.0) == b"T1\r\n066\r\n"


def test_the_front_switch_takes_the_voltage_and_keeps_the_set_point() -> None:
    unit = IsegNHQ()
    talk(unit, b"V1=255\r\nD1=50\r\nG1\r\n")
    unit.fault("switch", 1.0)
    assert talk(unit, b"S1\r\nT1\r\nU1\r\nD1\r\nG1\r\n", 1.0) == (
        b"S1\r\nS1=OFF\r\nT1\r\n008\r\nU1\r\n-0000\r\nD1\r\n0050\r\nG1\r\nS1=OFF\r\n"
    )
    unit.fault("switch", 2.0, present=False)
    assert unit.voltage_V(1, 10.0) == 0.0
    assert talk(unit, b"G1\r\n", 10.0) == b"G1\r\nS1=L2H\r\n"


def test_a_reading_dances_by_a_volt_and_the_same_for_the_same_seed() -> None:
    def readings(seed: int) -> list[bytes]:
        unit = IsegNHQ(seed)
        talk(unit, b"V1=255\r\nD1=50\r\nG1\r\n")
        return [talk(unit, b"U1\r\n", 10.0)[4:9] for _ in range(30)]

    assert set(readings(1)) == {b"-0049", b"-0050", b"-0051"}
    assert readings(1) == readings(1) != readings(2)


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="wrong_identity"):
        IsegNHQ().fault("nonsense", 0.0)


@given(data=st.binary(max_size=60))
def test_no_bytes_upset_it(data: bytes) -> None:
    talk(IsegNHQ(), data + b"\r\n")
