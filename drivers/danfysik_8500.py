"""Danfysik System 8500: the magnet's current, its polarity and its interlocks.

Sources: several open drivers and an abridged command reference, as collected in the protocol sheet; *assumed* marks what none
confirms.  Settings are silent and refusals come unasked as `?` BEL text, so every setting is followed by a question whose
answer has a form of its own; a refusal then shows in front of it.
"""

import re
import time
from collections.abc import Callable
from typing import ClassVar

from drivers.driver import Driver
from drivers.errors import DriverError
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Quantity, Value
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
PPM = 1_000_000
POLL_S = 0.1
READY_S = 30.0
"""Longest wait for the supply after switching on or reversing (*assumed*; a compatible supply needs 20 s)."""
RAMP_S = 300.0


class Danfysik8500(Driver):
    """Role `magnet supply`.

    `rated_current_A` scales the set point (parts per million of it), `read_back_A_per_count` the read-back AD 8; both differ
    from unit to unit.  Below `zero_current_A` the current counts as zero: polarity may be reversed.
    """

    framing = Terminated(b"\r")
    probe = Probe(b"S1\r", lambda reply: STATUS.fullmatch(reply) is not None)
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("current_A", "A", query="AD 8", source="AD 8", about="measured, signed by the polarity"),
        Quantity("set_current_A", "A", float, "read-write", "RA", "WA {value:06d}", source="WA, RA, PO", about="signed"),
        Quantity("on", "", bool, query="S1", source="S1, character 0", about="main contactor"),
    )

    def __init__(
        self,
        name: str,
        link: Link,
        *,
        rated_current_A: float,
        read_back_A_per_count: float,
        zero_current_A: float = 0.5,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(name, link)
        self._rated_A = float(rated_current_A)
        self._per_count_A = float(read_back_A_per_count)
        self._zero_A = float(zero_current_A)
        self._pause = pause
        highest = self._rated_A * (PPM - 1) / PPM
        self._limit("set_current_A", -highest, highest)
        self._limit("current_A", -1.2 * self._rated_A, 1.2 * self._rated_A)

    def identify(self) -> Identity:
        """Only the form of the status word tells a System 8500 from its relatives; the text of `PRINT` differs (*assumed*)."""
        reply = self._question("S1")
        if STATUS.fullmatch(reply) is None:
            raise self._wrong("a Danfysik System 8500", reply.decode("ascii", "replace"))
        return Identity("Danfysik", "System 8500")

    def prepare(self) -> None:
        """Remote control, no automatic answers, errors as text."""
        for text in ("NASW", "ERRT", "UNLOCK", "REM"):
            self._tell(text)
        self._pause(POLL_S)
        if (answer := self._question("CMD")) != b"REM":
            raise self._refused(f"stays under local control ({answer.decode('ascii', 'replace')}); set the panel to remote")

    def status(self) -> Status:
        word = self._status_word()
        faults = tuple(text for place, text in INTERLOCKS.items() if word[place : place + 1] == b"!")
        if faults or _set(word, SUM_INTERLOCK):
            return Status("interlock", False, faults or ("sum interlock",))
        if _set(word, OFF):
            return Status("off", True)
        return Status("not ready" if _set(word, NOT_READY) else "on", True)

    def switch_on(self) -> None:
        """Contactor on with the set point at zero, and wait until ready.  Refused while an interlock is present or latched."""
        status = self.status()
        if not status.ok:
            raise self._refused(f"cannot switch on: {', '.join(status.warnings)}; clear the cause, then reset the supply")
        if _set(self._status_word(), OFF):
            self._tell("WA 000000")
            self._tell("N")
        self._wait("ready", lambda: not _set(self._status_word(), OFF) and not _set(self._status_word(), NOT_READY), READY_S)

    def ramp_to_zero_and_off(self) -> None:
        """Set point zero, wait until the current has decayed, contactor off."""
        self._tell("WA 000000")
        self._wait("at zero current", lambda: abs(self._current_A()) <= self._zero_A, RAMP_S)
        self._tell("F")
        self._wait("off", lambda: _set(self._status_word(), OFF), READY_S)

    def make_safe(self) -> SafeResult:
        """Set point zero at once; the current then falls at the supply's own rate, `ramp_to_zero_and_off` waits for it.

        Confirmed when the set point reads back zero; a supply that is off already is safe.
        """
        self._tell("WA 000000")
        if self._set_point_ppm() != 0:
            return SafeResult(False, "the set point is not zero")
        left_A = abs(self._current_A())
        return SafeResult(True, "no current" if left_A <= self._zero_A else f"ramping to zero, {left_A:.1f} A left")

    def _read(self, quantity: Quantity) -> Value:
        if quantity.name == "on":
            return not _set(self._status_word(), OFF)
        if quantity.name == "current_A":
            value = self._current_A() * self._polarity()
        else:
            value = self._set_point_ppm() * self._rated_A / PPM * self._polarity()
        return self._in_range(quantity, value)

    def _write(self, quantity: Quantity, value: Value) -> None:
        current_A = float(value)
        if current_A and (current_A < 0) != (self._polarity() < 0):
            self._reverse(current_A < 0)
        ppm = round(PPM * abs(current_A) / self._rated_A)
        self._tell(quantity.command.format(value=ppm))
        back = self._set_point_ppm()
        if back != ppm:
            raise self._refused(f"set point reads back {back} ppm after {ppm} was set; is the supply on and remote?")

    def _reverse(self, negative: bool) -> None:
        if abs(self._current_A()) > self._zero_A:
            raise self._refused("polarity can only be reversed without current; ramp to zero first")
        self._tell("PO -" if negative else "PO +")
        wanted = MINUS if negative else PLUS
        self._wait("reversed", lambda: _set(self._status_word(), wanted) and not _set(self._status_word(), NOT_READY), READY_S)

    def _current_A(self) -> float:
        return self._number("AD 8", rb"-?\d{1,7}") * self._per_count_A

    def _set_point_ppm(self) -> int:
        return self._number("RA", rb"\d{1,6}")

    def _polarity(self) -> int:
        reply = self._question("PO")
        if reply not in (b"+", b"-", b"N", b"O"):
            raise self._garbled(f"PO was answered with {reply!r}")
        return -1 if reply == b"-" else 1

    def _status_word(self) -> bytes:
        reply = self._question("S1")
        if STATUS.fullmatch(reply) is None:
            raise self._garbled(f"S1 was answered with {reply!r}")
        return reply

    def _number(self, text: str, form: bytes) -> int:
        reply = self._question(text)
        if re.fullmatch(form, reply) is None:
            raise self._garbled(f"{text} was answered with {reply!r}")
        return int(reply)

    def _question(self, text: str) -> bytes:
        """Ask; an error line in front of the answer belongs to an earlier setting, and is raised as what it is."""
        with self.link:
            reply = self.link.query(text.encode("ascii") + b"\r")
            if reply.startswith(b"?"):
                self.link.distrust()
                raise self._refused(reply[1:].strip(b"\x07 ").decode("ascii", "replace") or "a command was refused")
        return reply

    def _tell(self, text: str) -> None:
        """Set, and ask for the status word, so that a refusal is seen here and not by somebody else's question."""
        with self.link:
            self.link.send(text.encode("ascii") + b"\r")
            try:
                self._status_word()
            except DriverError as error:
                raise type(error)(self.name, f"{text}: {error.what}") from None

    def _wait(self, what: str, reached: Callable[[], bool], at_most_s: float) -> None:
        deadline = time.monotonic() + at_most_s
        while not reached():
            if time.monotonic() > deadline:
                raise self._refused(f"is not {what} after {at_most_s:g} s")
            self._pause(POLL_S)


def _set(word: bytes, place: int) -> bool:
    return word[place : place + 1] == b"!"
