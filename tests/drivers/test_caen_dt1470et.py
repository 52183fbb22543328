"""CAEN DT1470ET on the wire: replies name neither channel nor parameter, and every setting is read back."""

import pytest

from drivers.caen_dt1470et import CaenDT1470ET
from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete, run
from tests.drivers.script import LATE, Exchange, scripted

NAME = (b"$BD:00,CMD:MON,PAR:BDNAME\r\n", b"#BD:00,CMD:OK,VAL:DT1470ET\r\n")


def asked(text: str, value: str) -> Exchange:
    return (f"$BD:00,CMD:MON,{text}\r\n".encode(), f"#BD:00,CMD:OK,VAL:{value}\r\n".encode())


def told(text: str, reply: str = "CMD:OK") -> Exchange:
    return (f"$BD:00,CMD:SET,{text}\r\n".encode(), f"#BD:00,{reply}\r\n".encode())


CHANNEL = {
    "voltage_V": ("VMON", "1099.5", 1099.5),
    "set_voltage_V": ("VSET", "1100.0", 1100.0),
    "current_uA": ("IMON", "0012.34", 12.34),
    "current_limit_uA": ("ISET", "0100.00", 100.0),
    "ceiling_V": ("MAXV", "8000", 8000.0),
    "ramp_up_V_s": ("RUP", "050", 50.0),
    "ramp_down_V_s": ("RDW", "008", 8.0),
    "trip_s": ("TRIP", "0010.0", 10.0),
    "off_style": ("PDWN", "KILL", "KILL"),
    "current_range": ("IMRANGE", "LOW", "LOW"),
    "polarity": ("POL", "-", "-"),
    "status": ("STAT", "02048", 2048),
    "on": ("STAT", "00003", True),
    "lowest_voltage_V": ("VMIN", "0000.0", 0.0),
    "highest_voltage_V": ("VMAX", "8000.0", 8000.0),
    "lowest_current_limit_uA": ("IMIN", "0000.00", 0.0),
    "highest_current_limit_uA": ("IMAX", "3000.00", 3000.0),
    "lowest_ceiling_V": ("MVMIN", "0000", 0.0),
    "highest_ceiling_V": ("MVMAX", "8100", 8100.0),
    "lowest_ramp_up_V_s": ("RUPMIN", "001", 1.0),
    "highest_ramp_up_V_s": ("RUPMAX", "500", 500.0),
    "lowest_ramp_down_V_s": ("RDWMIN", "001", 1.0),
    "highest_ramp_down_V_s": ("RDWMAX", "500", 500.0),
    "lowest_trip_s": ("TRIPMIN", "0000.0", 0.0),
    "highest_trip_s": ("TRIPMAX", "1000.0", 1000.0),
}
SETTINGS = {
    "set_voltage_V": (600.0, "VSET,VAL:600.0", "VSET", "0600.0"),
    "current_limit_uA": (12.34, "ISET,VAL:12.34", "ISET", "0012.34"),
    "ceiling_V": (2500.0, "MAXV,VAL:2500", "MAXV", "2500"),
    "ramp_up_V_s": (10.0, "RUP,VAL:10", "RUP", "010"),
    "ramp_down_V_s": (20.0, "RDW,VAL:20", "RDW", "020"),
    "trip_s": (1.5, "TRIP,VAL:1.5", "TRIP", "0001.5"),
    "off_style": ("RAMP", "PDWN,VAL:RAMP", "PDWN", "RAMP"),
    "current_range": ("HIGH", "IMRANGE,VAL:HIGH", "IMRANGE", "HIGH"),
    "on": (True, "ON", "STAT", "00003"),
}
READ: Read = {
    f"ch{channel}_{name}": ([asked(f"CH:{channel},PAR:{par}", reply)], value)
    for channel in range(4)
    for name, (par, reply, value) in CHANNEL.items()
} | {
    "alarm": ([asked("PAR:BDALARM", "00016")], 16),
    "remote": ([asked("PAR:BDCTR", "LOCAL")], False),
    "interlock": ([asked("PAR:BDILK", "YES")], True),
    "interlock_mode": ([asked("PAR:BDILKM", "OPEN")], "OPEN"),
    "bus_terminated": ([asked("PAR:BDTERM", "ON")], True),
    "channels": ([asked("PAR:BDNCH", "4")], 4),
}
WRITTEN: Written = {
    f"ch{channel}_{name}": (value, [told(f"CH:{channel},PAR:{sent}"), asked(f"CH:{channel},PAR:{par}", back)])
    for channel in range(4)
    for name, (value, sent, par, back) in SETTINGS.items()
} | {"interlock_mode": ("CLOSED", [told("PAR:BDILKM,VAL:CLOSED"), asked("PAR:BDILKM", "CLOSED")])}
DONE: Done = {"clear_alarm": [told("PAR:BDCLR")]}
ZERO = [
    exchange
    for channel in range(4)
    for exchange in (told(f"CH:{channel},PAR:VSET,VAL:0.0"), asked(f"CH:{channel},PAR:VSET", "0000.0"))
]


AT_ONCE: list[Exchange] = [
    (f"\r\n$BD:00,CMD:SET,CH:{channel},PAR:VSET,VAL:0.0\r\n".encode(), b"#BD:00,CMD:OK\r\n") for channel in range(4)
]


def voltages(*values: str) -> list[Exchange]:
    return [asked(f"CH:{channel},PAR:VMON", value) for channel, value in enumerate(values)]


def test_every_command_has_its_bytes() -> None:
    names_complete(CaenDT1470ET, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(CaenDT1470ET, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(CaenDT1470ET, name, WRITTEN)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(CaenDT1470ET, name, DONE)


def test_identity_at_another_address() -> None:
    script = [
        (f"$BD:07,CMD:MON,PAR:{par}\r\n".encode(), f"#BD:07,CMD:OK,VAL:{value}\r\n".encode())
        for par, value in (("BDNAME", "DT1470ET"), ("BDSNUM", "33997"), ("BDFREL", "1.08"))
    ]
    found = run(CaenDT1470ET, script, lambda unit: unit.identify(), board=7)
    assert (found.model, found.serial, found.firmware) == ("DT1470ET", "33997", "1.08")
    unit, _ = scripted(CaenDT1470ET, [asked("PAR:BDNAME", "SY5527")])
    with pytest.raises(WrongInstrument):
        unit.identify()
    with pytest.raises(LimitError, match="board = 32"):
        scripted(CaenDT1470ET, [], board=32)


def test_preparing_takes_the_units_own_limits() -> None:
    script = [asked("PAR:BDCTR", "REMOTE")]
    for channel in range(4):
        where = f"CH:{channel},PAR:"
        script += [asked(f"{where}VMAX", "5500.0"), asked(f"{where}IMAX", "0300.00")]
        script += [told(f"{where}PDWN,VAL:RAMP"), asked(f"{where}PDWN", "RAMP")]
    unit, wire = scripted(CaenDT1470ET, script)
    unit.prepare()
    assert wire.finished()
    for quantity, value in (("ch0_set_voltage_V", 5501.0), ("ch3_current_limit_uA", 300.1)):
        with pytest.raises(LimitError, match=f"{quantity} = {value:g} .* is outside"):
            unit.write(quantity, value)
    unit, _ = scripted(CaenDT1470ET, [asked("PAR:BDCTR", "LOCAL")])
    with pytest.raises(Refused, match="turn its switch to REMOTE"):
        unit.prepare()


@pytest.mark.parametrize("quantity", ["ch0_set_voltage_V", "ch1_current_limit_uA", "ch2_ramp_up_V_s"])
@pytest.mark.parametrize("value", [-0.1, 1e5, float("nan"), "5"])
def test_limits(quantity: str, value: float) -> None:
    unit, wire = scripted(CaenDT1470ET, [])
    with pytest.raises(LimitError, match=quantity):
        unit.write(quantity, value)
    assert wire.finished()


def states(
    *words: str, set_V: str = "0000.0", alarm: str = "0", interlock: str = "NO", control: str = "REMOTE"
) -> list[Exchange]:
    looks = []
    for channel, word in enumerate(words):
        looks += [asked(f"CH:{channel},PAR:STAT", one) for one in word.split()]
        looks.append(asked(f"CH:{channel},PAR:VSET", set_V))
    return [*looks, asked("PAR:BDALARM", alarm), asked("PAR:BDILK", interlock), asked("PAR:BDCTR", control)]


def test_status_of_all_channels() -> None:
    assert run(CaenDT1470ET, states("00000", "00000", "00000", "00000"), lambda unit: unit.status()).state == "off"
    assert run(CaenDT1470ET, states("00001", "00000", "00000", "00000"), lambda unit: unit.status()).state == "on"
    assert run(CaenDT1470ET, states("00001", "00003", "00005", "00000"), lambda unit: unit.status()).state == "ramping"


@pytest.mark.parametrize(
    ("script", "warnings"),
    [
        (states("00000", "00128 00128", "00000", "00000"), ("channel 1: tripped",)),
        (states("00000", "00683 00001", "00000", "00000"), ()),
        (states("00033 00033", "00000", "00000", "00000"), ("channel 0: voltage below the set point",)),
        (states("00035 00035", "00000", "00000", "00000"), ()),
        (states("00000", "00000", "00000", "00000", alarm="16"), ("alarm: power failure",)),
        (states("00000", "00000", "00000", "00000", interlock="YES"), ("interlock",)),
        (
            states("00000", "00000", "00000", "00000", control="LOCAL"),
            ("under local control; turn its switch to REMOTE",),
        ),
    ],
)
def test_faults_are_named_when_seen_twice(script: list[Exchange], warnings: tuple[str, ...]) -> None:
    status = run(CaenDT1470ET, script, lambda unit: unit.status())
    assert status.warnings == warnings
    assert status.ok is not bool(warnings)


OFF = ("00000", "00000", "00000", "00000")
ON = ("00001", "00001", "00001", "00001")


def test_a_channel_that_goes_off_by_itself_is_told() -> None:
    script = [told("CH:2,PAR:ON"), asked("CH:2,PAR:STAT", "00003"), *states(*OFF)]
    unit, _ = scripted(CaenDT1470ET, script)
    unit.write("ch2_on", True)
    assert unit.status().warnings == ("channel 2: went off by itself, or at the panel",)


def test_voltage_that_was_seen_is_missed_also_by_the_driver_of_the_next_wire() -> None:
    first = run(CaenDT1470ET, states(*ON, set_V="1500.0"), lambda unit: (unit.status(), unit)[1])
    zeroed = [told("CH:3,PAR:VSET,VAL:0.0"), asked("CH:3,PAR:VSET", "0000.0")]
    second, _ = scripted(CaenDT1470ET, [*zeroed, *states(*OFF)])
    second.inherit(first)
    second.write("ch3_set_voltage_V", 0.0)
    assert second.status().warnings == tuple(f"channel {n}: went off by itself, or at the panel" for n in range(3))


def test_a_channel_that_is_off_with_a_set_point_is_told() -> None:
    status = run(CaenDT1470ET, states("00000", "00001", "00001", "00001", set_V="1500.0"), lambda unit: unit.status())
    assert status.warnings == ("channel 0: off, with 1500 V set; switch it on, or set it to zero",)


def test_the_switch_of_a_channel_counts_where_there_is_something_to_lose() -> None:
    disabled = states("01024 01024", "00001", "00000", "00000")
    assert run(CaenDT1470ET, disabled, lambda unit: unit.status()).ok
    disabled = states("01024 01024", "00001", "00001", "00001", set_V="1500.0")
    assert run(CaenDT1470ET, disabled, lambda unit: unit.status()).warnings[0] == "channel 0: switched off at the panel"


def test_a_disabled_channel_does_not_switch_on() -> None:
    unit, _ = scripted(CaenDT1470ET, [told("CH:0,PAR:ON"), asked("CH:0,PAR:STAT", "01024")])
    with pytest.raises(Refused, match="ch0_on stays off; look at the channel's switch"):
        unit.write("ch0_on", True)


def test_ramping_to_zero_and_off() -> None:
    off = [told(f"CH:{channel},PAR:OFF") for channel in range(4)]
    script = [*ZERO, *voltages("1000.0", "0000.0", "0000.0", "0000.0"), *voltages("0010.0", "0000.0", "0000.0", "0000.0"), *off]
    run(CaenDT1470ET, script, lambda unit: unit.ramp_to_zero_and_off())


@pytest.mark.parametrize(
    ("looks", "detail"),
    [
        ([voltages("0000.5", "0000.0", "0000.0", "0000.0")], "no voltage"),
        (
            [voltages("2000.0", "0000.0", "0000.0", "0000.0"), voltages("1990.0", "0000.0", "0000.0", "0000.0")],
            "ramping to zero, 1990 V left",
        ),
    ],
)
def test_making_safe_leaves_first_and_looks_whether_it_obeys(looks: list[list[Exchange]], detail: str) -> None:
    script = [*AT_ONCE, NAME, *ZERO, *(exchange for look in looks for exchange in look)]
    result = run(CaenDT1470ET, script, lambda unit: unit.make_safe())
    assert (result.confirmed, result.detail) == (True, detail)


def test_the_dance_of_the_last_digits_is_no_ramp() -> None:
    looks = [voltages(value, "0000.0", "0000.0", "0000.0") for value in ("2000.1", "2000.0", "1999.8", "1990.0")]
    script = [*AT_ONCE, NAME, *ZERO, *(exchange for look in looks for exchange in look)]
    assert run(CaenDT1470ET, script, lambda unit: unit.make_safe()).detail == "ramping to zero, 1990 V left"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("CMD:ERR", "wrong format or unknown command"),
        ("CH:ERR", "no such channel"),
        ("PAR:ERR", "no such parameter"),
        ("VAL:ERR", "below the minimum or above the maximum"),
        ("LOC:ERR", "under local control"),
    ],
)
def test_refusals_are_said(reply: str, said: str) -> None:
    unit, _ = scripted(CaenDT1470ET, [told("CH:0,PAR:VSET,VAL:5.0", reply)])
    with pytest.raises(Refused, match=said):
        unit.write("ch0_set_voltage_V", 5.0)


def test_a_set_point_that_reads_back_otherwise_is_refused() -> None:
    unit, _ = scripted(CaenDT1470ET, [told("CH:0,PAR:VSET,VAL:5.0"), asked("CH:0,PAR:VSET", "0004.0")])
    with pytest.raises(Refused, match="reads back 4 V after 5 was set"):
        unit.write("ch0_set_voltage_V", 5.0)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"#BD:01,CMD:OK,VAL:0001.0\r\n", GarbledReply),
        (b"#BD:00,CMD:OK\r\n", GarbledReply),
        (b"#BD:00,CMD:OK,VAL:1.0;2.0\r\n", GarbledReply),
        (b"#BD:00,CMD:OK,VAL:nan\r\n", GarbledReply),
        (b"#BD:00,CMD:OK,VAL:9999.9\r\n", GarbledReply),
        (b"BD:00,CMD:OK,VAL:0001.0\r\n", GarbledReply),
        (b"#BD:00,CMD:OK,VAL:0001", LinkTimeout),
        (b"", LinkTimeout),
    ],
)
def test_ugly_replies(reply: bytes, error: type[DriverError]) -> None:
    unit, _ = scripted(CaenDT1470ET, [(b"$BD:00,CMD:MON,CH:0,PAR:VMON\r\n", reply)])
    with pytest.raises(error):
        unit.read("ch0_voltage_V")


def test_a_setting_answered_with_a_value_is_garbled() -> None:
    unit, _ = scripted(CaenDT1470ET, [told("PAR:BDCLR", "CMD:OK,VAL:1")])
    with pytest.raises(GarbledReply):
        unit.do("clear_alarm")


def test_after_silence_the_name_is_asked() -> None:
    script = [(b"$BD:00,CMD:MON,PAR:BDNCH\r\n", [LATE, b"#BD:00,CMD:OK,VAL:4\r\n"]), NAME, asked("PAR:BDNCH", "4")]
    unit, wire = scripted(CaenDT1470ET, script)
    with pytest.raises(LinkTimeout):
        unit.read("channels")
    assert unit.read("channels") == 4
    assert wire.finished()
