"""Lake Shore Model 336: cold head temperature (input A) and its heater (output 1).

Sources: vendor client, QCoDeS driver and manual pages as collected in the protocol sheet; every exchange ends with `*ESR?`,
because the instrument never says what it refused.
"""

from typing import ClassVar

from drivers.driver import Driver
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

REFUSALS = {4: "query error", 16: "execution error", 32: "command error"}
"""Bits of *ESR? that mean a message was refused."""
SENSOR_FAULTS = {1: "invalid reading", 16: "under-range", 32: "over-range", 64: "sensor units zero", 128: "sensor over-range"}
CLOSED_LOOP = "1,1,1,0"
"""OUTMODE: closed loop on input A, off after a power cycle."""
HIGH_RANGE = 3


class LakeShore336(Driver):
    """Role `cold head`."""

    framing = Terminated(b"\r\n")
    probe = Probe(b"*IDN?\n", lambda reply: reply.startswith(b"LSCI,"))
    serial = SerialSettings(baud=57600, data_bits=7, parity="odd")
    pace_s = 0.05
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("temperature_K", "K", query="KRDG? A", low=0.0, high=1500.0, source="KRDG?", about="input A"),
        Quantity("set_temperature_K", "K", float, "read-write", "SETP? 1", "SETP 1,{value:.4f}", 4.0, 325.0, source="SETP"),
        Quantity("heater_percent", "%", query="HTR? 1", low=0.0, high=100.0, source="HTR?", about="of the range's power"),
        Quantity(
            "heater_range",
            "",
            int,
            "read-write",
            "RANGE? 1",
            "RANGE 1,{value}",
            choices=(0, 1, 2, 3),
            source="RANGE",
            about="0 off, 1 low, 2 medium, 3 high",
        ),
    )

    def __init__(self, name: str, link: Link) -> None:
        super().__init__(name, link)

    def identify(self) -> Identity:
        reply = self.link.query(b"*IDN?\n").decode("ascii", "replace")
        fields = reply.split(",")
        if len(fields) != 4 or fields[1] != "MODEL336":
            raise self._wrong("a Lake Shore 336", reply)
        return Identity("Lake Shore", "336", fields[2], fields[3])

    def prepare(self) -> None:
        """Closed loop on input A at the high range; the set point is left as it is."""
        self._tell(f"OUTMODE {CLOSED_LOOP}")
        self.write("heater_range", HIGH_RANGE)

    def status(self) -> Status:
        bits = self._integer(self._ask("RDGST? A"), "sensor status")
        warnings = [f"sensor A: {text}" for bit, text in SENSOR_FAULTS.items() if bits & bit]
        heater = self._integer(self._ask("HTRST? 1"), "heater status")
        if heater:
            warnings.append("heater 1: " + {1: "open load", 2: "short circuit"}.get(heater, f"fault {heater}"))
        state = "regulating" if self.read("heater_range") else "heater off"
        return Status("fault" if warnings else state, not warnings, tuple(warnings))

    def heater_off(self) -> None:
        self.write("heater_range", 0)

    def make_safe(self) -> SafeResult:
        self.heater_off()
        off = self.read("heater_range") == 0
        return SafeResult(off, "heater off" if off else "the heater is still on")

    def _write(self, quantity: Quantity, value: Value) -> None:
        super()._write(quantity, value)
        back = self._read(quantity)
        if abs(float(back) - float(value)) > 0.001:
            raise self._refused(f"{quantity.name} reads back {back} {quantity.unit} after {value} was set")

    def _ask(self, text: str) -> str:
        reply = self.link.query(f"{text};*ESR?\n".encode("ascii")).decode("ascii", "replace")
        answer, separator, events = reply.rpartition(";")
        if not separator:
            raise self._garbled(f"{text} was answered with {reply!r}")
        self._check(text, events)
        return answer

    def _tell(self, text: str) -> None:
        events = self.link.query(f"{text};*ESR?\n".encode("ascii")).decode("ascii", "replace")
        self._check(text, events)

    def _check(self, text: str, events: str) -> None:
        bits = self._integer(events, "event status")
        refused = [said for bit, said in REFUSALS.items() if bits & bit]
        if refused:
            raise self._refused(f"{text!r}: {', '.join(refused)}")

    def _integer(self, text: str, what: str) -> int:
        if not text.strip().isdecimal() or not text.isascii():
            raise self._garbled(f"{what} came as {text!r}")
        return int(text)
