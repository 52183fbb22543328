"""Thorlabs MC2000B: the other chopper, with echo and prompt.

Source: one open client, as collected in the protocol sheet; *assumed* marks what it does not confirm.  The unit has neither
a lock bit nor an error query: the frequency at its reference output is compared with what was asked, and that decides.
"""

import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

BLADES = (
    "MC1F2",
    "MC1F10",
    "MC1F15",
    "MC1F30",
    "MC1F60",
    "MC1F100",
    "MC1F10HP",
    "MC1F2P10",
    "MC1F6P10",
    "MC1F10A",
    "MC2F330",
    "MC2F47",
    "MC2F57B",
    "MC2F860",
    "MC2F5360",
)
TWO_TRACKS = (0, 6, 7)
"""Blades whose reference numbers tell the track as well."""
INTERNAL, EXTERNAL, EXTERNAL_OUTER = 0, 1, 2
"""The first is internal-outer for blades with two tracks."""
MODEL = "THORLABS MC2000B"


def _setting(name: str, unit: str, word: str, low: int, high: int, about: str = "") -> Quantity:
    return Quantity(name, unit, int, "read-write", f"{word}?", f"{word}={{value}}", low, high, source="commands", about=about)


class MC2000B(Driver):
    """Role `chopper`.  It counts as locked within `lock_percent` of the frequency that the reference demands (*assumed*)."""

    role = "chopper"
    framing = Terminated(b"\r> ")
    command_end = b"\r"
    probe = Probe(b"id?\r", lambda reply: reply.startswith(b"id?\r" + MODEL.encode("ascii")))
    serial = SerialSettings(baud=115200)
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "frequency_Hz", "Hz", int, query="refoutfreq?", low=0, high=20000, polled=True, source="commands", about="measured"
        ),
        Quantity(
            "reference_Hz", "Hz", int, query="input?", low=0, high=20000, polled=True, source="commands", about="from outside"
        ),
        Quantity(
            "phase_deg",
            "deg",
            float,
            "read-write",
            "phase?",
            "phase={value:.0f}",
            -360.0,
            360.0,
            polled=True,
            source="commands",
        ),
        Quantity("phase_locked", "", bool, query="refoutfreq?", polled=True, source="quirks", about="frequency compared"),
        Quantity("motor_on", "", bool, "read-write", "enable?", "enable={value}", polled=True, source="commands"),
        _setting("internal_frequency_Hz", "Hz", "freq", 1, 10000, "internal reference"),
        _setting("blade", "", "blade", 0, len(BLADES) - 1, "number in the list of blades"),
        _setting("multiple", "", "nharmonic", 1, 1000),
        _setting("divider", "", "dharmonic", 1, 1000),
        _setting("reference", "", "ref", 0, 3, "1 external; blades with two tracks: 2 external-outer"),
        _setting("output", "", "output", 0, 4, "what the reference output shows"),
        _setting("open_percent", "%", "oncycle", 1, 50, "for blades that allow it"),
        _setting("brightness", "", "intensity", 1, 10, "of the display"),
    )

    def __init__(self, name: str, link: Link, *, lock_percent: float = 2.0, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        if not lock_percent > 0:
            raise LimitError(name, f"lock_percent = {lock_percent:g} must be greater than 0")
        self._lock = lock_percent / 100
        self._multiple: int | None = None
        self._own_Hz: int | None = None

    def identify(self) -> Identity:
        reply = self._ask("id?")
        if not reply.startswith(MODEL):
            raise self._wrong("a Thorlabs MC2000B", reply)
        return Identity("Thorlabs", "MC2000B", firmware=reply.removeprefix(MODEL).strip())

    def prepare(self) -> None:
        """The reference output shows the measured frequency; the motor is left as it is."""
        self._multiple = self._own_Hz = None
        self.write("output", 1)

    def synchronise(self, multiple: int, phase_deg: float) -> None:
        """Run at `multiple` times the outside reference with this phase (whole degrees), and start the motor.

        Does not wait for the lock: poll `phase_locked`.
        """
        if not 1 <= multiple <= 1000:
            raise LimitError(self.name, f"multiple = {multiple} is outside 1 to 1000")
        self.quantities["phase_deg"].check(self.name, phase_deg % 360)
        two_tracks = int(self.read("blade")) in TWO_TRACKS
        for quantity, value in (
            ("reference", EXTERNAL_OUTER if two_tracks else EXTERNAL),
            ("multiple", multiple),
            ("divider", 1),
            ("phase_deg", phase_deg % 360),
            ("motor_on", True),
        ):
            self.write(quantity, value)
        self._multiple, self._own_Hz = multiple, None

    def run_freely(self, frequency_Hz: float, phase_deg: float) -> None:
        """Turn at a frequency of its own (whole Hz), the phase counted from its reference output (*assumed*).

        Multiple and divider are set to 1, since no source says that they act on an outside reference only.
        """
        if frequency_Hz != round(frequency_Hz):
            raise LimitError(self.name, f"turns at whole Hz, not at {frequency_Hz:g} Hz")
        self._multiple, self._own_Hz = None, round(frequency_Hz)
        for quantity, value in (
            ("reference", INTERNAL),
            ("multiple", 1),
            ("divider", 1),
            ("internal_frequency_Hz", self._own_Hz),
            ("phase_deg", phase_deg % 360),
            ("motor_on", True),
        ):
            self.write(quantity, value)

    def status(self) -> Status:
        """Not ok out of lock after `synchronise`."""
        on = bool(self.read("motor_on"))
        locked = self._locked()
        unlocked = (self._multiple is not None or self._own_Hz is not None) and not locked
        warnings = ("does not run at the frequency that its reference demands",) if on and unlocked else ()
        return Status("stopped" if not on else "locked" if locked else "not locked", not unlocked, warnings)

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "kept turning")

    def _locked(self) -> bool:
        if (self._multiple is None and self._own_Hz is None) or not self.read("motor_on"):
            return False
        wanted_Hz = self._own_Hz if self._multiple is None else int(self.read("reference_Hz")) * self._multiple
        assert wanted_Hz is not None
        return wanted_Hz > 0 and abs(int(self.read("frequency_Hz")) - wanted_Hz) <= self._lock * wanted_Hz

    def _read(self, quantity: Quantity) -> Value:
        return self._locked() if quantity.name == "phase_locked" else super()._read(quantity)

    def _write(self, quantity: Quantity, value: Value) -> None:
        """Whole numbers only: a phase is rounded to a degree, taken modulo 360."""
        if quantity.name == "phase_deg":
            value = float(round(float(value)) % 360)
        self._write_and_compare(quantity, value)

    def _ask(self, text: str) -> str:
        """The answer between echo and prompt."""
        reply = self.link.query(self._line(text)).decode("ascii", "replace")
        echo, separator, answer = reply.partition("\r")
        if echo != text or not separator:
            raise self._garbled(f"{text!r} was echoed as {reply!r}")
        return answer

    def _tell(self, text: str) -> None:
        """Anything between echo and prompt is a refusal, whose wording no source tells."""
        reply = self.link.query(self._line(text)).decode("ascii", "replace")
        echo, _, answer = reply.partition("\r")
        if echo != text:
            raise self._garbled(f"{text!r} was echoed as {reply!r}")
        if answer:
            raise self._refused(f"{text!r}: {answer}")
