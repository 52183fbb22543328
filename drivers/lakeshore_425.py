"""Lake Shore Model 425 gaussmeter: the Hall probe in the magnet's gap.

Source: *Model 425 Gaussmeter User's Manual*, as collected in the protocol sheet; *assumed* marks what no source confirms.
The instrument never says that it did not understand, so settings are read back where it can be asked.
"""

import math
from typing import ClassVar

from drivers.driver import Driver
from drivers.links import Probe, SerialSettings, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

UNITS = {1: "gauss", 2: "tesla", 3: "oersted", 4: "ampere per metre"}
IN_TESLA = {1: 1e-4, 2: 1.0, 3: 1e-4, 4: 4e-7 * math.pi}
"""UNIT? (P65), and a field of 1 in each (in air); a power cycle goes back to gauss."""
TESLA = 2
DC_WIDE = "1,0,1"
"""RDGMODE: DC, no filter, wide band (P64)."""
PROBES = {
    "40": "high sensitivity",
    "41": "high stability",
    "42": "ultra-high sensitivity",
    "50": "high sensitivity, user cable",
    "51": "high stability, user cable",
    "52": "ultra-high sensitivity, user cable",
}
"""TYPE? (P65)."""
ALARM_FIELDS = ("on", "signed", "low", "high", "inside", "sorting", "audible")
FAULTS = {0: "no probe", 1: "field overload", 4: "invalid probe", 6: "calibration error"}
"""Bits of OPST? that make a reading meaningless."""


def _alarm(place: int, *, kind: type[float] | type[int] | type[bool] = bool, low: float | None = None) -> Quantity:
    """One of the seven values of ALARM; fields are in the unit of the instrument."""
    others = ",".join("{value}" if at == place else f"{{others[{at}]}}" for at in range(len(ALARM_FIELDS)))
    words = {"1": False, "2": True} if ALARM_FIELDS[place] in ("signed", "inside") else None
    return Quantity(
        f"alarm_{ALARM_FIELDS[place]}",
        "",
        kind,
        "read-write",
        "ALARM?",
        f"ALARM {others}",
        low,
        None if low is None else -low,
        words=words,
        field=place,
        fields=len(ALARM_FIELDS),
        source="P60",
    )


class LakeShore425(Driver):
    """Role `field probe`."""

    role = "field probe"
    framing = Terminated(b"\r\n")
    command_end = b"\n"
    probe = Probe(b"*IDN?\n", lambda reply: reply.startswith(b"LSCI,"))
    serial = SerialSettings(baud=57600, data_bits=7, parity="odd")
    pace_s = 0.03
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("field_T", "T", query="RDGFIELD?", low=-35.0, high=35.0, polled=True, source="P64", about="at the probe"),
        Quantity("status_bits", "", int, query="OPST?", low=0, high=255, polled=True, source="socs client"),
        Quantity("highest_field_T", "T", query="RDGMX?", low=-35.0, high=35.0, source="P64", about="since the last reset"),
        Quantity("relative_field_T", "T", query="RDGREL?", low=-35.0, high=35.0, source="P64"),
        Quantity("smallest_field_T", "T", query="RDGMNMX?", low=-35.0, high=35.0, field=0, fields=2, source="P64"),
        Quantity("largest_field_T", "T", query="RDGMNMX?", low=-35.0, high=35.0, field=1, fields=2, source="P64"),
        Quantity("relative", "", bool, "read-write", "REL?", "REL {value}", source="P64"),
        Quantity("relative_set_point_T", "T", float, "read-write", "RELSP?", "RELSP {value:.6E}", -35.0, 35.0, source="P65"),
        Quantity("range", "", int, "read-write", "RANGE?", "RANGE {value}", 1, 4, source="PM client", about="4 the highest"),
        Quantity("automatic_range", "", bool, "read-write", "AUTO?", "AUTO {value}", source="P58", about="form assumed"),
        Quantity("probe", "", str, query="TYPE?", words=PROBES, source="P65"),
        *(_alarm(place) for place in (0, 1, 4, 5, 6)),
        *(_alarm(place, kind=float, low=-35.0) for place in (2, 3)),
        Quantity(
            "relay_mode",
            "",
            int,
            "read-write",
            "RELAY?",
            "RELAY {value},{others[1]}",
            0,
            2,
            fields=2,
            source="P64",
            about="0 off, 1 on, 2 follows the alarm",
        ),
        Quantity(
            "relay_type",
            "",
            int,
            "read-write",
            "RELAY?",
            "RELAY {others[0]},{value}",
            1,
            3,
            field=1,
            fields=2,
            source="P65",
            about="1 low, 2 high, 3 both",
        ),
        Quantity("relay_closed", "", bool, query="RELAYST?", source="P65"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("zero_probe", "ZPROBE", "PM client", "in a zero-gauss chamber; bit 7 of the status tells when it is done"),
        Action("clear_zero", "ZCLEAR", "PM client"),
        Action("reset", "*RST", "P60", "power-up settings; prepare again"),
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
            self.link.send(self._line(text))
        mode, unit = self._ask("RDGMODE?"), self._unit()
        if mode.replace(" ", "") != DC_WIDE:
            raise self._refused(f"reads in mode {mode!r} though {DC_WIDE} (DC, wide band) was asked for")
        if unit != TESLA:
            raise self._refused(f"reads in {UNITS[unit]} though tesla was asked for")

    def status(self) -> Status:
        faults = self._faults()
        return Status("fault" if faults else "ready", not faults, faults)

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "reads only")

    def _read(self, quantity: Quantity) -> Value:
        """A field is in the unit that is asked for before it, and is only given when the status, read after it, says that it
        means something."""
        if quantity.unit != "T":
            return super()._read(quantity)
        in_tesla = IN_TESLA[self._unit()]
        parts = self._ask(quantity.query).split(",")
        if len(parts) != quantity.fields:
            raise self._garbled(f"{quantity.name} came with {len(parts)} values instead of {quantity.fields}")
        value = self._believed(quantity, in_tesla * self._number(quantity.name, parts[quantity.field]))
        if quantity.access == "read" and (faults := self._faults()):
            raise self._refused(f"has no field to give: {', '.join(faults)}")
        return value

    def _write(self, quantity: Quantity, value: Value) -> None:
        if quantity.unit == "T" and (unit := self._unit()) != TESLA:
            raise self._refused(f"takes fields in {UNITS[unit]}, not tesla; prepare it again")
        self._write_and_compare(quantity, value, within=1e-6 * max(1.0, abs(float(value))) if quantity.kind is float else 0.0)

    def _unit(self) -> int:
        return self._integer("UNIT?", self._ask("UNIT?"), low=min(UNITS), high=max(UNITS))

    def _tell(self, text: str) -> None:
        """Nothing tells whether it was understood; who calls reads back."""
        self.link.send(self._line(text))

    def _faults(self) -> tuple[str, ...]:
        bits = self._integer("OPST?", self._ask("OPST?"), high=255)
        return tuple(text for bit, text in FAULTS.items() if bits >> bit & 1)

    def _ask(self, text: str) -> str:
        return self.link.query(self._line(text)).decode("ascii", "replace")
