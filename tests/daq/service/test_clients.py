"""What clients see and what they may do, with real sockets."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from daq.face import Face
from daq.face.commands import (
    EmergencyStop,
    GiveControl,
    Note,
    Pause,
    Read,
    Resume,
    Set,
    Stop,
    TakeControl,
)
from daq.face.reduced import Reduced, Spectrum
from daq.face.state import AlarmPart, ControlPart, EmergencyPart, LogPart, QueuePart, Reading, RunPart
from daq.service.client import Client
from daq.service.errors import NoAnswerError, ServiceError
from daq.service.feed import WINDOW, Feed
from daq.service.messages import Alive, Answered, FromServer, Piece, whole
from daq.service.place import Place
from daq.service.server import Server
from daq.service.sockets import Sockets
from tests.daq.service.conftest import HASTY
from tests.daq.service.raw import Raw, eventually
from tests.daq.service.room import SILENT, UNREADABLE, FakeRoom

Connect = Callable[[str], Client]


def holder(client: Client) -> str:
    (part,) = client.snapshot().of(ControlPart)
    return str(part.holder)


def doing(client: Client) -> str:
    (part,) = client.snapshot().of(RunPart)
    return str(part.doing)


def test_who_joins_late_sees_everything_and_then_the_changes(room: FakeRoom, connect: Connect) -> None:
    first: Face = connect("first")
    room.show(RunPart("running", "shot 1"))
    room.show(AlarmPart("cold head", "too warm", 1.0, True))
    late = connect("late")
    eventually(late, lambda: doing(late) == "shot 1")
    _, parts = room.board.all()
    shown = late.snapshot()
    assert shown.laboratory == room.snapshot().laboratory
    assert set(map(repr, parts.values())) == {repr(p) for p in shown.parts if not isinstance(p, ControlPart)}
    room.show(RunPart("running", "shot 2"))
    for client in (first, late):
        eventually(client, lambda client=client: doing(client) == "shot 2")
    assert late.snapshot().sequence > shown.sequence


def test_changes_come_once_and_newest_last(room: FakeRoom, connect: Connect) -> None:
    client = connect("window")
    after, seen = client.snapshot().sequence, []
    for shot in range(500):
        room.show(RunPart("running", "", fired=shot))
    while not seen or seen[-1] < 499:
        for change in client.changes(after, 1.0):
            after = change.sequence
            seen.append(change.part.fired)
    assert seen == sorted(set(seen))


def test_a_large_part_comes_whole(room: FakeRoom, connect: Connect) -> None:
    client = connect("window")
    mean = np.arange(1_200_000, dtype="<f4").tobytes()
    room.show(Reduced("run", 100, (Spectrum(2.4, 100, 0.0, 1e-9, mean),), ()))
    eventually(client, lambda: bool(client.snapshot().of(Reduced)))
    assert client.snapshot().of(Reduced)[0].spectra[0].mean == mean


def test_a_part_without_a_form_on_the_wire_is_left_out(room: FakeRoom, connect: Connect) -> None:
    client = connect("window")
    room.show(LogPart((np.float64(1.0),)))
    room.show(QueuePart(held=5))  # type: ignore[arg-type]
    room.show(RunPart("running", "goes on"))
    eventually(client, lambda: doing(client) == "goes on")
    assert "LogPart" in room.logged("float64")
    assert "QueuePart" in room.logged("Expected `str`, got `int`")


def test_a_gap_makes_a_client_ask_for_everything(room: FakeRoom, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    client = connect("window")
    send, refresh = Sockets.send, Feed.refresh
    lost, asked = threading.Event(), threading.Event()

    def lossy(sockets: Sockets, route: bytes, message: FromServer) -> bool:
        if isinstance(message, Piece) and not lost.is_set():
            lost.set()
            return True
        return send(sockets, route, message)

    def noted(feed: Feed) -> None:
        asked.set()
        refresh(feed)

    monkeypatch.setattr(Sockets, "send", lossy)
    monkeypatch.setattr(Feed, "refresh", noted)
    room.show(AlarmPart("lost", "on its way", 1.0, True))
    lost.wait()
    room.show(RunPart("running", "after the gap"))
    eventually(client, lambda: doing(client) == "after the gap")
    assert asked.is_set()
    assert [alarm.name for alarm in client.snapshot().of(AlarmPart)] == ["lost"]


def test_a_slow_client_gets_little_and_holds_nobody_up(room: FakeRoom, connect: Connect, raw: Raw) -> None:
    quick = connect("quick")
    for shot in range(12):
        room.show(RunPart("running", "", fired=shot))
        eventually(quick, lambda shot=shot: quick.snapshot().of(RunPart)[0].fired == shot)
    raw.send(raw.frame(Read("fence")))
    messages = [raw.next()]
    while not isinstance(messages[-1], Answered):
        messages.append(raw.next())
    pieces = [message for message in messages if isinstance(message, Piece)]
    assert len(pieces) == WINDOW
    raw.say(Alive(raw.welcome.session, raw.number(), WINDOW))
    (newest,) = whole(raw.hear(Piece).data).parts
    assert newest == RunPart("running", "", fired=11)


def test_control_is_taken_and_handed_over(room: FakeRoom, connect: Connect) -> None:
    anna, bert = connect("anna"), connect("bert")
    assert "take control first" in anna.submit(Pause()).text
    assert anna.submit(TakeControl()).ok
    assert anna.submit(Pause()).ok
    assert not bert.submit(Resume()).ok
    assert anna.name in bert.submit(TakeControl()).text
    assert not bert.submit(GiveControl()).ok
    assert anna.submit(GiveControl()).ok
    assert bert.submit(TakeControl()).ok
    assert bert.submit(Resume()).ok
    assert not anna.submit(Stop()).ok
    eventually(anna, lambda: holder(anna) == bert.name)
    assert room.done == [(Pause(), anna.name), (Resume(), bert.name)]


def test_control_taken_by_force_is_logged_and_shown(room: FakeRoom, connect: Connect) -> None:
    anna, bert = connect("anna"), connect("bert")
    anna.submit(TakeControl())
    answer = bert.submit(TakeControl(force=True))
    assert answer.ok
    assert anna.name in answer.text
    line = room.logged("by force")
    assert anna.name in line
    assert bert.name in line
    eventually(anna, lambda: holder(anna) == bert.name)
    assert bert.name in anna.submit(Pause()).text


def test_reading_and_notes_need_no_control(room: FakeRoom, connect: Connect) -> None:
    anna, bert = connect("anna"), connect("bert")
    anna.submit(TakeControl())
    assert bert.submit(Read("magnet.current_A")).value == 80.0
    assert bert.submit(Note("the valve sounds odd")).ok
    assert [by for _, by in room.done] == [bert.name] * 2


def test_control_of_a_holder_that_is_not_heard_becomes_free(room: FakeRoom, place: Place) -> None:
    with Server(room, room.log, place=place, pace=HASTY) as server, Raw(server.where, place) as raw:
        assert raw.greet("silent").ask(TakeControl()).ok
        with Client(server.where, program="watching", place=place) as client:
            assert "silent" in holder(client) or room.logged("control is free")
            eventually(client, lambda: holder(client) == "")
            assert "has not been heard" in room.logged("control is free")


def test_control_of_a_holder_that_goes_becomes_free(room: FakeRoom, server: Server, place: Place, connect: Connect) -> None:
    watching = connect("watching")
    with Client(server.where, program="holder", place=place) as client:
        client.submit(TakeControl())
        eventually(watching, lambda: holder(watching) == client.name)
    eventually(watching, lambda: holder(watching) == "")
    assert room.logged("control is free")


def test_a_client_is_known_by_its_key_and_no_two_by_one_name(connect: Connect) -> None:
    first, second = connect("window"), connect("window")
    assert second.name == f"{first.name} (2)"
    assert first.name.endswith(":window")
    assert "@" in first.name


def test_an_emergency_stop_overtakes_a_command_that_hangs(room: FakeRoom, connect: Connect) -> None:
    anna, bert = connect("anna"), connect("bert")
    anna.submit(TakeControl())
    hanging = anna.ask(Set(SILENT, 1.0))
    room.began.wait()
    assert anna.submit(EmergencyStop()).ok
    assert bert.submit(EmergencyStop()).ok
    assert not hanging.done()
    eventually(bert, lambda: bool(bert.snapshot().of(EmergencyPart)))
    room.released.set()
    assert not hanging.result().ok


def test_commands_of_two_clients_do_not_wait_for_each_other(room: FakeRoom, connect: Connect) -> None:
    anna, bert = connect("anna"), connect("bert")
    anna.submit(TakeControl())
    hanging = anna.ask(Set(SILENT, 1.0))
    room.began.wait()
    assert bert.submit(Read("magnet.current_A")).ok
    assert not hanging.done()
    room.released.set()


def test_commands_of_one_client_are_done_in_order_and_few_wait(room: FakeRoom, connect: Connect) -> None:
    client = connect("window")
    client.submit(TakeControl())
    hanging = client.ask(Set(SILENT, 1.0))
    room.began.wait()
    waiting = [client.ask(Note(str(number))) for number in range(16)]
    assert "wait already" in client.submit(Note("one more")).text
    assert not any(answer.done() for answer in waiting)
    room.released.set()
    assert not hanging.result().ok
    assert all(answer.result().ok for answer in waiting)
    assert [command for command, _ in room.done[1:]] == [Note(str(number)) for number in range(16)]


def test_no_answer_in_time_is_an_error_and_late_commands_are_not_done(room: FakeRoom, connect: Connect) -> None:
    client = connect("window")
    client.submit(TakeControl())
    with pytest.raises(NoAnswerError, match="whether Set was done is not known"):
        client.submit(Set(SILENT, 1.0), timeout_s=0.05)
    with pytest.raises(NoAnswerError):
        client.submit(Note("too late"), timeout_s=0.05)
    room.released.set()
    assert client.submit(Note("in time")).ok
    assert [command for command, _ in room.done] == [Set(SILENT, 1.0), Note("in time")]


def test_what_fails_inside_is_an_answer(room: FakeRoom, connect: Connect) -> None:
    client = connect("window")
    answer = client.submit(Note("raise"))
    assert not answer.ok
    assert "as asked" in answer.text
    assert client.name in room.logged("failed inside")
    assert "failed inside" in client.submit(Read(UNREADABLE)).text
    assert client.submit(Note("goes on")).ok


def test_what_cannot_be_a_command_is_not_sent(room: FakeRoom, connect: Connect) -> None:
    client = connect("window")
    assert not client.submit(Set("magnet.current_A", float("nan"))).ok
    assert not client.submit(Note("x" * 20_001)).ok
    assert not client.submit(Read("")).ok
    assert not client.submit(Reading(1.0, "A", 0.0)).ok  # type: ignore[arg-type]
    assert room.done == []


def test_a_name_that_the_service_would_not_take_is_refused_at_once(server: Server, place: Place) -> None:
    with pytest.raises(ServiceError, match="knows no program called 'first window'"):
        Client(server.where, program="first window", place=place)
