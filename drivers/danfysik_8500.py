"""Danfysik System 8500: the magnet's current, its polarity and its interlocks.

Sources: several open drivers and an abridged command reference, as collected in the protocol sheet; *assumed* marks what none
confirms.  Settings are silent and refusals come unasked as `?` BEL text, so every setting is followed by the status word,
which nothing else looks like; a refusal then shows in front of it.  After an error a measurement may come with `E` in front:
the last value before it, which says nothing of now.
"""

import re
import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import DriverError, LimitError
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

OFF, PLUS, MINUS, SUM_INTERLOCK, NOT_READY = 0, 1, 2, 9, 22
INTERLOCKS = {
    7: "spare interlock",
    8: "one transistor fault",
    10: "DC over-current",
    11: "DC overload",
    12: "regulation module failure",
    13: "pre-regulator failure",
    14: "phase failure",
    15: "supply water flow",
    16: "earth leakage",
    17: "thermal breaker or fuses",
    18: "supply over-temperature",
    19: "panic button or door",
    20: "magnet water flow",
    21: "magnet over-temperature",
}
"""Characters of S1 that are `!` when the interlock is set."""
STATUS = re.compile(rb"[!.]{24}")
STALE = re.compile(rb"E[+-]?\d{1,6}")
"""A measurement from before an error."""
PPM = 1_000_000
SIGNS = {b"+": 1, b"-": -1, b"N": 1, b"O": 1}
"""Answers to PO; neutral or off carries no current, its sign does not matter."""
FALL_S = 5.0
"""Within this (wall time) a current on its way to zero has visibly fallen."""


class Danfysik8500(Driver):
    """Role `magnet supply`.

    `rated_current_A` scales the set point (parts per million of it), `read_back_A_per_count` the read-back AD 8; both differ
    from unit to unit.  Below `zero_current_A` the current counts as zero: only then is the polarity reversed.
    `ready_s` is the longest wait, in wall time, after switching on or reversing (*assumed*: a compatible supply needs
    20 s), `ramp_s` that for the current to decay (25 s from full current at 10 A/s).
    """

    role = "magnet supply"
    framing = Terminated(b"\r")
    command_end = b"\r"
    probe = Probe(b"S1\r", lambda reply: STATUS.fullmatch(reply) is not None)
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("current_A", "A", query="AD 8", polled=True, source="AD 8, PO", about="measured, signed by the polarity"),
        Quantity(
            "set_current_A", "A", float, "read-write", "RA", "WA {value:06d}", polled=True, source="WA, RA, PO", about="signed"
        ),
        Quantity("on", "", bool, query="S1", polled=True, source="S1, character 0", about="main contactor"),
        Quantity("output_percent", "%", int, query="AD 0", low=-20, high=120, source="AD 0", about="of the rated current"),
        Quantity("field_channel", "", int, query="AD 1", low=-999999, high=999999, source="AD 1"),
        Quantity(
            "voltage_percent", "%", int, query="AD 2", low=-120, high=120, polled=True, source="AD 2", about="of the rated one"
        ),
        Quantity("plus_15_V", "0.1 V", int, query="AD 3", low=-300, high=300, source="AD 3"),
        Quantity("minus_15_V", "0.1 V", int, query="AD 4", low=-300, high=300, source="AD 4"),
        Quantity("plus_5_V", "0.1 V", int, query="AD 5", low=-300, high=300, source="AD 5"),
        Quantity("delta_temperature", "0.1 °C", int, query="AD 6", low=-2000, high=2000, source="AD 6"),
        Quantity("transistor_voltage_V", "V", int, query="AD 7", low=-999, high=999, source="AD 7"),
        Quantity("panel_current", "", int, query="AD 9", low=-999999, high=999999, source="AD 9"),
        Quantity("status_hexadecimal", "", str, query="S1H", source="S1H"),
        Quantity("commanded_by", "", str, query="CMD", choices=("REM", "LOC"), source="CMD"),
        Quantity("command_state", "", str, query="CMDSTATE", choices=("REMOTE", "LOCAL", "LOCK"), source="CMDSTATE"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("reset_interlocks", "RS", "RS", "after their cause is gone"),
        Action("take_remote", "REM", "REM"),
        Action("give_local", "LOC", "LOC"),
        Action("lock_remote", "RLOCK", "RLOCK"),
        Action("lock_local", "LOCK", "LOCK"),
        Action("unlock", "UNLOCK", "UNLOCK"),
        Action("contactor_off", "F", "F", "at once, whatever the current"),
    )

    def __init__(
        self,
        name: str,
        link: Link,
        *,
        rated_current_A: float,
        read_back_A_per_count: float,
        zero_current_A: float = 0.5,
        ready_s: float = 60.0,
        ramp_s: float = 300.0,
        pause: Pause = time.sleep,
    ) -> None:
        super().__init__(name, link, pause=pause)
        if not (rated_current_A > 0 and read_back_A_per_count > 0 and zero_current_A > 0):
            raise LimitError(name, "rated_current_A, read_back_A_per_count and zero_current_A must be greater than 0")
        self._rated_A, self._per_count_A, self._zero_A = rated_current_A, read_back_A_per_count, zero_current_A
        self._ready_s, self._ramp_s = ready_s, ramp_s
        self._switched_on = False
        highest_A = rated_current_A * (PPM - 1) / PPM
        self._limit("set_current_A", -highest_A, highest_A)
        self._limit("current_A", -1.2 * rated_current_A, 1.2 * rated_current_A)

    def identify(self) -> Identity:
        """Only the form of the status word tells a System 8500 from its relatives; the text of `PRINT` differs (*assumed*)."""
        reply = self._question("S1")
        if STATUS.fullmatch(reply) is None:
            raise self._wrong("a Danfysik System 8500", reply.decode("ascii", "replace"))
        return Identity("Danfysik", "System 8500")

    def prepare(self) -> None:
        """No automatic answers, errors as text, remote control."""
        for text in ("NASW", "ERRT", "UNLOCK", "REM"):
            self._tell(text)
        if not self._remote():
            raise self._refused("stays under local control; set its panel to remote")

    def status(self) -> Status:
        """Not ok on an interlock, under local control, and when it is off after `switch_on`."""
        word = self._status_word()
        warnings = [text for place, text in INTERLOCKS.items() if _set(word, place)]
        if warnings or _set(word, SUM_INTERLOCK):
            return Status("interlock", False, tuple(warnings) or ("sum interlock without a cause",))
        off = _set(word, OFF)
        if not self._remote():
            warnings.append("under local control; set its panel to remote")
        if off and self._switched_on:
            warnings.append("went off by itself, or was switched off at its panel")
        state = "off" if off else "not ready" if _set(word, NOT_READY) else "on"
        return Status(state, not warnings, tuple(warnings))

    def switch_on(self) -> None:
        """Contactor on with the set point at zero, and wait until ready.  Refused while an interlock is present or latched."""
        status = self.status()
        if status.state == "interlock":
            raise self._refused(f"cannot switch on: {', '.join(status.warnings)}; clear the cause, then reset the supply")
        if status.state == "off":
            self._set_zero()
            self._tell("N")
        self._wait("on and ready", lambda: not self._any_set(OFF, NOT_READY), self._ready_s)
        self._switched_on = True

    def reset_interlocks(self) -> None:
        self.do("reset_interlocks")

    def ramp_to_zero_and_off(self) -> None:
        """Set point zero, wait until the current has decayed, contactor off."""
        self._set_zero()
        self._wait("at zero current", self._has_no_current, self._ramp_s)
        self._switched_on = False
        self._tell("F")
        self._wait("off", lambda: self._any_set(OFF), self._ready_s)

    def make_safe(self) -> SafeResult:
        """Set point zero at once, and look whether the current obeys.

        The current falls at the supply's own rate and may take half a minute, so this does not wait for the end of it:
        confirmed means that the set point reads back zero and that there is no current, or that it falls.  Where an error hides
        the current, an open contactor is what can be confirmed.
        `ramp_to_zero_and_off` waits, and opens the contactor when there is no current left.
        """
        self.link.send_regardless(b"\rWA 000000\r")
        self._set_zero()
        first_A = left_A = self._measured_A()
        deadline = time.monotonic() + FALL_S
        while first_A is not None and left_A is not None and left_A > self._zero_A:
            if left_A < first_A - self._zero_A:
                return SafeResult(True, f"ramping to zero, {left_A:.1f} A left")
            if time.monotonic() > deadline:
                return SafeResult(False, f"set point zero, but the current stays at {left_A:.1f} A")
            self._pause(0.1)
            left_A = self._measured_A()
        if left_A is not None:
            return SafeResult(True, "no current")
        if self._any_set(OFF):
            return SafeResult(True, "contactor off")
        return SafeResult(False, "set point zero, but an error hides the current, and the contactor is on")

    def _read(self, quantity: Quantity) -> Value:
        if quantity.name == "on":
            return not self._any_set(OFF)
        if quantity.name == "current_A":
            return self._believed(quantity, self._magnitude_A() * self._sign())
        if quantity.name != "set_current_A":
            return self._parse(quantity, self._fresh(quantity.query).decode("ascii", "replace"))
        return self._set_point_ppm() * self._rated_A / PPM * self._sign()

    def _write(self, quantity: Quantity, value: Value) -> None:
        current_A = float(value)
        if current_A and (current_A < 0) != (self._sign() < 0):
            self._reverse(current_A < 0)
        self._set_point(round(PPM * abs(current_A) / self._rated_A))

    def _reverse(self, negative: bool) -> None:
        """At zero current only; the set point is put to zero first, since it would act again on the other side."""
        if self._magnitude_A() > self._zero_A:
            raise self._refused("polarity can only be reversed without current; ramp to zero first")
        self._set_zero()
        self._tell("PO -" if negative else "PO +")
        wanted = MINUS if negative else PLUS
        self._wait("reversed", lambda: self._any_set(wanted) and not self._any_set(NOT_READY), self._ready_s)

    def _set_zero(self) -> None:
        self._set_point(0)

    def _set_point(self, ppm: int) -> None:
        self._tell(f"WA {ppm:06d}")
        back = self._set_point_ppm()
        if back != ppm:
            status = self.status()
            found = ", ".join((status.state, *status.warnings))
            raise self._refused(f"set point reads back {back} ppm after {ppm} was set; the supply is {found}")

    def _magnitude_A(self) -> float:
        return self._amperes(self._fresh("AD 8"))

    def _measured_A(self) -> float | None:
        """The magnitude of the current; None where there is only a value from before an error."""
        reply = self._question("AD 8")
        return None if STALE.fullmatch(reply) else self._amperes(reply)

    def _amperes(self, counts: bytes) -> float:
        return abs(self._integer("AD 8", counts.decode("ascii", "replace"), low=None)) * self._per_count_A

    def _has_no_current(self) -> bool:
        current_A = self._measured_A()
        return self._any_set(OFF) if current_A is None else current_A <= self._zero_A

    def _fresh(self, text: str) -> bytes:
        reply = self._question(text)
        if STALE.fullmatch(reply):
            status = self.status()
            found, last = ", ".join((status.state, *status.warnings)), reply.decode("ascii")
            raise self._refused(f"{text} tells only the last value before an error, {last}; the supply is {found}")
        return reply

    def _set_point_ppm(self) -> int:
        return self._integer("RA", self._question("RA").decode("ascii", "replace"), high=PPM)

    def _sign(self) -> int:
        reply = self._question("PO")
        if reply not in SIGNS:
            raise self._garbled(f"PO was answered with {reply!r}")
        return SIGNS[reply]

    def _remote(self) -> bool:
        reply = self._question("CMD")
        if reply not in (b"REM", b"LOC"):
            raise self._garbled(f"CMD was answered with {reply!r}")
        return reply == b"REM"

    def _any_set(self, *places: int) -> bool:
        word = self._status_word()
        return any(_set(word, place) for place in places)

    def _status_word(self) -> bytes:
        reply = self._question("S1")
        if STATUS.fullmatch(reply) is None:
            raise self._garbled(f"S1 was answered with {reply!r}")
        return reply

    def _question(self, text: str) -> bytes:
        """Ask.  A refusal that comes instead of the answer, or in front of it, is raised as what it is."""
        reply = self.link.query(self._line(text))
        if reply.startswith(b"?"):
            self.link.distrust()
            raise self._refused(reply[1:].strip(b"\x07 ").decode("ascii", "replace") or "a command was refused")
        return reply

    def _tell(self, text: str) -> None:
        """Set, and ask for the status word, so that a refusal is seen here and not by somebody else's question."""
        with self.link:
            self.link.send(self._line(text))
            try:
                self._status_word()
            except DriverError as error:
                raise type(error)(self.name, f"{text}: {error.what}") from None


def _set(word: bytes, place: int) -> bool:
    return word[place : place + 1] == b"!"
