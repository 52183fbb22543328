"""COMPexPro on the wire: settings are silent and every one is asked back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.coherent_compexpro import COMPexPro
from drivers.errors import DriverError, GarbledReply, LimitError, Refused, WrongInstrument
from tests.drivers.script import Exchange, scripted


def laser(script: list[Exchange]) -> tuple[COMPexPro, object]:
    pauses: list[float] = []
    return scripted(COMPexPro, script, energy_mJ=150, pause=pauses.append)


def test_identity() -> None:
    unit, _ = laser([(b"TYPE OF LASER?\r", b"COMPexPro 102\r"), (b"VERSION?\r", b"v4.82\r")])
    assert unit.identify().firmware == "v4.82"
    unit, _ = laser([(b"TYPE OF LASER?\r", b"GAM EX5\r")])
    with pytest.raises(WrongInstrument):
        unit.identify()


@pytest.mark.parametrize("off", [b"OFF\r", b"OFF:0\r"])
def test_preparing(off: bytes) -> None:
    unit, wire = laser(
        [
            (b"OPMODE=OFF\r", b""),
            (b"OPMODE?\r", off),
            (b"TRIGGER=EXT\r", b""),
            (b"TRIGGER?\r", b"EXT\r"),
            (b"MODE=EGY NGR\r", b""),
            (b"MODE?\r", [b"EGY ", b"NGR\r"]),
            (b"EGY SET=150\r", b""),
            (b"EGY SET?\r", b"150\r"),
        ]
    )
    unit.prepare()
    assert wire.finished()  # type: ignore[attr-defined]


@pytest.mark.parametrize("waiting", [b"OFF,WAIT\r", b"OFF, WAIT\r"])
@pytest.mark.parametrize("on", [b"ON\r", b"ON:0\r", b"ON:03\r"])
def test_starting_takes_its_time(waiting: bytes, on: bytes) -> None:
    unit, wire = laser([(b"OPMODE=ON\r", b""), (b"OPMODE?\r", waiting), (b"OPMODE?\r", waiting), (b"OPMODE?\r", on)])
    unit.start()
    assert wire.finished()  # type: ignore[attr-defined]


def test_a_start_that_is_refused_says_why() -> None:
    unit, _ = laser([(b"OPMODE=ON\r", b""), (b"OPMODE?\r", b"OFF:1\r"), (b"OPMODE?\r", b"OFF:1\r")])
    with pytest.raises(Refused, match="does not start: off: interlock"):
        unit.start()


@pytest.mark.parametrize(
    ("reply", "state", "ok"),
    [(b"ON:0\r", "firing", True), (b"OFF\r", "off", True), (b"OFF:21\r", "warming up", False), (b"OFF:26\r", "fault", False)],
)
def test_status(reply: bytes, state: str, ok: bool) -> None:
    unit, _ = laser([(b"OPMODE?\r", reply)])
    status = unit.status()
    assert (status.state, status.ok) == (state, ok)


def test_an_interlock_is_asked_for() -> None:
    unit, _ = laser([(b"OPMODE?\r", b"OFF:1\r"), (b"INTERLOCK?\r", b"COVER,GAS\r")])
    assert unit.status().warnings == ("interlock: COVER,GAS",)


def test_a_setting_that_does_not_take_is_an_error() -> None:
    unit, _ = laser([(b"EGY SET=200\r", b""), (b"EGY SET?\r", b"150\r")])
    with pytest.raises(Refused, match="preset_energy_mJ stays at 150 mJ after 200 was set"):
        unit.write("preset_energy_mJ", 200)
    unit, wire = laser([])
    with pytest.raises(LimitError):
        unit.write("preset_energy_mJ", 20)
    assert wire.finished()  # type: ignore[attr-defined]


def test_a_late_reply_does_not_shift_the_next() -> None:
    unit, wire = laser(
        [
            (b"HV?\r", b""),
            (b"TYPE OF LASER?\r", [b"22.5\r", b"COMPexPro 102\r"]),
            (b"PRESSURE?\r", b"3400\r"),
        ]
    )
    with pytest.raises(DriverError):
        unit.read("high_voltage_kV")
    assert unit.read("tube_pressure_mbar") == 3400
    assert wire.finished()  # type: ignore[attr-defined]


@given(st.binary(max_size=20).filter(lambda text: b"\r" not in text))
def test_only_errors_of_the_driver_escape(text: bytes) -> None:
    for query, quantity in ((b"HV?\r", "high_voltage_kV"), (b"TOTALCOUNTER?\r", "total_shots")):
        unit, _ = laser([(query, text + b"\r")])
        try:
            assert float(unit.read(quantity)) >= 0
        except DriverError:
            continue
    unit, _ = laser([(b"OPMODE?\r", text + b"\r"), (b"INTERLOCK?\r", b"NONE\r")])
    try:
        unit.status()
    except GarbledReply:
        return
    except DriverError:
        assert not text.strip()
