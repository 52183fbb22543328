"""Sumitomo F-70: a helium compressor of the cold head, over RS-232 with a checksum on every message.

Sources: open drivers and an EPICS support, as collected in the protocol sheet; *assumed* marks what none confirms.
"""

import re
import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import Refused
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

STATES = (
    "off, local",
    "on, local",
    "off, remote",
    "on, remote",
    "cold head runs",
    "cold head pauses",
    "off after a fault",
    "off after an oil fault",
)
FAULTY = (6, 7)
ALARMS = {
    1: "motor temperature",
    2: "phase sequence or fuse",
    3: "helium temperature",
    4: "water temperature",
    5: "water flow",
    6: "oil level",
    7: "pressure",
}
"""Bits of the status word."""
MONITOR_ONLY = 15
RUNNING = 0
REPLY = re.compile(rb"(\$(?:[A-Z0-9]{3}|\?\?\?),(?:[^,\r]*,)*)([0-9A-F]{4})", re.ASCII)
POLYNOMIAL = 0xA001


def checksum(text: bytes) -> bytes:
    """CRC-16/MODBUS as four capital hexadecimal digits, high byte first (sheet, grammar)."""
    crc = 0xFFFF
    for byte in text:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ POLYNOMIAL if crc & 1 else crc >> 1
    return b"%04X" % crc


def _command(word: str) -> bytes:
    text = b"$" + word.encode("ascii")
    return text + checksum(text) + b"\r"


class SumitomoF70(Driver):
    """Role `compressor`.  It is never touched by the safe order: a cold head that warms is worse than one that runs."""

    role = "compressor"
    framing = Terminated(b"\r")
    command_end = b"\r"
    probe = Probe(_command("ID1"), lambda reply: reply.startswith(b"$ID1,"))
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("helium_C", "°C", int, query="TE1", low=-50, high=200, polled=True, source="TE", about="discharge"),
        Quantity("water_out_C", "°C", int, query="TE2", low=-50, high=200, polled=True, source="TE"),
        Quantity("water_in_C", "°C", int, query="TE3", low=-50, high=200, polled=True, source="TE"),
        Quantity("return_pressure_psi", "psi", int, query="PR1", low=-15, high=500, polled=True, source="PR", about="gauge"),
        Quantity("running", "", bool, query="STA", polled=True, source="STA"),
        Quantity("status_word", "", int, query="STA", low=0, high=0xFFFF, source="STA"),
        Quantity("hours", "h", float, query="ID1", low=0.0, high=1e6, source="ID1"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("reset", "RS1", "RS1", "clears a fault whose cause is gone"),
        Action("run_cold_head", "CHR", "CHR", "with the compressor off, for 30 minutes"),
        Action("pause_cold_head", "CHP", "CHP"),
        Action("end_pause", "POF", "POF"),
    )

    def __init__(self, name: str, link: Link, *, start_s: float = 30.0, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        self._start_s = start_s

    def identify(self) -> Identity:
        try:
            fields = self._fields("ID1")
        except Refused as error:
            raise self._wrong("a Sumitomo F-70", error.what) from None
        return Identity("Sumitomo", "F-70", firmware=fields[0])

    def prepare(self) -> None:
        """Nothing: it runs long before a plan starts, and is not switched by one."""

    def switch_on(self) -> None:
        self._command_allowed()
        self._tell("ON1")
        self._wait("running", lambda: bool(self.read("running")), self._start_s)

    def switch_off(self) -> None:
        self._command_allowed()
        self._tell("OFF")
        self._wait("off", lambda: not self.read("running"), self._start_s)

    def status(self) -> Status:
        word = self._word()
        state = word >> 9 & 7
        warnings = tuple(text for bit, text in ALARMS.items() if word >> bit & 1)
        return Status(STATES[state], state not in FAULTY and not warnings, warnings)

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "kept running")

    def _command_allowed(self) -> None:
        if self._word() >> MONITOR_ONLY & 1:
            raise self._refused("is in configuration 2, in which the serial line may only watch")

    def _word(self) -> int:
        text = self._fields("STA")[0]
        if not re.fullmatch(r"[0-9A-F]{4}", text):
            raise self._garbled(f"the status word came as {text!r}")
        return int(text, 16)

    def _read(self, quantity: Quantity) -> Value:
        match quantity.name:
            case "running":
                return bool(self._word() >> RUNNING & 1)
            case "status_word":
                return self._word()
            case "hours":
                return self._believed(quantity, self._number("hours", self._fields("ID1")[1]))
            case _:
                return super()._read(quantity)

    def _ask(self, text: str) -> str:
        return self._fields(text)[0]

    def _tell(self, text: str) -> None:
        self._fields(text)

    def _fields(self, word: str) -> tuple[str, ...]:
        """The fields of a reply with the right checksum to this very command."""
        reply = self.link.query(_command(word))
        found = REPLY.fullmatch(reply)
        if found is None or checksum(found[1]) != found[2]:
            raise self._garbled(f"{word} was answered with {reply!r}")
        name, *fields = found[1].decode("ascii").rstrip(",").split(",")
        if name == "$???":
            raise self._refused(f"{word} is not understood")
        if name != f"${word}" or (not fields and word in ("ID1", "STA", "TE1", "TE2", "TE3", "PR1")):
            raise self._garbled(f"{word} was answered with {reply!r}")
        if word == "ID1" and len(fields) < 2:
            raise self._garbled(f"ID1 was answered with {reply!r}")
        return tuple(fields)
