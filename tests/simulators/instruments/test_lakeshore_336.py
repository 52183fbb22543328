"""The simulated temperature controller: every command of its sheet, its loops, ramps, limits, alarms and status registers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.lakeshore_336 import LakeShore336
from simulators.world.cold_head import ColdHead
from tests.simulators.instruments.talk import talk


@pytest.fixture
def unit() -> LakeShore336:
    return LakeShore336(ColdHead(25.0))


NO_ZONE = b"+0.0000,+0050.0,+0020.0,+000.0,+0.0000,0,0,+0.0"


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b"*IDN?", b"LSCI,MODEL336,LSA165V/#######,2.7"),
        (b"*ESR?;*ESR?", b"128;0"),
        (b"*CLS;*ESR?", b"0"),
        (b"*OPC?", b"1"),
        (b"*CLS;*OPC;*ESR?", b"1"),
        (b"*ESE?;*ESE 255;*ESE?", b"0;255"),
        (b"*SRE?;*SRE 32;*SRE?", b"0;32"),
        (b"*STB?", b"0"),
        (b"*ESE 128;*STB?;*SRE 32;*STB?;*ESR?;*STB?", b"32;96;128;0"),
        (b"*TST?", b"0"),
        (b"MODE 1;*RST;MODE?;*CLS;*ESR?", b"0;0"),
        (b"KRDG? A", b"+25.0000"),
        (b"KRDG?A;krdg? b", b"+25.0000;+295.000"),
        (b"KRDG? 0", b"+25.0000,+295.000,+295.000,+295.000"),
        (b"CRDG? A", b"-248.150"),
        (b"CRDG? 0", b"-248.150,+21.8500,+21.8500,+21.8500"),
        (b"SRDG? A", b"+1.1000"),
        (b"RDGST? A;RDGST? D", b"000;000"),
        (b"SETP? 1;SETP 1,40.5;SETP? 1", b"+25.0000;+40.5000"),
        (b"SETP 2, 20;SETP? 2", b"+20.0000"),
        (b"SETP 1,401;SETP? 1", b"+25.0000"),
        (b"INTYPE A,1,1,0,0,2;SETP? 1;SETP 1,-233.15;INTYPE A,1,1,0,0,1;SETP? 1", b"-248.150;+40.0000"),
        (b"INTYPE A,1,1,0,0,3;SETP? 1;SETP 1,1.198;INTYPE A,1,1,0,0,1;SETP? 1", b"+1.1000;+20.0000"),
        (b"RAMP? 1;RAMP 1,1,2.5;RAMP? 1", b"0,+0.0;1,+2.5"),
        (b"RAMP 1,1,0.05;RAMP 1,1,101;RAMP 1,1,-1;RAMP? 1", b"0,+0.0"),
        (b"RAMPST? 1;RAMP 1,1,6;SETP 1,30;RAMPST? 1", b"0;1"),
        (b"RANGE? 1;RANGE 1,2;RANGE? 1", b"3;2"),
        (b"RANGE 3,1;RANGE? 3;RANGE 3,2;RANGE? 3;RANGE? 4", b"1;1;0"),
        (b"PID? 1;PID 1,150,5,0;PID? 1", b"+0004.0,+0004.0,+000.0;+0150.0,+0005.0,+000.0"),
        (b"PID 1,1001,5,0;PID 1,1,0,0;PID 1,1,1,201;PID? 1", b"+0004.0,+0004.0,+000.0"),
        (b"MOUT? 1;MOUT 1,55.5;MOUT? 1", b"+0.0000;+55.5000"),
        (b"MOUT 1,-1;MOUT? 1;MOUT 3,-50;MOUT? 3", b"+0.0000;-50.0000"),
        (b"OUTMODE? 1;OUTMODE 1,3,2,1;OUTMODE? 1", b"1,1,0;3,2,1"),
        (b"OUTMODE 1,4,1,0;OUTMODE? 1;OUTMODE 3,4,1,0;OUTMODE? 3", b"1,1,0;4,1,0"),
        (b"OUTMODE 1,1,5,0;OUTMODE 1,1,1;OUTMODE 1,1,1,0,0;*ESR?;OUTMODE? 1", b"144;1,1,0"),
        (b"HTR? 1;HTR? 2", b"+000.0;+000.0"),
        (b"HTRST? 1;HTRST? 2", b"0;0"),
        (b"HTRSET? 1;HTRSET 1,1,0,0.75,1;HTRSET? 1", b"1,4,2,2;1,0,0.75,1"),
        (b"HTRSET 1,1,0,0,0.75,1;HTRSET? 1", b"1,4,2,2"),
        (b"AOUT? 3;AOUT? 4", b"+000.0;+000.0"),
        (b"*CLS;AOUT? 1;*ESR?;HTR? 3;*ESR?", b"16;16"),
        (b"ANALOG? 3;ANALOG 3,1,1,300,0,1;ANALOG? 3", b"0,1,+1000.00,+0.0000,0;1,1,+300.000,+0.0000,1"),
        (b"INTYPE? A;INTYPE A,3,0,8,1,1;INTYPE? A", b"1,1,0,0,1;3,0,8,1,1"),
        (b"INTYPE A,1,1,2,0,1;INTYPE A,6,1,0,0,1;INTYPE? A", b"1,1,0,0,1"),
        (b"INCRV? A;INCRV A,21;INCRV? A", b"2;21"),
        (b"INCRV A,8;INCRV? A;RDGST? A;KRDG? A;SRDG? A", b"0;001;+0.0000;+1.1000"),
        (b"INTYPE A,2,1,0,0,1;INCRV? A;INCRV A,6;INCRV? A;SRDG? A", b"0;6;+2.8000"),
        (b"INTYPE A,0,0,0,0,1;INCRV A,2;INCRV? A;RDGST? A;SRDG? A", b"0;001;+0.0000"),
        (b'INNAME? A;INNAME A,"Nozzle; tip";INNAME? A', b"Cold head;Nozzle; tip"),
        (b"INNAME A,sixteen letters!;INNAME? A", b"sixteen letters"),
        (b'INNAME A,"";INNAME? A', b""),
        (b"CRVHDR? 2", b"DT-670         ,STANDARD  ,2,+500.000,1"),
        (b"CRVHDR? 6;CRVHDR? 59", b"PT-100         ,STANDARD  ,2,+500.000,2;User 59        ,          ,2,+500.000,1"),
        (b"TLIMIT? A;TLIMIT A,325;TLIMIT? A", b"+0.0000;+325.000"),
        (b"FILTER? A;FILTER A,1,64,1;FILTER? A", b"0,8,10;1,64,1"),
        (b"FILTER A,1,65,1;FILTER A,1,1,1;FILTER A,1,8,11;FILTER? A", b"0,8,10"),
        (b"ALARM? A;ALARM A,1,30,20,0.5,1,0,1;ALARM? A", b"0,+400.000,+0.0000,+0.0000,0,0,1;1,+30.0000,+20.0000,+0.5000,1,0,1"),
        (b"ALARM A,1,30,20,0.5,1,0,1;ALARM A,0,,,,,,;ALARM? A", b"0,+30.0000,+20.0000,+0.5000,1,0,1"),
        (b"ALARMST? A", b"0,0"),
        (b"RELAY? 1;RELAY 1,2,B,2;RELAY? 1;RELAY 1,1,,;RELAY? 1", b"0,A,0;2,B,2;1,B,2"),
        (b"RELAYST? 2;RELAY 2,1,,;RELAYST? 2", b"0;1"),
        (b"*CLS;RELAY 3,1,A,0;*ESR?;RELAY 1,1,1,0;*ESR?", b"16;16"),
        (b"ZONE? 1,1;ZONE? 4,10", NO_ZONE + b";" + NO_ZONE),
        (b"ZONE 1,2,50,100,10,0,5,2,1,0.5;ZONE? 1,2", b"+50.0000,+0100.0,+0010.0,+000.0,+5.0000,2,1,+0.5"),
        (b"ZONE 3,2,50,100,10,0,5,2,1,0.5;ZONE 1,11,50,100,10,0,5,2,1,0.5;ZONE? 3,2", NO_ZONE),
        (b"TUNEST?;ATUNE 1,1;TUNEST?", b"0,0,0,00;1,1,0,00"),
        (b"ATUNE 2,1;TUNEST?", b"0,0,1,00"),
        (b"LOCK?;LOCK 1,007;LOCK?", b"0,123;1,007"),
        (b"MODE?;MODE 2;MODE?", b"0;2"),
        (b"OPST?;OPSTR?", b"16;0"),
        (b"OPSTE?;OPSTE 9;OPSTE?", b"0;9"),
        (b"ALMRST;*ESR?", b"128"),
        (b"KRDG? A;:RDGST? A", b"+25.0000;000"),
        (b"RANGE 1,0;RANGE 2,0;RANGE 3,0;RANGE 4,0;*CLS;*ESR?", b"0"),
    ],
)
def test_commands_and_queries(unit: LakeShore336, sent: bytes, reply: bytes) -> None:
    assert talk(unit, sent + b"\n") == reply + b"\r\n"


@pytest.mark.parametrize("silent", [b"", b"\r", b";", b"SETP 1,20.0", b"RAMP 1,1,2.5", b"*CLS", b"NONSENSE?", b"KRDG? E"])
def test_settings_and_what_is_refused_get_no_answer(unit: LakeShore336, silent: bytes) -> None:
    assert talk(unit, silent + b"\n") == b""


@pytest.mark.parametrize(
    ("refused", "events"),
    [
        (b"NOPE", 32),
        (b"NOPE?", 32),
        (b"KRDG A", 32),
        (b"HTR 1", 32),
        (b"*RST?", 32),
        (b"SETP1,20", 32),
        (b"?", 32),
        (b"123", 32),
        (b" " * 1025, 32),
        (b"RANGE 1,9", 16),
        (b"RANGE 5,0", 16),
        (b"RANGE 1", 16),
        (b"RANGE 1,1,1", 16),
        (b"RANGE 1,1.5", 16),
        (b"SETP 1,abc", 16),
        (b"SETP 1,nan", 16),
        (b"SETP 1,1e999", 16),
        (b"KRDG?", 16),
        (b"KRDG? A,B", 16),
        (b"RDGST? 0", 16),
        (b"*CLS 1", 16),
        (b"*RST 1", 16),
        (b"*OPC 1", 16),
        (b"ALMRST A", 16),
        (b"*ESE 256", 16),
        (b"CRVHDR? 60", 16),
        (b"INNAME A", 16),
        (b"INNAME A,\xe9", 16),
        (b"ATUNE 1,3", 16),
        (b"MODE 3", 16),
        (b"LOCK 1,1000", 16),
    ],
)
def test_refusals_show_in_the_event_register(unit: LakeShore336, refused: bytes, events: int) -> None:
    talk(unit, b"*CLS\n")
    assert talk(unit, refused + b"\n*ESR?\n*ESR?\n") == b"%d\r\n0\r\n" % events


def test_the_cold_head_settles_at_its_set_point(unit: LakeShore336) -> None:
    assert unit.temperature_K(60.0) == pytest.approx(25.0, abs=0.05)
    assert talk(unit, b"HTR? 1\n", now=60.0) == b"+008.4\r\n"
    assert talk(unit, b"*CLS;SETP 1,40.0;*ESR?\n", now=60.0) == b"0\r\n"
    assert unit.temperature_K(62.0) < 40.0
    assert unit.temperature_K(240.0) == pytest.approx(40.0, abs=0.1)
    talk(unit, b"RANGE 1,0\n", now=240.0)
    assert unit.temperature_K(500.0) < 20.0


def test_a_range_that_is_too_low_saturates(unit: LakeShore336) -> None:
    talk(unit, b"RANGE 1,2;SETP 1,60\n")
    assert talk(unit, b"HTR? 1\n", now=300.0) == b"+100.0\r\n"
    assert unit.state(300.0)["heater_W"] == pytest.approx(10.0)
    assert unit.temperature_K(300.0) < 30.0
    assert talk(unit, b"HTRSET 1,1,1,0,2;RANGE 1,3\nHTR? 1\n", now=301.0) == b"+100.0\r\n"
    assert unit.state(302.0)["heater_W"] == pytest.approx(0.707**2 * 25)


def test_a_ramp_moves_the_set_point_at_its_rate(unit: LakeShore336) -> None:
    talk(unit, b"RAMP 1,1,6;SETP 1,30\n", now=1.0)
    assert talk(unit, b"RAMPST? 1;SETP? 1;OPST?\n", now=31.0) == b"1;+30.0000;16\r\n"
    assert unit.temperature_K(31.0) == pytest.approx(28.0, abs=0.5)
    assert talk(unit, b"RAMPST? 1;OPST?;OPSTR?\n", now=60.0) == b"0;24;24\r\n"
    assert talk(unit, b"OPSTR?\n", now=61.0) == b"16\r\n"
    talk(unit, b"SETP 1,20;RAMP 1,1,0\n", now=61.0)
    assert talk(unit, b"RAMPST? 1\n", now=62.0) == b"0\r\n"


def test_the_second_loop_tells_its_ramp_too(unit: LakeShore336) -> None:
    talk(unit, b"RAMP 2,1,60;SETP 2,26;OPSTE 4;*SRE 128\n")
    assert talk(unit, b"OPST?;*STB?\n", now=0.5) == b"16;0\r\n"
    assert talk(unit, b"OPST?;*STB?\n", now=2.0) == b"20;192\r\n"


def test_above_the_limit_all_outputs_shut_down(unit: LakeShore336) -> None:
    talk(unit, b"TLIMIT A,35;RANGE 2,1;RANGE 3,1;SETP 1,50\n")
    assert talk(unit, b"RANGE? 1;RANGE? 2;RANGE? 3\n", now=60.0) == b"0;0;0\r\n"
    assert unit.temperature_K(300.0) < 20.0
    assert talk(unit, b"RANGE? 1\n", now=300.0) == b"0\r\n"
    talk(unit, b"SETP 1,30;RANGE 1,3\n", now=300.0)
    assert talk(unit, b"RANGE? 1\n", now=310.0) == b"3\r\n"


def test_the_limit_of_another_input_counts_too(unit: LakeShore336) -> None:
    talk(unit, b"TLIMIT C,290\n")
    assert talk(unit, b"RANGE? 1\n", now=1.0) == b"0\r\n"


def test_a_latching_alarm_stays_until_it_is_reset(unit: LakeShore336) -> None:
    talk(unit, b"ALARM A,1,27,20,0.5,1,0,1;RELAY 1,2,A,1;RELAY 2,2,A,0;SETP 1,30\n")
    assert talk(unit, b"ALARMST? A;RELAYST? 1;RELAYST? 2;OPST?\n", now=60.0) == b"1,0;1;0;17\r\n"
    talk(unit, b"SETP 1,25;ALMRST\n", now=60.0)
    assert talk(unit, b"ALARMST? A\n", now=60.0) == b"1,0\r\n"
    assert talk(unit, b"ALARMST? A;ALMRST;ALARMST? A;RELAYST? 1\n", now=200.0) == b"1,0;0,0;0\r\n"


def test_an_alarm_that_does_not_latch_ends_below_its_deadband(unit: LakeShore336) -> None:
    talk(unit, b"ALARM A,1,400,24,2,0,0,1;RELAY 1,2,A,2;RELAY 2,2,A,0;SETP 1,22\n")
    assert talk(unit, b"ALARMST? A;RELAYST? 1;RELAYST? 2\n", now=100.0) == b"0,1;1;1\r\n"
    talk(unit, b"SETP 1,25\n", now=100.0)
    assert talk(unit, b"ALARMST? A\n", now=200.0) == b"0,1\r\n"
    talk(unit, b"SETP 1,27\n", now=200.0)
    assert talk(unit, b"ALARMST? A\n", now=300.0) == b"0,0\r\n"
    talk(unit, b"SETP 1,22\n", now=300.0)
    talk(unit, b"ALARM A,0,,,,,,\n", now=400.0)
    assert talk(unit, b"ALARMST? A\n", now=401.0) == b"0,0\r\n"


def test_open_and_manual_output(unit: LakeShore336) -> None:
    talk(unit, b"OUTMODE 1,3,0,0;MOUT 1,20;SETP 1,10\n")
    assert talk(unit, b"HTR? 1\n", now=5.0) == b"+020.0\r\n"
    assert unit.state(5.0)["heater_W"] == pytest.approx(20.0)
    assert talk(unit, b"HTRSET 1,1,4,2,1;HTR? 1\n", now=5.0) == b"+044.7\r\n"
    assert talk(unit, b"OUTMODE 1,0,1,0\nHTR? 1\n", now=5.0) == b"+044.7\r\n"
    assert talk(unit, b"HTR? 1\n", now=6.0) == b"+000.0\r\n"


def test_a_zone_gives_the_loop_its_settings(unit: LakeShore336) -> None:
    talk(unit, b"ZONE 1,1,30,4,4,0,0,2,1,0;ZONE 1,2,60,8,2,1,0,3,0,0;OUTMODE 1,2,1,0\n")
    assert talk(unit, b"RANGE? 1;PID? 1\n", now=1.0) == b"2;+0004.0,+0004.0,+000.0\r\n"
    talk(unit, b"SETP 1,40\n", now=1.0)
    assert talk(unit, b"RANGE? 1;PID? 1;OUTMODE? 1\n", now=2.0) == b"3;+0008.0,+0002.0,+001.0;2,1,0\r\n"
    talk(unit, b"RANGE 1,0\n", now=2.0)
    assert talk(unit, b"RANGE? 1\n", now=10.0) == b"0\r\n"


def test_voltage_outputs_monitor_and_warm_up(unit: LakeShore336) -> None:
    talk(unit, b"ANALOG 3,1,1,100,0,0;OUTMODE 3,4,1,0;RANGE 3,1;OUTMODE 4,5,1,0;SETP 4,30;RANGE 4,1\n")
    assert talk(unit, b"AOUT? 3;AOUT? 4\n", now=1.0) == b"+025.0;+100.0\r\n"
    talk(unit, b"ANALOG 3,1,1,100,0,1;SETP 4,20\n", now=1.0)
    assert talk(unit, b"AOUT? 3;AOUT? 4\n", now=2.0) == b"-050.0;+000.0\r\n"
    talk(unit, b"ANALOG 3,0,1,100,0,1\n", now=2.0)
    assert talk(unit, b"AOUT? 3\n", now=3.0) == b"+000.0\r\n"


def test_tuning_takes_its_time_and_finds_the_gains(unit: LakeShore336) -> None:
    talk(unit, b"PID 1,2,2,9;ATUNE 1,1\n", now=10.0)
    assert talk(unit, b"TUNEST?;OPST?\n", now=35.0) == b"1,1,0,04;16\r\n"
    assert talk(unit, b"TUNEST?;OPST?;PID? 1\n", now=75.0) == b"0,0,0,00;48;+0004.0,+0004.0,+009.0\r\n"
    talk(unit, b"ATUNE 1,2;RANGE 1,0\n", now=80.0)
    assert talk(unit, b"TUNEST?\n", now=81.0) == b"0,0,1,00\r\n"


def test_the_filter_slows_small_changes(unit: LakeShore336) -> None:
    talk(unit, b"FILTER A,1,64,10;RANGE 1,0\n")
    assert float(talk(unit, b"KRDG? A\n", now=4.0)) > unit.temperature_K(4.0) + 0.1
    unit.fault("warm", 4.0, temperature_K=200.0)
    assert talk(unit, b"KRDG? A\n", now=4.0) == b"+200.000\r\n"


def test_an_invalid_sensor_leaves_the_loop_without_power(unit: LakeShore336) -> None:
    unit.fault("sensor_open", 0.0)
    assert talk(unit, b"RDGST? A;KRDG? A;SRDG? A;CRDG? A;OPST?\n", now=1.0) == b"128;+0.0000;+0.0000;+0.0000;18\r\n"
    assert unit.state(1.0)["heater_W"] == 0.0
    assert unit.temperature_K(300.0) < 20.0
    unit.fault("sensor_open", 300.0, present=False)
    assert unit.temperature_K(500.0) == pytest.approx(25.0, abs=0.1)


@pytest.mark.parametrize(("kind", "status"), [("sensor_short", b"064"), ("too_cold", b"016"), ("too_warm", b"032")])
def test_other_faults_of_a_sensor(unit: LakeShore336, kind: str, status: bytes) -> None:
    unit.fault(kind, 0.0, input="B")
    assert talk(unit, b"RDGST? A;RDGST? B\n") == b"000;" + status + b"\r\n"


def test_a_fixed_range_can_be_too_small(unit: LakeShore336) -> None:
    talk(unit, b"INTYPE A,3,0,2,0,1;INCRV A,8\n")
    assert talk(unit, b"RDGST? A;INTYPE A,3,0,3,0,1;RDGST? A\n") == b"128;128\r\n"
    assert talk(unit, b"INTYPE A,3,0,4,0,1;RDGST? A;KRDG? A\n") == b"000;+25.0000\r\n"


@pytest.mark.parametrize(("kind", "told"), [("heater_open", b"1"), ("heater_short", b"2")])
def test_a_faulty_heater_switches_off_until_it_is_mended(unit: LakeShore336, kind: str, told: bytes) -> None:
    unit.fault(kind, 0.0)
    assert talk(unit, b"RANGE? 1;HTRST? 1;HTRST? 1\n") == b"0;" + told + b";0\r\n"
    talk(unit, b"RANGE 1,3\n")
    assert talk(unit, b"RANGE? 1;HTRST? 1\n", now=1.0) == b"0;" + told + b"\r\n"
    unit.fault(kind, 1.0, present=False)
    talk(unit, b"RANGE 1,3\n", now=1.0)
    assert talk(unit, b"RANGE? 1;HTRST? 1\n", now=2.0) == b"3;0\r\n"


def test_outputs_come_back_only_where_they_are_told_to(unit: LakeShore336) -> None:
    talk(unit, b"*CLS;SETP 1,30;MODE 2\n")
    unit.power_up(1.0)
    assert talk(unit, b"RANGE? 1;SETP? 1;MODE?;*ESR?\n", now=1.0) == b"0;+30.0000;0;128\r\n"
    talk(unit, b"OUTMODE 1,1,1,1;RANGE 1,3\n", now=1.0)
    unit.power_up(2.0)
    assert talk(unit, b"RANGE? 1\n", now=2.0) == b"3\r\n"


def test_somebody_at_the_panel(unit: LakeShore336) -> None:
    talk(unit, b"MODE 1\n")
    unit.fault("front_panel", 0.0, range=0, set_temperature_K=20.0)
    assert talk(unit, b"MODE?;RANGE? 1;SETP? 1\n") == b"0;0;+20.0000\r\n"
    talk(unit, b"MODE 2\n")
    unit.fault("front_panel", 0.0, range=3)
    assert talk(unit, b"MODE?;RANGE? 1;MODE 1;LOCK 1,123\n") == b"2;0\r\n"
    unit.fault("front_panel", 0.0, range=3)
    assert talk(unit, b"MODE?;RANGE? 1\n") == b"1;0\r\n"


def test_calibration_and_another_instrument(unit: LakeShore336) -> None:
    unit.fault("calibration_error", 0.0)
    assert talk(unit, b"OPST?\n") == b"80\r\n"
    unit.fault("calibration_error", 0.0, present=False)
    assert talk(unit, b"OPST?\n") == b"16\r\n"
    unit.fault("wrong_identity", 0.0)
    assert talk(unit, b"*IDN?\n").startswith(b"LSCI,MODEL335,")
    for kind, parameters in (("nonsense", {}), ("sensor_open", {"input": "E"}), ("heater_open", {"output": 3})):
        with pytest.raises(ValueError, match=r"nonsense|E|3"):
            unit.fault(kind, 0.0, **parameters)


def test_messages_come_in_pieces_and_several_at_once(unit: LakeShore336) -> None:
    received = bytearray(b"\n*IDN?\r\nKRDG")
    assert list(unit.split(received)) == [b"", b"*IDN?\r"]
    assert received == b"KRDG"
    assert talk(unit, b"MODE?\r\nMODE?\n") == b"0\r\n0\r\n"


def test_the_cold_head_is_told_behind_the_wire(unit: LakeShore336) -> None:
    state = unit.state(0.0)
    assert state == {"temperature_K": 25.0, "set_temperature_K": 25.0, "heater_W": 0.0, "range": 3}


WORDS = (
    "KRDG? CRDG? SRDG? RDGST? SETP RAMP RANGE PID MOUT OUTMODE HTRSET ANALOG INTYPE INCRV INNAME CRVHDR? "
    "TLIMIT FILTER ALARM RELAY ZONE ATUNE OPSTE LOCK MODE *ESE *RST ALMRST SETP? AOUT? ZONE? HTR? OPST? TUNEST?"
)
COMMANDS = st.builds(
    lambda word, parameters: f"{word} {','.join(parameters)}".encode(),
    st.sampled_from(WORDS.split()),
    st.lists(st.sampled_from(["", "A", "B", "0", "1", "2", "3", "4", "5", "30", "-1", "2.5"]), max_size=10),
)


@given(st.lists(st.one_of(st.binary(max_size=30), COMMANDS), max_size=12))
def test_no_bytes_are_too_much(pieces: list[bytes]) -> None:
    unit = LakeShore336(ColdHead(25.0))
    for seconds, piece in enumerate(pieces):
        talk(unit, piece + b"\n", now=float(seconds))
    assert talk(unit, b"*IDN?\n", now=20.0) == b"LSCI,MODEL336,LSA165V/#######,2.7\r\n"
