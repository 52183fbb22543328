"""The simulated Alicat pressure controller."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.alicat_pc import AlicatPC
from tests.simulators.instruments.talk import talk


def test_the_pressure_follows_its_set_point() -> None:
    unit = AlicatPC(10.0, "B")
    assert talk(unit, b"BS4.50\r") == b"B +000.00 +004.50\r"
    assert unit.pressure_bar(20.0) == pytest.approx(4.5, abs=1e-3)
    assert talk(unit, b"BHC\r", 20.0) == b"B +004.50 +004.50 HLD\r"
    assert unit.pressure_bar(40.0) == pytest.approx(0.0, abs=1e-3)
    assert talk(unit, b"A\rBR122\rBXX\rB32000\r", 40.0) == b"B   122 = 34\r?\rB +000.00 +005.00 HLD\r"


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="wrong_identity"):
        AlicatPC().fault("nonsense", 0.0)


@given(data=st.binary(max_size=60))
def test_no_bytes_upset_it(data: bytes) -> None:
    talk(AlicatPC(), data + b"\r\n")
