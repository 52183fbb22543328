"""The process of a simulated laboratory on real sockets and pseudo-terminals, and its control socket."""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pytest

from config.laboratory import read_laboratory
from simulators.wire.remote import Remote

QUIET_S = 0.3


@contextmanager
def process(directory: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    config = directory / "laboratory.toml"
    command = [sys.executable, "-P", "-m", "simulators", "--json", "--until-stdin-closes", "--write-config", str(config)]
    running = subprocess.Popen([*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with running:
        try:
            json.loads(cast(IO[bytes], running.stdout).readline())
            yield running, config
        finally:
            cast(IO[bytes], running.stdin).close()
            assert running.wait(10) == 0


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with process(tmp_path_factory.mktemp("laboratory"), "--speed", "50") as (_, path):
        yield path


def endpoint(config: Path, name: str) -> tuple[str, int]:
    _, host, port, _ = read_laboratory(config)[0].instruments[name].address.split("::")
    return host, int(port)


def ask(connection: socket.socket, data: bytes, wanted: int) -> bytes:
    connection.sendall(data)
    reply = b""
    while len(reply) < wanted:
        piece = connection.recv(4096)
        if not piece:
            break
        reply += piece
    return reply


@pytest.fixture
def control(config: Path) -> Iterator[Remote]:
    with Remote(read_laboratory(config)[0].control) as client:
        yield client


def test_one_client_at_a_time_and_the_next_one_after_it(config: Path) -> None:
    for _ in range(3):
        with socket.create_connection(endpoint(config, "magnet"), timeout=5) as first:
            assert ask(first, b"P", 0) == b""
            assert ask(first, b"O\r", 3) == b"+\n\r"
            with socket.create_connection(endpoint(config, "magnet"), timeout=5) as second:
                second.sendall(b"PO\r")
                try:
                    assert second.recv(10) == b""
                except ConnectionResetError:
                    continue


def test_wire_faults_come_once_and_go(config: Path, control: Remote) -> None:
    good = b"+\n\r"
    for kind, expected in (("half_reply", b"+"), ("double_reply", good * 2), ("delay", good)):
        control(do="fault", instrument="magnet", kind=kind, count=1)
        with socket.create_connection(endpoint(config, "magnet"), timeout=5) as connection:
            assert ask(connection, b"PO\r", len(expected)) == expected
            assert ask(connection, b"PO\r", len(good)) == good
    control(do="fault", instrument="magnet", kind="silence", count=1)
    with socket.create_connection(endpoint(config, "magnet"), timeout=5) as connection:
        connection.sendall(b"PO\r")
        assert not select.select([connection], [], [], QUIET_S)[0]
        assert ask(connection, b"PO\r", len(good)) == good
    control(do="fault", instrument="magnet", kind="drop", count=1)
    with socket.create_connection(endpoint(config, "magnet"), timeout=5) as connection:
        connection.sendall(b"PO\r")
        try:
            assert connection.recv(10) == b""
        except ConnectionResetError:
            return


def test_the_control_socket_tells_the_truth_and_refuses_nonsense(control: Remote) -> None:
    assert control(do="state", instrument="magnet")["state"]["on"] is False
    assert set(control(do="state")["states"]) >= {"magnet", "digitizer", "cold_head"}
    before = control(do="clock")["now_s"]
    assert control(do="clock", advance=1000)["now_s"] >= before + 1000
    for request, said in (
        ({"do": "dance"}, "cannot do 'dance'"),
        ({"do": "state", "instrument": "toaster"}, "no instrument 'toaster'"),
        ({"do": "fault", "instrument": "magnet", "kind": "boredom"}, "no fault 'boredom'"),
        ({"do": "fault", "instrument": "magnet", "kind": "silence", "count": 0}, "count = 0 must be 1 to"),
        ({"do": "clock", "advance": -1}, "cannot be turned back"),
    ):
        answer = control.ask(**request)
        assert not answer["ok"]
        assert said in answer["error"]


def test_a_power_cycle_forgets(config: Path, control: Remote) -> None:
    with socket.create_connection(endpoint(config, "delay_generator"), timeout=5) as connection:
        assert ask(connection, b"TRAT 33;TRAT?\n", 11) == b"33.000000\r\n"
        control(do="fault", instrument="delay_generator", kind="reboot")
        assert ask(connection, b"TRAT?\n", 13) == b"1000.000000\r\n"


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
def test_serial_instruments_on_pseudo_terminals(tmp_path: Path) -> None:
    with process(tmp_path, "--serial") as (_, path):
        laboratory = read_laboratory(path)[0]
        address = laboratory.instruments["magnet"].address
        assert address.startswith("ASRL/dev/pts/")
        assert laboratory.instruments["digitizer"].address.startswith("TCPIP")
        line = os.open(address.removeprefix("ASRL").removesuffix("::INSTR"), os.O_RDWR | os.O_NOCTTY)
        os.write(line, b"P")
        os.write(line, b"O\r")
        assert select.select([line], [], [], 5)[0]
        reply = b""
        while not reply.endswith(b"\r"):
            reply += os.read(line, 10)
        os.close(line)
        assert reply == b"+\n\r"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--speed", "-1"], "must be positive"),
        (["--truth", "missing.toml"], "cannot read missing.toml"),
        (["--config", "missing.toml"], "cannot read missing.toml"),
    ],
)
def test_bad_input_is_one_sentence(options: list[str], said: str) -> None:
    result = subprocess.run([sys.executable, "-P", "-m", "simulators", *options], capture_output=True, text=True, timeout=30)
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
