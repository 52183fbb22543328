"""An exchange either gives the one reply that belongs to it, or an error; never somebody else's reply."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import GarbledReply, LinkClosed, LinkTimeout
from drivers.links import Counted, Link, Probe, Terminated
from tests.drivers.script import Exchange, ScriptedTransport

PROBE = Probe(b"*IDN?\n", lambda reply: reply == b"ME")


def linked(script: Sequence[Exchange]) -> tuple[Link, ScriptedTransport]:
    transport = ScriptedTransport(script)
    return Link("unit", transport, Terminated(b"\r\n"), PROBE, timeout_s=0.03, quiet_s=0.0), transport


@pytest.mark.parametrize("pieces", [[b"1.5\r\n"], [b"1", b".5\r", b"\n"], [b"1.5\r\n".join([b"", b""])]])
def test_a_reply_may_come_in_pieces(pieces: list[bytes]) -> None:
    link, transport = linked([(b"V?\n", pieces)])
    assert link.query(b"V?\n") == b"1.5"
    assert transport.finished()


def test_a_late_reply_is_not_taken_for_the_next_one() -> None:
    link, transport = linked([(b"A?\n", b""), (b"*IDN?\n", [b"the late A\r\n", b"ME\r\n"]), (b"B?\n", b"b\r\n")])
    with pytest.raises(LinkTimeout, match="nothing came"):
        link.query(b"A?\n")
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


def test_half_a_reply_is_a_timeout_and_its_rest_is_thrown_away() -> None:
    link, transport = linked([(b"A?\n", [b"12"]), (b"*IDN?\n", [b"34\r\nME\r\n"]), (b"B?\n", b"b\r\n")])
    with pytest.raises(LinkTimeout, match="12"):
        link.query(b"A?\n")
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


def test_two_replies_at_once_do_not_shift_what_follows() -> None:
    link, transport = linked([(b"A?\n", b"a\r\nagain\r\n"), (b"*IDN?\n", b"ME\r\n"), (b"B?\n", b"b\r\n")])
    assert link.query(b"A?\n") == b"a"
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


def test_nothing_is_believed_until_the_probe_is_recognised() -> None:
    link, _ = linked(
        [(b"A?\n", b""), (b"*IDN?\n", b"noise\r\n"), (b"*IDN?\n", b""), (b"*IDN?\n", b"ME\r\n"), (b"B?\n", b"b\r\n")]
    )
    for _ in range(3):
        with pytest.raises(LinkTimeout):
            link.query(b"A?\n")
    assert link.query(b"B?\n") == b"b"


def test_silence_after_listening_is_no_fault() -> None:
    link, transport = linked([(b"SET\n", b""), (b"B?\n", b"b\r\n")])
    link.send(b"SET\n")
    assert link.listen(0.01) is None
    assert link.query(b"B?\n") == b"b"
    assert transport.finished()


def test_a_closed_link_says_so() -> None:
    link, transport = linked([])
    link.close()
    link.close()
    assert transport.closed
    with pytest.raises(LinkClosed):
        link.query(b"A?\n")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"#18ABCDEFGH\n", None),
        (b"#19ABCDEFGHI\n", GarbledReply),
        (b"#18ABCDEFGHX", GarbledReply),
        (b"#18ABCD", LinkTimeout),
        (b"1.5\n", GarbledReply),
        (b"#0ABCDEFGH\n", GarbledReply),
    ],
)
def test_blocks_are_exactly_as_long_as_announced(reply: bytes, error: type[Exception] | None) -> None:
    transport = ScriptedTransport([(b"DATA?\n", reply), (b"*IDN?\n", b"ME\n"), (b"B?\n", b"b\n")])
    link = Link("unit", transport, Terminated(b"\n"), PROBE, timeout_s=0.03, quiet_s=0.0)
    into = bytearray(8)
    if error is None:
        link.query_block(b"DATA?\n", memoryview(into), 0.03)
        assert into == b"ABCDEFGH"
        return
    with pytest.raises(error):
        link.query_block(b"DATA?\n", memoryview(into), 0.03)
    assert link.query(b"B?\n") == b"b"


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
