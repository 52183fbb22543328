"""SRS DG645: the delay generator that times every shot, on its internal trigger.

Source: *DG645 User Manual* Rev 1.1 (pages in brackets).  Sets are silent; each is followed by `LERR?`, and what times the
shots is read back.  There is no watchdog and no output-disable command: the only remote "all off" is the single-shot
trigger source (p. 54).  Without a host the unit goes on triggering; a hardware line on its inhibit input must not be missing.
"""

import re
import time
from collections.abc import Iterator, Mapping
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import DelayLimits, Identity, Pulse, SafeResult, Status

INTERNAL, EXTERNAL_RISING, SINGLE_SHOT = 0, 1, 5
SOURCES = {
    INTERNAL: "running",
    1: "waits for an external rising edge",
    2: "waits for an external falling edge",
    3: "waits for one external rising edge",
    4: "waits for one external falling edge",
    SINGLE_SHOT: "stopped",
    6: "follows the mains",
}
"""TSRC values (p. 54)."""
OUTPUTS = {"T0": 0, "AB": 1, "CD": 2, "EF": 3, "GH": 4}
EDGES = {"AB": (2, 3), "CD": (4, 5), "EF": (6, 7), "GH": (8, 9)}
"""Channels of an output's leading and trailing edge (p. 56)."""
T0 = 0
TTL_V, POSITIVE = 4.0, 1
"""TTL preset: 0 to 4 V into 50 ohm (p. 29)."""
CHANNELS = dict(enumerate("ABCDEFGH", 2))
RESOLUTION_S = 5e-12
LONGEST_S = 1999.999999999995
DEAD_TIME_S = 100e-9
"""A trigger within the longest delay and this much more is ignored (p. vii)."""
LIMITS = DelayLimits(tuple(OUTPUTS), ("T0",), RESOLUTION_S, RESOLUTION_S, LONGEST_S, DEAD_TIME_S, 10e6, 2**30 - 1)
DELAY = re.compile(r"(\d),([+-]\d{1,4}\.\d{12})", re.ASCII)
EVENTS = {
    1: "a trigger came during a cycle and was ignored",
    4: "a trigger was inhibited",
    6: "the 100 MHz reference lost its lock",
    7: "the rubidium timebase lost its lock",
}
"""Bits of INSR? worth telling (p. 61); a setting that cut a cycle short (5) is our own doing."""
ERRORS = {
    10: "illegal value",
    11: "illegal mode",
    12: "illegal delay",
    13: "illegal link",
    15: "not allowed, locked by another interface",
    110: "illegal command",
    111: "undefined command",
    112: "illegal query",
    113: "illegal set",
    117: "parameter overflow",
    126: "syntax error",
    254: "too many errors",
}
"""LERR? codes that these commands can give (p. 62-67)."""
ERROR_QUEUE = 20


def _trigger() -> Iterator[Quantity]:
    """How cycles are started (p. 52-55)."""
    yield Quantity("threshold_V", "V", float, "read-write", "TLVL?", "TLVL {value:.2f}", -3.5, 3.5, source="p. 54")
    yield Quantity("inhibit", "", int, "read-write", "INHB?", "INHB {value}", 0, 5, source="p. 52", about="0 nothing to 5 all")
    yield Quantity("advanced", "", bool, "read-write", "ADVT?", "ADVT {value}", source="p. 52", about="hold-off and prescalers")
    yield Quantity("hold_off_s", "s", float, "read-write", "HOLD?", "HOLD {value:.9f}", 0.0, 2000.0, source="p. 52")
    yield Quantity(
        "prescaler", "", int, "read-write", "PRES?0", "PRES 0,{value}", 1, 2**30 - 1, source="p. 53", about="of the trigger"
    )
    yield Quantity("burst_on", "", bool, "read-write", "BURM?", "BURM {value}", source="p. 55")
    yield Quantity("burst_count", "", int, "read-write", "BURC?", "BURC {value}", 1, 2**32 - 1, source="p. 54")
    yield Quantity("burst_period_s", "s", float, "read-write", "BURP?", "BURP {value:.8f}", 100e-9, 2000.0, source="p. 55")
    yield Quantity("burst_delay_s", "s", float, "read-write", "BURD?", "BURD {value:.12f}", 0.0, 2000.0, source="p. 55")
    yield Quantity(
        "burst_first_only", "", bool, "read-write", "BURT?", "BURT {value}", source="p. 55", about="T0 on its first cycle"
    )
    yield Quantity(
        "timebase", "", int, query="TIMB?", low=0, high=3, source="p. 51", about="0 internal, 1 OCXO, 2 Rb, 3 external"
    )
    yield Quantity("events", "", int, query="INSR?", low=0, high=255, source="p. 51", about="latched; reading clears them")


def _of_channel(number: int) -> Iterator[Quantity]:
    """Delay of a channel against its reference, both in one command."""
    name = CHANNELS[number].lower()
    yield Quantity(
        f"{name}_reference",
        "",
        int,
        query=f"DLAY?{number}",
        low=0,
        high=9,
        field=0,
        fields=2,
        source="p. 56",
        about="0 T0, 2 A to 9 H",
    )
    yield Quantity(
        f"{name}_delay_s",
        "s",
        float,
        "read-write",
        f"DLAY?{number}",
        f"DLAY {number},{{others[0]}},{{value:.12f}}",
        -LONGEST_S,
        LONGEST_S,
        field=1,
        fields=2,
        source="p. 56",
        about="after its reference",
    )
    yield Quantity(f"{name}_link", "", int, "read-write", f"LINK?{number}", f"LINK {number},{{value}}", 0, 9, source="p. 56")


def _of_output(output: str) -> Iterator[Quantity]:
    number, name = OUTPUTS[output], output.lower()
    yield Quantity(
        f"{name}_amplitude_V",
        "V",
        float,
        "read-write",
        f"LAMP?{number}",
        f"LAMP {number},{{value:.2f}}",
        0.5,
        5.0,
        source="p. 56",
    )
    yield Quantity(
        f"{name}_offset_V",
        "V",
        float,
        "read-write",
        f"LOFF?{number}",
        f"LOFF {number},{{value:.2f}}",
        -2.0,
        2.0,
        source="p. 57",
    )
    yield Quantity(f"{name}_positive", "", bool, "read-write", f"LPOL?{number}", f"LPOL {number},{{value}}", source="p. 57")
    if number:
        top = 2**16 - 1
        yield Quantity(
            f"{name}_prescaler", "", int, "read-write", f"PRES?{number}", f"PRES {number},{{value}}", 1, top, source="p. 53"
        )
        yield Quantity(
            f"{name}_phase", "", int, "read-write", f"PHAS?{number}", f"PHAS {number},{{value}}", 0, top, source="p. 52"
        )


class DG645(Driver):
    """Role `delay generator`.

    Outputs AB, CD, EF and GH are programmed; T0 marks the trigger: it cannot be moved, and lasts as long as the longest
    delay (p. 27), so its width is not set.  Outputs are 4 V into 50 ohm, positive.
    """

    role = "delay generator"
    delay_limits: ClassVar[DelayLimits] = LIMITS
    framing = Terminated(b"\r\n")
    command_end = b"\n"
    probe = Probe(b"*IDN?\n", lambda reply: reply.startswith(b"Stanford Research Systems,DG645,"))
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("rate_Hz", "Hz", float, "read-write", "TRAT?", "TRAT {value:.6f}", 100e-6, 10e6, polled=True, source="p. 54"),
        Quantity(
            "trigger_source",
            "",
            int,
            "read-write",
            "TSRC?",
            "TSRC {value}",
            0,
            6,
            polled=True,
            source="p. 54",
            about="0 internal, 5 none",
        ),
        *_trigger(),
        *(one for number in CHANNELS for one in _of_channel(number)),
        *(one for output in OUTPUTS for one in _of_output(output)),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("trigger", "*TRG", "p. 50", "one cycle"),
        Action("lock_panel", "REMT", "p. 59"),
        *(Action(f"save_{n}", f"*SAV {n}", "p. 49") for n in range(1, 10)),
        *(Action(f"recall_{n}", f"*RCL {n}", "p. 49") for n in range(10)),
    )

    def __init__(self, name: str, link: Link, *, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        self._triggered = INTERNAL

    def identify(self) -> Identity:
        reply = self._ask("*IDN?")
        fields = reply.split(",")
        if len(fields) != 4 or fields[:2] != ["Stanford Research Systems", "DG645"]:
            raise self._wrong("an SRS DG645", reply)
        return Identity("SRS", "DG645", fields[2].removeprefix("s/n"), fields[3].removeprefix("ver"))

    def prepare(self) -> None:
        """Triggers off, since the unit wakes up as it was saved (p. 17); bursts, hold-off and prescalers off, which a master
        from outside would else bring back (p. 25); old errors forgotten."""
        self._triggered = INTERNAL
        self.stop()
        self.link.send(b"*CLS\n")
        for quantity, value in (("burst_on", False), ("advanced", False), ("hold_off_s", 0.0), ("prescaler", 1)):
            self.write(quantity, value)
        for output in EDGES:
            # A phase must stay below its prescaler (p. 25).
            self.write(f"{output.lower()}_phase", 0)
            self.write(f"{output.lower()}_prescaler", 1)

    def program(self, pulses: Mapping[str, Pulse], rate_Hz: float, external_divider: int | None = None) -> Mapping[str, Pulse]:
        """Set the pulses of the outputs named in `pulses`, and the internal rate; other outputs are left as they are.  The
        pulses as they are read back; T0 as it was asked for.

        Delays and widths are rounded to 5 ps by the unit.  Raises `LimitError` before anything is sent when a pulse or the
        rate is impossible, `Refused` when a read-back differs.
        """
        rate_Hz = float(self.quantities["rate_Hz"].check(self.name, rate_Hz))
        _check(self.name, pulses, rate_Hz)
        programmed = dict(pulses)
        for output, pulse in pulses.items():
            self._set_level(OUTPUTS[output])
            if output in EDGES:
                leading, trailing = EDGES[output]
                delay_s = self._set_edge(leading, T0, pulse.delay_s)
                programmed[output] = Pulse(delay_s, self._set_edge(trailing, leading, pulse.width_s))
        # Prescalers count only with advanced triggering (p. 25).
        self.write("advanced", external_divider is not None)
        if external_divider is None:
            self.write("rate_Hz", rate_Hz)
        else:
            self.write("prescaler", external_divider)
        self._triggered = INTERNAL if external_divider is None else EXTERNAL_RISING
        return programmed

    def start(self) -> None:
        self._source(self._triggered)

    def stop(self) -> None:
        self._source(SINGLE_SHOT)

    def status(self) -> Status:
        """Also tells what happened since the last look, from the latched instrument events."""
        source = self._integer("TSRC?", self._ask("TSRC?"), high=6)
        events = self._integer("INSR?", self._ask("INSR?"), high=255)
        warnings = tuple(text for bit, text in EVENTS.items() if events >> bit & 1)
        return Status(SOURCES[source], source in (self._triggered, SINGLE_SHOT), warnings)

    def make_safe(self) -> SafeResult:
        """Triggers off.  The command leaves before anything else is asked, and on its own line after whatever was half sent."""
        self.link.send_regardless(b"\nTSRC 5\n")
        self.stop()
        return SafeResult(True, "triggers off")

    def _write(self, quantity: Quantity, value: Value) -> None:
        """Refusals are told; some values are clipped without a word (section 5), so everything is read back."""
        digits = quantity.command.rpartition(":.")[2].removesuffix("f}")
        within = 0.51 * 10.0 ** -int(digits) if quantity.kind is float else 0.0
        self._write_and_compare(quantity, value, max(within, RESOLUTION_S) if within else 0.0)

    def _source(self, source: int) -> None:
        """Set the trigger source; its read-back decides, since an error in the queue may be older than this command."""
        self.link.send(self._line(f"TSRC {source}"))
        self._verify("TSRC?", source, 0)

    def _set_level(self, output: int) -> None:
        for mnemonic, value, tolerance in (("LAMP", TTL_V, 0.01), ("LOFF", 0.0, 0.01), ("LPOL", POSITIVE, 0)):
            self._tell(f"{mnemonic} {output},{value:g}")
            self._verify(f"{mnemonic}?{output}", value, tolerance)

    def _set_edge(self, channel: int, reference: int, delay_s: float) -> float:
        self._tell(f"DLAY {channel},{reference},{delay_s:.12f}")
        reply = self._ask(f"DLAY?{channel}")
        found = DELAY.fullmatch(reply)
        if found is None:
            raise self._garbled(f"DLAY?{channel} was answered with {reply!r}")
        if int(found[1]) != reference or abs(float(found[2]) - delay_s) > RESOLUTION_S:
            raise self._refused(f"channel {channel} reads back {reply} after {reference},{delay_s:.12f} was set")
        return float(found[2])

    def _verify(self, query: str, wanted: float, tolerance: float) -> None:
        back = self._number(query, self._ask(query))
        if abs(back - wanted) > tolerance:
            raise self._refused(f"{query} reads back {back:g} after {wanted:g} was set")

    def _ask(self, text: str) -> str:
        return self.link.query(self._line(text)).decode("ascii", "replace")

    def _tell(self, text: str) -> None:
        error = self._error(f"{text};LERR?")
        if error:
            said = f"{text!r}: {ERRORS.get(error, f'error {error}')}"
            for _ in range(ERROR_QUEUE):
                if not self._error("LERR?"):
                    break
            raise self._refused(said)

    def _error(self, text: str) -> int:
        return self._integer("LERR?", self._ask(text), high=255)


def _check(name: str, pulses: Mapping[str, Pulse], rate_Hz: float) -> None:
    for output, pulse in pulses.items():
        if output not in OUTPUTS:
            raise LimitError(name, f"has no output {output!r}; it has {', '.join(OUTPUTS)}")
        if output == "T0":
            if pulse.delay_s != 0:
                raise LimitError(name, f"T0 cannot be moved by {pulse.delay_s:g} s; refer the other events to it")
            continue
        end_s = pulse.delay_s + pulse.width_s
        if not (pulse.delay_s >= 0 and pulse.width_s >= RESOLUTION_S and end_s <= LONGEST_S):
            raise LimitError(name, f"{output} = {pulse.delay_s:g} s + {pulse.width_s:g} s is outside 0 s + 5 ps to 2000 s")
        if end_s + DEAD_TIME_S > 1 / rate_Hz:
            raise LimitError(name, f"{output} ends {end_s:g} s after T0, later than the next trigger at {rate_Hz:g} Hz")
