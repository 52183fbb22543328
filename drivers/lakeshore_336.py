"""Lake Shore Model 336: cold head temperature (input A) and its heater (output 1).

Sources: vendor client, QCoDeS driver and manual pages as collected in the protocol sheet; *assumed* marks what none confirms.
Every exchange ends with `*ESR?`, because the instrument never says what it refused.
"""

import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

REFUSALS = {4: "query error", 16: "execution error", 32: "command error"}
"""Bits of *ESR? that mean a message was refused."""
SENSOR_FAULTS = {1: "invalid reading", 16: "under-range", 32: "over-range", 64: "sensor units zero", 128: "sensor over-range"}
HEATER_FAULTS = {1: "open load", 2: "short circuit"}
CLOSED_LOOP, NO_RAMP = "OUTMODE 1,1,1,0", "RAMP 1,0,0"
KELVIN = "1"
"""Output 1 regulates on input A and is off after a power cycle; set points act at once."""
HEATER_OFF, HIGH_RANGE = 0, 3


class LakeShore336(Driver):
    """Role `cold head`.

    `heater_range` (1 low, 2 medium, 3 high) is what the heater is switched to when a set point is given.  Set points are
    taken in the preferred unit of input A, which must be kelvin (sheet, `SETP` and `INTYPE`).
    """

    role = "cold head"
    framing = Terminated(b"\r\n")
    probe = Probe(b"*IDN?\n", lambda reply: reply.startswith(b"LSCI,"))
    serial = SerialSettings(baud=57600, data_bits=7, parity="odd")
    pace_s = 0.05
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("temperature_K", "K", query="KRDG? A", low=0.0, high=1500.0, source="KRDG?", about="input A"),
        Quantity("set_temperature_K", "K", float, "read-write", "SETP? 1", "SETP 1,{value:.4f}", 0.0, 1500.0, source="SETP"),
        Quantity("heater_percent", "%", query="HTR? 1", low=0.0, high=100.0, source="HTR?", about="of the range's power"),
        Quantity("heater_range", "", int, query="RANGE? 1", low=0, high=3, source="RANGE", about="0 off to 3 high"),
    )

    def __init__(self, name: str, link: Link, *, heater_range: int = HIGH_RANGE, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        if heater_range not in (1, 2, 3):
            raise LimitError(name, f"heater_range = {heater_range} is not 1 (low), 2 (medium) or 3 (high)")
        self._heater_range = heater_range
        self._heating = False
        self._limit("set_temperature_K", 4.0, 325.0)

    def identify(self) -> Identity:
        """Also forgets the refusals of whoever spoke to the instrument before."""
        reply = self.link.query(b"*IDN?\n").decode("ascii", "replace")
        fields = reply.split(",")
        if len(fields) != 4 or fields[:2] != ["LSCI", "MODEL336"]:
            raise self._wrong("a Lake Shore 336", reply)
        self._integer("*ESR?", self.link.query(b"*ESR?\n").decode("ascii", "replace"), high=255)
        return Identity("Lake Shore", "336", fields[2], fields[3])

    def prepare(self) -> None:
        """Closed loop on input A without ramps.  The heater is left as it is: it is switched on by the first set point."""
        for text in (CLOSED_LOOP, NO_RAMP):
            self._tell(text)
        unit = self._ask("INTYPE? A").rpartition(",")[2].strip(" ")
        if unit != KELVIN:
            raise self._refused(f"takes set points of input A in unit {unit!r}; set its preferred unit to kelvin (1)")

    def status(self) -> Status:
        """Not ok on a fault of sensor or heater, and when the heater went off though a set point was given.

        Reading the heater's fault clears it (sheet, `HTRST?`): the fault shows once, the heater that stays off afterwards.
        """
        bits = self._integer("RDGST? A", self._ask("RDGST? A"), high=255)
        warnings = [f"sensor A: {text}" for bit, text in SENSOR_FAULTS.items() if bits & bit]
        heater = self._integer("HTRST? 1", self._ask("HTRST? 1"), high=9)
        if heater:
            warnings.append(f"heater 1: {HEATER_FAULTS.get(heater, f'fault {heater}')}")
        on = self.read("heater_range") != HEATER_OFF
        if self._heating and not on:
            warnings.append("heater 1 went off: a fault, the temperature limit, or its panel")
        state = "regulating" if on else "heater off"
        return Status("fault" if warnings else state, not warnings, tuple(warnings))

    def heater_off(self) -> None:
        self._heating = False
        self._set_range(HEATER_OFF)

    def make_safe(self) -> SafeResult:
        self._heating = False
        self.link.send_regardless(b"\nRANGE 1,0\n")
        off = self.read("heater_range") == HEATER_OFF
        return SafeResult(off, "heater off" if off else "the heater is still on")

    def _write(self, quantity: Quantity, value: Value) -> None:
        """The set point, read back, then the heater towards it."""
        super()._write(quantity, value)
        back = float(self._read(quantity))
        if abs(back - float(value)) > 0.001:
            raise self._refused(f"{quantity.name} reads back {back:g} {quantity.unit} after {value:g} was set")
        self._set_range(self._heater_range)
        self._heating = True

    def _set_range(self, heater_range: int) -> None:
        self._tell(f"RANGE 1,{heater_range}")
        back = self.read("heater_range")
        if back != heater_range:
            raise self._refused(f"heater range reads back {back} after {heater_range} was set")

    def _ask(self, text: str) -> str:
        reply = self.link.query(f"{text};*ESR?\n".encode("ascii")).decode("ascii", "replace")
        answer, separator, events = reply.rpartition(";")
        # A query that was not understood leaves only the events.
        self._check(text, events)
        if not separator:
            raise self._garbled(f"{text} was answered with {reply!r}")
        return answer

    def _tell(self, text: str) -> None:
        self._check(text, self.link.query(f"{text};*ESR?\n".encode("ascii")).decode("ascii", "replace"))

    def _check(self, text: str, events: str) -> None:
        bits = self._integer("*ESR?", events, high=255)
        refused = [said for bit, said in REFUSALS.items() if bits & bit]
        if refused:
            raise self._refused(f"{text!r}: {', '.join(refused)}")
