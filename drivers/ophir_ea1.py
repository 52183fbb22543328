"""Ophir EA-1: energy of each laser pulse, over Ethernet.

Sources: pages of the maker's manual and open clients, as collected in the protocol sheet (sections in brackets); *assumed*
marks what none confirms.  A good reply begins with `*`, an error with `?`.
"""

import re
import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

VERSION = re.compile(r"E([AD])(\d+\.\d+)", re.ASCII)
OVER = "OVER"
PYROELECTRIC = "PY"
ENERGY = 1 << 1
"""Capability bit of a head that measures energies (section 3)."""
ZERO_STATES = ("ZEROING NOT STARTED", "ZEROING IN PROGRESS", "ZEROING FAILED", "ZEROING COMPLETED")


class OphirEA1(Driver):
    """Role `pulse-energy meter`.  `wavelength_nm` and `range_index` (0 is the highest) are set at `prepare`."""

    role = "pulse-energy meter"
    framing = Terminated(b"\r\n")
    command_end = b"\r\n"
    probe = Probe(b"$VE\r\n", lambda reply: reply.startswith((b"*EA", b"*ED")))
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("energy_J", "J", query="$SE", low=-10.0, high=1e5, polled=True, source="3, 4", about="of the last pulse"),
        Quantity("power_W", "W", query="$SP", low=-10.0, high=1e6, source="3"),
        Quantity("rate_Hz", "Hz", query="$SF", low=0.0, high=1e6, polled=True, source="3"),
        Quantity("unit", "", str, query="$SI", source="3"),
        Quantity("new", "", bool, query="$EF", source="3", about="a pulse came since the last look at its energy"),
        Quantity("ready", "", bool, query="$ER", source="3", about="for the next pulse"),
        Quantity("range_index", "", int, "read-write", "$RN", "$WN {value}", -1, 20, source="3", about="-1 is automatic"),
        Quantity("wavelength_nm", "nm", int, "read-write", "$AW", "$WL {value}", 100, 20000, source="3"),
        Quantity("threshold", "", int, "read-write", "$UT", "$UT {value}", 1, 10000, source="3", about="1/10000 of the scale"),
        Quantity("filter_in", "", bool, "read-write", "$FQ", "$FQ {value}", words={"1": False, "2": True}, source="3"),
        Quantity("diffuser_in", "", bool, "read-write", "$DQ", "$DQ {value}", words={"1": False, "2": True}, source="3"),
        Quantity(
            "mains_Hz", "Hz", int, "read-write", "$MA", "$MA {value}", words={"1": 50, "2": 60}, choices=(50, 60), source="3"
        ),
        Quantity("head", "", str, query="$HI", source="3", about="type, serial number, name, capabilities"),
        Quantity("ranges", "", str, query="$AR", source="3"),
        Quantity("zeroing", "", str, query="$ZQ", choices=ZERO_STATES, source="3"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("zero", "$ZE", "3", "without light, 25 s"),
        Action("save_head", "$HC S", "3", "settings as power-up default"),
        Action("save_instrument", "$IC", "3"),
        Action("start_stream", "$CS 2", "4", "every energy is sent by itself; firmware 1.12"),
        Action("stop_stream", "$CS 1", "4"),
    )

    def __init__(self, name: str, link: Link, *, wavelength_nm: int, range_index: int = 0, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        self.quantities["wavelength_nm"].check(name, wavelength_nm)
        if not 0 <= range_index <= 20:
            raise LimitError(name, f"range_index = {range_index} is outside 0 to 20")
        self._wavelength_nm, self._range_index = wavelength_nm, range_index

    def identify(self) -> Identity:
        """Ends a stream first."""
        self.link.send_regardless(b"\r\n$CS 1\r\n")
        reply = self._ask("$VE")
        found = VERSION.fullmatch(reply)
        if found is None:
            raise self._wrong("an Ophir EA-1", reply)
        head = self._ask("$HI").split()
        return Identity("Ophir", "EA-1", head[1] if len(head) > 1 else "", found[2])

    def prepare(self) -> None:
        """Wavelength and a fixed range, since a change of range loses pulses; the pulse in the buffer is an old one."""
        self.write("wavelength_nm", self._wavelength_nm)
        self.write("range_index", self._range_index)
        self.new_pulse()

    def status(self) -> Status:
        fields = self._ask("$HI").split()
        if len(fields) != 4:
            return Status("no head", False, ("no head is connected",))
        capable = re.fullmatch(r"[0-9A-Fa-f]{8}", fields[3])
        if capable is None:
            raise self._garbled(f"$HI was answered with {' '.join(fields)!r}")
        energies = fields[0] == PYROELECTRIC and bool(int(fields[3], 16) & ENERGY)
        return Status("measuring", energies, () if energies else (f"its head {fields[2]} measures no energies",))

    def new_pulse(self) -> float | None:
        """Energy (J) of a pulse that came since the last call; None if none came.  At most some ten a second are seen so."""
        return float(self.read("energy_J")) if self.read("new") else None

    def streamed(self, timeout_s: float) -> float | None:
        """The next energy of a running stream; None if none comes within `timeout_s`."""
        line = self.link.listen(timeout_s)
        return None if line is None else self._energy(line.decode("ascii", "replace").strip())

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "kept measuring")

    def _read(self, quantity: Quantity) -> Value:
        reply = self._ask(quantity.query)
        match quantity.name:
            case "energy_J" | "power_W" | "rate_Hz":
                return self._number_or_over(quantity, reply)
            case "wavelength_nm":
                return self._wavelength(reply)
            case "threshold" | "filter_in" | "diffuser_in" | "mains_Hz":
                # The value stands first; what it may be follows.
                return self._parse(quantity, reply.split()[0] if reply.split() else "")
            case _:
                return self._parse(quantity, reply)

    def _energy(self, text: str) -> float:
        return self._number_or_over(self.quantities["energy_J"], text)

    def _number_or_over(self, quantity: Quantity, text: str) -> float:
        if text == OVER:
            raise self._refused(f"{quantity.name} is over range; choose a higher range")
        return float(self._parse(quantity, text))

    def _wavelength(self, reply: str) -> int:
        """`CONTINUOUS min max index w1 w2 …`: the index (from 1, *assumed*) tells which one is set."""
        words = reply.split()
        if len(words) < 5 or words[0] != "CONTINUOUS":
            raise self._refused(f"its head has no continuous wavelengths: {reply!r}")
        index = self._integer("the wavelength's index", words[3], low=1, high=len(words) - 4)
        return self._integer("the wavelength", words[3 + index], low=100, high=20000)

    def _write(self, quantity: Quantity, value: Value) -> None:
        self._write_and_compare(quantity, value)

    def _ask(self, text: str) -> str:
        reply = self.link.query(self._line(text)).decode("ascii", "replace").strip("\0 ")
        if reply.startswith("?"):
            raise self._refused(f"{text!r}: {reply[1:].strip() or 'refused'}")
        if not reply.startswith("*"):
            raise self._garbled(f"{text!r} was answered with {reply!r}")
        return reply[1:].strip()

    def _tell(self, text: str) -> None:
        self._ask(text)
