"""Berkeley Nucleonics 575 (and Quantum Composers' kin): delay generator on its internal timer.

Source: *Model 575 User Manual* and two open clients, as collected in the protocol sheet (sections in brackets); *assumed*
marks what none confirms.  Every command is answered: `ok`, a value, or `?` and a number.  There is no watchdog: without a
host the unit goes on triggering, and pulses would even start at power-up if its auto-start were left on (section 6).
"""

import time
from collections.abc import Iterator, Mapping
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Action, Quantity
from drivers.roles import DelayLimits, Identity, Pulse, SafeResult, Status

MODELS = ("575", "577")
CHANNELS = {letter: number for number, letter in enumerate("ABCDEFGH", 1)}
MODES = ("NORM", "SING", "BURS", "DCYC")
REFUSALS = {
    "?1": "neither colon nor star",
    "?2": "keyword missing",
    "?3": "keyword invalid",
    "?4": "parameter missing",
    "?5": "parameter invalid",
    "?6": "can only be asked",
    "?7": "cannot be asked",
    "?8": "not available in the present state",
}
"""Section 3."""
LONGEST_S = 999.99999999975
NARROWEST_S = 10e-9
RESOLUTION_S = 250e-12
MARGIN_S = 75e-9
"""Delay and width and this much more must fit into a period (section 5)."""
LIMITS = DelayLimits(tuple(CHANNELS), (), RESOLUTION_S, NARROWEST_S, LONGEST_S, MARGIN_S, 20e6)
HIGHEST_COUNT = 9_999_999


def _system() -> Iterator[Quantity]:
    """The timer T0 and the unit as a whole (section 4)."""
    yield Quantity(
        "period_s", "s", float, "read-write", ":PULSE0:PER?", ":PULSE0:PER {value:.9f}", 100e-9, 5000.0, polled=True, source="4"
    )
    yield Quantity("running", "", bool, query=":SYST:STAT?", polled=True, source="4")
    yield Quantity("mode", "", str, "read-write", ":PULSE0:MOD?", ":PULSE0:MOD {value}", choices=MODES, source="4")
    for name, word in (("burst_count", "BCO"), ("cycle_on_count", "PCO"), ("cycle_off_count", "OCO")):
        yield Quantity(
            name, "", int, "read-write", f":PULSE0:{word}?", f":PULSE0:{word} {{value}}", 1, HIGHEST_COUNT, source="4"
        )
    yield _choice("trigger_mode", "0:TRIG:MOD", "DIS", "TRIG")
    yield _choice("trigger_edge", "0:TRIG:EDGE", "RIS", "FALL")
    yield _volts("trigger_level_V", "0:TRIG:LEV", 0.2, 15.0)
    yield _choice("gate_mode", "0:GAT:MOD", "DIS", "PULS", "OUTP", "CHAN")
    yield _choice("gate_polarity", "0:GAT:LOG", "LOW", "HIGH")
    yield _volts("gate_level_V", "0:GAT:LEV", 0.2, 15.0)
    yield Quantity("timebase", "", str, "read-write", ":PULSE0:ICL?", ":PULSE0:ICL {value}", source="4", about="SYS, EXT10 …")
    yield Quantity("clock_output", "", str, "read-write", ":PULSE0:OCL?", ":PULSE0:OCL {value}", source="4", about="T0 or MHz")
    yield _switch("counting", ":PULSE0:COUN:STAT")
    yield Quantity(
        "counted_triggers",
        "",
        int,
        query=":PULSE0:COUN:COUN? TCNTS",
        low=0,
        polled=True,
        counts="triggers",
        source="4",
        about="place of TCNTS assumed",
    )
    yield _switch("starts_at_power_up", ":SYST:AUT")
    yield _switch("keys_locked", ":SYST:KLOC")
    yield _switch("beeper", ":SYST:BEEP:STAT")
    yield Quantity(
        "brightness", "", int, "read-write", ":DISP:BRIG?", ":DISP:BRIG {value}", 0, 4, source="4", about="of the panel"
    )


def _of_channel(letter: str) -> Iterator[Quantity]:
    number, low = CHANNELS[letter], letter.lower()
    yield _switch(f"{low}_on", f":PULSE{number}:STAT")
    yield Quantity(
        f"{low}_delay_s",
        "s",
        float,
        "read-write",
        f":PULSE{number}:DEL?",
        f":PULSE{number}:DEL {{value:.11f}}",
        -LONGEST_S,
        LONGEST_S,
        source="4",
    )
    yield Quantity(
        f"{low}_width_s",
        "s",
        float,
        "read-write",
        f":PULSE{number}:WIDT?",
        f":PULSE{number}:WIDT {{value:.11f}}",
        NARROWEST_S,
        LONGEST_S,
        source="4",
    )
    yield Quantity(
        f"{low}_reference",
        "",
        str,
        "read-write",
        f":PULSE{number}:SYNC?",
        f":PULSE{number}:SYNC {{value}}",
        source="4",
        about="T0, CHA …",
    )
    yield _choice(f"{low}_polarity", f"{number}:POL", "NORM", "COMP", "INV")
    yield Quantity(
        f"{low}_timers",
        "",
        int,
        "read-write",
        f":PULSE{number}:MUX?",
        f":PULSE{number}:MUX {{value}}",
        0,
        255,
        source="4",
        about="bit mask",
    )
    yield _choice(f"{low}_output", f"{number}:OUTP:MOD", "TTL", "ADJ")
    yield _volts(f"{low}_amplitude_V", f"{number}:OUTP:AMP", 2.0, 20.0)
    yield _choice(f"{low}_mode", f"{number}:CMOD", *MODES)
    for name, word, least in (("burst", "BCO", 1), ("on", "PCO", 1), ("off", "OCO", 1), ("wait", "WCO", 0)):
        yield Quantity(
            f"{low}_{name}_count",
            "",
            int,
            "read-write",
            f":PULSE{number}:{word}?",
            f":PULSE{number}:{word} {{value}}",
            least,
            HIGHEST_COUNT,
            source="4",
        )
    yield _choice(f"{low}_gate", f"{number}:CGAT", "DIS", "PULS", "OUTP")
    yield _choice(f"{low}_gate_polarity", f"{number}:CLOG", "LOW", "HIGH")


def _choice(name: str, words: str, *choices: str) -> Quantity:
    return Quantity(name, "", str, "read-write", f":PULSE{words}?", f":PULSE{words} {{value}}", choices=choices, source="4")


def _switch(name: str, words: str) -> Quantity:
    return Quantity(name, "", bool, "read-write", f"{words}?", f"{words} {{value}}", source="4")


def _volts(name: str, words: str, low: float, high: float) -> Quantity:
    return Quantity(name, "V", float, "read-write", f":PULSE{words}?", f":PULSE{words} {{value:.2f}}", low, high, source="4")


class BNC575(Driver):
    """Role `delay generator`.

    Outputs `A` to `H` are programmed against T0; a unit with fewer `channels` has only the first of them.  Its trigger
    counter counts what was fired.
    """

    role = "delay generator"
    delay_limits: ClassVar[DelayLimits] = LIMITS
    framing = Terminated(b"\r\n")
    command_end = b"\r\n"
    # No star: a unit that is still booting can lock up on one (section 1).
    probe = Probe(b":INST:CAT?\r\n", lambda reply: reply.startswith(b"T0,CHA"))
    serial = SerialSettings(baud=115200)
    declared: ClassVar[tuple[Quantity, ...]] = (*_system(), *(one for letter in CHANNELS for one in _of_channel(letter)))
    actions: ClassVar[tuple[Action, ...]] = (
        Action("trigger", "*TRG", "4", "one trigger by software"),
        Action("arm", "*ARM", "4", "again, in single or burst mode"),
        Action("clear_counter", ":PULSE0:COUN:CL TCNTS", "4"),
        Action("reset", "*RST", "4"),
        *(Action(f"save_{n}", f"*SAV {n}", "4") for n in range(1, 13)),
        *(Action(f"recall_{n}", f"*RCL {n}", "4") for n in range(13)),
    )

    def __init__(self, name: str, link: Link, *, channels: int = 8, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        if channels not in (2, 4, 8):
            raise LimitError(name, f"channels = {channels} is not 2, 4 or 8")
        self._outputs = dict(list(CHANNELS.items())[:channels])
        absent = tuple(f"{letter.lower()}_" for letter in CHANNELS if letter not in self._outputs)
        self.quantities = {key: one for key, one in self.quantities.items() if not key.startswith(absent or ("-",))}

    def identify(self) -> Identity:
        """Raises `LinkTimeout` while the unit boots: the star waits until a harmless question is answered (section 1)."""
        self.link.distrust()
        reply = self._ask("*IDN?")
        fields = reply.split(",")
        if len(fields) != 4 or fields[0] != "BNC" or not fields[1].startswith(MODELS):
            raise self._wrong("a BNC 575", reply)
        return Identity("BNC", fields[1], fields[2], fields[3])

    def prepare(self) -> None:
        """Triggers off, none at power-up, no gate, no outside trigger, one pulse per period, triggers counted."""
        self.stop()
        for quantity, value in (
            ("starts_at_power_up", False),
            ("mode", "NORM"),
            ("trigger_mode", "DIS"),
            ("gate_mode", "DIS"),
            ("counting", True),
        ):
            self.write(quantity, value)
        self.do("clear_counter")

    def program(self, pulses: Mapping[str, Pulse], rate_Hz: float, external_divider: int | None = None) -> Mapping[str, Pulse]:
        """Set the pulses of the outputs named in `pulses`, and the internal rate; other outputs are left as they are.  The
        pulses as they are read back.

        Delays and widths are rounded to 250 ps by the unit.  Raises `LimitError` before anything is sent when a pulse or the
        rate is impossible, `Refused` when a read-back differs.
        """
        if external_divider is not None:
            raise LimitError(self.name, "is used on its own timer only; make the delay generator the master")
        period_s = round(1 / rate_Hz, 8) if rate_Hz > 0 else 0.0
        self._check(pulses, float(self.quantities["period_s"].check(self.name, period_s)))
        # First the period: the unit refuses a pulse that does not fit into the old one.
        self._verified("period_s", period_s, 5e-9)
        programmed = {}
        for output, pulse in pulses.items():
            low = output.lower()
            for setting, value in (("mode", "NORM"), ("reference", "T0"), ("polarity", "NORM"), ("output", "TTL")):
                self.write(f"{low}_{setting}", value)
            self.write(f"{low}_wait_count", 0)
            self.write(f"{low}_timers", 1 << (self._outputs[output] - 1))
            delay_s = self._verified(f"{low}_delay_s", pulse.delay_s, RESOLUTION_S)
            programmed[output] = Pulse(delay_s, self._verified(f"{low}_width_s", pulse.width_s, RESOLUTION_S))
            self.write(f"{low}_on", True)
        return programmed

    def start(self) -> None:
        self._run(True)

    def stop(self) -> None:
        self._run(False)

    def status(self) -> Status:
        running, mode = bool(self.read("running")), str(self.read("trigger_mode"))
        if mode != "DIS":
            return Status("waits for an external trigger", False, ("triggered from outside",))
        return Status("running" if running else "stopped", True)

    def make_safe(self) -> SafeResult:
        """Triggers off.  The command leaves before anything else is asked, and on its own line after whatever was half sent."""
        self.link.send_regardless(b"\r\n:PULSE0:STAT 0\r\n")
        self.stop()
        return SafeResult(True, "triggers off")

    def _run(self, on: bool) -> None:
        self._tell(f":PULSE0:STAT {int(on)}")
        if self.read("running") is not on:
            raise self._refused(f"does not {'start' if on else 'stop'}: its state reads back {int(not on)}")

    def _verified(self, quantity: str, value: float, within: float) -> float:
        declared = self.quantities[quantity]
        return float(self._write_and_compare(declared, declared.check(self.name, value), within))

    def _check(self, pulses: Mapping[str, Pulse], period_s: float) -> None:
        for output, pulse in pulses.items():
            if output not in self._outputs:
                raise LimitError(self.name, f"has no output {output!r}; it has {', '.join(self._outputs)}")
            if not (pulse.delay_s >= 0 and pulse.width_s >= NARROWEST_S):
                raise LimitError(self.name, f"{output} = {pulse.delay_s:g} s + {pulse.width_s:g} s is outside 0 s + 10 ns")
            end_s = pulse.delay_s + pulse.width_s
            if end_s + MARGIN_S >= period_s:
                raise LimitError(self.name, f"{output} ends {end_s:g} s after T0, too late for a period of {period_s:g} s")

    def _ask(self, text: str) -> str:
        reply = self.link.query(self._line(text)).decode("ascii", "replace")
        if reply.startswith("?"):
            raise self._refused(f"{text!r}: {REFUSALS.get(reply, f'error {reply}')}")
        return reply

    def _tell(self, text: str) -> None:
        reply = self._ask(text)
        if reply != "ok":
            raise self._garbled(f"{text!r} was answered with {reply!r}")
