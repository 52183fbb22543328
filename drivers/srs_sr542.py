"""SRS SR542 precision chopper controller, following an outside reference.

Source: *SR542 Operating Manual and Programming Reference* and the vendor's client, as collected in the protocol sheet.
"""

from typing import ClassVar

from drivers.driver import Driver
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Quantity
from drivers.roles import Identity, SafeResult, Status

MOTOR_ON, FREQUENCY_LOCKED, PHASE_LOCKED = 0, 2, 3
"""Bits of CHCR? (M57)."""
LOCK_LOST = 0b1100
"""FL and PL falling, latched through CHNT and read from CHEV? (M61): a loss can be shorter than the period of polls."""
EXTERNAL = 3


class SR542(Driver):
    """Role `chopper`."""

    framing = Terminated(b"\n")
    probe = Probe(b"*IDN?\n", lambda reply: reply.replace(b" ", b"_").startswith(b"Stanford_Research_Systems,SR542"))
    serial = SerialSettings(baud=115200)
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("frequency_Hz", "Hz", query="MFRQ? 0", low=0.0, high=20000.0, source="MFRQ", about="outer slots, measured"),
        Quantity("phase_deg", "deg", float, "read-write", "PHAS?", "PHAS {value:.3f}", -360.0, 360.0, source="PHAS"),
        Quantity("phase_locked", "", bool, query=f"CHCR? {PHASE_LOCKED}", source="M57"),
        Quantity("motor_on", "", bool, "read-write", "MOTR?", "MOTR {value}", source="MOTR"),
    )

    def __init__(self, name: str, link: Link) -> None:
        super().__init__(name, link)

    def identify(self) -> Identity:
        reply = self._ask("*IDN?")
        fields = [field.strip() for field in reply.split(",")]
        if len(fields) != 4 or fields[1] != "SR542":
            raise self._wrong("an SRS SR542", reply)
        return Identity("SRS", "SR542", fields[2].removeprefix("s/n"), fields[3])

    def prepare(self) -> None:
        """Integers in replies, lines ended by LF, old errors forgotten, loss of lock latched."""
        for text in ("TOKN OFF", "TERM LF", "*CLS"):
            self.link.send(f"{text}\n".encode("ascii"))
        self._tell(f"CHNT {LOCK_LOST}")
        self._ask("CHEV?")

    def synchronise(self, multiple: int, phase_deg: float) -> None:
        """Regulate the outer slots to `multiple` times the outside reference, with this phase (degrees of an opening)."""
        phase = (phase_deg + 180) % 360 - 180
        for text in (f"SRCE {EXTERNAL}", "EDGE 0", "CTRL 2", f"MULT {multiple}", "DIVR 1"):
            self._tell(text)
        self.write("phase_deg", phase)
        self.write("motor_on", True)
        self._ask("CHEV?")

    def status(self) -> Status:
        condition = self._integer("CHCR?")
        lost = self._integer("CHEV?") & LOCK_LOST
        if not condition >> MOTOR_ON & 1:
            return Status("stopped", True)
        locked = bool(condition >> PHASE_LOCKED & 1)
        warnings = ("the lock was lost since the last look",) if lost and locked else ()
        return Status("locked" if locked else "not locked", True, warnings)

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "kept turning")

    def _integer(self, query: str) -> int:
        reply = self._ask(query).strip()
        if not (reply.isascii() and reply.isdecimal()):
            raise self._garbled(f"{query} was answered with {reply!r}")
        return int(reply)

    def _ask(self, text: str) -> str:
        return self.link.query(text.encode("ascii") + b"\n").decode("ascii", "replace")

    def _tell(self, text: str) -> None:
        with self.link:
            self.link.send(text.encode("ascii") + b"\n")
            error = self._integer("LERR?")
        if error:
            raise self._refused(f"{text!r} gave error {error}")
