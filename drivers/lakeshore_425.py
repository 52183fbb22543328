"""Lake Shore Model 425 gaussmeter: the Hall probe in the magnet's gap.

Source: *Model 425 Gaussmeter User's Manual*, as collected in the protocol sheet; *assumed* marks what no source confirms.
The instrument never says that it did not understand, so settings are read back where it can be asked.
"""

from typing import ClassVar

from drivers.driver import Driver
from drivers.links import Probe, SerialSettings, Terminated
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

TESLA = 2
DC_WIDE = "1,0,1"
"""RDGMODE: DC, no filter, wide band (P64)."""
FAULTS = {0: "no probe", 1: "field overload", 4: "invalid probe", 6: "calibration error"}
"""Bits of OPST? that make a reading meaningless."""


class LakeShore425(Driver):
    """Role `field probe`."""

    role = "field probe"
    framing = Terminated(b"\r\n")
    probe = Probe(b"*IDN?\n", lambda reply: reply.startswith(b"LSCI,"))
    serial = SerialSettings(baud=57600, data_bits=7, parity="odd")
    pace_s = 0.03
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("field_T", "T", query="RDGFIELD?", low=-35.0, high=35.0, source="P64", about="field at the probe"),
        Quantity("status_bits", "", int, query="OPST?", low=0, high=255, source="socs client", about="operation status"),
    )

    def identify(self) -> Identity:
        reply = self._ask("*IDN?")
        fields = reply.split(",")
        if len(fields) != 4 or fields[:2] != ["LSCI", "MODEL425"]:
            raise self._wrong("a Lake Shore 425", reply)
        return Identity("Lake Shore", "425", fields[2], fields[3])

    def prepare(self) -> None:
        """DC mode, wide band, automatic range (the form `AUTO 1` is *assumed*), tesla."""
        for text in (f"RDGMODE {DC_WIDE}", "AUTO 1", f"UNIT {TESLA}"):
            self.link.send(text.encode("ascii") + b"\n")
        mode, unit = self._ask("RDGMODE?"), self._ask("UNIT?")
        if mode.replace(" ", "") != DC_WIDE:
            raise self._refused(f"reads in mode {mode!r} though {DC_WIDE} (DC, wide band) was asked for")
        if self._integer("UNIT?", unit) != TESLA:
            raise self._refused(f"reads in unit {unit!r} though tesla ({TESLA}) was asked for")

    def status(self) -> Status:
        faults = self._faults()
        return Status("fault" if faults else "ready", not faults, faults)

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "reads only")

    def _read(self, quantity: Quantity) -> Value:
        """A field is only given when the status, read after it, says that it means something."""
        value = super()._read(quantity)
        if quantity.name == "field_T" and (faults := self._faults()):
            raise self._refused(f"has no field to give: {', '.join(faults)}")
        return value

    def _faults(self) -> tuple[str, ...]:
        bits = self._integer("OPST?", self._ask("OPST?"), high=255)
        return tuple(text for bit, text in FAULTS.items() if bits >> bit & 1)

    def _ask(self, text: str) -> str:
        return self.link.query(text.encode("ascii") + b"\n").decode("ascii", "replace")
