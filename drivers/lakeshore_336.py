"""Lake Shore Model 336: cold head temperature (input A) and its heater (output 1).

Sources: vendor client, QCoDeS driver and manual pages as collected in the protocol sheet; *assumed* marks what none confirms.
Every exchange ends with `*ESR?`, because the instrument never says what it refused.
"""

import time
from collections.abc import Iterator
from typing import ClassVar

from drivers.driver import Driver, Pause
from drivers.errors import LimitError
from drivers.links import Link, Probe, SerialSettings, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

REFUSALS = {4: "query error", 16: "execution error", 32: "command error"}
"""Bits of *ESR? that mean a message was refused."""
SENSOR_FAULTS = {1: "invalid reading", 16: "under-range", 32: "over-range", 64: "sensor units zero", 128: "sensor over-range"}
HEATER_FAULTS = {1: "open load", 2: "short circuit"}
CLOSED_LOOP, NO_RAMP = "OUTMODE 1,1,1,0", "RAMP 1,0,0"
KELVIN = "1"
"""Output 1 regulates on input A and is off after a power cycle; set points act at once."""
HEATER_OFF, HIGH_RANGE = 0, 3


INPUTS = {letter: number for number, letter in enumerate("ABCD", 1)}
OUTPUTS, HEATERS = (1, 2, 3, 4), (1, 2)
RANGES = {1: "heater_range", **{number: f"output{number}_range" for number in OUTPUTS[1:]}}


def _field(
    name: str,
    unit: str,
    word: str,
    of: str,
    place: int,
    fields: int,
    form: str,
    low: float,
    high: float,
    *,
    whole: bool = False,
) -> Quantity:
    """One of several values that one command sets; the others are sent again as they are."""
    values = ",".join(form if at == place else f"{{others[{at}]}}" for at in range(fields))
    kind = int if whole else float
    return Quantity(
        name,
        unit,
        kind,
        "read-write",
        f"{word}? {of}",
        f"{word} {of},{values}",
        low,
        high,
        field=place,
        fields=fields,
        source=word,
    )


def _of_input(letter: str) -> Iterator[Quantity]:
    """Readings and settings of one input; temperatures of input A are those of the role, without a letter."""
    low = letter.lower()
    if letter != "A":
        yield Quantity(f"{low}_temperature_K", "K", query=f"KRDG? {letter}", low=0.0, high=1500.0, source="KRDG?")
    yield Quantity(f"{low}_sensor", "", query=f"SRDG? {letter}", low=0.0, high=1e6, source="SRDG?", about="volt or ohm")
    yield Quantity(f"{low}_reading_status", "", int, query=f"RDGST? {letter}", low=0, high=255, source="RDGST?")
    yield Quantity(
        f"{low}_limit_K",
        "K",
        float,
        "read-write",
        f"TLIMIT? {letter}",
        f"TLIMIT {letter},{{value:.3f}}",
        0.0,
        1500.0,
        source="TLIMIT",
        about="above it all outputs go off; 0 is none",
    )
    yield Quantity(
        f"{low}_curve", "", int, "read-write", f"INCRV? {letter}", f"INCRV {letter},{{value}}", 0, 59, source="INCRV"
    )
    yield Quantity(f"{low}_name", "", str, "read-write", f"INNAME? {letter}", f'INNAME {letter},"{{value}}"', source="INNAME")
    for place, (name, high) in enumerate((("type", 5), ("auto_range", 1), ("range", 8), ("compensated", 1), ("unit", 3))):
        least = int(name == "unit")
        yield _field(f"{low}_{name}", "", "INTYPE", letter, place, 5, "{value}", least, high, whole=True)
    for place, (name, least, high) in enumerate((("filter_on", 0, 1), ("filter_points", 2, 64), ("filter_percent", 1, 10))):
        yield _field(f"{low}_{name}", "", "FILTER", letter, place, 3, "{value}", least, high, whole=True)
    alarm = (("alarm_on", True), ("alarm_high_K", False), ("alarm_low_K", False), ("alarm_deadband_K", False))
    for place, (name, whole) in enumerate((*alarm, ("alarm_latches", True), ("alarm_beeps", True), ("alarm_lights", True))):
        form, top = ("{value}", 1.0) if whole else ("{value:.3f}", 1500.0)
        yield _field(f"{low}_{name}", "" if whole else "K", "ALARM", letter, place, 7, form, 0.0, top, whole=whole)
    for place, name in enumerate(("high", "low")):
        yield Quantity(f"{low}_alarm_{name}", "", bool, query=f"ALARMST? {letter}", field=place, fields=2, source="ALARMST?")


def _of_output(number: int) -> Iterator[Quantity]:
    """Control loop of one output; set point, power and range of output 1 are those of the role, without a number."""
    name = f"output{number}"
    if number != 1:
        yield Quantity(
            f"{name}_set_point",
            "",
            float,
            "read-write",
            f"SETP? {number}",
            f"SETP {number},{{value:.4f}}",
            0.0,
            1500.0,
            source="SETP",
        )
        high = 3 if number in HEATERS else 1
        yield Quantity(
            f"{name}_range", "", int, "read-write", f"RANGE? {number}", f"RANGE {number},{{value}}", 0, high, source="RANGE"
        )
    if number in HEATERS:
        if number != 1:
            yield Quantity(f"{name}_percent", "%", query=f"HTR? {number}", low=0.0, high=100.0, source="HTR?")
        yield _field(f"{name}_resistance", "", "HTRSET", str(number), 0, 4, "{value}", 1, 2, whole=True)
        yield _field(f"{name}_highest_current", "", "HTRSET", str(number), 1, 4, "{value}", 0, 4, whole=True)
        yield _field(f"{name}_user_current_A", "A", "HTRSET", str(number), 2, 4, "{value:.3f}", 0.0, 2.0)
        yield _field(f"{name}_shows_power", "", "HTRSET", str(number), 3, 4, "{value}", 1, 2, whole=True)
    else:
        yield Quantity(f"{name}_percent", "%", query=f"AOUT? {number}", low=-100.0, high=100.0, source="AOUT?")
    for place, (letter, low, top) in enumerate((("p", 0.1, 1000.0), ("i", 0.1, 1000.0), ("d", 0.0, 200.0))):
        yield _field(f"{name}_{letter}", "", "PID", str(number), place, 3, "{value:.1f}", low, top)
    yield _field(f"{name}_ramp_on", "", "RAMP", str(number), 0, 2, "{value}", 0, 1, whole=True)
    yield _field(f"{name}_ramp_K_min", "K/min", "RAMP", str(number), 1, 2, "{value:.1f}", 0.0, 100.0)
    yield Quantity(f"{name}_ramping", "", bool, query=f"RAMPST? {number}", source="RAMPST?")
    yield Quantity(
        f"{name}_manual_percent",
        "%",
        float,
        "read-write",
        f"MOUT? {number}",
        f"MOUT {number},{{value:.2f}}",
        -100.0,
        100.0,
        source="MOUT",
    )
    for place, (what, high) in enumerate((("mode", 5), ("input", 8), ("stays_on", 1))):
        yield _field(f"{name}_{what}", "", "OUTMODE", str(number), place, 3, "{value}", 0, high, whole=True)


def _of_relay(number: int) -> Iterator[Quantity]:
    for place, name in ((0, "mode"), (2, "type")):
        yield _field(f"relay{number}_{name}", "", "RELAY", str(number), place, 3, "{value}", 0, 2, whole=True)
    yield Quantity(
        f"relay{number}_input",
        "",
        str,
        "read-write",
        f"RELAY? {number}",
        f"RELAY {number},{{others[0]}},{{value}},{{others[2]}}",
        choices=tuple(INPUTS),
        field=1,
        fields=3,
        source="RELAY; the letter as in the maker's client",
    )
    yield Quantity(f"relay{number}_closed", "", bool, query=f"RELAYST? {number}", source="RELAYST?")


class LakeShore336(Driver):
    """Role `cold head`.

    `heater_range` (1 low, 2 medium, 3 high) is what the heater is switched to when a set point is given.  Set points are
    taken in the preferred unit of input A, which must be kelvin (sheet, `SETP` and `INTYPE`).
    """

    role = "cold head"
    framing = Terminated(b"\r\n")
    command_end = b"\n"
    probe = Probe(b"*IDN?\n", lambda reply: reply.startswith(b"LSCI,"))
    serial = SerialSettings(baud=57600, data_bits=7, parity="odd")
    pace_s = 0.05
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("temperature_K", "K", query="KRDG? A", low=0.0, high=1500.0, polled=True, source="KRDG?", about="input A"),
        Quantity(
            "set_temperature_K",
            "K",
            float,
            "read-write",
            "SETP? 1",
            "SETP 1,{value:.4f}",
            0.0,
            1500.0,
            polled=True,
            source="SETP",
        ),
        Quantity(
            "heater_percent", "%", query="HTR? 1", low=0.0, high=100.0, polled=True, source="HTR?", about="of the range's power"
        ),
        Quantity(
            "heater_range", "", int, query="RANGE? 1", low=0, high=3, polled=True, source="RANGE", about="0 off to 3 high"
        ),
        *(one for letter in INPUTS for one in _of_input(letter)),
        *(one for number in OUTPUTS for one in _of_output(number)),
        *(one for number in HEATERS for one in _of_relay(number)),
        Quantity("operation", "", int, query="OPST?", low=0, high=255, source="OPST?", about="status bits"),
        Quantity("operation_latched", "", int, query="OPSTR?", low=0, high=255, source="OPST?"),
        Quantity("tuning", "", bool, query="TUNEST?", field=0, fields=4, source="ATUNE"),
        Quantity(
            "mode", "", int, "read-write", "MODE?", "MODE {value}", 0, 2, source="MODE", about="0 local, 1 remote, 2 locked"
        ),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("reset_alarms", "ALMRST", "ALMRST"),
        Action("reset", "*RST", "*RST", "power-up settings; prepare again"),
        *(
            Action(f"tune_output{number}_{name}", f"ATUNE {number},{code}", "ATUNE")
            for number in HEATERS
            for code, name in enumerate(("p", "pi", "pid"))
        ),
    )

    def __init__(self, name: str, link: Link, *, heater_range: int = HIGH_RANGE, pause: Pause = time.sleep) -> None:
        super().__init__(name, link, pause=pause)
        if heater_range not in (1, 2, 3):
            raise LimitError(name, f"heater_range = {heater_range} is not 1 (low), 2 (medium) or 3 (high)")
        self._heater_range = heater_range
        self._heating = False
        self._limit("set_temperature_K", 4.0, 325.0)

    def identify(self) -> Identity:
        """Also forgets the refusals of whoever spoke to the instrument before."""
        reply = self.link.query(b"*IDN?\n").decode("ascii", "replace")
        fields = reply.split(",")
        if len(fields) != 4 or fields[:2] != ["LSCI", "MODEL336"]:
            raise self._wrong("a Lake Shore 336", reply)
        self._integer("*ESR?", self.link.query(b"*ESR?\n").decode("ascii", "replace"), high=255)
        return Identity("Lake Shore", "336", fields[2], fields[3])

    def prepare(self) -> None:
        """Closed loop on input A without ramps.  The heater is left as it is: it is switched on by the first set point."""
        for text in (CLOSED_LOOP, NO_RAMP):
            self._tell(text)
        unit = self._ask("INTYPE? A").rpartition(",")[2].strip(" ")
        if unit != KELVIN:
            raise self._refused(f"takes set points of input A in unit {unit!r}; set its preferred unit to kelvin (1)")

    def status(self) -> Status:
        """Not ok on a fault of sensor or heater, and when the heater went off though a set point was given.

        Reading the heater's fault clears it (sheet, `HTRST?`): the fault shows once, the heater that stays off afterwards.
        """
        bits = self._integer("RDGST? A", self._ask("RDGST? A"), high=255)
        warnings = [f"sensor A: {text}" for bit, text in SENSOR_FAULTS.items() if bits & bit]
        heater = self._integer("HTRST? 1", self._ask("HTRST? 1"), high=9)
        if heater:
            warnings.append(f"heater 1: {HEATER_FAULTS.get(heater, f'fault {heater}')}")
        on = self.read("heater_range") != HEATER_OFF
        if self._heating and not on:
            warnings.append("heater 1 went off: a fault, the temperature limit, or its panel")
        state = "regulating" if on else "heater off"
        return Status("fault" if warnings else state, not warnings, tuple(warnings))

    def heater_off(self) -> None:
        self._heating = False
        self._set_range(HEATER_OFF)

    def make_safe(self) -> SafeResult:
        """Every output off, also those that the role does not use."""
        self._heating = False
        self.link.send_regardless(b"\n" + self._line(";".join(f"RANGE {number},{HEATER_OFF}" for number in OUTPUTS)))
        on = [number for number in OUTPUTS if self.read(RANGES[number]) != HEATER_OFF]
        return SafeResult(not on, f"still on: output {', '.join(map(str, on))}" if on else "heater off")

    def _write(self, quantity: Quantity, value: Value) -> None:
        """A set point of the role is followed by its heater; everything is read back."""
        # Half of the last digit that the commands carry.
        self._write_and_compare(quantity, value, within=0.051 if quantity.command.endswith("1f}") else 0.0051)
        if quantity.name == "set_temperature_K":
            self._set_range(self._heater_range)
            self._heating = True

    def _set_range(self, heater_range: int) -> None:
        self._tell(f"RANGE 1,{heater_range}")
        back = self.read("heater_range")
        if back != heater_range:
            raise self._refused(f"heater range reads back {back} after {heater_range} was set")

    def _ask(self, text: str) -> str:
        reply = self.link.query(self._line(f"{text};*ESR?")).decode("ascii", "replace")
        answer, separator, events = reply.rpartition(";")
        # A query that was not understood leaves only the events.
        self._check(text, events)
        if not separator:
            raise self._garbled(f"{text} was answered with {reply!r}")
        return answer

    def _tell(self, text: str) -> None:
        self._check(text, self.link.query(self._line(f"{text};*ESR?")).decode("ascii", "replace"))

    def _check(self, text: str, events: str) -> None:
        bits = self._integer("*ESR?", events, high=255)
        refused = [said for bit, said in REFUSALS.items() if bits & bit]
        if refused:
            raise self._refused(f"{text!r}: {', '.join(refused)}")
