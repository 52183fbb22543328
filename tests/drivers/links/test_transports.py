"""The same exchange over a real socket and a real pseudo-terminal, and what a vanished peer looks like."""

import os
import pty
import socket
import time
import tty
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from drivers.errors import LinkClosed, LinkTimeout
from drivers.links import SerialSettings, Terminated, open_link

DEADLINE_S = 20.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def helper() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def address(listener: socket.socket) -> str:
    return f"TCPIP::127.0.0.1::{listener.getsockname()[1]}::SOCKET"


@pytest.mark.parametrize("bare", [False, True])
def test_an_exchange_over_tcp(listener: socket.socket, helper: ThreadPoolExecutor, bare: bool) -> None:
    def instrument() -> bytes:
        connection, _ = listener.accept()
        with connection:
            asked = connection.recv(100)
            for piece in (b"4", b".2\r", b"\n"):
                connection.sendall(piece)
            connection.recv(1)
            return asked

    served: Future[bytes] = helper.submit(instrument)
    link = open_link("unit", address(listener), Terminated(b"\r\n"), bare_socket=bare, timeout_s=5.0)
    assert link.query(b"V?\n") == b"4.2"
    link.close()
    assert served.result(5) == b"V?\n"


@pytest.mark.parametrize("bare", [False, True])
def test_a_refused_connection_is_an_error_at_once(bare: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(LinkClosed, match=r"unit: cannot connect to .*refused"):
            open_link("unit", address(unused), Terminated(b"\n"), bare_socket=bare)


@pytest.mark.parametrize("bare", [False, True])
def test_a_peer_that_closes_is_noticed_long_before_the_deadline(
    listener: socket.socket, helper: ThreadPoolExecutor, bare: bool
) -> None:
    def instrument() -> None:
        connection, _ = listener.accept()
        connection.recv(100)
        connection.close()

    helper.submit(instrument)
    link = open_link("unit", address(listener), Terminated(b"\n"), bare_socket=bare, timeout_s=DEADLINE_S)
    started = time.monotonic()
    with pytest.raises(LinkClosed):
        link.query(b"V?\n")
    assert time.monotonic() - started < DEADLINE_S / 4
    with pytest.raises(LinkClosed):
        link.query(b"V?\n")


@pytest.mark.parametrize("bare", [False, True])
def test_silence_is_a_timeout(listener: socket.socket, bare: bool) -> None:
    link = open_link("unit", address(listener), Terminated(b"\n"), bare_socket=bare, timeout_s=0.1)
    with pytest.raises(LinkTimeout):
        link.query(b"V?\n")
    link.close()


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
def test_an_exchange_over_a_pseudo_terminal(helper: ThreadPoolExecutor) -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)

    def instrument() -> bytes:
        asked = os.read(ours, 100)
        for piece in (b"4", b".2\r", b"\nrest"):
            os.write(ours, piece)
        return asked

    served = helper.submit(instrument)
    link = open_link(
        "unit", f"ASRL{os.ttyname(theirs)}::INSTR", Terminated(b"\r\n"), serial=SerialSettings(baud=9600), timeout_s=5.0
    )
    os.close(theirs)
    assert link.query(b"V?\n") == b"4.2"
    assert served.result(5) == b"V?\n"
    link.close()
    os.close(ours)


@pytest.mark.parametrize("wrong", ["", "nonsense", "TCPIP::nowhere::SOCKET", "ASRL/dev/does-not-exist::INSTR"])
def test_an_address_that_leads_nowhere(wrong: str) -> None:
    with pytest.raises(LinkClosed, match="unit: cannot connect"):
        open_link("unit", wrong, Terminated(b"\n"))
