"""Newport ESP301: the stage that carries the ionising laser's lens across the beam, and the one that turns the rod.

Sources: a real traffic log, open drivers and manual pages of its sister, as collected in the protocol sheet (sections in
brackets); *assumed* marks what none confirms.  Settings are silent; each is followed by `TB?`, which pops the oldest error.
"""

import re
import time
from collections.abc import Iterator
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

ERROR = re.compile(r"(\d{1,3}), (-?\d{1,10}), ([^,]*)", re.ASCII)
UNASKED = re.compile(rb"E(3[5-9]|4[0-2])\b.+", re.ASCII)
"""Hard-limit messages that may precede a reply (section 7, 3)."""
ERROR_QUEUE = 20
"""More reads than the queue is deep (*assumed*)."""
MILLIMETRE = 2
HOMING = {"home_and_index": 1, "home_switch": 2, "positive_limit": 3, "negative_limit": 4}
AXES = (1, 2, 3)
REFERENCING = {f"define_axis{axis}_zero": axis for axis in AXES}
REFERENCING |= {f"axis{axis}_to_{name}": axis for axis in AXES for name in HOMING}
"""Actions that give an axis a zero."""
STARTS_S = 0.1
"""Within this time after a command an axis says that it moves (section 7, 6; *assumed*)."""
GRID_MM = 0.0005
"""Positions are read on this grid (section 6); a set point is compared within it."""


def _of_axis(axis: int) -> Iterator[Quantity]:
    name = f"axis{axis}"

    def reading(word: str, unit: str, what: str, low: float, high: float, *, polled: bool = False, about: str = "") -> Quantity:
        return Quantity(
            f"{name}_{what}", unit, query=f"{axis}{word}", low=low, high=high, polled=polled, source="3", about=about
        )

    def setting(word: str, unit: str, what: str, low: float, high: float) -> Quantity:
        command = f"{axis}{word}{{value:.6f}}"
        return Quantity(f"{name}_{what}", unit, float, "read-write", f"{axis}{word}?", command, low, high, source="3")

    yield reading("TP?", "mm", "position_mm", -1000.0, 1000.0, polled=True)
    yield setting("PA", "mm", "set_position_mm", -1000.0, 1000.0)
    yield Quantity(
        f"{name}_move_by_mm", "mm", float, "write", command=f"{axis}PR{{value:.6f}}", low=-1000.0, high=1000.0, source="3"
    )
    yield reading("DP?", "mm", "desired_position_mm", -1000.0, 1000.0, about="of the trajectory")
    yield reading("TV?", "mm/s", "velocity_now_mm_s", -500.0, 500.0)
    yield Quantity(
        f"{name}_moving",
        "",
        bool,
        query=f"{axis}MD?",
        words={"0": True, "1": False},
        polled=True,
        source="3",
        about="MD 0 is moving",
    )
    yield Quantity(f"{name}_motor_on", "", bool, "read-write", f"{axis}MO?", f"{axis}M{{value}}", source="3")
    yield setting("VA", "mm/s", "velocity_mm_s", 0.0, 500.0)
    yield reading("VU?", "mm/s", "highest_velocity_mm_s", 0.0, 500.0)
    yield setting("AC", "mm/s²", "acceleration_mm_s2", 0.0, 5000.0)
    yield setting("AG", "mm/s²", "deceleration_mm_s2", 0.0, 5000.0)
    yield setting("AE", "mm/s²", "emergency_deceleration_mm_s2", 0.0, 5000.0)
    yield reading("AU?", "mm/s²", "highest_acceleration_mm_s2", 0.0, 5000.0)
    yield reading("JK?", "mm/s³", "jerk_mm_s3", 0.0, 1e6)
    yield setting("SL", "mm", "lower_limit_mm", -1000.0, 1000.0)
    yield setting("SR", "mm", "upper_limit_mm", -1000.0, 1000.0)
    yield Quantity(
        f"{name}_unit", "", int, "read-write", f"{axis}SN?", f"{axis}SN{{value}}", 0, 11, source="3", about="2 is mm"
    )
    yield Quantity(f"{name}_stage", "", str, query=f"{axis}ID?", source="3", about="model, serial number")


class ESP301(Driver):
    """Role `stage`, axes 1 to `axes`.

    `at_most_s` is the longest wait for a search of home, in wall time.  A move is not waited for: poll `axisn_moving` and
    compare the position, since just after a command the stage may still say that it stands (section 7, 6).

    At power-up zero is wherever a stage stands and its motor is off (*assumed*).  So a motor that is found off stays off, as
    the controller's own sign that the zero may be lost, until `home`; its axis takes no position before.
    """

    role = "stage"
    framing = Terminated(b"\r\n")
    command_end = b"\r"
    probe = Probe(b"VE?\r", lambda reply: reply.startswith(b"ESP301"))
    serial = SerialSettings(baud=19200, rts_cts=True)
    declared: ClassVar[tuple[Quantity, ...]] = (
        *(one for axis in AXES for one in _of_axis(axis)),
        Quantity("hardware", "", str, query="PH", source="5", about="two hexadecimal registers"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("stop", "ST", "3", "all axes, with their deceleration"),
        *(Action(f"abort_axis{axis}", f"{axis}AB", "3", "at once") for axis in AXES),
        *(Action(f"axis{axis}_to_{name}", f"{axis}OR{code}", "3") for axis in AXES for name, code in HOMING.items()),
        *(Action(f"define_axis{axis}_zero", f"{axis}DH", "3", "here") for axis in AXES),
        *(Action(f"axis{axis}_to_lower_end", f"{axis}MT-", "3", "hardware limit") for axis in AXES),
        *(Action(f"axis{axis}_to_upper_end", f"{axis}MT+", "3", "hardware limit") for axis in AXES),
        Action("save", "SM", "3", "settings to flash"),
    )

    def __init__(self, name: str, link: Link, *, axes: int = 1, at_most_s: float = 60.0, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        if axes not in AXES:
            raise LimitError(name, f"axes = {axes} is not 1, 2 or 3")
        self._axes, self._at_most_s = AXES[:axes], at_most_s
        self._lost: set[int] = set()
        absent = tuple(f"axis{axis}_" for axis in AXES[axes:])
        self.quantities = {key: one for key, one in self.quantities.items() if not key.startswith(absent or ("-",))}

    def identify(self) -> Identity:
        reply = self._ask("VE?")
        words = reply.split()
        if len(words) < 3 or words[:2] != ["ESP301", "Version"]:
            raise self._wrong("a Newport ESP301", reply)
        return Identity("Newport", "ESP301", firmware=words[2])

    def prepare(self) -> None:
        """Old errors forgotten, millimetres, set points within the stage's own limits.  Nothing moves."""
        for _ in range(ERROR_QUEUE):
            if self._error()[0] == 0:
                break
        for axis in self._axes:
            unit = int(self.read(f"axis{axis}_unit"))
            if unit != MILLIMETRE:
                raise self._refused(f"axis {axis} counts in unit {unit}; set it to millimetres (SN 2)")
            lower, upper = (float(self.read(f"axis{axis}_{side}_limit_mm")) for side in ("lower", "upper"))
            self._limit(f"axis{axis}_set_position_mm", lower, upper)
            self._limit(f"axis{axis}_velocity_mm_s", 0.0, float(self.read(f"axis{axis}_highest_velocity_mm_s")))
            if not self.read(f"axis{axis}_motor_on"):
                self._lost.add(axis)

    def home(self, axis: int) -> None:
        """Motor on, search home and index, and wait until the stage stands at zero."""
        if axis not in self._axes:
            raise LimitError(self.name, f"has no axis {axis}; it has {', '.join(map(str, self._axes))}")
        self.write(f"axis{axis}_motor_on", True)
        self._tell(f"{axis}OR1")
        self._pause(STARTS_S)
        self._wait(
            f"at the home of axis {axis}",
            lambda: not self.read(f"axis{axis}_moving") and abs(float(self.read(f"axis{axis}_position_mm"))) < 0.01,
            self._at_most_s,
        )
        self._raise_error(f"{axis}OR1")
        self._lost.discard(axis)

    def stop(self) -> None:
        self.do("stop")

    def status(self) -> Status:
        """Not ok when a motor is off, a zero may be lost, or an error was queued since the last look (reading removes it)."""
        warnings = [f"home {_lost(axis)}" for axis in self._axes if axis in self._lost]
        for axis in self._axes:
            if not self.read(f"axis{axis}_motor_on"):
                warnings.append(f"motor {axis} is off")
        for _ in range(ERROR_QUEUE):
            code, text = self._error()
            if code == 0:
                break
            warnings.append(text.lower())
        moving = any(self.read(f"axis{axis}_moving") for axis in self._axes)
        return Status("moving" if moving else "standing", not warnings, tuple(warnings))

    def make_safe(self) -> SafeResult:
        """Stopped; the first command leaves before anything is asked."""
        self.link.send_regardless(b"\rST\r")
        self._wait("standing", lambda: not any(self.read(f"axis{axis}_moving") for axis in self._axes), 5.0)
        return SafeResult(True, "stopped")

    def _do(self, action: Action) -> None:
        super()._do(action)
        if action.name in REFERENCING:
            self._lost.discard(REFERENCING[action.name])

    def _write(self, quantity: Quantity, value: Value) -> None:
        axis = int(quantity.name[len("axis")])
        if quantity.name.endswith("_set_position_mm") and axis in self._lost:
            raise self._refused(f"takes no position before you home {_lost(axis)}")
        if quantity.name.endswith("_motor_on"):
            self._tell(quantity.command.format(value="O" if value else "F"))
            if self._read(quantity) is not value:
                raise self._refused(f"{quantity.name} reads back {not value}")
        elif quantity.access == "write":
            super()._write(quantity, value)
        else:
            self._write_and_compare(quantity, value, within=GRID_MM if quantity.kind is float else 0.0)

    def _ask(self, text: str) -> str:
        with self.link:
            reply = self.link.query(self._line(text))
            if UNASKED.fullmatch(reply):
                later = self.link.listen(self.link.timeout_s)
                if later is None:
                    raise self._garbled(f"{text!r} was answered with {reply!r} alone")
                reply = later
        return reply.decode("ascii", "replace")

    def _tell(self, text: str) -> None:
        with self.link:
            self.link.send(self._line(text))
            self._raise_error(text)

    def _raise_error(self, text: str) -> None:
        """What went wrong, and the queue emptied: an error left in it would be blamed on the next command."""
        code, said = self._error()
        if code:
            for _ in range(ERROR_QUEUE):
                if self._error()[0] == 0:
                    break
            raise self._refused(f"{text!r}: {said.lower()}")

    def _error(self) -> tuple[int, str]:
        reply = self._ask("TB?")
        found = ERROR.fullmatch(reply)
        if found is None:
            raise self._garbled(f"TB? was answered with {reply!r}")
        return int(found[1]), found[3]


def _lost(axis: int) -> str:
    return f"axis {axis}: its motor was found off, so its zero may be lost"
