"""Coherent COMPexPro: the ArF ionisation laser at 193 nm, triggered from outside.

Sources: four open drivers that quote the user manual's remote chapter, as collected in the protocol sheet (sections in
brackets); *assumed* marks what none confirms.  Settings are silent: each is verified by a query.

The serial watchdog (TIMEOUT) is left off: its length is documented nowhere, and one that trips between two polls would end
runs for nothing.  So without a host the laser stays on; light stops with the triggers of the delay generator.
"""

import re
import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

CODES = {
    1: "interlock",
    2: "preset energy too high",
    3: "no gas flow, or duty cycle exceeded",
    4: "watchdog",
    5: "fatal fault of the data link",
    6: "a module does not answer",
    7: "energy calibration outside its range",
    8: "new gas fill needed",
    9: "no vacuum",
    10: "low gas pressure",
    11: "no source capacity left",
    12: "source temperature not measured",
    13: "fluorine valve did not open",
    21: "warming up, 8 minutes",
    26: "low light: pulses are missing",
    27: "wrong tube pressure",
    29: "memory check failed",
    30: "leak found",
    31: "serial time-out",
    33: "halogen pressure too high",
    34: "halogen injection being prepared",
    35: "function not available",
    36: "charge on demand is active",
    37: "charge on demand above 50 Hz",
    39: "inert valve closed",
    40: "preset energy too low",
    41: "value above the menu limit",
}
"""OPMODE codes (section 4); with ON they are warnings, with OFF they say why."""
INTERLOCK = 1
STATE = re.compile(r"(?P<mode>[A-Z0-9]+(?: [A-Z0-9]+)*(?:, ?[A-Z]+)?)(?::(?P<code>\d{1,2}))?", re.ASCII)
STARTING = "OFF,WAIT"
STATES = {"ON": "firing", "OFF": "off", STARTING: "starting"}
SETTLE_S = 0.05
"""A setting is read back no sooner (section 9, 1)."""


class COMPexPro(Driver):
    """Role `ionisation laser`, in constant-energy mode without gas replacement (`MODE=EGY NGR`).

    Constant energy keeps the ion yield per shot while the gas ages, which a fixed high voltage does not.  `energy_mJ` is
    set at `prepare`, through `EGY SET` since its read-back is the preset in every state, while `EGY?` is the last pulse
    when on (that COMPexPro knows `EGY SET` is *assumed*).  `start_s` is the longest wait, in wall time, for ON: the start
    delay is 4.1 s (section 8).
    """

    role = "ionisation laser"
    framing = Terminated(b"\r")
    probe = Probe(b"TYPE OF LASER?\r", lambda reply: reply.upper().startswith(b"COMPEX"))
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("preset_energy_mJ", "mJ", int, "read-write", "EGY SET?", "EGY SET={value}", 0, 1000, source="section 5"),
        Quantity("high_voltage_kV", "kV", float, "read", "HV?", low=0.0, high=40.0, source="section 5"),
        Quantity("tube_pressure_mbar", "mbar", int, "read", "PRESSURE?", low=0, high=6000, source="section 5"),
        Quantity("total_shots", "", int, "read", "TOTALCOUNTER?", low=0, source="section 5"),
    )

    def __init__(self, name: str, link: Link, *, energy_mJ: int, start_s: float = 20.0, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        self._limit("preset_energy_mJ", 50, 510)
        self.quantities["preset_energy_mJ"].check(name, energy_mJ)
        if not start_s > 0:
            raise LimitError(name, f"start_s = {start_s:g} must be greater than 0")
        self._energy_mJ = energy_mJ
        self._start_s = start_s
        self._started = False

    def identify(self) -> Identity:
        model = self._ask("TYPE OF LASER?")
        if not model.upper().startswith("COMPEX"):
            raise self._wrong("a COMPexPro", model)
        return Identity("Coherent", model, firmware=self._ask("VERSION?"))

    def prepare(self) -> None:
        """Watchdog off (it may have tripped, and then keeps the laser off), off, outside trigger, constant energy."""
        self._set("TIMEOUT", "OFF")
        self.stop()
        self._set("TRIGGER", "EXT")
        self._set("MODE", "EGY NGR")
        self.write("preset_energy_mJ", self._energy_mJ)

    def start(self) -> None:
        """Switch on, and wait until the laser says it is.  A start that fails is taken back."""
        self._tell("OPMODE=ON")
        try:
            self._wait("on", self._has_started, self._start_s)
        except BaseException:
            self.link.send_regardless(b"OPMODE=OFF\r")
            raise
        self._started = True

    def stop(self) -> None:
        """Switch off, and wait until the laser says it is."""
        self._started = False
        self._tell("OPMODE=OFF")
        self._wait("off", lambda: self._state()[0] == "OFF", self._start_s)

    def status(self) -> Status:
        """Not ok when a code keeps it off, in another mode (a gas fill), on internal triggers, and off after `start`."""
        mode, code = self._state()
        warnings = [_words(code)] if code else []
        if code == INTERLOCK:
            warnings = [f"interlock: {self._ask('INTERLOCK?')}"]
        ok = mode in STATES and (mode == "ON" or not code)
        if self._ask("TRIGGER?") != "EXT":
            warnings.append("fires on internal triggers" if mode == "ON" else "is set to internal triggers")
            ok = False
        if self._started and mode == "OFF":
            warnings.append("went off by itself, or at its panel")
            ok = False
        return Status(STATES.get(mode, mode.lower()), ok, tuple(warnings))

    def make_safe(self) -> SafeResult:
        """Off.  The command leaves before anything is asked."""
        self.link.send_regardless(b"\rOPMODE=OFF\r")
        self.stop()
        return SafeResult(True, "off")

    def _has_started(self) -> bool:
        mode, code = self._state()
        if mode != "ON" and code:
            raise self._refused(f"does not start: {_words(code)}")
        return mode == "ON"

    def _state(self) -> tuple[str, int]:
        """Mode and code of `OPMODE?`; lasers differ in whether they append `:0`, and in the blank after a comma."""
        reply = self._ask("OPMODE?")
        found = STATE.fullmatch(reply)
        if found is None:
            raise self._garbled(f"OPMODE? was answered with {reply!r}")
        return found["mode"].replace(", ", ","), int(found["code"] or 0)

    def _write(self, quantity: Quantity, value: Value) -> None:
        self._tell(quantity.command.format(value=value))
        back = self._read(quantity)
        if back != value:
            raise self._refused(f"{quantity.name} stays at {back} {quantity.unit} after {value} was set")

    def _set(self, name: str, value: str) -> None:
        self._tell(f"{name}={value}")
        back = self._ask(f"{name}?")
        if back != value:
            raise self._refused(f"{name} stays at {back!r} after {value!r} was set")

    def _tell(self, text: str) -> None:
        """Set, without a reply; who calls asks for what became of it."""
        self.link.send(f"{text}\r".encode("ascii"))
        self._pause(SETTLE_S)

    def _ask(self, text: str) -> str:
        reply = self.link.query(f"{text}\r".encode("ascii"))
        if not reply or not all(0x20 <= byte < 0x7F for byte in reply):
            raise self._garbled(f"{text} was answered with {reply!r}")
        return reply.decode("ascii")


def _words(code: int) -> str:
    return CODES.get(code, f"code {code}")
