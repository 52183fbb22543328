"""Coherent EnergyMax-USB/RS: energy of each laser pulse, with its number and a flag for missed ones.

Source: one open client, as collected in the protocol sheet; everything here is *assumed* until a unit has confirmed it.
After every command comes a line `OK`, behind the value if there is one.
"""

import time
from dataclasses import dataclass
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

ITEMS = "PULS,PER,FLAG,SEQ"
FLAGS = {"P": "peak clipped", "B": "baseline clipped", "M": "a pulse was missed", "D": "dirty batch"}
OK = b"OK"


@dataclass(frozen=True)
class Reading:
    """One pulse: energy, period since the one before (us), what was wrong with it, and its number since the start."""

    energy_J: float
    period_us: int
    remarks: tuple[str, ...]
    sequence: int


def _setting(name: str, unit: str, words: str, *choices: str, low: int | None = None, high: int | None = None) -> Quantity:
    kind = str if choices else int
    return Quantity(name, unit, kind, "read-write", f"{words}?", f"{words} {{value}}", low, high, choices, source="facts")


class EnergyMax(Driver):
    """Role `pulse-energy meter`, triggered from outside or (`external` false) by the pulse itself."""

    role = "pulse-energy meter"
    framing = Terminated(b"\r\n")
    command_end = b"\r\n"
    probe = Probe(b"SYSTEM:INFORMATION:MODEL?\r\n", lambda reply: reply.startswith(b'"EM-'))
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("energy_J", "J", query="READ?", low=-1.0, high=100.0, polled=True, source="facts", about="of the last pulse"),
        Quantity("period_us", "us", int, query="READ?", low=0, source="facts", about="since the pulse before"),
        Quantity("sequence", "", int, query="READ?", low=0, polled=True, source="facts", about="triggers counted"),
        _setting("wavelength_nm", "nm", "CONFIGURE:WAVELENGTH", low=100, high=20000),
        Quantity("lowest_wavelength_nm", "nm", int, query="CONFIGURE:WAVELENGTH? MINIMUM", low=1, high=20000, source="facts"),
        Quantity("highest_wavelength_nm", "nm", int, query="CONFIGURE:WAVELENGTH? MAXIMUM", low=1, high=20000, source="facts"),
        _setting("measured", "", "CONFIGURE:MEASURE:TYPE", "J", "W"),
        _setting("items", "", "CONFIGURE:ITEMSELECT", ITEMS),
        _setting("trigger", "", "TRIGGER:SOURCE", "INTERNAL", "EXTERNAL"),
        _setting("slope", "", "TRIGGER:SLOPE", "POSITIVE", "NEGATIVE"),
        _setting("delay_us", "us", "TRIGGER:DELAY", low=0, high=1000),
        Quantity("full_scale_J", "J", query="CONFIGURE:RANGE:SELECT?", low=0.0, high=100.0, source="facts"),
        Quantity("range", "", str, "write", command="CONFIGURE:RANGE:SELECT {value}", choices=("MIN", "MAX"), source="facts"),
    )

    def __init__(self, name: str, link: Link, *, wavelength_nm: int, external: bool = True, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        if not 100 <= wavelength_nm <= 20000:
            raise LimitError(name, f"wavelength_nm = {wavelength_nm} is outside 100 to 20000")
        self._wavelength_nm, self._external = wavelength_nm, external
        self._seen = -1

    def identify(self) -> Identity:
        model = self._ask("SYSTEM:INFORMATION:MODEL?").strip('"')
        if not model.startswith("EM-"):
            raise self._wrong("a Coherent EnergyMax", model)
        return Identity("Coherent", model, self._ask("SYSTEM:INFORMATION:SNUMBER?").strip('"'))

    def prepare(self) -> None:
        """Energies with period, flag and number of each pulse, at our wavelength and trigger."""
        low, high = (int(self.read(f"{end}_wavelength_nm")) for end in ("lowest", "highest"))
        self._limit("wavelength_nm", low, high)
        for quantity, value in (
            ("wavelength_nm", self._wavelength_nm),
            ("measured", "J"),
            ("items", ITEMS),
            ("slope", "POSITIVE"),
            ("trigger", "EXTERNAL" if self._external else "INTERNAL"),
            ("delay_us", 0),
        ):
            self.write(quantity, value)
        self._seen = -1

    def status(self) -> Status:
        measured = str(self.read("measured"))
        return Status("measuring", measured == "J", () if measured == "J" else ("measures power and not energy",))

    def reading(self) -> Reading:
        """The last pulse with everything the sensor tells of it."""
        fields = self._ask("READ?").split(",")
        if len(fields) != 4:
            raise self._garbled(f"READ? came with {len(fields)} values instead of 4")
        flags = fields[2].strip()
        if flags != "0" and not set(flags) <= set(FLAGS):
            raise self._garbled(f"flags came as {flags!r}")
        energy_J = self._believed(self.quantities["energy_J"], self._number("energy_J", fields[0]))
        remarks = tuple(FLAGS[flag] for flag in flags if flag != "0")
        return Reading(energy_J, self._integer("period_us", fields[1]), remarks, self._integer("sequence", fields[3]))

    def new_pulse(self) -> float | None:
        """Energy (J) of a pulse that came since the last call; None if its number is still the same, or if it was clipped."""
        reading = self.reading()
        new, self._seen = reading.sequence != self._seen, reading.sequence
        return reading.energy_J if new and FLAGS["P"] not in reading.remarks else None

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "kept measuring")

    def _read(self, quantity: Quantity) -> Value:
        match quantity.name:
            case "energy_J":
                return self.reading().energy_J
            case "period_us":
                return self.reading().period_us
            case "sequence":
                return self.reading().sequence
            case "items":
                # Commas belong to the value here.
                return self._parse(quantity, self._ask(quantity.query).replace(" ", ""))
            case _:
                return super()._read(quantity)

    def _write(self, quantity: Quantity, value: Value) -> None:
        if quantity.access == "write":
            super()._write(quantity, value)
        else:
            self._write_and_compare(quantity, value)

    def _ask(self, text: str) -> str:
        with self.link:
            reply = self.link.query(self._line(text))
            # An error takes the place of the value, and no OK follows.
            ended = self.link.listen(self.link.timeout_s)
        answer = reply.decode("ascii", "replace")
        if ended is None:
            raise self._refused(f"{text!r}: {answer}")
        if ended != OK:
            raise self._garbled(f"{text!r} was answered with {answer!r} and {ended!r}")
        return answer

    def _tell(self, text: str) -> None:
        reply = self.link.query(self._line(text))
        if reply != OK:
            raise self._refused(f"{text!r}: {reply.decode('ascii', 'replace')}")
