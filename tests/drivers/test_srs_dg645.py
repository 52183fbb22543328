"""SRS DG645 on the wire: what is sent, and what each reply means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.roles import Pulse
from drivers.srs_dg645 import DG645
from tests.drivers.script import LATE, Exchange, scripted

IDENTITY = b"Stanford Research Systems,DG645,s/n004025,ver1.00.00E\r\n"
RESYNCHRONISED: Exchange = (b"*IDN?\n", IDENTITY)


def told(text: str, error: int = 0) -> Exchange:
    return (f"{text};LERR?\n".encode(), f"{error}\r\n".encode())


def asked(text: str, reply: str) -> Exchange:
    return (f"{text}\n".encode(), f"{reply}\r\n".encode())


def level(output: int) -> list[Exchange]:
    return [
        told(f"LAMP {output},4"),
        asked(f"LAMP?{output}", "4.00"),
        told(f"LOFF {output},0"),
        asked(f"LOFF?{output}", "0.00"),
        told(f"LPOL {output},1"),
        asked(f"LPOL?{output}", "1"),
    ]


def test_identity() -> None:
    unit, wire = scripted(DG645, [(b"*IDN?\n", IDENTITY)])
    assert unit.identify().serial == "004025"
    assert wire.finished()


@pytest.mark.parametrize("reply", ["Stanford Research Systems,SR542,s/n1,v1", "Acme,DG645,1,1", "DG645", ""])
def test_another_instrument_is_refused(reply: str) -> None:
    unit, _ = scripted(DG645, [asked("*IDN?", reply)])
    with pytest.raises(WrongInstrument, match="unit: expected an SRS DG645 at this address"):
        unit.identify()


def test_preparing_stops_the_triggers_before_anything_else() -> None:
    unit, wire = scripted(DG645, [(b"TSRC 5\n", b""), asked("TSRC?", "5"), (b"*CLS\n", b""), told("BURM 0"), told("ADVT 0")])
    unit.prepare()
    assert wire.finished()


def test_a_pulse_is_two_edges_read_back() -> None:
    unit, wire = scripted(
        DG645,
        [
            *level(0),
            *level(2),
            told("DLAY 4,0,0.000299800000"),
            (b"DLAY?4\n", [b"0,+0.0002", b"99800000\r\n"]),
            told("DLAY 5,4,0.000010000000"),
            asked("DLAY?5", "4,+0.000010000000"),
            told("TRAT 20.000000"),
            asked("TRAT?", "20.000000"),
        ],
    )
    unit.program({"T0": Pulse(0.0, 250e-6), "CD": Pulse(299.8e-6, 10e-6)}, 20.0)
    assert wire.finished()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("0,+0.000300000000", Refused),
        ("2,+0.000299800000", Refused),
        ("0,-0.000299800000", Refused),
        ("0,+0.0003", GarbledReply),
        ("0, +0.000299800000", GarbledReply),
        ("+0.000299800000", GarbledReply),
    ],
)
def test_a_delay_that_reads_back_wrong_is_an_error(reply: str, error: type[DriverError]) -> None:
    unit, _ = scripted(DG645, [*level(2), told("DLAY 4,0,0.000299800000"), asked("DLAY?4", reply)])
    with pytest.raises(error):
        unit.program({"CD": Pulse(299.8e-6, 10e-6)}, 20.0)


def test_an_amplitude_that_reads_back_wrong_is_an_error() -> None:
    unit, _ = scripted(DG645, [told("LAMP 1,4"), asked("LAMP?1", "2.50")])
    with pytest.raises(Refused, match=r"LAMP\?1 reads back 2.5 after 4 was set"):
        unit.program({"AB": Pulse(1e-6, 1e-6)}, 20.0)


@pytest.mark.parametrize(
    ("output", "pulse", "rate_Hz", "said"),
    [
        ("AB", Pulse(-1e-6, 1e-6), 20.0, "AB ="),
        ("AB", Pulse(0.0, 0.0), 20.0, "AB ="),
        ("AB", Pulse(float("nan"), 1e-6), 20.0, "AB ="),
        ("AB", Pulse(1999.0, 2.0), 1e-4, "AB ="),
        ("AB", Pulse(0.05, 1e-6), 20.0, "later than the next trigger at 20 Hz"),
        ("T0", Pulse(1e-6, 1e-6), 20.0, "T0 cannot be moved"),
        ("XY", Pulse(1e-6, 1e-6), 20.0, "no output 'XY'; it has T0, AB, CD, EF, GH"),
        ("AB", Pulse(0.0, 1e-6), 2e7, r"rate_Hz = 2e\+07 Hz is outside 0.0001 to 1e\+07 Hz"),
        ("AB", Pulse(0.0, 1e-6), 0.0, "rate_Hz = 0 Hz is outside"),
    ],
)
def test_impossible_programs_never_reach_the_wire(output: str, pulse: Pulse, rate_Hz: float, said: str) -> None:
    unit, wire = scripted(DG645, [])
    with pytest.raises(LimitError, match=said):
        unit.program({"CD": Pulse(0.0, 1e-6), output: pulse}, rate_Hz)
    assert wire.finished()


def test_start_and_stop_are_read_back() -> None:
    unit, wire = scripted(
        DG645,
        [
            (b"TSRC 0\n", b""),
            asked("TSRC?", "0"),
            (b"TSRC 5\n", b""),
            asked("TSRC?", "5"),
            (b"TSRC 5\n", b""),
            asked("TSRC?", "0"),
        ],
    )
    unit.start()
    unit.stop()
    with pytest.raises(Refused, match=r"TSRC\? reads back 0 after 5 was set"):
        unit.stop()
    assert wire.finished()


def test_making_safe_stops_the_triggers_before_it_asks_anything() -> None:
    unit, wire = scripted(DG645, [(b"\nTSRC 5\n", b""), RESYNCHRONISED, (b"TSRC 5\n", b""), asked("TSRC?", "5")])
    assert unit.make_safe().confirmed
    assert wire.finished()


def test_the_triggers_are_stopped_even_when_no_reply_can_be_believed() -> None:
    unit, wire = scripted(DG645, [asked("TRAT?", "noise"), (b"\nTSRC 5\n", b""), (b"*IDN?\n", b"more noise\r\n")])
    with pytest.raises(GarbledReply):
        unit.read("rate_Hz")
    with pytest.raises(LinkTimeout):
        unit.make_safe()
    assert wire.finished()


def test_an_error_is_said_in_words_and_the_queue_is_emptied() -> None:
    unit, wire = scripted(DG645, [told("TRAT 20.000000", 15), asked("LERR?", "111"), asked("LERR?", "0")])
    with pytest.raises(Refused, match=r"'TRAT 20\.000000': not allowed, locked by another interface"):
        unit.write("rate_Hz", 20.0)
    assert wire.finished()


@pytest.mark.parametrize(
    ("source", "events", "state", "ok", "warnings"),
    [
        ("0", "0", "running", True, ()),
        ("5", "1", "stopped", True, ()),
        ("0", "2", "running", True, ("a trigger came during a cycle and was ignored",)),
        ("1", "0", "waits for an external rising edge", False, ()),
    ],
)
def test_status(source: str, events: str, state: str, ok: bool, warnings: tuple[str, ...]) -> None:
    unit, _ = scripted(DG645, [asked("TSRC?", source), asked("INSR?", events)])
    status = unit.status()
    assert (status.state, status.ok, status.warnings) == (state, ok, warnings)


@pytest.mark.parametrize(
    "reply", [b"\r\n", b"zero\r\n", b"0x5\r\n", b"7\r\n", b"-1\r\n", b"1_0\r\n", b"5 5\r\n", "５\r\n".encode()]
)
def test_garbage_is_no_trigger_source(reply: bytes) -> None:
    unit, _ = scripted(DG645, [(b"TSRC?\n", reply)])
    with pytest.raises(GarbledReply):
        unit.read("trigger_source")


@pytest.mark.parametrize("late", [b"5\r\n", b"", b"5\r\n5\r\n", b"5"])
def test_after_silence_only_the_identity_makes_replies_believable(late: bytes) -> None:
    unit, wire = scripted(DG645, [(b"TSRC?\n", [LATE, late]), (b"*IDN?\n", [b"5\r\n", IDENTITY]), asked("TSRC?", "0")])
    with pytest.raises(LinkTimeout):
        unit.read("trigger_source")
    assert unit.read("trigger_source") == 0
    assert wire.finished()


@given(st.binary(max_size=30).filter(lambda text: b"\n" not in text))
def test_only_errors_of_the_driver_escape(text: bytes) -> None:
    unit, _ = scripted(DG645, [(b"TRAT?\n", text + b"\r\n")])
    try:
        assert 1e-4 <= float(unit.read("rate_Hz")) <= 1e7
    except DriverError:
        return


@given(st.from_regex(r"[0-9],[+-]?[0-9]{0,5}\.?[0-9]{0,13}", fullmatch=True))
def test_only_a_delay_that_was_asked_for_is_taken(reply: str) -> None:
    unit, _ = scripted(DG645, [*level(2), told("DLAY 4,0,0.000299800000"), asked("DLAY?4", reply)])
    with pytest.raises((Refused, GarbledReply)):
        unit.program({"CD": Pulse(299.8e-6, 10e-6)}, 20.0)
