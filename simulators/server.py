"""The process of a simulated laboratory: every instrument on its wire, the control socket, until told to end."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from config.laboratory import Laboratory, SerialFraming
from simulators.laboratory import NETWORK_ONLY, SimulatedLaboratory
from simulators.wire.clock import Clock
from simulators.wire.control import Control
from simulators.wire.port import Port
from simulators.wire.schedule import play, read_schedule
from simulators.wire.tcp import TcpServer

EIGHT_BITS = SerialFraming(data_bits=8, parity="none")
PASS_S = 0.25
PORT = re.compile(r"TCPIP\d*::[^:]+::(\d+)::SOCKET", re.IGNORECASE)


@dataclass(frozen=True)
class Wiring:
    """How the instruments are put on their wires."""

    fixed_ports: bool = False
    serial: bool = False
    control_port: int = 0
    faults: Path | None = None
    transfer_MB_s: float | None = None
    """How fast the digitizer's network is; without it as fast as this machine."""


async def start(
    simulated: SimulatedLaboratory, laboratory: Laboratory, clock: Clock, wiring: Wiring, context: AsyncExitStack
) -> Laboratory:
    """Put every instrument on its wire; the laboratory with the real addresses.  `context` stops them."""
    digitizer = laboratory.named("digitizer")
    slow = {} if wiring.transfer_MB_s is None else {digitizer: 1e6 * wiring.transfer_MB_s}
    ports = {name: Port(instrument, clock, slow.get(name)) for name, instrument in simulated.instruments.items()}
    faults = read_schedule(wiring.faults, ports) if wiring.faults else []
    addresses = {}
    for name, port in ports.items():
        configured = laboratory.instruments[name]
        if wiring.serial and configured.driver not in NETWORK_ONLY:
            addresses[name] = await _on_serial_line(port, context)
            continue
        match = PORT.fullmatch(configured.address)
        server = TcpServer(port)
        number = await server.start(int(match[1]) if wiring.fixed_ports and match else 0)
        context.push_async_callback(server.stop)
        addresses[name] = f"TCPIP::127.0.0.1::{number}::SOCKET"
    control = Control(ports, clock)
    control_port = await control.start(wiring.control_port)
    context.push_async_callback(control.stop)
    for task in (play(faults, ports, clock), _let_time_pass(ports.values(), clock)):
        context.callback(asyncio.create_task(task).cancel)
    instruments = {
        # A pseudo-terminal frames nothing, and Linux refuses to set it to seven bits.
        name: configured.model_copy(
            update={"address": address} | ({"serial": EIGHT_BITS} if address.startswith("ASRL") else {})
        )
        for name, configured in laboratory.instruments.items()
        for address in (addresses[name],)
    }
    changes = {
        "instruments": instruments,
        "control": f"127.0.0.1:{control_port}",
        "clock": laboratory.clock.model_copy(update={"speed": clock.speed}),
    }
    return laboratory.model_copy(update=changes)


async def _let_time_pass(ports: Collection[Port], clock: Clock) -> None:
    """Instruments live on while nobody asks them: one that had to catch up on an hour would keep all the others waiting."""
    while True:
        await asyncio.sleep(PASS_S)
        for port in ports:
            port.instrument.state(clock.now())


async def _on_serial_line(port: Port, context: AsyncExitStack) -> str:
    # Pseudo-terminals exist on POSIX systems only.
    from simulators.wire.serial_line import SerialLine

    line = SerialLine(port)
    line.start()
    context.push_async_callback(line.stop)
    return f"ASRL{line.name}::INSTR"


async def until_ended(*, stdin: bool) -> None:
    """Wait for SIGINT or SIGTERM, or, if asked, for the end of standard input."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))
    if stdin:
        Thread(target=_read_to_end, args=(lambda: loop.call_soon_threadsafe(ended.set),), daemon=True).start()
    await ended.wait()


def _read_to_end(then: Callable[[], object]) -> None:
    # The bare descriptor: a buffered read would hold a lock that the interpreter wants when it ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    with suppress(RuntimeError):
        # The loop may have ended by a signal meanwhile.
        then()
