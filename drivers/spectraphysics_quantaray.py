"""Spectra-Physics Quanta-Ray: the other Nd:YAG for ablation, triggered from outside, with a watchdog of its own.

Source: one open driver by a user of the laser, as collected in the protocol sheet (sections in brackets); the forms of most
replies are *assumed*.  Settings are silent: what can be asked is read back, the rest shows in the status word.  The watchdog
switches the laser off when no command comes for `watchdog_s` seconds, so a host that dies leaves no beam (section 5).
"""

import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import DriverError, LimitError
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status, TriggerLimits

EMISSION, NEW_ERROR, CONTACTOR, SIMMER, PFN_REACHED, FIRED = 0, 2, 8, 9, 11, 12
REMOTE = 23
"""The panel has given control to the computer."""
FAULTS = {
    13: "15 V supply failed",
    14: "head cover interlock",
    15: "interlock open (plug, covers, head temperature, water pressure or flow)",
    17: "internal 208 V failed",
    18: "CDRH enable failed",
    19: "laser identity fault",
    20: "low water",
    21: "interlock fault",
}
"""Bits of *STB? (section 4)."""
QUESTIONABLE = {
    9: "oscillator high voltage failed",
    10: "amplifier high voltage failed",
    11: "external trigger rate out of range",
    12: "water is not pure enough or low",
}
"""Bits of STAT:QUES? up to 12; those above are the four fault lines of each high-voltage supply, in this order."""
SUPPLIES = ("oscillator supply 1", "oscillator supply 2", "amplifier supply 1", "amplifier supply 2")
SUPPLY_FAULTS = ("end of charge", "overload", "over-temperature", "over-voltage")
HISTORY = 18
"""Lines at most: the count, 16 codes, and the last one (section 3)."""


class QuantaRay(Driver):
    """Role `ablation laser`.

    `oscillator_percent` and `amplifier_percent` are the PFN levels that `prepare` sets; `watchdog_s` (1 to 110) must be
    longer than the period of housekeeping.  `start_s` is the longest wait for the simmer, in wall time (*assumed*).
    """

    role = "ablation laser"
    trigger_limits: ClassVar[TriggerLimits] = TriggerLimits(50.0)
    """The head sets the rate (*assumed*)."""
    framing = Terminated(b"\n")
    command_end = b"\r"
    probe = Probe(b"*IDN?\r", lambda reply: b"Quanta" in reply or b"QUANTA" in reply)
    serial = SerialSettings(baud=9600, stop_bits=2)
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "oscillator_percent",
            "%",
            int,
            "read-write",
            "READ:OPFN?",
            "OPFN {value}",
            0,
            100,
            polled=True,
            source="3",
            about="PFN",
        ),
        Quantity("amplifier_percent", "%", int, "read-write", "READ:APFN?", "APFN {value}", 0, 100, source="3", about="PFN"),
        Quantity("oscillator_measured_percent", "%", query="READ:OMON?", low=0.0, high=120.0, polled=True, source="3"),
        Quantity("amplifier_measured_percent", "%", query="READ:AMON?", low=0.0, high=120.0, polled=True, source="3"),
        Quantity(
            "lamp_rate_Hz",
            "Hz",
            float,
            "read-write",
            "LAMP VAR?",
            "LAMP VAR {value:g}",
            0.1,
            100.0,
            source="3",
            about="own rate",
        ),
        Quantity(
            "measured_rate_Hz", "Hz", query="READ:VAR?", low=0.0, high=1000.0, source="3", about="meaningless from outside"
        ),
        Quantity(
            "q_switch_delay",
            "",
            int,
            "read-write",
            "QSW DEL?",
            "QSW DEL {value}",
            0,
            10000,
            source="3",
            about="unit assumed us",
        ),
        Quantity(
            "advance_sync", "", int, "read-write", "QSW ADV?", "ADV {value}", 0, 10000, source="3", about="unit assumed us"
        ),
        Quantity("advance_sync_in_force", "", int, query="READ:QSWADV?", low=0, high=10000, source="3"),
        Quantity("q_switch", "", str, query="QSW?", source="3", about="setting, as the laser words it"),
        Quantity("shots", "", int, query="SHOT?", low=0, polled=True, counts="shots", source="3", about="shot counter"),
        Quantity("status_word", "", int, query="*STB?", low=0, high=0xFFFFFFFF, polled=True, source="4"),
        Quantity("questionable_word", "", int, query="STAT:QUES?", low=0, high=0xFFFFFFFF, source="4"),
        Quantity("watchdog_s", "s", int, "write", command="WATC {value}", low=0, high=110, source="5", about="0 is none"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("lamp_external", "LAMP EXT", "3"),
        Action("lamp_fixed", "LAMP FIX", "3", "at the laser's own rate"),
        Action("lamp_inhibit", "LAMP INH", "3"),
        Action("q_switch_external", "QSW EXT", "3"),
        Action("q_switch_long", "QSW LONG", "3", "long pulse"),
        Action("q_switch_normal", "QSW NORM", "3"),
        Action("q_switch_repetitive", "QSW REP", "3"),
        Action("q_switch_single", "QSW SING", "3", "fires only on `fire_once`"),
        Action("fire_once", "QSW FIR", "3"),
        Action("reset_head", "*RST?", "3"),
    )

    def __init__(
        self,
        name: str,
        link: Link,
        *,
        oscillator_percent: int,
        amplifier_percent: int = 0,
        watchdog_s: int = 10,
        start_s: float = 60.0,
        pause: Pause = time.sleep,
    ) -> None:
        super().__init__(name, link, pause=pause)
        self.quantities["oscillator_percent"].check(name, oscillator_percent)
        self.quantities["amplifier_percent"].check(name, amplifier_percent)
        if not 1 <= watchdog_s <= 110:
            raise LimitError(name, f"watchdog_s = {watchdog_s} is outside 1 to 110")
        self._levels = {"oscillator_percent": oscillator_percent, "amplifier_percent": amplifier_percent}
        self._watchdog_s, self._start_s = watchdog_s, start_s
        self._started = False

    def identify(self) -> Identity:
        reply = self._ask("*IDN?")
        if "QUANTA" not in reply.upper():
            raise self._wrong("a Quanta-Ray", reply)
        fields = [field.strip() for field in reply.split(",")] + ["", "", ""]
        return Identity("Spectra-Physics", fields[1] or "Quanta-Ray", fields[2], fields[3])

    def prepare(self) -> None:
        """Off, watchdog set, lamp and Q-switch on outside triggers, PFN levels set and read back."""
        self.stop()
        self.write("watchdog_s", self._watchdog_s)
        for quantity, level in self._levels.items():
            self.write(quantity, level)

    def start(self) -> None:
        """Power on, wait for the simmer, then let lamp and Q-switch follow the outside triggers.  A failed start is undone."""
        try:
            self._tell("ON")
            self._wait("simmering", lambda: self._has(CONTACTOR) and self._has(SIMMER), self._start_s)
            self.do("lamp_external")
            self.unblock()
            self._wait("at its PFN level", lambda: self._has(PFN_REACHED) and self._has(EMISSION), self._start_s)
        except BaseException:
            self._every(*(lambda text=text: self._tell(text) for text in ("QSW SING", "LAMP INH", "OFF")))
            raise
        self._started = True

    def stop(self) -> None:
        """Q-switch to single shots, lamp inhibited, power off, and wait until the contactor has opened."""
        self._started = False
        for text in ("QSW SING", "LAMP INH", "OFF"):
            self._tell(text)
        self._wait("off", lambda: not self._has(CONTACTOR) and not self._has(EMISSION), self._start_s)

    def block(self) -> None:
        """There is no shutter: the Q-switch waits for single shots, so that the lamps flash without laser light."""
        self.do("q_switch_single")

    def unblock(self) -> None:
        """Repetitive first: whether `QSW EXT` alone ends the single-shot mode is not known, and it may not."""
        self.do("q_switch_repetitive")
        self.do("q_switch_external")

    def status(self) -> Status:
        """Not ok on a fault, when the panel has taken control, and when the power went off after `start`.

        Asking is also what keeps the watchdog quiet.
        """
        word = self._word()
        faults = [text for bit, text in FAULTS.items() if word >> bit & 1]
        if word >> 3 & 1:
            faults += self._questionable()
        warnings = list(faults)
        if not word >> REMOTE & 1:
            warnings.append("its panel has not given control to the computer")
        on = bool(word >> CONTACTOR & 1)
        if self._started and not on:
            warnings.append("went off by itself: watchdog, interlock or panel")
        state = "off" if not on else "firing" if word >> FIRED & 1 else "on"
        return Status("interlock" if faults else state, not warnings, tuple(warnings))

    def history(self) -> tuple[tuple[int, int], ...]:
        """The number of codes and the laser's clock, then up to 16 codes with their seconds, newest first (section 3)."""
        entries: list[tuple[int, int]] = []
        with self.link:
            line = self._ask("READ:HIST?")
            for _ in range(HISTORY):
                code, _, seconds = line.strip(" \r").partition(" ")
                entry = (self._integer("a code", code), self._integer("its time", seconds))
                if entry == (0, 0):
                    return tuple(entries)
                entries.append(entry)
                later = self.link.listen(self.link.timeout_s)
                if later is None:
                    raise self._garbled("the history stops without its last line")
                line = later.decode("ascii", "replace")
        raise self._garbled(f"the history has more than {HISTORY} lines")

    def make_safe(self) -> SafeResult:
        """Off, before anything is asked; then every step of stopping, and a look at the status word."""
        self._started = False
        self.link.send_regardless(b"\rOFF\r")
        failure: DriverError | None = self._every(self.stop)
        if failure is None:
            return SafeResult(True, "lamp and Q-switch off")
        word = self._word()
        if not word >> CONTACTOR & 1 and not word >> EMISSION & 1:
            return SafeResult(True, "lamp and Q-switch off")
        raise failure

    def _questionable(self) -> list[str]:
        word = int(self.read("questionable_word"))
        found = [text for bit, text in QUESTIONABLE.items() if word >> bit & 1]
        for number, supply in enumerate(SUPPLIES):
            found += [f"{supply}: {text}" for bit, text in enumerate(SUPPLY_FAULTS) if word >> (16 + 4 * number + bit) & 1]
        return found

    def _word(self) -> int:
        return int(self.read("status_word"))

    def _has(self, bit: int) -> bool:
        return bool(self._word() >> bit & 1)

    def _write(self, quantity: Quantity, value: Value) -> None:
        if quantity.access == "write":
            super()._write(quantity, value)
        else:
            self._write_and_compare(quantity, value, within=0.05 if quantity.kind is float else 0.0)

    def _ask(self, text: str) -> str:
        return self.link.query(self._line(text)).decode("ascii", "replace")

    def _tell(self, text: str) -> None:
        self.link.send(self._line(text))
