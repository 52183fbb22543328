"""Pfeiffer TPG 362: pressures of the vacuum chambers.

Sources: manuals of the family and open clients, as collected in the protocol sheet (sections in brackets); *assumed* marks
what none confirms.  A mnemonic is acknowledged first; a lone ENQ then fetches the data, or the error after a refusal.  A
TPG 361 has one gauge and answers with one value where this driver expects two: it is not accepted.
"""

from collections.abc import Iterator
from typing import ClassVar

from drivers.driver import Driver
from drivers.links import Probe, SerialSettings, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import Identity, SafeResult, Status

ACK, NAK, ENQ, ETX = b"\x06", b"\x15", b"\x05", b"\x03"
MODEL = "TPG 362"
GAUGE_STATES = {
    1: "underrange",
    2: "overrange",
    3: "sensor error",
    4: "sensor off",
    5: "no sensor",
    6: "sensor not identified",
}
"""Status digits (section 3); a value with one of them is no measurement."""
ERRORS = {1000: "controller error", 100: "hardware not fitted", 10: "inadmissible parameter", 1: "syntax error"}
MILLIBAR = {"0": 1.0, "1": 1.33322368, "2": 0.01, "3": 1.33322368e-3, "4": 1.0}
"""Millibar in a unit of UNI: mbar, Torr, Pa, micron, hPa (section 4)."""
UNITS = {"0": "mbar", "1": "Torr", "2": "Pa", "3": "micron", "4": "hPa", "5": "V"}
GAUGES = (1, 2)
FILTERS = {"0": "fast", "1": "medium", "2": "slow"}


def _of_gauge(gauge: int) -> Iterator[Quantity]:
    place = gauge - 1
    both = "{value},{others[1]}" if place == 0 else "{others[0]},{value}"
    yield Quantity(f"gauge{gauge}_pressure_mbar", "mbar", query=f"PR{gauge}", low=0.0, high=2000.0, polled=True, source="4, 3")
    yield Quantity(
        f"gauge{gauge}_status", "", int, query=f"PR{gauge}", low=0, high=6, field=0, fields=2, polled=True, source="3"
    )
    yield Quantity(f"gauge{gauge}_sensor", "", str, query="TID", field=place, fields=2, source="4", about="type of gauge head")
    switch = "{value},0" if place == 0 else "0,{value}"
    yield Quantity(
        f"gauge{gauge}_switch",
        "",
        int,
        "read-write",
        "SEN",
        f"SEN,{switch}",
        0,
        2,
        field=place,
        fields=2,
        source="4",
        about="1 off, 2 on",
    )
    yield Quantity(
        f"gauge{gauge}_filter", "", str, "read-write", "FIL", f"FIL,{both}", words=FILTERS, field=place, fields=2, source="4"
    )
    factor = both.replace("{value}", "{value:.3f}")
    yield Quantity(
        f"gauge{gauge}_factor", "", float, "read-write", "CAL", f"CAL,{factor}", 0.1, 10.0, field=place, fields=2, source="4"
    )
    yield Quantity(
        f"gauge{gauge}_degas",
        "",
        bool,
        "read-write",
        "DGS",
        f"DGS,{both}",
        field=place,
        fields=2,
        source="4",
        about="hot cathodes",
    )


def _of_switch(number: int) -> Iterator[Quantity]:
    """A switching function: `SP` has channel, lower and upper threshold."""
    word, name = f"SP{number}", f"relay{number}"
    yield Quantity(
        f"{name}_gauge",
        "",
        int,
        "read-write",
        word,
        f"{word},{{value}},{{others[1]}},{{others[2]}}",
        0,
        1,
        field=0,
        fields=3,
        source="4",
    )
    for place, threshold in ((1, "lower"), (2, "upper")):
        kept = "{others[0]},{value:.4E},{others[2]}" if place == 1 else "{others[0]},{others[1]},{value:.4E}"
        yield Quantity(
            f"{name}_{threshold}",
            "",
            float,
            "read-write",
            word,
            f"{word},{kept}",
            0.0,
            2000.0,
            field=place,
            fields=3,
            source="4",
            about="threshold, in the unit of the panel",
        )
    yield Quantity(f"{name}_closed", "", bool, query="SPS", field=number - 1, fields=4, source="4")


class TPG362(Driver):
    """Role `vacuum gauge`, two gauges.  Pressures are converted from the panel's unit, which is read each time."""

    role = "vacuum gauge"
    framing = Terminated(b"\r\n")
    command_end = b"\r\n"
    probe = Probe(ETX + b"AYT\r\n" + ENQ, lambda reply: reply.startswith(b"TPG"))
    serial = SerialSettings(baud=9600)
    declared: ClassVar[tuple[Quantity, ...]] = (
        *(one for gauge in GAUGES for one in _of_gauge(gauge)),
        *(one for number in (1, 2, 3, 4) for one in _of_switch(number)),
        Quantity("unit", "", str, "read-write", "UNI", "UNI,{value}", words=UNITS, source="4", about="of the panel"),
        Quantity("digits", "", int, "read-write", "DCD", "DCD,{value}", 2, 3, source="4"),
        Quantity("displayed_gauge", "", int, "read-write", "SCT", "SCT,{value}", 0, 1, source="4"),
        Quantity("language", "", str, "read-write", "LNG", "LNG,{value}", words={"0": "EN", "1": "DE", "2": "FR"}, source="4"),
        Quantity("watchdog", "", int, "read-write", "WDT", "WDT,{value}", 0, 1, source="4", about="meaning assumed"),
        Quantity("mac_address", "", str, query="MAC", source="4"),
        Quantity("network", "", str, query="ETH", source="4", about="DHCP, address, mask, gateway"),
        Quantity("errors", "", str, query="RES", source="4, 5", about="numbers of past errors"),
    )
    actions: ClassVar[tuple[Action, ...]] = (Action("reset", "RES,1", "4", "forget past errors"),)

    def identify(self) -> Identity:
        """Also ends the continuous output that a unit starts by itself after power-up (section 1)."""
        self.link.distrust()
        reply = self._ask("AYT")
        fields = reply.split(",")
        if len(fields) != 5 or fields[0] != MODEL:
            raise self._wrong("a Pfeiffer TPG 362", reply)
        return Identity("Pfeiffer", fields[0], fields[2], fields[3])

    def prepare(self) -> None:
        """Forget old errors; gauges are left as they are."""
        self._ask("ERR")

    def status(self) -> Status:
        """A gauge that is off, missing or out of range is a warning; only an error of the controller makes it unfit."""
        word = self._integer("ERR", self._ask("ERR"), high=1111)
        errors = [text for digit, text in ERRORS.items() if word // digit % 10]
        warnings = []
        for gauge in GAUGES:
            state = int(self.read(f"gauge{gauge}_status"))
            if state:
                warnings.append(f"gauge {gauge}: {GAUGE_STATES[state]}")
        return Status("fault" if errors else "measuring", not errors, tuple(errors + warnings))

    def make_safe(self) -> SafeResult:
        return SafeResult(True, "kept measuring")

    def _read(self, quantity: Quantity) -> Value:
        if not quantity.name.endswith("_pressure_mbar"):
            return super()._read(quantity)
        state, separator, number = self._ask(quantity.query).partition(",")
        code = self._integer(f"{quantity.name}'s status", state, high=6)
        value = self._number(quantity.name, number) if separator else None
        if value is None:
            raise self._garbled(f"{quantity.name} came without a status")
        if code:
            raise self._refused(f"{quantity.name} is not measured: {GAUGE_STATES[code]}")
        return self._believed(quantity, value * self._millibar())

    def _write(self, quantity: Quantity, value: Value) -> None:
        super()._write(quantity, value)
        back = self._parse(quantity, self._enquire(quantity.query))
        same = (
            back == value if isinstance(value, str) else abs(float(back) - float(value)) <= 5e-4 * max(1.0, abs(float(value)))
        )
        # "0" leaves a gauge as it is.
        if not same and not (quantity.name.endswith("_switch") and value == 0):
            raise self._refused(f"{quantity.name} reads back {back} after {value} was set")

    def _millibar(self) -> float:
        unit = self._ask("UNI")
        if unit not in MILLIBAR:
            raise self._refused(f"shows {UNITS.get(unit, f'unit {unit!r}')} and no pressure; set its unit to mbar")
        return MILLIBAR[unit]

    def _ask(self, text: str) -> str:
        with self.link:
            self._tell(text)
            return self._enquire(text)

    def _tell(self, text: str) -> None:
        with self.link:
            answer = self.link.query(self._line(text))
            if answer == NAK:
                word = self._integer("the error word", self._enquire(text), high=1111)
                reasons = [reason for digit, reason in ERRORS.items() if word // digit % 10]
                raise self._refused(f"{text!r}: {', '.join(reasons) or 'refused without a reason'}")
            if answer != ACK:
                raise self._garbled(f"{text!r} was answered with {answer!r}")

    def _enquire(self, text: str) -> str:
        reply = self.link.query(ENQ)
        if not all(0x20 <= byte < 0x7F for byte in reply) or not reply:
            raise self._garbled(f"{text!r} was answered with {reply!r}")
        return reply.decode("ascii")
