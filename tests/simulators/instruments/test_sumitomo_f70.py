"""The simulated F-70 compressor: checksums, readings that follow, cold head states, alarms that latch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.instruments.sumitomo_f70 import ALARM_BITS, SumitomoF70, checksum
from tests.simulators.instruments.talk import talk

NOT_UNDERSTOOD = b"$???,3278\r"


def framed(text: bytes) -> bytes:
    return text + checksum(text) + b"\r"


def ask(compressor: SumitomoF70, name: str, now: float = 0.0) -> str:
    """The fields of a reply whose frame is right."""
    reply = talk(compressor, framed(b"$" + name.encode()), now)
    assert reply == framed(reply[:-5])
    assert reply.startswith(b"$" + name.encode() + b",")
    return reply[5:-6].decode()


@pytest.fixture
def compressor() -> SumitomoF70:
    return SumitomoF70()


@pytest.fixture
def stopped() -> SumitomoF70:
    return SumitomoF70(warm=False)


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b"$TEAA4B9\r", framed(b"$TEA,086,029,020,000,")),
        (b"$TE140B8\r", b"$TE1,086,ADBC\r"),
        (framed(b"$TE2"), framed(b"$TE2,029,")),
        (framed(b"$TE3"), framed(b"$TE3,020,")),
        (framed(b"$TE4"), framed(b"$TE4,000,")),
        (b"$PRA95F7\r", b"$PRA,079,000,0CEC\r"),
        (b"$PR171F6\r", b"$PR1,079,ACEF\r"),
        (framed(b"$PR2"), framed(b"$PR2,000,")),
        (b"$STA3504\r", b"$STA,0301,2ED1\r"),
        (b"$ID1D629\r", b"$ID1,1.6,005842.1,000,1E26\r"),
        (b"$ON177CF\r", b"$ON1,8936\r"),
        (b"$OFF9188\r", b"$OFF,BB90\r"),
        (b"$RS12156\r", b"$RS1,E3A0\r"),
        (b"$CHRFD4C\r", framed(b"$CHR,")),
        (b"$CHP3CCD\r", framed(b"$CHP,")),
        (b"$POF07BF\r", framed(b"$POF,")),
    ],
)
def test_bytes_of_the_sheet(compressor: SumitomoF70, sent: bytes, received: bytes) -> None:
    assert talk(compressor, sent) == received


def test_checksum_of_the_sheet() -> None:
    assert checksum(b"$TEA") == b"A4B9"
    assert checksum(b"$TEA,086,040,031,000,") == b"3798"


@pytest.mark.parametrize(
    "sent",
    [b"$TEAA4B8\r", b"$TEAa4b9\r", b"$TEA\r", b"\r", b"TEAA4B9\r", b" $TEAA4B9\r", b"$TEAA4B9 \r", b"\n$TEAA4B9\r"]
    + [framed(text) for text in (b"$tea", b"$XYZ", b"$TE5", b"$PR3", b"$ID2", b"$ON2", b"$TE", b"\xff\xfe\x00\x80")],
)
def test_not_understood(compressor: SumitomoF70, sent: bytes) -> None:
    assert talk(compressor, sent) == NOT_UNDERSTOOD


def test_several_in_one_piece_and_one_in_pieces(compressor: SumitomoF70) -> None:
    assert talk(compressor, b"$PR171F6\r$STA3504\r") == b"$PR1,079,ACEF\r$STA,0301,2ED1\r"
    received = bytearray(b"$TE1")
    assert list(compressor.split(received)) == []
    received += b"40B8\r$P"
    assert list(compressor.split(received)) == [b"$TE140B8"]
    assert received == b"$P"
    received += b"x" * 100
    assert list(compressor.split(received)) == []
    assert received == b""


def test_readings_follow_start_and_stop(stopped: SumitomoF70) -> None:
    assert ask(stopped, "STA") == "0000"
    assert ask(stopped, "TEA") == "024,020,020,000"
    assert ask(stopped, "PRA") == "235,000"
    assert not stopped.running(0.0)
    ask(stopped, "ON1", 10.0)
    assert stopped.running(10.0)
    assert ask(stopped, "STA", 10.0) == "0301"
    assert ask(stopped, "PR1", 18.0) == f"{79 + 156 / 2.71828:03.0f}"
    assert 24 < int(ask(stopped, "TE1", 100.0)) < 86
    assert ask(stopped, "TEA", 3610.0) == "086,029,020,000"
    assert ask(stopped, "ID1", 3610.0) == "1.6,005843.1,000"
    ask(stopped, "OFF", 3610.0)
    assert not stopped.running(3610.0)
    assert ask(stopped, "STA", 3610.0) == "0000"
    assert ask(stopped, "TEA", 9000.0) == "024,020,020,000"
    assert ask(stopped, "ID1", 9000.0) == "1.6,005843.1,000"


def test_cold_head_runs_alone_for_half_an_hour(stopped: SumitomoF70) -> None:
    ask(stopped, "CHR", 0.0)
    assert ask(stopped, "STA", 1799.0) == "0800"
    assert not stopped.running(1799.0)
    ask(stopped, "CHR", 1799.0)
    assert ask(stopped, "STA", 3598.0) == "0800"
    assert ask(stopped, "STA", 3599.0) == "0000"
    ask(stopped, "CHR", 4000.0)
    ask(stopped, "ON1", 4001.0)
    assert ask(stopped, "STA", 4001.0) == "0301"
    ask(stopped, "CHR", 4002.0)  # not beside the compressor
    assert ask(stopped, "STA", 4002.0) == "0301"
    assert ask(stopped, "STA", 9000.0) == "0301"


def test_cold_head_pause(compressor: SumitomoF70) -> None:
    ask(compressor, "CHP", 0.0)
    assert ask(compressor, "STA", 1.0) == "0B01"
    assert not compressor.running(1.0)
    ask(compressor, "POF", 2.0)
    assert ask(compressor, "STA", 2.0) == "0301"
    ask(compressor, "CHP", 10.0)
    ask(compressor, "ON1", 11.0)  # only $POF or the time ends a pause
    assert ask(compressor, "STA", 1809.0) == "0B01"
    assert compressor.running(1810.0)
    ask(compressor, "OFF", 2000.0)
    ask(compressor, "CHP", 2001.0)
    assert ask(compressor, "STA", 2001.0) == "0000"
    ask(compressor, "POF", 2002.0)
    assert ask(compressor, "STA", 2002.0) == "0000"


@pytest.mark.parametrize(("name", "bit"), ALARM_BITS.items())
def test_alarm_latches_until_reset(compressor: SumitomoF70, name: str, bit: int) -> None:
    compressor.fault("alarm", 1.0, name=name)
    tripped = f"{(7 if name == 'oil_level' else 6) << 9 | 1 << bit:04X}"
    assert ask(compressor, "STA", 1.0) == tripped
    assert not compressor.running(1.0)
    ask(compressor, "RS1", 2.0)  # the cause is still there
    assert ask(compressor, "STA", 2.0) == tripped
    compressor.fault("alarm", 3.0, name=name, cleared=True)
    ask(compressor, "ON1", 3.0)
    ask(compressor, "OFF", 3.0)
    ask(compressor, "CHR", 3.0)
    assert ask(compressor, "STA", 3.0) == tripped
    ask(compressor, "RS1", 4.0)
    assert ask(compressor, "STA", 4.0) == "0000"
    ask(compressor, "ON1", 5.0)
    assert compressor.running(5.0)


def test_the_bits_are_those_of_the_sheet() -> None:
    order = (
        "motor_temperature",
        "phase_sequence",
        "helium_temperature",
        "water_temperature",
        "water_flow",
        "oil_level",
        "pressure",
    )
    assert [ALARM_BITS[name] for name in order] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("alarm", "name", "reading"),
    [
        ("water_temperature", "TE3", 48),
        ("water_temperature", "TE2", 48),
        ("helium_temperature", "TE1", 112),
        ("pressure", "PR1", 20),
    ],
)
def test_the_cause_shows_in_the_readings(compressor: SumitomoF70, alarm: str, name: str, reading: int) -> None:
    compressor.fault("alarm", 0.0, name=alarm)
    assert ask(compressor, name, 3600.0) == f"{reading:03d}"


def test_configuration_2_only_watches(compressor: SumitomoF70) -> None:
    compressor.fault("monitor_only", 1.0)
    assert ask(compressor, "STA", 1.0) == "8701"
    ask(compressor, "OFF", 2.0)
    ask(compressor, "CHP", 2.0)
    assert ask(compressor, "STA", 2.0) == "8701"
    assert compressor.running(2.0)
    compressor.fault("alarm", 3.0, name="pressure")
    compressor.fault("alarm", 4.0, name="pressure", cleared=True)
    ask(compressor, "RS1", 5.0)
    assert ask(compressor, "STA", 5.0) == "8C80"
    compressor.power_up(6.0)
    assert ask(compressor, "STA", 6.0) == "8400"
    compressor.fault("monitor_only", 7.0, cleared=True)
    assert ask(compressor, "STA", 7.0) == "0000"


def test_stopped_at_the_panel(compressor: SumitomoF70) -> None:
    compressor.fault("front_panel", 1.0)
    assert ask(compressor, "STA", 1.0) == "0000"
    assert not compressor.running(1.0)


def test_power_cycle(compressor: SumitomoF70) -> None:
    compressor.fault("alarm", 1.0, name="water_flow")
    compressor.power_up(2.0)
    assert ask(compressor, "STA", 2.0) == "0C20"
    compressor.fault("alarm", 3.0, name="water_flow", present=False)
    compressor.power_up(4.0)
    assert ask(compressor, "STA", 4.0) == "0000"
    assert ask(compressor, "ID1", 4.0).startswith("1.6,005842.1")


def test_state_and_faults(compressor: SumitomoF70) -> None:
    state = compressor.state(0.0)
    assert (state["state"], state["compressor_on"], state["alarms"], state["configuration"]) == ("local_on", True, [], 1)
    assert (state["return_psig"], state["hours_h"]) == (79.0, 5842.1)
    compressor.fault("wrong_identity", 0.0)
    assert ask(compressor, "ID1").startswith("1.2,")
    with pytest.raises(ValueError, match="monitor_only"):
        compressor.fault("stall", 0.0)
    with pytest.raises(ValueError, match="oil_level"):
        compressor.fault("alarm", 0.0, name="smoke")


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_any_bytes(pieces: list[bytes]) -> None:
    compressor = SumitomoF70()
    for position, piece in enumerate(pieces):
        reply = talk(compressor, piece + b"\r", float(position))
        assert reply.startswith(b"$")
