"""Coherent COMPexPro: the ArF ionisation laser at 193 nm, triggered from outside.

Sources: four open drivers that quote the user manual's remote chapter, as collected in the protocol sheet.  Settings are
silent: each is verified by a query.  The serial watchdog (TIMEOUT) is left off: its length is not documented anywhere.
"""

import re
import time
from collections.abc import Callable
from typing import ClassVar

from drivers.driver import Driver
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Quantity, Value
from drivers.roles import Identity, SafeResult, Status

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
    21: "warming up",
    26: "low light: pulses are missing",
    27: "wrong tube pressure",
    29: "memory check failed",
    31: "serial time-out",
    33: "halogen pressure too high",
    40: "preset energy too low",
    41: "value above the menu limit",
}
"""OPMODE codes (sheet, section 4); with ON they are warnings, with OFF they say why."""
STATE = re.compile(r"(?P<mode>[A-Z0-9 ]+(?:, ?[A-Z]+)?)(?::(?P<code>\d{1,2}))?")
SETTLE_S = 0.05
START_S = 15.0
"""Longest wait for ON; the start delay is 4.1 s (sheet, section 8)."""


class COMPexPro(Driver):
    """Role `ionisation laser`, in constant-energy mode without gas replacement (`MODE=EGY NGR`)."""

    framing = Terminated(b"\r")
    probe = Probe(b"TYPE OF LASER?\r", lambda reply: reply.upper().startswith(b"COMPEX"))
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("preset_energy_mJ", "mJ", int, "read-write", "EGY SET?", "EGY SET={value}", 50, 510, source="section 5"),
        Quantity("high_voltage_kV", "kV", float, "read", "HV?", low=0.0, high=40.0, source="section 5"),
        Quantity("tube_pressure_mbar", "mbar", int, "read", "PRESSURE?", low=0, high=6000, source="section 5"),
        Quantity("total_shots", "", int, "read", "TOTALCOUNTER?", low=0, source="section 5"),
    )

    def __init__(self, name: str, link: Link, *, energy_mJ: int = 150, pause: Callable[[float], None] = time.sleep) -> None:
        super().__init__(name, link)
        self._energy_mJ = energy_mJ
        self._pause = pause

    def identify(self) -> Identity:
        model = self._ask("TYPE OF LASER?")
        if not model.upper().startswith("COMPEX"):
            raise self._wrong("a COMPexPro", model)
        return Identity("Coherent", model, firmware=self._ask("VERSION?"))

    def prepare(self) -> None:
        """Off, outside trigger, constant energy at the configured preset."""
        self.stop()
        self._set("TRIGGER", "EXT")
        self._set("MODE", "EGY NGR")
        self.write("preset_energy_mJ", int(self._energy_mJ))

    def start(self) -> None:
        """Switch on, and wait until the laser says it is."""
        if self._set_mode("ON", "ON") is None:
            mode, code = self._state()
            raise self._refused(f"does not start: {_words(mode, code)}")

    def stop(self) -> None:
        """Switch off, and wait until the laser says it is."""
        if self._set_mode("OFF", "OFF") is None:
            mode, code = self._state()
            raise self._refused(f"does not stop: {_words(mode, code)}")

    def status(self) -> Status:
        mode, code = self._state()
        fault = mode == "OFF" and code not in (0, 21)
        warnings = (_words(mode, code),) if code not in (0,) else ()
        if fault and code == 1:
            warnings = (f"interlock: {self._ask('INTERLOCK?')}",)
        state = {"ON": "firing", "OFF": "warming up" if code == 21 else "off"}.get(mode, mode.lower())
        return Status("fault" if fault else state, not fault and code != 21, warnings)

    def make_safe(self) -> SafeResult:
        self.stop()
        mode, _ = self._state()
        return SafeResult(mode == "OFF", "off" if mode == "OFF" else f"still {mode}")

    def _set_mode(self, wanted: str, reached: str) -> str | None:
        self.link.send(f"OPMODE={wanted}\r".encode("ascii"))
        deadline = time.monotonic() + START_S
        while True:
            self._pause(SETTLE_S)
            mode, code = self._state()
            if mode == reached:
                return mode
            refused = wanted == "ON" and mode == "OFF" and code != 0
            if refused or time.monotonic() > deadline:
                return None

    def _state(self) -> tuple[str, int]:
        """Mode and code of `OPMODE?`; lasers differ in whether they append `:0`."""
        reply = self._ask("OPMODE?")
        found = STATE.fullmatch(reply)
        if found is None:
            raise self._garbled(f"OPMODE? was answered with {reply!r}")
        return found["mode"].replace(", ", ","), int(found["code"] or 0)

    def _write(self, quantity: Quantity, value: Value) -> None:
        self.link.send((quantity.command.format(value=value) + "\r").encode("ascii"))
        self._pause(SETTLE_S)
        back = self._read(quantity)
        if back != value:
            raise self._refused(f"{quantity.name} stays at {back} {quantity.unit} after {value} was set")

    def _set(self, name: str, value: str) -> None:
        self.link.send(f"{name}={value}\r".encode("ascii"))
        self._pause(SETTLE_S)
        back = self._ask(f"{name}?")
        if back != value:
            raise self._refused(f"{name} stays at {back!r} after {value!r} was set")

    def _ask(self, text: str) -> str:
        reply = self.link.query(f"{text}\r".encode("ascii"))
        if not reply or not all(0x20 <= byte < 0x7F for byte in reply):
            raise self._garbled(f"{text} was answered with {reply!r}")
        return reply.decode("ascii")


def _words(mode: str, code: int) -> str:
    return f"{mode.lower()}: {CODES.get(code, f'code {code}')}" if code else mode.lower()
