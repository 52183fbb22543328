"""Infiniium on the wire: set up, armed, and its segments received, through short, missing and spoilt data."""

import struct
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.infiniium_preamble import Preamble
from drivers.keysight_infiniium import HOLE, Infiniium
from drivers.roles import DigitizerSetup, Room, Segments, new_room
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
from tests.drivers.script import Exchange, ScriptedTransport, scripted

IDENTITY = "KEYSIGHT TECHNOLOGIES,DSOS254A,MY55160101,06.30.00609"
ONE = DigitizerSetup((1,), 1e9, 4, (0.4,), (0.15,))
TWO = DigitizerSetup((2, 4), 1e9, 4, (0.4, 0.8), (0.15, 0.0), trigger_source="CHANnel4", trigger_level_V=0.5)


def told(*texts: str) -> list[Exchange]:
    return [(f"{text}\n".encode(), b"") for text in texts]


def asked(query: str, reply: str | int) -> Exchange:
    return (f"{query}\n".encode(), f"{reply}\n".encode())


NO_ERROR = asked(":SYSTem:ERRor? STRing", '0,"No error"')


def digitizer(script: Sequence[Exchange], **options: object) -> tuple[Infiniium, ScriptedTransport]:
    return scripted(Infiniium, script, **{"block_s": 0.05, **options})


CONFIGURED: list[Exchange] = [
    *told(
        ":CHANnel2:DISPlay OFF",
        ":CHANnel3:DISPlay OFF",
        ":CHANnel4:DISPlay OFF",
        ":CHANnel1:DISPlay ON",
        ":CHANnel1:INPut DC50",
        ":CHANnel1:SCALe 5.000000E-02",
        ":CHANnel1:OFFSet 1.500000E-01",
        ":ACQuire:MODE SEGMented",
        ":ACQuire:INTerpolate OFF",
        ":ACQuire:AVERage OFF",
        ":TIMebase:REFerence LEFT",
        ":TIMebase:RANGe 4.000000000E-09",
        ":TIMebase:POSition 0",
        ":ACQuire:SRATe:ANALog 1.000000E+09",
        ":ACQuire:POINts:ANALog 4",
        ":TRIGger:MODE EDGE",
        ":TRIGger:SWEep TRIGgered",
        ":TRIGger:EDGE:SOURce AUX",
        ":TRIGger:EDGE:SLOPe POSitive",
        ":TRIGger:LEVel AUX,1.0000E+00",
        ":WAVeform:FORMat WORD",
        ":WAVeform:BYTeorder LSBFirst",
        ":WAVeform:STReaming OFF",
        ":WAVeform:SEGMented:ALL ON",
    ),
    NO_ERROR,
    asked(":ACQuire:SRATe:ANALog?", "1.00000E+09"),
    asked(":TRIGger:LEVel? AUX", "1.00E+00"),
    asked(":TIMebase:POSition?", "0.00000E+00"),
    asked(":ACQuire:INTerpolate?", 0),
    asked(":ACQuire:AVERage?", 0),
    asked(":CHANnel1:DISPlay?", 1),
    asked(":CHANnel1:SCALe?", "5.00000E-02"),
    asked(":CHANnel1:OFFSet?", "1.50E-01"),
    asked(":CHANnel1:INPut?", "DC50"),
    asked(":TIMebase:REFerence?", "LEFT"),
    asked(":TRIGger:EDGE:SOURce?", "AUX"),
    asked(":TRIGger:EDGE:SLOPe?", "POS"),
    asked(":TRIGger:SWEep?", "TRIG"),
    asked(":ACQuire:MODE?", "SEGM"),
    asked(":WAVeform:FORMat?", "WORD"),
    asked(":WAVeform:BYTeorder?", "LSBF"),
]


def armed(shots: int, count_changes: bool = True) -> list[Exchange]:
    counted = [*told(f":ACQuire:SEGMented:COUNt {shots}"), NO_ERROR, asked(":ACQuire:SEGMented:COUNt?", shots)]
    return [
        *told(":STOP"),
        *(counted if count_changes else []),
        asked(":PDER?", 1),
        asked(":ADER?", "+1"),
        asked(":AER?", 0),
        *told(":SINGle"),
        asked(":AER?", 0),
        asked(":AER?", 1),
        NO_ERROR,
    ]


def preamble(points: int = 4, segments: int = 2, **changed: object) -> str:
    fields: dict[int, object] = {
        0: 2, 1: 1, 2: points, 3: 1, 4: "1.0E-09", 5: "-2.0E-10", 6: 0, 7: "1.2E-05", 8: "1.5E-01", 9: 0, 10: 2,
        11: "4.0E-09", 12: "0.0E+00", 13: "4.0E-01", 14: "-5.0E-02", 15: '"18 OCT 2026"', 16: '"12:34:56:78"',
        17: '"DSOS254A:MY55160101"', 18: 2, 19: 100, 20: 2, 21: 1, 22: "2.5E+09", 23: "0.0E+00", 24: segments,
    }  # fmt: skip
    fields |= {int(place.removeprefix("f")): value for place, value in changed.items()}
    return ",".join(str(fields[place]) for place in sorted(fields))


def block(codes: Sequence[int]) -> bytes:
    data = struct.pack(f"<{len(codes)}h", *codes)
    return b"#1%d" % len(data) + data + b"\n" if len(data) < 10 else b"#2%d" % len(data) + data + b"\n"


def transferred(channel: int, codes: Sequence[int], segments: int = 2, **changed: object) -> list[Exchange]:
    return [
        *told(f":WAVeform:SOURce CHANnel{channel}"),
        asked(":WAVeform:PREamble?", preamble(len(codes) // segments, segments, **changed)),
        (b":WAVeform:DATA?\n", block(codes)),
    ]


def tagged(*tags: str) -> list[Exchange]:
    return [asked(f":ACQuire:SEGMented:INDex {i};:WAVeform:SEGMented:TTAG?", tag) for i, tag in enumerate(tags, 1)]


COMPLETE: list[Exchange] = [asked(":ADER?", 1), asked(":WAVeform:SEGMented:COUNt?", 2)]
CODES = (1, -2, 2570, 4, 5, 6, -7, 8)


def collected(
    script: Sequence[Exchange], setup: DigitizerSetup = ONE, room: Room = new_room, **options: object
) -> tuple[Segments, ScriptedTransport]:
    """What a configured digitizer, armed for two shots, gives."""
    start = [*CONFIGURED, *armed(2)] if setup is ONE else [*CONFIGURED_TWO, *armed(2)]
    unit, wire = digitizer([*start, *script], **options)
    unit.configure(setup)
    unit.arm(2)
    return unit.collect(room), wire


def test_identity() -> None:
    unit, _ = digitizer([asked("*IDN?", IDENTITY)])
    assert unit.identify().model == "DSOS254A"
    for other in ("KEYSIGHT TECHNOLOGIES,DSOX3104T,MY1,1", "KEYSIGHT TECHNOLOGIES,MSO9254A,MY1,1", "TEKTRONIX,DPO,1,1"):
        unit, _ = digitizer([asked("*IDN?", other)])
        with pytest.raises(WrongInstrument):
            unit.identify()


def test_preparing_switches_headers_off_and_forgets_old_errors() -> None:
    unit, wire = digitizer(
        [
            *told(":STOP", "*RST"),
            asked("*OPC?", 1),
            *told(":SYSTem:HEADer OFF", ":SYSTem:LONGform OFF", ":STOP", "*CLS"),
            asked(":SYSTem:ERRor?", -113),
            asked(":SYSTem:ERRor?", 0),
        ]
    )
    unit.prepare()
    assert wire.finished()


def test_configuring_is_read_back() -> None:
    unit, wire = digitizer(CONFIGURED)
    unit.configure(ONE)
    assert wire.finished()


@pytest.mark.parametrize(
    ("query", "reply"),
    [
        (":ACQuire:SRATe:ANALog?", "2.00000E+09"),
        (":TRIGger:LEVel? AUX", "0.00E+00"),
        (":CHANnel1:OFFSet?", "-1.50E-01"),
        (":TRIGger:EDGE:SOURce?", "CHAN1"),
        (":TRIGger:EDGE:SLOPe?", "NEG"),
        (":TRIGger:SWEep?", "AUTO"),
        (":ACQuire:INTerpolate?", "1"),
        (":ACQuire:AVERage?", "1"),
        (":TIMebase:REFerence?", "CENT"),
        (":TIMebase:POSition?", "1.00000E-06"),
        (":CHANnel1:INPut?", "DC"),
        (":CHANnel1:DISPlay?", "0"),
        (":ACQuire:MODE?", "RTIM"),
        (":WAVeform:BYTeorder?", "MSBF"),
    ],
)
def test_a_setting_that_does_not_take_is_an_error(query: str, reply: str) -> None:
    place = CONFIGURED.index(next(exchange for exchange in CONFIGURED if exchange[0] == f"{query}\n".encode()))
    unit, _ = digitizer([*CONFIGURED[:place], asked(query, reply), *armed(2)])
    with pytest.raises(Refused, match="reads back"):
        unit.configure(ONE)
    with pytest.raises(Refused, match="must be configured before it is armed"):
        unit.arm(2)


def test_a_refused_setting_is_said_and_the_queue_is_emptied() -> None:
    place = CONFIGURED.index(NO_ERROR)
    errors = [asked(":SYSTem:ERRor? STRing", '-222,"Data out of range"'), asked(":SYSTem:ERRor?", 0)]
    unit, wire = digitizer([*CONFIGURED[:place], *errors])
    with pytest.raises(Refused, match='the set-up: -222,"Data out of range"'):
        unit.configure(ONE)
    assert wire.finished()


@pytest.mark.parametrize(
    "setup",
    [
        DigitizerSetup((), 1e9, 4, (), ()),
        DigitizerSetup((5,), 1e9, 4, (0.4,), (0.0,)),
        DigitizerSetup((1, 1), 1e9, 4, (0.4, 0.4), (0.0, 0.0)),
        DigitizerSetup((1, 2), 1e9, 4, (0.4,), (0.0, 0.0)),
        DigitizerSetup((1,), 0.0, 4, (0.4,), (0.0,)),
        DigitizerSetup((1,), 1e9, 0, (0.4,), (0.0,)),
        DigitizerSetup((1,), 1e9, 4, (float("nan"),), (0.0,)),
    ],
)
def test_impossible_setups_never_reach_the_wire(setup: DigitizerSetup) -> None:
    unit, wire = digitizer([])
    with pytest.raises(LimitError):
        unit.configure(setup)
    assert wire.finished()


def test_arming_clears_the_latches_and_sends_the_count_only_when_it_changes() -> None:
    unit, wire = digitizer([*CONFIGURED, *armed(2), *armed(2, count_changes=False), *armed(3)])
    unit.configure(ONE)
    for shots in (2, 2, 3):
        unit.arm(shots)
    assert wire.finished()
    with pytest.raises(LimitError, match="cannot be armed for 0 shots"):
        unit.arm(0)


def test_a_digitizer_that_does_not_get_armed_is_an_error() -> None:
    unit, _ = digitizer([*CONFIGURED, *armed(2)[:-2]], ready_s=-1.0)
    unit.configure(ONE)
    with pytest.raises(Refused, match="is not armed after"):
        unit.arm(2)


def test_a_count_that_does_not_fit_the_memory_is_an_error() -> None:
    unit, _ = digitizer(
        [*CONFIGURED, *told(":STOP", ":ACQuire:SEGMented:COUNt 9000"), NO_ERROR, asked(":ACQuire:SEGMented:COUNt?", 8192)]
    )
    unit.configure(ONE)
    with pytest.raises(Refused, match="reads back 8192 after 9000 was set"):
        unit.arm(9000)


def test_the_end_of_a_burst_is_remembered_though_reading_clears_it() -> None:
    unit, wire = digitizer([asked(":ADER?", 0), asked(":ADER?", "+1")])
    assert [unit.finished() for _ in range(4)] == [False, True, True, True]
    assert wire.finished()


def test_a_burst_is_one_array() -> None:
    segments, wire = collected([*COMPLETE, *transferred(1, CODES), *tagged("0.00000E+00", "5.00000E-02")])
    assert segments.traces.dtype == np.int16
    assert segments.traces.tolist() == [[[1, -2, 2570, 4]], [[5, 6, -7, 8]]]
    assert segments.time_tags_s.tolist() == [0.0, 0.05]
    assert (segments.scale_V, segments.offset_V) == ((1.2e-5,), (0.15,))
    assert segments.highest_code == (16_666,), "the upper end of the screen, 0.35 V"
    assert (segments.interval_s, segments.start_s, segments.warnings) == (1e-9, -2e-10, ())
    assert wire.finished()


CONFIGURED_TWO: list[Exchange] = [
    *told(
        ":CHANnel1:DISPlay OFF",
        ":CHANnel3:DISPlay OFF",
        ":CHANnel2:DISPlay ON",
        ":CHANnel2:INPut DC50",
        ":CHANnel2:SCALe 5.000000E-02",
        ":CHANnel2:OFFSet 1.500000E-01",
        ":CHANnel4:DISPlay ON",
        ":CHANnel4:INPut DC50",
        ":CHANnel4:SCALe 1.000000E-01",
        ":CHANnel4:OFFSet 0.000000E+00",
    ),
    *CONFIGURED[7:17],
    *told(":TRIGger:EDGE:SOURce CHANnel4", ":TRIGger:EDGE:SLOPe POSitive", ":TRIGger:LEVel CHANnel4,5.0000E-01"),
    *CONFIGURED[20:26],
    asked(":TRIGger:LEVel? CHANnel4", "5.00E-01"),
    *CONFIGURED[27:30],
    asked(":CHANnel2:DISPlay?", 1),
    asked(":CHANnel2:SCALe?", "5.00000E-02"),
    asked(":CHANnel2:OFFSet?", "1.50E-01"),
    asked(":CHANnel4:DISPlay?", 1),
    asked(":CHANnel4:SCALe?", "1.00000E-01"),
    asked(":CHANnel4:OFFSet?", "0.0E+00"),
    asked(":CHANnel2:INPut?", "DC50"),
    asked(":CHANnel4:INPut?", "DC50"),
    asked(":TIMebase:REFerence?", "LEFT"),
    asked(":TRIGger:EDGE:SOURce?", "CHAN4"),
    *CONFIGURED[-5:],
]


def test_channels_lie_side_by_side_in_each_shot() -> None:
    second = [10 * code for code in CODES]
    script = [*COMPLETE, *transferred(2, CODES), *transferred(4, second, f7="2.4E-05"), *tagged("0", "0.05")]
    segments, wire = collected(script, TWO)
    assert segments.traces.tolist() == [[[1, -2, 2570, 4], [10, -20, 25700, 40]], [[5, 6, -7, 8], [50, 60, -70, 80]]]
    assert segments.scale_V == (1.2e-5, 2.4e-5)
    assert segments.highest_code == (16_666, 10_416)
    assert wire.finished()
    with pytest.raises(Refused, match="different time axes"):
        collected([*COMPLETE, *transferred(2, CODES), *transferred(4, second, f4="2.0E-09")], TWO)


class Memory:
    """Keeps what it gives."""

    def __init__(self) -> None:
        self.given: list[NDArray[np.int16]] = []

    def __call__(self, shape: tuple[int, int, int]) -> NDArray[np.int16]:
        self.given.append(np.empty(shape, np.int16))
        return self.given[-1]


@pytest.mark.parametrize("setup", [ONE, TWO])
def test_traces_lie_in_the_memory_that_was_asked_for(setup: DigitizerSetup) -> None:
    room, blocks = Memory(), [exchange for channel in setup.channels for exchange in transferred(channel, CODES)]
    segments, wire = collected([*COMPLETE, *blocks, *tagged("0", "0.05")], setup, room)
    assert segments.traces is room.given[0]
    assert segments.traces[:, -1].tolist() == [[1, -2, 2570, 4], [5, 6, -7, 8]]
    assert len(room.given) == 1
    assert wire.finished()


def test_a_partial_burst_is_stopped_and_read() -> None:
    script = [
        asked(":ADER?", 0),
        *told(":STOP"),
        NO_ERROR,
        *[asked(":WAVeform:SEGMented:COUNt?", count) for count in (0, 1, 1)],
        *transferred(1, CODES[:4], segments=1),
        *tagged("0.0"),
    ]
    segments, wire = collected(script)
    assert segments.traces.shape == (1, 1, 4)
    assert wire.finished()


def test_no_segments_are_an_empty_array() -> None:
    stopped = [asked(":ADER?", 0), *told(":STOP"), NO_ERROR]
    room = Memory()
    segments, wire = collected([*stopped, *[asked(":WAVeform:SEGMented:COUNt?", 0)] * 2], room=room)
    assert not room.given
    assert segments.traces.shape == (0, 1, 4)
    assert segments.time_tags_s.shape == (0,)
    assert segments.interval_s == 1 / ONE.sample_rate_Hz
    assert wire.finished()


def test_a_count_and_a_record_that_lag_behind_are_waited_for() -> None:
    script = [
        asked(":ADER?", 1),
        *[asked(":WAVeform:SEGMented:COUNt?", count) for count in (0, 0, 1, 2)],
        *told(":WAVeform:SOURce CHANnel1"),
        asked(":WAVeform:PREamble?", preamble(points=0)),
        asked(":WAVeform:PREamble?", preamble()),
        (b":WAVeform:DATA?\n", block(CODES)),
        *tagged("0.0", "0.05"),
    ]
    segments, wire = collected(script)
    assert segments.traces.shape == (2, 1, 4)
    assert wire.finished()


def test_what_is_odd_but_usable_is_said() -> None:
    holes = (1, HOLE, 3, 4, 5, HOLE, 7, 8)
    segments, _ = collected([*COMPLETE, *transferred(1, holes), *tagged("0.0", "9.99999E+37")])
    assert np.isnan(segments.time_tags_s[1])
    assert segments.warnings == ("2 samples were not taken", "1 segments have no time tag")


@pytest.mark.parametrize("tags", [("0.1", "0.2"), ("0.0", "0.0"), ("0.0", "-0.05"), ("0.0", "nan"), ("0.0", "")])
def test_time_tags_rise_from_zero(tags: tuple[str, ...]) -> None:
    with pytest.raises(GarbledReply):
        collected([*COMPLETE, *transferred(1, CODES), *tagged(*tags)])


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"f0": 1}, Refused),
        ({"f18": 0}, Refused),
        ({"f24": 3}, Refused),
        ({"f2": "4_0"}, GarbledReply),
        ({"f2": -4}, GarbledReply),
        ({"f4": "nan"}, GarbledReply),
        ({"f4": 0}, GarbledReply),
        ({"f7": -1e-5}, GarbledReply),
        ({"f19": "1,1"}, GarbledReply),
    ],
)
def test_a_preamble_that_promises_something_else_is_an_error(changed: dict[str, object], error: type[DriverError]) -> None:
    script = [*COMPLETE, *told(":WAVeform:SOURce CHANnel1"), asked(":WAVeform:PREamble?", preamble(**changed))]
    with pytest.raises(error):
        collected(script)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (block(CODES)[:-5], LinkTimeout),
        (block(CODES[:7]), GarbledReply),
        (block(CODES)[:-1] + b"X", GarbledReply),
        (b"0\n", GarbledReply),
        (b"", LinkTimeout),
    ],
)
def test_a_broken_block_is_an_error_and_does_not_shift_what_follows(reply: bytes, error: type[DriverError]) -> None:
    script = [
        *CONFIGURED,
        *armed(2),
        *COMPLETE,
        *told(":WAVeform:SOURce CHANnel1"),
        asked(":WAVeform:PREamble?", preamble()),
        (b":WAVeform:DATA?\n", reply),
        asked("*IDN?", IDENTITY),
        asked(":WAVeform:SEGMented:COUNt?", 2),
    ]
    unit, wire = digitizer(script)
    unit.configure(ONE)
    unit.arm(2)
    with pytest.raises(error):
        unit.collect()
    assert unit.captured() == 2
    assert wire.finished()


@pytest.mark.parametrize(
    ("reply", "state", "ok"),
    [("STOP", "stopped", True), ("SING", "armed", True), ("RUN", "running freely", False), (":RST STOP", "stopped", True)],
)
def test_status(reply: str, state: str, ok: bool) -> None:
    unit, _ = digitizer([asked(":RSTate?", reply)])
    status = unit.status()
    assert (status.state, status.ok) == (state, ok)


@pytest.mark.parametrize(("reply", "confirmed"), [("STOP", True), ("SING", False)])
def test_making_safe_stops_before_it_asks_anything(reply: str, confirmed: bool) -> None:
    unit, wire = digitizer([(b"\n:STOP\n", b""), asked("*IDN?", IDENTITY), asked(":RSTate?", reply)])
    assert unit.make_safe().confirmed is confirmed
    assert wire.finished()


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.from_regex(r"[-+0-9.eE]{0,6}", fullmatch=True), min_size=25, max_size=25).map(",".join),
    )
)
def test_a_preamble_is_parsed_or_refused(text: str) -> None:
    try:
        found = Preamble.parse(text)
    except ValueError:
        return
    assert found.points >= 0
    assert 0 < found.interval_s < 1


@given(st.binary(max_size=24).filter(lambda text: b"\n" not in text))
def test_only_errors_of_the_driver_escape(text: bytes) -> None:
    unit, _ = digitizer([(b":RSTate?\n", text + b"\n")])
    with suppress(DriverError):
        assert unit.status().state
    unit, _ = digitizer([(b":WAVeform:SEGMented:COUNt?\n", text + b"\n")])
    with suppress(DriverError):
        assert unit.captured() >= 0


def plain(text: str, reply: str) -> Exchange:
    return (f"{text}\n".encode(), f"{reply}\n".encode())


def changed(command: str, query: str, back: str) -> list[Exchange]:
    return [(f"{command}\n".encode(), b""), plain(":SYSTem:ERRor? STRing", '0,"No error"'), plain(query, back)]


def done(command: str) -> list[Exchange]:
    return [(f"{command}\n".encode(), b""), plain(":SYSTem:ERRor? STRing", '0,"No error"')]


SETTINGS: dict[str, tuple[str, object, str, str]] = {
    "mode": (":ACQuire:MODE", "SEGMented", "SEGMented", "SEGM"),
    "points": (":ACQuire:POINts:ANALog", 4000, "4000", "4000"),
    "segments": (":ACQuire:SEGMented:COUNt", 100, "100", "1.00E+02"),
    "segment": (":ACQuire:SEGMented:INDex", 3, "3", "3"),
    "interpolated": (":ACQuire:INTerpolate", False, "0", "0"),
    "averaged": (":ACQuire:AVERage", True, "1", "1"),
    "averages": (":ACQuire:AVERage:COUNt", 16, "16", "16"),
    "bandwidth_Hz": (":ACQuire:BANDwidth", 2.5e9, "2.500000E+09", "2.50000E+09"),
    "complete_percent": (":ACQuire:COMPlete", 100, "100", "100"),
    "time_range_s": (":TIMebase:RANGe", 1e-6, "1.000000E-06", "1.0E-06"),
    "time_position_s": (":TIMebase:POSition", -2e-7, "-2.000000E-07", "-2.0E-07"),
    "time_reference": (":TIMebase:REFerence", "CENTer", "CENTer", "CENT"),
    "trigger_mode": (":TRIGger:MODE", "EDGE", "EDGE", "EDGE"),
    "trigger_source": (":TRIGger:EDGE:SOURce", "CHANnel2", "CHANnel2", "CHAN2"),
    "trigger_slope": (":TRIGger:EDGE:SLOPe", "POSitive", "POSitive", "POS"),
    "trigger_coupling": (":TRIGger:EDGE:COUPling", "LFReject", "LFReject", "LFR"),
    "trigger_sweep": (":TRIGger:SWEep", "TRIGgered", "TRIGgered", "TRIG"),
    "trigger_hold_off_s": (":TRIGger:HOLDoff", 1e-3, "1.000000E-03", "1.0E-03"),
} | {
    f"channel{n}_{name}": (f":CHANnel{n}:{word}", value, sent, back)
    for n in (1, 2, 3, 4)
    for name, word, value, sent, back in (
        ("shown", "DISPlay", True, "1", "1"),
        ("input", "INPut", "DC50", "DC50", "DC50"),
        ("range_V", "RANGe", 0.4, "4.000000E-01", "4.0E-01"),
        ("offset_V", "OFFSet", 0.295, "2.950000E-01", "2.95E-01"),
        ("probe", "PROBe", 10.0, "1.000000E+01", "1.0E+01"),
    )
}
LEVELS = {f"trigger_level_{source.lower()}_V": source for source in ("AUX", *(f"CHANnel{n}" for n in (1, 2, 3, 4)))}
READ: Read = (
    {one: ([plain(f"{word}?", back)], value) for one, (word, value, _, back) in SETTINGS.items()}  # type: ignore[misc]
    | {one: ([plain(f":TRIGger:LEVel? {source}", "-3.00E-01")], -0.3) for one, source in LEVELS.items()}
    | {
        "sample_rate_Hz": ([plain(":ACQuire:SRATe:ANALog?", "2.00000E+09")], 2e9),
        "captured_segments": ([plain(":WAVeform:SEGMented:COUNt?", "7")], 7),
    }
)
WRITTEN: Written = {
    one: (value, changed(f"{word} {sent}", f"{word}?", back))  # type: ignore[misc]
    for one, (word, value, sent, back) in SETTINGS.items()
} | {
    one: (-0.3, changed(f":TRIGger:LEVel {source},-3.0000E-01", f":TRIGger:LEVel? {source}", "-3.00E-01"))
    for one, source in LEVELS.items()
}
DONE: Done = {"run": done(":RUN"), "single": done(":SINGle"), "stop": done(":STOP"), "force_trigger": done("*TRG")}


def test_every_command_has_its_bytes() -> None:
    names_complete(Infiniium, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(Infiniium, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(Infiniium, name, WRITTEN)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(Infiniium, name, DONE)
