"""SRS DG645 on the wire: what is sent, and what each reply means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LimitError, LinkTimeout, Refused, WrongInstrument
from drivers.roles import Pulse
from drivers.srs_dg645 import DG645
from tests.drivers.commands import Done, Read, Written, check_done, check_read, check_written, names_complete
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


def taken(text: str, query: str, back: str) -> list[Exchange]:
    return [told(text), asked(query, back)]


def test_preparing_stops_the_triggers_before_anything_else_and_leaves_nothing_that_thins_them_out() -> None:
    stopped: list[Exchange] = [(b"TSRC 5\n", b""), asked("TSRC?", "5"), (b"*CLS\n", b"")]
    plain = [*taken("BURM 0", "BURM?", "0"), *taken("ADVT 0", "ADVT?", "0"), *taken("HOLD 0.000000000", "HOLD?", "0.000000")]
    plain += taken("PRES 0,1", "PRES?0", "1")
    for output in (1, 2, 3, 4):
        plain += [*taken(f"PHAS {output},0", f"PHAS?{output}", "0"), *taken(f"PRES {output},1", f"PRES?{output}", "1")]
    unit, wire = scripted(DG645, [*stopped, *plain])
    unit.prepare()
    assert wire.finished()
    unit, _ = scripted(DG645, [*stopped, *plain[:-1], asked("PRES?4", "3")])
    with pytest.raises(Refused, match="gh_prescaler reads back 3 after 1 was set"):
        unit.prepare()


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
            *taken("ADVT 0", "ADVT?", "0"),
            *taken("TRAT 20.000000", "TRAT?", "20.000000"),
        ],
    )
    unit.program({"T0": Pulse(0.0, 250e-6), "CD": Pulse(299.8e-6, 10e-6)}, 20.0)
    assert wire.finished()


def test_triggered_from_outside_it_takes_one_edge_of_several() -> None:
    unit, wire = scripted(
        DG645,
        [
            *level(0),
            *taken("ADVT 1", "ADVT?", "1"),
            *taken("PRES 0,5", "PRES?0", "5"),
            (b"TSRC 1\n", b""),
            asked("TSRC?", "1"),
            asked("TSRC?", "1"),
            asked("INSR?", "0"),
        ],
    )
    assert unit.program({"T0": Pulse(0.0, 250e-6)}, 20.0, external_divider=5) == {"T0": Pulse(0.0, 250e-6)}
    unit.start()
    assert unit.status().ok
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


def plain(text: str, reply: str) -> Exchange:
    return (f"{text}\n".encode(), f"{reply}\r\n".encode())


def changed(command: str, query: str, back: str) -> list[Exchange]:
    return [plain(f"{command};LERR?", "0"), plain(query, back)]


READ: Read = {
    "rate_Hz": ([plain("TRAT?", "20.000000")], 20.0),
    "trigger_source": ([plain("TSRC?", "5")], 5),
    "threshold_V": ([plain("TLVL?", "1.00")], 1.0),
    "inhibit": ([plain("INHB?", "1")], 1),
    "advanced": ([plain("ADVT?", "0")], False),
    "hold_off_s": ([plain("HOLD?", "0.000001000")], 1e-6),
    "prescaler": ([plain("PRES?0", "100")], 100),
    "burst_on": ([plain("BURM?", "1")], True),
    "burst_count": ([plain("BURC?", "4294967295")], 4294967295),
    "burst_period_s": ([plain("BURP?", "0.00010000")], 1e-4),
    "burst_delay_s": ([plain("BURD?", "0.000005000000")], 5e-6),
    "burst_first_only": ([plain("BURT?", "1")], True),
    "timebase": ([plain("TIMB?", "2")], 2),
    "events": ([plain("INSR?", "5")], 5),
}
WRITTEN: Written = {
    "rate_Hz": (20.0, changed("TRAT 20.000000", "TRAT?", "20.000000")),
    "trigger_source": (5, changed("TSRC 5", "TSRC?", "5")),
    "threshold_V": (1.5, changed("TLVL 1.50", "TLVL?", "1.50")),
    "inhibit": (2, changed("INHB 2", "INHB?", "2")),
    "advanced": (True, changed("ADVT 1", "ADVT?", "1")),
    "hold_off_s": (1e-6, changed("HOLD 0.000001000", "HOLD?", "0.000001000")),
    "prescaler": (100, changed("PRES 0,100", "PRES?0", "100")),
    "burst_on": (False, changed("BURM 0", "BURM?", "0")),
    "burst_count": (10, changed("BURC 10", "BURC?", "10")),
    "burst_period_s": (1e-3, changed("BURP 0.00100000", "BURP?", "0.00100000")),
    "burst_delay_s": (5e-6, changed("BURD 0.000005000000", "BURD?", "0.000005000000")),
    "burst_first_only": (True, changed("BURT 1", "BURT?", "1")),
}
for number, letter in enumerate("abcdefgh", 2):
    READ = READ | {
        f"{letter}_reference": ([plain(f"DLAY?{number}", "2,+0.001000000000")], 2),
        f"{letter}_delay_s": ([plain(f"DLAY?{number}", "2,-0.001000000000")], -1e-3),
        f"{letter}_link": ([plain(f"LINK?{number}", "0")], 0),
    }
    delay = [
        plain(f"DLAY?{number}", "0,+0.001000000000"),
        *changed(f"DLAY {number},0,0.000010000000", f"DLAY?{number}", "0,+0.000010000000"),
    ]
    WRITTEN = WRITTEN | {
        f"{letter}_delay_s": (1e-5, delay),
        f"{letter}_link": (0, changed(f"LINK {number},0", f"LINK?{number}", "0")),
    }
for number, output in enumerate(("t0", "ab", "cd", "ef", "gh")):
    READ = READ | {
        f"{output}_amplitude_V": ([plain(f"LAMP?{number}", "4.00")], 4.0),
        f"{output}_offset_V": ([plain(f"LOFF?{number}", "-1.00")], -1.0),
        f"{output}_positive": ([plain(f"LPOL?{number}", "1")], True),
    }
    WRITTEN = WRITTEN | {
        f"{output}_amplitude_V": (3.5, changed(f"LAMP {number},3.50", f"LAMP?{number}", "3.50")),
        f"{output}_offset_V": (-1.0, changed(f"LOFF {number},-1.00", f"LOFF?{number}", "-1.00")),
        f"{output}_positive": (False, changed(f"LPOL {number},0", f"LPOL?{number}", "0")),
    }
    if number:
        READ = READ | {
            f"{output}_prescaler": ([plain(f"PRES?{number}", "7")], 7),
            f"{output}_phase": ([plain(f"PHAS?{number}", "3")], 3),
        }
        WRITTEN = WRITTEN | {
            f"{output}_prescaler": (9, changed(f"PRES {number},9", f"PRES?{number}", "9")),
            f"{output}_phase": (2, changed(f"PHAS {number},2", f"PHAS?{number}", "2")),
        }
DONE: Done = (
    {"trigger": [plain("*TRG;LERR?", "0")], "lock_panel": [plain("REMT;LERR?", "0")]}
    | {f"save_{n}": [plain(f"*SAV {n};LERR?", "0")] for n in range(1, 10)}
    | {f"recall_{n}": [plain(f"*RCL {n};LERR?", "0")] for n in range(10)}
)


def test_every_command_has_its_bytes() -> None:
    names_complete(DG645, READ, WRITTEN, DONE)


@pytest.mark.parametrize("name", READ)
def test_reading(name: str) -> None:
    check_read(DG645, name, READ)


@pytest.mark.parametrize("name", WRITTEN)
def test_setting(name: str) -> None:
    check_written(DG645, name, WRITTEN)


@pytest.mark.parametrize("name", DONE)
def test_doing(name: str) -> None:
    check_done(DG645, name, DONE)
