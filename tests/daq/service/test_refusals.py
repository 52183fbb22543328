"""What a service refuses, without effect: said with a good key by a client that does not keep to the rules."""

import contextlib
import math
import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from daq.face.commands import EmergencyStop, Note, Read, Set, TakeControl
from daq.service import desk
from daq.service.client import Client
from daq.service.errors import ServiceError
from daq.service.keys import Keys, Pair
from daq.service.messages import (
    FRAME,
    VERSION,
    Alive,
    Answered,
    Ask,
    Beat,
    Hello,
    MalformedError,
    Over,
    encoded,
    from_client,
    from_server,
    whole,
)
from daq.service.place import Place
from daq.service.server import Server
from tests.daq.service.raw import Raw
from tests.daq.service.room import SILENT, FakeRoom

SESSION, LATER = "its session", "its deadline"
"""Stand for what a good message has there."""
NOT_MESSAGES: dict[str, Any] = {
    "nothing": None,
    "a number": 7,
    "an empty list": [],
    "an unknown type": ["Reboot", SESSION, 5],
    "a message of the other direction": ["Beat", 1.0, 1.0],
    "a command that is not asked": ["EmergencyStop"],
    "an unknown command": ["Ask", SESSION, 5, LATER, ["FireLaser"]],
    "a map": {"type": "Ask", "session": SESSION, "number": 5, "deadline": LATER, "command": ["EmergencyStop"]},
    "one field more": ["Ask", SESSION, 5, LATER, ["EmergencyStop"], 1],
    "one field less": ["Ask", SESSION, 5, LATER],
    "one field more in the command": ["Ask", SESSION, 5, LATER, ["EmergencyStop", 1]],
    "one field less in the command": ["Ask", SESSION, 5, LATER, ["Set", "magnet.current_A"]],
    "a short session": ["Ask", b"short", 5, LATER, ["EmergencyStop"]],
    "a session as text": ["Ask", "0123456789abcdef", 5, LATER, ["EmergencyStop"]],
    "number zero": ["Ask", SESSION, 0, LATER, ["EmergencyStop"]],
    "a negative number": ["Ask", SESSION, -5, LATER, ["EmergencyStop"]],
    "a huge number": ["Ask", SESSION, 2**64 - 1, LATER, ["EmergencyStop"]],
    "a number with a fraction": ["Ask", SESSION, 5.5, LATER, ["EmergencyStop"]],
    "no deadline": ["Ask", SESSION, 5, None, ["EmergencyStop"]],
    "a deadline that is none": ["Ask", SESSION, 5, math.nan, ["EmergencyStop"]],
    "an endless deadline": ["Ask", SESSION, 5, math.inf, ["EmergencyStop"]],
    "a value that is not a number": ["Ask", SESSION, 5, LATER, ["Set", "magnet.current_A", math.nan]],
    "an infinite value": ["Ask", SESSION, 5, LATER, ["Set", "magnet.current_A", -math.inf]],
    "no value": ["Ask", SESSION, 5, LATER, ["Set", "magnet.current_A", None]],
    "a list as value": ["Ask", SESSION, 5, LATER, ["Set", "magnet.current_A", [1.0]]],
    "bytes as value": ["Ask", SESSION, 5, LATER, ["Set", "magnet.current_A", b"1.0"]],
    "a ticket as text": ["Ask", SESSION, 5, LATER, ["Unqueue", "1"]],
    "force as a number": ["Ask", SESSION, 5, LATER, ["TakeControl", 1]],
    "an empty name": ["Ask", SESSION, 5, LATER, ["Read", ""]],
    "a long name": ["Ask", SESSION, 5, LATER, ["Read", "x" * 101]],
    "a long note": ["Ask", SESSION, 5, LATER, ["Note", "x" * 20_001]],
    "a shelf for no time": ["Ask", SESSION, 5, LATER, ["Shelve", "vacuum", math.nan]],
}
NOT_MESSAGEPACK = {
    "an empty frame": b"",
    "random bytes": bytes(range(256)) * 4,
    "deep lists": b"\x91" * 100_000,
    "deep maps": b"\x81\x01" * 100_000,
    "a huge list": b"\xdd\xff\xff\xff\xff",
    "a huge map": b"\xdf\xff\xff\xff\xff",
    "a huge text": b"\xdb\xff\xff\xff\xff",
    "text that is none": b"\x92\xa5Hello\xa2\xff\xfe",
    "a pickle": pickle.dumps(print, protocol=5),
    "two messages in one": encoded(Hello(VERSION, "raw")) * 2,
}


def filled(document: Any, raw: Raw) -> Any:
    """With the session and the deadline of a good message."""
    match document:
        case list():
            return [filled(item, raw) for item in document]
        case dict():
            return {name: filled(item, raw) for name, item in document.items()}
        case "its session":
            return raw.welcome.session
        case "its deadline":
            return raw.welcome.clock + 60.0
    return document


def refused(raw: Raw, room: FakeRoom, *frames: bytes) -> str:
    """Send it, and see that it is answered and that nothing is done; then that a good message still is."""
    raw.ask(TakeControl())
    raw.send(*frames)
    answer = raw.hear(Answered)
    assert not answer.answer.ok
    assert raw.ask(Read("magnet.current_A")).value == 80.0
    assert [command for command, _ in room.done] == [Read("magnet.current_A")]
    return answer.answer.text


@pytest.mark.parametrize("name", NOT_MESSAGES)
def test_what_is_no_message_changes_nothing(name: str, raw: Raw, room: FakeRoom) -> None:
    assert "not understood" in refused(raw, room, msgspec.msgpack.encode(filled(NOT_MESSAGES[name], raw)))
    assert room.logged("cannot be understood")


@pytest.mark.parametrize("name", NOT_MESSAGEPACK)
def test_what_is_no_messagepack_changes_nothing(name: str, raw: Raw, room: FakeRoom) -> None:
    assert "not understood" in refused(raw, room, NOT_MESSAGEPACK[name])


def test_two_frames_are_no_message(raw: Raw, room: FakeRoom) -> None:
    assert "one frame" in refused(raw, room, raw.frame(EmergencyStop()), b"")


def test_a_message_longer_than_allowed_cuts_its_sender_off(raw: Raw, room: FakeRoom, server: Server, place: Place) -> None:
    with Client(server.where, place=place) as client:
        raw.send(raw.frame(Note("x" * FRAME)))
        assert "raw" in room.logged("has gone")
        assert client.submit(Note("here")).ok
    assert [command for command, _ in room.done] == [Note("here")]


@pytest.mark.parametrize("command", [Note("once"), EmergencyStop()])
def test_a_frame_is_obeyed_once(command: Any, raw: Raw, room: FakeRoom) -> None:
    frame = raw.frame(command)
    for _ in range(3):
        raw.send(frame)
    answers = [raw.hear(Answered).answer for _ in range(3)]
    assert sorted(answer.ok for answer in answers) == [False, False, True]
    assert "said before" in next(answer.text for answer in answers if not answer.ok)
    assert raw.ask(Read("fence")).ok
    assert sorted(type(done).__name__ for done, _ in room.done) == sorted([type(command).__name__, "Read"])


def test_an_older_number_is_refused(raw: Raw, room: FakeRoom) -> None:
    older, newer = raw.frame(Note("older")), raw.frame(Note("newer"))
    raw.send(newer)
    assert raw.hear(Answered).answer.ok
    raw.send(older)
    assert not raw.hear(Answered).answer.ok
    assert [command for command, _ in room.done] == [Note("newer")]


def test_a_frame_of_another_session_is_refused(raw: Raw, room: FakeRoom, server: Server, place: Place) -> None:
    recorded = raw.frame(EmergencyStop())
    with Raw(server.where, place) as other:
        other.send(recorded)
        assert "no session" in other.hear(Over).reason
        other.greet("other").send(recorded)
        assert not other.hear(Answered).answer.ok
    assert room.done == []


def test_a_deadline_that_has_passed_or_is_far_away_is_refused(raw: Raw, room: FakeRoom) -> None:
    for within_s, words in ((-0.001, "time was over"), (-1e300, "time was over"), (7200.0, "nearer"), (1e300, "nearer")):
        frame = raw.frame(Note("never"), within_s)
        raw.send(frame)
        assert words in raw.hear(Answered).answer.text
    assert room.done == []


def test_a_command_whose_time_runs_out_while_it_waits_is_never_done(raw: Raw, room: FakeRoom) -> None:
    assert raw.ask(TakeControl()).ok
    raw.send(raw.frame(Set(SILENT, 1.0)))
    room.began.wait()
    deadline = raw.hear(Beat).clock + 0.3
    raw.send(encoded(Ask(raw.welcome.session, raw.number(), deadline, Note("late"))))
    while raw.hear(Beat).clock < deadline:
        pass
    room.released.set()
    assert "silent" in raw.hear(Answered).answer.text
    assert "time was over" in raw.hear(Answered).answer.text
    assert Note("late") not in [command for command, _ in room.done]


def test_an_emergency_stop_is_never_late(raw: Raw, room: FakeRoom) -> None:
    raw.send(raw.frame(EmergencyStop(), -60.0))
    assert raw.hear(Answered).answer.ok
    assert [command for command, _ in room.done] == [EmergencyStop()]


def test_a_connection_has_one_session(raw: Raw) -> None:
    raw.say(Hello(VERSION, "again"))
    assert not raw.hear(Answered).answer.ok


def test_another_version_is_told_so(server: Server, place: Place) -> None:
    with Raw(server.where, place) as raw:
        raw.say(Hello(VERSION + 1, "raw"))
        assert "version" in raw.hear(Over).reason


def test_acknowledging_what_was_not_sent_is_refused(raw: Raw) -> None:
    raw.say(Alive(raw.welcome.session, raw.number(), 1000))
    assert not raw.hear(Answered).answer.ok


def test_there_are_only_so_many_clients(server: Server, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "CLIENTS", 4)
    raws = [Raw(server.where, place) for _ in range(5)]
    try:
        for raw in raws[:-1]:
            raw.greet()
        raws[-1].say(Hello(VERSION, "raw"))
        assert "connected already" in raws[-1].hear(Over).reason
        assert raws[0].ask(Read("magnet.current_A")).ok
    finally:
        for raw in raws:
            raw.__exit__(None, None, None)


def test_a_key_that_is_not_allowed_is_refused(server: Server, room: FakeRoom, tmp_path: Path, place: Place) -> None:
    with (
        pytest.raises(ServiceError, match="refuses this program's key"),
        Client(server.where, place=Place(tmp_path / "other"), wait_s=1.0),
    ):
        pass
    assert "not allowed" in room.logged("refused")
    with Raw(server.where, place, Pair(*zmq.curve_keypair())) as stranger:
        stranger.say(Hello(VERSION, "stranger"))
        with Client(server.where, place=place) as client:
            assert client.submit(Read("magnet.current_A")).ok
    assert [by.rpartition(":")[2] for _, by in room.done] == ["script"]


def test_a_service_with_another_key_is_not_believed(server: Server, place: Place, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    stranger = zmq.curve_keypair()[0].decode()
    copy.write_text(server.where.read_text().replace(Keys(place).server().public.decode(), stranger))
    with pytest.raises(ServiceError, match="another key"), Client(copy, place=place, wait_s=1.0):
        pass


@given(st.binary(max_size=200))
def test_bytes_are_understood_or_refused(frame: bytes) -> None:
    for read in (from_client, from_server, whole):
        with contextlib.suppress(MalformedError):
            read(frame)


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.sampled_from(["Hello", "Ask", "Alive", "Refresh"]), st.lists(DOCUMENTS, max_size=5))
def test_what_is_understood_says_the_same_again(kind: str, fields: list[Any]) -> None:
    try:
        message = from_client(msgspec.msgpack.encode([kind, *fields]))
    except MalformedError:
        return
    assert from_client(encoded(message)) == message
