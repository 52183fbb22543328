"""The same exchange over a real socket and a real pseudo-terminal, and what a vanished or tardy peer looks like."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

import numpy as np
import pytest
import pyvisa

from drivers.errors import GarbledReply, LinkClosed, LinkTimeout
from drivers.links import Link, Probe, SerialSettings, Terminated, open_link
from drivers.links.visa_transport import VisaTransport

pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX")

DEADLINE_S = 20.0
"""Of exchanges that must not be waited for."""
PATIENCE_S = 10.0
"""After this a peer gives up, so that a failing test ends."""
PROBE = Probe(b"*IDN?\n", lambda reply: reply == b"ME")
both = pytest.mark.parametrize("bare", [False, True], ids=["visa", "bare socket"])

Peer = Callable[[socket.socket], object]


@pytest.fixture
def helper() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def serve(helper: ThreadPoolExecutor) -> Iterator[Callable[[Peer], tuple[str, Future[object]]]]:
    """Runs a peer on the first connection; gives its address, and what the peer returns."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)

        def start(peer: Peer) -> tuple[str, Future[object]]:
            def run() -> object:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(PATIENCE_S)
                    return peer(connection)

            return f"TCPIP::127.0.0.1::{listener.getsockname()[1]}::SOCKET", helper.submit(run)

        yield start


Serve = Callable[[Peer], tuple[str, Future[object]]]


class Opened(Protocol):
    def __call__(self, address: str, bare: bool, timeout_s: float = 5.0, terminator: bytes = b"\r\n") -> Link: ...


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens links that are closed when the test ends, however it ends."""
    links: list[Link] = []

    def make(address: str, bare: bool, timeout_s: float = 5.0, terminator: bytes = b"\r\n") -> Link:
        links.append(open_link("unit", address, Terminated(terminator), PROBE, bare_socket=bare, timeout_s=timeout_s))
        return links[-1]

    yield make
    for link in links:
        link.close()


def line(connection: socket.socket) -> bytes:
    """One command, however it is cut into packets."""
    data = b""
    while not data.endswith(b"\n"):
        piece = connection.recv(1)
        if not piece:
            break
        data += piece
    return data


def wait_for_end(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


@both
def test_a_reply_may_come_in_pieces_with_long_gaps(opened: Opened, serve: Serve, bare: bool) -> None:
    go_on = threading.Event()

    def peer(connection: socket.socket) -> bytes:
        asked = line(connection)
        for piece in (b"1", b"24.", b"5\r", b"\n"):
            connection.sendall(piece)
            # Longer than a single wait of the link.
            go_on.wait(0.08)
        wait_for_end(connection)
        return asked

    address, served = serve(peer)
    link = opened(address, bare)
    assert link.query(b"V?\n") == b"124.5"
    link.close()
    assert served.result(5) == b"V?\n"


@both
def test_after_a_timeout_the_late_reply_is_thrown_away(opened: Opened, serve: Serve, bare: bool) -> None:
    gave_up = threading.Event()

    def peer(connection: socket.socket) -> list[bytes]:
        asked = [line(connection)]
        connection.sendall(b"la")
        gave_up.wait(5)
        connection.sendall(b"te\r\n")
        while command := line(connection):
            asked.append(command)
            connection.sendall({b"*IDN?\n": b"ME\r\n"}.get(command, b"b\r\n"))
        return asked

    address, served = serve(peer)
    link = opened(address, bare, timeout_s=0.2)
    with pytest.raises(LinkTimeout, match="only b'la' came"):
        link.query(b"A?\n")
    gave_up.set()
    assert link.query(b"B?\n", 5.0) == b"b"
    link.close()
    assert served.result(5) == [b"A?\n", b"*IDN?\n", b"B?\n"]


@both
def test_a_refused_connection_is_an_error_at_once(opened: Opened, bare: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"TCPIP::127.0.0.1::{unused.getsockname()[1]}::SOCKET"
        with pytest.raises(LinkClosed, match=r"unit: cannot connect to .*refused"):
            opened(address, bare)


@both
@pytest.mark.parametrize("said", [b"", b"half a rep"])
def test_a_peer_that_closes_is_noticed_long_before_the_deadline(opened: Opened, serve: Serve, bare: bool, said: bytes) -> None:
    def peer(connection: socket.socket) -> None:
        line(connection)
        connection.sendall(said)

    address, _ = serve(peer)
    link = opened(address, bare, DEADLINE_S)
    started = time.monotonic()
    with pytest.raises(LinkClosed, match="unit: the connection is lost"):
        link.query(b"V?\n")
    assert time.monotonic() - started < DEADLINE_S / 4
    with pytest.raises(LinkClosed):
        link.query(b"V?\n")


@both
def test_a_peer_that_closed_between_exchanges_is_noticed(opened: Opened, serve: Serve, bare: bool) -> None:
    address, served = serve(lambda connection: None)
    link = opened(address, bare, DEADLINE_S)
    served.result(5)
    started = time.monotonic()
    with pytest.raises(LinkClosed):
        link.query(b"V?\n")
    assert time.monotonic() - started < DEADLINE_S / 4


@both
def test_a_link_can_be_closed_while_another_thread_waits(opened: Opened, serve: Serve, bare: bool) -> None:
    asked = threading.Event()

    def peer(connection: socket.socket) -> None:
        line(connection)
        asked.set()
        wait_for_end(connection)

    address, _ = serve(peer)
    link = opened(address, bare, DEADLINE_S)
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(link.query, b"V?\n")
        assert asked.wait(5)
        link.close()
        with pytest.raises(LinkClosed):
            waiting.result(DEADLINE_S / 4)


@pytest.mark.parametrize("cut_short", [False, True])
def test_a_block_is_received_into_memory_and_a_broken_one_does_not_shift_what_follows(
    opened: Opened, serve: Serve, cut_short: bool
) -> None:
    """After a time-out in the middle of a block its rest, line feeds and all, lies between us and the next reply."""
    data = np.random.default_rng(1).integers(-(2**15), 2**15, 2_000_000).astype("<i2")
    block = b"#7%d" % data.nbytes + data.tobytes() + b"\n"
    gave_up = threading.Event()

    def peer(connection: socket.socket) -> None:
        while command := line(connection):
            if command == b"DATA?\n":
                if cut_short and not gave_up.is_set():
                    connection.sendall(block[:1_000_000])
                    gave_up.wait(5)
                    connection.sendall(block[1_000_000:])
                else:
                    connection.sendall(block)
            else:
                connection.sendall({b"*IDN?\n": b"ME\n"}.get(command, b"b\n"))

    address, served = serve(peer)
    link = opened(address, True, terminator=b"\n")
    got = np.empty_like(data)
    if cut_short:
        with pytest.raises(LinkTimeout, match=r"a block stopped after [1-9]"):
            link.query_block(b"DATA?\n", got.view(np.uint8).data, 0.3)
        gave_up.set()
        assert link.query(b"B?\n") == b"b"
    link.query_block(b"DATA?\n", got.view(np.uint8).data, 5.0)
    assert np.array_equal(got, data)
    assert link.query(b"B?\n") == b"b"
    link.close()
    served.result(5)


def test_a_block_of_another_size_is_refused_and_cleared_away(opened: Opened, serve: Serve) -> None:
    def peer(connection: socket.socket) -> None:
        while command := line(connection):
            replies = {b"DATA?\n": b"#510000" + b"\n" * 10_000 + b"\n", b"*IDN?\n": b"ME\n"}
            connection.sendall(replies.get(command, b"b\n"))

    address, served = serve(peer)
    link = opened(address, True, terminator=b"\n")
    with pytest.raises(GarbledReply, match="a block of 8 bytes was expected"):
        link.query_block(b"DATA?\n", memoryview(bytearray(8)), 5.0)
    assert link.query(b"B?\n") == b"b"
    link.close()
    served.result(5)


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """Our end of a pseudo-terminal, and the address of the other."""
    ours, theirs = pty.openpty()
    yield ours, f"ASRL{os.ttyname(theirs)}::INSTR"
    for end in (ours, theirs):
        os.close(end)


def test_an_exchange_over_a_serial_line(terminal: tuple[int, str], helper: ThreadPoolExecutor) -> None:
    ours, address = terminal
    gap = threading.Event()

    def instrument() -> bytes:
        asked = os.read(ours, 100)
        for piece in (b"12", b"4.5", b"\r", b"\nrest"):
            os.write(ours, piece)
            gap.wait(0.08)
        return asked

    served = helper.submit(instrument)
    link = open_link("unit", address, Terminated(b"\r\n"), serial=SerialSettings(baud=9600), timeout_s=5.0)
    assert link.query(b"V?\n") == b"124.5"
    assert served.result(5) == b"V?\n"
    link.close()


def test_what_came_on_a_serial_line_is_not_lost_on_a_busy_machine(terminal: tuple[int, str]) -> None:
    """Taking so many bytes one by one lasts longer than the wait that is allowed for the first of them."""
    ours, address = terminal
    data = bytes(range(32, 127)) * 40
    transport = VisaTransport(address, SerialSettings())
    try:
        os.write(ours, data)
        got = b""
        while len(got) < len(data):
            got += transport.receive(1 << 16, None, 0.001)
        assert got == data
    finally:
        transport.close()


def test_a_serial_line_that_goes_away_is_noticed(helper: ThreadPoolExecutor) -> None:
    ours, theirs = pty.openpty()
    link = open_link("unit", f"ASRL{os.ttyname(theirs)}::INSTR", Terminated(b"\n"), timeout_s=DEADLINE_S)
    os.close(theirs)

    def instrument() -> None:
        os.read(ours, 100)
        os.close(ours)

    helper.submit(instrument)
    started = time.monotonic()
    with pytest.raises(LinkClosed):
        link.query(b"V?\n")
    assert time.monotonic() - started < DEADLINE_S / 4


def test_silence_on_a_serial_line_is_a_timeout(terminal: tuple[int, str]) -> None:
    link = open_link("unit", terminal[1], Terminated(b"\n"), timeout_s=0.1)
    with pytest.raises(LinkTimeout):
        link.query(b"V?\n")
    link.close()


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "nonsense",
        "TCPIP::nowhere::SOCKET",
        "TCPIP::no-such-host.invalid::5025::SOCKET",
        "TCPIP::127.0.0.1::99999::SOCKET",
        "ASRL/dev/does-not-exist::INSTR",
    ],
)
@both
def test_an_address_that_leads_nowhere(wrong: str, bare: bool) -> None:
    with pytest.raises(LinkClosed, match="unit: cannot connect"):
        open_link("unit", wrong, Terminated(b"\n"), bare_socket=bare)


def test_a_line_that_cannot_be_set_as_the_instrument_needs_it_is_given_back(terminal: tuple[int, str]) -> None:
    """Kernels refuse 7 bits with parity on a pseudo-terminal, or take them; neither may leave the line open."""
    before = sessions()
    with suppress(LinkClosed):
        open_link("unit", terminal[1], Terminated(b"\n"), serial=SerialSettings(57600, 7, "odd")).close()
    assert sessions() == before


def test_nothing_of_a_closed_link_stays_in_the_library(opened: Opened, serve: Serve) -> None:
    address, _ = serve(wait_for_end)
    before = sessions()
    link = opened(address, bare=False)
    assert sessions() == before + 1
    link.close()
    link.close()
    assert sessions() == before


def sessions() -> int:
    return len(pyvisa.ResourceManager("@py").visalib.sessions)
