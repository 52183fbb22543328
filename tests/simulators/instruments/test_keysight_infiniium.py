"""The simulated Infiniium: segmented acquisition, latches, blocks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.instruments.keysight_infiniium import Infiniium, Work
from simulators.world.conditions import Capture
from tests.simulators.instruments.talk import talk

SETUP = b""":SYSTem:HEADer OFF
:CHANnel1:DISPlay ON;INPut DC50;SCALe 0.05;OFFSet 0.15
:ACQ:MODE SEGM;INT OFF
:ACQuire:SRATe:ANALog 5E8
:ACQuire:POINts:ANALog 100
:ACQuire:SEGMented:COUNt 3
:TIMebase:REFerence LEFT
:TRIGger:EDGE:SOURce AUX
:TRIGger:LEVel AUX,1.0
:WAVeform:SOURce CHANnel1;FORMat WORD;BYTeorder LSBFirst;STReaming OFF;SEGMented:ALL ON
"""


def triggers(since: float, until: float) -> NDArray[np.float64]:
    times = np.arange(0, 1000) * 0.05
    return times[(times > since) & (times <= until)]


def capture(times: NDArray[np.float64], settings: Capture) -> Work:
    codes = (np.rint(times * 20)[:, np.newaxis] + np.zeros(settings.samples)).astype(np.int16)
    return lambda: codes


@pytest.fixture
def scope() -> Infiniium:
    unit = Infiniium(triggers, capture)
    talk(unit, SETUP)
    assert talk(unit, b":SYSTem:ERRor?\n") == b"0\n"
    return unit


def block(reply: bytes) -> NDArray[np.int16]:
    digits = int(reply[1:2])
    size = int(reply[2 : 2 + digits])
    assert len(reply) == 2 + digits + size + 1
    assert reply.endswith(b"\n")
    return np.frombuffer(reply[2 + digits : -1], dtype="<i2").reshape(-1, 100)


def test_a_burst(scope: Infiniium) -> None:
    talk(scope, b":SINGle\n", now=1.0)
    assert talk(scope, b":ADER?;:RSTate?\n", now=1.12) == b"0;SING\n"
    assert talk(scope, b":ADER?\n", now=1.2) == b"1\n"
    assert talk(scope, b":ADER?\n", now=1.2) == b"0\n"
    assert talk(scope, b":WAVeform:SEGMented:COUNt?\n", now=1.2) == b"3\n"
    assert block(talk(scope, b":WAV:DATA?\n", now=1.2))[:, 0].tolist() == [21, 22, 23]
    tags = [talk(scope, b":ACQ:SEGM:IND %d;:WAVeform:SEGMented:TTAG?\n" % n, now=1.2) for n in (1, 2, 3)]
    assert [float(tag) for tag in tags] == pytest.approx([0.0, 0.05, 0.1])


def test_the_preamble_has_25_fields_and_the_segment_count(scope: Infiniium) -> None:
    talk(scope, b":SINGle\n", now=1.0)
    fields = talk(scope, b":WAVeform:PREamble?\n", now=2.0).decode().split(",")
    assert len(fields) == 25
    assert (fields[0], fields[2], fields[18], fields[24].strip()) == ("2", "100", "2", "3")
    assert float(fields[4]) == pytest.approx(2e-9)
    assert float(fields[7]) == pytest.approx(0.4 / 65536)
    assert float(fields[8]) == pytest.approx(0.15)


def test_stopping_keeps_what_came(scope: Infiniium) -> None:
    talk(scope, b":SINGle\n", now=1.0)
    talk(scope, b":STOP\n", now=1.12)
    assert talk(scope, b":ADER?;:WAV:SEGM:COUN?\n", now=9.0) == b"0;2\n"
    assert block(talk(scope, b":WAV:DATA?\n", now=9.0)).shape == (2, 100)


def test_a_missed_trigger_is_followed_by_the_next(scope: Infiniium) -> None:
    scope.fault("missed_trigger", 0.9)
    talk(scope, b":SINGle\n", now=1.0)
    assert talk(scope, b":ADER?\n", now=1.17) == b"0\n"
    assert talk(scope, b":ADER?\n", now=1.22) == b"1\n"
    assert block(talk(scope, b":WAV:DATA?\n", now=1.22))[:, 0].tolist() == [21, 23, 24]


def test_a_double_trigger_takes_the_place_of_a_shot(scope: Infiniium) -> None:
    scope.fault("double_trigger", 0.9)
    talk(scope, b":SINGle\n", now=1.0)
    talk(scope, b":ADER?\n", now=2.0)
    tags = [float(talk(scope, b":ACQ:SEGM:IND %d;:WAV:SEGM:TTAG?\n" % n, now=2.0)) for n in (1, 2, 3)]
    assert tags == pytest.approx([0.0, 0.05, 0.05 + 0.05 / 3])


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (b":NONSENSE 1", b"-113"),
        (b":ACQuire:SEGMented:COUNt 0", b"-222"),
        (b":ACQuire:SEGMented:COUNt", b"-109"),
        (b":TRIGger:LEVel 0.5", b"-104"),
        (b":TRIGger:LEVel AUX", b"-109"),
        (b":TIMebase:RANGe 1E9", b"-222"),
        (b":ACQuire:SRATe 1E12", b"-222"),
        (b":ACQuire:SEGMented:INDex 3", b"-222"),
        (b":CHANnel1:SCALe 50", b"-222"),
        (b":CHANnel7:SCALe 0.1", b"-113"),
        (b":WAVeform:FORMat SONG", b"-104"),
        (b":ACQuire:MODE RTIM;:SINGle", b"-221"),
        (b":ACQuire:AVERage ON;:SINGle", b"-221"),
    ],
)
def test_errors_are_queued(scope: Infiniium, command: bytes, error: bytes) -> None:
    assert talk(scope, command + b"\n") == b""
    assert talk(scope, b":SYST:ERR?\n") == error + b"\n"
    assert talk(scope, b":SYSTem:ERRor? STRing\n") == b'0,"No error"\n'


@pytest.mark.parametrize(
    ("setting", "query", "back"),
    [
        (":SYSTem:GUI OFF", ":SYSTem:GUI?", "0"),
        (":SYSTem:LONGform OFF", ":SYST:LONG?", "0"),
        (":SYSTem:LOCK 1", ":SYSTem:LOCK?", "1"),
        (":DISPlay:MAIN OFF", ":DISP:MAIN?", "0"),
        (":TIMebase:POSition -2E-7", ":TIM:POS?", "-2.00000E-07"),
        (":TIMebase:REFerence LEFT", ":TIM:REF?", "LEFT"),
        (":TIMebase:REFerence:PERCent 10", ":TIM:REF:PERC?", "10"),
        (":TIMebase:RANGe 2E-4", ":TIM:SCAL?", "2.00000E-05"),
        (":TIMebase:SCALe 1E-6", ":TIM:RANG?", "1.00000E-05"),
        (":ACQuire:POINts 2000", ":ACQ:POIN:ANAL?", "2000"),
        (":ACQuire:POINts:AUTO 1", ":ACQ:POIN:AUTO?", "1"),
        (":ACQuire:INTerpolate ON", ":ACQ:INT?", "1"),
        (":ACQuire:AVERage ON", ":ACQ:AVER?", "1"),
        (":ACQuire:AVERage:COUNt 32", ":ACQ:AVER:COUN?", "32"),
        (":ACQuire:COMPlete 100", ":ACQ:COMP?", "100"),
        (":ACQuire:BANDwidth 1E9", ":ACQ:BAND?", "1.00000E+09"),
        (":ACQuire:MODE RTIMe", ":ACQ:MODE?", "RTIM"),
        (":ACQuire:SRATe:ANALog:AUTO OFF", ":ACQ:SRAT:ANAL:AUTO?", "0"),
        (":ACQuire:SRATe 1.5E9", ":ACQ:SRAT?", "2.00000E+09"),
        (":ACQuire:SRATe MAX", ":ACQ:SRAT:ANAL?", "2.00000E+10"),
        (":ACQuire:SEGMented:TTAGs ON", ":ACQ:SEGM:TTAG?", "1"),
        (":ACQuire:SEGMented:AUToplay ON", ":ACQ:SEGM:AUT?", "1"),
        (":ACQuire:SEGMented:PLAY ON", ":ACQ:SEGM:PLAY?", "1"),
        (":ACQuire:SEGMented:PRATe 2", ":ACQ:SEGM:PRAT?", "2.00000E+00"),
        (":ACQuire:SEGMented:COUNt 7", ":ACQ:SEGM:COUN?", "7"),
        (":TRIGger:MODE EDGE", ":TRIG:MODE?", "EDGE"),
        (":TRIGger:SWEep SINGle", ":TRIG:SWE?", "SING"),
        (":TRIGger:HOLDoff 1E-3", ":TRIG:HOLD?", "1.00000E-03"),
        (":TRIGger:EDGE:SLOPe NEGative", ":TRIG:EDGE:SLOP?", "NEG"),
        (":TRIGger:EDGE:COUPling LFReject", ":TRIG:EDGE:COUP?", "LFR"),
        (":TRIGger:EDGE:SOURce CHANnel2", ":TRIG:EDGE:SOUR?", "CHAN2"),
        (":TRIGger:LEVel CHANnel2,-0.25", ":TRIG:LEV? CHAN2", "-2.50E-01"),
        (":TRIGger:LEVel LINE,2", ":TRIG:LEV? AUX", "1.00E+00"),
        (":WAVeform:FORMat BYTE", ":WAV:FORM?", "BYTE"),
        (":WAVeform:BYTeorder MSBF", ":WAV:BYT?", "MSBF"),
        (":WAVeform:STReaming ON", ":WAV:STR?", "1"),
        (":WAVeform:SEGMented:ALL OFF", ":WAV:SEGM:ALL?", "0"),
        (":WAVeform:SOURce CHANnel3", ":WAV:SOUR?", "CHAN3"),
        (":WAVeform:VIEW MAIN", ":WAV:VIEW?", "MAIN"),
        ("*ESE 16", "*ESE?", "16"),
        ("*SRE 4", "*SRE?", "4"),
        (":CHANnel2:SCALe 0.1", ":CHAN2:RANG?", "8.00000E-01"),
        (":CHANnel2:RANGe 0.4", ":CHAN2:SCAL?", "5.00000E-02"),
        (":CHANnel3:OFFSet -1", ":CHAN3:OFFS?", "-1.00000E+00"),
        (":CHANnel4:DISPlay ON", ":CHAN4:DISP?", "1"),
        (":CHANnel1:DISPlay 0", ":CHAN1:DISP?", "0"),
        (":CHANnel1:INPut AC", ":CHAN1:INP?", "AC"),
        (":CHANnel1:PROBe 10", ":CHAN1:PROB?", "1.00000E+01"),
        ("", ":ACQuire:POINts:TESTLIMITS?", "1,<numeric>16:200000000"),
        ("", ":OPER?", "0"),
        ("", "*OPC?", "1"),
        ("", ":ACQuire:SRATe:TESTLIMITS?", "1,<numeric>1.00000E+01:2.00000E+10"),
        ("", ":ACQuire:BANDwidth:TESTLIMITS?", "1,<numeric>1.00000E+06:2.50000E+09"),
        ("", ":WAVeform:TYPE?", "RAW"),
        (":ACQuire:MODE RTIM;:RUN", ":RSTate?", "RUN"),
        (":RUN", ":RSTate?", "SING"),
        (":DIGitize", ":ASTate?", "ARM"),
        ("", ":ASTate?", "ADONE"),
        ("*OPC", "*ESR?", "129"),
        (":NOPE;*ESE 32", "*STB?", "32"),
        ("*CLS", "*ESR?", "0"),
    ],
)
def test_what_is_set_reads_back(scope: Infiniium, setting: str, query: str, back: str) -> None:
    assert talk(scope, f"{setting}\n{query}\n".encode(), now=1.0) == f"{back}\n".encode()
    talk(scope, b"*RST;*CLS\n")
    assert talk(scope, b":SYSTem:HEADer?\n") == b":SYSTEM:HEADER 1\n"


def test_a_reset_forgets_the_settings(scope: Infiniium) -> None:
    talk(scope, b"*RST;:SYSTem:HEADer OFF\n")
    replies = talk(scope, b":ACQ:MODE?;:ACQ:SEGM:COUN?;:ACQ:SRAT?;:CHAN1:DISP?;:CHAN2:DISP?;:CHAN1:OFFS?\n")
    assert replies == b"RTIM;2;1.00000E+09;1;0;0.00000E+00\n"


def test_the_axes_of_a_waveform(scope: Infiniium) -> None:
    assert talk(scope, b":WAV:POIN?\n") == b"0\n"
    talk(scope, b":SINGle\n", now=1.0)
    replies = talk(scope, b":WAV:POIN?;XINC?;XOR?;YINC?;YOR?\n", now=2.0).decode().split(";")
    assert [float(one) for one in replies] == pytest.approx([100, 2e-9, 0.0, 0.4 / 65536, 0.15])


def test_latches_are_cleared_by_reading(scope: Infiniium) -> None:
    assert talk(scope, b":SINGle;:AER?;:AER?\n", now=1.0) == b"1;0\n"
    assert talk(scope, b":TER?;:ASTate?;:PDER?\n", now=1.06) == b"1;ATRIG;0\n"
    assert talk(scope, b":PDER?;:PDER?;:ADER?\n", now=2.0) == b"1;0;1\n"


@pytest.mark.parametrize(
    "setting",
    [
        b":TRIGger:EDGE:SOURce LINE",
        b":TRIGger:EDGE:SOURce CHANnel1",
        b":TRIGger:EDGE:SLOPe NEGative",
        b":TRIGger:LEVel AUX,0",
        b":TRIGger:LEVel AUX,-1",
        b":TRIGger:LEVel AUX,9",
    ],
)
def test_pulses_trigger_only_what_is_set_up_for_them(scope: Infiniium, setting: bytes) -> None:
    talk(scope, setting + b"\n:SINGle\n", now=1.0)
    assert talk(scope, b":ADER?;:WAV:SEGM:COUN?\n", now=9.0) == b"0;0\n"


def test_triggers_within_the_hold_off_or_the_record_are_ignored(scope: Infiniium) -> None:
    for setting in (b":TRIGger:HOLDoff 0.12\n", b":TRIG:HOLD 0;:ACQ:SRAT 1E3;POIN 120;:TIM:RANG 0.12\n"):
        talk(scope, setting + b":SINGle\n", now=1.0)
        talk(scope, b":ADER?\n", now=2.0)
        tags = [float(talk(scope, b":ACQ:SEGM:IND %d;:WAV:SEGM:TTAG?\n" % n, now=2.0)) for n in (1, 2, 3)]
        assert tags == pytest.approx([0.0, 0.15, 0.30])


@pytest.mark.parametrize(
    ("setting", "points", "interval_s", "start_s"),
    [
        (b":TIMebase:RANGe 1E-7", 50, 2e-9, 0.0),
        (b":ACQuire:POINts:AUTO ON", 500, 2e-9, 0.0),
        (b":TIMebase:REFerence CENTer", 100, 2e-9, -1e-7),
        (b":TIMebase:REFerence RIGHt;POSition 5E-8", 100, 2e-9, -1.5e-7),
        (b":TIMebase:REFerence:PERCent 10", 100, 2e-9, -2e-8),
        (b":ACQuire:INTerpolate ON", 200, 1e-9, 0.0),
        (b":CHANnel1:DISPlay OFF", 0, 2e-9, 0.0),
    ],
)
def test_a_record_is_what_fits_on_the_screen(
    scope: Infiniium, setting: bytes, points: int, interval_s: float, start_s: float
) -> None:
    talk(scope, setting + b"\n:SINGle\n", now=1.0)
    fields = talk(scope, b":WAV:PRE?\n", now=2.0).decode().split(",")
    assert int(fields[2]) == points
    assert (float(fields[4]), float(fields[5])) == pytest.approx((interval_s, start_s))
    digits = talk(scope, b":WAV:DATA?\n", now=2.0)
    assert len(digits) == len(b"#10\n") + (len(str(6 * points)) - 1) + 6 * points


def test_interpolation_puts_points_between_the_samples() -> None:
    ramp = Infiniium(triggers, lambda times, settings: lambda: np.tile(np.arange(0, 400, 4, dtype=np.int16), (len(times), 1)))
    talk(ramp, SETUP + b":ACQ:INT ON\n:SINGle\n", now=1.0)
    assert block(talk(ramp, b":WAV:DATA?\n", now=2.0)).reshape(3, 200)[0, :5].tolist() == [0, 2, 4, 6, 8]


def test_a_trigger_can_be_forced() -> None:
    scope = Infiniium(lambda since, until: np.empty(0), capture)
    talk(scope, SETUP + b":SINGle\n", now=1.0)
    for number in range(3):
        talk(scope, b"*TRG\n", now=1.1 + number)
    assert talk(scope, b":ADER?;:WAV:SEGM:COUN?\n", now=3.2) == b"1;3\n"


def test_bytes_streams_and_parts(scope: Infiniium) -> None:
    talk(scope, b":SINGle\n", now=1.0)
    talk(scope, b":WAV:SEGM:ALL OFF;:ACQ:SEGM:IND 2\n", now=2.0)
    assert talk(scope, b":WAV:DATA? 5,3\n", now=2.0) == b"#16" + b"\x16\x00" * 3 + b"\n"
    assert talk(scope, b":WAV:BYT MSBF;STR ON;:WAV:DATA? 1,2\n", now=2.0) == b"#0" + b"\x00\x16" * 2 + b"\n"
    assert talk(scope, b":WAV:FORM BYTE;DATA? 1,2\n", now=2.0) == b"#0\x00\x00\n"


def test_messages_in_pieces_and_the_branch_rule(scope: Infiniium) -> None:
    received = bytearray(b":CHAN1:SCAL?;OFF")
    assert list(scope.split(received)) == []
    assert talk(scope, bytes(received) + b"S?\n") == b"5.00000E-02;1.50000E-01\n"
    assert talk(scope, b":acquire:points?\n") == b"100\n"


def test_answers_carry_their_header_until_it_is_switched_off() -> None:
    unit = Infiniium(triggers, capture)
    assert talk(unit, b":RSTate?\n") == b":RSTATE STOP\n"
    assert talk(unit, b"*IDN?\n").startswith(b"KEYSIGHT TECHNOLOGIES,")
    assert talk(unit, b":SYSTem:HEADer OFF\n:RSTate?\n") == b"STOP\n"
