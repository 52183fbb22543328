"""Big Sky BSS on the wire: replies of exactly 17 bytes, an echo for every setting, interlocks a reading late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.quantel_bss import BigSkyBSS
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted


def framed(field: str) -> bytes:
    assert len(field) <= 15
    return f"\r\n{field:<15}".encode()


def says(command: str, field: str) -> Exchange:
    return (f">{command}\r\n".encode(), framed(field))


def state(text: str) -> Exchange:
    return (b"\r\n", framed(text))


def laser(script: list[Exchange], **options: object) -> tuple[BigSkyBSS, ScriptedTransport]:
    return scripted(BigSkyBSS, script, **{"lamp_voltage_V": 1150, **options})


MODEL, NUMBER = says("X", "SPECTRA-SY 3.68"), says("SN", "s/number    062")
STOPPED = [says("R0", "shutter closed "), says("SQ", "fire ext     e "), says("S", "standby      e ")]
STARTED = [
    says("A", "fire ext     e "),
    says("R1", "shutter opened "),
    says("PQ", "fire ext   qse "),
    says("WOR", "I 0 F 6 S 0 Q 4"),
]


def test_identity() -> None:
    unit, _ = laser([MODEL, NUMBER])
    assert unit.identify().serial == "062"
    for model in ("ULTRA      2.00", "CFR200     1.00"):
        unit, _ = laser([says("X", model)])
        with pytest.raises(WrongInstrument):
            unit.identify()


def test_a_supply_that_was_told_to_be_silent_is_told_to_speak() -> None:
    unit, wire = laser([(b">X\r\n", b""), (b">ECH1\r\n", framed("echo on")), NUMBER, MODEL, NUMBER])
    assert unit.identify().firmware == "3.68"
    assert wire.finished()


def test_preparing() -> None:
    unit, wire = laser(
        [
            *STOPPED,
            says("P1", "CG pump       1"),
            says("V1150", "voltage  1150 V"),
            says("LPM1", "LP synch :  1  "),
            says("QSM2", "QS mode :   2  "),
        ]
    )
    unit.prepare()
    assert wire.finished()


def test_an_unchanged_echo_is_a_refusal() -> None:
    unit, _ = laser([says("V1150", "voltage  1000 V")])
    with pytest.raises(Refused, match="lamp_voltage_V stays at 1000 V after 1150 was set"):
        unit.write("lamp_voltage_V", 1150)
    unit, _ = laser(
        [*STOPPED, says("P1", "CG pump       1"), says("V1150", "voltage  1150 V"), says("LPM1", "LP synch :  0  ")]
    )
    with pytest.raises(Refused, match="lamp_external stays at False after True was set"):
        unit.prepare()


@pytest.mark.parametrize("voltage", [1900, 499, 1150.5, True])
def test_impossible_voltages_never_reach_the_wire(voltage: int) -> None:
    unit, wire = laser([])
    with pytest.raises(LimitError, match="lamp_voltage_V"):
        unit.write("lamp_voltage_V", voltage)
    with pytest.raises(LimitError, match="lamp_voltage_V"):
        laser([], lamp_voltage_V=voltage)
    assert wire.finished()


def test_starting_waits_for_water_and_for_the_q_switch() -> None:
    unit, wire = laser(
        [
            says("A", "water flow     "),
            says("A", "water flow     "),
            *STARTED[:2],
            says("PQ", "wait for QS    "),
            *STARTED[2:],
        ]
    )
    unit.start()
    assert wire.finished()


@pytest.mark.parametrize(
    "answer", ["I/O connector  ", "switch cabinet ", "tp CG < 25 d   ", "fire auto      ", "fire ext       "]
)
def test_what_stops_the_start_is_said_and_the_laser_is_stopped_again(answer: str) -> None:
    unit, wire = laser([says("A", answer), *STOPPED])
    with pytest.raises(Refused, match=r"the lamp does not start: ") as error:
        unit.start()
    assert answer.strip() in str(error.value)
    assert wire.finished()


def test_the_beam_is_blocked_while_the_lamp_goes_on() -> None:
    """The closed shutter inhibits the Q-switch, which is no fault then."""
    blocked = [says("R0", "shutter closed "), says("WOR", "I 0 F 6 S 0 Q 0"), state("fire ext     e")]
    again = [says("R1", "shutter opened "), says("PQ", "wait for QS    "), says("PQ", "fire ext   qse ")]
    unit, wire = laser([*STARTED, *blocked, *again, says("R0", "shutter opened ")])
    unit.start()
    unit.block()
    assert unit.status().ok
    unit.unblock()
    with pytest.raises(Refused, match="shutter_open stays at True"):
        unit.block()
    assert wire.finished()


def test_water_that_never_flows_ends_the_start() -> None:
    unit, wire = laser([says("A", "water flow     "), *STOPPED], start_s=-1.0)
    with pytest.raises(Refused, match="the lamp does not start: water flow"):
        unit.start()
    assert wire.finished()


def test_a_lamp_that_fires_on_its_own_is_stopped_again() -> None:
    unit, wire = laser([*STARTED[:3], says("WOR", "I 0 F 2 S 0 Q 4"), *STOPPED])
    with pytest.raises(Refused, match="the lamp is in state 2"):
        unit.start()
    assert wire.finished()


@pytest.mark.parametrize(
    ("works", "text", "word", "ok"),
    [
        ("I 0 F 4 S 0 Q 4", "standby      e", "standby", True),
        ("I 0 F 0 S 0 Q 0", "standby", "standby", True),
        ("I 0 L 6 M 0 Q 4", "fire ext     e", "lamp on", True),
        ("I 0 F 6 S 0 Q 4", "fire ext   qse", "firing", True),
        ("I 0 F 2 S 0 Q 4", "fire auto  qse", "firing", False),
    ],
)
def test_status(works: str, text: str, word: str, ok: bool) -> None:
    unit, _ = laser([says("WOR", works), state(text)])
    status = unit.status()
    assert (status.state, status.ok) == (word, ok)


@pytest.mark.parametrize(
    ("works", "text", "said"),
    [
        ("I 0 F 4 S 0 Q 4", "standby      e", "the lamp went off"),
        ("I 0 F 6 S 0 Q 4", "fire ext     e", "the Q-switch went off"),
    ],
)
def test_going_off_by_itself_is_no_state_to_run_in(works: str, text: str, said: str) -> None:
    unit, _ = laser([*STARTED, says("WOR", works), state(text)])
    unit.start()
    status = unit.status()
    assert not status.ok
    assert said in status.warnings[0]


def test_the_registers_are_read_twice_because_they_are_a_reading_late() -> None:
    unit, wire = laser(
        [
            says("WOR", "I 1 F 4 S 0 Q 4"),
            says("IF", "IF1 00 00 00 00"),
            says("IF", "IF. 10 00 01 00"),
            says("IF2", "IF2 00 00 00 00"),
            says("IF2", "IF. 00 00 01 00"),
            says("IQ", "IQS 10 00 00 10"),
            says("IQ", "IQS 10 00 00 10"),
        ]
    )
    status = unit.status()
    assert not status.ok
    assert status.warnings == ("water flow", "external interlock", "water too cold")
    assert wire.finished()


SAFE_FIRST: list[Exchange] = [(b"\r\n>S\r\n", framed("standby      e") * 2), NUMBER]


def test_making_safe_tries_every_step_and_believes_the_read_back() -> None:
    read_back = [says("WOR", "I 0 F 4 S 0 Q 4"), says("R", "shutter closed "), state("standby      e")]
    unit, wire = laser([*SAFE_FIRST, *STOPPED, *read_back])
    assert unit.make_safe().confirmed
    assert wire.finished()
    odd = [says("R0", "shutter closed "), says("SQ", "fire ext   qse "), says("S", "something else ")]
    unit, wire = laser([*SAFE_FIRST, *odd, *read_back])
    assert unit.make_safe().confirmed
    assert wire.finished()


@pytest.mark.parametrize(
    ("works", "shutter", "text"),
    [
        ("I 0 F 6 S 0 Q 4", "closed", "fire ext     e"),
        ("I 0 F 4 S 0 Q 4", "opened", "standby      e"),
        ("I 0 F 4 S 0 Q 4", "closed", "fire ext   qse"),
    ],
)
def test_a_laser_that_does_not_read_back_safe_is_not_called_safe(works: str, shutter: str, text: str) -> None:
    read_back = [says("WOR", works), says("R", f"shutter {shutter} "), state(text)]
    unit, _ = laser([*SAFE_FIRST, *STOPPED, *read_back])
    assert not unit.make_safe().confirmed
    unit, wire = laser([*SAFE_FIRST, says("R0", "shutter opened "), *STOPPED[1:], *read_back])
    with pytest.raises(Refused, match="shutter_open stays at True"):
        unit.make_safe()
    assert wire.finished()


def test_the_lamp_is_told_to_stop_even_when_nothing_answers() -> None:
    unit, wire = laser([(b"\r\n>S\r\n", b""), *[(b">SN\r\n", b"")] * 4])
    with pytest.raises(LinkTimeout):
        unit.make_safe()
    assert wire.finished()


@pytest.mark.parametrize(
    ("late", "failures"),
    [
        pytest.param(framed("voltage  1150 V"), 1, id="late"),
        pytest.param(b"", 1, id="never"),
        pytest.param(framed("voltage  1150 V")[8:], 1, id="second half"),
        pytest.param(framed("voltage  1150 V")[:8], 2, id="first half"),
    ],
)
def test_after_silence_only_the_serial_number_makes_replies_believable(late: bytes, failures: int) -> None:
    unit, wire = laser([(b">V\r\n", [LATE, late]), *[NUMBER] * failures, says("V", "voltage  1000 V")])
    for _ in range(failures):
        with pytest.raises((LinkTimeout, GarbledReply)):
            unit.read("lamp_voltage_V")
    assert unit.read("lamp_voltage_V") == 1000
    assert wire.finished()


@pytest.mark.parametrize(
    "reply", [b"150 V\r\nvoltage  1", b"\r\nvoltage  115O V", b"\r\nvoltage 11500 V", b"\r\nvoltage  0115 V", b"\r\nVolt"]
)
def test_shifted_and_spoilt_replies_are_not_taken(reply: bytes) -> None:
    unit, _ = laser([(b">V\r\n", [reply, LATE])])
    with pytest.raises((GarbledReply, LinkTimeout)):
        unit.read("lamp_voltage_V")


@given(st.text(st.characters(codec="latin-1"), min_size=15, max_size=15))
def test_only_errors_of_the_driver_escape(field: str) -> None:
    for mnemonic, quantity in (("V", "lamp_voltage_V"), ("C", "lamp_shots"), ("R", "shutter_open"), ("CG", "coolant_C")):
        unit, _ = laser([(f">{mnemonic}\r\n".encode(), b"\r\n" + field.encode("latin-1"))])
        try:
            unit.read(quantity)
        except DriverError:
            continue
        assert field.isascii()
    unit, _ = laser([(b">WOR\r\n", b"\r\n" + field.encode("latin-1")), state("standby")])
    with pytest.raises(DriverError):
        unit.status()


READ: Read = {
    "lamp_voltage_V": ([says("V", "voltage  1150 V")], 1150),
    "coolant_C": ([says("CG", "temp. CG 39 d")], 39),
    "lamp_shots": ([says("C", "ct LP 000123456")], 123456),
    "shutter_open": ([says("R", "shutter opened ")], True),
    "pump_on": ([says("P", "CG pump       1")], True),
    "harmonic_fault": ([says("IHG", "IHG           0")], False),
    "opens_shutter_at_run": ([says("ROF", "shutt. at run 1")], True),
    "operating_time": ([says("T", "ct time 7040:23")], "7040:23"),
    "revision_date": ([says("DAT", "20/12/02       ")], "20/12/02"),
    "charged_voltage_V": ([says("VA", "voltage ac1149V")], 1149),
    "capacitor_voltage_V": ([says("VI", "voltage it0900V")], 900),
    "average_voltage_V": ([says("VMO", "Voltage m0950 V")], 950),
    "lamp_energy_J": ([says("ENE", "energy    21.2J")], 21.2),
    "capacitor_uF": ([says("CAP", "capacity 29.3uF")], 29.3),
    "lamp_external": ([says("LPM", "LP synch :  1  ")], True),
    "rate_Hz": ([says("F", "freq.  40.00 Hz")], 40.0),
    "user_lamp_shots": ([says("UC", "cu LP 000000012")], 12),
    "q_switch_mode": ([says("QSM", "QS mode :   2  ")], 2),
    "q_switch_every": ([says("QSF", "cycle rate F/10")], 10),
    "q_switch_burst": ([says("QSP", "burst QS    050")], 50),
    "q_switch_at_run": ([says("QOF", "QS at run     1")], True),
    "q_switch_delay_us": ([says("W", "delay    225 uS")], 225),
    "shortest_delay_us": ([says("WMN", "dly QS m 100 uS")], 100),
    "longest_delay_us": ([says("WMX", "dly QS M 500 uS")], 500),
    "q_switch_wait": ([says("QSW", "QS wait :   000")], 0),
    "q_switch_shots": ([says("CQ", "ct QS 000123456")], 123456),
    "user_q_switch_shots": ([says("UCQ", "cu QS 000000003")], 3),
}
WRITTEN: Written = {
    "lamp_voltage_V": (1000, [says("V1000", "voltage  1000 V")]),
    "shutter_open": (False, [says("R0", "shutter closed ")]),
    "pump_on": (True, [says("P1", "CG pump       1")]),
    "opens_shutter_at_run": (False, [says("ROF0", "shutt. at run 0")]),
    "lamp_energy_J": (21.2, [says("ENE212", "energy    21.2J")]),
    "lamp_external": (False, [says("LPM0", "LP synch :  0  ")]),
    "rate_Hz": (20.05, [says("F2005", "freq.  20.05 Hz")]),
    "q_switch_mode": (1, [says("QSM1", "QS mode :   1  ")]),
    "q_switch_every": (5, [says("QSF05", "cycle rate F/05")]),
    "q_switch_burst": (20, [says("QSP020", "burst QS    020")]),
    "q_switch_at_run": (False, [says("QOF0", "QS at run     0")]),
    "q_switch_delay_us": (140, [says("W140", "delay    140 uS")]),
    "q_switch_wait": (10, [says("QSW010", "QS wait :   010")]),
}
DONE: Done = {
    "reset_user_lamp_shots": [says("UC0", "cu LP 000000000")],
    "reset_user_q_switch_shots": [says("UCQ0", "cu QS 000000000")],
    "save_settings": [says("SAV1", "Save config.  1")],
    "save_user_counters": [says("SUC", "user ct saved  ")],
    "one_pulse": [says("OQ", "fire ext   qse ")],
    "simmer": [says("M", "simmer         ")],
}


def test_every_command_has_its_bytes() -> None:
    names_complete(BigSkyBSS, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(BigSkyBSS, name, READ, lamp_voltage_V=1150)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(BigSkyBSS, name, WRITTEN, lamp_voltage_V=1150)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(BigSkyBSS, name, DONE, lamp_voltage_V=1150)
