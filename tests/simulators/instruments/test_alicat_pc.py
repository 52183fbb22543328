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


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        (b"A", b"A +000.00 +000.00"),
        (b"AS2.5", b"A +000.00 +002.50"),
        (b"A32000", b"A +000.00 +005.00"),
        (b"AP", b"A +000.00 +000.00"),
        (b"APC", b"A +000.00 +000.00"),
        (b"AHP", b"A +000.00 +000.00 HLD"),
        (b"AH", b"A +000.00 +000.00 HLD"),
        (b"AHC", b"A +000.00 +000.00 HLD"),
        (b"AHP\rAC", b"A +000.00 +000.00"),
        (b"AL", b"A +000.00 +000.00 LCK"),
        (b"AL\rAU", b"A +000.00 +000.00"),
        (b"ALS", b"A +000.00 +000.00 00 bar"),
        (b"AVE", b"A   6v21.0-R22 Nov 30 2016,16:04:20"),
        (b"A??M9", b"A   6v21.0-R22 Nov 30 2016,16:04:20"),
        (b"A??M*", b"A M01 ALICAT SCIENTIFIC\rA M04 PC-150PSIA"),
        (b"A??D*", b"A D01 001 ABS PRESSURE\rA D02 002 SETPOINT"),
        (b"ASR 0.5 4", b"A 0.5000 0.5000 4 bar/s"),
        (b"ASR 0.0005 3", b"A 0.5000 0.5000 4 bar/s"),
        (b"ASR 30 5", b"A 0.5000 0.5000 4 bar/s"),
        (b"ASR 1800 6", b"A 0.5000 0.5000 4 bar/s"),
        (b"ASR 43200 7", b"A 0.5000 0.5000 4 bar/s"),
        (b"ASR 0.5 4\rASR", b"A 0.5000 0.5000 4 bar/s"),
        (b"ALSRC 1 0 1 0\rALSRC", b"A 1 0 1 0"),
        (b"AW21=250\rAR21", b"A   021 = 250"),
        (b"A@=B", b"B +000.00 +000.00"),
        (b"A@=@", b""),
        (b"ANONSENSE", b"?"),
    ],
)
def test_every_word(sent: bytes, back: bytes) -> None:
    """What the last word of these is answered with."""
    unit = AlicatPC()
    *before, last = sent.split(b"\r")
    for word in before:
        talk(unit, word + b"\r")
    assert talk(unit, last + b"\r") == (back + b"\r" if back else b"")


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="wrong_identity"):
        AlicatPC().fault("nonsense", 0.0)


@given(data=st.binary(max_size=60))
def test_no_bytes_upset_it(data: bytes) -> None:
    talk(AlicatPC(), data + b"\r\n")
