"""The simulated ablation laser: 17-byte frames, prefixes, registers one reading late, and when it gives light."""

import math

import pytest

from simulators.instruments.quantel_bss import BigSkyBSS


def external(since: float, until: float) -> int:
    """Triggers at 10 Hz."""
    return math.floor(until * 10 + 1e-6) - math.floor(since * 10 + 1e-6)


def ask(laser: BigSkyBSS, text: str, now: float = 10.0) -> bytes:
    received = bytearray(text.encode() + b"\r\n")
    return b"".join(laser.answer(message, now) for message in laser.split(received))


@pytest.fixture
def laser() -> BigSkyBSS:
    """The pump runs since 0."""
    laser = BigSkyBSS(external)
    ask(laser, "P1", 0.0)
    return laser


@pytest.fixture
def armed(laser: BigSkyBSS) -> BigSkyBSS:
    ask(laser, ">LPM1\n>QSM2\n>A\n>R1\n>PQ")
    return laser


def test_what_the_q_switch_allows(armed: BigSkyBSS) -> None:
    assert ask(armed, "QSM1") == b"\r\nQS mode :   2  "
    assert ask(armed, "W600") == b"\r\ndelay    140 uS"
    assert ask(armed, "WMN150") == b"\r\ndly QS m 100 uS"
    assert ask(armed, "WMX130") == b"\r\ndly QS M 500 uS"


def test_session_of_the_sheet(laser: BigSkyBSS) -> None:
    session = {
        ">P1": "CG pump       1", ">V1150": "voltage  1150 V", ">F1000": "freq.  10.00 Hz", ">WOR": "I 0 F 0 S 0 Q 0",
        ">A": "fire auto      ", ">R1": "shutter opened ", ">PQ": "fire auto  qs  ", "WOR": "I 0 F 2 S 0 Q 2",
        ">R0": "shutter closed ", ">SQ": "fire auto      ", ">S": "standby        ",
    }  # fmt: skip
    for sent, reply in session.items():
        assert ask(laser, sent) == b"\r\n" + reply.encode()


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        ("X", "SPECTRA-SY 3.68"), ("DAT", "20/12/02       "), ("SN", "s/number    062"), ("T", "ct time 7040:23"),
        ("CG", "temp. CG 39 d  "), ("IHG", "IHG           0"), ("R", "shutter closed "), ("ROF", "shutt. at run 0"),
        ("ECH", "echo on        "), ("SAV1", "Save config.  1"), ("VMO0950", "Voltage m0950 V"), ("LPM0", "LP synch :  0  "),
        ("D", "dis charg 00.0S"), ("E", "ena charg 00.0S"), ("QSM1", "QS mode :   1  "), ("W225", "delay    225 uS"),
        ("WMN", "dly QS m 100 uS"), ("WMX", "dly QS M 500 uS"), ("QSW", "QS wait :   000"), ("UC0", "cu LP 000000000"),
        ("UCQ0", "cu QS 000000000"), ("QOF1", "QS at run     1"),
        ("QSF5", "cycle rate F/05"), ("QSP10", "burst QS    010"), ("CGF", "temp. CG 102 F "),
        ("C", "ct LP 001234567"), ("CQ", "ct QS 000345678"),
        ("CAP", "capacity 29.3uF"), ("VA", "voltage ac0000V"), ("VI", "voltage it0000V"),
        ("SUC", "user ct saved  "),
        ("IF", "IF1 00 00 00 00"), ("IF2", "IF2 00 00 00 00"),
        ("OQ", "interlock QS   "),
        ("", "standby        "), ("M", "simmer         "),
    ],
)  # fmt: skip
def test_replies_are_seventeen_bytes(laser: BigSkyBSS, sent: str, reply: str) -> None:
    assert ask(laser, sent) == b"\r\n" + reply.encode()
    assert len(ask(laser, sent)) == 17


@pytest.mark.parametrize("prefix", ["", ">", "$062"])
def test_accepted_prefixes_cases_and_line_ends(laser: BigSkyBSS, prefix: str) -> None:
    received = bytearray(f"{prefix}sn\n{prefix}SN\r\n{prefix}S".encode())
    assert list(laser.split(received)) == [f"{prefix}sn".encode(), f"{prefix}SN".encode()]
    assert ask(laser, f"{prefix}sn") == ask(laser, "SN") != b""


@pytest.mark.parametrize("sent", ["062S", "62S", "$62S", ">062S", "$063S", "VT", "HELLO", "V-5", "V1.5", "IF3", "SAV2"])
def test_silence(laser: BigSkyBSS, sent: str) -> None:
    assert ask(laser, sent) == b""


@pytest.mark.parametrize("sent", ["V1801", "V499", "F99", "W99", "W501", "WMN200", "QSM3", "QSW1000", "P2"])
def test_out_of_range_leaves_the_echo(laser: BigSkyBSS, sent: str) -> None:
    assert ask(laser, sent) == ask(laser, sent.rstrip("0123456789"))


def test_interlock_registers_are_one_reading_late(laser: BigSkyBSS) -> None:
    laser.fault("interlock", 10.0, cause="cover open")
    assert [ask(laser, "IF") for _ in range(2)] == [b"\r\nIF1 00 00 00 00", b"\r\nIF. 00 00 00 10"]
    assert [ask(laser, "IQ") for _ in range(2)] == [b"\r\nIQS 00 00 00 00", b"\r\nIQS 00 00 00 10"]
    assert ask(laser, "WOR\nA") == b"\r\nI 1 F 0 S 0 Q 0\r\nswitch cabinet "
    laser.fault("interlock", 10.0, cause="cover open", present=False)
    assert ask(laser, "IF\nIF\nWOR") == b"\r\nIF. 00 00 00 10\r\nIF. 00 00 00 00\r\nI 0 F 0 S 0 Q 0"


def test_water_flows_two_seconds_after_the_pump() -> None:
    laser = BigSkyBSS(external)
    assert ask(laser, "A", 0.0) == b"\r\nwater flow     "
    ask(laser, "P1", 1.0)
    assert ask(laser, "A", 2.9) == b"\r\nwater flow     "
    assert ask(laser, "A", 3.0) == b"\r\nfire auto      "


def test_armed_on_external_triggers(armed: BigSkyBSS) -> None:
    assert armed.armed(10.0)
    assert ask(armed, "\nWOR") == b"\r\nfire ext   qse \r\nI 0 F 6 S 0 Q 4"
    assert armed.armed(5.0)
    ask(armed, "V1000")
    assert armed.lamp_voltage_V(11.0) == 1000.0
    ask(armed, "R0", 11.0)
    assert not armed.armed(11.0)
    assert ask(armed, "S\nWOR", 11.0) == b"\r\nstandby      e \r\nI 0 F 4 S 0 Q 4"


def test_an_interlock_disarms(armed: BigSkyBSS) -> None:
    armed.fault("interlock", 12.0)
    assert not armed.armed(12.0)
    armed.fault("interlock", 13.0, present=False)
    assert not armed.armed(13.0)


def test_trigger_mode_changes_in_standby_only(armed: BigSkyBSS) -> None:
    assert ask(armed, "LPM0") == b"\r\nLP synch :  1  "


@pytest.mark.parametrize("mode", ["LPM0", "LPM1"])
def test_inhibit_counts_lamp_shots(laser: BigSkyBSS, mode: str) -> None:
    ask(laser, f"{mode}\nQSW20\nUC0\nUCQ0\nA\nR1", 10.0)
    assert ask(laser, "PQ\nIQ\nIQ", 11.85) == b"\r\nwait for QS    \r\nIQS 00 00 00 00\r\nIQS 10 00 00 00"
    assert b"qs" in ask(laser, "PQ", 12.05)
    assert ask(laser, "UC\nUCQ", 13.05) == b"\r\ncu LP 000000030\r\ncu QS 000000010"


def test_q_switch_needs_lamp_and_shutter(laser: BigSkyBSS) -> None:
    assert ask(laser, "PQ") == b"\r\ninterlock QS   "
    assert ask(laser, "A\nPQ") == b"\r\nfire auto      \r\nshutter closed "


def test_muted_echo_still_acts(laser: BigSkyBSS) -> None:
    assert ask(laser, "ECH0\nV1100") == b""
    assert ask(laser, "ECH1\nV") == b"\r\necho on        \r\nvoltage  1100 V"


def test_lamp_energy_sets_the_voltage(laser: BigSkyBSS) -> None:
    assert ask(laser, "ENE212\nV") == b"\r\nenergy    21.2J\r\nvoltage  1203 V"


def test_power_cycle_restores_what_was_stored(armed: BigSkyBSS) -> None:
    ask(armed, "V1000\nSAV1\nV1100")
    armed.power_up(20.0)
    assert not armed.armed(20.0)
    assert ask(armed, "V\nP\nR", 20.0) == b"\r\nvoltage  1000 V\r\nCG pump       0\r\nshutter closed "
    armed.fault("wrong_identity", 20.0)
    assert b"SPECTRA" not in ask(armed, "X", 20.0)
    with pytest.raises(ValueError, match="wrong_identity"):
        armed.fault("explodes", 20.0)
