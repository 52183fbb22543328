"""Quantel / Big Sky BSS supply: the Nd:YAG ablation laser, triggered from outside.

Source: the service manual's command chapter with captures from a real unit, as collected in the protocol sheet (sections in
brackets); *assumed* marks what neither confirms.  A reply is CR LF and exactly 15 characters, without an end.  The supply has
no watchdog: without a host it does what it was told, so light stops with the triggers of the delay generator.
"""

import re
import time
from collections.abc import Callable
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LinkTimeout
from drivers.links import Counted, Link, Probe, SerialSettings
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status, TriggerLimits

EXTERNAL_Q_SWITCH = 2
STOPPED, RUNNING_EXTERNAL, RUNNING = "04", "6", "26"
"""Digits of WOR for lamp and Q-switch; 4 to 6 stand for 0 to 2 with outside triggers.  With QSM2 the Q-switch stays at 4 even
while it fires (section 5), so that only the state text tells."""
REGISTERS = {
    "IF": ("water flow", "", "water level", "lamp head connector", "aux connector", "external interlock", "cover open", ""),
    "IF2": ("", "", "capacitor charge failed", "simmer did not start", "", "water too cold", "", ""),
    "IQ": ("", "water too cold for the Q-switch", "", "", "", "", "", ""),
}
"""Digits of the interlock registers; those of IQ that belong to normal operation are left out (section 5)."""
FORMS = {
    "V": r"voltage\s+(\d{3,4}) V",
    "P": r"CG pump\s+([01])",
    "LPM": r"LP synch :\s*([01])\s*",
    "QSM": r"QS mode :\s*([012])\s*",
    "C": r"ct LP (\d{9})",
    "CG": r"temp\. CG (\d\d) d\s*",
    "R": r"shutter (closed|opened)\s*",
    "IHG": r"IHG\s+([01])",
    "ROF": r"shutt\. at run ([01])",
    "T": r"ct time\s+(\d{1,5}:\d\d)\s*",
    "DAT": r"(\d\d/\d\d/\d\d)\s*",
    "VA": r"voltage ac\s?(\d{3,4}) ?V",
    "VI": r"voltage it\s?(\d{3,4}) ?V",
    "VMO": r"voltage m(\d{4}) V",
    "ENE": r"energy\s+(\d+\.\d)J",
    "CAP": r"capacity (\d+\.\d)uF",
    "F": r"freq\.\s+(\d+\.\d\d) Hz",
    "UC": r"cu LP (\d{9})",
    "QSF": r"cycle rate F/(\d\d)",
    "QSP": r"burst QS\s+(\d{3})",
    "QOF": r"QS at run\s+([01])",
    "W": r"delay\s+(\d{3}) uS",
    "WMN": r"dly QS m (\d{3}) uS",
    "WMX": r"dly QS M (\d{3}) uS",
    "QSW": r"QS wait :\s+(\d{3})",
    "CQ": r"ct QS (\d{9})",
    "UCQ": r"cu QS (\d{9})",
}
"""Replies, by mnemonic (section 3)."""
SCALES = {"ENE": 10, "F": 100}
"""Settings that count tenths or hundredths on the wire, while their answers carry a point."""
POLL_S = 0.2
SERIAL_NUMBER = re.compile(r"s/number\s+(\d+)", re.IGNORECASE)
WORKS = re.compile(r"I ([01]) [FL] ([0-6]) [SM] ([01]) Q ([0-6])")


class BigSkyBSS(Driver):
    """Role `ablation laser`.

    `lamp_voltage_V` is set at `prepare`; known units lase above some 760 V.  `start_s` is the longest wait, in wall time, for
    the water to flow (2 s) and for the Q-switch to be allowed (section 4.2).
    """

    role = "ablation laser"
    trigger_limits: ClassVar[TriggerLimits] = TriggerLimits(50.0, (100e-6, 500e-6))
    """The head, not the protocol, sets the rate (sheet, limits; *assumed*); delay within the factory limits WMN and WMX."""
    framing = Counted(17, b"\r\n")
    command_end = b"\r\n"
    probe = Probe(b">SN\r\n", lambda reply: SERIAL_NUMBER.fullmatch(reply.decode("ascii", "replace")) is not None)
    serial = SerialSettings(baud=9600)
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("lamp_voltage_V", "V", int, "read-write", "V", "V{value:04d}", 500, 1800, polled=True, source="3.2"),
        Quantity("coolant_C", "°C", int, query="CG", low=0, high=99, polled=True, source="3.1", about="cooling water"),
        Quantity("lamp_shots", "", int, query="C", low=0, polled=True, counts="shots", source="3.2", about="lamp shot counter"),
        Quantity("shutter_open", "", bool, "read-write", "R", "R{value}", polled=True, source="3.1"),
        Quantity("pump_on", "", bool, "read-write", "P", "P{value}", polled=True, source="3.1"),
        Quantity("harmonic_fault", "", bool, query="IHG", source="3.1", about="temperature of the harmonic generator"),
        Quantity("opens_shutter_at_run", "", bool, "read-write", "ROF", "ROF{value}", source="3.1"),
        Quantity("operating_time", "", str, query="T", source="3.1", about="hours:minutes"),
        Quantity("revision_date", "", str, query="DAT", source="3.1"),
        Quantity("charged_voltage_V", "V", int, query="VA", low=0, high=2500, source="3.2", about="sampled after charging"),
        Quantity("capacitor_voltage_V", "V", int, query="VI", low=0, high=2500, source="3.2", about="now"),
        Quantity("average_voltage_V", "V", int, query="VMO", low=0, high=2500, source="3.2"),
        Quantity(
            "lamp_energy_J",
            "J",
            float,
            "read-write",
            "ENE",
            "ENE{value:03d}",
            7.0,
            23.0,
            source="3.2",
            about="changes the voltage",
        ),
        Quantity("capacitor_uF", "uF", float, query="CAP", low=20.0, high=40.0, source="3.2"),
        Quantity("lamp_external", "", bool, "read-write", "LPM", "LPM{value}", source="3.2"),
        Quantity("rate_Hz", "Hz", float, "read-write", "F", "F{value:04d}", 1.0, 99.99, source="3.2", about="own triggers"),
        Quantity("user_lamp_shots", "", int, query="UC", low=0, source="3.2"),
        Quantity(
            "q_switch_mode", "", int, "read-write", "QSM", "QSM{value}", 0, 2, source="3.3", about="0 auto, 1 burst, 2 external"
        ),
        Quantity("q_switch_every", "", int, "read-write", "QSF", "QSF{value:02d}", 1, 99, source="3.3", about="n-th lamp shot"),
        Quantity("q_switch_burst", "", int, "read-write", "QSP", "QSP{value:03d}", 1, 999, source="3.3"),
        Quantity("q_switch_at_run", "", bool, "read-write", "QOF", "QOF{value}", source="3.3"),
        Quantity(
            "q_switch_delay_us", "us", int, "read-write", "W", "W{value:03d}", 100, 999, source="3.3", about="after the lamp"
        ),
        Quantity("shortest_delay_us", "us", int, query="WMN", low=0, high=999, source="3.3"),
        Quantity("longest_delay_us", "us", int, query="WMX", low=0, high=999, source="3.3"),
        Quantity(
            "q_switch_wait", "", int, "read-write", "QSW", "QSW{value:03d}", 0, 999, source="3.3", about="lamp shots before it"
        ),
        Quantity("q_switch_shots", "", int, query="CQ", low=0, polled=True, source="3.3"),
        Quantity("user_q_switch_shots", "", int, query="UCQ", low=0, source="3.3"),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("reset_user_lamp_shots", "UC0", "3.2"),
        Action("reset_user_q_switch_shots", "UCQ0", "3.3"),
        Action("save_settings", "SAV1", "3.1"),
        Action("save_user_counters", "SUC", "3.1"),
        Action("one_pulse", "OQ", "4.1", "fires, when the lamp runs"),
        Action("simmer", "M", "4.1", "without flashes"),
    )

    def __init__(self, name: str, link: Link, *, lamp_voltage_V: int, start_s: float = 20.0, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        self.quantities["lamp_voltage_V"].check(name, lamp_voltage_V)
        self._lamp_voltage_V = lamp_voltage_V
        self._start_s = start_s
        self._started = self._blocked = False

    def identify(self) -> Identity:
        """Refuses every other model: the Ultra's `E` fires the lamp where it is a parameter here (section 8)."""
        try:
            model = self._ask("X")
        except LinkTimeout:
            # A supply that was told ECH0 obeys without a word (section 2).
            self.link.send_regardless(b">ECH1\r\n")
            model = self._ask("X")
        if not model.startswith("SPECTRA-S"):
            raise self._wrong("a Big Sky BSS supply", model)
        serial = SERIAL_NUMBER.fullmatch(reply := self._ask("SN"))
        if serial is None:
            raise self._garbled(f"SN was answered with {reply!r}")
        return Identity("Quantel", "Big Sky BSS", serial[1], model.split()[-1])

    def prepare(self) -> None:
        """Stopped, cooled, at its lamp voltage, lamp and Q-switch triggered from outside."""
        self.stop()
        self.write("pump_on", True)
        self.write("lamp_voltage_V", self._lamp_voltage_V)
        self.write("lamp_external", True)
        self.write("q_switch_mode", EXTERNAL_Q_SWITCH)

    def start(self) -> None:
        """Lamp on, shutter open, Q-switch on: fires on the next outside triggers.  What fails half-way is stopped again."""
        try:
            self._answered("A", r"fire ext +e", "water flow", "the lamp does not start")
            self.write("shutter_open", True)
            self._answered("PQ", r"fire ext +qse", "wait for QS", "the Q-switch does not start")
            lamp = self._works()[1]
            if lamp != RUNNING_EXTERNAL:
                raise self._refused(f"says that it fires, but the lamp is in state {lamp}")
        except BaseException:
            self._every(*self._stopping())
            raise
        self._started, self._blocked = True, False

    def stop(self) -> None:
        """Shutter closed, Q-switch off, lamp off, in this order; every step is tried before the first failure is raised."""
        self._started = False
        failure = self._every(*self._stopping())
        if failure is not None:
            raise failure

    def block(self) -> None:
        """Close the shutter, which the echo confirms; it inhibits the Q-switch (section 5), while the lamp goes on."""
        self.write("shutter_open", False)
        self._blocked = True

    def unblock(self) -> None:
        """Open the shutter and start the Q-switch again."""
        self.write("shutter_open", True)
        self._answered("PQ", r"fire ext +qse", "wait for QS", "the Q-switch does not start")
        self._blocked = False

    def status(self) -> Status:
        """Not ok on an interlock, on internal triggers, and when the lamp went off after `start`."""
        interlock, lamp, _, _ = self._works()
        if interlock != "0":
            return Status("interlock", False, self._faults() or ("interlock without a cause",))
        text = self._state_text()
        warnings = []
        if lamp in RUNNING and lamp != RUNNING_EXTERNAL:
            warnings.append("the lamp fires on internal triggers")
        if self._started and lamp in STOPPED:
            warnings.append("the lamp went off by itself, or at its panel")
        if self._started and not self._blocked and lamp not in STOPPED and "qs" not in text:
            warnings.append("the Q-switch went off by itself, or at its panel")
        state = "standby" if lamp in STOPPED else "firing" if "qs" in text else "lamp on"
        return Status(state, not warnings, tuple(warnings))

    def make_safe(self) -> SafeResult:
        """Lamp and Q-switch off, shutter closed.  `S` needs no answer and leaves first; then every step again, with echo."""
        self._started = False
        self.link.send_regardless(b"\r\n>S\r\n")
        failure = self._every(*self._stopping())
        _, lamp, _, q_switch = self._works()
        closed, text = not self.read("shutter_open"), self._state_text()
        if closed and lamp in STOPPED and q_switch in STOPPED and text.startswith("standby"):
            return SafeResult(True, "lamp and Q-switch off, shutter closed")
        if failure is not None:
            raise failure
        return SafeResult(False, f"{text}; lamp {lamp}, Q-switch {q_switch}, shutter {'closed' if closed else 'open'}")

    def _stopping(self) -> tuple[Callable[[], None], ...]:
        return (
            lambda: self.write("shutter_open", False),
            lambda: self._expect("SQ", r"(?!.*qs).*"),
            lambda: self._expect("S", r"standby +e?"),
        )

    def _expect(self, text: str, form: str) -> None:
        answer = self._ask(text)
        if re.fullmatch(form + r"\s*", answer) is None:
            raise self._refused(f"{text} was answered with {answer.strip()!r}")

    def _answered(self, text: str, form: str, not_yet: str, failed: str) -> None:
        """Repeat a command while it is answered with `not_yet`, until the answer is of the `form`."""
        deadline = time.monotonic() + self._start_s
        while True:
            answer = self._ask(text).strip()
            if re.fullmatch(form, answer) is not None:
                return
            if not answer.startswith(not_yet) or time.monotonic() > deadline:
                raise self._refused(f"{failed}: {answer}")
            self._pause(POLL_S)

    def _works(self) -> tuple[str, str, str, str]:
        """The digits of WOR: interlock, lamp, simmer, Q-switch."""
        reply = self._ask("WOR")
        found = WORKS.fullmatch(reply.strip())
        if found is None:
            raise self._garbled(f"WOR was answered with {reply!r}")
        return found[1], found[2], found[3], found[4]

    def _state_text(self) -> str:
        """The answer to an empty line, without an address as the manual prints it (section 2)."""
        return self._exchange(b"\r\n").strip()

    def _faults(self) -> tuple[str, ...]:
        """What stops the laser.  The registers show the reading before the last (section 5), so each is read twice."""
        faults: list[str] = []
        for register, names in REGISTERS.items():
            self._ask(register)
            reply = self._ask(register)
            digits = re.fullmatch(r"I[FQ].?\s*([01]{2}) ([01]{2}) ([01]{2}) ([01]{2})", reply.strip())
            if digits is None:
                raise self._garbled(f"{register} was answered with {reply!r}")
            faults += [name for name, digit in zip(names, "".join(digits.groups()), strict=True) if digit == "1" and name]
        return tuple(faults)

    def _read(self, quantity: Quantity) -> Value:
        return self._value(quantity, self._ask(quantity.query))

    def _write(self, quantity: Quantity, value: Value) -> None:
        """A setting is answered with the value in force.  Energies count tenths, rates hundredths on the wire."""
        counts = round(float(value) * SCALES.get(quantity.query, 1))
        echo = self._value(quantity, self._ask(quantity.command.format(value=counts)))
        if round(float(echo) * SCALES.get(quantity.query, 1)) != counts:
            raise self._refused(f"{quantity.name} stays at {echo} {quantity.unit}".rstrip() + f" after {value} was set")

    def _do(self, action: Action) -> None:
        """Each has its own answer; silence is a refusal."""
        self._ask(action.command)

    def _value(self, quantity: Quantity, reply: str) -> Value:
        field = self._field(quantity.query, reply)
        if quantity.name == "shutter_open":
            return field == "opened"
        if quantity.kind is bool:
            return field == "1"
        if quantity.kind is str:
            return field
        return quantity.kind(self._believed(quantity, float(field)))

    def _field(self, mnemonic: str, reply: str) -> str:
        found = re.fullmatch(FORMS[mnemonic], reply, re.IGNORECASE)
        if found is None:
            raise self._garbled(f"{mnemonic} was answered with {reply!r}")
        return found[1]

    def _ask(self, text: str) -> str:
        return self._exchange(self._line(f">{text}"))

    def _exchange(self, message: bytes) -> str:
        reply = self.link.query(message)
        if not all(0x20 <= byte < 0x7F for byte in reply):
            raise self._garbled(f"{message!r} was answered with {reply!r}")
        return reply.decode("ascii")
