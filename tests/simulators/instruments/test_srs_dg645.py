"""The simulated DG645 behaves as its manual says."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
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
    ("setting", "back"),
    [
        (b"TSRC 3", b"3"),
        (b"TRAT 20.5", b"20.500000"),
        (b"TRAT 1e8", b"10000000.000000"),
        (b"TLVL -1.25", b"-1.25"),
        (b"INHB 5", b"5"),
        (b"ADVT 1", b"1"),
        (b"HOLD 1e-6", b"0.000001000000"),
        (b"BURM 1", b"1"),
        (b"BURC 10", b"10"),
        (b"BURP 1e-3", b"0.001000000000"),
        (b"BURD 5e-6", b"0.000005000000"),
        (b"BURT 1", b"1"),
        (b"SHDP 0", b"0"),
        (b"SSTR 10", b"10.000000"),
        (b"SSTL 0.5", b"0.50"),
        (b"SSHD 1e-6", b"0.000001000000"),
        (b"SSBC 3", b"3"),
        (b"SSBD 2e-9", b"0.000000002000"),
        (b"SSBP 1e-6", b"0.000001000000"),
        (b"*ESE 48", b"48"),
        (b"*SRE 32", b"32"),
        (b"*PSC 0", b"0"),
        (b"INSE 2", b"2"),
        (b"DISP 12,3", b"12,3"),
        (b"PRES 0,100", b"?0:100"),
        (b"PRES 4,65535", b"?4:65535"),
        (b"PRES 1,5;PHAS 1,4", b"?1:4"),
        (b"LAMP 2,3.5", b"?2:3.50"),
        (b"LOFF 0,-1.0", b"?0:-1.00"),
        (b"LPOL 1,0", b"?1:0"),
        (b"SSLA 1,0.2", b"?1:0.20"),
        (b"SSLO 4,0.3", b"?4:0.30"),
        (b"SSPS 2,7", b"?2:7"),
        (b"SSPH 2,2", b"?2:2"),
        (b"SSDL 2,1e-9", b"?2:0.000000001000"),
        (b"IFCF 6,0", b"?6:0"),
        (b"EPHY 1,0", b"?1:0"),
        (b"DLAY 2,0,10e-6", b"?2:0,+0.000010000000"),
        (b"DLAY 2,0,1e-6;LINK 4,2", b"?4:2"),
    ],
)
def test_what_is_set_reads_back(setting: bytes, back: bytes) -> None:
    unit = DG645()
    mnemonic = setting.split(b";")[-1].split()[0]
    index, _, value = back.rpartition(b":")
    assert talk(unit, setting + b"\nLERR?\n" + mnemonic + (index or b"?") + b"\n") == b"0\r\n" + value + b"\r\n"
    talk(unit, b"*RST\n")
    assert talk(unit, mnemonic + (index or b"?") + b"\n") == FACTORY.get(mnemonic, value) + b"\r\n"


FACTORY = {
    b"TSRC": b"5", b"TRAT": b"1000.000000", b"TLVL": b"1.00", b"INHB": b"1", b"ADVT": b"0", b"HOLD": b"0.000000000000",
    b"BURM": b"0", b"BURC": b"5", b"BURP": b"0.000100000000", b"BURD": b"0.000000000000", b"BURT": b"0", b"SHDP": b"1",
    b"SSTR": b"1000.000000", b"SSTL": b"0.10", b"SSHD": b"0.000000001000", b"SSBC": b"1", b"SSBD": b"0.000000001000",
    b"SSBP": b"0.000000100000", b"DISP": b"11,2", b"PRES": b"1", b"PHAS": b"0", b"LAMP": b"2.50", b"LOFF": b"0.00",
    b"LPOL": b"1", b"SSLA": b"0.10", b"SSLO": b"0.10", b"SSPS": b"1", b"SSPH": b"1", b"SSDL": b"0.000000001000",
    b"DLAY": b"0,+0.000000000000", b"LINK": b"0",
}  # fmt: skip
"""Page 37; registers and interfaces keep what they have."""


@pytest.mark.parametrize(
    ("step", "query", "back"),
    [
        (b"SPTR 1", b"TRAT?", b"2000.000000"),
        (b"SPTL 0", b"TLVL?", b"0.90"),
        (b"SPHD 1", b"HOLD?", b"0.000000001000"),
        (b"SPBC 1", b"BURC?", b"6"),
        (b"SPBD 1", b"BURD?", b"0.000000001000"),
        (b"SPBP 0", b"BURP?", b"0.000099900000"),
        (b"SPLA 1,1", b"LAMP?1", b"2.60"),
        (b"SPLO 1,0", b"LOFF?1", b"-0.10"),
        (b"SPPS 1,1", b"PRES?1", b"2"),
        (b"PRES 1,3;SPPH 1,1", b"PHAS?1", b"1"),
        (b"SPDL 3,1", b"DLAY?3", b"2,+0.000000011000"),
    ],
)
def test_steps_move_by_their_size(step: bytes, query: bytes, back: bytes) -> None:
    assert talk(DG645(), step + b"\nLERR?\n" + query + b"\n") == b"0\r\n" + back + b"\r\n"


@pytest.mark.parametrize(
    ("query", "back"),
    [
        (b"*OPC?", b"1"), (b"*TST?", b"0"), (b"*CAL?", b"0"), (b"TIMB?", b"0"), (b"LOCK?", b"1"), (b"UNLK?", b"1"),
        (b"EMAC?", b"00.19.b3.02.00.01"), (b"*STB?", b"0"), (b"INSR?", b"0"), (b"DLAY?0", b"0,+0.000000000000"),
        (b"*OPC;*ESR?", b"129"), (b"*CLS;*ESR?", b"0"), (b"*WAI;REMT;IFRS 2;LERR?", b"0"), (b"LCAL;LERR?", b"111"),
        (b"TSRC 0;*TST?;TSRC?", b"0\r\n5"),
    ],
)  # fmt: skip
def test_other_words(query: bytes, back: bytes) -> None:
    assert talk(DG645(), query + b"\n") == back + b"\r\n"


def test_settings_are_saved_and_recalled() -> None:
    unit = DG645()
    talk(unit, b"TRAT 20;DLAY 2,0,1e-3;*SAV 3;*RST\n")
    assert talk(unit, b"DLAY?2;*RCL 3;DLAY?2;TRAT?;*RCL 4;LERR?\n") == (
        b"0,+0.000000000000\r\n0,+0.001000000000\r\n20.000000\r\n14\r\n"
    )


def test_events_tell_of_triggers_and_of_ignored_ones() -> None:
    unit = DG645()
    talk(unit, b"*CLS;*ESE 16;INSE 2;*SRE 33;DLAY 3,0,80e-3;TRAT 20;TSRC 0\n")
    assert len(unit.fired(0.0, 10.0)) == 100
    assert talk(unit, b"*STB?;INSR?;INSR?\n", 10.0) == b"67\r\n7\r\n0\r\n"
    talk(unit, b"DLAY 2,0,1e-3\n", 10.06)
    assert talk(unit, b"INSR?\n", 10.06) == b"39\r\n"
    assert talk(unit, b"TSRC 9;*STB?\n", 10.06) == b"98\r\n"


def test_a_burst_repeats_the_cycle() -> None:
    unit = DG645()
    talk(unit, b"BURM 1;BURC 3;BURP 1e-2;BURD 1e-3\n*TRG\n", 1.0)
    np.testing.assert_allclose(unit.fired(0.0, 2.0), [1.001, 1.011, 1.021])
    assert unit.fired(1.005, 1.015).tolist() == [1.011]


def test_a_prescaler_divides_its_output_with_advanced_triggering_only() -> None:
    unit = DG645()
    talk(unit, b"PRES 1,3;PHAS 1,2;TRAT 10;TSRC 0\n")
    assert len(unit.fired(0.0, 1.05, "AB")) == 10
    talk(unit, b"ADVT 1\n", now=2.0)
    np.testing.assert_allclose(unit.fired(2.0, 3.05), 2.1 + np.arange(10) / 10)
    np.testing.assert_allclose(unit.fired(2.0, 3.05, "AB"), [2.3, 2.6, 2.9])
    assert len(unit.fired(2.0, 3.05, "CD")) == 10
    talk(unit, b"TSRC 5;*TRG\n", now=4.0)
    assert unit.fired(3.95, 5.0, "AB").tolist() == [4.0]


def test_cycles_of_bursts_are_counted_one_by_one() -> None:
    unit = DG645()
    talk(unit, b"BURM 1;BURC 3;BURP 1e-2;ADVT 1;PRES 2,2;TRAT 1;TSRC 0\n")
    np.testing.assert_allclose(unit.fired(0.0, 2.5, "CD"), [1.0, 1.02, 2.01])


def test_hold_off_ignores_triggers_and_lengthens_t0() -> None:
    unit = DG645()
    talk(unit, b"HOLD 0.12;TRAT 10;TSRC 0\n")
    assert unit.edges()["T0"][1] < 1e-3
    assert len(unit.fired(0.0, 1.05)) == 10
    talk(unit, b"ADVT 1;INSR?\n", now=2.0)
    np.testing.assert_allclose(unit.fired(2.0, 2.75), [2.1, 2.3, 2.5, 2.7])
    assert talk(unit, b"INSR?\n", now=2.75) == b"7\r\n"
    assert unit.edges()["T0"][1] == pytest.approx(0.12, abs=1e-6)


def test_it_wakes_up_as_it_was_saved_at_the_panel_not_as_it_was_set_from_afar() -> None:
    unit = DG645()
    talk(unit, b"TRAT 20;TSRC 0;ADVT 1;PRES 1,3\n")
    unit.fault("saved_at_panel", 1.0)
    talk(unit, b"TSRC 5;PRES 1,1\n", 1.0)
    unit.power_up(10.0)
    assert talk(unit, b"TSRC?;PRES?1\n", 10.0) == b"0\r\n3\r\n"
    np.testing.assert_allclose(unit.fired(10.0, 10.32, "AB"), [10.05, 10.2])


def test_replies_end_as_they_are_told_to() -> None:
    assert talk(DG645(), b"XTRM 10;TSRC?\n") == b"5\n"


def test_somebody_at_the_panel_and_at_another_interface() -> None:
    unit = DG645()
    unit.fault("front_panel", 1.0, trigger_source=0)
    assert unit.rate_Hz(3.0) == 1000.0
    unit.fault("locked_by_another", 3.0)
    assert talk(unit, b"TSRC 5;LERR?;TSRC?\n", 3.0) == b"15\r\n0\r\n"
    with pytest.raises(ValueError, match="locked_by_another"):
        unit.fault("nonsense", 0.0)


@given(data=st.binary(max_size=80))
def test_no_bytes_upset_it(data: bytes) -> None:
    talk(DG645(), data + b"\n")


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
        (b"LAMP 1,4.5;LOFF 1,1.6", 10),
        (b"PHAS 1,1", 10),
        (b"*RCL 2", 14),
        (b"*SRE? 3", 112),
        (b"*TRG?", 112),
        (b"ABCD?", 111),
        (b"TSRC 1,2", 115),
        (b"TRAT 10000000000000000000000000", 117),
        (b"DLAY 2,0,nan", 12),
        (b"NONSENSE", 110),
        (b"ABCD", 111),
        (b"*IDN", 113),
        (b"TSRC", 116),
        (b"TSRC x", 118),
        (b"*TRG", 0),
        (b"TSRC 0;*TRG", 11),
        (b"TSRC 3;*TRG", 0),
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
    assert set(edges) == {"T0", "AB", "CD", "EF", "GH"}
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
@example([42.99999999999999], 52.0)
def test_every_trigger_is_told_once_however_it_is_asked(cuts: list[float], rate: float) -> None:
    unit = DG645()
    talk(unit, f"TRAT {rate:.3f};TSRC 0\n".encode(), now=3.0)
    edges = [0.0, *sorted(cuts), 50.0]
    parts = [unit.fired(a, b) for a, b in pairwise(edges)]
    np.testing.assert_allclose(np.concatenate(parts), unit.fired(0.0, 50.0))
