"""Gaussmeter, cold head and chopper: silence, settling and locks, as their sheets say."""

import pytest

from simulators.instruments.lakeshore_336 import LakeShore336
from simulators.instruments.lakeshore_425 import LakeShore425
from simulators.instruments.srs_sr542 import SR542
from simulators.world.cold_head import ColdHead
from tests.simulators.instruments.talk import talk


def test_the_gaussmeter_reads_in_its_unit() -> None:
    unit = LakeShore425(lambda now: 2.391, seed=1)
    assert float(talk(unit, b"RDGFIELD?\n")) == pytest.approx(23910, rel=1e-3)
    talk(unit, b"UNIT 2\n")
    assert float(talk(unit, b"RDGFIELD?\n")) == pytest.approx(2.391, rel=1e-3)
    assert talk(unit, b"\nNONSENSE\n*IDN?\n") == b"LSCI,MODEL425,4250022,1.0\r\n"
    unit.fault("no_probe", 0.0)
    assert int(talk(unit, b"OPST?\n")) & 1


def test_the_cold_head_settles_at_its_set_point() -> None:
    unit = LakeShore336(ColdHead(25.0))
    assert unit.temperature_K(60.0) == pytest.approx(25.0, abs=0.05)
    assert talk(unit, b"SETP 1,40.0;*ESR?\n", now=60.0) == b"128\r\n"
    assert unit.temperature_K(62.0) < 40.0
    assert unit.temperature_K(240.0) == pytest.approx(40.0, abs=0.1)
    assert talk(unit, b"KRDG? A;*ESR?\n", now=240.0).endswith(b";0\r\n")
    assert talk(unit, b"KRDG? 0\n", now=240.0).count(b",") == 3
    assert talk(unit, b"\nNOPE;*ESR?\n", now=240.0) == b"32\r\n"
    assert talk(unit, b"RANGE 1,9;*ESR?\n", now=240.0) == b"16\r\n"
    talk(unit, b"RANGE 1,0\n", now=240.0)
    assert unit.temperature_K(500.0) < 20.0


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
