"""Gentec-EO Maestro: energy of each laser pulse.

Sources: pages of the maker's manual and open clients, as collected in the protocol sheet (sections in brackets); *assumed*
marks what none confirms.  Commands need no terminator and get none; replies may carry a label in front of their number, whose
spelling differs between manual and units.
"""

import re
import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

VERSION = re.compile(r"MAESTRO Version (\d+(?:\.\d+){1,3})", re.IGNORECASE | re.ASCII)
LABELLED = re.compile(r"(?:[A-Za-z ]+: *)?(\S+)", re.ASCII)
NEW, NOT_NEW = "New Data Available", "New Data Not Available"
NO_VALUE = "3.402819e+38"
"""What is answered before the first pulse (section 3)."""
ENERGY_MODES = (1, 2)
MODES = {
    0: "power",
    1: "energy",
    2: "single-shot energy",
    3: "fluence",
    4: "irradiance",
    5: "dose",
    6: "dBm",
    7: "no detector",
}
EXPONENT, WIDTH = re.compile(r"e\+?(-?)0*(\d)"), 8
ACKNOWLEDGED = "ACK"
ACKNOWLEDGE_S = 0.1


class GentecMaestro(Driver):
    """Role `pulse-energy meter`.

    `wavelength_nm` and `range_index` (0 to 41, full scale (1 or 3) × 10^((i − 24) / 2) J, *assumed*) are set at `prepare`;
    without a range the meter keeps its own.  Autoscale is switched off, since a change of range loses pulses.
    """

    role = "pulse-energy meter"
    framing = Terminated(b"\r\n")
    probe = Probe(b"*VER", lambda reply: reply.upper().startswith(b"MAESTRO"))
    serial = SerialSettings(baud=115200)
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("energy_J", "J", query="*CVU", low=-10.0, high=1e5, polled=True, source="3", about="of the last pulse"),
        Quantity("rate_Hz", "Hz", query="*GRR", low=0.0, high=1e5, polled=True, source="3"),
        Quantity("range_index", "", int, "read-write", "*GCR", "*SCS{value:02d}", 0, 41, source="3"),
        Quantity("autoscale", "", bool, "read-write", "*GAS", "*SAS{value}", source="3"),
        Quantity(
            "trigger_percent", "%", float, "read-write", "*GTL", "*STL{value:04.1f}", 0.1, 99.9, source="3", about="of range"
        ),
        Quantity("wavelength_nm", "nm", int, "read-write", "*GWL", "*PWC{value:05d}", 100, 20000, source="3"),
        Quantity("multiplier", "", float, "read-write", "*GUM", "*MUL{value}", 1e-6, 1e6, source="3"),
        Quantity("offset", "J", float, "read-write", "*GUO", "*OFF{value}", -999.0, 999.0, source="3"),
        Quantity("zero_offset", "", bool, query="*GZO", source="3", about="whether one is subtracted"),
        Quantity("mode", "", int, query="*GMD", low=0, high=7, source="3", about="1 and 2 are energies"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("range_up", "*SSU", "3"),
        Action("range_down", "*SSD", "3"),
        Action("take_zero_offset", "*SOU", "3", "without light"),
        Action("clear_zero_offset", "*COU", "3"),
        Action("start_stream", "*CAU", "3", "every reading is sent by itself"),
        Action("stop_stream", "*CSU", "3"),
    )

    def __init__(self, name: str, link: Link, *, wavelength_nm: int, range_index: int = -1, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        self.quantities["wavelength_nm"].check(name, wavelength_nm)
        if not -1 <= range_index <= 41:
            raise LimitError(name, f"range_index = {range_index} is outside 0 to 41 (or -1 to leave it)")
        self._wavelength_nm, self._range_index = wavelength_nm, range_index

    def identify(self) -> Identity:
        """Ends a stream first: a reply would hide in it (section 7)."""
        self.link.send_regardless(b"*CSU")
        reply = self._ask("*VER")
        found = VERSION.fullmatch(reply)
        if found is None:
            raise self._wrong("a Gentec Maestro", reply)
        return Identity("Gentec-EO", "Maestro", firmware=found[1])

    def prepare(self) -> None:
        self.write("autoscale", False)
        self.write("wavelength_nm", self._wavelength_nm)
        if self._range_index >= 0:
            self.write("range_index", self._range_index)

    def status(self) -> Status:
        mode = int(self.read("mode"))
        warnings = () if mode in ENERGY_MODES else (f"measures {MODES[mode]} and not energy",)
        return Status(MODES[mode], not warnings, warnings)

    def new_pulse(self) -> float | None:
        """Energy (J) of a pulse that came since the last call; None if none came.

        Pulses that came in between are lost, as are those of a stream that nobody reads: the meter does not number them.
        """
        return float(self.read("energy_J")) if self._new() else None

    def streamed(self, timeout_s: float) -> float | None:
        """The next energy of a running stream; None if none comes within `timeout_s`."""
        line = self.link.listen(timeout_s)
        quantity = self.quantities["energy_J"]
        return None if line is None else float(self._parse(quantity, line.decode("ascii", "replace")))

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "kept measuring")

    def _new(self) -> bool:
        reply = self._ask("*NVU")
        if reply not in (NEW, NOT_NEW, "1", "0"):
            raise self._garbled(f"*NVU was answered with {reply!r}")
        return reply in (NEW, "1")

    def _read(self, quantity: Quantity) -> Value:
        reply = self._ask(quantity.query)
        if quantity.name == "energy_J" and reply in (NOT_NEW, NO_VALUE):
            raise self._refused("has not seen a pulse yet")
        found = LABELLED.fullmatch(reply)
        if found is None:
            raise self._garbled(f"{quantity.name} came as {reply!r}")
        return self._parse(quantity, found[1])

    def _write(self, quantity: Quantity, value: Value) -> None:
        """What is compared is the number, not its spelling: a field of fixed width rounds."""
        number = float(value) if quantity.kind is float else 0.0
        self._write_and_compare(quantity, value, within=2e-3 * abs(number))

    def _spell(self, quantity: Quantity, value: Value) -> Value:
        """Multiplier and offset fill eight characters, `000.0015` or `1.234e-5` (section 3), with as many digits as fit."""
        if quantity.name not in ("multiplier", "offset"):
            return super()._spell(quantity, value)
        spelled = (EXPONENT.sub(r"e\1\2", f"{value:.{digits}g}") for digits in range(7, 0, -1))
        return next(text for text in spelled if len(text) <= WIDTH).zfill(WIDTH)

    def _ask(self, text: str) -> str:
        return self.link.query(self._line(text)).decode("ascii", "replace").strip(" ")

    def _tell(self, text: str) -> None:
        """Older firmware stays silent, newer says ACK (section 2): a short while is given to it."""
        with self.link:
            self.link.send(self._line(text))
            reply = self.link.listen(ACKNOWLEDGE_S)
        if reply is not None and text != "*CAU" and reply.strip() != ACKNOWLEDGED.encode("ascii"):
            raise self._refused(f"{text!r} was answered with {reply.decode('ascii', 'replace')!r}")
