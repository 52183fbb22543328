"""iseg NHQ (standard series, two channels): high voltage with an echo for every character.

Sources: iseg manuals of sister models and bench notes on an NHQ 208L, as collected in the protocol sheet (sections in
brackets); *assumed* marks what none confirms.  A set voltage acts only after `G` starts the ramp.  Reading the status word
`S` can release a latched shut-off, and with autostart the voltage would come back by itself: so autostart is put to 0 first,
and kept there (section 8).  There is no remote switch: off is a ramp to zero.
"""

import re
import time
from collections.abc import Iterator
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

IDENTITY = re.compile(r"(\d{4,8});(\d+\.\d+);(\d+)V;(\d+)[um]A", re.ASCII)
MANTISSA = re.compile(r"([+-]?\d{4,5})(?:([+-]\d{1,2}))?", re.ASCII)
"""`-0049`, `+12345-01`, `0000-6` (section 3)."""
STATUS = re.compile(r"(?:S[12]=)?(ON|OFF|MAN|ERR|INH|QUA|L2H|H2L|LAS|TRP) ?")
STATES = {
    "ON": "on",
    "L2H": "ramping",
    "H2L": "ramping",
    "OFF": "off at its front switch",
    "MAN": "under manual control",
    "ERR": "voltage or current limit exceeded",
    "INH": "inhibit was or is active",
    "QUA": "output quality not given",
    "LAS": "look at status",
    "TRP": "trip was active",
}
"""Section 6; a ramp and `on` are as they should be."""
FINE = ("ON", "L2H", "H2L")
ERRORS = {"????": "syntax error", "?WCN": "wrong channel number", "?TOT": "time-out, the unit starts again"}
CHANNELS = (1, 2)
NO_VOLTAGE_V = 20.0
FALL_S = 5.0
"""Within this (wall time) an output on its way to zero has visibly fallen."""


def _of_channel(channel: int) -> Iterator[Quantity]:
    name = f"ch{channel}"
    yield Quantity(
        f"{name}_voltage_V", "V", query=f"U{channel}", low=-9000.0, high=9000.0, polled=True, source="3", about="signed"
    )
    yield Quantity(f"{name}_current_A", "A", query=f"I{channel}", low=-2e-3, high=2e-3, polled=True, source="3")
    yield Quantity(
        f"{name}_set_voltage_V",
        "V",
        int,
        "read-write",
        f"D{channel}",
        f"D{channel}={{value:04d}}",
        0,
        8000,
        polled=True,
        source="4",
        about="magnitude",
    )
    yield Quantity(
        f"{name}_ramp_V_s",
        "V/s",
        int,
        "read-write",
        f"V{channel}",
        f"V{channel}={{value:03d}}",
        2,
        255,
        source="4",
        about="both ways",
    )
    yield Quantity(
        f"{name}_trip_counts",
        "",
        int,
        "read-write",
        f"L{channel}",
        f"L{channel}={{value:04d}}",
        0,
        9999,
        source="4",
        about="0 none",
    )
    yield Quantity(
        f"{name}_highest_percent", "%", int, query=f"M{channel}", low=0, high=100, source="4", about="voltage switch"
    )
    yield Quantity(
        f"{name}_highest_current_percent", "%", int, query=f"N{channel}", low=0, high=100, source="4", about="its switch"
    )
    yield Quantity(
        f"{name}_autostart", "", int, "read-write", f"A{channel}", f"A{channel}={{value}}", 0, 15, source="4", about="kept at 0"
    )
    yield Quantity(f"{name}_module", "", int, query=f"T{channel}", low=0, high=255, source="6", about="module status byte")
    yield Quantity(
        f"{name}_state", "", str, query=f"S{channel}", choices=tuple(STATES), source="6", about="reading may release"
    )


class IsegNHQ(Driver):
    """Role `high voltage`, two channels in whole volts.  `ramp_s` is the longest wait for the ramp to zero, in wall time."""

    role = "high voltage"
    framing = Terminated(b"\r\n")
    command_end = b"\r\n"
    probe = Probe(b"\r\n#\r\n", lambda reply: IDENTITY.fullmatch(reply.decode("ascii", "replace")) is not None)
    timeout_s = 2.0
    declared: ClassVar[tuple[Quantity, ...]] = (
        *(one for channel in CHANNELS for one in _of_channel(channel)),
        Quantity(
            "break_time_ms", "ms", int, "read-write", "W", "W={value:03d}", 2, 255, source="1", about="between characters"
        ),
    )

    def __init__(self, name: str, link: Link, *, ramp_s: float = 900.0, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        if not ramp_s > 0:
            raise LimitError(name, f"ramp_s = {ramp_s:g} must be greater than 0")
        self._ramp_s = ramp_s

    def identify(self) -> Identity:
        """Also lines the echoes up: after opening, the unit may still answer somebody else's half command."""
        self.link.distrust()
        reply = self._ask("#")
        found = IDENTITY.fullmatch(reply)
        if found is None:
            raise self._wrong("an iseg NHQ", reply)
        return Identity("iseg", f"NHQ {found[3]} V", found[1], found[2])

    def prepare(self) -> None:
        """No autostart, and set points no higher than the rotary switches allow."""
        highest_V = self._nominal_V()
        for channel in CHANNELS:
            self.write(f"ch{channel}_autostart", 0)
            allowed = int(self.read(f"ch{channel}_highest_percent")) * highest_V // 100
            self._limit(f"ch{channel}_set_voltage_V", 0, allowed)

    def status(self) -> Status:
        """Not ok unless both channels are on or ramping; only after `prepare` is it safe to ask (section 8)."""
        warnings = []
        states = []
        for channel in CHANNELS:
            if self.read(f"ch{channel}_autostart"):
                warnings.append(f"channel {channel}: autostart is on; its state is not asked, since that could start a ramp")
                continue
            word = str(self.read(f"ch{channel}_state"))
            states.append(STATES[word])
            if word not in FINE:
                warnings.append(f"channel {channel}: {STATES[word]}")
        state = "ramping" if "ramping" in states else "on"
        return Status("fault" if warnings else state, not warnings, tuple(warnings))

    def ramp_to_zero_and_off(self) -> None:
        """Ramp both channels to zero and wait; there is no remote switch, so zero volts is as off as it gets."""
        self._zero()
        self._wait("at zero voltage", lambda: max(self._magnitudes()) <= NO_VOLTAGE_V, self._ramp_s)

    def make_safe(self) -> SafeResult:
        """Both set points to zero, ramps started, and a look whether the outputs obey."""
        self.link.send_regardless(b"\r\nD1=0000\r\nG1\r\nD2=0000\r\nG2\r\n")
        self._zero()
        first = self._magnitudes()
        deadline = time.monotonic() + FALL_S
        left = first
        while max(left) > NO_VOLTAGE_V:
            if all(now < before for now, before in zip(left, first, strict=True) if before > NO_VOLTAGE_V):
                return SafeResult(True, f"ramping to zero, {max(left):.0f} V left")
            if time.monotonic() > deadline:
                return SafeResult(False, f"set points zero, but {max(left):.0f} V stay")
            self._pause(0.2)
            left = self._magnitudes()
        return SafeResult(True, "no voltage")

    def _zero(self) -> None:
        failure = self._every(*(lambda one=channel: self._ramp_to(one, 0) for channel in CHANNELS))
        if failure is not None:
            raise failure

    def _magnitudes(self) -> list[float]:
        return [abs(float(self.read(f"ch{channel}_voltage_V"))) for channel in CHANNELS]

    def _nominal_V(self) -> int:
        reply = self._ask("#")
        found = IDENTITY.fullmatch(reply)
        if found is None:
            raise self._garbled(f"# was answered with {reply!r}")
        return int(found[3])

    def _ramp_to(self, channel: int, voltage_V: int) -> None:
        """The set voltage is read back before it acts: the unit stores a clamped one when it is too high (section 5)."""
        set_point = self.quantities[f"ch{channel}_set_voltage_V"]
        self._write_and_compare(set_point, voltage_V)
        word = self._word(self._ask(f"G{channel}"))
        if word not in FINE:
            raise self._refused(f"channel {channel} does not ramp: {STATES[word]}")

    def _read(self, quantity: Quantity) -> Value:
        reply = self._ask(quantity.query)
        if quantity.name.endswith("_state"):
            return self._word(reply)
        if quantity.kind is float:
            return self._believed(quantity, self._mantissa(quantity.name, reply))
        if quantity.name.endswith("_set_voltage_V"):
            return int(self._believed(quantity, self._mantissa(quantity.name, reply)))
        return self._parse(quantity, reply)

    def _write(self, quantity: Quantity, value: Value) -> None:
        if quantity.name.endswith("_set_voltage_V"):
            self._ramp_to(int(quantity.name[2]), int(value))
        else:
            self._write_and_compare(quantity, value)

    def _word(self, reply: str) -> str:
        found = STATUS.fullmatch(reply)
        if found is None:
            raise self._garbled(f"a status word came as {reply!r}")
        return found[1]

    def _mantissa(self, what: str, reply: str) -> float:
        found = MANTISSA.fullmatch(reply)
        if found is None:
            raise self._garbled(f"{what} came as {reply!r}")
        return float(int(found[1]) * 10.0 ** int(found[2] or 0))

    def _ask(self, text: str) -> str:
        reply = self.link.query_echoed(self._line(text)).decode("ascii", "replace")
        if reply.startswith("?"):
            raise self._refused(f"{text!r}: {ERRORS.get(reply, reply.removeprefix('? '))}")
        return reply

    def _tell(self, text: str) -> None:
        reply = self._ask(text)
        if reply:
            raise self._garbled(f"{text!r} was answered with {reply!r}")
