"""A room that is served, with keys of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from daq.service.client import Client
from daq.service.messages import Pace
from daq.service.place import Place
from daq.service.server import Server
from tests.daq.service.raw import Raw
from tests.daq.service.room import FakeRoom

HASTY = Pace(beat_s=0.1, silent_s=0.5, lost_s=1.5)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state")


@pytest.fixture
def room() -> FakeRoom:
    return FakeRoom()


@pytest.fixture
def server(room: FakeRoom, place: Place) -> Iterator[Server]:
    with Server(room, room.log, place=place) as server:
        yield server
        room.released.set()


@pytest.fixture
def connect(server: Server, place: Place) -> Iterator[Callable[[str], Client]]:
    """Clients by the name of their program."""
    with ExitStack() as stack:
        yield lambda program: stack.enter_context(Client(server.where, program=program, place=place))


@pytest.fixture
def raw(server: Server, place: Place) -> Iterator[Raw]:
    """Greeted."""
    with Raw(server.where, place) as raw:
        yield raw.greet()
