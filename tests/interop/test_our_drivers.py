"""The other way round: our drivers speak to simulators that other people wrote."""

import asyncio
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from config.laboratory import InstrumentConfiguration
from drivers.registry import connect

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.somebody_elses_client]

STATUS = (0, 0)
"""Ready and not energised."""
NUMBERS = (-0.0, -0.0, 65.627, 65.49, 66.21, 66.95, 219.18, 219.04, 218.94, 219.21, -0.24, 0.22, 10613.5)
IDENTITY = (0, 0, 10556, 0x0418, 0x029A, 0x0475)
"""Units psi and °F, serial number, model and software of a real unit; so are the numbers above."""


def compressor_registers() -> list[int]:
    numbers = [word for number in NUMBERS for word in reversed(struct.unpack(">HH", struct.pack(">f", number)))]
    return [*STATUS, *numbers, *IDENTITY, *[0] * 19]


@contextmanager
def modbus_server(registers: list[int]) -> Iterator[int]:
    """pymodbus' own server with these input registers; yields its port."""
    server_module = pytest.importorskip("pymodbus.server")
    simulator = pytest.importorskip("pymodbus.simulator")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> tuple[object, int]:
        kind = simulator.DataType
        blocks = (
            [simulator.SimData(0, values=False, datatype=kind.BITS)],
            [simulator.SimData(0, values=False, datatype=kind.BITS)],
            [simulator.SimData(1, values=0, datatype=kind.REGISTERS)],
            [simulator.SimData(1, values=registers, datatype=kind.REGISTERS)],
        )
        server = server_module.ModbusTcpServer(simulator.SimDevice(1, simdata=blocks), address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        return server, server.transport.sockets[0].getsockname()[1]

    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(server.shutdown(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_our_compressor_driver_and_pymodbus_server() -> None:
    with modbus_server(compressor_registers()) as port:
        configuration = InstrumentConfiguration(
            role="compressor", driver="cryomech_cpa", address=f"TCPIP::127.0.0.1::{port}::SOCKET"
        )
        compressor = connect("compressor", configuration)
        identity = compressor.identify()
        assert (identity.model, identity.serial, identity.firmware) == ("CPA1114", "10556", "2.154")
        assert compressor.status().state == "ready to start"
        assert compressor.read("coolant_in_C") == pytest.approx(18.68, abs=0.01)
        assert compressor.read("low_pressure_bar") == pytest.approx(15.11, abs=0.01)
        assert compressor.read("hours") == 10613.5
        compressor.switch_off()
        compressor.close()
