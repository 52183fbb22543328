"""iseg NHQ (standard series, two channels): high voltage with an echo for every character.

Sources: iseg manuals of sister models and bench notes on an NHQ 208L, as collected in the protocol sheet (sections in
brackets); *assumed* marks what none confirms.  A set voltage acts only after `G` starts the ramp.  Reading the status word
`S` can release a latched shut-off, and with autostart the voltage would come back by itself: so autostart is put to 0 first,
and kept there (section 8).  There is no remote switch: off is a ramp to zero.  What the unit forgets the driver remembers: a
shut-off that was seen counts until the channel is set again, and so does a set point that is no longer there.
"""

import re
import time
from collections.abc import Iterator
from typing import ClassVar

from drivers.coming_down import NO_VOLTAGE_V, come_down
from drivers.driver import Driver, Pause
from drivers.errors import DriverError, LimitError
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
SHUT_OFF = ("ERR", "INH", "TRP")
"""Reading these may release them (section 8)."""
REACHED = 0.9
"""An output that says `on` has this part of its set voltage, but for `NO_VOLTAGE_V`; it lags by some volts (section 7)."""
ERRORS = {"????": "syntax error", "?WCN": "wrong channel number", "?TOT": "time-out, the unit starts again"}
CHANNELS = (1, 2)
LONGEST_BREAK_MS = 20
"""With longer pauses between its characters replies outlast the deadline, and the line is never seen quiet (section 2)."""
FALL_V = 5.0
"""A ramp that is seen: the read-back has whole volts, the slowest ramp 2 V/s."""


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
    quiet_s = 4e-3 * LONGEST_BREAK_MS + 0.05
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
        self._limit("break_time_ms", 2, LONGEST_BREAK_MS)
        self._asked_V: dict[int, int] = {}
        self._shut_off: dict[int, str] = {}

    def inherit(self, before: object) -> None:
        if isinstance(before, IsegNHQ):
            self._asked_V, self._shut_off = dict(before._asked_V), dict(before._shut_off)

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
        """Not ok unless the channels are on or ramping, or off at their front with nothing set; after a shut-off, and when a
        set point is no longer what it was, not until it is set again.  Only after `prepare` is it safe to ask (section 8)."""
        warnings, words = [], []
        for channel in CHANNELS:
            if self.read(f"ch{channel}_autostart"):
                warnings.append(f"channel {channel}: autostart is on; its state is not asked, since that could start a ramp")
                continue
            with self.link:  # nobody sets it between what was asked for and what is read
                set_V = int(self.read(f"ch{channel}_set_voltage_V"))
                word = str(self.read(f"ch{channel}_state"))
                words.append(word)
                warnings += [f"channel {channel}: {text}" for text in self._complaints(channel, word, set_V)]
        state = "ramping" if {"L2H", "H2L"} & {*words} else "on" if "ON" in words else "off"
        return Status("fault" if warnings else state, not warnings, tuple(warnings))

    def _complaints(self, channel: int, word: str, set_V: int) -> Iterator[str]:
        """The set point that is found first is the one that is kept to, as nobody else sets it."""
        asked_V = self._asked_V.setdefault(channel, set_V)
        used = set_V > 0 or asked_V > 0
        if word not in FINE and (used or word != "OFF"):
            yield STATES[word]
        elif used and channel in self._shut_off:
            yield f"{STATES[self._shut_off[channel]]}; set its voltage again"
        if set_V != asked_V:
            yield f"its set point is {set_V} V, not the {asked_V} V that were set; set it again"
        elif word == "ON":
            there_V = abs(float(self.read(f"ch{channel}_voltage_V")))
            if there_V < REACHED * set_V - NO_VOLTAGE_V:
                yield f"only {there_V:.0f} V where {set_V} V are set; set it again"

    def ramp_to_zero_and_off(self) -> None:
        """Ramp both channels to zero and wait; there is no remote switch, so zero volts is as off as it gets."""
        if (failure := self._zero()) is not None:
            raise failure
        self._wait("at zero voltage", lambda: max(self._magnitudes()) <= NO_VOLTAGE_V, self._ramp_s)

    def make_safe(self) -> SafeResult:
        """Both set points to zero, ramps started, and a look whether the outputs obey.

        A channel that starts no ramp (at its front, after a trip) is safe all the same with no voltage and nothing set.
        """
        self.link.send_regardless(b"\r\nD1=0000\r\nG1\r\nD2=0000\r\nG2\r\n")
        failure = self._zero()
        result = come_down(self._magnitudes, FALL_V, self._pause)
        if failure is not None and not (result.confirmed and self._nothing_set()):
            raise failure
        return result

    def _zero(self) -> DriverError | None:
        return self._every(*(lambda one=channel: self._ramp_to(one, 0) for channel in CHANNELS))

    def _nothing_set(self) -> bool:
        return not any(self.read(f"ch{channel}_set_voltage_V") for channel in CHANNELS)

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
        self._asked_V[channel] = voltage_V
        word = self._word(self._ask(f"G{channel}"))
        if word not in FINE:
            raise self._refused(f"channel {channel} does not ramp: {STATES[word]}")
        self._shut_off.pop(channel, None)

    def _read(self, quantity: Quantity) -> Value:
        reply = self._ask(quantity.query)
        if quantity.name.endswith("_state"):
            word = self._word(reply)
            if word in SHUT_OFF:
                self._shut_off[int(quantity.name[2])] = word
            return word
        if quantity.kind is float:
            return self._believed(quantity, self._mantissa(quantity.name, reply))
        if quantity.name.endswith("_set_voltage_V"):
            return int(self._believed(quantity, self._mantissa(quantity.name, reply)))
        return self._parse(quantity, reply)

    def _write(self, quantity: Quantity, value: Value) -> None:
        if quantity.name.endswith("_set_voltage_V"):
            with self.link:
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
