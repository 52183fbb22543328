"""A service that stops, is killed, comes again, and a client that was there all the time."""

import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pytest

from daq.face.commands import EmergencyStop, Note, Pause, Read, TakeControl
from daq.face.state import AlarmPart, ControlPart, RunPart
from daq.service.client import Client
from daq.service.errors import NoAnswerError, ServiceError
from daq.service.place import Place
from daq.service.server import Server
from daq.service.where import where_is
from tests.daq.service.raw import eventually
from tests.daq.service.room import LABORATORY, FakeRoom


@contextmanager
def served(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-P", str(Path(__file__).parent / "served.py"), str(place.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert cast(IO[bytes], process.stdout).readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def test_a_client_waits_for_a_service_or_says_that_there_is_none(room: FakeRoom, place: Place) -> None:
    path = where_is(LABORATORY, place)
    with pytest.raises(ServiceError, match="no service runs"), Client(path, place=place, wait_s=0.1):
        pass
    with Client(path, place=place, wait_s=0) as client:
        assert client.snapshot().age_s == math.inf
        assert client.trouble
        with pytest.raises(NoAnswerError, match="EmergencyStop was not sent"):
            client.submit(EmergencyStop())
        with Server(room, room.log, place=place):
            eventually(client, lambda: not client.trouble)
            assert client.submit(Read("magnet.current_A")).ok


def test_a_killed_service_is_missed_and_found_again(place: Place) -> None:
    with served(place) as first, Client(where_is(LABORATORY, place), place=place) as client:
        eventually(client, lambda: client.submit(Read("magnet.current_A")).ok)
        before = client.snapshot()
        first.kill()
        first.wait()
        eventually(client, lambda: "ended without a word" in client.trouble)
        after = client.snapshot()
        assert after.parts == before.parts
        assert after.age_s > before.age_s
        with pytest.raises(NoAnswerError, match="was not sent"):
            client.submit(Note("anybody?"))
        with served(place):
            eventually(client, lambda: not client.trouble)
            assert client.submit(Note("again")).ok


def test_a_service_that_stands_still_is_missed_and_control_kept(place: Place) -> None:
    with served(place) as process, Client(where_is(LABORATORY, place), place=place) as client:
        assert client.submit(TakeControl()).ok
        os.kill(process.pid, signal.SIGSTOP)
        eventually(client, lambda: "has not been heard" in client.trouble)
        assert client.snapshot().age_s > 1.0
        stop = client.ask(EmergencyStop())
        os.kill(process.pid, signal.SIGCONT)
        assert stop.result().ok
        eventually(client, lambda: not client.trouble)
        assert client.submit(Pause()).ok


def test_what_a_new_service_does_not_know_is_gone(place: Place) -> None:
    first, second = FakeRoom(), FakeRoom()
    first.show(AlarmPart("cold head", "too warm", 1.0, True))
    first.show(RunPart("running", "shot 1000"))
    with Client(where_is(LABORATORY, place), place=place, wait_s=0) as client:
        with Server(first, first.log, place=place):
            eventually(client, lambda: bool(client.snapshot().of(AlarmPart)))
            assert client.submit(TakeControl()).ok
            seen = client.snapshot().sequence
        second.show(RunPart("idle", "started again"))
        with Server(second, second.log, place=place):
            eventually(client, lambda: client.snapshot().of(RunPart)[0].doing == "started again")
            told = {type(change.part): change.part for change in client.changes(seen)}
            alarm = told[AlarmPart]
            assert isinstance(alarm, AlarmPart)
            assert alarm.gone
            assert client.snapshot().of(ControlPart)[0].holder == ""
            assert not client.submit(Pause()).ok


def test_who_waits_for_changes_is_let_go_at_the_end(server: Server, place: Place) -> None:
    with Client(server.where, place=place) as client:
        changes = client.changes(client.snapshot().sequence, 3600.0)
    assert list(changes) == []
    with pytest.raises(NoAnswerError, match="closed"):
        client.submit(Read("magnet.current_A"))


def test_the_client_is_light() -> None:
    heavy = ["numpy", "scipy", "h5py", "pydantic", "asyncio"]
    check = f"import sys, daq.service.client; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=30, check=True)
    assert result.stdout.strip() == "[]"
