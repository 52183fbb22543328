"""Quantel / Big Sky BSS supply: the Nd:YAG ablation laser, triggered from outside.

Source: the service manual's command chapter with captures from a real unit, as collected in the protocol sheet.  Replies are
CR LF and exactly 15 characters, without an end: `drivers.links.Counted`.
"""

import re
import time
from collections.abc import Callable
from typing import ClassVar

from drivers.driver import Driver
from drivers.errors import DriverError
from drivers.links import Counted, Link, Probe, SerialSettings
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

LAMP_FAULTS = ("water flow", "", "water level", "lamp head connector", "aux connector", "external interlock", "cover open", "")
CHARGE_FAULTS = ("", "", "capacitor charge failed", "simmer did not start", "", "water too cold", "", "")
"""Digits of IF1 and IF2, in order."""
WATER_FLOW_S = 2.0
STATE_S = 5.0
LAMP_RUNS, LAMP_RUNS_OUTSIDE = "2", "6"
REPLY = {
    "V": r"voltage\s+(\d{3,4}) V",
    "P": r"CG pump\s+(\d)",
    "LPM": r"LP synch :\s*(\d)\s*",
    "QSM": r"QS mode :\s*(\d)\s*",
    "C": r"ct LP (\d{9})",
    "CG": r"temp\. CG (\d\d) d\s*",
    "R": r"shutter (closed|opened)\s*",
}


class BigSkyBSS(Driver):
    """Role `ablation laser`.  `lamp_voltage_V` is set at `prepare`; lasing starts near 760 V on known units."""

    framing = Counted(17, b"\r\n")
    probe = Probe(b">SN\r\n", lambda reply: re.fullmatch(rb"[sS]/[nN]umber\s+\d+", reply) is not None)
    serial = SerialSettings(baud=9600)
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("lamp_voltage_V", "V", int, "read-write", "V", "V{value:04d}", 500, 1800, source="3.2"),
        Quantity("coolant_C", "°C", int, query="CG", low=0, high=99, source="3.1", about="cooling water"),
        Quantity("lamp_shots", "", int, query="C", low=0, source="3.2", about="lamp shot counter"),
        Quantity("shutter_open", "", bool, "read-write", "R", "R{value}", source="3.1"),
        Quantity("pump_on", "", bool, "read-write", "P", "P{value}", source="3.1"),
    )

    def __init__(
        self, name: str, link: Link, *, lamp_voltage_V: int = 1000, pause: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(name, link)
        self._lamp_voltage_V = lamp_voltage_V
        self._pause = pause

    def identify(self) -> Identity:
        model = self._ask("X")
        if not model.startswith("SPECTRA-S"):
            raise self._wrong("a Big Sky BSS supply", model)
        serial = self._ask("SN").split()[-1]
        return Identity("Quantel", "Big Sky BSS", serial, model.split()[-1])

    def prepare(self) -> None:
        """Stopped, cooled, at its lamp voltage, lamp and Q-switch triggered from outside."""
        self.stop()
        self.write("pump_on", True)
        self.write("lamp_voltage_V", int(self._lamp_voltage_V))
        self._set("LPM", "1")
        self._set("QSM", "2")

    def start(self) -> None:
        """Lamp on, shutter open, Q-switch on: fires on the next outside triggers.  The water needs 2 s before the lamp may."""
        deadline = time.monotonic() + WATER_FLOW_S + STATE_S
        while not (answer := self._ask("A")).startswith("fire ext"):
            if not answer.startswith("water flow") or time.monotonic() > deadline:
                raise self._refused(f"the lamp does not start: {answer.strip()}")
            self._pause(0.2)
        self.write("shutter_open", True)
        while not (answer := self._ask("PQ")).startswith("fire ext"):
            if not answer.startswith("wait for QS") or time.monotonic() > deadline + STATE_S:
                raise self._refused(f"the Q-switch does not start: {answer.strip()}")
            self._pause(0.1)

    def stop(self) -> None:
        """Shutter closed, Q-switch off, lamp off, in this order; every step is tried before the first failure is raised."""
        failure: DriverError | None = None
        for text, expected in (("R0", "shutter closed"), ("SQ", ""), ("S", "standby")):
            try:
                answer = self._ask(text)
                if not answer.startswith(expected):
                    failure = failure or self._refused(f"{text} was answered with {answer.strip()!r}")
            except DriverError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def status(self) -> Status:
        interlock, lamp, _, q_switch = self._works()
        faults = self._faults() if interlock != "0" else ()
        if faults or interlock != "0":
            return Status("interlock", False, faults or ("interlock",))
        if lamp == "0":
            return Status("standby", True)
        return Status("firing" if q_switch != "0" else "lamp on", True)

    def make_safe(self) -> SafeResult:
        self.stop()
        _, lamp, _, q_switch = self._works()
        closed = not self.read("shutter_open")
        confirmed = closed and lamp == "0" and q_switch == "0"
        left = f"lamp {lamp}, Q-switch {q_switch}, shutter {'closed' if closed else 'open'}"
        return SafeResult(confirmed, "lamp and Q-switch off, shutter closed" if confirmed else left)

    def _works(self) -> tuple[str, str, str, str]:
        """The digits of WOR: interlock, lamp, simmer, Q-switch."""
        reply = self._ask("WOR")
        found = re.fullmatch(r"I (\d) [FL] (\d) [SM] (\d) Q (\d)", reply.strip())
        if found is None:
            raise self._garbled(f"WOR was answered with {reply!r}")
        return found[1], found[2], found[3], found[4]

    def _faults(self) -> tuple[str, ...]:
        """What stops the lamp.  The registers show the reading before the last, so each is read twice."""
        faults: list[str] = []
        for register, names in (("IF1", LAMP_FAULTS), ("IF2", CHARGE_FAULTS)):
            self._ask(register)
            reply = self._ask(register)
            digits = re.fullmatch(r"IF[.12]?\s*(\d\d) (\d\d) (\d\d) (\d\d)", reply.strip())
            if digits is None:
                raise self._garbled(f"{register} was answered with {reply!r}")
            faults += [name for name, digit in zip(names, "".join(digits.groups()), strict=True) if digit == "1" and name]
        return tuple(faults)

    def _read(self, quantity: Quantity) -> Value:
        return self._value(quantity, self._ask(quantity.query))

    def _write(self, quantity: Quantity, value: Value) -> None:
        wire = int(value)
        echo = self._value(quantity, self._ask(quantity.command.format(value=wire)))
        if echo != value:
            raise self._refused(f"{quantity.name} stays at {echo} {quantity.unit} after {value} was set")

    def _value(self, quantity: Quantity, reply: str) -> Value:
        found = re.fullmatch(REPLY[quantity.query], reply)
        if found is None:
            raise self._garbled(f"{quantity.name} came as {reply!r}")
        if quantity.name == "shutter_open":
            return found[1] == "opened"
        return int(found[1]) == 1 if quantity.kind is bool else int(found[1])

    def _set(self, mnemonic: str, digit: str) -> None:
        reply = self._ask(mnemonic + digit)
        found = re.fullmatch(REPLY[mnemonic], reply)
        if found is None:
            raise self._garbled(f"{mnemonic} was answered with {reply!r}")
        if found[1] != digit:
            raise self._refused(f"{mnemonic} stays at {found[1]} after {digit} was set")

    def _ask(self, text: str) -> str:
        reply = self.link.query(f">{text}\r\n".encode("ascii"))
        if not all(0x20 <= byte < 0x7F for byte in reply):
            raise self._garbled(f"{text} was answered with {reply!r}")
        return reply.decode("ascii")
