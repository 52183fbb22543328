"""An exchange either gives the one reply that belongs to it, or an error; never somebody else's reply."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, GarbledReply, LinkClosed, LinkTimeout
from drivers.links import Counted, Link, Probe, Terminated
from tests.drivers.script import LATE, Exchange, ScriptedTransport

PROBE = Probe(b"*IDN?\n", lambda reply: reply == b"ME")
PROBED: Exchange = (b"*IDN?\n", b"ME\r\n")


def linked(script: Sequence[Exchange], **options: float) -> tuple[Link, ScriptedTransport]:
    transport = ScriptedTransport(script)
    options = {"timeout_s": 0.03, "quiet_s": 0.0, **options}
    return Link("unit", transport, Terminated(b"\r\n"), PROBE, clock=transport.clock, **options), transport


@pytest.mark.parametrize("pieces", [[b"1.5\r\n"], [b"1", b".5\r", b"\n"]])
def test_a_reply_may_come_in_pieces(pieces: list[bytes]) -> None:
    link, transport = linked([(b"V?\n", pieces)])
    assert link.query(b"V?\n") == b"1.5"
    assert transport.finished()


@pytest.mark.parametrize(
    ("first", "before_the_probe"),
    [
        pytest.param(b"", b"", id="silence"),
        pytest.param([LATE, b"the late A\r\n"], b"", id="late, before the probe"),
        pytest.param(b"", b"the late A\r\n", id="late, after the probe"),
        pytest.param([LATE, b"the late A\r\nand one more\r\n"], b"", id="two at once"),
        pytest.param([b"the la"], b"te A\r\n", id="half, its rest after the probe"),
        pytest.param([b"the la", LATE, b"te A\r\n"], b"", id="half, its rest before the probe"),
        pytest.param([b"the la"], b"", id="half, never finished"),
        pytest.param([LATE, b"\x00\xff\r\x0a\n\x80"], b"\xfe\r\n", id="garbage"),
    ],
)
def test_after_a_timeout_nothing_is_accepted_until_the_probe_is_recognised(
    first: bytes | list[bytes], before_the_probe: bytes
) -> None:
    link, transport = linked([(b"A?\n", first), (b"*IDN?\n", before_the_probe + b"ME\r\n"), (b"B?\n", b"b\r\n")])
    with pytest.raises(LinkTimeout):
        link.query(b"A?\n")
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


def test_what_came_is_said_when_time_is_over() -> None:
    link, _ = linked([(b"A?\n", b"12"), PROBED, (b"B?\n", b"")])
    with pytest.raises(LinkTimeout, match=r"unit: no reply in time, only b'12' came"):
        link.query(b"A?\n")
    with pytest.raises(LinkTimeout, match=r"unit: no reply in time, nothing came"):
        link.query(b"B?\n")


@pytest.mark.parametrize("answer", [b"noise\r\n", b"", b"M", b"ME TOO\r\n"])
def test_an_unrecognised_probe_keeps_the_link_in_doubt(answer: bytes) -> None:
    link, transport = linked([(b"A?\n", b""), (b"*IDN?\n", answer), (b"*IDN?\n", answer), PROBED, (b"A?\n", b"a\r\n")])
    for _ in range(3):
        with pytest.raises(LinkTimeout):
            link.query(b"A?\n")
    assert link.query(b"A?\n") == b"a"
    assert transport.finished()


def test_a_reply_nobody_asked_for_is_cleared_away_before_the_next_question() -> None:
    link, transport = linked([(b"A?\n", b"a\r\nagain\r\n"), PROBED, (b"B?\n", b"b\r\n")])
    assert link.query(b"A?\n") == b"a"
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


def test_a_late_answer_to_the_probe_itself_is_waited_for() -> None:
    """The first "ME" answers the query that timed out, the second the probe: neither may be left for the next question."""

    class Slow(ScriptedTransport):
        """Holds back everything after the first reply until the line has been quiet for a moment."""

        held_until = 0.0

        def receive(self, wanted: int, last_byte: int | None, timeout_s: float) -> bytes:
            if time.monotonic() < self.held_until:
                return b""
            data = super().receive(wanted, last_byte, timeout_s)
            if data.endswith(b"\n"):
                self.held_until = time.monotonic() + 0.02
            return data

    transport = Slow([(b"*IDN?\n", b""), (b"*IDN?\n", b"ME\r\nME\r\n"), (b"B?\n", b"b\r\n")])
    link = Link("unit", transport, Terminated(b"\r\n"), PROBE, timeout_s=0.1, quiet_s=0.0)
    with pytest.raises(LinkTimeout):
        link.query(b"*IDN?\n")
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


def test_a_silent_setting_waits_for_the_doubt_to_end_but_a_safe_command_does_not() -> None:
    link, transport = linked([(b"A?\n", b""), (b"STOP\n", b"done\r\n"), PROBED, (b"SET\n", b"")])
    with pytest.raises(LinkTimeout):
        link.query(b"A?\n")
    link.send_regardless(b"STOP\n")
    link.send(b"SET\n")
    assert transport.finished()


def test_distrust_makes_the_next_exchange_resynchronise() -> None:
    link, transport = linked([(b"A?\n", b"a\r\n"), PROBED, (b"B?\n", b"b\r\n")])
    link.query(b"A?\n")
    link.distrust()
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


def test_silence_after_listening_is_no_fault_but_half_a_line_is() -> None:
    link, transport = linked([(b"SET\n", b""), (b"B?\n", b"b\r\n"), (b"SET\n", b"?hal"), PROBED, (b"B?\n", b"b\r\n")])
    link.send(b"SET\n")
    assert link.listen(0.01) is None
    assert link.query(b"B?\n") == b"b"
    link.send(b"SET\n")
    assert link.listen(0.01) is None
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


def test_a_line_that_never_falls_silent_is_an_error_in_good_time() -> None:
    class Chatter(ScriptedTransport):
        def receive(self, wanted: int, last_byte: int | None, timeout_s: float) -> bytes:
            return b"chatter\r\n"

    link = Link("unit", Chatter([]), Terminated(b"\r\n"), PROBE, timeout_s=0.03, quiet_s=0.0)
    link.distrust()
    with pytest.raises(GarbledReply, match="does not fall silent"):
        link.query(b"A?\n")


def test_a_closed_link_says_so() -> None:
    link, transport = linked([])
    link.close()
    link.close()
    assert transport.closed
    for exchange in (link.query, link.send, link.send_regardless):
        with pytest.raises(LinkClosed, match="unit: the link was closed"):
            exchange(b"A?\n")


def test_the_instrument_is_left_alone_for_its_pace() -> None:
    link, _ = linked([(b"A?\n", b"a\r\n"), (b"B?\n", b"b\r\n")], pace_s=0.02)
    link.query(b"A?\n")
    started = time.monotonic()
    link.query(b"B?\n")
    assert time.monotonic() - started >= 0.019


def test_the_wire_log_sees_every_byte() -> None:
    seen: list[tuple[str, bytes]] = []
    transport = ScriptedTransport([(b"V?\n", [b"1", b".5\r\n"])])
    link = Link("unit", transport, Terminated(b"\r\n"), PROBE, log=lambda way, data: seen.append((way, data)))
    link.query(b"V?\n")
    assert seen == [(">", b"V?\n"), ("<", b"1"), ("<", b".5\r\n")]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"#18ABCDEFGH\n", None),
        (b"#208ABCDEFGH\n", None),
        (b"#18ABC\nEFGH\n", None),
        (b"#19ABCDEFGHI\n", GarbledReply),
        (b"#17ABCDEFG\n", GarbledReply),
        (b"#18ABCDEFGHX", GarbledReply),
        (b"#18ABCD", LinkTimeout),
        (b"#18", LinkTimeout),
        (b"1.5\n", GarbledReply),
        (b"#0ABCDEFGH\n", GarbledReply),
        (b"#2-8ABCDEFGH\n", GarbledReply),
        (b"#x", GarbledReply),
    ],
)
def test_blocks_are_exactly_as_long_as_announced(reply: bytes, error: type[DriverError] | None) -> None:
    transport = ScriptedTransport([(b"DATA?\n", reply), (b"*IDN?\n", b"ME\n"), (b"B?\n", b"b\n")])
    link = Link("unit", transport, Terminated(b"\n"), PROBE, timeout_s=0.03, quiet_s=0.0, clock=transport.clock)
    into = bytearray(8)
    if error is None:
        link.query_block(b"DATA?\n", memoryview(into), 0.03)
        assert bytes(into) == reply[-9:-1]
        return
    with pytest.raises(error):
        link.query_block(b"DATA?\n", memoryview(into), 0.03)
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


@given(st.binary(max_size=60))
def test_only_errors_of_the_driver_escape_from_a_block(data: bytes) -> None:
    link = Link("unit", ScriptedTransport([(b"DATA?\n", data)]), Terminated(b"\n"), PROBE, timeout_s=0.0, quiet_s=0.0)
    into = bytearray(4)
    try:
        link.query_block(b"DATA?\n", memoryview(into), 0.001)
    except DriverError:
        return
    assert data[-5:] == bytes(into) + b"\n"


@given(st.binary(max_size=40), st.integers(1, 20))
def test_counted_replies(data: bytes, size: int) -> None:
    received = bytearray(data)
    reply = Counted(size).cut(received)
    if reply is None:
        assert len(data) < size
    else:
        assert reply + bytes(received) == data
        assert len(reply) == size


@given(st.lists(st.binary(max_size=20).filter(lambda text: b"\n" not in text), max_size=5), st.binary(max_size=5))
def test_terminated_replies(texts: list[bytes], rest: bytes) -> None:
    rest = rest.replace(b"\n", b"")
    received = bytearray(b"".join(text + b"\n" for text in texts) + rest)
    framing = Terminated(b"\n")
    for text in texts:
        assert framing.cut(received) == text.strip(b"\r\n")
    assert framing.cut(received) is None
    assert received == rest


def test_a_stream_without_a_terminator_is_no_reply() -> None:
    link = Link("unit", ScriptedTransport([(b"A?\n", b"x" * 100)]), Terminated(b"\n", longest=64), PROBE, timeout_s=0.03)
    with pytest.raises(GarbledReply, match="64 bytes without a terminator"):
        link.query(b"A?\n")
