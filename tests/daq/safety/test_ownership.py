"""One owner per instrument: who it is can be read, whoever comes late is told, and locks go with the last who has them."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import IO, cast

import pytest

from config.places import state_directory
from daq.safety import ownership
from daq.safety.ownership import Owned, Owner, Ownership, mark_ending, owner_of

MAGNET, LASER, PROBE = (f"TCPIP::192.0.2.1::{port}::SOCKET" for port in (5001, 5002, 5003))
OWNS = """
import os, subprocess, sys
from daq.safety.ownership import Ownership, mark_ending
with Ownership(sys.argv[2:]) as owned:
    owned.tell(("127.0.0.1", 4711), "beef")
    if sys.argv[1] == "ending":
        mark_ending(owned.descriptors, os.getpid(), "guard, making everything safe")
    if sys.argv[1] == "heir":
        subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], pass_fds=owned.descriptors)
    print("owns", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def refused_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "GLANCE_S", 0.1)


@contextmanager
def somebody_else(*addresses: str, what: str = "") -> Iterator[subprocess.Popen[str]]:
    """Another process that owns these addresses until its standard input ends."""
    words = [sys.executable, "-P", "-c", OWNS, what, *addresses]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert cast(IO[str], process.stdout).readline() == "owns\n"
        yield process
        ends(process)
    assert owner_of(addresses) is None


def ends(process: subprocess.Popen[str]) -> None:
    """It, and whoever has inherited its wires, are gone."""
    cast(IO[str], process.stdin).close()
    assert cast(IO[str], process.stdout).read() == ""
    process.wait(10)


def while_waiting(monkeypatch: pytest.MonkeyPatch, *happens: Callable[[], object]) -> list[float]:
    """Whenever the next waiting would be a sleep, the next of these happens in its place; what was slept."""
    slept: list[float] = []
    left = iter(happens)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        next(left, lambda: time.sleep(seconds))()

    monkeypatch.setattr(ownership, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    return slept


def test_who_owns_an_instrument_can_be_read() -> None:
    assert owner_of([MAGNET]) is None
    with somebody_else(MAGNET) as process:
        owner = owner_of([LASER, MAGNET])
        assert owner is not None
        assert (owner.pid, owner.guard, owner.key, owner.ending) == (process.pid, ("127.0.0.1", 4711), "beef", False)
        assert str(process.pid) in str(owner)
        assert "-c" in owner.program
    assert owner_of([LASER, MAGNET]) is None


def test_only_this_user_can_read_the_key() -> None:
    with Ownership([MAGNET]) as owned:
        owned.tell(("127.0.0.1", 1), "secret")
        (path,) = [path for path in state_directory("owners").iterdir() if "secret" in path.read_text()]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == ""


def test_a_second_owner_is_refused_and_told_who_the_first_is() -> None:
    with somebody_else(MAGNET) as process:
        with pytest.raises(Owned, match=rf"^{MAGNET} belongs to process {process.pid} .*`clusterbeam safe` asks it") as refused:
            Ownership([MAGNET]).__enter__()
        assert refused.value.owner is not None
        assert refused.value.owner.pid == process.pid


def test_addresses_are_the_same_however_they_are_written() -> None:
    with Ownership([MAGNET]), pytest.raises(Owned):
        Ownership([MAGNET.lower()]).__enter__()


def test_two_laboratories_that_share_an_instrument_exclude_each_other() -> None:
    """Whoever is refused has nothing, so that a third one may have what both wanted."""
    with somebody_else(MAGNET, PROBE), pytest.raises(Owned, match=f"^{MAGNET} "):
        Ownership([LASER, MAGNET]).__enter__()
    with somebody_else(MAGNET, PROBE), Ownership([LASER]):
        assert cast(Owner, owner_of([LASER])).pid == os.getpid()


def test_a_guard_that_makes_everything_safe_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with somebody_else(MAGNET, what="ending") as process:
        assert cast(Owner, owner_of([MAGNET])).ending
        monkeypatch.setattr(ownership, "GLANCE_S", 0.0)
        slept = while_waiting(monkeypatch, lambda: None, lambda: None, lambda: ends(process))
        with Ownership([MAGNET]):
            assert len(slept) == 3
            assert not cast(Owner, owner_of([MAGNET])).ending


def test_a_guard_that_does_not_end_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "ENDING_S", 0.0)
    with somebody_else(MAGNET, what="ending"), pytest.raises(Owned, match="guard, making everything safe"):
        Ownership([MAGNET]).__enter__()


def test_whoever_only_looks_is_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of an owner that was killed are still there while somebody looks whether its lock is."""
    with Ownership([MAGNET]) as owned:
        mark_ending(owned.descriptors, 1, "gone long ago")
        words = next(path for path in state_directory("owners").iterdir() if "gone long ago" in path.read_text()).read_text()
    path = ownership._path(MAGNET)
    path.write_text(words.replace('"ending": true', '"ending": false'))
    looks = os.open(path, os.O_RDWR)
    assert ownership._lock(looks, shared=True)
    assert owner_of([MAGNET]) is None, "two who look do not take each other for owners"
    slept = while_waiting(monkeypatch, lambda: os.close(looks))
    with Ownership([MAGNET]):
        assert len(slept) == 1


def test_a_killed_owner_owns_nothing() -> None:
    with somebody_else(MAGNET, LASER) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        assert owner_of([MAGNET, LASER]) is None
        with Ownership([MAGNET, LASER]) as owned:
            assert len(owned.descriptors) == 2


def test_locks_go_with_the_last_process_that_has_inherited_them() -> None:
    with somebody_else(MAGNET, what="heir") as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        assert cast(Owner, owner_of([MAGNET])).pid == process.pid
        with pytest.raises(Owned):
            Ownership([MAGNET]).__enter__()


def test_words_of_an_owner_that_make_no_sense_are_nobodys(tmp_path: Path) -> None:
    with Ownership([MAGNET]) as owned:
        for words in (b"", b"[1]", b'{"pid": 1}', b"\xff", b"null"):
            os.ftruncate(owned.descriptors[0], 0)
            os.pwrite(owned.descriptors[0], words, 0)
            assert owner_of([MAGNET]) is None
            with pytest.raises(Owned, match="belongs to another program"):
                Ownership([MAGNET]).__enter__()
