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


@pytest.mark.parametrize(
    ("word", "back"),
    [
        ("PR1", "0,+1.7377E+00"),
        ("PR2", "0,+2.0000E-07"),
        ("PRX", "0,+1.7377E+00,0,+2.0000E-07"),
        ("UNI", "0"),
        ("SEN", "2,2"),
        ("TID", "PKR,IKR9"),
        ("ERR", "0000"),
        ("RES", "0"),
        ("SP1", "0,1.0000E-09,9.0000E-07"),
        ("SP2", "0,1.0000E-09,9.0000E-07"),
        ("SP3", "0,1.0000E-09,9.0000E-07"),
        ("SP4", "0,1.0000E-09,9.0000E-07"),
        ("SPS", "0,0,0,0"),
        ("FIL", "1,1"),
        ("CAL", "1.000,1.000"),
        ("DGS", "0,0"),
        ("DCD", "2"),
        ("SCT", "0"),
        ("LNG", "0"),
        ("WDT", "0"),
        ("AYT", "TPG 362,PTG28290,44990000,010100,010100"),
        ("ETH", "0,192.168.1.10,255.255.255.0,192.168.1.1"),
        ("MAC", "00:1A:2B:3C:4D:5E"),
        ("COM", "0,+1.7377E+00,0,+2.0000E-07"),
    ],
)
def test_every_question(word: str, back: str) -> None:
    assert talk(TPG362(lambda now: (1.7377, 2e-7)), f"{word}\r\n\x05".encode()) == f"\x06\r\n{back}\r\n".encode()


@pytest.mark.parametrize(
    ("setting", "back"),
    [
        ("UNI,4", "4"),
        ("DCD,3", "3"),
        ("SCT,1", "1"),
        ("LNG,2", "2"),
        ("WDT,1", "1"),
        ("RES,1", "0"),
        ("SEN,0,1", "2,1"),
        ("FIL,2,1", "2,1"),
        ("DGS,0,1", "0,1"),
        ("CAL,1.5,0.5", "1.500,0.500"),
        ("SP1,0,1E-5,2E-5", "0,1.0000E-05,2.0000E-05"),
        ("SP2,1,1E-6,2E-6", "1,1.0000E-06,2.0000E-06"),
        ("SP3,0,1E-4,1E-4", "0,1.0000E-04,1.0000E-04"),
        ("SP4,1,1E-3,1E-2", "1,1.0000E-03,1.0000E-02"),
        ("SP2,1,1E-6,2E-6\r\nSPS", "0,1,0,0"),
        ("COM,0", "0,+1.7377E+00,0,+2.0000E-07"),
    ],
)
def test_what_is_set_reads_back(setting: str, back: str) -> None:
    unit = TPG362(lambda now: (1.7377, 2e-7))
    assert talk(unit, f"{setting}\r\n\x05".encode()).split(b"\r\n")[-2] == back.encode()


@pytest.mark.parametrize(
    "wrong",
    ["UNI,9", "DCD,1", "SCT,2", "LNG,3", "WDT,2", "RES,2", "SEN,3,0", "FIL,1", "DGS,2,0", "CAL,20,1", "SP1,2,1,2", "PR1,1"],
)
def test_wrong_parameters_are_refused(wrong: str) -> None:
    assert talk(TPG362(lambda now: (1.7377, 2e-7)), f"{wrong}\r\n\x05".encode()) == b"\x15\r\n0010\r\n"


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="wrong_identity"):
        TPG362(lambda now: (1.7377, 2e-7)).fault("nonsense", 0.0)


@given(data=st.binary(max_size=60))
def test_no_bytes_upset_it(data: bytes) -> None:
    talk(TPG362(lambda now: (1.7377, 2e-7)), data + b"\r\n")
