"""The simulated excimer laser: silent settings, states with their codes, watchdog, and the energy of its pulses."""

import math

import pytest

from simulators.instruments.coherent_compexpro import COMPexPro


def external(since: float, until: float) -> int:
    """Triggers at 10 Hz."""
    return math.floor(until * 10 + 1e-6) - math.floor(since * 10 + 1e-6)


def ask(laser: COMPexPro, text: str, now: float = 0.0) -> str:
    received = bytearray(text.encode() + b"\r")
    return b"".join(laser.answer(message, now) for message in laser.split(received)).decode()


@pytest.fixture
def laser() -> COMPexPro:
    return COMPexPro(external, warm=True)


@pytest.fixture
def firing(laser: COMPexPro) -> COMPexPro:
    """Started at 0 on external triggers, 150 mJ at constant energy."""
    ask(laser, "MODE=EGY NGR\rEGY=150\rTRIGGER=EXT\rOPMODE=ON")
    return laser


def test_session_of_the_sheet() -> None:
    laser = COMPexPro(external, warm=False)
    assert ask(laser, "OPMODE=ON\rOPMODE?", 479.0) == "OFF:21\r"
    assert ask(laser, "OPMODE?", 480.0) == "OFF:0\r"
    assert ask(laser, "MODE=HV\rHV=22.5\rHV?\rTRIGGER=EXT\rTRIGGER?", 480.0) == "22.5\rEXT\r"
    assert ask(laser, "OPMODE=ON\rOPMODE?", 480.0) == "OFF,WAIT\r"
    assert ask(laser, "OPMODE?", 484.0) == "OFF,WAIT\r"
    assert ask(laser, "OPMODE?\rMENU?\rINTERLOCK?", 484.2) == "ON:0\r1 193 ArF\rNONE\r"


def test_energy_reading_is_taken_once(firing: COMPexPro) -> None:
    assert ask(firing, "EGY?", 4.05) == "150\r"  # still the preset
    assert ask(firing, "EGY?\rEGY?", 5.0) == "150\r0\r"
    assert ask(firing, "EGY?", 5.15) == "150\r"


def test_light_only_when_on_and_externally_triggered(firing: COMPexPro) -> None:
    assert firing.energy_mJ(4.0) == 0.0
    assert firing.energy_mJ(5.0) == 150.0
    assert firing.energy_mJ(1.0) == 0.0
    ask(firing, "TRIGGER=INT", 6.0)
    assert firing.energy_mJ(6.0) == 0.0
    ask(firing, "TRIGGER=EXT\rMODE=HV\rHV=25.0", 7.0)
    assert firing.energy_mJ(7.0) == pytest.approx(200.0, rel=1e-3)
    ask(firing, "OPMODE=OFF", 8.0)
    assert firing.energy_mJ(8.0) == 0.0


def test_off_cancels_the_start(firing: COMPexPro) -> None:
    assert ask(firing, "OPMODE=OFF\rOPMODE?", 2.0) == "OFF:0\r"
    assert firing.energy_mJ(10.0) == 0.0


def test_states_without_code() -> None:
    assert ask(COMPexPro(external, warm=True, code=False), "OPMODE?") == "OFF\r"


def test_some_settings_are_ignored_while_on(firing: COMPexPro) -> None:
    assert ask(firing, "COUNTS=5\rCOUNTS?\rMODE?\rHV=20.0", 5.0) == "0\rEGY NGR\r"
    assert ask(firing, "GASMODE=PREMIX\rGASMODE?", 5.0) == "SINGLE GASES\r"


@pytest.mark.parametrize(
    ("setting", "query", "back"),
    [
        ("HV=22.5", "HV", "22.5"), ("EGY SET=140", "EGY SET", "140"), ("EGY=120", "EGY", "120"),
        ("REPRATE=25", "REPRATE", "25"),
        ("TRIGGER=EXT", "TRIGGER", "EXT"), ("MODE=EGY PGR", "MODE", "EGY PGR"), ("COUNTS=9", "COUNTS", "9"),
        ("FILTER=8", "FILTER", "8"), ("FILTER CONTAMINATION=RESET", "FILTER CONTAMINATION", "0"),
        ("MENU=RESET", "MENU", "1 193 ArF"), ("GASMODE=PREMIX", "GASMODE", "PREMIX"), ("TIMEOUT=ON", "TIMEOUT", "ON"),
        ("EGY RANGE=80", "EGY RANGE", "80"), ("BUFFER=3000", "BUFFER", "3000"), ("HALOGEN=90", "HALOGEN", "90"),
        ("INERT=15", "INERT", "15"), ("RARE=70", "RARE", "70"), ("TEMP CONTROL=OFF", "TEMP CONTROL", "OFF"),
        ("TEMP CONTROL=OFF", "RESERVOIR TEMP", "24"), ("COD=ON", "COD", "0150"), ("ROOMTEMP=HIGH", "ROOMTEMP", "HIGH"),
        ("CAP.SET=110\rOPMODE=CAPACITY RESET", "CAP.LEFT", "110"), ("", "TOTALCOUNTER", "1234567"), ("", "PRESSURE", "3400"),
        ("", "TEMP", "0"), ("", "LEAKRATE", "1"), ("", "ACCU", "0"), ("", "PULSE DIFF", "0"), ("", "CAP.LEFT", "87"),
        ("", "VERSION", "V4.82"), ("", "POWER STABILIZATION ACHIEVED", "NO"),
    ],
)  # fmt: skip
def test_what_is_set_reads_back(laser: COMPexPro, setting: str, query: str, back: str) -> None:
    assert ask(laser, f"{setting}\r{query}?") == f"{back}\r"


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("PURGE RESERVOIR", {1.0: "PURGE RESERVOIR:3", 121.0: "OFF:0"}),
        ("PASSIVATION FILL", {1.0: "PASSIVATION FILL:3", 301.0: "OFF:0"}),
        ("SAFETY FILL", {1.0: "SAFETY FILL:3", 181.0: "OFF:0"}),
        ("TRANSPORT FILL", {1.0: "TRANSPORT FILL:3", 181.0: "OFF:0"}),
        ("MANUAL FILL INERT", {1.0: "MANUAL FILL INERT:3", 11.0: "OFF:0"}),
        *((f"FLUSH {gas} LINE", {1.0: f"FLUSH {gas} LINE", 3.0: "OFF:0"}) for gas in ("RARE", "HALOGEN", "BUFFER", "INERT")),
        *((f"PURGE {gas} LINE", {3.0: f"PURGE {gas} LINE", 5.0: "OFF:0"}) for gas in ("RARE", "HALOGEN", "BUFFER", "INERT")),
    ],
)
def test_gas_is_handled_when_the_laser_is_off(laser: COMPexPro, name: str, states: dict[float, str]) -> None:
    ask(laser, f"OPMODE={name}")
    assert {when: ask(laser, "OPMODE=ON\rOPMODE?" if when < 2 else "OPMODE?", when).strip() for when in states} == states


def test_inert_gas_is_let_in_up_to_a_pressure(laser: COMPexPro) -> None:
    for filling in range(12):
        ask(laser, "OPMODE=MANUAL FILL INERT", 20.0 * filling)
        ask(laser, "OPMODE?", 20.0 * filling + 15)
    assert ask(laser, "PRESSURE?", 1000.0) == "3800\r"


def test_flushing_waits_for_the_operator_twice(laser: COMPexPro) -> None:
    ask(laser, "OPMODE=FLUSHING\rOPMODE=CONT")
    assert ask(laser, "OPMODE?", 30.0) == "FLUSHING LEAKTEST:3\r"
    assert ask(laser, "OPMODE?\rOPMODE=CONT\rOPMODE?", 1000.0) == "FLUSHING LEAKTEST CONT:30\rFLUSHING LEAKTEST:3\r"
    assert ask(laser, "OPMODE?\rOPMODE=CONT\rOPMODE?", 1100.0) == "FLUSHING LEAKTEST CONT:30\rOFF:0\r"


def test_the_energy_calibration_takes_the_reading_of_a_meter(laser: COMPexPro) -> None:
    ask(laser, "OPMODE=ENERGY CAL\rEGY=140")
    assert ask(laser, "OPMODE?", 5.0) == "ENERGY CAL\r"
    assert ask(laser, "OPMODE?\rOPMODE=CONT\rEGY=138\rOPMODE?\rEGY?", 20.0) == "ENERGY CAL CONT\rOFF:0\r150\r"


def test_the_user_counter_is_reset_and_the_warm_up_skipped() -> None:
    laser = COMPexPro(external, warm=False)
    ask(laser, "OPMODE=SKIP\rTRIGGER=EXT\rCOUNTS=7\rOPMODE=ON")
    assert ask(laser, "COUNTER?\rCOUNTER=RESET\rCOUNTER?", 10.0) == "7\r0\r"


def test_other_gas_menus_are_empty(laser: COMPexPro) -> None:
    assert ask(laser, "MENU=3\rMENU?\rMENU=2\rMENU?\rMENU=RESET\rMENU?") == "1 193 ArF\r2 248 KrF\r1 193 ArF\r"


def test_halogen_makes_the_gas_fresher() -> None:
    laser = COMPexPro(lambda since, until: round((until - since) * 1e5), warm=True)
    ask(laser, "TRIGGER=EXT\rMODE=EGY NGR\rEGY=150\rOPMODE=ON")
    aged = float(ask(laser, "HV?", 24.1))
    assert ask(laser, "OPMODE=HI\rOPMODE?", 24.1) == "ON:34\r"
    fresher = float(ask(laser, "HV?", 24.1))
    assert fresher < aged
    ask(laser, "OPMODE=PGR", 24.1)
    assert float(ask(laser, "HV?", 24.1)) < fresher


def test_the_low_light_stop_can_be_suppressed(firing: COMPexPro) -> None:
    ask(firing, "OPMODE=LL OFF", 5.0)
    firing.fault("low_light", 6.0)
    assert ask(firing, "OPMODE?", 60.0) == "ON:0\r"


@pytest.mark.parametrize("text", ["HELLO", "HELLO?", "HELLO=1", "HV=30.0", "HV=abc", "EGY=301", "\nHV?", ""])
def test_silence_and_no_effect(laser: COMPexPro, text: str) -> None:
    before = laser.state(0.0)
    assert ask(laser, text) == ""
    assert laser.state(0.0) == before


def test_counts_stop_the_laser(laser: COMPexPro) -> None:
    ask(laser, "TRIGGER=EXT\rCOUNTS=7\rCOUNTER=RESET\rOPMODE=ON")
    assert ask(laser, "COUNTS?", 4.5) == "7\r"
    assert ask(laser, "OPMODE?\rCOUNTER?\rCOUNTS?", 6.0) == "OFF:0\r7\r0\r"


def test_watchdog_trips_when_the_line_is_silent(firing: COMPexPro) -> None:
    ask(firing, "TIMEOUT=ON", 5.0)
    assert firing.energy_mJ(14.9) == 150.0
    assert firing.energy_mJ(15.1) == 0.0
    assert ask(firing, "OPMODE?\rOPMODE=ON\rOPMODE?", 16.0) == "OFF:31\rOFF:31\r"
    assert ask(firing, "TIMEOUT=OFF\rOPMODE=OFF\rOPMODE?\rTIMEOUT?", 16.0) == "OFF:0\rOFF\r"


def test_interlock_latches(firing: COMPexPro) -> None:
    firing.fault("interlock", 6.0, cause="COVER")
    assert firing.energy_mJ(6.0) == 0.0
    assert ask(firing, "INTERLOCK?\rOPMODE=OFF\rOPMODE?", 6.0) == "COVER\rOFF:1\r"
    firing.fault("interlock", 7.0, cause="COVER", present=False)
    assert ask(firing, "INTERLOCK?\rOPMODE?\rOPMODE=OFF\rOPMODE?", 7.0) == "NONE\rOFF:1\rOFF:0\r"


def test_low_light_stops_after_ten_seconds(firing: COMPexPro) -> None:
    firing.fault("low_light", 6.0)
    assert firing.energy_mJ(6.1) == 0.0
    assert ask(firing, "OPMODE?\rPOWER STABILIZATION ACHIEVED?", 15.9) == "ON:0\rNO\r"
    assert ask(firing, "OPMODE?\rPULSE DIFF?", 17.0) == "OFF:26\r100\r"


def test_gas_ages_until_a_new_fill() -> None:
    laser = COMPexPro(lambda since, until: round((until - since) * 1e5), warm=True)
    ask(laser, "TRIGGER=EXT\rMODE=EGY NGR\rEGY=200\rOPMODE=ON")
    fresh = float(ask(laser, "HV?", 4.2))
    assert float(ask(laser, "HV?", 10.0)) > fresh == 25.0
    assert ask(laser, "OPMODE?\rPOWER STABILIZATION ACHIEVED?", 40.0) == "ON:8\rNO\r"
    assert 0.0 < laser.energy_mJ(40.0) < 200.0
    assert ask(laser, "OPMODE=OFF\rOPMODE=NEW FILL\rOPMODE?", 40.0) == "NEW FILL\r"
    assert ask(laser, "OPMODE?\rPRESSURE?", 50.0) == "NEW FILL, EVAC\r30\r"
    assert ask(laser, "OPMODE?", 390.0) == "NEW FILL, FILL\r"
    assert ask(laser, "OPMODE?\rHV?", 400.0) == "OFF:0\r25.0\r"


def test_messages_split_and_joined(laser: COMPexPro) -> None:
    received = bytearray(b"OPMODE=ON\rOPMO")
    assert list(laser.split(received)) == [b"OPMODE=ON"]
    received += b"DE?\r"
    assert list(laser.split(received)) == [b"OPMODE?"]


def test_power_cycle_and_identity(firing: COMPexPro) -> None:
    assert ask(firing, "TYPE OF LASER?\rVERSION?") == "COMPexPro 110\rV4.82\r"
    firing.fault("wrong_identity", 5.0)
    assert "COMPex" not in ask(firing, "TYPE OF LASER?", 5.0)
    firing.power_up(6.0)
    assert ask(firing, "OPMODE?\rTRIGGER?\rTYPE OF LASER?", 6.0) == "OFF:21\rINT\rCOMPexPro 110\r"
    with pytest.raises(ValueError, match="low_light"):
        firing.fault("explodes", 6.0)
