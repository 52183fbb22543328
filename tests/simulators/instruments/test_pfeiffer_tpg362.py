"""The simulated gauge controller: acknowledge, ask, talk by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.pfeiffer_tpg362 import TPG362
from tests.simulators.instruments.talk import talk


def test_the_gauge_acknowledges_and_is_asked() -> None:
    unit = TPG362(lambda now: (1.7377, 2e-7))
    assert talk(unit, b"PR1\r\n\x05") == b"\x06\r\n0,+1.7377E+00\r\n"
    assert talk(unit, b"XYZ\r\n\x05") == b"\x15\r\n0001\r\n"
    assert talk(unit, b"UNI, 2\r\n\x05PR1\r\n\x05\x05") == b"\x06\r\n2\r\n\x06\r\n" + b"0,+1.7377E+02\r\n" * 2
    assert talk(unit, b"SEN,1,0\r\n\x05PR1\r\n\x05").endswith(b"4,+1.7377E+02\r\n")
    assert talk(unit, b"DCD,9\r\n\x05ERR\r\n\x05") == b"\x15\r\n0010\r\n\x06\r\n0000\r\n"


def test_the_gauge_talks_by_itself_until_somebody_speaks() -> None:
    unit = TPG362(lambda now: (1.7377, 2e-7))
    assert unit.speak(0.5) == b""
    assert unit.speak(1.5) == b"0,+1.7377E+00,0,+2.0000E-07\r\n"
    talk(unit, b"\x03", 2.0)
    assert unit.speak(5.0) == b""
    talk(unit, b"COM,0\r\n", 6.0)
    assert unit.speak(7.0) != b""


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="wrong_identity"):
        TPG362(lambda now: (1.7377, 2e-7)).fault("nonsense", 0.0)


@given(data=st.binary(max_size=60))
def test_no_bytes_upset_it(data: bytes) -> None:
    talk(TPG362(lambda now: (1.7377, 2e-7)), data + b"\r\n")
