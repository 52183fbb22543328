"""Cryomech CPA: a helium compressor of the cold head, over Modbus/TCP or Modbus RTU.

Sources: the maker's sample code and several clients, as collected in the protocol sheet; *assumed* marks what none confirms.
Requests and replies are built and read by pymodbus; the link keeps the deadline.  All values come from one reply, so that a
number and its unit (registers 29 and 30) belong together.
"""

import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadInputRegistersRequest, WriteSingleRegisterRequest

from drivers.driver import Driver, Pause
from drivers.links import Framing, Link, Probe, SerialSettings
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

FIRST, COUNT, COUNT_3 = 1, 53, 55
"""Input registers; two more since firmware 3."""
PROBE_COUNT = 4
"""No other question asks for as many, so its answer is unmistakable by its length."""
CONTROL, START, STOP = 1, 0x0001, 0xFFFF
STATES = {
    0: "ready to start",
    2: "starting",
    3: "running",
    5: "stopping",
    6: "locked out after errors",
    7: "error",
    8: "cooling down its helium",
    9: "power error",
    15: "recovered from an error",
}
FAULTY = (6, 7, 9)
WEIGHTS = (
    "coolant in high",
    "coolant in low",
    "coolant out high",
    "coolant out low",
    "oil high",
    "oil low",
    "helium high",
    "helium low",
    "low pressure high",
    "low pressure low",
    "high pressure high",
    "high pressure low",
    "delta pressure high",
    "delta pressure low",
    "motor current low",
    "three-phase error",
    "power supply error",
    "static pressure high",
    "static pressure low",
    "cold-head motor stall",
    "coolant in sensor",
    "coolant out sensor",
    "helium sensor",
    "oil sensor",
    "high pressure sensor",
    "low pressure sensor",
    "motor current sensor",
    "motor current high",
    "inverter error",
    "driver communication loss",
    "inverter communication loss",
)
"""Warnings and alarms by their bit."""
FAMILIES = {1: "08", 2: "09", 3: "10", 4: "11", 5: "28"}
VARIANTS = (
    *("A1", "01", "02", "03", "H3", "I3", "04", "H4", "05", "H5", "I6", "06"),
    *("07", "H7", "I7", "08", "09", "9C", "10", "1I", "11", "12", "13", "14"),
)
"""Low byte of the model register, from 1."""
BAR = {0: 0.0689475729, 1: 1.0, 2: 0.01}
CELSIUS: dict[int, Callable[[float], float]] = {0: lambda t: (t - 32) / 1.8, 1: lambda t: t, 2: lambda t: t - 273.15}
"""By the unit registers: psi, bar, kPa; Fahrenheit, Celsius, kelvin."""
LONGEST = 260
Found = TypeVar("Found")


@dataclass(frozen=True)
class ModbusTCP:
    """A header of six bytes, the last two of which count what follows; replies are cut whole, header included."""

    last_byte: int | None = None

    def missing(self, received: bytes | bytearray) -> int:
        return max(1, self._size(received) - len(received))

    def cut(self, received: bytearray) -> bytes | None:
        if len(received) >= 4 and received[2:4] != b"\0\0":
            raise ValueError(f"not a Modbus/TCP header: {bytes(received[:6]).hex(' ')}")
        size = self._size(received)
        if len(received) >= 6 and not 9 <= size <= LONGEST:
            raise ValueError(f"a Modbus/TCP frame of {size} bytes")
        if len(received) < size:
            return None
        reply = bytes(received[:size])
        del received[:size]
        return reply

    @staticmethod
    def _size(received: bytes | bytearray) -> int:
        return 6 + int.from_bytes(received[4:6], "big") if len(received) >= 6 else 9


@dataclass(frozen=True)
class ModbusRTU:
    """Address, function, data, checksum.  How long a reply is follows from its function code; its checksum is checked later."""

    last_byte: int | None = None

    def missing(self, received: bytes | bytearray) -> int:
        return max(1, self._size(received) - len(received))

    def cut(self, received: bytearray) -> bytes | None:
        if len(received) >= 2 and received[1] & 0x7F not in (4, 6):
            raise ValueError(f"a reply with function {received[1]}")
        size = self._size(received)
        if len(received) < size:
            return None
        reply = bytes(received[:size])
        del received[:size]
        return reply

    @staticmethod
    def _size(received: bytes | bytearray) -> int:
        if len(received) < 3:
            return 5
        if received[1] & 0x80:
            return 5
        return 5 + received[2] if received[1] == 4 else 8


@dataclass(frozen=True)
class Block:
    """Input registers as they came; `at` counts from 1 as the maker does."""

    registers: tuple[int, ...]

    def integer(self, at: int) -> int:
        return self.registers[at - 1]

    def number(self, at: int) -> float:
        """IEEE single, low word at the lower address."""
        value: float = struct.unpack(">f", struct.pack(">HH", self.registers[at], self.registers[at - 1]))[0]
        return value

    def mask(self, at: int, at_3: int) -> int:
        """Warnings or alarms: a plain mask since firmware 3, before that a negative number that may have lost its low bits."""
        if len(self.registers) >= COUNT_3:
            return self.integer(at_3) | self.integer(at_3 + 1) << 16
        number = self.number(at)
        return round(-number) if -(2.0**31) < number <= 0 else 0


class CryomechCPA(Driver):
    """Role `compressor`, over Modbus/TCP.  Never touched by the safe order.  `start_s` is the longest wait, in wall time."""

    role = "compressor"
    framing: ClassVar[Framing] = ModbusTCP()
    unit: ClassVar[int] = 1
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("state", "", int, query="1", low=0, high=15, polled=True, source="register 1"),
        Quantity("running", "", bool, query="2", polled=True, source="register 2"),
        Quantity("coolant_in_C", "°C", query="7 temperature", low=-60.0, high=200.0, polled=True, source="registers 7-8"),
        Quantity("coolant_out_C", "°C", query="9 temperature", low=-60.0, high=200.0, polled=True, source="registers 9-10"),
        Quantity("oil_C", "°C", query="11 temperature", low=-60.0, high=200.0, polled=True, source="registers 11-12"),
        Quantity("helium_C", "°C", query="13 temperature", low=-60.0, high=200.0, polled=True, source="registers 13-14"),
        Quantity("low_pressure_bar", "bar", query="15 pressure", low=-1.0, high=60.0, polled=True, source="registers 15-16"),
        Quantity("low_pressure_average_bar", "bar", query="17 pressure", low=-1.0, high=60.0, source="registers 17-18"),
        Quantity("high_pressure_bar", "bar", query="19 pressure", low=-1.0, high=60.0, polled=True, source="registers 19-20"),
        Quantity("high_pressure_average_bar", "bar", query="21 pressure", low=-1.0, high=60.0, source="registers 21-22"),
        Quantity("delta_pressure_average_bar", "bar", query="23 pressure", low=-60.0, high=60.0, source="registers 23-24"),
        Quantity("motor_current_A", "A", query="25 number", low=-1.0, high=200.0, polled=True, source="registers 25-26"),
        Quantity("hours", "h", query="27 number", low=0.0, high=1e6, source="registers 27-28"),
        Quantity("warnings", "", int, query="3 mask 52", low=0, high=0x7FFFFFFF, source="registers 3-4, 52-53"),
        Quantity("alarms", "", int, query="5 mask 54", low=0, high=0x7FFFFFFF, polled=True, source="registers 5-6, 54-55"),
        Quantity("panel_serial_number", "", int, query="31", low=0, high=0xFFFF, source="register 31"),
    )

    def __init__(self, name: str, link: Link, *, start_s: float = 60.0, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        self._framer: FramerSocket | FramerRTU = self._make_framer()
        self._start_s = start_s
        self._transaction = 0
        self._count = COUNT

    def _make_framer(self) -> FramerSocket | FramerRTU:
        return FramerSocket(DecodePDU(False))

    def identify(self) -> Identity:
        model, software = self._registers(32, PROBE_COUNT)[:2]
        family, variant = FAMILIES.get(model >> 8), model & 0xFF
        if family is None or not 1 <= variant <= len(VARIANTS):
            raise self._wrong("a Cryomech CPA", f"model register {model:#06x}")
        major, minor = software >> 8, software & 0xFF
        self._count = COUNT_3 if major >= 3 else COUNT
        return Identity(
            "Cryomech", f"CPA{family}{VARIANTS[variant - 1]}", str(self.read("panel_serial_number")), f"{major}.{minor}"
        )

    def prepare(self) -> None:
        """Nothing: it runs long before a plan starts, and is not switched by one."""

    def switch_on(self) -> None:
        status = self.status()
        if not status.ok:
            raise self._refused(f"cannot be started: {', '.join((status.state, *status.warnings))}")
        self._control(START)
        self._wait("running", lambda: bool(self.read("running")), self._start_s)

    def switch_off(self) -> None:
        self._control(STOP)
        self._wait("stopped", lambda: not self.read("running"), self._start_s)

    def status(self) -> Status:
        """Not ok on an alarm or in an error state; early warnings are told."""
        block = self._block()
        code = block.integer(1)
        if code not in STATES:
            raise self._garbled(f"its state came as {code}")
        alarms, warnings = (_names(block.mask(*places)) for places in ((5, 54), (3, 52)))
        told = tuple(f"alarm: {name}" for name in alarms) + warnings
        return Status(STATES[code], code not in FAULTY and not alarms, told)

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "kept running")

    def _read(self, quantity: Quantity) -> Value:
        block = self._block()
        at, _, kind = quantity.query.partition(" ")
        value: float
        match kind.split():
            case ["temperature"]:
                value = self._unit(block, 30, CELSIUS)(block.number(int(at)))
            case ["pressure"]:
                value = block.number(int(at)) * self._unit(block, 29, BAR)
            case ["number"]:
                value = block.number(int(at))
            case ["mask", at_3]:
                value = block.mask(int(at), int(at_3))
            case _:
                value = block.integer(int(at))
        if quantity.kind is bool:
            return value > 0
        return quantity.kind(self._believed(quantity, value))

    def _unit(self, block: Block, at: int, known: Mapping[int, Found]) -> Found:
        if block.integer(at) not in known:
            raise self._garbled(f"register {at} says unit {block.integer(at)}, which does not exist")
        return known[block.integer(at)]

    def _block(self) -> Block:
        return Block(self._registers(FIRST, self._count))

    def _registers(self, address: int, count: int) -> tuple[int, ...]:
        request = ReadInputRegistersRequest(address=address, count=count, dev_id=self.unit)
        found = tuple(self._exchange(request, f"registers {address} to {address + count - 1}").registers)
        if len(found) != count:
            raise self._garbled(f"{len(found)} registers came instead of {count}")
        return found

    def _control(self, value: int) -> None:
        request = WriteSingleRegisterRequest(address=CONTROL, registers=[value], dev_id=self.unit)
        reply = self._exchange(request, f"control register = {value:#06x}")
        if reply.address != CONTROL or reply.registers != [value]:
            raise self._garbled(f"control register = {value:#06x} was echoed as {reply.registers}")

    def _exchange(self, request: ModbusPDU, what: str) -> ModbusPDU:
        """One request and its own reply: one with another transaction number is an old one and is thrown away."""
        with self.link:
            self._transaction = self._transaction % 0xFFFF + 1
            request.transaction_id = self._transaction
            frame = self.link.query(self._framer.buildFrame(request))
            deadline = time.monotonic() + self.link.timeout_s
            while self._is_old(frame):
                later = self.link.listen(max(0.0, deadline - time.monotonic()))
                if later is None:
                    raise self._garbled(f"{what}: a reply to another request came")
                frame = later
        reply = self._decoded(frame, what)
        if isinstance(reply, ExceptionResponse):
            raise self._refused(f"{what}: Modbus exception {reply.exception_code}")
        if reply.function_code != request.function_code:
            raise self._garbled(f"{what} was answered with function {reply.function_code}")
        return reply

    def _is_old(self, frame: bytes) -> bool:
        return int.from_bytes(frame[:2], "big") != self._transaction

    def _decoded(self, frame: bytes, what: str) -> ModbusPDU:
        try:
            _, reply = self._framer.handleFrame(frame, self.unit, 0)
        except (ModbusException, struct.error, IndexError, ValueError) as error:
            raise self._garbled(f"{what} was answered with {frame.hex(' ')} ({error})") from None
        if reply is None:
            raise self._garbled(f"{what} was answered with {frame.hex(' ')}")
        return reply


class CryomechCPASerial(CryomechCPA):
    """The same over Modbus RTU, which has a checksum but no transaction numbers."""

    framing: ClassVar[Framing] = ModbusRTU()
    unit: ClassVar[int] = 16
    serial = SerialSettings(baud=115200)
    probe = Probe(bytes.fromhex("10 04 00 20 00 04 f3 42"), lambda reply: len(reply) == 5 + 2 * PROBE_COUNT)

    def _make_framer(self) -> FramerSocket | FramerRTU:
        return FramerRTU(DecodePDU(False))

    def _is_old(self, frame: bytes) -> bool:
        return False


def _names(mask: int) -> tuple[str, ...]:
    return tuple(name for bit, name in enumerate(WEIGHTS) if mask >> bit & 1)
