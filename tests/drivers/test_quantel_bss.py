"""Big Sky BSS on the wire: replies of exactly 17 bytes, an echo for every setting, interlocks a reading late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LimitError, Refused, WrongInstrument
from drivers.quantel_bss import BigSkyBSS
from tests.drivers.script import Exchange, scripted


def says(command: str, field: str) -> Exchange:
    assert len(field) <= 15
    return (f">{command}\r\n".encode(), f"\r\n{field:<15}".encode())


def laser(script: list[Exchange]) -> tuple[BigSkyBSS, object]:
    pauses: list[float] = []
    return scripted(BigSkyBSS, script, lamp_voltage_V=1150, pause=pauses.append)


def test_identity() -> None:
    unit, _ = laser([says("X", "SPECTRA-SY 3.68"), says("SN", "s/number    062")])
    assert unit.identify().serial == "062"
    unit, _ = laser([says("X", "ULTRA      2.00")])
    with pytest.raises(WrongInstrument):
        unit.identify()


STOPPED = [says("R0", "shutter closed "), says("SQ", "fire ext     e "), says("S", "standby      e ")]


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
    assert wire.finished()  # type: ignore[attr-defined]


def test_an_unchanged_echo_is_a_refusal() -> None:
    unit, _ = laser([says("V1150", "voltage  1000 V")])
    with pytest.raises(Refused, match="lamp_voltage_V stays at 1000 V after 1150 was set"):
        unit.write("lamp_voltage_V", 1150)
    unit, wire = laser([])
    with pytest.raises(LimitError, match="500 to 1800 V"):
        unit.write("lamp_voltage_V", 1900)
    assert wire.finished()  # type: ignore[attr-defined]


def test_starting_waits_for_water_and_for_the_q_switch() -> None:
    unit, wire = laser(
        [
            says("A", "water flow     "),
            says("A", "fire ext     e "),
            says("R1", "shutter opened "),
            says("PQ", "wait for QS    "),
            says("PQ", "fire ext   qse "),
        ]
    )
    unit.start()
    assert wire.finished()  # type: ignore[attr-defined]


@pytest.mark.parametrize("answer", ["I/O connector  ", "switch cabinet ", "tp CG < 25 d   "])
def test_an_interlock_stops_the_start(answer: str) -> None:
    unit, _ = laser([says("A", answer)])
    with pytest.raises(Refused, match=r"the lamp does not start: ") as error:
        unit.start()
    assert answer.strip() in str(error.value)


def test_the_register_is_read_twice_because_it_is_a_reading_late() -> None:
    unit, wire = laser(
        [
            says("WOR", "I 1 F 0 S 0 Q 0"),
            says("IF1", "IF1 00 00 00 00"),
            says("IF1", "IF. 00 00 01 00"),
            says("IF2", "IF. 00 00 00 00"),
            says("IF2", "IF. 00 00 00 00"),
        ]
    )
    status = unit.status()
    assert not status.ok
    assert status.warnings == ("external interlock",)
    assert wire.finished()  # type: ignore[attr-defined]


def test_every_step_of_making_safe_is_tried() -> None:
    unit, wire = laser([says("R0", "shutter opened "), says("SQ", "fire ext     e "), says("S", "standby      e ")])
    with pytest.raises(Refused, match="R0 was answered with 'shutter opened'"):
        unit.make_safe()
    assert wire.finished()  # type: ignore[attr-defined]
    unit, _ = laser([*STOPPED, says("WOR", "I 0 F 0 S 0 Q 0"), says("R", "shutter closed ")])
    assert unit.make_safe().confirmed
    unit, _ = laser([*STOPPED, says("WOR", "I 0 F 6 S 0 Q 4"), says("R", "shutter closed ")])
    assert not unit.make_safe().confirmed


def test_a_shifted_reply_is_not_taken() -> None:
    unit, _ = laser([(b">V\r\n", b"150 V\r\nvoltage  1")])
    with pytest.raises(GarbledReply):
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
