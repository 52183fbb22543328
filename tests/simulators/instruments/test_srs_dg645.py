"""The simulated DG645 behaves as its manual says."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.srs_dg645 import DG645
from tests.simulators.instruments.talk import talk


def test_the_session_of_the_sheet() -> None:
    unit = DG645()
    assert talk(unit, b"*IDN?\n") == b"Stanford Research Systems,DG645,s/n004025,ver1.00.00E\r\n"
    assert talk(unit, b"*ESR?\n") == b"128\r\n"
    assert talk(unit, b"TSRC 5\nDLAY 2,0,10e-6\nDLAY 3,2,1e-6\nDLAY? 3\n") == b"2,+0.000001000000\r\n"
    assert talk(unit, b"LAMP 1,4.0\nTSRC 9\nLERR?\n") == b"10\r\n"
    assert talk(unit, b"*ESR?\n") == b"16\r\n"
    assert talk(unit, b"TSRC 1;LERR?\n") == b"0\r\n"


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (b"TSRC 7", 10),
        (b"BURC 0", 10),
        (b"TLVL 5.0", 10),
        (b"LAMP 1,10.0", 10),
        (b"DLAY 0,2,1e-6", 13),
        (b"DLAY 2,2,1e-6", 13),
        (b"DLAY 2,3,1e-6", 13),
        (b"DLAY 2,0,-1e-6", 12),
        (b"DLAY 2,0,2000", 12),
        (b"TRAT -1", 10),
        (b"NONSENSE", 110),
        (b"*IDN", 113),
        (b"TSRC", 116),
        (b"TSRC x", 118),
        (b"*TRG", 0),
    ],
)
def test_refusals_are_silent_and_queued(command: bytes, error: int) -> None:
    unit = DG645()
    assert talk(unit, command + b"\n") == b""
    assert talk(unit, b"LERR?\nLERR?\n") == f"{error}\r\n0\r\n".encode()


def test_the_error_queue_overflows() -> None:
    unit = DG645()
    talk(unit, b"TSRC 9\n" * 25)
    replies = talk(unit, b"LERR?\n" * 21).split()
    assert replies == [b"10"] * 19 + [b"254", b"0"]


def test_a_command_may_come_in_pieces_and_several_at_once() -> None:
    unit = DG645()
    received = bytearray(b"TSR")
    assert list(unit.split(received)) == []
    received += b"C?\r\nTSRC?"
    assert list(unit.split(received)) == [b"TSRC?", b""]
    assert received == b"TSRC?"
    assert talk(unit, b"\n\r;") == b""


def test_edges_follow_their_links() -> None:
    unit = DG645()
    talk(unit, b"DLAY 4,0,1e-3;DLAY 5,4,1e-6;DLAY 6,4,2e-3;DLAY 7,6,5e-6\n")
    edges = unit.edges()
    assert edges["CD"] == pytest.approx((1e-3, 1e-6))
    assert edges["EF"] == pytest.approx((3e-3, 5e-6))
    talk(unit, b"LINK 6,0\n")
    assert unit.edges()["EF"] == pytest.approx((3e-3, 5e-6))


def test_triggers_come_only_while_they_run() -> None:
    unit = DG645()
    assert len(unit.fired(0.0, 100.0)) == 0
    talk(unit, b"TRAT 20;TSRC 0\n", now=10.0)
    talk(unit, b"TSRC 5\n", now=12.0)
    times = unit.fired(0.0, 100.0)
    np.testing.assert_allclose(times, 10.05 + np.arange(40) / 20)
    talk(unit, b"*TRG\n", now=15.0)
    assert unit.fired(14.0, 100.0).tolist() == [15.0]


@given(st.lists(st.floats(0, 50), min_size=1, max_size=6), st.floats(0.5, 200))
def test_every_trigger_is_told_once_however_it_is_asked(cuts: list[float], rate: float) -> None:
    unit = DG645()
    talk(unit, f"TRAT {rate:.3f};TSRC 0\n".encode(), now=3.0)
    edges = [0.0, *sorted(cuts), 50.0]
    parts = [unit.fired(a, b) for a, b in pairwise(edges)]
    np.testing.assert_allclose(np.concatenate(parts), unit.fired(0.0, 50.0))
