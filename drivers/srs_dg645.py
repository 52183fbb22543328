"""SRS DG645: the delay generator that times every shot, on its internal trigger.

Source: *DG645 User Manual* Rev 1.1 (pages in brackets).  Sets are silent; each is followed by `LERR?` and read back.  There is
no watchdog and no output-disable command: the only remote "all off" is the single-shot trigger source (p. 54), sent first.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

from drivers.driver import Driver
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Quantity
from drivers.roles import Identity, Pulse, SafeResult, Status

INTERNAL, SINGLE_SHOT = 0, 5
"""TSRC values (p. 54)."""
CHANNELS = {"AB": (2, 3), "CD": (4, 5), "EF": (6, 7), "GH": (8, 9)}
"""Output: channels of its leading and trailing edge (p. 56)."""
OUTPUTS = {"T0": 0, "AB": 1, "CD": 2, "EF": 3, "GH": 4}
T0 = 0
TTL_V = 4.0
"""TTL preset: 0 to 4 V into 50 ohm (p. 29)."""
RESOLUTION_S = 5e-12
LONGEST_S = 1999.999999999995
DELAY = re.compile(r"(\d),([+-]\d{1,4}\.\d{12})")
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


class DG645(Driver):
    """Role `delay generator`.  Outputs AB, CD, EF and GH are programmed; T0 marks the trigger and cannot be moved."""

    framing = Terminated(b"\r\n")
    probe = Probe(b"*IDN?\n", lambda reply: reply.startswith(b"Stanford Research Systems,DG645"))
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("rate_Hz", "Hz", float, "read-write", "TRAT?", "TRAT {value:.6f}", 100e-6, 10e6, source="p. 54"),
        Quantity(
            "trigger_source", "", int, "read-write", "TSRC?", "TSRC {value}", 0, 6, source="p. 54", about="0 internal, 5 none"
        ),
    )

    def __init__(self, name: str, link: Link) -> None:
        super().__init__(name, link)

    def identify(self) -> Identity:
        reply = self._ask("*IDN?")
        fields = reply.split(",")
        if len(fields) != 4 or fields[1] != "DG645":
            raise self._wrong("an SRS DG645", reply)
        return Identity("SRS", "DG645", fields[2].removeprefix("s/n"), fields[3].removeprefix("ver"))

    def prepare(self) -> None:
        """Triggers off, since the unit may wake up firing (p. 17), and old errors forgotten."""
        self.stop()
        self.link.send(b"*CLS\n")
        for text in ("BURM 0", "ADVT 0"):
            self._tell(text)

    def program(self, pulses: Mapping[str, Pulse], rate_Hz: float) -> None:
        for output, pulse in pulses.items():
            if output not in OUTPUTS:
                raise self._refused(f"has no output {output!r}; it has {', '.join(OUTPUTS)}")
            self._check_pulse(output, pulse)
        for output, pulse in pulses.items():
            self._tell(f"LAMP {OUTPUTS[output]},{TTL_V:.2f};LOFF {OUTPUTS[output]},0.00;LPOL {OUTPUTS[output]},1")
            if output in CHANNELS:
                leading, trailing = CHANNELS[output]
                self._set_delay(leading, T0, pulse.delay_s)
                self._set_delay(trailing, leading, pulse.width_s)
        self.write("rate_Hz", rate_Hz)
        back = float(self.read("rate_Hz"))
        if abs(back - rate_Hz) > 1e-6:
            raise self._refused(f"the rate reads back {back:g} Hz after {rate_Hz:g} Hz was set")

    def start(self) -> None:
        self._source(INTERNAL)

    def stop(self) -> None:
        self._source(SINGLE_SHOT)

    def status(self) -> Status:
        source = self.read("trigger_source")
        return Status({INTERNAL: "running", SINGLE_SHOT: "stopped"}.get(int(source), f"trigger source {source}"), True)

    def make_safe(self) -> SafeResult:
        self.stop()
        return SafeResult(True, "triggers off")

    def _source(self, source: int) -> None:
        self.write("trigger_source", source)
        back = self.read("trigger_source")
        if back != source:
            raise self._refused(f"trigger source reads back {back} after {source} was set")

    def _check_pulse(self, output: str, pulse: Pulse) -> None:
        if output == "T0":
            if pulse.delay_s:
                raise self._refused(f"T0 cannot be moved by {pulse.delay_s:g} s")
        elif not (pulse.delay_s >= 0 and pulse.width_s >= RESOLUTION_S and pulse.delay_s + pulse.width_s <= LONGEST_S):
            raise self._refused(f"{output} = {pulse.delay_s:g} s + {pulse.width_s:g} s is outside 0 to 2000 s")

    def _set_delay(self, channel: int, reference: int, delay_s: float) -> None:
        self._tell(f"DLAY {channel},{reference},{delay_s:.12f}")
        reply = self._ask(f"DLAY?{channel}")
        found = DELAY.fullmatch(reply)
        if found is None:
            raise self._garbled(f"DLAY?{channel} was answered with {reply!r}")
        if int(found[1]) != reference or abs(float(found[2]) - delay_s) > RESOLUTION_S:
            raise self._refused(f"channel {channel} reads back {reply} after {reference},{delay_s:.12f} was set")

    def _ask(self, text: str) -> str:
        return self.link.query(text.encode("ascii") + b"\n").decode("ascii", "replace")

    def _tell(self, text: str) -> None:
        reply = self._ask(f"{text};LERR?")
        if not (reply.isascii() and reply.isdecimal()):
            raise self._garbled(f"LERR? was answered with {reply!r}")
        if int(reply):
            raise self._refused(f"{text!r}: {ERRORS.get(int(reply), f'error {reply}')}")
