"""COMPexPro on the wire: settings are silent and every one is asked back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.coherent_compexpro import COMPexPro
from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
from tests.drivers.script import LATE, Exchange, ScriptedTransport, scripted


def asked(query: str, reply: str) -> Exchange:
    return (f"{query}\r".encode(), f"{reply}\r".encode())


def told(text: str) -> Exchange:
    return (f"{text}\r".encode(), b"")


MODEL = asked("TYPE OF LASER?", "COMPexPro 102")
EXTERNAL = asked("TRIGGER?", "EXT")


def laser(script: list[Exchange], **options: object) -> tuple[COMPexPro, ScriptedTransport]:
    return scripted(COMPexPro, script, **{"energy_mJ": 150, **options})


def test_identity() -> None:
    unit, _ = laser([MODEL, asked("VERSION?", "v4.82")])
    assert unit.identify().firmware == "v4.82"
    unit, _ = laser([asked("TYPE OF LASER?", "GAM EX5")])
    with pytest.raises(WrongInstrument):
        unit.identify()


@pytest.mark.parametrize("off", ["OFF", "OFF:0", "OFF:21"])
def test_preparing(off: str) -> None:
    unit, wire = laser(
        [
            told("TIMEOUT=OFF"),
            asked("TIMEOUT?", "OFF"),
            told("OPMODE=OFF"),
            asked("OPMODE?", off),
            told("TRIGGER=EXT"),
            EXTERNAL,
            told("MODE=EGY NGR"),
            (b"MODE?\r", [b"EGY ", b"NGR\r"]),
            told("EGY SET=150"),
            asked("EGY SET?", "150"),
        ]
    )
    unit.prepare()
    assert wire.finished()


def test_the_watchdog_is_set_where_it_is_wanted() -> None:
    """After it was cleared, and the laser is off."""
    unit, wire = laser(
        [
            told("TIMEOUT=OFF"),
            asked("TIMEOUT?", "OFF"),
            told("OPMODE=OFF"),
            asked("OPMODE?", "OFF"),
            told("TIMEOUT=ON"),
            asked("TIMEOUT?", "ON"),
            told("TRIGGER=EXT"),
            EXTERNAL,
            told("MODE=EGY NGR"),
            asked("MODE?", "EGY NGR"),
            told("EGY SET=150"),
            asked("EGY SET?", "150"),
        ],
        watchdog=True,
    )
    unit.prepare()
    assert wire.finished()


@pytest.mark.parametrize("waiting", ["OFF,WAIT", "OFF, WAIT", "OFF:0"])
@pytest.mark.parametrize("on", ["ON", "ON:0", "ON:03"])
def test_starting_takes_its_time(waiting: str, on: str) -> None:
    unit, wire = laser([told("OPMODE=ON"), asked("OPMODE?", waiting), asked("OPMODE?", waiting), asked("OPMODE?", on)])
    unit.start()
    assert wire.finished()


@pytest.mark.parametrize(
    ("code", "said"), [("1", "interlock"), ("21", "warming up"), ("31", "serial time-out"), ("99", "code 99")]
)
def test_a_start_that_is_refused_says_why_and_is_taken_back(code: str, said: str) -> None:
    unit, wire = laser([told("OPMODE=ON"), asked("OPMODE?", f"OFF:{code}"), told("OPMODE=OFF")])
    with pytest.raises(Refused, match=f"does not start: {said}"):
        unit.start()
    assert wire.finished()


def test_a_start_that_takes_too_long_is_taken_back() -> None:
    unit, wire = laser([told("OPMODE=ON"), asked("OPMODE?", "OFF,WAIT"), told("OPMODE=OFF")], start_s=1e-9)
    with pytest.raises(Refused, match="is not on after"):
        unit.start()
    assert wire.finished()


@pytest.mark.parametrize(
    ("reply", "state", "ok", "warnings"),
    [
        ("ON:0", "firing", True, ()),
        ("ON:03", "firing", True, ("no gas flow, or duty cycle exceeded",)),
        ("OFF", "off", True, ()),
        ("OFF, WAIT", "starting", True, ()),
        ("OFF:21", "off", False, ("warming up, 8 minutes",)),
        ("OFF:26", "off", False, ("low light: pulses are missing",)),
        ("NEW FILL, EVAC", "new fill,evac", False, ()),
    ],
)
def test_status(reply: str, state: str, ok: bool, warnings: tuple[str, ...]) -> None:
    unit, _ = laser([asked("OPMODE?", reply), EXTERNAL])
    status = unit.status()
    assert (status.state, status.ok, status.warnings) == (state, ok, warnings)


def test_interlocks_internal_triggers_and_going_off_are_no_states_to_run_in() -> None:
    unit, _ = laser([asked("OPMODE?", "OFF:1"), asked("INTERLOCK?", "COVER,GAS"), EXTERNAL])
    assert unit.status().warnings == ("interlock: COVER,GAS",)
    unit, _ = laser([asked("OPMODE?", "ON"), asked("TRIGGER?", "INT")])
    status = unit.status()
    assert (status.ok, status.warnings) == (False, ("fires on internal triggers",))
    unit, _ = laser([told("OPMODE=ON"), asked("OPMODE?", "ON"), asked("OPMODE?", "OFF:0"), EXTERNAL])
    unit.start()
    status = unit.status()
    assert (status.ok, status.warnings) == (False, ("went off by itself, or at its panel",))


def test_a_setting_that_does_not_take_is_an_error() -> None:
    unit, _ = laser([told("EGY SET=200"), asked("EGY SET?", "150")])
    with pytest.raises(Refused, match="preset_energy_mJ reads back 150 mJ after 200 was set"):
        unit.write("preset_energy_mJ", 200)
    unit, _ = laser([told("TIMEOUT=OFF"), asked("TIMEOUT?", "ON")])
    with pytest.raises(Refused, match="watchdog reads back ON after OFF was set"):
        unit.prepare()


@pytest.mark.parametrize("energy_mJ", [49, 511, 150.5, True])
def test_impossible_energies_never_reach_the_wire(energy_mJ: int) -> None:
    unit, wire = laser([])
    with pytest.raises(LimitError, match="preset_energy_mJ"):
        unit.write("preset_energy_mJ", energy_mJ)
    with pytest.raises(LimitError, match="preset_energy_mJ"):
        laser([], energy_mJ=energy_mJ)
    assert wire.finished()


def test_neither_a_preset_nor_the_want_of_a_pulse_is_an_energy() -> None:
    unit, wire = laser([asked("OPMODE?", "ON:0"), asked("EGY?", "0"), asked("OPMODE?", "OFF,WAIT")])
    with pytest.raises(Refused, match="has measured no pulse since it was last asked for one"):
        unit.read("pulse_energy_mJ")
    with pytest.raises(Refused, match="measures pulses only while it is on, and it is starting"):
        unit.read("pulse_energy_mJ")
    assert wire.finished()


@pytest.mark.parametrize(("mode", "state"), [("ON", "firing"), ("OFF,WAIT", "starting"), ("NEW FILL, EVAC", "new fill,evac")])
def test_what_works_only_when_off_is_refused_otherwise(mode: str, state: str) -> None:
    unit, wire = laser([asked("OPMODE?", mode)])
    with pytest.raises(Refused, match=f"resets its user counter only when off, and it is {state}; stop it first"):
        unit.do("reset_user_shots")
    assert wire.finished()


def test_making_safe_switches_off_before_it_asks_anything() -> None:
    unit, wire = laser(
        [(b"\rOPMODE=OFF\r", b""), MODEL, told("OPMODE=OFF"), asked("OPMODE?", "OFF,WAIT"), asked("OPMODE?", "OFF")]
    )
    assert unit.make_safe().confirmed
    assert wire.finished()
    unit, wire = laser([(b"\rOPMODE=OFF\r", b""), MODEL, told("OPMODE=OFF"), asked("OPMODE?", "ON")], start_s=1e-9)
    with pytest.raises(Refused, match="is not off after"):
        unit.make_safe()
    assert wire.finished()


def test_a_late_reply_does_not_shift_the_next() -> None:
    """Replies carry no names: a late voltage would pass for a pressure."""
    unit, wire = laser(
        [(b"HV?\r", [LATE, b"22.5\r"]), (b"TYPE OF LASER?\r", [b"22.5\r", b"COMPexPro 102\r"]), asked("PRESSURE?", "3400")]
    )
    with pytest.raises(LinkTimeout):
        unit.read("high_voltage_kV")
    assert unit.read("tube_pressure_mbar") == 3400
    assert wire.finished()


@pytest.mark.parametrize("reply", ["", "3400.5", "3_400", "-1", "7000", "34 00", "nan"])
def test_ugly_pressures(reply: str) -> None:
    unit, _ = laser([asked("PRESSURE?", reply)])
    with pytest.raises(GarbledReply):
        unit.read("tube_pressure_mbar")


@given(st.binary(max_size=20).filter(lambda text: b"\r" not in text))
def test_only_errors_of_the_driver_escape(text: bytes) -> None:
    for query, quantity in ((b"HV?\r", "high_voltage_kV"), (b"TOTALCOUNTER?\r", "total_shots")):
        unit, _ = laser([(query, text + b"\r")])
        try:
            assert float(unit.read(quantity)) >= 0
        except DriverError:
            continue


@given(st.one_of(st.binary(max_size=20), st.from_regex(r"[A-Z, ]{0,9}(:[0-9]{0,3})?", fullmatch=True).map(str.encode)))
def test_a_state_is_a_mode_and_a_code_or_an_error(text: bytes) -> None:
    text = text.replace(b"\r", b"")
    interlock = [asked("INTERLOCK?", "NONE")] if re.search(rb":0?1$", text) else []
    unit, _ = laser([(b"OPMODE?\r", text + b"\r"), *interlock, EXTERNAL])
    try:
        status = unit.status()
    except DriverError:
        return
    assert status.state
    assert not (status.ok and b"OFF:" in text and int(text.partition(b":")[2]))


def changed(name: str, value: object) -> list[Exchange]:
    return [told(f"{name}={value}"), asked(f"{name}?", str(value))]


READ: Read = {
    "preset_energy_mJ": ([asked("EGY SET?", "150")], 150),
    "high_voltage_kV": ([asked("HV?", "22.5")], 22.5),
    "tube_pressure_mbar": ([asked("PRESSURE?", "3400")], 3400),
    "total_shots": ([asked("TOTALCOUNTER?", "123456")], 123456),
    "pulse_energy_mJ": ([asked("OPMODE?", "ON"), asked("EGY?", "149")], 149),
    "energy_range_percent": ([asked("EGY RANGE?", "80")], 80),
    "rate_Hz": ([asked("REPRATE?", "10")], 10),
    "trigger": ([asked("TRIGGER?", "INT")], "INT"),
    "mode": ([asked("MODE?", "EGY PGR")], "EGY PGR"),
    "burst_counts": ([asked("COUNTS?", "100")], 100),
    "user_shots": ([asked("COUNTER?", "7")], 7),
    "energy_filter": ([asked("FILTER?", "16")], 16),
    "filter_contamination_percent": ([asked("FILTER CONTAMINATION?", "12")], 12),
    "gas_menu": ([asked("MENU?", "1 193 ArF")], "1 193 ArF"),
    "gas_mode": ([asked("GASMODE?", "PREMIX")], "PREMIX"),
    "buffer_mbar": ([asked("BUFFER?", "3000")], 3000),
    "halogen_mbar": ([asked("HALOGEN?", "80")], 80),
    "inert_mbar": ([asked("INERT?", "0")], 0),
    "rare_mbar": ([asked("RARE?", "200")], 200),
    "tube_temperature_C": ([asked("RESERVOIR TEMP?", "32.5")], 32.5),
    "temperature_control": ([asked("TEMP CONTROL?", "ON")], "ON"),
    "source_temperature_C": ([asked("TEMP?", "0")], 0.0),
    "leak_rate": ([asked("LEAKRATE?", "1")], 1.0),
    "accumulator_bar": ([asked("ACCU?", "0")], 0.0),
    "capacity_left_percent": ([asked("CAP.LEFT?", "90")], 90),
    "pulse_difference": ([asked("PULSE DIFF?", "-1")], -1),
    "energy_settled": ([asked("POWER STABILIZATION ACHIEVED?", "YES")], True),
    "interlocks": ([asked("INTERLOCK?", "NONE")], "NONE"),
    "watchdog": ([asked("TIMEOUT?", "OFF")], "OFF"),
}
WRITTEN: Written = {
    "preset_energy_mJ": (200, changed("EGY SET", 200)),
    "high_voltage_kV": (23.5, changed("HV", 23.5)),
    "energy_range_percent": (90, changed("EGY RANGE", 90)),
    "rate_Hz": (20, changed("REPRATE", 20)),
    "trigger": ("EXT", changed("TRIGGER", "EXT")),
    "mode": ("HV", changed("MODE", "HV")),
    "burst_counts": (0, changed("COUNTS", 0)),
    "energy_filter": (8, changed("FILTER", 8)),
    "gas_mode": ("SINGLE GASES", changed("GASMODE", "SINGLE GASES")),
    "buffer_mbar": (2900, changed("BUFFER", 2900)),
    "halogen_mbar": (90, changed("HALOGEN", 90)),
    "inert_mbar": (10, changed("INERT", 10)),
    "rare_mbar": (210, changed("RARE", 210)),
    "temperature_control": ("OFF", changed("TEMP CONTROL", "OFF")),
    "watchdog": ("ON", changed("TIMEOUT", "ON")),
}
DONE: Done = {
    "skip_warm_up": [told("OPMODE=SKIP")],
    "reset_user_shots": [asked("OPMODE?", "OFF:0"), told("COUNTER=RESET")],
    "reset_filter_contamination": [told("FILTER CONTAMINATION=RESET")],
    "new_gas_fill": [told("OPMODE=NEW FILL")],
    "purge_reservoir": [told("OPMODE=PURGE RESERVOIR")],
    "inject_halogen": [told("OPMODE=HI")],
    "calibrate_energy": [told("OPMODE=ENERGY CAL")],
    "flush_tube": [told("OPMODE=FLUSHING")],
    "go_on": [told("OPMODE=CONT")],
}


def test_every_command_has_its_bytes() -> None:
    names_complete(COMPexPro, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(COMPexPro, name, READ, energy_mJ=150)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(COMPexPro, name, WRITTEN, energy_mJ=150)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(COMPexPro, name, DONE, energy_mJ=150)
