"""Coherent COMPexPro: the ArF ionisation laser at 193 nm, triggered from outside.

Sources: four open drivers that quote the user manual's remote chapter, as collected in the protocol sheet (sections in
brackets); *assumed* marks what none confirms.  Settings are silent: each is verified by a query.

The serial watchdog (TIMEOUT) is off unless the option `watchdog` asks for it: its length is documented nowhere, and one that
trips between two polls would end runs for nothing.  Without it the laser stays on when the host has gone; light stops with the
triggers of the delay generator.
"""

import re
import time
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status, TriggerLimits

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


def _word(name: str, word: str, *choices: str) -> Quantity:
    return Quantity(name, "", str, "read-write", f"{word}?", f"{word}={{value}}", choices=choices, source="section 5")


def _pressure(gas: str) -> Quantity:
    word = gas.upper()
    return Quantity(
        f"{gas}_mbar",
        "mbar",
        int,
        "read-write",
        f"{word}?",
        f"{word}={{value}}",
        0,
        6000,
        source="section 5",
        about="in a fill",
    )


class COMPexPro(Driver):
    """Role `ionisation laser`, in constant-energy mode without gas replacement (`MODE=EGY NGR`).

    Constant energy keeps the ion yield per shot while the gas ages, which a fixed high voltage does not.  `energy_mJ` is
    set at `prepare`, through `EGY SET` since its read-back is the preset in every state, while `EGY?` is the last pulse
    when on (that COMPexPro knows `EGY SET` is *assumed*).  `start_s` is the longest wait, in wall time, for ON: the start
    delay is 4.1 s (section 8).  `watchdog` lets the laser go off by itself when nobody speaks to it for some time, which has to
    be longer than the polling period (section 5).
    """

    role = "ionisation laser"
    trigger_limits: ClassVar[TriggerLimits] = TriggerLimits(100.0)
    """The tube sets the rate (*assumed*)."""
    framing = Terminated(b"\r")
    command_end = b"\r"
    probe = Probe(b"TYPE OF LASER?\r", lambda reply: reply.upper().startswith(b"COMPEX"))
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "preset_energy_mJ", "mJ", int, "read-write", "EGY SET?", "EGY SET={value}", 0, 1000, polled=True, source="section 5"
        ),
        Quantity(
            "high_voltage_kV", "kV", float, "read-write", "HV?", "HV={value:.1f}", 0.0, 40.0, polled=True, source="section 5"
        ),
        Quantity("tube_pressure_mbar", "mbar", int, "read", "PRESSURE?", low=0, high=6000, polled=True, source="section 5"),
        Quantity("total_shots", "", int, "read", "TOTALCOUNTER?", low=0, polled=True, counts="shots", source="section 5"),
        Quantity(
            "pulse_energy_mJ",
            "mJ",
            int,
            query="EGY?",
            low=0,
            high=1000,
            source="section 5",
            about="last pulse, once; while on",
        ),
        Quantity("energy_range_percent", "%", int, "read-write", "EGY RANGE?", "EGY RANGE={value}", 1, 100, source="section 5"),
        Quantity(
            "rate_Hz", "Hz", int, "read-write", "REPRATE?", "REPRATE={value}", 1, 1000, source="section 5", about="own triggers"
        ),
        _word("trigger", "TRIGGER", "INT", "EXT"),
        _word("mode", "MODE", "HV", "EGY PGR", "EGY NGR"),
        Quantity(
            "burst_counts",
            "",
            int,
            "read-write",
            "COUNTS?",
            "COUNTS={value}",
            0,
            65535,
            source="section 5",
            about="0 is no end",
        ),
        Quantity("user_shots", "", int, query="COUNTER?", low=0, source="section 5"),
        Quantity(
            "energy_filter", "", int, "read-write", "FILTER?", "FILTER={value}", choices=(0, 1, 2, 4, 8, 16), source="section 5"
        ),
        Quantity("filter_contamination_percent", "%", int, query="FILTER CONTAMINATION?", low=0, high=200, source="section 5"),
        Quantity("gas_menu", "", str, query="MENU?", source="section 5", about="number, wavelength, gas"),
        _word("gas_mode", "GASMODE", "PREMIX", "SINGLE GASES"),
        *(_pressure(gas) for gas in ("buffer", "halogen", "inert", "rare")),
        Quantity("tube_temperature_C", "°C", query="RESERVOIR TEMP?", low=-50.0, high=200.0, source="section 5"),
        _word("temperature_control", "TEMP CONTROL", "ON", "OFF"),
        Quantity(
            "source_temperature_C", "°C", query="TEMP?", low=-50.0, high=500.0, source="section 5", about="0 without a source"
        ),
        Quantity("leak_rate", "mbar per 2 min", query="LEAKRATE?", low=-1000.0, high=1000.0, source="section 5"),
        Quantity(
            "accumulator_bar", "bar", query="ACCU?", low=0.0, high=20.0, source="section 5", about="0 without one; unit assumed"
        ),
        Quantity("capacity_left_percent", "%", int, query="CAP.LEFT?", low=0, high=120, source="section 5"),
        Quantity(
            "pulse_difference",
            "",
            int,
            query="PULSE DIFF?",
            low=-1000000,
            high=1000000,
            source="section 5",
            about="triggers − pulses",
        ),
        Quantity(
            "energy_settled",
            "",
            bool,
            query="POWER STABILIZATION ACHIEVED?",
            words={"YES": True, "NO": False},
            source="section 5",
        ),
        Quantity("interlocks", "", str, query="INTERLOCK?", source="section 5", about="or NONE"),
        _word("watchdog", "TIMEOUT", "ON", "OFF"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("skip_warm_up", "OPMODE=SKIP", "section 3"),
        Action("reset_user_shots", "COUNTER=RESET", "section 5", "when off"),
        Action("reset_filter_contamination", "FILTER CONTAMINATION=RESET", "section 5", "after a new filter"),
        Action("new_gas_fill", "OPMODE=NEW FILL", "section 3", "exchanges toxic gas: ventilation first"),
        Action("purge_reservoir", "OPMODE=PURGE RESERVOIR", "section 3"),
        Action("inject_halogen", "OPMODE=HI", "section 3"),
        Action("calibrate_energy", "OPMODE=ENERGY CAL", "section 3", "with an outside meter"),
        Action("flush_tube", "OPMODE=FLUSHING", "section 3", "to exchange optics"),
        Action("go_on", "OPMODE=CONT", "section 3", "after each step of flushing"),
    )

    def __init__(
        self, name: str, link: Link, *, energy_mJ: int, watchdog: bool = False, start_s: float = 20.0, pause: Pause = time.sleep
    ) -> None:
        super().__init__(name, link, pause=pause)
        self._limit("preset_energy_mJ", 50, 510)
        self.quantities["preset_energy_mJ"].check(name, energy_mJ)
        if not start_s > 0:
            raise LimitError(name, f"start_s = {start_s:g} must be greater than 0")
        self._energy_mJ, self._watchdog = energy_mJ, watchdog
        self._start_s = start_s
        self._started = False

    def identify(self) -> Identity:
        model = self._ask("TYPE OF LASER?")
        if not model.upper().startswith("COMPEX"):
            raise self._wrong("a COMPexPro", model)
        return Identity("Coherent", model, firmware=self._ask("VERSION?"))

    def prepare(self) -> None:
        """Watchdog off (it may have tripped, and then keeps the laser off), off, watchdog on if wanted, outside trigger,
        constant energy."""
        self.write("watchdog", "OFF")
        self.stop()
        if self._watchdog:
            self.write("watchdog", "ON")
        self.write("trigger", "EXT")
        self.write("mode", "EGY NGR")
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

    def _read(self, quantity: Quantity) -> Value:
        """`EGY?` is the preset when off, and 0 when on until another pulse has come (section 9, 3): neither is an energy."""
        if quantity.name != "pulse_energy_mJ":
            return super()._read(quantity)
        mode, _ = self._state()
        if mode != "ON":
            raise self._refused(f"measures pulses only while it is on, and it is {STATES.get(mode, mode.lower())}")
        energy_mJ = super()._read(quantity)
        if not energy_mJ:
            raise self._refused("has measured no pulse since it was last asked for one")
        return energy_mJ

    def _do(self, action: Action) -> None:
        """What works only when off is otherwise ignored without a word (section 9, 5)."""
        if action.name == "reset_user_shots" and (mode := self._state()[0]) != "OFF":
            state = STATES.get(mode, mode.lower())
            raise self._refused(f"resets its user counter only when off, and it is {state}; stop it first")
        super()._do(action)

    def _write(self, quantity: Quantity, value: Value) -> None:
        self._write_and_compare(quantity, value, within=0.051 if quantity.kind is float else 0.0)

    def _tell(self, text: str) -> None:
        """Set, without a reply; who calls asks for what became of it."""
        self.link.send(self._line(text))
        self._pause(SETTLE_S)

    def _ask(self, text: str) -> str:
        reply = self.link.query(self._line(text))
        if not reply or not all(0x20 <= byte < 0x7F for byte in reply):
            raise self._garbled(f"{text} was answered with {reply!r}")
        return reply.decode("ascii")


def _words(code: int) -> str:
    return CODES.get(code, f"code {code}")
