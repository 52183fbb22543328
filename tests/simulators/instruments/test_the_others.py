"""The slower instruments: silence, echoes, latches, ramps and locks, as their sheets say."""

import struct

import pytest

from simulators.instruments.bronkhorst_elpress import ELPress
from simulators.instruments.coherent_compexpro import COMPexPro
from simulators.instruments.danfysik_8500 import Danfysik8500
from simulators.instruments.lakeshore_336 import LakeShore336
from simulators.instruments.lakeshore_425 import LakeShore425
from simulators.instruments.quantel_bss import BigSkyBSS
from simulators.instruments.srs_sr542 import SR542
from simulators.world.cold_head import ColdHead
from tests.simulators.instruments.talk import talk


def at_20_Hz(since: float, until: float) -> int:
    return max(0, int((until - since) * 20))


def test_the_magnet_supply_ramps_and_latches() -> None:
    unit = Danfysik8500(250.0)
    assert talk(unit, b"S1\r") == b"!!....................!.\n\r"
    assert talk(unit, b"S1H\r") == b"C00002\n\r"
    assert talk(unit, b"WA 100000\r") == b"?\x07\r"
    assert talk(unit, b"ERRT\rWA 100000\r") == b"?\x07 ILLEGAL COMMAND\r"
    assert talk(unit, b"N\r", now=1.0) == b""
    assert talk(unit, b"S1\r", now=1.5) == b".!....................!.\n\r"
    assert talk(unit, b"S1\rWA 800000\rRA\r", now=4.0) == b".!......................\n\r800000\n\r"
    assert unit.current_A(14.0) == pytest.approx(100.0)
    assert talk(unit, b"AD 8\r", now=14.0) == b"10000\n\r"
    assert talk(unit, b"PO -\r", now=14.0).startswith(b"?\x07")
    unit.fault("interlock", 15.0, cause="magnet water flow")
    assert talk(unit, b"S1\r", now=15.0) == b"!!.......!..........!.!.\n\r"
    assert talk(unit, b"RS\rN\r", now=16.0) == b"?\x07 ILLEGAL COMMAND\r"
    unit.fault("interlock_cause_gone", 17.0)
    assert talk(unit, b"RS\rN\r", now=17.0) == b""
    unit.fault("front_panel_local", 18.0)
    assert talk(unit, b"CMD\r", now=18.0) == b"LOC\n\r"
    assert talk(unit, b"WA 000100\r", now=18.0).startswith(b"?\x07")


def test_the_magnet_supply_reverses_without_current() -> None:
    unit = Danfysik8500(250.0)
    talk(unit, b"PO -\rN\r")
    assert talk(unit, b"PO\r", now=5.0) == b"-\n\r"
    talk(unit, b"WA 400000\r", now=5.0)
    assert unit.current_A(30.0) == pytest.approx(-100.0)


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


def test_the_ablation_laser_counts_17_bytes_and_needs_water() -> None:
    unit = BigSkyBSS(at_20_Hz)
    assert talk(unit, b">SN\r\n") == b"\r\ns/number    062"
    assert talk(unit, b">sn\n") == b"\r\ns/number    062"
    assert talk(unit, b"$061SN\r\n") == b""
    assert talk(unit, b">NOPE\r\n") == b""
    assert talk(unit, b">V1150\r\n") == b"\r\nvoltage  1150 V"
    assert talk(unit, b">V1900\r\n") == b"\r\nvoltage  1150 V"
    talk(unit, b">P1\r\n>LPM1\r\n>QSM2\r\n>QSW010\r\n")
    assert talk(unit, b">A\r\n", now=1.0) == b"\r\nwater flow     "
    assert talk(unit, b">A\r\n", now=3.0) == b"\r\nfire ext     e "
    assert talk(unit, b">R1\r\n>PQ\r\n", now=3.1)[17:] == b"\r\nwait for QS    "
    assert not unit.armed(3.1)
    assert talk(unit, b">PQ\r\n", now=4.0) == b"\r\nfire ext   qse "
    assert unit.armed(4.0)
    assert talk(unit, b">WOR\r\n", now=4.0) == b"\r\nI 0 F 6 S 0 Q 4"
    unit.fault("interlock", 5.0, cause="cover open")
    assert not unit.armed(5.0)
    assert talk(unit, b">IF1\r\n>IF1\r\n", now=5.0) == b"\r\nIF1 00 00 00 00\r\nIF. 00 00 00 10"
    assert all(len(talk(unit, command)) == 17 for command in (b">X\r\n", b">T\r\n", b">W\r\n", b"\r\n", b">D\r\n", b">F\r\n"))


def test_the_excimer_is_silent_slow_and_strict() -> None:
    unit = COMPexPro(at_20_Hz, warm=False)
    assert talk(unit, b"OPMODE?\r") == b"OFF:21\r"
    talk(unit, b"OPMODE=ON\r", now=10.0)
    assert talk(unit, b"OPMODE?\r", now=20.0) == b"OFF:21\r"
    assert talk(unit, b"MODE=EGY NGR\rEGY SET=150\rTRIGGER=EXT\rOPMODE=ON\rOPMODE?\r", now=481.0) == b"OFF,WAIT\r"
    assert unit.energy_mJ(484.0) == 0.0
    assert talk(unit, b"OPMODE?\r", now=486.0) == b"ON:0\r"
    assert unit.energy_mJ(486.0) == 150.0
    assert talk(unit, b"MODE=HV\rMODE?\r", now=486.0) == b"EGY NGR\r"
    assert talk(unit, b"EGY?\rEGY?\r", now=487.0) == b"150\r0\r"
    assert talk(unit, b"NOPE?\rEGY SET=9999\rEGY SET?\r", now=487.0) == b"150\r"
    unit.fault("interlock", 488.0, cause="COVER")
    assert talk(unit, b"OPMODE?\rINTERLOCK?\r", now=488.0) == b"OFF:1\rCOVER\r"


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        ("10 02 02 03 05 01 01 21 3E 80 10 03", "10 02 02 03 03 00 00 05 10 03"),
        ("10 02 04 03 07 01 21 43 40 90 00 00 10 03", "10 02 04 03 03 00 00 07 10 03"),
        ("10 02 06 03 05 04 01 4D 01 4D 10 03", "10 02 06 03 07 02 01 4D 40 C0 00 00 10 03"),
        ("10 02 08 03 04 01 01 04 00 10 03", "10 02 08 03 03 00 00 04 10 03"),
        ("10 02 0D 03 05 04 21 47 21 47 10 03", "10 02 0D 03 03 00 04 05 10 03"),
    ],
)
def test_the_exchanges_of_the_pressure_controllers_sheet(sent: str, reply: str) -> None:
    assert talk(ELPress(6.0), bytes.fromhex(sent)) == bytes.fromhex(reply)


def test_the_pressure_controller_in_ascii_and_chained() -> None:
    unit = ELPress(6.0)
    assert talk(unit, b":06030101213E80\r\n") == b":0403000005\r\n"
    assert talk(unit, b":06030401210121\r\n") == b":06030201213E80\r\n"
    assert talk(unit, b":0607") == b""
    unit.answer(bytes.fromhex("10 02 04 03 07 01 21 43 40 90 00 00 10 03"), 0.0)
    assert unit.pressure_bar(20.0) == pytest.approx(4.5, abs=1e-3)
    chained = bytes.fromhex("10 02 0E 03 0C 04 A1 C0 21 40 43 21 43 01 20 01 20 10 03")
    reply = talk(unit, chained, now=20.0)
    body = reply[2:-2].replace(b"\x10\x10", b"\x10")
    assert body[3:6] == bytes.fromhex("02 A1 C0")
    assert struct.unpack(">f", body[6:10])[0] == pytest.approx(4.5, abs=1e-3)
    assert struct.unpack(">f", body[11:15])[0] == 4.5
    assert talk(unit, bytes.fromhex("10 02 01 07 05 04 01 20 01 20 10 03")) == b""
