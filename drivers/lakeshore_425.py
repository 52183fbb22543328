"""Lake Shore Model 425 gaussmeter: the Hall probe in the magnet's gap.

Source: *Model 425 Gaussmeter User's Manual*, as collected in the protocol sheet; *assumed* marks what no source confirms.
"""

from typing import ClassVar

from drivers.driver import Driver
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Quantity
from drivers.roles import Identity, SafeResult, Status

TESLA = "2"
FAULTS = {0: "no probe", 1: "field overload", 4: "invalid probe", 6: "calibration error"}
"""Bits of OPST? that make a reading meaningless."""


class LakeShore425(Driver):
    """Role `field probe`."""

    framing = Terminated(b"\r\n")
    probe = Probe(b"*IDN?\n", lambda reply: reply.startswith(b"LSCI,"))
    serial = SerialSettings(baud=57600, data_bits=7, parity="odd")
    pace_s = 0.03
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("field_T", "T", query="RDGFIELD?", low=-35.0, high=35.0, source="P64", about="field at the probe"),
        Quantity("status_bits", "", int, query="OPST?", low=0, high=255, source="socs client", about="operation status"),
    )

    def __init__(self, name: str, link: Link) -> None:
        super().__init__(name, link)

    def identify(self) -> Identity:
        reply = self._ask("*IDN?")
        fields = reply.split(",")
        if len(fields) != 4 or fields[1] != "MODEL425":
            raise self._wrong("a Lake Shore 425", reply)
        return Identity("Lake Shore", "425", fields[2], fields[3])

    def prepare(self) -> None:
        """DC mode, wide band, tesla; the unit is read back before any number is trusted."""
        self._tell("RDGMODE 1,0,1")
        self._tell(f"UNIT {TESLA}")
        unit = self._ask("UNIT?")
        if unit.strip() != TESLA:
            raise self._refused(f"reads in unit {unit!r} though tesla was asked for")

    def status(self) -> Status:
        bits = int(self.read("status_bits"))
        faults = tuple(text for bit, text in FAULTS.items() if bits >> bit & 1)
        return Status("fault" if faults else "ready", not faults, faults)

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "reads only")

    def _ask(self, text: str) -> str:
        return self.link.query(text.encode("ascii") + b"\n").decode("ascii", "replace")

    def _tell(self, text: str) -> None:
        self.link.send(text.encode("ascii") + b"\n")
