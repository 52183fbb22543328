"""SRS SR542 precision chopper controller, on an outside reference or on its own.

Source: *SR542 Operating Manual and Programming Reference* and the vendor's client, as collected in the protocol sheet;
*assumed* marks what none confirms.
"""

import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

MOTOR_ON, REFERENCE_LOCKED, FREQUENCY_LOCKED, PHASE_LOCKED, CURRENT_AT_LIMIT = 0, 1, 2, 3, 4
"""Bits of CHCR? (M57)."""
LOCK_LOST = 1 << FREQUENCY_LOCKED | 1 << PHASE_LOCKED
"""Falling edges latched through CHNT and read from CHEV? (M61): a loss can be shorter than the period of polls."""
HEAD_FAULTS = {5: "head memory or temperature", 6: "head memory or cable", 7: "head cable"}
"""Upper bits of CHEV?; what each means depends on the firmware."""
INTERNAL, EXTERNAL, RISING, OUTER = 0, 3, 0, 2
STEP = 0.01
"""Of phases (degrees) and frequencies (Hz)."""
ASTRAY = 0.01
"""Relative difference from the frequency asked for at which a lock is none: wrong factors differ by more (*assumed*)."""
ERROR_LOG = 20
"""More reads than the error log is deep (*assumed*)."""


class SR542(Driver):
    """Role `chopper`."""

    role = "chopper"
    framing = Terminated(b"\n")
    command_end = b"\n"
    probe = Probe(b"*IDN?\n", lambda reply: reply.replace(b" ", b"_").startswith(b"Stanford_Research_Systems,"))
    serial = SerialSettings(baud=115200)
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "frequency_Hz",
            "Hz",
            query="MFRQ? 0",
            low=0.0,
            high=20000.0,
            polled=True,
            source="MFRQ",
            about="outer slots, measured",
        ),
        Quantity(
            "phase_deg", "deg", float, "read-write", "PHAS?", "PHAS {value:.2f}", -360.0, 360.0, polled=True, source="PHAS"
        ),
        Quantity("phase_locked", "", bool, query=f"CHCR? {PHASE_LOCKED}", polled=True, source="M57"),
        Quantity("motor_on", "", bool, "read-write", "MOTR?", "MOTR {value}", polled=True, source="MOTR"),
        *(
            Quantity(f"{name}_Hz", "Hz", query=f"MFRQ? {code}", low=-20000.0, high=20000.0, source="MFRQ")
            for code, name in enumerate(("inner", "shaft", "reference", "sum", "difference", "target"), 1)
        ),
        *(
            Quantity(name, "", bool, query=f"CHCR? {bit}", source="M57")
            for bit, name in (
                (MOTOR_ON, "motor_runs"),
                (REFERENCE_LOCKED, "reference_locked"),
                (FREQUENCY_LOCKED, "frequency_locked"),
                (CURRENT_AT_LIMIT, "current_at_limit"),
            )
        ),
        Quantity("source", "", int, "read-write", "SRCE?", "SRCE {value}", 0, 3, source="SRCE", about="0 internal, 3 external"),
        Quantity(
            "edge", "", int, "read-write", "EDGE?", "EDGE {value}", 0, 2, source="EDGE", about="0 rising, 1 falling, 2 sine"
        ),
        Quantity(
            "control", "", int, "read-write", "CTRL?", "CTRL {value}", 0, 2, source="CTRL", about="0 shaft, 1 inner, 2 outer"
        ),
        Quantity("internal_Hz", "Hz", float, "read-write", "IFRQ?", "IFRQ {value:.2f}", 0.0, 20000.0, source="IFRQ"),
        Quantity("relative_phase", "", bool, "read-write", "RELP?", "RELP {value}", source="RELP"),
        Quantity("multiple", "", int, "read-write", "MULT?", "MULT {value}", 1, 1000, source="MULT"),
        Quantity("divider", "", int, "read-write", "DIVR?", "DIVR {value}", 1, 1000, source="DIVR"),
        Quantity("vco_full_scale_Hz", "Hz", float, "read-write", "VCOS?", "VCOS {value:.2f}", 0.0, 20000.0, source="VCOS"),
        Quantity("inner_slots", "", int, query="SLOT? 0", low=0, high=1000, source="SLOT"),
        Quantity("outer_slots", "", int, query="SLOT? 1", low=0, high=1000, source="SLOT"),
        Quantity("display", "", int, "read-write", "DISP?", "DISP {value}", 0, 8, source="DISP"),
        Quantity("audible_alarm", "", bool, "read-write", "ALRM?", "ALRM {value}", source="ALRM"),
        Quantity("key_click", "", bool, "read-write", "KCLK?", "KCLK {value}", source="KCLK"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("jump_to_internal_frequency", "JINT", "JINT"),
        Action("revert_settings", "BACK", "BACK"),
        *(Action(f"save_{n}", f"*SAV {n}", "*SAV") for n in range(1, 10)),
        *(Action(f"recall_{n}", f"*RCL {n}", "*RCL") for n in range(1, 10)),
    )

    def __init__(self, name: str, link: Link, *, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        self._multiple: int | None = None
        self._own_Hz: float | None = None

    def identify(self) -> Identity:
        reply = self._ask("*IDN?")
        fields = [field.strip() for field in reply.split(",")]
        if len(fields) != 4 or fields[1] != "SR542":
            raise self._wrong("an SRS SR542", reply)
        return Identity("SRS", "SR542", fields[2].removeprefix("s/n"), fields[3])

    def prepare(self) -> None:
        """Integers in replies, lines ended by LF, old errors forgotten, loss of lock latched.  The motor is left as it is."""
        self._multiple = self._own_Hz = None
        for text in ("TOKN OFF", "TERM LF", "*CLS"):
            self.link.send(self._line(text))
        # That *CLS empties the error log too is not documented.
        for _ in range(ERROR_LOG):
            if not self._ask_integer("LERR?"):
                break
        self._tell(f"CHNT {LOCK_LOST}")
        self._ask_integer("CHEV?")

    def synchronise(self, multiple: int, phase_deg: float) -> None:
        """Regulate the outer slots to `multiple` times the outside reference, with this phase (degrees of an opening).

        Phases are taken modulo 360 degrees and set to 0.01.  Does not wait for the lock: poll `phase_locked`; the vendor
        allows 30 s.
        """
        if not 1 <= multiple <= 1000:
            raise LimitError(self.name, f"multiple = {multiple} is outside 1 to 1000")
        self.quantities["phase_deg"].check(self.name, phase_deg % 360)
        self._turn(EXTERNAL, multiple, phase_deg)
        self._own_Hz, self._multiple = None, multiple

    def run_freely(self, frequency_Hz: float, phase_deg: float) -> None:
        """Turn at a frequency of its own; that the phase also counts from the edges of its reference output is *assumed*."""
        self.write("internal_Hz", frequency_Hz)
        self._turn(INTERNAL, 1, phase_deg)
        self._own_Hz, self._multiple = frequency_Hz, None

    def status(self) -> Status:
        """Not ok on a fault of the head, and out of lock after `synchronise` or `run_freely`; a lock lost for a moment is a
        warning."""
        condition, events = self._ask_integer("CHCR?"), self._ask_integer("CHEV?")
        faults = [f"fault: {text}" for bit, text in HEAD_FAULTS.items() if events >> bit & 1]
        on, phase_locked = bool(condition >> MOTOR_ON & 1), bool(condition >> PHASE_LOCKED & 1)
        astray = self._astray() if phase_locked else ""
        locked = phase_locked and not astray
        unlocked = (self._multiple is not None or self._own_Hz is not None) and not locked
        warnings = [*faults, astray] if astray else list(faults)
        if on and self._multiple is not None and not locked and not condition >> REFERENCE_LOCKED & 1:
            warnings.append("does not follow the reference input")
        if on and locked and events & LOCK_LOST:
            warnings.append("the lock was lost since the last look")
        if condition >> CURRENT_AT_LIMIT & 1:
            warnings.append("motor current at its limit")
        state = "stopped" if not on else "locked" if locked else "not locked"
        return Status(state, not faults and not unlocked, tuple(warnings))

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "kept turning")

    def _turn(self, source: int, multiple: int, phase_deg: float) -> None:
        """Motor on, with all that decides how fast the slots pass and from where their phase counts, each read back.

        Multiple and divider act on every source (MULT, DIVR), so none is left as it was.
        """
        self._own_Hz = self._multiple = None
        settings = (("SRCE", source), ("EDGE", RISING), ("CTRL", OUTER), ("MULT", multiple), ("DIVR", 1), ("RELP", 0))
        for mnemonic, value in settings:
            self._tell(f"{mnemonic} {value}")
            back = self._ask_integer(f"{mnemonic}?")
            if back != value:
                raise self._refused(f"{mnemonic} reads back {back} after {value} was set")
        self.write("phase_deg", (phase_deg + 180) % 360 - 180)
        self.write("motor_on", True)
        self._ask_integer("CHEV?")

    def _astray(self) -> str:
        """The controller's lock is to its own target; what is wrong with that, if it is not the frequency asked for."""
        if self._multiple is None and self._own_Hz is None:
            return ""
        wanted_Hz = self._own_Hz if self._multiple is None else self._multiple * float(self.read("reference_Hz"))
        found_Hz = float(self.read("frequency_Hz"))
        assert wanted_Hz is not None
        if abs(found_Hz - wanted_Hz) <= ASTRAY * wanted_Hz:
            return ""
        return f"chops at {found_Hz:g} Hz, not at the {wanted_Hz:g} Hz asked for"

    def _read(self, quantity: Quantity) -> Value:
        """Locked is only who also turns as asked."""
        value = super()._read(quantity)
        return value and not self._astray() if quantity.name == "phase_locked" else value

    def _write(self, quantity: Quantity, value: Value) -> None:
        self._write_and_compare(quantity, value, within=STEP)

    def _ask_integer(self, query: str) -> int:
        return self._integer(query, self._ask(query))

    def _ask(self, text: str) -> str:
        return self.link.query(self._line(text)).decode("ascii", "replace")

    def _tell(self, text: str) -> None:
        with self.link:
            self.link.send(self._line(text))
            error = self._ask_integer("LERR?")
        if error:
            raise self._refused(f"{text!r} gave error {error}")
