"""Keys and addresses belong to one user, and a file tells where a service is."""

import os
import platform
import stat
import sys
from pathlib import Path

import msgspec
import pytest
import zmq

from config.places import state_directory
from daq.face.commands import Read
from daq.service.client import Client
from daq.service.errors import ServiceError
from daq.service.keys import Keys, own_name
from daq.service.place import Place
from daq.service.server import Server
from daq.service.where import Where, read, running, where_is
from tests.daq.service.raw import eventually
from tests.daq.service.room import LABORATORY, FakeRoom

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_made_for_one_user(server: Server, place: Place) -> None:
    Keys(place).client()
    for path in [place.root, *place.root.rglob("*")]:
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_the_state_directory_is_where_the_system_wants_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Place().root == tmp_path / "clusterbeam"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    assert state_directory() == Path.home() / ".local" / "state" / "clusterbeam"


@pytest.mark.parametrize("directory", ["", "keys", "keys/allowed", "where"])
def test_a_directory_that_others_can_enter_is_refused(directory: str, room: FakeRoom, place: Place) -> None:
    (place.root / directory).chmod(0o755)
    with pytest.raises(ServiceError, match=r"by others \(mode 755\).*chmod 700"):
        Place(place.root)


@pytest.mark.parametrize("name", ["server.key", "client.key"])
def test_a_secret_that_others_can_read_is_refused(name: str, room: FakeRoom, place: Place) -> None:
    Keys(place).server()
    Keys(place).client()
    (place.keys / name).chmod(0o640)
    with pytest.raises(ServiceError, match=r"mode 640.*chmod 600"), Server(room, room.log, place=place) as server:
        Client(server.where, place=place)


def test_a_file_without_a_key_is_refused(place: Place) -> None:
    Keys(place).server()
    (place.keys / "server.key").write_text("nothing")
    with pytest.raises(ServiceError, match="40 characters"):
        Keys(place).server()


def test_keys_are_made_once(place: Place) -> None:
    assert Keys(place).server() == Keys(place).server() != Keys(place).client()


def test_a_key_is_known_by_the_name_of_its_file(place: Place) -> None:
    keys, stranger = Keys(place), zmq.curve_keypair()[0]
    assert keys.holder(stranger, "192.168.1.7") == ""
    allowed = place.allowed / "anna@office.pub"
    allowed.write_bytes(stranger + b"\n")
    assert keys.holder(stranger, "192.168.1.7") == "anna@office"
    allowed.chmod(0o666)
    with pytest.raises(ServiceError, match="written by others"):
        keys.holder(stranger, "192.168.1.7")
    allowed.rename(place.allowed / "not a name.pub")
    assert keys.holder(stranger, "192.168.1.7") == ""


def test_the_own_key_opens_only_from_this_computer(place: Place) -> None:
    own = Keys(place).client().public
    assert Keys(place).holder(own, "127.0.0.1") == own_name()
    assert Keys(place).holder(own, "192.168.1.7") == ""


def test_a_window_on_another_computer_comes_in_by_files(room: FakeRoom, place: Place, tmp_path: Path) -> None:
    """Keys are exchanged by file; the where file is copied as it is, and its other address used."""
    office = Place(tmp_path / "office")
    Keys(office).client()
    with Server(room, room.log, place=place, bind="tcp://127.0.0.1:*") as server:
        (place.allowed / "anna@office.pub").write_text((office.keys / "client.pub").read_text())
        where = msgspec.structs.replace(read(server.where), host="elsewhere", endpoint="tcp://127.0.0.1:9")
        (tmp_path / "lab.json").write_bytes(msgspec.json.encode(where))
        with Client(tmp_path / "lab.json", place=office, program="window") as client:
            assert client.name == "anna@office:window"
            assert client.submit(Read("magnet.current_A")).ok
            (place.allowed / "anna@office.pub").unlink()
            eventually(client, lambda: "refuses this program's key" in client.trouble)
    assert "anna@office:window" in room.logged("not allowed any more")
    assert room.done == [(Read("magnet.current_A"), "anna@office:window")]


def test_a_service_is_for_its_own_computer_unless_it_is_told(server: Server) -> None:
    where = read(server.where)
    assert where.endpoint.startswith("tcp://127.0.0.1:")
    with pytest.raises(ServiceError, match="own computer only"):
        msgspec.structs.replace(where, host="elsewhere").address()


def test_a_service_for_everybody_tells_its_name(room: FakeRoom, place: Place) -> None:
    with Server(room, room.log, place=place, bind="tcp://0.0.0.0:*") as server:
        assert read(server.where).outside.startswith(f"tcp://{platform.node()}:")


@pytest.mark.parametrize("bind", ["5599", "ipc:///tmp/lab", "tcp://no.such.host.invalid:5599", "tcp://127.0.0.1:99999"])
def test_an_address_that_cannot_be_is_refused(bind: str, room: FakeRoom, place: Place) -> None:
    with pytest.raises(ServiceError, match="tcp://ADDRESS:PORT"), Server(room, room.log, place=place, bind=bind):
        pass
    with Server(room, room.log, place=place):
        pass


def test_a_laboratory_is_served_once(server: Server, room: FakeRoom, place: Place) -> None:
    with pytest.raises(ServiceError, match=f"process {os.getpid()} on "), Server(room, room.log, place=place):
        pass
    assert running(place) == {LABORATORY: server.where}


def test_the_file_tells_and_goes_with_the_service(room: FakeRoom, place: Place) -> None:
    path = where_is(LABORATORY, place)
    with Server(room, room.log, place=place):
        where = read(path)
        assert (where.laboratory, where.pid) == (LABORATORY, os.getpid())
    assert not path.exists()
    with pytest.raises(ServiceError, match="no service runs"):
        read(path)


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "a%2Fb", "Wien, Keller"])
def test_any_laboratory_has_a_file_of_its_own(name: str, place: Place) -> None:
    assert where_is(name, place).parent == place.where
    assert len({where_is(other, place) for other in (name, "a-b", "b")}) == 3


def test_a_file_that_a_killed_service_left_is_recognised(room: FakeRoom, place: Place) -> None:
    with Server(room, room.log, place=place) as server:
        left = server.where.read_text()
    server.where.write_text(left)
    with pytest.raises(ServiceError, match="ended without a word"):
        read(server.where)
    assert running(place) == {}
    with Server(room, room.log, place=place):
        assert read(server.where).since > msgspec.json.decode(left, type=Where).since


@pytest.mark.parametrize("text", ["", "{", "[]", '{"laboratory": 1}'])
def test_a_file_that_tells_nothing_is_refused(text: str, place: Place) -> None:
    (place.where / "x.json").write_text(text)
    with pytest.raises(ServiceError, match="does not tell"):
        read(place.where / "x.json")
