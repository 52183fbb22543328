"""The chopper runs up, locks and loses its lock, as its sheet says."""

import pytest

from simulators.instruments.srs_sr542 import SR542
from tests.simulators.instruments.talk import talk


def test_the_chopper_runs_up_and_locks() -> None:
    unit = SR542(lambda now: 20.0, warm=False)
    talk(unit, b"CHNT 12;SRCE 3;MULT 5;MOTR 1\n")
    assert talk(unit, b"CHCR? 3\n", now=1.0) == b"0\r\n"
    assert unit.opening(4.0)[0] == pytest.approx(80.0)
    unit.opening(6.0)
    assert talk(unit, b"CHCR? 3\rCHEV?\r", now=8.0) == b"1\r\n0\r\n"
    unit.fault("lose_lock", 8.0, seconds=1.0)
    assert talk(unit, b"CHCR? 3\n", now=8.5) == b"0\r\n"
    unit.opening(9.5)
    assert talk(unit, b"CHCR? 3\nCHEV?\nCHEV?\n", now=12.0) == b"1\r\n12\r\n0\r\n"
    assert talk(unit, b"NOPE 1\nLERR?\n", now=12.0) == b"22\r\n"
    assert talk(unit, b"SRCE 9\nLERR?\n", now=12.0) == b"32\r\n"
