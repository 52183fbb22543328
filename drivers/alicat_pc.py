"""Alicat PC: the helium backing pressure, one letter and a line of text at a time.

Sources: manuals of the family and the open client, as collected in the protocol sheet (sections in brackets); *assumed*
marks what none confirms.  The wire carries no unit: the configuration says which one the unit was ordered with.
"""

import re
import time
from dataclasses import dataclass
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

BAR = {"bar": 1.0, "kPa": 0.01, "psi": 0.0689475729, "mbar": 1e-3, "MPa": 10.0}
NUMBER = r"[+-]?\d{1,6}(?:\.\d{1,6})?"
WORDS = {
    "LCK": "its keys are locked",
    "HLD": "its valve is held",
    "EXH": "its valve exhausts",
    "POV": "pressure over range",
    "TOV": "temperature over range",
    "MOV": "mass flow over range",
    "VOV": "volume flow over range",
    "OVR": "totaliser over range",
    "ADC": "converter error",
}
"""Status words at the end of a frame (section 4)."""
FAULTS = ("POV", "TOV", "MOV", "VOV", "ADC")
CONTROLLED = {"34": "absolute pressure", "38": "gauge pressure", "39": "differential pressure"}
"""What register 122 says a pressure controller regulates (section 3)."""
REGISTER = re.compile(r"[A-Z] +(\d{3}) = +?(\d{1,8})", re.ASCII)
FIRMWARE = re.compile(r".*?(\d{1,2}v\d{1,2}\S*).*", re.ASCII)
RATE_UNITS = {"3": "ms", "4": "s", "5": "min", "6": "h", "7": "d"}


@dataclass(frozen=True)
class Frame:
    """The data frame of a single-valve unit, in its own unit of pressure."""

    pressure: float
    set_point: float
    words: tuple[str, ...]


class AlicatPC(Driver):
    """Role `pressure controller`.

    `full_scale_bar` is this unit's capacity, `unit` the unit of pressure it was ordered with, `unit_id` its letter.  Set
    points are sent with four decimals (*assumed* to be rounded to the unit's own).
    """

    role = "pressure controller"
    framing = Terminated(b"\r")
    command_end = b"\r"
    serial = SerialSettings(baud=19200)
    timeout_s = 0.5
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("pressure_bar", "bar", query="", low=-1.0, high=400.0, polled=True, source="4"),
        Quantity("set_pressure_bar", "bar", float, "read-write", "", "S{value:.4f}", 0.0, 400.0, polled=True, source="3"),
        Quantity("valve_held", "", bool, query="", polled=True, source="4", about="held where it is, or closed"),
        Quantity("keys_locked", "", bool, "read-write", "", "{value}", words={"U": False, "L": True}, source="3"),
        Quantity("controlled", "", str, query="R122", words=CONTROLLED, source="3", about="loop variable"),
        Quantity("p_gain", "", int, "read-write", "R21", "W21={value}", 0, 65535, source="3"),
        Quantity("d_gain", "", int, "read-write", "R22", "W22={value}", 0, 65535, source="3"),
        Quantity("i_gain", "", int, "read-write", "R23", "W23={value}", 0, 65535, source="3"),
        Quantity("loop_type", "", int, query="R85", low=0, high=9, source="3"),
        Quantity(
            "ramp_bar_s", "bar/s", float, "read-write", "SR", "SR {value:.4f} 4", 0.0, 400.0, source="3", about="0 is none"
        ),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("hold_valve", "HP", "3"),
        Action("release_valve", "C", "3"),
        Action("tare_gauge", "P", "3", "at no pressure only"),
        Action("tare_absolute", "PC", "3", "against the barometer"),
    )

    def __init__(
        self,
        name: str,
        link: Link,
        *,
        full_scale_bar: float,
        unit: str = "bar",
        unit_id: str = "A",
        pause: Pause = time.sleep,
    ) -> None:
        super().__init__(name, link, pause=pause)
        if unit not in BAR:
            raise LimitError(name, f"unit = {unit!r} is not one of {', '.join(BAR)}")
        if not (len(unit_id) == 1 and "A" <= unit_id <= "Z" and 0 < full_scale_bar <= 400):
            raise LimitError(name, f"unit_id = {unit_id!r} must be A to Z, full_scale_bar = {full_scale_bar:g} 0 to 400 bar")
        self._bar, self._id = BAR[unit], unit_id
        self._full_scale_bar = float(full_scale_bar)
        self._frame = re.compile(rf"{unit_id} +({NUMBER}) +({NUMBER})((?: +[A-Z]{{3}})*) *", re.ASCII)
        self._limit("set_pressure_bar", 0.0, self._full_scale_bar)
        self._limit("pressure_bar", -0.5 * self._full_scale_bar, 1.5 * self._full_scale_bar)
        # Every other message is answered with a frame; the register's number tells this answer from all of them.
        question = f"{unit_id}R122\r".encode("ascii")
        link.use_probe(Probe(question, lambda reply: b"122 =" in reply and reply[:1] == unit_id.encode("ascii")))

    def identify(self) -> Identity:
        """Streaming is ended first (section 7): a unit that streamed when it lost its power still does."""
        self.link.send_regardless(f"\r@@={self._id}\r".encode("ascii"))
        controlled = self._register(122)
        if controlled not in CONTROLLED:
            raise self._wrong("an Alicat pressure controller", f"loop variable {controlled}")
        text = self._ask("VE")
        firmware = FIRMWARE.fullmatch(text)
        if firmware is None:
            raise self._garbled(f"{self._id}VE was answered with {text!r}")
        return Identity("Alicat", "PC", firmware=firmware[1])

    def prepare(self) -> None:
        """Set point zero, then the valve released to follow it."""
        self.write("set_pressure_bar", 0.0)
        self.do("release_valve")
        if "HLD" in self._poll().words:
            raise self._refused("does not release its valve")

    def status(self) -> Status:
        words = self._poll().words
        warnings = tuple(WORDS[word] for word in words if word in WORDS and word not in ("LCK", "HLD"))
        fault = any(word in FAULTS for word in words)
        return Status("fault" if fault else "held" if "HLD" in words else "controlling", not fault, warnings)

    def close_valve(self) -> None:
        """Valve held closed and set point zero; both are tried before a failure is raised.  `prepare` releases it."""
        failure = self._every(lambda: self._tell("HC"), lambda: self.write("set_pressure_bar", 0.0))
        if failure is not None:
            raise failure
        if "HLD" not in self._poll().words:
            raise self._refused("does not hold its valve closed")

    def make_safe(self) -> SafeResult:
        """Valve closed: its frame says that it is held, and the set point is zero."""
        self.link.send_regardless(f"\r{self._id}HC\r".encode("ascii"))
        self.close_valve()
        return SafeResult(True, "valve closed")

    def _read(self, quantity: Quantity) -> Value:
        match quantity.name:
            case "pressure_bar":
                return self._believed(quantity, self._poll().pressure * self._bar)
            case "set_pressure_bar":
                return self._believed(quantity, self._poll().set_point * self._bar)
            case "valve_held":
                return "HLD" in self._poll().words
            case "keys_locked":
                return "LCK" in self._poll().words
            case "ramp_bar_s":
                return self._believed(quantity, self._ramp_bar_s())
            case _:
                return self._parse(quantity, self._register(int(quantity.query[1:])))

    def _write(self, quantity: Quantity, value: Value) -> None:
        if quantity.kind is float:
            wanted = float(value)
            self._tell(quantity.command.format(value=wanted / self._bar))
            back = float(self._read(quantity))
            # The frame has two decimals at least; a tenth of a percent of the full scale is a refusal.
            if abs(back - wanted) > max(0.0051 * self._bar, 1e-4 * self._full_scale_bar):
                raise self._refused(f"{quantity.name} reads back {back:g} {quantity.unit} after {wanted:g} was set")
        else:
            self._write_and_compare(quantity, value)

    def _poll(self) -> Frame:
        reply = self._ask("")
        found = self._frame.fullmatch(reply)
        if found is None:
            raise self._garbled(f"a frame came as {reply!r}")
        return Frame(float(found[1]), float(found[2]), tuple(found[3].split()))

    def _register(self, number: int) -> str:
        reply = self._ask(f"R{number}")
        found = REGISTER.fullmatch(reply)
        if found is None or int(found[1]) != number:
            raise self._garbled(f"register {number} came as {reply!r}")
        return str(int(found[2]))

    def _ramp_bar_s(self) -> float:
        """Five words, the second is the rate, the fourth its unit of time (*assumed*; section 3 names only their number)."""
        reply = self._ask("SR")
        words = reply.split()
        if len(words) != 5 or words[3] not in RATE_UNITS:
            raise self._garbled(f"the ramp came as {reply!r}")
        if words[3] != "4" and float(self._number("the ramp", words[1])):
            raise self._refused(f"ramps per {RATE_UNITS[words[3]]}; set the ramp again, in bar/s")
        return self._number("the ramp", words[1]) * self._bar

    def _ask(self, text: str) -> str:
        reply = self.link.query(self._line(self._id + text)).replace(b"\0", b"").decode("ascii", "replace")
        if reply == "?":
            raise self._refused(f"{self._id + text!r} is not understood")
        return reply

    def _tell(self, text: str) -> None:
        """Every setting is answered with a line; what it says is read back by whoever needs it."""
        self._ask(text)
