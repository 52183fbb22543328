"""CAEN DT1470ET: the high voltages of the MCP and of the spectrometer's plates.

Sources: manuals of sister models, open drivers and bench notes on real units, as collected in the protocol sheet (sections
in brackets); *assumed* marks what none confirms.  Voltages are magnitudes; the sign is a switch on the unit.  Ramps, trip
and limits are held by the board.  It has no watchdog: when the host goes away its outputs stay as they are (section 8).
"""

import re
import time
from collections.abc import Iterator
from typing import ClassVar

from drivers.coming_down import NO_VOLTAGE_V, come_down
from drivers.driver import Driver, Pause
from drivers.errors import DriverError, LimitError
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

MODELS = ("DT1470", "DT1471", "N1470", "N1471", "R1470", "R1419", "N1419")
ON, UP, DOWN = 0, 1, 2
FAULTS = {
    3: "current at its limit",
    4: "voltage above the set point",
    5: "voltage below the set point",
    6: "held by its voltage ceiling",
    7: "tripped",
    8: "over power",
    9: "over temperature",
    10: "switched off at the panel",
    11: "killed at the panel",
    12: "interlock",
    13: "calibration error",
}
"""Bits of STAT (section 6)."""
DISABLED = 10
WARNINGS_ONLY = (4, 5)
"""Set for a moment on every ramp's end; a faulty output shows in other bits too, or stays."""
ALARMS = {4: "power failure", 5: "over power", 6: "high-voltage clock failure"}
ERRORS = {
    "CMD:ERR": "wrong format or unknown command",
    "CH:ERR": "no such channel",
    "PAR:ERR": "no such parameter",
    "VAL:ERR": "value below the minimum or above the maximum",
    "LOC:ERR": "the unit is under local control; turn its switch to REMOTE",
}
"""Section 5."""
REPLY = re.compile(r"#BD:(\d\d),(?:(CMD:OK)(?:,VAL:([^;]*);?)?|([A-Z]{2,3}:ERR))", re.ASCII)
CHANNELS = range(4)
FALL_V = 3.0
"""A ramp that is seen: the read-back has tenths of a volt, the slowest ramp 1 V/s."""


def _of_channel(channel: int) -> Iterator[Quantity]:
    """A channel's parameters (section 4); the wire text is `PAR` with the channel before it."""

    def number(name: str, unit: str, par: str, low: float, high: float, digits: int, *, polled: bool = False) -> Quantity:
        where = f"CH:{channel},PAR:{par}"
        command = f"{where},VAL:{{value:.{digits}f}}"
        return Quantity(f"ch{channel}_{name}", unit, float, "read-write", where, command, low, high, polled=polled, source="4")

    def reading(name: str, unit: str, par: str, low: float, high: float, *, polled: bool = False) -> Quantity:
        where = f"CH:{channel},PAR:{par}"
        return Quantity(f"ch{channel}_{name}", unit, float, query=where, low=low, high=high, polled=polled, source="4")

    def words(name: str, par: str, *choices: str) -> Quantity:
        where = f"CH:{channel},PAR:{par}"
        return Quantity(
            f"ch{channel}_{name}", "", str, "read-write", where, f"{where},VAL:{{value}}", choices=choices, source="4"
        )

    yield reading("voltage_V", "V", "VMON", 0.0, 9000.0, polled=True)
    yield number("set_voltage_V", "V", "VSET", 0.0, 8000.0, 1, polled=True)
    yield reading("current_uA", "uA", "IMON", 0.0, 3500.0, polled=True)
    yield number("current_limit_uA", "uA", "ISET", 0.0, 3000.0, 2)
    yield number("ceiling_V", "V", "MAXV", 0.0, 8100.0, 0)
    yield number("ramp_up_V_s", "V/s", "RUP", 1.0, 500.0, 0)
    yield number("ramp_down_V_s", "V/s", "RDW", 1.0, 500.0, 0)
    yield number("trip_s", "s", "TRIP", 0.0, 1000.0, 1)
    yield words("off_style", "PDWN", "RAMP", "KILL")
    yield words("current_range", "IMRANGE", "HIGH", "LOW")
    where = f"CH:{channel},PAR:POL"
    yield Quantity(f"ch{channel}_polarity", "", str, query=where, choices=("+", "-"), source="4", about="a switch on the unit")
    where = f"CH:{channel},PAR:STAT"
    yield Quantity(f"ch{channel}_status", "", int, query=where, low=0, high=0x3FFF, source="6", about="status word")
    yield Quantity(f"ch{channel}_on", "", bool, "read-write", where, f"CH:{channel},PAR:{{value}}", source="4, 6")
    for par, name, unit, high in (
        ("VMIN", "lowest_voltage_V", "V", 8000.0),
        ("VMAX", "highest_voltage_V", "V", 10000.0),
        ("IMIN", "lowest_current_limit_uA", "uA", 3000.0),
        ("IMAX", "highest_current_limit_uA", "uA", 10000.0),
        ("MVMIN", "lowest_ceiling_V", "V", 8100.0),
        ("MVMAX", "highest_ceiling_V", "V", 10000.0),
        ("RUPMIN", "lowest_ramp_up_V_s", "V/s", 500.0),
        ("RUPMAX", "highest_ramp_up_V_s", "V/s", 1000.0),
        ("RDWMIN", "lowest_ramp_down_V_s", "V/s", 500.0),
        ("RDWMAX", "highest_ramp_down_V_s", "V/s", 1000.0),
        ("TRIPMIN", "lowest_trip_s", "s", 1000.0),
        ("TRIPMAX", "highest_trip_s", "s", 1000.0),
    ):
        yield reading(name, unit, par, 0.0, high)


class CaenDT1470ET(Driver):
    """Role `high voltage`, four channels.  `board` is its address on the local bus."""

    role = "high voltage"
    framing = Terminated(b"\r\n")
    command_end = b"\r\n"
    timeout_s = 1.5
    declared: ClassVar[tuple[Quantity, ...]] = (
        *(one for channel in CHANNELS for one in _of_channel(channel)),
        Quantity("alarm", "", int, query="PAR:BDALARM", low=0, high=0x7F, polled=True, source="6"),
        Quantity("remote", "", bool, query="PAR:BDCTR", words={"LOCAL": False, "REMOTE": True}, source="4"),
        Quantity("interlock", "", bool, query="PAR:BDILK", words={"NO": False, "YES": True}, polled=True, source="4"),
        Quantity(
            "interlock_mode",
            "",
            str,
            "read-write",
            "PAR:BDILKM",
            "PAR:BDILKM,VAL:{value}",
            choices=("OPEN", "CLOSED"),
            source="4",
        ),
        Quantity("bus_terminated", "", bool, query="PAR:BDTERM", words={"OFF": False, "ON": True}, source="4"),
        Quantity("channels", "", int, query="PAR:BDNCH", low=1, high=4, source="4"),
    )
    actions: ClassVar[tuple[Action, ...]] = (Action("clear_alarm", "PAR:BDCLR", "4", "of all channels at once"),)

    def __init__(self, name: str, link: Link, *, board: int = 0, ramp_s: float = 900.0, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        if not 0 <= board <= 31:
            raise LimitError(name, f"board = {board} is outside 0 to 31")
        self._board = board
        self._ramp_s = ramp_s
        self._believed_on = [False] * len(CHANNELS)
        question = f"$BD:{board:02d},CMD:MON,PAR:BDNAME\r\n".encode("ascii")
        link.use_probe(Probe(question, lambda reply: any(model.encode("ascii") in reply for model in MODELS)))

    def inherit(self, before: object) -> None:
        if isinstance(before, CaenDT1470ET):
            self._believed_on = list(before._believed_on)

    def identify(self) -> Identity:
        name = self._ask("PAR:BDNAME")
        if not name.startswith(MODELS):
            raise self._wrong("a CAEN DT1470ET", name)
        return Identity("CAEN", name, self._ask("PAR:BDSNUM"), self._ask("PAR:BDFREL"))

    def prepare(self) -> None:
        """Remote control, and switching off by a ramp; set points are no higher than what this unit says it can."""
        if not self.read("remote"):
            raise self._refused("is under local control; turn its switch to REMOTE")
        for channel in CHANNELS:
            self._limit(f"ch{channel}_set_voltage_V", 0.0, float(self.read(f"ch{channel}_highest_voltage_V")))
            self._limit(f"ch{channel}_current_limit_uA", 0.0, float(self.read(f"ch{channel}_highest_current_limit_uA")))
            self.write(f"ch{channel}_off_style", "RAMP")

    def status(self) -> Status:
        """Not ok on a fault of a channel, an alarm, an interlock, local control, and when an output collapsed in silence.

        A word with a fault is read twice, since single corrupted ones were seen; a real break-down may set no bit but
        "below the set point" (section 7), so that counts too unless the output is ramping.  Off, also at its switch, is
        fine for a channel without a set point that nobody switched on from here; one that was seen with voltage is remembered.
        """
        warnings: list[str] = []
        states = []
        for channel in CHANNELS:
            with self.link:  # nobody switches or sets it between two looks
                word = self._confirmed_word(channel)
                warnings += [f"channel {channel}: {text}" for text in self._complaints(channel, word)]
            states.append("ramping" if word >> UP & 1 or word >> DOWN & 1 else "on" if word >> ON & 1 else "off")
        alarm = int(self.read("alarm"))
        warnings += [f"alarm: {text}" for bit, text in ALARMS.items() if alarm >> bit & 1]
        if self.read("interlock"):
            warnings.append("interlock")
        if not self.read("remote"):
            warnings.append("under local control; turn its switch to REMOTE")
        state = next((one for one in ("ramping", "on") if one in states), "off")
        return Status("fault" if warnings else state, not warnings, tuple(warnings))

    def ramp_to_zero_and_off(self) -> None:
        """Set points zero, wait until the outputs have come down, outputs off."""
        self._zero()
        self._wait("at zero voltage", lambda: max(self._voltages()) <= NO_VOLTAGE_V, self._ramp_s)
        for channel in CHANNELS:
            self.write(f"ch{channel}_on", False)

    def make_safe(self) -> SafeResult:
        """All set points to zero at once, and look whether the outputs obey; a ramp of many minutes is not waited for."""
        for channel in CHANNELS:
            self.link.send_regardless(b"\r\n" + self._line(self._message("SET", f"CH:{channel},PAR:VSET,VAL:0.0")))
        self._zero()
        return come_down(self._voltages, FALL_V, self._pause)

    def _zero(self) -> None:
        """Every channel is tried before the first failure is raised."""
        failure: DriverError | None = None
        for channel in CHANNELS:
            failure = self._every(lambda channel=channel: self.write(f"ch{channel}_set_voltage_V", 0.0)) or failure  # type: ignore[misc]
        if failure is not None:
            raise failure

    def _voltages(self) -> list[float]:
        return [float(self.read(f"ch{channel}_voltage_V")) for channel in CHANNELS]

    def _confirmed_word(self, channel: int) -> int:
        word = int(self.read(f"ch{channel}_status"))
        if any(word >> bit & 1 for bit in FAULTS):
            word &= int(self.read(f"ch{channel}_status"))
        return word

    def _complaints(self, channel: int, word: int) -> Iterator[str]:
        on, moving = bool(word >> ON & 1), bool(word >> UP & 1 or word >> DOWN & 1)
        set_V = float(self.read(f"ch{channel}_set_voltage_V"))
        self._believed_on[channel] |= on and set_V > 0
        used = self._believed_on[channel] or set_V > 0
        for bit, text in FAULTS.items():
            counts = on and not moving if bit in WARNINGS_ONLY else used or bit != DISABLED
            if word >> bit & 1 and counts:
                yield text
        if self._believed_on[channel] and not on:
            yield "went off by itself, or at the panel"
        elif used and not on:
            yield f"off, with {set_V:g} V set; switch it on, or set it to zero"

    def _read(self, quantity: Quantity) -> Value:
        if quantity.name.endswith("_on"):
            return bool(self._integer(quantity.name, self._ask(quantity.query), high=0x3FFF) >> ON & 1)
        return super()._read(quantity)

    def _write(self, quantity: Quantity, value: Value) -> None:
        """Switching is read back: a channel that is disabled at the panel takes the command and does nothing (section 7)."""
        if quantity.name.endswith("_on"):
            with self.link:
                self._tell(quantity.command.format(value="ON" if value else "OFF"))
                if value and not self._read(quantity):
                    raise self._refused(f"{quantity.name} stays off; look at the channel's switch and at the interlock")
                self._believed_on[int(quantity.name[2])] = bool(value)
        elif quantity.name.endswith("_off_style") or quantity.kind is str:
            self._write_and_compare(quantity, value)
        else:
            # The wire has one decimal at most for volts, two for microamperes.
            self._write_and_compare(quantity, value, within=0.51 if quantity.command.endswith(".0f}") else 0.051)
            if quantity.name.endswith("_set_voltage_V") and not value:
                self._believed_on[int(quantity.name[2])] = False

    def _message(self, kind: str, text: str) -> str:
        return f"$BD:{self._board:02d},CMD:{kind},{text}"

    def _ask(self, text: str) -> str:
        value = self._exchange("MON", text)
        if value is None:
            raise self._garbled(f"{text} was answered without a value")
        return value

    def _tell(self, text: str) -> None:
        value = self._exchange("SET", text)
        if value is not None:
            raise self._garbled(f"{text} was answered with the value {value!r}")

    def _exchange(self, kind: str, text: str) -> str | None:
        reply = self.link.query(self._line(self._message(kind, text))).decode("ascii", "replace")
        found = REPLY.fullmatch(reply)
        if found is None or int(found[1]) != self._board:
            raise self._garbled(f"{text} was answered with {reply!r}")
        if found[4] is not None:
            raise self._refused(f"{text}: {ERRORS.get(found[4], found[4])}")
        return found[3]
